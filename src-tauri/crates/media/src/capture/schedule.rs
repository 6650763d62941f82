//! When frame number n is due, for sources that have no clock of their own.
//!
//! Invariant: frame n is due at `start + n / rate`, computed from n and never from the frame before it, so that nothing drifts. A
//! caller that comes too late is given the newest due frame: the ones between are skipped, never delivered in a burst.

use std::time::{Duration, Instant};

/// A frame to deliver: its number since the start, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub index: u64,
    pub due: Instant,
}

/// An endless schedule of frames at a fixed rate.
#[derive(Debug, Clone)]
pub struct Schedule {
    start: Instant,
    /// Frames in `seconds` seconds.
    frames: u32,
    seconds: u32,
    /// How many whole frames a caller may be late before frames are skipped.
    patience: u64,
    next: u64,
}

impl Schedule {
    /// `frames` frames every `seconds` seconds (30000 and 1001, say) from `start` on; both at least 1.
    pub fn new(start: Instant, frames: u32, seconds: u32) -> Self {
        Self { start, frames: frames.max(1), seconds: seconds.max(1), patience: 0, next: 0 }
    }

    /// The same schedule, which catches up without skipping while it is at most `frames` frames late.
    pub fn with_patience(self, frames: u64) -> Self {
        Self { patience: frames, ..self }
    }

    /// The next frame to deliver for a caller who asks at `now`. Its due time may have passed.
    pub fn take(&mut self, now: Instant) -> Slot {
        let newest = self.newest_due(now);
        let index = if newest > self.next.saturating_add(self.patience) { newest } else { self.next };
        self.next = index + 1;
        Slot { index, due: self.due(index) }
    }

    fn due(&self, index: u64) -> Instant {
        let nanos = u128::from(index) * u128::from(self.seconds) * 1_000_000_000 / u128::from(self.frames);
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn newest_due(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start).as_nanos();
        // One nanosecond more, because due times are rounded down.
        let frames = (elapsed + 1) * u128::from(self.frames) / (u128::from(self.seconds) * 1_000_000_000);
        u64::try_from(frames).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn frames_fall_due_at_multiples_of_the_period() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 50, 1);
        for n in 0..4 {
            assert_eq!(schedule.take(start), Slot { index: n, due: start + ms(20 * n) });
        }
    }

    #[test]
    fn a_day_of_thirds_of_a_second_does_not_drift() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 30_000, 1001);
        let day = Duration::from_secs(86_400);
        let slot = schedule.take(start + day);
        let late = (start + day) - slot.due;
        assert!(late < Duration::from_micros(33_367), "{late:?}");
        assert_eq!(slot.index, 86_400 * 30_000 / 1001);
    }

    #[test]
    fn a_caller_who_is_less_than_a_frame_late_skips_nothing() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100, 1);
        assert_eq!(schedule.take(start + ms(9)).index, 0);
        assert_eq!(schedule.take(start + ms(19)).index, 1);
        assert_eq!(schedule.take(start + ms(20)).index, 2);
    }

    #[test]
    fn a_caller_who_is_late_gets_the_newest_due_frame_and_then_the_one_after_it() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100, 1);
        assert_eq!(schedule.take(start + ms(57)), Slot { index: 5, due: start + ms(50) });
        assert_eq!(schedule.take(start + ms(57)), Slot { index: 6, due: start + ms(60) });
    }

    #[test]
    fn a_patient_schedule_catches_up_before_it_skips() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100, 1).with_patience(20);
        assert_eq!(schedule.take(start + ms(200)).index, 0);
        assert_eq!(schedule.take(start + ms(200)).index, 1);
        assert_eq!(schedule.take(start + ms(300)).index, 30);
    }
}
