//! How long to wait before the next try.

use std::time::Duration;

use crate::random::Random;

/// Doubling delays with a cap, jittered so that clients of a restarted service do not come back all at once.
///
/// The cap is what a channel waits at most to be whole again after a long absence of its service, within the three seconds that
/// people are promised. A service takes thousands of joins a second, so it need not be longer.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const CAP: Duration = Duration::from_secs(2);

    /// The delay after one more failure: between half of and the whole of 0.2 s, 0.4 s … 2 s.
    pub fn next(&mut self, random: &mut Random) -> Duration {
        let whole = Self::FIRST.saturating_mul(1u32 << self.failures.min(16)).min(Self::CAP);
        self.failures += 1;
        whole.mul_f64(0.5 + 0.5 * random.unit())
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_start_over_after_success() {
        let mut random = Random::new(3);
        let mut backoff = Backoff::default();
        for whole_ms in [200, 400, 800, 1600, 2000, 2000] {
            let whole = Duration::from_millis(whole_ms);
            let delay = backoff.next(&mut random);
            assert!(delay >= whole / 2 && delay <= whole, "{delay:?} for {whole:?}");
        }
        backoff.reset();
        assert!(backoff.next(&mut random) <= Backoff::FIRST);
    }

    #[test]
    fn any_number_of_failures_keeps_to_the_cap() {
        let mut random = Random::new(3);
        let mut backoff = Backoff { failures: u32::MAX - 1 };
        assert!(backoff.next(&mut random) <= Backoff::CAP);
    }
}
