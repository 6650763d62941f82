//! The ground under `webrtc`: tasks, timers and sockets.
//!
//! [`system_runtime`] is tokio. Each connection gets it through a guard of its own, which repairs lost DTLS
//! flights, carries TURN over TCP and TLS, keeps ICE over TCP within bounds, and reports a task that ends or panics. [`sim`] is a network in memory under a virtual clock; it goes
//! through the same guard, so tests meet the code that real calls run.

mod flight;
mod guard;
mod ice_tcp;
#[doc(hidden)]
pub mod sim;
mod socket;
mod system;
mod tcp;
pub(crate) mod turn;

pub(crate) use guard::{Guard, Stopped};
pub use system::system_runtime;
pub use turn::{Cipher, Tls};
pub use webrtc::runtime::Runtime;
