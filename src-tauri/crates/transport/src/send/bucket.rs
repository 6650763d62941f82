//! A leaky bucket: what a rate allows.

use std::time::{Duration, Instant};

/// Allows bytes at a rate, with a burst after a pause. It is kept as the instant at which everything taken so far is paid
/// for, so that a changed rate applies to what is taken from then on.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    bps: u32,
    burst: Duration,
    paid_at: Option<Instant>,
}

impl Bucket {
    /// `burst` is what may be taken at once, as time at the rate.
    pub fn new(bps: u32, burst: Duration) -> Self {
        Self { bps, burst, paid_at: None }
    }

    pub fn set_rate(&mut self, bps: u32) {
        self.bps = bps;
    }

    /// Takes `bytes` if there is room for any, even if they then exceed it: no packet is too large for ever.
    pub fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let free = self.ready_at(now).is_none();
        if free {
            self.charge(bytes, now);
        }
        free
    }

    /// Takes `bytes` whether or not there is room.
    pub fn charge(&mut self, bytes: usize, now: Instant) {
        let from = self.paid_at.map_or(now, |paid| paid.max(now));
        self.paid_at = Some(from + self.time(bytes));
    }

    /// `None` if something may be taken now; else when the whole burst will be free again.
    pub fn ready_at(&self, now: Instant) -> Option<Instant> {
        self.paid_at.filter(|&paid| paid >= now + self.burst)
    }

    /// How long `bytes` take at the rate; never above an hour.
    pub fn time(&self, bytes: usize) -> Duration {
        let seconds = bytes as f64 * 8.0 / f64::from(self.bps.max(1));
        Duration::from_secs_f64(seconds.min(3600.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_waits() {
        let now = Instant::now();
        let mut bucket = Bucket::new(80_000, Duration::from_millis(200));
        assert!(bucket.take(1000, now));
        assert!(bucket.take(1000, now));
        assert!(!bucket.take(1000, now));
        assert_eq!(bucket.ready_at(now), Some(now + Duration::from_millis(200)));
        assert!(bucket.take(1000, now + Duration::from_millis(1)));
    }

    #[test]
    fn a_pause_does_not_save_up_more_than_a_burst() {
        let now = Instant::now();
        let mut bucket = Bucket::new(80_000, Duration::from_millis(200));
        assert!(bucket.take(1000, now));
        let later = now + Duration::from_secs(60);
        assert_eq!((0..10).filter(|_| bucket.take(1000, later)).count(), 2);
    }

    #[test]
    fn a_rate_of_zero_is_slow_but_finite() {
        assert_eq!(Bucket::new(0, Duration::ZERO).time(usize::MAX), Duration::from_secs(3600));
    }
}
