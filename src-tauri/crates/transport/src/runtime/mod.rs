//! The ground under `webrtc`: tasks, timers and sockets.

use std::sync::Arc;

pub use webrtc::runtime::Runtime;

/// The runtime for real calls. Must be used inside a tokio runtime.
pub fn system_runtime() -> Arc<dyn Runtime> {
    unimplemented!()
}
