//! One simulated machine as a [`Runtime`].

use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use webrtc::runtime::{AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, Transmit};

use super::network::HostId;
use super::{Sim, Sleep, TaskId, World, tcp};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One simulated machine.
pub(super) struct Host {
    world: Arc<World>,
    id: HostId,
}

impl Host {
    pub(super) fn new(world: Arc<World>, id: HostId) -> Self {
        Self { world, id }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.id)
    }
}

fn unnamed<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the simulated network has no names"))
}

impl Runtime for Host {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        Box::new(Handle { world: Arc::clone(&self.world), id: self.world.spawn(future) })
    }

    /// The real socket only lends its address, and keeps it reserved.
    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let address = socket.local_addr()?;
        self.world.state().network.bind(address, self.id);
        Ok(Arc::new(Socket { world: Arc::clone(&self.world), host: self.id, address, _reserved: socket }))
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        Ok(Arc::new(tcp::Listener::new(Arc::clone(&self.world), self.id, listener)?))
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        Box::pin(tcp::connect(Arc::clone(&self.world), self.id, remote))
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { host.parse().map(|address| vec![address]).or_else(|_| unnamed()) })
    }

    fn now(&self) -> Instant {
        self.world.state().now
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(Sleep::new(Arc::clone(&self.world), duration))
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        Box::new(Interval { world: Arc::clone(&self.world), period, first: true })
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        Sim { world: Arc::clone(&self.world) }.run(future);
    }

    fn name(&self) -> &'static str {
        "simulated"
    }
}

struct Handle {
    world: Arc<World>,
    id: TaskId,
}

impl JoinHandle for Handle {
    fn detach(&self) {}

    fn abort(&self) {
        // Dropped outside the lock: a task's destructor may come back to the world.
        let slot = self.world.state().tasks.remove(&self.id);
        drop(slot);
    }

    fn is_finished(&self) -> bool {
        !self.world.state().tasks.contains_key(&self.id)
    }
}

struct Interval {
    world: Arc<World>,
    period: Duration,
    first: bool,
}

impl AsyncInterval for Interval {
    fn tick(&mut self) -> Boxed<'_, ()> {
        let wait = if std::mem::take(&mut self.first) { Duration::ZERO } else { self.period };
        Box::pin(Sleep::new(Arc::clone(&self.world), wait))
    }
}

struct Socket {
    world: Arc<World>,
    host: HostId,
    address: SocketAddr,
    _reserved: UdpSocket,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.address)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.world.state().network.unbind(self.address);
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        let mut state = self.world.state();
        let now = state.now;
        for datagram in transmit.contents.chunks(size) {
            state.network.send(self.host, self.address, transmit.destination, datagram, now);
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(&self, context: &mut Context<'_>, buffers: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
        let received = self.world.state().network.receive(self.address, context.waker());
        let Some((source, data)) = received else { return Poll::Pending };
        let len = data.len().min(buffer.len());
        buffer[..len].copy_from_slice(&data[..len]);
        *meta = RecvMeta::default();
        meta.addr = source;
        meta.len = len;
        meta.stride = len.max(1);
        Poll::Ready(Ok(1))
    }
}
