//! One connection of ICE over TCP.
//!
//! Invariants: the library reads whole packets, and nothing of who does not speak ICE; writing never waits: a connection that cannot keep
//! up loses packets, as UDP does, instead of delaying them and the library with them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, oneshot};
use webrtc::runtime::{AsyncTcpStream, Runtime};

use super::frame::{self, Frames};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Packets that wait to be written. With the kernel's own buffer a tenth of a second at 2 Mb/s, and a keyframe's burst.
const QUEUE: usize = 64;
/// For a connection to come about; an attempt to find a path takes little longer.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// For the first packet of who connected: checks go out at once, and again each few milliseconds.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// For the last words when the library has let go of a connection: a good-bye.
const LINGER: Duration = Duration::from_secs(1);
const READ: usize = 16 * 1024;

/// Connects to `remote`.
pub(in crate::runtime) async fn connect(runtime: &Arc<dyn Runtime>, remote: SocketAddr) -> io::Result<Arc<dyn AsyncTcpStream>> {
    tokio::select! {
        connected = runtime.connect_tcp(remote) => Ok(Arc::new(Framed::new(connected?, runtime, None))),
        () = runtime.sleep(CONNECT_LIMIT) => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")),
    }
}

/// A connection as the library has it.
pub(super) struct Framed {
    stream: Arc<dyn AsyncTcpStream>,
    runtime: Arc<dyn Runtime>,
    queue: mpsc::Sender<Vec<u8>>,
    /// The library reads one piece after another.
    reading: Mutex<Reading>,
    /// Until when a first packet must have come.
    open_by: Instant,
    /// Dropped with the connection.
    _alive: oneshot::Sender<()>,
    _place: Option<OwnedSemaphorePermit>,
}

#[derive(Default)]
struct Reading {
    frames: Frames,
    raw: Vec<u8>,
    /// Packets for the library, in the form of the stream, and how much of it the library has.
    ready: Vec<u8>,
    given: usize,
}

impl Framed {
    /// `place` is freed with the connection.
    pub(super) fn new(stream: Arc<dyn AsyncTcpStream>, runtime: &Arc<dyn Runtime>, place: Option<OwnedSemaphorePermit>) -> Self {
        let (queue, packets) = mpsc::channel(QUEUE);
        let (alive, gone) = oneshot::channel();
        let (writer, clock) = (Arc::clone(&stream), Arc::clone(runtime));
        runtime.spawn(Box::pin(async move {
            let over = async {
                // It is never sent: the sender is dropped.
                let _ = gone.await;
                clock.sleep(LINGER).await;
            };
            tokio::select! {
                () = write(&*writer, packets) => {}
                () = over => {}
            }
        }));
        let open_by = runtime.now() + OPEN_LIMIT;
        let runtime = Arc::clone(runtime);
        Self { stream, runtime, queue, reading: Mutex::default(), open_by, _alive: alive, _place: place }
    }

    /// What the stream has for the library; 0 is its end.
    async fn next(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reading = self.reading.lock().await;
        let reading = &mut *reading;
        loop {
            let count = reading.give(buffer);
            if count > 0 {
                return Ok(count);
            }
            reading.raw.resize(READ, 0);
            let read = self.stream.read(&mut reading.raw);
            let count = if reading.frames.opened() {
                read.await?
            } else {
                tokio::select! {
                    read = read => read?,
                    () = self.runtime.sleep(self.open_by.saturating_duration_since(self.runtime.now())) => return Ok(0),
                }
            };
            if count == 0 {
                return Ok(0);
            }
            if let Err(garbage) = reading.take(count) {
                tracing::debug!(%garbage, "hung up on who connected for ICE");
                return Ok(0);
            }
        }
    }
}

impl Reading {
    /// Takes in the first `count` bytes of what was read.
    fn take(&mut self, count: usize) -> Result<(), frame::Garbage> {
        self.ready.clear();
        self.given = 0;
        self.frames.push(&self.raw[..count]);
        while let Some(packet) = self.frames.next()? {
            frame::put(packet, &mut self.ready)?;
        }
        Ok(())
    }

    fn give(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.ready[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        count
    }
}

/// Ends with the queue or the stream.
async fn write(stream: &dyn AsyncTcpStream, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(packet) = queue.recv().await {
        if let Err(error) = stream.write_all(&packet).await {
            tracing::debug!(%error, "a connection of ICE is over");
            return;
        }
    }
}

impl fmt::Debug for Framed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl AsyncTcpStream for Framed {
    fn read<'a, 'b>(&'a self, buffer: &'b mut [u8]) -> Boxed<'b, io::Result<usize>>
    where
        'a: 'b,
    {
        Box::pin(self.next(buffer))
    }

    /// The library writes one packet in its frame at a time.
    fn write_all<'a, 'b>(&'a self, buffer: &'b [u8]) -> Boxed<'b, io::Result<()>>
    where
        'a: 'b,
    {
        // Lost, as UDP loses what a link cannot take; ICE finds out that a connection is over.
        let _ = self.queue.try_send(buffer.to_vec());
        Box::pin(std::future::ready(Ok(())))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
