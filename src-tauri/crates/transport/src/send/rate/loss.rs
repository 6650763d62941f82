//! Telling loss that congestion makes from loss that the path has anyway.
//!
//! Sending less makes the first kind go away and not the second. So unexpected loss brings one cut of the rate; if the loss stays,
//! it is the path's own, the cut is taken back, and that much loss is accepted from then on.

use std::time::{Duration, Instant};

/// Loss is judged over windows of at least this long and this many packets.
const WINDOW: Duration = Duration::from_millis(1000);
const MIN_PACKETS: u32 = 20;

/// Loss above what is accepted that is put up with, besides twice the sampling error.
const MARGIN: f64 = 0.07;

/// If this share of the loss remains after a cut, it was not congestion.
const REMAINS: f64 = 0.6;

/// Above this excess, the rate is cut to what arrives.
const HEAVY: f64 = 0.15;

/// The share of a window's loss in the smoothed loss.
const WEIGHT: f64 = 0.4;

/// What to do with the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    Keep,
    /// Multiply by this.
    Cut(f64),
    /// Cut to what arrives.
    CutToAcked,
    /// The cut did not help: take it back.
    Restore,
}

#[derive(Debug, Default)]
pub struct Loss {
    started: Option<Instant>,
    packets: u32,
    lost: u32,
    smoothed: f64,
    inherent: f64,
    /// The loss that led to a cut whose effect is awaited; the first window after it still shows what was sent before.
    cut_for: Option<(f64, bool)>,
}

impl Loss {
    pub fn add(&mut self, lost: bool) {
        self.packets += 1;
        self.lost += u32::from(lost);
    }

    /// So many that counted as lost have come after all.
    pub fn take_back(&mut self, count: u32) {
        self.lost = self.lost.saturating_sub(count);
    }

    /// Judges a window if one is complete. `congested`: the delay shows a queue, which explains loss and is dealt with by itself.
    pub fn judge(&mut self, congested: bool, now: Instant) -> Verdict {
        let started = *self.started.get_or_insert(now);
        if now.saturating_duration_since(started) < WINDOW || self.packets < MIN_PACKETS {
            return Verdict::Keep;
        }
        let (packets, loss) = (f64::from(self.packets), f64::from(self.lost) / f64::from(self.packets));
        self.started = Some(now);
        self.packets = 0;
        self.lost = 0;
        self.smoothed += WEIGHT * (loss - self.smoothed);
        if congested {
            self.cut_for = None;
            return Verdict::Keep;
        }
        self.verdict(loss, packets)
    }

    fn verdict(&mut self, loss: f64, packets: f64) -> Verdict {
        match self.cut_for.take() {
            Some((before, false)) => {
                self.cut_for = Some((before, true));
                return Verdict::Keep;
            }
            Some((before, true)) if loss > REMAINS * before => {
                self.inherent = self.inherent.max((loss + before) / 2.0);
                return Verdict::Restore;
            }
            _ => {}
        }
        let error = 2.0 * (loss.max(0.01) * (1.0 - loss) / packets).sqrt();
        let excess = loss - self.inherent;
        if excess <= MARGIN + error {
            self.inherent += excess.min(0.0) * 0.2;
            return Verdict::Keep;
        }
        self.cut_for = Some((loss, false));
        if excess > HEAVY { Verdict::CutToAcked } else { Verdict::Cut(1.0 - excess / 2.0) }
    }

    /// Whether the effect of a cut is awaited.
    pub fn testing(&self) -> bool {
        self.cut_for.is_some()
    }

    /// Smoothed loss, 0 to 1.
    pub fn smoothed(&self) -> f64 {
        self.smoothed
    }

    /// The loss that the path has anyway, 0 to 1.
    pub fn inherent(&self) -> f64 {
        self.inherent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges windows of 100 packets, a second apart, with these losses in percent.
    fn judge(loss: &mut Loss, start: Instant, windows: &[u32]) -> Vec<Verdict> {
        let mut now = start;
        loss.judge(false, now);
        let verdicts = windows.iter().map(|&percent| {
            (0..100).for_each(|packet| loss.add(packet < percent));
            now += WINDOW;
            loss.judge(false, now)
        });
        verdicts.collect()
    }

    #[test]
    fn a_tenth_at_random_is_accepted_after_at_most_one_cut() {
        let mut loss = Loss::default();
        let verdicts = judge(&mut loss, Instant::now(), &[18, 14, 12, 10, 9, 11, 12, 10]);
        assert!(matches!(verdicts[0], Verdict::CutToAcked | Verdict::Cut(_)), "{verdicts:?}");
        assert_eq!(verdicts[2], Verdict::Restore);
        assert!(verdicts[3..].iter().all(|verdict| *verdict == Verdict::Keep), "{verdicts:?}");
    }

    #[test]
    fn loss_that_a_cut_ends_is_congestion() {
        let mut loss = Loss::default();
        let verdicts = judge(&mut loss, Instant::now(), &[20, 10, 0, 0, 20]);
        assert_eq!(verdicts, [Verdict::CutToAcked, Verdict::Keep, Verdict::Keep, Verdict::Keep, Verdict::CutToAcked]);
        assert!(loss.inherent() < 0.01);
    }

    #[test]
    fn what_was_accepted_is_forgotten_when_it_ends() {
        let mut loss = Loss::default();
        judge(&mut loss, Instant::now(), &[20, 20, 20]);
        assert!(loss.inherent() > 0.19);
        judge(&mut loss, Instant::now() + Duration::from_secs(60), &[0; 20]);
        assert!(loss.inherent() < 0.01);
    }

    #[test]
    fn loss_beside_a_queue_is_left_to_the_delay() {
        let mut loss = Loss::default();
        let start = Instant::now();
        loss.judge(true, start);
        (0..100).for_each(|packet| loss.add(packet < 30));
        assert_eq!(loss.judge(true, start + WINDOW), Verdict::Keep);
        assert!(loss.smoothed() > 0.1);
    }

    #[test]
    fn what_was_overtaken_was_not_lost() {
        let (mut loss, start) = (Loss::default(), Instant::now());
        for packet in 0..400u32 {
            loss.add(packet % 4 == 0);
            loss.take_back(u32::from(packet % 4 == 2));
            assert_eq!(loss.judge(false, start + packet * Duration::from_millis(10)), Verdict::Keep);
        }
        assert!(loss.smoothed() < 0.01, "{}", loss.smoothed());
    }
}
