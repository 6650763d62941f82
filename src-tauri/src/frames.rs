//! From a stream's newest frame to the bytes of one tile.
//!
//! Invariants: what a tile costs is bounded by its own pixels, whatever the camera delivers and however many people there are; a picture
//! is never larger than its source; whoever draws is never more than one frame behind the newest.

pub mod geometry;
pub mod picture;

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::media::{
    VideoFrame,
    bell::{Bell, Bells},
    latest,
};

/// The frames that a window can show now, by the page's name of the stream.
#[derive(Clone, Default)]
pub struct Streams {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    sources: HashMap<String, Source>,
    /// How many sources were put in: each gets the next number.
    count: u64,
    bells: Bells,
}

/// A stream's frames at one time. A stream that starts anew (another camera) is another source with a higher number.
#[derive(Clone)]
pub struct Source {
    pub number: u64,
    pub frames: latest::Reader<VideoFrame>,
}

impl Streams {
    /// Shows these frames under `stream` from now on.
    pub fn put(&self, stream: &str, frames: latest::Reader<VideoFrame>) {
        let mut table = self.lock();
        table.count += 1;
        let source = Source { number: table.count, frames };
        table.sources.insert(stream.to_owned(), source);
        table.bells.ring();
        drop(table);
        self.shared.changed.notify_all();
    }

    /// Rings this bell, as long as somebody has it, whenever a stream begins, or begins anew.
    pub fn ring(&self, bell: &Arc<Bell>) {
        self.lock().bells.add(bell);
    }

    pub fn remove(&self, stream: &str) {
        self.lock().sources.remove(stream);
    }

    /// The stream's source if its number is above `seen`, waiting up to `patience` for it.
    pub fn newer(&self, stream: &str, seen: u64, patience: Duration) -> Option<Source> {
        let deadline = Instant::now() + patience;
        let mut table = self.lock();
        loop {
            if let Some(source) = table.sources.get(stream).filter(|source| source.number > seen) {
                return Some(source.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            table = self.shared.changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_stream_that_starts_anew_is_a_newer_source() {
        let streams = Streams::default();
        assert!(streams.newer("local", 0, NOW).is_none());
        streams.put("local", latest::slot().1);
        let first = streams.newer("local", 0, NOW).unwrap();
        assert!(streams.newer("local", first.number, NOW).is_none());
        streams.put("local", latest::slot().1);
        assert!(streams.newer("local", first.number, NOW).unwrap().number > first.number);
        streams.remove("local");
        assert!(streams.newer("local", 0, NOW).is_none());
    }

    #[test]
    fn a_bell_rings_when_a_stream_begins() {
        let (streams, bell) = (Streams::default(), Arc::new(Bell::default()));
        streams.ring(&bell);
        streams.put("7", latest::slot().1);
        bell.wait();
        assert!(streams.newer("7", 0, NOW).is_some());
    }

    #[test]
    fn who_waits_for_a_stream_is_woken_when_it_comes() {
        let streams = Streams::default();
        let waiting = std::thread::spawn({
            let streams = streams.clone();
            move || streams.newer("7", 0, Duration::from_secs(60)).is_some()
        });
        streams.put("7", latest::slot().1);
        assert!(waiting.join().unwrap());
    }
}
