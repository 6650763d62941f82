//! A leaky bucket: what a rate allows.

use std::time::{Duration, Instant};

/// In seconds, so that times stay finite.
const LONGEST: f64 = 3600.0;

/// Allows bytes at a rate, with a burst after a pause. It is kept as the instant at which everything taken so far is paid for.
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

    /// For what is taken from now on: a burst that goes faster pays no debts.
    pub fn set_rate_ahead(&mut self, bps: u32) {
        self.bps = bps;
    }

    /// What is not paid for yet is paid at the new rate too.
    pub fn set_rate(&mut self, bps: u32, now: Instant) {
        let owed = self.owed(now);
        if !owed.is_zero() && bps != self.bps {
            let factor = f64::from(self.bps.max(1)) / f64::from(bps.max(1));
            self.paid_at = Some(now + Duration::from_secs_f64((owed.as_secs_f64() * factor).min(LONGEST)));
        }
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
        self.charge_within(bytes, Duration::MAX, now);
    }

    /// The same, but others need not wait for longer than `most` because of these.
    pub fn charge_within(&mut self, bytes: usize, most: Duration, now: Instant) {
        let owed = self.owed(now);
        self.paid_at = Some(now + owed.saturating_add(self.time(bytes)).min(most.max(owed)));
    }

    fn owed(&self, now: Instant) -> Duration {
        self.paid_at.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now))
    }

    /// `None` if something may be taken now; else when the whole burst will be free again.
    pub fn ready_at(&self, now: Instant) -> Option<Instant> {
        self.paid_at.filter(|&paid| paid >= now + self.burst)
    }

    /// How long `bytes` take at the rate; never above [`LONGEST`].
    pub fn time(&self, bytes: usize) -> Duration {
        let seconds = bytes as f64 * 8.0 / f64::from(self.bps.max(1));
        Duration::from_secs_f64(seconds.min(LONGEST))
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
    fn what_was_taken_at_a_low_rate_is_paid_at_the_rate_that_follows() {
        let now = Instant::now();
        let mut bucket = Bucket::new(8_000, Duration::ZERO);
        assert!(bucket.take(1000, now));
        bucket.set_rate(80_000, now + Duration::from_millis(500));
        assert_eq!(bucket.ready_at(now + Duration::from_millis(500)), Some(now + Duration::from_millis(550)));
        bucket.set_rate(0, now + Duration::from_millis(500));
        assert!(bucket.ready_at(now + Duration::from_secs(3000)).is_some());
    }

    #[test]
    fn others_wait_no_longer_than_is_said_for_what_goes_at_once() {
        let now = Instant::now();
        let mut bucket = Bucket::new(8_000, Duration::ZERO);
        (0..10).for_each(|_| bucket.charge_within(100, Duration::from_millis(250), now));
        assert_eq!(bucket.ready_at(now), Some(now + Duration::from_millis(250)));
        bucket.charge(1000, now);
        bucket.charge_within(100, Duration::from_millis(250), now);
        assert_eq!(bucket.ready_at(now), Some(now + Duration::from_millis(1250)));
    }

    #[test]
    fn a_rate_of_zero_is_slow_but_finite() {
        assert_eq!(Bucket::new(0, Duration::ZERO).time(usize::MAX), Duration::from_secs(3600));
    }
}
