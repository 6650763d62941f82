//! Fewer frames from a device that is faster than wanted.

use std::time::{Duration, Instant};

/// Decides frame by frame which ones to keep.
pub struct Thin {
    fps: u32,
    /// The time from one kept frame to the next; none keeps all.
    period: Option<Duration>,
    next: Option<Instant>,
}

impl Thin {
    /// From `have` to about `want` frames per second. A device that is hardly faster keeps all its frames: leaving out one in twenty
    /// would show.
    pub fn new(have: u32, want: u32) -> Self {
        let faster = u64::from(have) * 4 > u64::from(want) * 5;
        let period = faster.then(|| Duration::from_secs(1) / want.max(1));
        Self { fps: if faster { want } else { have }, period, next: None }
    }

    /// How many frames per second are kept.
    pub fn fps(&self) -> u32 {
        self.fps
    }

    /// Whether to keep the frame captured at `captured`.
    pub fn keep(&mut self, captured: Instant) -> bool {
        let Some(period) = self.period else { return true };
        let due = self.next.unwrap_or(captured);
        // A frame that comes a little early, by jitter, is the one that was meant.
        if captured + period / 4 < due {
            return false;
        }
        let late = captured.saturating_duration_since(due) > period;
        self.next = Some(if late { captured } else { due } + period);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(have: u32, want: u32, jitter: u64) -> usize {
        let start = Instant::now();
        let mut thin = Thin::new(have, want);
        let frame = |n: u32| start + Duration::from_secs(1) * n / have + Duration::from_millis(u64::from(n) * 7 % (jitter + 1));
        (0..have * 10).filter(|&n| thin.keep(frame(n))).count()
    }

    #[test]
    fn a_faster_camera_is_thinned_to_the_wanted_rate() {
        assert_eq!(Thin::new(60, 30).fps(), 30);
        assert_eq!(kept(60, 30, 0), 300);
        assert_eq!(kept(30, 15, 0), 150);
        assert_eq!(kept(25, 15, 0), 150);
        // The last one may come early, by jitter.
        assert!((150..=151).contains(&kept(60, 15, 3)));
    }

    #[test]
    fn a_camera_as_fast_as_wanted_or_slower_keeps_all_frames() {
        assert_eq!(Thin::new(30, 25).fps(), 30);
        assert_eq!(kept(30, 30, 5), 300);
        assert_eq!(kept(30, 25, 0), 300);
        assert_eq!(kept(10, 30, 0), 100);
    }

    #[test]
    fn after_a_pause_nothing_is_made_up_for() {
        let start = Instant::now();
        let mut thin = Thin::new(60, 30);
        assert!(thin.keep(start));
        let later = start + Duration::from_secs(5);
        assert!(thin.keep(later));
        assert!(!thin.keep(later + Duration::from_millis(16)));
    }
}
