//! Tokio as the runtime of real calls.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::tcp::{Listener, Tcp};
use socket2::SockRef;
use tokio::runtime::Handle;
use webrtc::runtime::{AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A keyframe at a high bitrate arrives as 150 packets at once; the usual 208 KiB lose some of them.
const RECEIVE_BUFFER: usize = 2 << 20;

/// The runtime for real calls: the current tokio runtime, usable from any thread from then on.
///
/// # Panics
/// Outside a tokio runtime.
pub fn system_runtime() -> Arc<dyn Runtime> {
    Arc::new(System { handle: Handle::current() })
}

#[derive(Debug)]
struct System {
    handle: Handle,
}

impl Runtime for System {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        let _inside = self.handle.enter();
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        // The kernel grants at most net.core.rmem_max; less room costs packets in bursts, not the connection.
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "receive buffer stays at its default");
        }
        let _inside = self.handle.enter();
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        let _inside = self.handle.enter();
        Ok(Arc::new(Listener::new(listener)?))
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        Box::pin(async move { Ok(Arc::new(Tcp::connect(remote).await?) as Arc<dyn AsyncTcpStream>) })
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        let _inside = self.handle.enter();
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        let _inside = self.handle.enter();
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.handle.block_on(future);
    }

    fn name(&self) -> &'static str {
        "tokio"
    }
}
