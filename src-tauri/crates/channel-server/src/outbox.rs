//! The queue towards one client, bounded in bytes. Putting something in never waits: a client too slow to read loses its connection,
//! and nobody else notices.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::extract::ws::Utf8Bytes;
use signal::{Error, Incoming, Reply, Success};
use tokio::sync::{Notify, mpsc};

use crate::channel::{ConnectionId, Parting};

/// What an entry costs beside its text.
const ENTRY: usize = 64;

pub enum Outgoing {
    Text(Utf8Bytes),
    Close(Parting),
}

impl Outgoing {
    fn cost(&self) -> usize {
        match self {
            Self::Text(text) => ENTRY + text.as_str().len(),
            Self::Close(_) => ENTRY,
        }
    }
}

/// The sending half; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    id: ConnectionId,
    most: usize,
    queue: mpsc::UnboundedSender<Outgoing>,
    shared: Arc<Shared>,
}

/// The receiving half.
pub struct Queue {
    queue: mpsc::UnboundedReceiver<Outgoing>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queued: AtomicUsize,
    overflow: Notify,
}

/// A queue of at most `most` bytes.
pub fn open(id: ConnectionId, most: usize) -> (Outbox, Queue) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::default());
    (Outbox { id, most, queue: sender, shared: shared.clone() }, Queue { queue: receiver, shared })
}

/// A message as every client reads it.
pub fn text(message: &Incoming) -> Utf8Bytes {
    serde_json::to_string(message).expect("a message of signal has text keys only").into()
}

impl Outbox {
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    pub fn push(&self, outgoing: Outgoing) {
        let cost = outgoing.cost();
        if self.shared.queued.fetch_add(cost, Ordering::Relaxed) + cost > self.most {
            self.shared.overflow.notify_one();
        } else {
            // A failure means that the connection has ended; its member learns so from the connection itself.
            let _ = self.queue.send(outgoing);
        }
    }

    /// Completes when more was pushed than may wait.
    pub async fn overflow(&self) {
        self.shared.overflow.notified().await;
    }

    pub fn send(&self, message: &Incoming) {
        self.push(Outgoing::Text(text(message)));
    }

    pub fn reply(&self, id: u32, answer: Result<Success, Error>) {
        self.send(&Incoming::Reply(Reply::new(id, answer)));
    }
}

impl Queue {
    /// The next thing to write, once there is one. Cancel safe.
    pub async fn next(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.recv().await?;
        self.shared.queued.fetch_sub(outgoing.cost(), Ordering::Relaxed);
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::Event;

    #[tokio::test]
    async fn what_is_read_makes_room_and_too_much_overflows() {
        let draining = Incoming::Event(Event::Draining);
        let one = ENTRY + text(&draining).as_str().len();
        let (outbox, mut queue) = open(ConnectionId(1), 2 * one);
        outbox.send(&draining);
        outbox.send(&draining);
        assert!(queue.next().await.is_some());
        outbox.send(&draining);
        tokio::select! {
            biased;
            () = outbox.overflow() => panic!("two messages fit"),
            () = std::future::ready(()) => {}
        }
        outbox.send(&draining);
        outbox.overflow().await;
    }
}
