//! How much of a processor's time the encoder takes: pure.

use std::time::Duration;

/// The share of the time between two pictures that making one takes, smoothed over about a second.
#[derive(Debug, Default)]
pub struct Load {
    share: f64,
    pictures: u32,
}

impl Load {
    /// The weight of the newest picture: at 30 a second, two thirds of what is known are of the last second.
    const WEIGHT: f64 = 1.0 / 30.0;
    /// Fewer pictures say nothing: the first of a size is a keyframe, and the processor wakes up.
    const ENOUGH: u32 = 20;

    /// Making a picture took so long, where they are this far apart.
    pub fn add(&mut self, took: Duration, interval: Duration) {
        let share = took.as_secs_f64() / interval.as_secs_f64().max(1e-3);
        self.pictures = self.pictures.saturating_add(1);
        // The plain mean at first.
        let weight = Self::WEIGHT.max(1.0 / f64::from(self.pictures));
        self.share += (share - self.share) * weight;
    }

    /// What is known; 1.0 is all of the time. `None` before enough pictures were made.
    pub fn share(&self) -> Option<f64> {
        (self.pictures >= Self::ENOUGH).then_some(self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_load_is_known_after_twenty_pictures_and_one_slow_one_hardly_counts() {
        let mut load = Load::default();
        for _ in 0..19 {
            load.add(8 * MS, 32 * MS);
            assert_eq!(load.share(), None);
        }
        load.add(8 * MS, 32 * MS);
        assert!(load.share().is_some_and(|share| (share - 0.25).abs() < 1e-9));
        load.add(64 * MS, 32 * MS);
        assert!(load.share().is_some_and(|share| share < 0.35));
        (0..60).for_each(|_| load.add(32 * MS, 32 * MS));
        assert!(load.share().is_some_and(|share| share > 0.85));
    }
}
