//! Events spread evenly in time.

use std::time::{Duration, Instant};

/// When each event of an even row is due. A late one does not put off the next, or a slow service would be asked for less.
pub struct Pacer {
    began: Instant,
    per_second: f64,
    count: usize,
}

impl Pacer {
    pub fn new(per_second: f64, now: Instant) -> Self {
        Self { began: now, per_second, count: 0 }
    }

    /// When the next event is due.
    pub fn next(&self) -> Instant {
        self.began + Duration::from_secs_f64(self.count as f64 / self.per_second)
    }

    /// Counts it as done; its number.
    pub fn advance(&mut self) -> usize {
        self.count += 1;
        self.count - 1
    }
}
