//! Many voices to one sound: gains, sum, and a limiter that keeps the sum within full scale.
//!
//! Invariants: what comes out is within −1.0..=1.0 whatever goes in; a sum that stays below the threshold passes untouched; no gain
//! jumps: it moves evenly across a block.

use super::BLOCK;

/// Above this peak the limiter turns the sum down (−0.9 dB).
const THRESHOLD: f32 = 0.9;
/// What part of the way back to full gain the limiter goes in a block: 150 ms to recover.
const RELEASE: f32 = 0.065;

/// The sum of the voices of one block, and the limiter's memory between blocks.
pub struct Mixer {
    sum: [f32; BLOCK],
    gain: f32,
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: [0.0; BLOCK], gain: 1.0 }
    }
}

impl Mixer {
    /// Adds a voice, its gain moving from `from` to `to`. Samples that are no numbers count as silence.
    pub fn add(&mut self, voice: &[f32; BLOCK], from: f32, to: f32) {
        for ((sum, sample), gain) in self.sum.iter_mut().zip(voice).zip(ramp(from, to)) {
            let sample = sample * gain;
            *sum += if sample.is_finite() { sample } else { 0.0 };
        }
    }

    /// Writes the limited sum into `out` and begins the next block.
    pub fn finish(&mut self, out: &mut [f32; BLOCK]) {
        let peak = self.sum.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let wanted = if peak > THRESHOLD { THRESHOLD / peak } else { 1.0 };
        let gain = if wanted < self.gain { wanted } else { self.gain + (wanted - self.gain) * RELEASE };
        for ((out, sum), gain) in out.iter_mut().zip(&self.sum).zip(ramp(self.gain, gain)) {
            *out = clip(sum * gain);
        }
        // Full gain is reached, not only approached, so that a quiet sum is untouched again.
        self.gain = if gain > 0.999 { 1.0 } else { gain };
        self.sum.fill(0.0);
    }
}

/// A gain for each sample of a block, both channels of a frame alike.
fn ramp(from: f32, to: f32) -> impl Iterator<Item = f32> {
    const FRAMES: usize = BLOCK / 2;
    (1..=FRAMES).flat_map(move |n| {
        let gain = from + (to - from) * (n as f32 / FRAMES as f32);
        [gain, gain]
    })
}

/// Bends what exceeds the threshold towards full scale: the gain is only on its way down while a peak passes.
fn clip(sample: f32) -> f32 {
    let over = sample.abs() - THRESHOLD;
    if over <= 0.0 {
        return sample;
    }
    let room = 1.0 - THRESHOLD;
    (THRESHOLD + room * (1.0 - (-over / room).exp())).copysign(sample)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mixed(mixer: &mut Mixer, voices: &[f32]) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        voices.iter().for_each(|&level| mixer.add(&[level; BLOCK], 1.0, 1.0));
        mixer.finish(&mut out);
        out
    }

    #[test]
    fn quiet_voices_are_summed_exactly() {
        let mut mixer = Mixer::default();
        assert!(mixed(&mut mixer, &[0.25, 0.5, -0.125]).iter().all(|&sample| sample == 0.625));
        assert!(mixed(&mut mixer, &[]).iter().all(|&sample| sample == 0.0));
    }

    #[test]
    fn loud_voices_are_turned_down_together_and_come_back() {
        let mut mixer = Mixer::default();
        mixed(&mut mixer, &[0.8; 4]);
        let loud = mixed(&mut mixer, &[0.8; 4]);
        assert!(loud.iter().all(|sample| (sample - THRESHOLD).abs() < 1e-3), "{}", loud[0]);
        let soon = mixed(&mut mixer, &[0.5]);
        assert!(soon[BLOCK - 1] < 0.3);
        let later = (0..150).map(|_| mixed(&mut mixer, &[0.5])).last().expect("not empty");
        assert!(later.iter().all(|&sample| sample == 0.5));
    }

    #[test]
    fn a_gain_moves_evenly_across_the_block() {
        let mut mixer = Mixer::default();
        let mut out = [0.0; BLOCK];
        mixer.add(&[0.5; BLOCK], 0.0, 1.0);
        mixer.finish(&mut out);
        assert!(out.chunks_exact(2).all(|pair| pair[0] == pair[1]));
        assert!(out.windows(3).all(|window| window[2] > window[0] && window[2] - window[0] < 0.002));
        assert_eq!(out[BLOCK - 1], 0.5);
    }

    #[test]
    fn what_is_no_number_is_silence() {
        let mut mixer = Mixer::default();
        assert!(mixed(&mut mixer, &[f32::NAN, f32::INFINITY, 0.25]).iter().all(|&sample| sample == 0.25));
    }

    proptest! {
        #[test]
        fn nothing_exceeds_full_scale(blocks in prop::collection::vec(prop::collection::vec(-50.0_f32..50.0, 0..6), 1..8)) {
            let mut mixer = Mixer::default();
            for voices in blocks {
                prop_assert!(mixed(&mut mixer, &voices).iter().all(|sample| sample.abs() <= 1.0));
            }
        }
    }
}
