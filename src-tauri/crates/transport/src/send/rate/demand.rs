//! How much is sent, against what may be: an encoder of a still picture makes little, and what it does not send tries nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is sent is judged over this long.
const WINDOW: Duration = Duration::from_millis(500);
const MAX_KEPT: usize = 4_096;

/// Less than this share of the target is little.
const LOW: f64 = 0.65;

/// What left lately.
#[derive(Debug, Default)]
pub struct Demand {
    sent: VecDeque<(Instant, usize)>,
    bytes: usize,
}

impl Demand {
    /// A packet left, of `size` bytes.
    pub fn add(&mut self, size: usize, now: Instant) {
        self.sent.push_back((now, size));
        self.bytes += size;
        self.forget(now);
    }

    /// Whether much less than `target` bits a second is sent.
    pub fn is_low(&mut self, target: f64, now: Instant) -> bool {
        self.forget(now);
        self.bytes as f64 * 8.0 / WINDOW.as_secs_f64() < target * LOW
    }

    fn forget(&mut self, now: Instant) {
        let old = |&(at, _): &(Instant, usize)| now.saturating_duration_since(at) > WINDOW;
        while self.sent.len() > MAX_KEPT || self.sent.front().is_some_and(old) {
            self.bytes -= self.sent.pop_front().map_or(0, |(_, size)| size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_counts_for_half_a_second() {
        let (mut demand, now) = (Demand::default(), Instant::now());
        for packet in 0..100u32 {
            demand.add(1_000, now + packet * Duration::from_millis(10));
        }
        let end = now + Duration::from_millis(990);
        assert!(!demand.is_low(1_000_000.0, end));
        assert!(demand.is_low(1_500_000.0, end));
        assert!(demand.is_low(1_000.0, end + Duration::from_secs(1)));
    }
}
