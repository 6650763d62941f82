//! How much sound to keep ready for a device. Pure.
//!
//! Enough for the device's next callback, and a cushion for the time the mixing thread may be kept from running: the cushion grows
//! with each gap that was heard and shrinks again after a minute without one.

use std::time::{Duration, Instant};

/// The cushion at first, and at least.
const LEAST: Duration = Duration::from_millis(5);
/// The cushion at most.
const MOST: Duration = Duration::from_millis(60);
/// What a gap adds to the cushion, and a quiet minute takes off it.
const STEP: Duration = Duration::from_millis(5);
const QUIET: Duration = Duration::from_secs(60);
/// How long the largest callback is remembered: some servers ask for more at once now and then.
const MEMORY: Duration = Duration::from_secs(2);

pub struct Depth {
    /// Frames per second of the device.
    rate: u32,
    cushion: Duration,
    /// Since when there was neither a gap nor a change.
    quiet_since: Instant,
    /// The largest callback, in frames, and when it was seen.
    callback: (usize, Instant),
}

impl Depth {
    /// For a device of `rate` frames per second.
    pub fn new(rate: u32, now: Instant) -> Self {
        Self { rate, cushion: LEAST, quiet_since: now, callback: (rate as usize / 100, now) }
    }

    /// Takes what has happened since the last call: the largest callback in frames, and how many gaps were heard.
    pub fn observe(&mut self, largest: usize, gaps: usize, now: Instant) {
        if largest > 0 && (largest >= self.callback.0 || now.saturating_duration_since(self.callback.1) > MEMORY) {
            self.callback = (largest, now);
        }
        if gaps > 0 {
            self.cushion = (self.cushion + STEP).min(MOST);
            self.quiet_since = now;
        } else if now.saturating_duration_since(self.quiet_since) > QUIET {
            self.cushion = self.cushion.saturating_sub(STEP).max(LEAST);
            self.quiet_since = now;
        }
    }

    /// How many frames to keep ready.
    pub fn frames(&self) -> usize {
        self.callback.0 + (self.cushion.as_secs_f64() * f64::from(self.rate)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_and_a_cushion_are_kept_ready() {
        let now = Instant::now();
        let mut depth = Depth::new(48_000, now);
        assert_eq!(depth.frames(), 480 + 240);
        depth.observe(1024, 0, now);
        assert_eq!(depth.frames(), 1024 + 240);
    }

    #[test]
    fn a_gap_raises_the_cushion_up_to_its_limit_and_quiet_minutes_lower_it() {
        let start = Instant::now();
        let mut depth = Depth::new(48_000, start);
        (0..100).for_each(|_| depth.observe(480, 1, start));
        assert_eq!(depth.frames(), 480 + 2880);
        (1..=3).for_each(|minute| depth.observe(480, 0, start + Duration::from_secs(61 * minute)));
        assert_eq!(depth.frames(), 480 + 2880 - 3 * 240);
        (4..=100).for_each(|minute| depth.observe(480, 0, start + Duration::from_secs(61 * minute)));
        assert_eq!(depth.frames(), 480 + 240);
    }

    #[test]
    fn a_large_callback_is_forgotten_after_a_while() {
        let start = Instant::now();
        let mut depth = Depth::new(48_000, start);
        depth.observe(2048, 0, start);
        depth.observe(480, 0, start + Duration::from_secs(1));
        assert_eq!(depth.frames(), 2048 + 240);
        depth.observe(480, 0, start + Duration::from_secs(3));
        assert_eq!(depth.frames(), 480 + 240);
    }
}
