//! How often a client may do something: a bucket of permits that refills (the token bucket of RFC 2697's family).

use std::time::{Duration, Instant};

/// Gives `burst` permits at once and `per_second` more a second.
#[derive(Debug)]
pub struct Pace {
    burst: f64,
    per_second: f64,
    left: f64,
    counted: Instant,
}

impl Pace {
    pub fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self { burst, per_second: f64::from(per_second.max(1)), left: burst, counted: now }
    }

    /// Takes a permit, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.counted).as_secs_f64() * self.per_second;
        self.left = (self.left + gained).min(self.burst);
        self.counted = self.counted.max(now);
        let taken = self.left >= 1.0;
        if taken {
            self.left -= 1.0;
        }
        taken
    }

    /// When the next permit is there: `now` or later.
    pub fn next(&self, now: Instant) -> Instant {
        let missing = (1.0 - self.left).max(0.0);
        now.max(self.counted + Duration::from_secs_f64(missing / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let start = Instant::now();
        let mut pace = Pace::new(3, 10, start);
        assert_eq!([0; 4].map(|_| pace.take(start)), [true, true, true, false]);
        assert_eq!(pace.next(start), start + Duration::from_millis(100));
        let later = start + Duration::from_millis(101);
        assert!(pace.take(later) && !pace.take(later));
    }

    #[test]
    fn permits_do_not_pile_up_beyond_the_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(2, 10, start);
        let later = start + Duration::from_secs(3600);
        assert_eq!([0; 3].map(|_| pace.take(later)), [true, true, false]);
    }
}
