//! The queue towards one client, bounded in bytes. Putting something in never waits: a client too slow to read loses its connection,
//! and nobody else notices.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signal::{Error, Incoming, Reply, Success};
use tokio::sync::Notify;

use crate::channel::{ConnectionId, Parting};

/// What an entry costs beside its text.
const ENTRY: usize = 64;

pub enum Outgoing {
    Text(Arc<str>),
    Close(Parting),
}

impl Outgoing {
    fn cost(&self) -> usize {
        match self {
            Self::Text(text) => ENTRY + text.len(),
            Self::Close(_) => ENTRY,
        }
    }
}

/// The sending half; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    id: ConnectionId,
    most: usize,
    shared: Arc<Shared>,
}

/// The receiving half.
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrival: Notify,
    overflow: Notify,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Outgoing>,
    bytes: usize,
    /// Nobody takes anything out any more.
    closed: bool,
}

/// A queue of at most `most` bytes.
pub fn open(id: ConnectionId, most: usize) -> (Outbox, Queue) {
    let shared = Arc::new(Shared::default());
    (Outbox { id, most, shared: shared.clone() }, Queue { shared })
}

/// A message as every client reads it.
pub fn text(message: &Incoming) -> Arc<str> {
    serde_json::to_string(message).expect("a message of signal has text keys only").into()
}

impl Outbox {
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    pub fn push(&self, outgoing: Outgoing) {
        let cost = outgoing.cost();
        let mut waiting = self.shared.lock();
        // Without a reader, its member learns of that from the connection's end.
        if waiting.closed {
            return;
        }
        if waiting.bytes + cost > self.most {
            self.shared.overflow.notify_one();
            return;
        }
        waiting.bytes += cost;
        waiting.entries.push_back(outgoing);
        drop(waiting);
        self.shared.arrival.notify_one();
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
    pub async fn next(&mut self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.try_next() {
                return outgoing;
            }
            self.shared.arrival.notified().await;
        }
    }

    /// The next thing to write, if there is one.
    pub fn try_next(&mut self) -> Option<Outgoing> {
        let mut waiting = self.shared.lock();
        let outgoing = waiting.entries.pop_front()?;
        waiting.bytes -= outgoing.cost();
        if waiting.entries.is_empty() {
            // A client that reads needs no room, and there are thousands of them.
            waiting.entries = VecDeque::new();
        }
        Some(outgoing)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        *self.shared.lock() = Waiting { closed: true, ..Waiting::default() };
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::Event;

    #[tokio::test]
    async fn what_is_read_makes_room_and_too_much_overflows() {
        let draining = Incoming::Event(Event::Draining);
        let one = ENTRY + text(&draining).len();
        let (outbox, mut queue) = open(ConnectionId(1), 2 * one);
        outbox.send(&draining);
        outbox.send(&draining);
        queue.next().await;
        outbox.send(&draining);
        tokio::select! {
            biased;
            () = outbox.overflow() => panic!("two messages fit"),
            () = std::future::ready(()) => {}
        }
        outbox.send(&draining);
        outbox.overflow().await;
    }

    #[test]
    fn nothing_waits_for_a_reader_that_is_gone() {
        let (outbox, queue) = open(ConnectionId(1), 1_000);
        outbox.send(&Incoming::Event(Event::Draining));
        drop(queue);
        outbox.send(&Incoming::Event(Event::Draining));
        assert!(outbox.shared.lock().entries.is_empty());
    }

    #[tokio::test]
    async fn who_waits_for_something_to_write_gets_it() {
        let (outbox, mut queue) = open(ConnectionId(1), 1_000);
        let (outgoing, ()) = tokio::join!(queue.next(), async { outbox.send(&Incoming::Event(Event::Draining)) });
        assert!(matches!(outgoing, Outgoing::Text(text) if text.contains("draining")));
        assert!(queue.try_next().is_none());
    }
}
