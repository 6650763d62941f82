//! Simulated TCP: what is written arrives after the link's delay, in order. What losses and rates make of TCP is not simulated.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use webrtc::runtime::{AsyncTcpListener, AsyncTcpStream};

use super::network::HostId;
use super::{Sleep, World};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Incoming = (Arc<dyn AsyncTcpStream>, SocketAddr);
type Piece = (Instant, Vec<u8>);

/// Where connecting ends have their ports: below those of sockets.
const FIRST_PORT: u16 = 1024;

/// The listeners of all machines.
#[derive(Default)]
pub(super) struct Listeners {
    open: HashMap<SocketAddr, (HostId, mpsc::UnboundedSender<Incoming>)>,
    connected: u16,
}

impl Listeners {
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}

/// Listens at an address, which the real listener only lends and keeps reserved.
pub(super) struct Listener {
    world: Arc<World>,
    address: SocketAddr,
    incoming: Mutex<mpsc::UnboundedReceiver<Incoming>>,
    _reserved: std::net::TcpListener,
}

impl Listener {
    pub(super) fn new(world: Arc<World>, host: HostId, reserved: std::net::TcpListener) -> io::Result<Self> {
        let address = reserved.local_addr()?;
        let (sender, incoming) = mpsc::unbounded_channel();
        world.state().listeners.open.insert(address, (host, sender));
        Ok(Self { world, address, incoming: Mutex::new(incoming), _reserved: reserved })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let gone = self.world.state().listeners.open.remove(&self.address);
        drop(gone);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}

impl AsyncTcpListener for Listener {
    fn accept<'a>(&'a self) -> Boxed<'a, io::Result<Incoming>> {
        Box::pin(async {
            // The sender lives as long as this listener.
            self.incoming.lock().await.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Connects `from` to `remote`, which takes a round trip.
pub(super) async fn connect(world: Arc<World>, from: HostId, remote: SocketAddr) -> io::Result<Arc<dyn AsyncTcpStream>> {
    let found = world.state().listeners.open.get(&remote).map(|(host, _)| *host);
    let Some(host) = found else { return Err(io::ErrorKind::ConnectionRefused.into()) };
    let delays = [(from, host), (host, from)].map(|(one, other)| world.state().network.delay(one, other));
    Sleep::new(Arc::clone(&world), delays[0] + delays[1]).await;
    let (local, listener) = {
        let mut state = world.state();
        state.listeners.connected += 1;
        let local = SocketAddr::new(remote.ip(), FIRST_PORT + state.listeners.connected);
        (local, state.listeners.open.get(&remote).map(|(_, listener)| listener.clone()))
    };
    let (ours, theirs) = pair(&world, [(local, delays[0]), (remote, delays[1])]);
    // Outside the lock: it wakes who accepts.
    let accepted = listener.map(|listener| listener.send((Arc::new(theirs), local)));
    if !matches!(accepted, Some(Ok(()))) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(Arc::new(ours))
}

/// The two ends of a connection: their addresses, and the delay of what they write.
fn pair(world: &Arc<World>, [one, other]: [(SocketAddr, Duration); 2]) -> (Stream, Stream) {
    let (to_other, from_one) = mpsc::unbounded_channel();
    let (to_one, from_other) = mpsc::unbounded_channel();
    let end = |local, remote, delay, write, read| {
        let reading = Mutex::new(Reading { read, rest: None });
        Stream { world: Arc::clone(world), local, remote, delay, write, reading }
    };
    (end(one.0, other.0, one.1, to_other, from_other), end(other.0, one.0, other.1, to_one, from_one))
}

struct Stream {
    world: Arc<World>,
    local: SocketAddr,
    remote: SocketAddr,
    delay: Duration,
    write: mpsc::UnboundedSender<Piece>,
    reading: Mutex<Reading>,
}

struct Reading {
    read: mpsc::UnboundedReceiver<Piece>,
    /// What came, or comes at its time, and was not read yet.
    rest: Option<Piece>,
}

impl Stream {
    async fn next(&self, buffer: &mut [u8]) -> usize {
        let mut reading = self.reading.lock().await;
        if reading.rest.is_none() {
            reading.rest = reading.read.recv().await;
        }
        let Some((at, piece)) = &mut reading.rest else { return 0 };
        let wait = at.saturating_duration_since(self.world.state().now);
        Sleep::new(Arc::clone(&self.world), wait).await;
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            reading.rest = None;
        }
        count
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} to {})", self.local, self.remote)
    }
}

impl AsyncTcpStream for Stream {
    fn read<'a, 'b>(&'a self, buffer: &'b mut [u8]) -> Boxed<'b, io::Result<usize>>
    where
        'a: 'b,
    {
        Box::pin(async { Ok(self.next(buffer).await) })
    }

    fn write_all<'a, 'b>(&'a self, buffer: &'b [u8]) -> Boxed<'b, io::Result<()>>
    where
        'a: 'b,
    {
        let arrival = self.world.state().now + self.delay;
        let written = self.write.send((arrival, buffer.to_vec())).map_err(|_| io::ErrorKind::BrokenPipe.into());
        Box::pin(std::future::ready(written))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.remote)
    }
}
