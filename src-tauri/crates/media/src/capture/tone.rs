//! A quiet 440 Hz tone, for a call without a microphone.

/// The tone's device id.
pub const ID: &str = "tone";

/// −20 dBFS.
const AMPLITUDE: f32 = 0.1;
/// 11 periods of 440 Hz are exactly this many samples at 48 kHz, so that the table repeats without a seam.
const TABLE: usize = 1200;
const PERIODS: f32 = 11.0;

/// An endless tone at 48 kHz.
pub struct Tone {
    table: Vec<f32>,
    position: usize,
}

impl Default for Tone {
    fn default() -> Self {
        let step = std::f32::consts::TAU * PERIODS / TABLE as f32;
        Self { table: (0..TABLE).map(|n| AMPLITUDE * (step * n as f32).sin()).collect(), position: 0 }
    }
}

impl Tone {
    /// Fills `out` with the next samples, the same on each of `channels` interleaved channels.
    pub fn fill(&mut self, out: &mut [f32], channels: usize) {
        for frame in out.chunks_exact_mut(channels.max(1)) {
            frame.fill(self.table[self.position]);
            self.position = (self.position + 1) % TABLE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_rises_through_zero_440_times_a_second() {
        let mut second = vec![0.0; 48_000];
        Tone::default().fill(&mut second, 1);
        let crossings = second.windows(2).filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0).count();
        assert_eq!(crossings, 440);
        assert!(second.iter().all(|sample| sample.abs() <= AMPLITUDE));
    }

    #[test]
    fn pieces_join_without_a_seam_and_channels_are_alike() {
        let (mut whole, mut pieces) = (vec![0.0; 2400], vec![0.0; 4800]);
        Tone::default().fill(&mut whole, 1);
        let mut tone = Tone::default();
        pieces.chunks_mut(96).for_each(|piece| tone.fill(piece, 2));
        assert!(whole.iter().zip(pieces.chunks_exact(2)).all(|(sample, pair)| pair == [*sample; 2]));
    }
}
