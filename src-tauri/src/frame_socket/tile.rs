//! One tile: a thread that waits for the newest frame, makes its picture and hands it to the socket.
//!
//! Invariants: a picture is made only when the page has drawn the one before (the credit), so that one is under way at most; it is made
//! of the newest frame at that moment; its buffer comes back and is used again.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::mpsc;

use crate::frames::{
    Source, Streams,
    picture::{self, Clocks, Label, Scratch, Shape},
};
use crate::media::{VideoFrame, latest::Next};

/// How long a tile's thread waits for a frame before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

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
    changed: Condvar,
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
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let worker = Worker { number, streams, socket, shared: shared.clone(), sequence: 0, scratch: Scratch::default() };
        std::thread::Builder::new().name(format!("tile {number}")).spawn(move || worker.run())?;
        Ok(Self { shared })
    }

    /// The tile shows this from now on.
    pub fn show(&self, stream: String, shape: Shape) {
        self.shared.lock().wish = Wish { stream, shape };
    }

    /// The page has drawn the tile's picture.
    pub fn credit(&self) {
        self.shared.lock().credit = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the credit; none when the tile is gone.
    fn credited(&self) -> Option<Wish> {
        let idle = |state: &mut State| !state.credit && !state.closed;
        let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
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
        let mut source: Option<Source> = None;
        let mut shown: Option<Wish> = None;
        while let Some(wish) = self.shared.credited() {
            if shown.as_ref().is_some_and(|shown| shown.stream != wish.stream) {
                (source, shown) = (None, None);
            }
            let (seen, patience) = source.as_ref().map_or((0, LOOK), |source| (source.number, Duration::ZERO));
            if let Some(newer) = self.streams.newer(&wish.stream, seen, patience) {
                source = Some(newer);
            }
            let Some(current) = &mut source else { continue };
            // A still picture must follow its tile's size, too.
            let reshaped = shown.as_ref().is_some_and(|shown| shown.shape != wish.shape);
            let frame = match current.frames.next(if reshaped { Duration::ZERO } else { LOOK }) {
                Next::Value(frame) => Some(frame),
                Next::Timeout | Next::Closed if reshaped => current.frames.peek(),
                Next::Timeout => None,
                Next::Closed => {
                    self.await_newer(&wish, current.number);
                    None
                }
            };
            if let Some(frame) = frame {
                // The page may have resized the tile, or given it to another stream, while this thread waited.
                let latest = self.shared.lock().wish.clone();
                if latest.stream == wish.stream {
                    if !self.send(&frame, latest.shape) {
                        return;
                    }
                    shown = Some(latest);
                }
            }
        }
    }

    /// Waits a while for the stream to start anew; its old source has ended.
    fn await_newer(&self, wish: &Wish, seen: u64) {
        let _ = self.streams.newer(&wish.stream, seen, LOOK);
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
