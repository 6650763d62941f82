//! The newest value of one writer, for many readers.
//!
//! Invariants: a writer never waits for a reader; a reader sees each value at most once and never an older one after a newer one;
//! what a reader was too slow for is gone. Dropping the writer closes the slot, and a reader still gets the last value first.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::bell::{Bell, Bells};

/// What [`Reader::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<T> {
    Value(T),
    /// Nothing newer within the time given.
    Timeout,
    /// The writer is gone and its last value was seen.
    Closed,
}

struct State<T> {
    value: Option<T>,
    /// How many values were written: a reader compares it with the count it saw.
    written: u64,
    closed: bool,
    /// Of readers that wait for more than this slot.
    bells: Bells,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

impl<T> Shared<T> {
    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An empty slot.
pub fn slot<T: Clone>() -> (Writer<T>, Reader<T>) {
    let state = Mutex::new(State { value: None, written: 0, closed: false, bells: Bells::default() });
    let shared = Arc::new(Shared { state, changed: Condvar::new() });
    (Writer { shared: shared.clone() }, Reader { shared, seen: 0, bell: None })
}

/// The only one who writes into the slot.
pub struct Writer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Writer<T> {
    /// Replaces the value and wakes all readers.
    pub fn set(&self, value: T) {
        let previous = {
            let mut state = self.shared.lock();
            state.written += 1;
            state.bells.ring();
            state.value.replace(value)
        };
        self.shared.changed.notify_all();
        drop(previous);
    }
}

impl<T: Clone> Writer<T> {
    /// One more reader, who has seen nothing yet.
    pub fn reader(&self) -> Reader<T> {
        Reader { shared: self.shared.clone(), seen: 0, bell: None }
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.bells.ring();
        drop(state);
        self.shared.changed.notify_all();
    }
}

/// One of those who read from the slot. A clone has seen what its original has seen, and rings nothing.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
    bell: Option<Arc<Bell>>,
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), seen: self.seen, bell: None }
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        if let Some(bell) = &self.bell {
            self.shared.lock().bells.remove(bell);
        }
    }
}

impl<T> Reader<T> {
    /// The same, which rings this bell at every value from now on, and when the slot is closed.
    #[must_use]
    pub fn ringing(self, bell: &Arc<Bell>) -> Self {
        self.shared.lock().bells.add(bell);
        Self { shared: self.shared.clone(), seen: self.seen, bell: Some(bell.clone()) }
    }
}

impl<T: Clone> Reader<T> {
    /// The newest value this reader has not seen, waiting up to `timeout` for it.
    pub fn next(&mut self, timeout: Duration) -> Next<T> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if state.written > self.seen
                && let Some(value) = &state.value
            {
                self.seen = state.written;
                return Next::Value(value.clone());
            }
            if state.closed {
                return Next::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Timeout;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The newest value, seen or not; it stays unseen if it was.
    pub fn peek(&self) -> Option<T> {
        self.shared.lock().value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_newest_value_wins_and_is_seen_once() {
        let (writer, mut reader) = slot();
        assert_eq!(reader.next(NOW), Next::Timeout);
        writer.set(1);
        writer.set(2);
        assert_eq!(reader.next(NOW), Next::Value(2));
        assert_eq!(reader.next(NOW), Next::Timeout);
        assert_eq!(reader.peek(), Some(2));
    }

    #[test]
    fn readers_do_not_take_values_from_each_other() {
        let (writer, mut first) = slot();
        let mut second = first.clone();
        writer.set("frame");
        assert_eq!(first.next(NOW), Next::Value("frame"));
        assert_eq!(second.next(NOW), Next::Value("frame"));
        assert_eq!(writer.reader().next(NOW), Next::Value("frame"));
    }

    #[test]
    fn the_last_value_is_read_before_the_slot_is_closed() {
        let (writer, mut reader) = slot();
        writer.set(7);
        drop(writer);
        assert_eq!(reader.next(LONG), Next::Value(7));
        assert_eq!(reader.next(LONG), Next::Closed);
        assert_eq!(reader.peek(), Some(7));
    }

    #[test]
    fn a_bell_rings_at_each_value_and_at_the_end_while_its_reader_lives() {
        let bell = Arc::new(Bell::default());
        let (writer, reader) = slot();
        let mut reader = reader.ringing(&bell);
        for value in [1, 2] {
            writer.set(value);
            bell.wait();
            assert_eq!(reader.next(NOW), Next::Value(value));
        }
        drop(writer);
        bell.wait();
        assert_eq!(reader.next(NOW), Next::Closed);
        drop(reader);
        let (writer, reader) = slot();
        drop(reader.ringing(&bell));
        writer.set(3);
        assert_eq!(Arc::weak_count(&bell), 0, "nobody rings it any more");
    }

    #[test]
    fn a_waiting_reader_is_woken_by_a_value_and_by_the_end() {
        let (writer, mut reader) = slot();
        let waiting = std::thread::spawn(move || (reader.next(LONG), reader.next(LONG)));
        writer.set(3);
        let mut probe = writer.reader();
        assert_eq!(probe.next(NOW), Next::Value(3));
        drop(writer);
        let (first, second) = waiting.join().expect("no panic");
        assert_eq!((first, second), (Next::Value(3), Next::Closed));
    }
}
