//! The pure halves of `transport` and the frames of `channel-server`, by their files: the crates themselves would bring all of webrtc
//! and HTTP along.

#[path = "../../../src-tauri/crates/transport/src/receive/mod.rs"]
pub mod receive;
#[path = "../../../src-tauri/crates/transport/src/send/mod.rs"]
pub mod send;
#[path = "../../../src-tauri/crates/transport/src/runtime/ice_tcp/frame.rs"]
pub mod ice_tcp_frame;
#[path = "../../../src-tauri/crates/transport/src/runtime/turn/frame.rs"]
pub mod turn_frame;
#[path = "../../../src-tauri/crates/channel-server/src/frames.rs"]
pub mod frames;
