//! A TCP connection that delays media as little as TCP can.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use webrtc::runtime::{AsyncTcpListener, AsyncTcpStream};

/// What the kernel may hold unsent; it doubles this. At 2 Mb/s it is a quarter of a second, and over a round trip of 200 ms it is enough
/// for 2.6 Mb/s. The kernel's own limit is megabytes, which media would wait behind.
const SEND_BUFFER: usize = 64 << 10;

/// A connection; reading and writing do not wait for each other.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
}

impl Tcp {
    pub(super) async fn connect(remote: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(remote).await?)
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "send buffer stays at its default");
        }
        Ok(Self { stream })
    }
}

impl AsyncTcpStream for Tcp {
    fn read<'a, 'b>(&'a self, buffer: &'b mut [u8]) -> Pin<Box<dyn Future<Output = io::Result<usize>> + Send + 'b>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            loop {
                self.stream.readable().await?;
                match self.stream.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        })
    }

    fn write_all<'a, 'b>(&'a self, mut buffer: &'b [u8]) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'b>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            while !buffer.is_empty() {
                self.stream.writable().await?;
                match self.stream.try_write(buffer) {
                    Ok(count) => buffer = &buffer[count..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

/// A listener whose connections are such ones.
#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
}

impl Listener {
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn new(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::from_std(listener)? })
    }
}

impl AsyncTcpListener for Listener {
    fn accept<'a>(&'a self) -> Pin<Box<dyn Future<Output = io::Result<(Arc<dyn AsyncTcpStream>, SocketAddr)>> + Send + 'a>> {
        Box::pin(async {
            let (stream, peer) = self.listener.accept().await?;
            Ok((Arc::new(Tcp::new(stream)?) as Arc<dyn AsyncTcpStream>, peer))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
