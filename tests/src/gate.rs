//! A loopback port of a host, reached from outside.

use std::{net::TcpStream as Stream, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::namespace::enter;

/// The way to one port; dropping it closes the way.
pub struct Gate {
    outer: JoinHandle<()>,
    port: u16,
}

impl Gate {
    /// Opens the way to `port` of a host, which has this name.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn open(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let here = listener.local_addr().expect("a bound listener has an address").port();
        let host: Arc<str> = host.into();
        let outer = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, host.clone(), port));
            }
        });
        Self { outer, port: here }
    }

    /// The port on this side.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.outer.abort();
    }
}

/// Carries bytes both ways until an end closes. One that is not there is not reached: the other sees its connection closed.
async fn carry(mut from: TcpStream, host: Arc<str>, port: u16) -> Option<()> {
    // A socket stays with the host where it was opened; the thread that opens it must not come back among others.
    let open = move || enter(&host).and_then(|()| Stream::connect(("127.0.0.1", port)));
    let to = tokio::task::spawn_blocking(move || std::thread::spawn(open).join()).await.ok()?.ok()?.ok()?;
    to.set_nonblocking(true).ok()?;
    copy_bidirectional(&mut from, &mut TcpStream::from_std(to).ok()?).await.ok()?;
    Some(())
}
