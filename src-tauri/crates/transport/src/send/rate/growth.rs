//! How fast the target grows while nothing speaks against it.

use std::time::{Duration, Instant};

/// Until the path showed its limit (a doubling in 0.7 s), up to what a probe found (in 0.6 s), and at most else; a second.
const START: f64 = 1.0;
const SPRINT: f64 = 1.2;
const MAX: f64 = 0.7;
/// Near the limit: this much up to the rate, in bits a second, and ever less above it. The smaller of two calls grows faster, so that
/// they meet.
const NEAR: f64 = 0.12;
const NEAR_BPS: f64 = 500_000.0;
/// Growth stays slow for this long after the limit showed; then it doubles, from the second, in each of the third, in seconds.
const PATIENCE: Duration = Duration::from_secs(4);
const PATIENT: f64 = 0.04;
const DOUBLES: f64 = 1.5;

/// What growth depends on.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Bits a second.
    pub target: f64,
    /// What a probe found room for, in bits a second.
    pub room: f64,
    /// When the path last showed its limit.
    pub limit_at: Option<Instant>,
    /// Whether there is no queue at all.
    pub idle: bool,
}

/// As a share of the target, a second: the exponent of its growth.
pub fn growth(place: Place, now: Instant) -> f64 {
    if place.target < place.room && place.idle {
        return SPRINT;
    }
    let Some(limit_at) = place.limit_at else { return if place.idle { START } else { NEAR } };
    let quiet = now.saturating_duration_since(limit_at).checked_sub(PATIENCE);
    let patient = quiet.map_or(0.0, |quiet| PATIENT * (quiet.as_secs_f64() / DOUBLES).exp2());
    let near = NEAR * (NEAR_BPS / place.target).powi(2).min(1.0);
    patient.max(near).min(MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(target: f64, limit_at: Option<Instant>) -> Place {
        Place { target, room: 0.0, limit_at, idle: true }
    }

    #[test]
    fn growth_is_fast_until_the_limit_shows_and_slow_after_it() {
        let now = Instant::now();
        assert!(growth(place(1e6, None), now) > 20.0 * growth(place(1e6, Some(now)), now));
    }

    #[test]
    fn the_smaller_of_two_calls_grows_by_more() {
        let now = Instant::now();
        let gain = |target: f64| target * growth(place(target, Some(now)), now);
        assert!(gain(0.6e6) > 1.5 * gain(1.4e6));
    }

    #[test]
    fn a_long_quiet_time_makes_growth_fast_again() {
        let now = Instant::now();
        let after = |seconds: u64| growth(place(1.5e6, Some(now)), now + Duration::from_secs(seconds));
        assert!(after(4) < 0.05 && after(8) > 0.2, "{} {}", after(4), after(8));
        assert!(after(60) <= MAX);
    }

    #[test]
    fn room_that_a_probe_found_is_taken_fast_while_there_is_no_queue() {
        let now = Instant::now();
        let found = Place { room: 2e6, ..place(1e6, Some(now)) };
        assert!(growth(found, now) > 1.0);
        assert!(growth(Place { idle: false, ..found }, now) < 0.1);
    }
}
