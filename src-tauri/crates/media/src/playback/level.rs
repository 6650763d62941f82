//! How loud something is, for a person's eye.

use std::sync::atomic::{AtomicU32, Ordering};

/// What is left of the shown level after 10 ms of silence: it falls 60 dB in a second.
const FALL: f32 = 0.933;

/// The peak of the last moments, 0.0 to 1.0: rises at once, falls slowly. One thread writes, any thread reads.
#[derive(Default)]
pub struct Level(AtomicU32);

impl Level {
    /// Takes the next 10 ms of sound.
    pub fn update(&self, samples: &[f32]) {
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs())).min(1.0);
        let shown = peak.max(self.get() * FALL);
        // Below −80 dB there is nothing to see, and no subnormal number to fall through.
        self.0.store(if shown < 1e-4 { 0 } else { shown.to_bits() }, Ordering::Relaxed);
    }

    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_rises_at_once_and_falls_slowly_to_nothing() {
        let level = Level::default();
        level.update(&[0.1, -0.8, 0.3]);
        assert_eq!(level.get(), 0.8);
        level.update(&[0.0; 10]);
        assert!(level.get() > 0.7 && level.get() < 0.8);
        (0..200).for_each(|_| level.update(&[0.0; 10]));
        assert_eq!(level.get(), 0.0);
    }

    #[test]
    fn what_is_no_number_or_too_loud_stays_in_range() {
        let level = Level::default();
        level.update(&[f32::NAN]);
        assert_eq!(level.get(), 0.0);
        level.update(&[f32::INFINITY]);
        assert_eq!(level.get(), 1.0);
    }
}
