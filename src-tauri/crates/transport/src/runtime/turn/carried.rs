//! A connection's sockets, whose datagrams for a TURN server over a stream are carried there.
//!
//! Invariant: a server has one stream a connection. The first socket that sends to the server has it; the others are refused, so
//! the library gives their allocations up. An ICE restart's new sockets have new streams.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, Transmit};

use super::answers::{self, Answers};
use super::servers::{Server, Servers};
use super::stream;
use super::tls::Tls;

/// Datagrams that came over streams and wait for the library, which reads whenever it can; beyond them the oldest are dropped.
const INBOX: usize = 512;

/// The streams of one connection.
pub(crate) struct Carrier {
    runtime: Arc<dyn Runtime>,
    servers: Arc<Servers>,
    tls: Option<Arc<dyn Tls>>,
    lines: Mutex<HashMap<SocketAddr, Line>>,
    answers: Mutex<Answers>,
    sockets: AtomicU64,
}

/// A stream and the socket that has it.
struct Line {
    socket: u64,
    queue: mpsc::Sender<Vec<u8>>,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Carrier {
    pub(in crate::runtime) fn new(runtime: Arc<dyn Runtime>, servers: Arc<Servers>, tls: Option<Arc<dyn Tls>>) -> Arc<Self> {
        Arc::new(Self { runtime, servers, tls, lines: Mutex::default(), answers: Mutex::default(), sockets: AtomicU64::new(0) })
    }

    /// The address that stands for a name of ours.
    pub(in crate::runtime) fn resolve(&self, place: &str) -> Option<SocketAddr> {
        self.servers.resolve(place)
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<SocketAddr, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why TURN servers are of no use to this connection, if it is known by now.
    pub(crate) fn trouble(&self) -> Option<String> {
        let name = |address| self.servers.at(address).map_or_else(|| format!("turn:{address}?transport=udp"), |server| server.to_string());
        self.answers().trouble(self.runtime.now(), name)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_sent(&self, socket: u64, transmit: &Transmit<'_>) {
        if answers::concerns(transmit.contents) {
            self.answers().on_sent(socket, transmit.destination, transmit.contents, self.runtime.now());
        }
    }

    fn on_received(&self, socket: u64, from: SocketAddr, datagram: &[u8]) {
        if answers::concerns(datagram) {
            self.answers().on_received(socket, from, datagram);
        }
    }

    /// Sends a datagram to `server`, which `address` stands for.
    fn send(self: &Arc<Self>, socket: &Carried, address: SocketAddr, server: Server, datagram: &[u8]) -> io::Result<()> {
        let mut lines = self.lines();
        let line = lines.entry(address).or_insert_with(|| Line { socket: socket.number, queue: self.open(socket, address, server) });
        if line.socket != socket.number {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another socket has the stream to this TURN server"));
        }
        match line.queue.try_send(datagram.to_vec()) {
            // Lost, as UDP loses what a link cannot take.
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Err(io::Error::new(io::ErrorKind::BrokenPipe, "the stream to this TURN server is over"))
            }
        }
    }

    /// Starts a stream whose datagrams come out of `socket`.
    fn open(self: &Arc<Self>, socket: &Carried, address: SocketAddr, server: Server) -> mpsc::Sender<Vec<u8>> {
        let (queue, datagrams) = mpsc::channel(stream::QUEUE);
        let (carrier, number, inbox) = (Arc::clone(self), socket.number, Arc::clone(&socket.inbox));
        self.runtime.spawn(Box::pin(async move {
            let deliver = Box::new(move |datagram: &[u8]| inbox.put(address, datagram));
            carrier.runtime.sleep(carrier.servers.head_start(&server)).await;
            match stream::run(&carrier.runtime, carrier.tls.as_ref(), &server, datagrams, deliver).await {
                Ok(()) => tracing::debug!(%server, "a stream to a TURN server ended"),
                Err(error) => {
                    tracing::warn!(%server, %error, "a TURN server cannot be used");
                    carrier.answers().on_unusable(number, address, error.to_string());
                }
            }
        }));
        queue
    }
}

/// What came over streams for one socket.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, from: SocketAddr, datagram: &[u8]) {
        let reader = {
            let mut waiting = self.waiting();
            if waiting.datagrams.len() == INBOX {
                waiting.datagrams.pop_front();
            }
            waiting.datagrams.push_back((from, datagram.to_vec()));
            waiting.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn take(&self, reader: &Waker) -> Option<(SocketAddr, Vec<u8>)> {
        let mut waiting = self.waiting();
        let datagram = waiting.datagrams.pop_front();
        if datagram.is_none() {
            waiting.reader = Some(reader.clone());
        }
        datagram
    }
}

/// A socket that also reaches TURN servers over streams.
pub(in crate::runtime) struct Carried {
    socket: Arc<dyn AsyncUdpSocket>,
    carrier: Arc<Carrier>,
    number: u64,
    inbox: Arc<Inbox>,
}

impl Carried {
    pub(in crate::runtime) fn new(socket: Arc<dyn AsyncUdpSocket>, carrier: Arc<Carrier>) -> Self {
        let number = carrier.sockets.fetch_add(1, Ordering::Relaxed);
        Self { socket, carrier, number, inbox: Arc::default() }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.carrier.lines().retain(|_, line| line.socket != self.number);
        self.carrier.answers().on_closed(self.number);
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Carried {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.carrier.on_sent(self.number, transmit);
        let Some(server) = self.carrier.servers.at(transmit.destination) else { return self.socket.poll_send(context, transmit) };
        let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        let mut datagrams = transmit.contents.chunks(size);
        let sent = datagrams.try_for_each(|datagram| self.carrier.send(self, transmit.destination, server.clone(), datagram));
        Poll::Ready(sent.map(|()| transmit.contents.len()))
    }

    fn poll_recv(&self, context: &mut Context<'_>, buffers: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(first)) = (buffers.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
        let Some((from, datagram)) = self.inbox.take(context.waker()) else {
            let received = self.socket.poll_recv(context, buffers, meta);
            if let Poll::Ready(Ok(count)) = &received {
                for (buffer, meta) in buffers.iter().zip(meta.iter()).take(*count) {
                    self.carrier.on_received(self.number, meta.addr, &buffer[..meta.len.min(buffer.len())]);
                }
            }
            return received;
        };
        self.carrier.on_received(self.number, from, &datagram);
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        *first = RecvMeta::default();
        (first.addr, first.len, first.stride) = (from, length, length.max(1));
        Poll::Ready(Ok(1))
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::system_runtime;
    use std::net::UdpSocket;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// ChannelData of one byte, and its form on a stream.
    const DATAGRAM: [u8; 5] = [0x40, 1, 0, 1, 9];
    const FRAMED: [u8; 8] = [0x40, 1, 0, 1, 9, 0, 0, 0];

    /// A carrier that reaches a listener on loopback, the address that stands for it, and a way to make sockets.
    async fn bench() -> (TcpListener, SocketAddr, impl Fn() -> Arc<Carried>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let servers = Arc::new(Servers::default());
        let url = servers.over_udp(&format!("turn:127.0.0.1:{port}?transport=tcp"));
        let address = servers.resolve(url.trim_start_matches("turn:").trim_end_matches("?transport=udp")).unwrap();
        let runtime = system_runtime();
        let carrier = Carrier::new(Arc::clone(&runtime), servers, None);
        let socket = move || {
            let socket = runtime.wrap_udp_socket(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
            Arc::new(Carried::new(socket, Arc::clone(&carrier)))
        };
        (listener, address, socket)
    }

    async fn read(stream: &mut TcpStream) -> [u8; 8] {
        let mut framed = [0; 8];
        stream.read_exact(&mut framed).await.unwrap();
        framed
    }

    #[tokio::test]
    async fn datagrams_go_over_the_stream_and_come_back_from_the_servers_address() {
        let (listener, address, socket) = bench().await;
        let socket = socket();
        socket.send_to(&DATAGRAM, address).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(read(&mut stream).await, FRAMED);
        // In pieces, and two at once.
        stream.write_all(&FRAMED[..3]).await.unwrap();
        stream.write_all(&[&FRAMED[3..], &FRAMED].concat()).await.unwrap();
        for _ in 0..2 {
            let mut buffer = [0; 100];
            assert_eq!(socket.recv_from(&mut buffer).await.unwrap(), (5, address));
            assert_eq!(buffer[..5], DATAGRAM);
        }
    }

    #[tokio::test]
    async fn other_datagrams_go_over_the_socket_and_both_ways_are_read() {
        let (listener, address, socket) = bench().await;
        let (one, other) = (socket(), socket());
        one.send_to(&DATAGRAM, address).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 100];
        other.send_to(b"plain", one.local_addr().unwrap()).await.unwrap();
        assert_eq!(one.recv_from(&mut buffer).await.unwrap(), (5, other.local_addr().unwrap()));
        stream.write_all(&FRAMED).await.unwrap();
        assert_eq!(one.recv_from(&mut buffer).await.unwrap(), (5, address));
    }

    #[tokio::test]
    async fn the_first_socket_has_the_stream_until_it_is_gone() {
        let (listener, address, socket) = bench().await;
        let (first, second) = (socket(), socket());
        first.send_to(&DATAGRAM, address).await.unwrap();
        assert_eq!(second.send_to(&DATAGRAM, address).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // What it had sent still goes out, then its stream ends.
        drop(first);
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(read(&mut stream).await, FRAMED);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        second.send_to(&DATAGRAM, address).await.unwrap();
        assert_eq!(read(&mut listener.accept().await.unwrap().0).await, FRAMED);
    }

    #[tokio::test]
    async fn a_stream_that_ends_or_brings_garbage_is_over() {
        for last_words in [&b""[..], b"\xff\xff"] {
            let (listener, address, socket) = bench().await;
            let socket = socket();
            socket.send_to(&DATAGRAM, address).await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            read(&mut stream).await;
            stream.write_all(last_words).await.unwrap();
            stream.shutdown().await.unwrap();
            let error = loop {
                match socket.send_to(&DATAGRAM, address).await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_read_loses_datagrams_and_delays_nobody() {
        let (listener, address, socket) = bench().await;
        let socket = socket();
        let mut datagram = vec![0x40, 1, 4, 0];
        datagram.resize(4 + 1024, 7);
        for _ in 0..10_000 {
            socket.send_to(&datagram, address).await.unwrap();
        }
        drop(listener);
    }
}
