//! The channel service: who is in a channel, what they publish, and the relay between the two ends of a subscription.
//!
//! In memory only: when a service restarts, its clients rejoin with their uids and publish again, and it is what it was.
//! Media never comes here.
//!
//! ```text
//! settings/                     what the operator may say, and where: flags, environment, file
//! config · origins · error      what a service is told, which pages may talk to it, why it stopped
//! server                        several addresses, graceful end
//! listener · accept · tls       an address; its connections, up to HTTP; certificates
//! gate · limiter · client_address   who may connect how often, and who that is behind a proxy
//! routes · metrics              HTTP: health, upgrade, what is counted
//! handshake · socket · frames   a WebSocket: how it begins, its bytes, what they mean
//! admin/                        what the bearer of the admin key may do over HTTP
//! connection · outbox · pace    one client's connection, its bounded queue, its rate limits
//! request                       a client's text → a request, or the code of its mistake
//! service · admission · ban     all channels; projects and tokens; whom the operator keeps out
//! tokens                        tokens made and examined for whoever runs a project
//! projects/                     App IDs and certificates, and the file they are kept in
//! grant                         what a member may do, and until when
//! turn                          credentials for TURN servers
//! clock                         the time, as the edges read it
//! live                          a channel with the queues of its connections
//! channel/                      one channel: the pure state machine
//! ```

mod accept;
mod admin;
mod admission;
pub mod ban;
mod channel;
mod client_address;
mod clock;
mod config;
mod connection;
mod descriptors;
mod error;
mod frames;
mod gate;
mod grant;
mod handshake;
mod limiter;
mod listener;
mod live;
mod metrics;
mod origins;
mod outbox;
mod pace;
pub mod projects;
mod request;
mod routes;
mod server;
mod service;
pub mod settings;
mod socket;
mod tls;
pub mod tokens;
mod turn;

pub use admin::{AdminKey, WeakKey};
pub use client_address::{Network, Proxies};
pub use clock::unix_now;
pub use config::{Config, Limits};
pub use descriptors::raise_descriptor_limit;
pub use error::Error;
pub use listener::Listener;
pub use origins::Origins;
pub use projects::DEFAULT_APP_ID;
pub use server::{serve, serve_all, serve_on};
pub use tls::{Identity, IdentityError};
pub use turn::Turn;
