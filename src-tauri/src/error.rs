//! What goes wrong outside the client, and the one shape in which it reaches the page: `{code, message}`.

use std::{io, net::SocketAddr};

use client::Code;

pub use client::Error;

/// Why the channel service that this app would embed or share cannot be had. None is the call's fault; each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Another program holds the port. Trying again helps once it has let go of it.
    #[error(
        "Port {port} on this computer is used by another program, so that calls cannot be carried. \
         Close that program, or start Visavis with --listen 127.0.0.1:PORT and a port that is free."
    )]
    PortTaken { port: u16 },
    /// The service on the port is a Visavis of another protocol version.
    #[error("Another version of Visavis (protocol {theirs}, ours is {ours}) is running on port {port}. Close it, or update both.")]
    OtherVersion { port: u16, theirs: u16, ours: u16 },
    /// The system refuses the address.
    #[error("Visavis cannot listen on {address} ({kind}). Start it with --listen 127.0.0.1:PORT and another address or port.")]
    Address { address: SocketAddr, kind: io::ErrorKind },
    /// The service that somebody named cannot be reached; the client's own words say why. A join tries it all the same.
    #[error("{}", .0.message)]
    Unreachable(Error),
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        let code = match error {
            ServiceError::Unreachable(error) => return error,
            ServiceError::PortTaken { .. } => Code::PortTaken,
            ServiceError::OtherVersion { .. } => Code::UnsupportedVersion,
            ServiceError::Address { .. } => Code::SocketError,
        };
        Self::new(code, error.to_string())
    }
}

/// The page asked for something that does not exist or cannot be read.
pub fn invalid_parameter(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidParameter, message)
}

/// The app itself failed; `what` is a clause like "the window could not be opened".
pub fn internal(what: &str, cause: impl std::fmt::Display) -> Error {
    tracing::error!(%cause, "{what}");
    Error::new(Code::InternalError, format!("Something went wrong in Visavis itself: {what} ({cause})."))
}
