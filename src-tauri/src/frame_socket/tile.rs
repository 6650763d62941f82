//! One tile: a thread that waits for the newest frame, makes its picture and hands it to the socket.
//!
//! Invariants: a picture is made only when the page has drawn the one before (the credit), so that one is under way at most; it is made
//! of the newest frame at that moment; its buffer comes back and is used again. A tile whose stream stands still costs nothing.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::mpsc;

use crate::frames::{
    Source, Streams,
    picture::{self, Clocks, Label, Scratch, Shape},
};
use crate::media::{VideoFrame, bell::Bell, latest::Next};

/// For asking without waiting: what there is to wait for rings the tile's bell.
const NOW: Duration = Duration::ZERO;

/// A finished picture, for the socket to send.
pub struct Outgoing {
    pub bytes: Vec<u8>,
    tile: Arc<Shared>,
}

impl Outgoing {
    /// Takes the picture apart: its bytes, and whom to give their buffer back to.
    pub fn split(self) -> (Vec<u8>, Return) {
        (self.bytes, Return(self.tile))
    }
}

/// Where a picture's buffer came from.
pub struct Return(Arc<Shared>);

impl Return {
    pub fn give_back(self, buffer: Vec<u8>) {
        self.0.lock().buffer = buffer;
    }
}

/// A tile of the page. Dropping it ends its thread.
pub struct Tile {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is credit, or the tile is gone.
    credited: Condvar,
    /// There may be another frame or source, or the tile is to show something else.
    bell: Arc<Bell>,
}

struct State {
    wish: Wish,
    /// Whether the page has drawn what it got.
    credit: bool,
    buffer: Vec<u8>,
    closed: bool,
}

#[derive(Clone, PartialEq, Eq)]
struct Wish {
    stream: String,
    shape: Shape,
}

impl Tile {
    /// Starts the tile's thread.
    pub fn start(number: u32, stream: String, shape: Shape, streams: Streams, socket: mpsc::Sender<Outgoing>) -> std::io::Result<Self> {
        let state = State { wish: Wish { stream, shape }, credit: true, buffer: Vec::new(), closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), credited: Condvar::new(), bell: Arc::default() });
        let worker = Worker { number, streams, socket, shared: shared.clone(), sequence: 0, scratch: Scratch::default() };
        std::thread::Builder::new().name(format!("tile {number}")).spawn(move || worker.run())?;
        Ok(Self { shared })
    }

    /// The tile shows this from now on.
    pub fn show(&self, stream: String, shape: Shape) {
        self.shared.lock().wish = Wish { stream, shape };
        self.shared.bell.ring();
    }

    /// The page has drawn the tile's picture.
    pub fn credit(&self) {
        self.shared.lock().credit = true;
        self.shared.credited.notify_one();
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.credited.notify_one();
        self.shared.bell.ring();
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the credit; none when the tile is gone.
    fn wait_for_credit(&self) -> Option<Wish> {
        let idle = |state: &mut State| !state.credit && !state.closed;
        let state = self.credited.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        (!state.closed).then(|| state.wish.clone())
    }
}

struct Worker {
    number: u32,
    streams: Streams,
    socket: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
    sequence: u32,
    scratch: Scratch,
}

impl Worker {
    fn run(mut self) {
        self.streams.ring(&self.shared.bell);
        let mut source: Option<Source> = None;
        let mut shown: Option<Wish> = None;
        let mut stream = String::new();
        while let Some(wish) = self.shared.wait_for_credit() {
            if stream != wish.stream {
                (source, shown) = (None, None);
                stream.clone_from(&wish.stream);
            }
            let seen = source.as_ref().map_or(0, |source| source.number);
            if let Some(Source { number, frames }) = self.streams.newer(&stream, seen, NOW) {
                source = Some(Source { number, frames: frames.ringing(&self.shared.bell) });
            }
            // A still picture must follow its tile's size, too.
            let reshaped = shown.as_ref().is_some_and(|shown| shown.shape != wish.shape);
            let frame = source.as_mut().and_then(|source| match source.frames.next(NOW) {
                Next::Value(frame) => Some(frame),
                Next::Timeout | Next::Closed => source.frames.peek().filter(|_| reshaped),
            });
            let Some(frame) = frame else {
                self.shared.bell.wait();
                continue;
            };
            if !self.send(&frame, wish.shape) {
                return;
            }
            shown = Some(wish);
        }
    }

    /// Makes the picture and spends the credit; false when the socket is gone.
    fn send(&mut self, frame: &VideoFrame, shape: Shape) -> bool {
        let mut bytes = std::mem::take(&mut self.shared.lock().buffer);
        let now = Clocks { monotonic: Instant::now(), system: SystemTime::now() };
        let label = Label { tile: self.number, sequence: self.sequence };
        if let Err(error) = picture::write(frame, shape, label, now, &mut self.scratch, &mut bytes) {
            tracing::warn!(%error, tile = self.number, "a frame that cannot be shown");
            return true;
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.shared.lock().credit = false;
        self.socket.blocking_send(Outgoing { bytes, tile: self.shared.clone() }).is_ok()
    }
}
