//! The channel service: who is in a channel, what they publish, and the relay between the two ends of a subscription.
mod config;
mod error;
mod origins;

use std::future::Future;

use tokio::net::TcpListener;

pub use config::{Config, DEFAULT_APP_ID, Limits, Project};
pub use error::Error;
pub use origins::Origins;

/// Runs a service on one address until `shutdown` completes; see [`serve_all`].
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    serve_all(vec![listener], config, shutdown).await
}

/// Runs one service on several addresses until `shutdown` completes and the clients are told (see [`Config::drain`]).
pub async fn serve_all(_listeners: Vec<TcpListener>, _config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    shutdown.await;
    Err(Error::NoListener)
}
