//! Capture times of sound, smoothed.
//!
//! A sound card's callbacks are late by this or that, but its samples are evenly spaced. Invariant: times advance by one frame, bent
//! by a hundredth of what they differ from the observed ones, except across a gap in the sound, where they jump.

use std::time::{Duration, Instant};

/// What part of a frame's error is corrected at once: half of it within 0.7 s.
const GAIN: f64 = 0.01;
/// An error this large is no jitter but a gap.
const GAP: Duration = Duration::from_millis(40);

/// Names the capture time of one frame after the other.
pub struct SampleClock {
    frame: Duration,
    next: Option<Instant>,
}

impl SampleClock {
    /// A clock of frames that last `frame`.
    pub fn new(frame: Duration) -> Self {
        Self { frame, next: None }
    }

    /// The time of the next frame, whose first sample was captured at `observed` as far as the device can tell.
    pub fn stamp(&mut self, observed: Instant) -> Instant {
        let time = match self.next {
            Some(expected) => bent(expected, observed),
            None => observed,
        };
        self.next = Some(time + self.frame);
        time
    }
}

fn bent(expected: Instant, observed: Instant) -> Instant {
    let (later, earlier) = (observed.saturating_duration_since(expected), expected.saturating_duration_since(observed));
    if later.max(earlier) > GAP {
        return observed;
    }
    let correction = |error: Duration| error.mul_f64(GAIN);
    expected + correction(later) - correction(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(10);

    #[test]
    fn jitter_is_smoothed() {
        let start = Instant::now();
        let mut clock = SampleClock::new(FRAME);
        let mut previous = clock.stamp(start);
        for n in 1..200_u32 {
            let jitter = Duration::from_millis(u64::from(n * 7 % 5));
            let time = clock.stamp(start + FRAME * n + jitter);
            assert!((time - previous).abs_diff(FRAME) <= Duration::from_micros(50));
            previous = time;
        }
    }

    #[test]
    fn a_drifting_card_is_followed() {
        let start = Instant::now();
        let mut clock = SampleClock::new(FRAME);
        let card = Duration::from_nanos(10_003_000);
        let last = (0..10_000_u32).map(|n| clock.stamp(start + card * n)).last().expect("not empty");
        assert!(last.max(start + card * 9_999) - last.min(start + card * 9_999) < Duration::from_micros(400));
    }

    #[test]
    fn a_gap_is_jumped() {
        let start = Instant::now();
        let mut clock = SampleClock::new(FRAME);
        clock.stamp(start);
        assert_eq!(clock.stamp(start + Duration::from_secs(1)), start + Duration::from_secs(1));
        assert_eq!(clock.stamp(start), start);
    }
}
