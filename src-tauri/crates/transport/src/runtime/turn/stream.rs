//! One stream to a TURN server: datagrams in, datagrams out.
//!
//! Invariants: the stream ends when its owner drops the queue, after what was queued has been written; a stream that cannot keep up
//! loses datagrams, as UDP does, instead of delaying them; reading never waits for writing.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc};
use webrtc::runtime::{AsyncTcpStream, Runtime};

use super::frame::{self, Frames};
use super::servers::Server;
use super::tls::{Cipher, Tls};

/// Datagrams that wait to be written. With the kernel's own buffer a tenth of a second at 2 Mb/s, and a keyframe's burst.
pub(super) const QUEUE: usize = 64;
/// For the connection and TLS; an attempt to find a path takes little longer.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// Addresses are tried this long after each other (RFC 8305 §8).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
const READ: usize = 16 * 1024;

/// Where a stream's datagrams go.
pub(super) type Deliver = Box<dyn Fn(&[u8]) + Send + Sync>;

/// Connects to `server` and carries datagrams until `queue` is closed. The error says why it ended before.
pub(super) async fn run(
    runtime: &Arc<dyn Runtime>,
    tls: Option<&Arc<dyn Tls>>,
    server: &Server,
    queue: mpsc::Receiver<Vec<u8>>,
    deliver: Deliver,
) -> io::Result<()> {
    let opened = async {
        let cipher = match (server.tls, tls) {
            (false, _) => None,
            (true, Some(tls)) => Some(tls.open(&server.host).await?),
            (true, None) => return Err(io::Error::new(io::ErrorKind::Unsupported, "this program was made without TLS for TURN")),
        };
        Ok((connect(runtime, server).await?, cipher))
    };
    let (stream, cipher) = tokio::select! {
        opened = opened => opened?,
        () = runtime.sleep(OPEN_LIMIT) => return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")),
    };
    carry(stream, cipher, queue, deliver).await
}

/// The first connection that comes about, over any of the server's addresses.
async fn connect(runtime: &Arc<dyn Runtime>, server: &Server) -> io::Result<Arc<dyn AsyncTcpStream>> {
    let place = server.address();
    let addresses = runtime.resolve_host(&place).await?;
    let attempt = async |order: u32, address: SocketAddr| {
        runtime.sleep(NEXT_ADDRESS * order).await;
        runtime.connect_tcp(address).await
    };
    let mut attempts: FuturesUnordered<_> = (0..).zip(addresses).map(|(order, address)| attempt(order, address)).collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    while let Some(connected) = attempts.next().await {
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Carries datagrams over an open connection.
async fn carry(
    stream: Arc<dyn AsyncTcpStream>,
    cipher: Option<Box<dyn Cipher>>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    deliver: Deliver,
) -> io::Result<()> {
    let seal = Seal { cipher: cipher.map(Mutex::new), due: Notify::new() };
    // TLS speaks first.
    seal.due.notify_one();
    tokio::select! {
        written = write(&*stream, &seal, &mut queue) => written,
        read = read(&*stream, &seal, &deliver) => read,
    }
}

/// What both directions share.
struct Seal {
    /// `None` for a plain stream.
    cipher: Option<Mutex<Box<dyn Cipher>>>,
    /// The cipher may have something to say that nobody asked it to.
    due: Notify,
}

impl Seal {
    fn seal(&self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        let Some(cipher) = &self.cipher else { return Ok(plain) };
        let mut wire = Vec::with_capacity(plain.len() + 64);
        cipher.lock().unwrap_or_else(PoisonError::into_inner).seal(&plain, &mut wire)?;
        Ok(wire)
    }

    fn open(&self, wire: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        plain.clear();
        match &self.cipher {
            None => plain.extend_from_slice(wire),
            Some(cipher) => {
                cipher.lock().unwrap_or_else(PoisonError::into_inner).open(wire, plain)?;
                self.due.notify_one();
            }
        }
        Ok(())
    }
}

/// Ends well when the queue is closed and written.
async fn write(stream: &dyn AsyncTcpStream, seal: &Seal, queue: &mut mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    loop {
        let mut plain = Vec::new();
        tokio::select! {
            datagram = queue.recv() => match datagram {
                // The library sends nothing else to a TURN server; what it should not have sent is not sent.
                Some(datagram) => if let Err(garbage) = frame::put(&datagram, &mut plain) {
                    tracing::debug!(%garbage, "dropped a datagram for a TURN server");
                },
                None => return Ok(()),
            },
            () = seal.due.notified() => {}
        }
        let wire = seal.seal(plain)?;
        if !wire.is_empty() {
            stream.write_all(&wire).await?;
        }
    }
}

/// Ends with an error only.
async fn read(stream: &dyn AsyncTcpStream, seal: &Seal, deliver: &Deliver) -> io::Result<()> {
    let mut frames = Frames::default();
    let (mut buffer, mut plain) = (vec![0; READ], Vec::new());
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"));
        }
        seal.open(&buffer[..count], &mut plain)?;
        frames.push(&plain);
        while let Some(message) = frames.next().map_err(|garbage| io::Error::new(io::ErrorKind::InvalidData, garbage))? {
            deliver(message);
        }
    }
}
