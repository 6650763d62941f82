//! Why a service stopped.

use std::io;

/// Neither is a client's fault; a new start may help when the cause is gone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the channel service has no address to listen on")]
    NoListener,
    #[error("the channel service cannot accept connections: {0}")]
    Accept(#[source] io::Error),
}
