//! Bits beyond their share that pictures took, paid back by those behind them: pure arithmetic.
//!
//! The library's rate control does not count keyframes, and lets half a second exceed the bitrate by half where the picture changes much:
//! right on average is too late for a queue. So the bitrate that it is told leaves out what is owed.

/// What is owed is paid over so many pictures' shares, and no picture gives up more than this of its share: half a second then holds the
/// bitrate, and a coarse keyframe is still refined at once.
const OVER: f64 = 10.0;
const PAYMENT: f64 = 0.3;
/// What was saved is given out over so many: the library starves pictures after a cut, and believes a higher bitrate late.
const SAVED_OVER: f64 = 2.0;
/// More than this is not remembered, in shares: what was saved is no reason for a burst.
const MOST_OWED: f64 = 15.0;
const MOST_SAVED: f64 = 1.0;
/// Steps of what the library is told: finer ones are not worth its arithmetic.
const STEPS: f64 = 20.0;

/// What is owed, in bits.
#[derive(Debug, Default)]
pub(super) struct Debt {
    bits: f64,
}

impl Debt {
    /// A picture of `bits` was made where every picture's share is `share` bits.
    pub fn on_picture(&mut self, bits: f64, share: f64) {
        self.bits = (self.bits + bits - share).clamp(-share * MOST_SAVED, share * MOST_OWED);
    }

    /// The part of its share that the next picture should take.
    pub fn keep(&self, share: f64) -> f64 {
        let over = if self.bits < 0.0 { SAVED_OVER } else { OVER };
        let payment = (self.bits / (share * over)).min(PAYMENT);
        ((1.0 - payment) * STEPS).round() / STEPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What half a second of 30 pictures a second takes in shares, the first of them `first`, if the library does as it is told.
    fn half_a_second(debt: &mut Debt, first: f64) -> f64 {
        debt.on_picture(first * 1000.0, 1000.0);
        let others = (1..15).map(|_| {
            let bits = debt.keep(1000.0) * 1000.0;
            debt.on_picture(bits, 1000.0);
            bits
        });
        first + others.sum::<f64>() / 1000.0
    }

    #[test]
    fn half_a_second_with_a_keyframe_holds_the_bitrate() {
        let mut debt = Debt::default();
        for first in [1.0, 2.5, 4.5] {
            assert!(half_a_second(&mut debt, first) / 15.0 < 1.08, "{first}");
        }
        assert!((debt.keep(1000.0) - 1.0).abs() < 0.11);
    }

    #[test]
    fn what_is_saved_is_given_out_and_not_kept_for_a_burst() {
        let mut debt = Debt::default();
        (0..100).for_each(|_| debt.on_picture(0.0, 1000.0));
        assert_eq!(debt.keep(1000.0), 1.5);
        debt.on_picture(2000.0, 1000.0);
        assert_eq!(debt.keep(1000.0), 1.0);
    }

    #[test]
    fn no_picture_gives_up_more_than_a_third() {
        let mut debt = Debt::default();
        debt.on_picture(1e9, 1000.0);
        assert_eq!(debt.keep(1000.0), 0.7);
        assert!(half_a_second(&mut debt, 1.0) < 11.0);
    }
}
