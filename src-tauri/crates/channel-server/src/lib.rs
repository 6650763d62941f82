//! The channel service: who is in a channel, what they publish, and the relay between the two ends of a subscription.
//!
//! In memory only: when a service restarts, its clients rejoin with their uids and publish again, and it is what it was.
//! Media never comes here.
//!
//! ```text
//! config · origins · error      what a service is told, which pages may talk to it, why it stopped
//! server                        HTTP: health, upgrade, several addresses, graceful end
//! connection · outbox · pace    one client's WebSocket, its bounded queue, its rate limits
//! request                       a client's text → a request, or the code of its mistake
//! service · admission · ban     all channels; projects and tokens; whom the operator keeps out
//! live                          a channel with the queues of its connections
//! channel/                      one channel: the pure state machine
//! ```

mod admission;
pub mod ban;
mod channel;
mod config;
mod connection;
mod error;
mod live;
mod origins;
mod outbox;
mod pace;
mod request;
mod server;
mod service;

pub use config::{Config, DEFAULT_APP_ID, Limits, Project};
pub use error::Error;
pub use origins::Origins;
pub use server::{serve, serve_all};
