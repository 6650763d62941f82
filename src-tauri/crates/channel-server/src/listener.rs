//! Where a service listens, and what it shows there.

use tokio::net::TcpListener;

use crate::Identity;

/// A bound address with what is served there.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Plain,
    Tls(Box<Identity>),
    /// For the operator's own network: health and metrics, nothing else, without limits.
    Private,
}

impl Listener {
    /// Channels and health, unencrypted.
    pub fn plain(socket: TcpListener) -> Self {
        Self { socket, kind: Kind::Plain }
    }

    /// The same over TLS.
    pub fn tls(socket: TcpListener, identity: Identity) -> Self {
        Self { socket, kind: Kind::Tls(Box::new(identity)) }
    }

    /// Health and metrics, unencrypted: for an address that only the operator reaches.
    pub fn private(socket: TcpListener) -> Self {
        Self { socket, kind: Kind::Private }
    }
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self::plain(socket)
    }
}
