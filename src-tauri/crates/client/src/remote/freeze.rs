//! How long a picture stood still, by the definition of webrtc-stats (`freezeCount`, `totalFreezesDuration`).
//!
//! A freeze is a gap between two shown pictures of at least `max(3 × mean, mean + 150 ms)`, the mean being that of the last 30 gaps;
//! its whole length counts. A muted picture does not freeze.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The gaps of one stream's pictures.
#[derive(Debug, Default)]
pub(super) struct Freezes {
    last: Option<Instant>,
    gaps: VecDeque<Duration>,
    frozen: Duration,
}

impl Freezes {
    const GAPS: usize = 30;
    const GRACE: Duration = Duration::from_millis(150);

    pub fn on_shown(&mut self, now: Instant) {
        let Some(last) = self.last.replace(now) else { return };
        let gap = now.saturating_duration_since(last);
        if self.is_freeze(gap) {
            self.frozen += gap;
        }
        if self.gaps.len() == Self::GAPS {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
    }

    /// The picture pauses on purpose: the gap that follows is none.
    pub fn on_pause(&mut self) {
        self.last = None;
    }

    /// All freezes so far, one that lasts included.
    pub fn frozen(&self, now: Instant) -> Duration {
        let gap = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.frozen + if self.is_freeze(gap) { gap } else { Duration::ZERO }
    }

    fn is_freeze(&self, gap: Duration) -> bool {
        if self.gaps.is_empty() {
            return false;
        }
        let mean = self.gaps.iter().sum::<Duration>() / self.gaps.len() as u32;
        gap >= (mean * 3).max(mean + Self::GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that showed 31 pictures, 40 ms apart.
    fn shown() -> (Freezes, Instant) {
        let (mut freezes, start) = (Freezes::default(), Instant::now());
        (0..=30).for_each(|index| freezes.on_shown(start + Duration::from_millis(40) * index));
        (freezes, start + Duration::from_millis(1200))
    }

    #[test]
    fn a_steady_stream_never_freezes() {
        let (freezes, now) = shown();
        assert_eq!(freezes.frozen(now + Duration::from_millis(189)), Duration::ZERO);
    }

    #[test]
    fn a_long_gap_counts_whole_while_it_lasts_and_after() {
        let (mut freezes, now) = shown();
        let gap = Duration::from_millis(190);
        assert_eq!(freezes.frozen(now + gap), gap);
        freezes.on_shown(now + gap);
        assert_eq!(freezes.frozen(now + gap * 2 - Duration::from_millis(1)), gap);
    }

    #[test]
    fn a_slow_stream_may_take_three_of_its_own_gaps() {
        let (mut freezes, start) = (Freezes::default(), Instant::now());
        (0..=30).for_each(|index| freezes.on_shown(start + Duration::from_secs(1) * index));
        assert_eq!(freezes.frozen(start + Duration::from_millis(32_999)), Duration::ZERO);
        assert_eq!(freezes.frozen(start + Duration::from_secs(33)), Duration::from_secs(3));
    }

    #[test]
    fn a_muted_picture_does_not_freeze() {
        let (mut freezes, now) = shown();
        freezes.on_pause();
        let later = now + Duration::from_secs(60);
        assert_eq!(freezes.frozen(later), Duration::ZERO);
        freezes.on_shown(later);
        assert_eq!(freezes.frozen(later), Duration::ZERO);
    }
}
