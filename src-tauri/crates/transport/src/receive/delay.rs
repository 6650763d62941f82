//! How long packets or frames were on their way, relative to one another: arrival time less media time, over a window.
//!
//! The sender's clock and ours share no origin, so a delay alone means nothing; differences between delays do.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Arrivals closer than this came in one burst and count as one sample: after a stall everything held up arrives at once, and
/// one stall must not weigh as much as a second of jitter.
const BURST: Duration = Duration::from_millis(8);

/// Delays, in microseconds from an arbitrary origin, of the last arrivals.
#[derive(Debug)]
pub struct Delays {
    /// Timestamp units a second.
    rate: u32,
    max_samples: usize,
    max_age: Duration,
    origin: Option<(Instant, i64)>,
    samples: VecDeque<Sample>,
    sorted: Vec<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    slowest: i64,
    fastest: i64,
}

impl Delays {
    pub fn new(rate: u32, max_samples: usize, max_age: Duration) -> Self {
        Self { rate, max_samples, max_age, origin: None, samples: VecDeque::new(), sorted: Vec::new() }
    }

    /// The delay of what was stamped `timestamp` (extended) and is here at `at`.
    pub fn delay(&mut self, timestamp: i64, at: Instant) -> i64 {
        let (origin, first) = *self.origin.get_or_insert((at, timestamp));
        let media = (i128::from(timestamp) - i128::from(first)) * 1_000_000 / i128::from(self.rate.max(1));
        saturate(i128::from(micros(at, origin)) - media)
    }

    /// Counts an arrival at `at` with the delay that [`Self::delay`] gave.
    pub fn push(&mut self, delay: i64, at: Instant) {
        match self.samples.back_mut() {
            Some(last) if at.saturating_duration_since(last.at) < BURST => {
                last.slowest = last.slowest.max(delay);
                last.fastest = last.fastest.min(delay);
            }
            _ => self.samples.push_back(Sample { at, slowest: delay, fastest: delay }),
        }
        while self.samples.len() > self.max_samples
            || self.samples.front().is_some_and(|first| at.saturating_duration_since(first.at) > self.max_age)
        {
            self.samples.pop_front();
        }
    }

    /// The shortest delay in the window.
    pub fn minimum(&self) -> Option<i64> {
        self.samples.iter().map(|sample| sample.fastest).min()
    }

    /// The delay that the fraction `share` of the last `count` samples stayed within.
    pub fn percentile(&mut self, share: f64, count: usize) -> Option<i64> {
        self.sorted.clear();
        self.sorted.extend(self.samples.iter().rev().take(count).map(|sample| sample.slowest));
        let rank = (self.sorted.len() as f64 * share).ceil() as usize;
        let index = rank.clamp(1, self.sorted.len().max(1)) - 1;
        (!self.sorted.is_empty()).then(|| *self.sorted.select_nth_unstable(index).1)
    }

    /// Samples in the window.
    pub fn count(&self) -> usize {
        self.samples.len()
    }

    /// Forgets the samples: the sender's clock jumped.
    pub fn reset(&mut self) {
        self.samples.clear();
        self.origin = None;
    }
}

/// `later` less `earlier` in microseconds, of either sign.
pub fn micros(later: Instant, earlier: Instant) -> i64 {
    let forward = later.saturating_duration_since(earlier).as_micros();
    let back = earlier.saturating_duration_since(later).as_micros();
    saturate(forward as i128 - back as i128)
}

/// `at` moved by `micros` of either sign; `None` if the platform cannot express it.
pub fn offset(at: Instant, micros: i64) -> Option<Instant> {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { at.checked_sub(distance) } else { at.checked_add(distance) }
}

/// Keeps sums and differences of a few delays within `i64`.
fn saturate(micros: i128) -> i64 {
    const LIMIT: i128 = (i64::MAX / 16) as i128;
    micros.clamp(-LIMIT, LIMIT) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn delays() -> Delays {
        Delays::new(90_000, 100, Duration::from_secs(10))
    }

    #[test]
    fn delays_are_arrival_less_media_time() {
        let (mut delays, now) = (delays(), Instant::now());
        assert_eq!(delays.delay(9000, now), 0);
        assert_eq!(delays.delay(18_000, now + 130 * MS), 30_000);
    }

    #[test]
    fn a_burst_counts_as_one_sample() {
        let (mut delays, now) = (delays(), Instant::now());
        for step in 0..97 {
            delays.push(0, now + step * 20 * MS);
        }
        for held in 0..50 {
            delays.push(1_000_000 - held * 20_000, now + Duration::from_secs(3));
        }
        assert_eq!(delays.percentile(0.97, 100), Some(0));
        assert_eq!(delays.percentile(1.0, 100), Some(1_000_000));
        assert_eq!(delays.minimum(), Some(0));
    }

    #[test]
    fn old_samples_leave_the_window() {
        let (mut delays, now) = (delays(), Instant::now());
        delays.push(-5, now);
        delays.push(7, now + 11_000 * MS);
        assert_eq!(delays.minimum(), Some(7));
    }

    proptest! {
        #[test]
        fn any_timestamp_gives_a_delay(values in proptest::collection::vec(any::<(i64, u32)>(), 1..50)) {
            let (mut delays, now) = (delays(), Instant::now());
            for (timestamp, step) in values {
                let at = now + Duration::from_micros(u64::from(step));
                let delay = delays.delay(timestamp, at);
                delays.push(delay, at);
                prop_assert!(delays.percentile(0.5, 10).is_some());
            }
        }
    }
}
