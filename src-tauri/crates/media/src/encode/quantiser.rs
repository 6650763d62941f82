//! How coarse a keyframe has to be: pure arithmetic.
//!
//! A keyframe of a picture full of detail takes as many bits as seventeen others at the same quality, and holds up whatever comes after
//! it by as many frames. So its size is given, and its quality follows: the quantiser is searched for by making the keyframe, which takes
//! one or two attempts more, a few milliseconds each. The pictures behind it bring the detail back within half a second.

use super::h264::Config;

/// A keyframe takes as long to send as this, in seconds of the bitrate, but may always be as large as [`SHARES`] other pictures.
const SECONDS: f64 = 0.09;
const SHARES: f64 = 2.5;
/// Quantisers of keyframes (ITU H.264, 7.4.3, `SliceQPY`): finer is not seen, coarser is not recognised.
const FINEST: u8 = 20;
const COARSEST: u8 = 46;
/// The quantiser of the first attempt ever.
const FIRST: u8 = 34;
/// A size between the first two shares of what is allowed is good enough; the third is aimed at.
const ENOUGH: f64 = 0.65;
const TOO_MUCH: f64 = 1.05;
const AIM: f64 = 0.85;
/// How many steps of the quantiser halve a keyframe: seven on film, where six halve the precision.
const HALVES: f64 = 7.0;
/// Attempts beyond the first.
const ATTEMPTS: u8 = 3;

/// What a keyframe may take, in bits.
pub(super) fn allowed(config: &Config) -> f64 {
    let bitrate = f64::from(config.bitrate_bps);
    (bitrate * SECONDS).max(bitrate / f64::from(config.fps.max(1)) * SHARES)
}

/// The quantiser of the last keyframe, where the search for the next begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantiser {
    qp: u8,
}

impl Default for Quantiser {
    fn default() -> Self {
        Self { qp: FIRST }
    }
}

impl Quantiser {
    /// Begins the search for one keyframe of at most `allowed` bits.
    pub fn search(&mut self, allowed: f64) -> Search<'_> {
        Search { quantiser: self, allowed, left: ATTEMPTS }
    }
}

/// The attempts at one keyframe.
#[derive(Debug)]
pub(super) struct Search<'a> {
    quantiser: &'a mut Quantiser,
    allowed: f64,
    left: u8,
}

impl Search<'_> {
    /// The quantiser to try.
    pub fn qp(&self) -> u8 {
        self.quantiser.qp
    }

    /// The attempt took so many bits. Whether to try again, with another [`qp`](Self::qp).
    pub fn again(&mut self, bits: f64) -> bool {
        let ratio = bits / self.allowed;
        // What is too small costs no time, only quality: one attempt for that, and none that could end too large.
        let small = ratio < ENOUGH && self.left >= ATTEMPTS - 1;
        if self.left == 0 || !small && ratio <= TOO_MUCH {
            return false;
        }
        self.left -= 1;
        let steps = (ratio / AIM).log2() * HALVES;
        let qp = self.quantiser.qp;
        self.quantiser.qp = (f64::from(qp) + steps.ceil()).clamp(FINEST.into(), COARSEST.into()) as u8;
        self.quantiser.qp != qp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the attempts at a keyframe that takes `bits` at the first quantiser and half of that `halves` steps on.
    fn attempts(quantiser: &mut Quantiser, bits: f64, halves: f64, allowed: f64) -> Vec<f64> {
        let mut search = quantiser.search(allowed);
        let mut sizes = Vec::new();
        loop {
            let size = bits * 2f64.powf((f64::from(FIRST) - f64::from(search.qp())) / halves);
            sizes.push(size / allowed);
            if !search.again(size) {
                return sizes;
            }
        }
    }

    #[test]
    fn a_keyframe_fits_after_two_attempts_more_at_most_and_the_next_at_once() {
        for halves in [5.0, 6.0, 7.0, 8.5] {
            for bits in [50_000.0, 100_000.0, 150_000.0, 200_000.0] {
                let mut quantiser = Quantiser::default();
                let sizes = attempts(&mut quantiser, bits, halves, 75_000.0);
                assert!(sizes.len() <= 3 && *sizes.last().expect("one") <= TOO_MUCH, "{bits} at {halves}: {sizes:?}");
                assert!(sizes.len() < 2 || attempts(&mut quantiser, bits, halves, 75_000.0).len() <= 2, "{bits} at {halves}");
            }
        }
    }

    #[test]
    fn a_keyframe_that_can_be_no_coarser_is_taken_as_it_is() {
        let mut quantiser = Quantiser::default();
        assert!(attempts(&mut quantiser, 1e9, 7.0, 1_000.0).len() <= 2);
        assert_eq!(quantiser.qp, COARSEST);
        assert!(attempts(&mut quantiser, 1.0, 7.0, 1e9).len() <= 2);
    }

    #[test]
    fn slow_pictures_may_be_larger() {
        let config = Config { width: 640, height: 360, fps: 30, bitrate_bps: 300_000 };
        assert_eq!((allowed(&config), allowed(&Config { fps: 5, ..config })), (27_000.0, 150_000.0));
    }
}
