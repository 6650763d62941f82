//! How fast bytes arrive at the receiver.

use std::collections::VecDeque;
use std::time::Duration;

/// Arrivals kept: the longest window asked for, and some reordering.
const KEPT: Duration = Duration::from_secs(2);
const MAX_KEPT: usize = 8192;

/// Arrivals at the receiver, on its clock.
#[derive(Debug, Default)]
pub struct Acked {
    arrivals: VecDeque<(Duration, usize)>,
    newest: Duration,
    oldest: Option<Duration>,
}

impl Acked {
    pub fn add(&mut self, arrival: Duration, size: usize) {
        self.oldest.get_or_insert(arrival);
        self.newest = self.newest.max(arrival);
        self.arrivals.push_back((arrival, size));
        let start = self.newest.saturating_sub(KEPT);
        while self.arrivals.len() > MAX_KEPT || self.arrivals.front().is_some_and(|&(arrival, _)| arrival < start) {
            self.arrivals.pop_front();
        }
    }

    /// Bits a second over the `window` before the newest arrival; `None` until that much time has passed.
    pub fn rate(&self, window: Duration) -> Option<f64> {
        let start = self.newest.checked_sub(window)?;
        (self.oldest? <= start).then(|| {
            let bytes: usize = self.arrivals.iter().filter(|(arrival, _)| *arrival > start).map(|(_, size)| size).sum();
            bytes as f64 * 8.0 / window.as_secs_f64()
        })
    }

    /// How fast a queue was served over the `window` before the newest arrival, in bits a second: from one arrival to another, since
    /// in so short a time a packet more or less counts.
    pub fn pace(&self, window: Duration) -> Option<f64> {
        let start = self.newest.checked_sub(window)?;
        let within = || self.arrivals.iter().filter(|(arrival, _)| *arrival > start);
        let (first, first_size) = within().min_by_key(|(arrival, _)| *arrival)?;
        let span = self.newest - *first;
        let bytes: usize = within().map(|(_, size)| size).sum();
        (span >= window / 2).then(|| (bytes - first_size) as f64 * 8.0 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_window() {
        let mut acked = Acked::default();
        for frame in 0..100u32 {
            acked.add(Duration::from_millis(5000) + frame * Duration::from_millis(20), if frame < 50 { 1000 } else { 2500 });
            if frame < 25 {
                assert_eq!(acked.rate(Duration::from_millis(500)), None, "{frame}");
            }
        }
        assert_eq!(acked.rate(Duration::from_millis(500)), Some(1_000_000.0));
    }

    #[test]
    fn the_pace_of_a_queue_is_exact_in_a_short_time() {
        let mut acked = Acked::default();
        for packet in 0..20u32 {
            acked.add(Duration::from_secs(5) + packet * Duration::from_millis(40), 1_250);
            if packet > 1 {
                assert_eq!(acked.pace(Duration::from_millis(100)).map(f64::round), Some(250_000.0));
            }
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut acked = Acked::default();
        (0..100_000u64).for_each(|packet| acked.add(Duration::from_micros(packet), 1000));
        assert!(acked.arrivals.len() <= MAX_KEPT);
    }
}
