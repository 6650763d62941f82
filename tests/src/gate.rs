//! A loopback port of a host on a [`Wire`], reached from outside: two relays with a Unix socket between them, since files know no networks.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::JoinHandle,
};

use crate::{
    process::{Group, until},
    wire::{End, Wire},
};

/// How long the inner relay may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to one port; dropping it closes the way.
pub struct Gate {
    _inner: Group,
    outer: JoinHandle<()>,
    socket: PathBuf,
    port: u16,
}

impl Gate {
    /// Opens the way to `port` at an end. This very program is started there as `relay SOCKET PORT`, and has to call [`relay`] then.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn open(wire: &Wire, end: End, port: u16) -> Self {
        let socket = std::env::temp_dir().join(format!("visavis-gate-{}-{port}", std::process::id()));
        let program = std::env::current_exe().expect("a running program has a file");
        let inner = Group::start(wire.command(end, program).arg("relay").arg(&socket).arg(port.to_string()));
        until("the relay listens", PATIENCE, async || socket.exists().then_some(())).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let here = listener.local_addr().expect("a bound listener has an address").port();
        let path = socket.clone();
        let outer = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let path = path.clone();
                tokio::spawn(async move { carry(stream, UnixStream::connect(path).await).await });
            }
        });
        Self { _inner: inner, outer, socket, port: here }
    }

    /// The port on this side.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.outer.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// The inner half: takes connections from a Unix socket to a loopback port, until it is ended.
///
/// # Errors
/// If the socket cannot be made.
pub async fn relay(socket: &Path, port: u16) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move { carry(stream, TcpStream::connect(("127.0.0.1", port)).await).await });
    }
}

/// Carries bytes both ways until an end closes. One that is not there is not reached: the other sees its connection closed.
async fn carry<A, B>(mut from: A, to: io::Result<B>)
where
    A: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    B: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Ok(mut to) = to {
        let _ = copy_bidirectional(&mut from, &mut to).await;
    }
}
