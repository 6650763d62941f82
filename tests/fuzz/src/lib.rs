//! The pure halves of `transport`, by their files: the crate itself would bring all of webrtc under the sanitizers.

#[path = "../../../src-tauri/crates/transport/src/receive/mod.rs"]
pub mod receive;
#[path = "../../../src-tauri/crates/transport/src/send/mod.rs"]
pub mod send;
