//! Sound from one sample rate to another, in a stream.
//!
//! Band-limited interpolation (J. O. Smith, "Digital Audio Resampling", CCRMA): a sinc under a Kaiser window, tabulated at [`PHASES`]
//! fractions of a sample and interpolated between them. The position is an exact fraction, so that a day of sound does not drift.

use std::f64::consts::PI;

/// Fractions of a sample at which the filter is tabulated.
const PHASES: usize = 256;
/// The filter's length in samples of the lower rate.
const TAPS: usize = 64;
/// Where the filter cuts, as a part of the lower rate's Nyquist frequency: −6 dB there, 90 dB down 9 % above.
const CUTOFF: f64 = 0.92;
/// Kaiser's β for 90 dB.
const BETA: f64 = 8.96;
/// The strongest reduction, which bounds the filter's length.
const MAX_REDUCTION: f64 = 16.0;

/// Converts interleaved sound of a fixed number of channels.
pub struct Resampler {
    channels: usize,
    /// Input samples per output sample are `from / to`, in lowest terms.
    from: u64,
    to: u64,
    /// Samples a channel that one output sample is made of.
    taps: usize,
    /// [`PHASES`] + 1 rows of `taps` coefficients.
    table: Vec<f32>,
    /// Interleaved input that is still needed; `position` counts in it.
    held: Vec<f32>,
    position: usize,
    /// The fraction of a sample after `position`, in `1 / to`.
    fraction: u64,
}

impl Resampler {
    /// From `from` to `to` hertz, each at least 1.
    pub fn new(from: u32, to: u32, channels: usize) -> Self {
        let (from, to, channels) = (u64::from(from.max(1)), u64::from(to.max(1)), channels.max(1));
        let divisor = gcd(from, to);
        let reduction = (from as f64 / to as f64).clamp(1.0, MAX_REDUCTION);
        let taps = if from == to { 1 } else { (TAPS as f64 * reduction / 2.0).ceil() as usize * 2 };
        Self {
            channels,
            from: from / divisor,
            to: to / divisor,
            taps,
            table: if from == to { Vec::new() } else { table(taps, CUTOFF / reduction) },
            // Silence before the first sample, so that it falls into the filter's middle.
            held: vec![0.0; (taps - 1) / 2 * channels],
            position: 0,
            fraction: 0,
        }
    }

    /// Takes `input` (whole frames, interleaved) and appends what has become ready to `output`.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.from == self.to {
            output.extend_from_slice(input);
            return;
        }
        self.held.extend_from_slice(input);
        while (self.position + self.taps) * self.channels <= self.held.len() {
            self.interpolate(output);
            self.fraction += self.from;
            self.position += (self.fraction / self.to) as usize;
            self.fraction %= self.to;
        }
        let used = (self.position * self.channels).min(self.held.len());
        self.held.drain(..used);
        self.position -= used / self.channels;
    }

    fn interpolate(&self, output: &mut Vec<f32>) {
        let scaled = self.fraction * PHASES as u64;
        let phase = (scaled / self.to) as usize;
        let weight = (scaled % self.to) as f32 / self.to as f32;
        let lower = &self.table[phase * self.taps..][..self.taps];
        let upper = &self.table[(phase + 1) * self.taps..][..self.taps];
        let window = &self.held[self.position * self.channels..][..self.taps * self.channels];
        let start = output.len();
        output.resize(start + self.channels, 0.0);
        for ((frame, low), high) in window.chunks_exact(self.channels).zip(lower).zip(upper) {
            let coefficient = low + (high - low) * weight;
            for (sum, sample) in output[start..].iter_mut().zip(frame) {
                *sum += coefficient * sample;
            }
        }
    }
}

/// The filter: row p holds it for the fraction p / [`PHASES`], scaled so that silence and a constant pass unchanged.
fn table(taps: usize, cutoff: f64) -> Vec<f32> {
    let middle = (taps / 2 - 1) as f64;
    let mut table = Vec::with_capacity((PHASES + 1) * taps);
    for phase in 0..=PHASES {
        let centre = middle + phase as f64 / PHASES as f64;
        let row: Vec<f64> = (0..taps).map(|tap| tap as f64 - centre).map(|x| sinc(x * cutoff) * kaiser(x / (taps as f64 / 2.0))).collect();
        let sum: f64 = row.iter().sum();
        table.extend(row.iter().map(|coefficient| (coefficient / sum) as f32));
    }
    table
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Kaiser's window for `x` in −1..=1.
fn kaiser(x: f64) -> f64 {
    bessel(BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel(BETA)
}

/// The modified Bessel function of the first kind, order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / 2.0 / k) * (x / 2.0 / k);
        sum += term;
        k += 1.0;
    }
    sum
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sine(hertz: f64, rate: u32, samples: usize) -> Vec<f32> {
        (0..samples).map(|n| (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn resampled(input: &[f32], from: u32, to: u32) -> Vec<f32> {
        let mut output = Vec::new();
        Resampler::new(from, to, 1).push(input, &mut output);
        output
    }

    /// The largest distance between two sounds, leaving out the filter's settling at the start.
    fn error(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).skip(200).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_sine_stays_the_same_sine() {
        for (from, to) in [(44_100, 48_000), (16_000, 48_000), (96_000, 48_000), (48_000, 44_100), (11_025, 48_000), (44_101, 48_000)] {
            let output = resampled(&sine(1000.0, from, from as usize / 2), from, to);
            assert!(output.len() > to as usize / 2 - 400, "{from} to {to}: {}", output.len());
            let off = error(&output, &sine(1000.0, to, output.len()));
            assert!(off < 2e-4, "{from} to {to}: {off}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        let output = resampled(&sine(20_000.0, 48_000, 24_000), 48_000, 32_000);
        assert!(output.iter().skip(200).all(|sample| sample.abs() < 1e-3));
    }

    #[test]
    fn the_same_rate_passes_untouched() {
        let input = sine(440.0, 48_000, 1000);
        assert_eq!(resampled(&input, 48_000, 48_000), input);
    }

    #[test]
    fn a_day_does_not_drift() {
        let mut resampler = Resampler::new(44_100, 48_000, 1);
        let (mut output, mut total) = (Vec::new(), 0);
        for _ in 0..600 {
            output.clear();
            resampler.push(&[0.0; 4410], &mut output);
            total += output.len();
        }
        assert!((60 * 48_000 - total) < 70, "{total}");
    }

    #[test]
    fn channels_stay_apart() {
        let left = sine(500.0, 44_100, 4000);
        let stereo: Vec<f32> = left.iter().flat_map(|&sample| [sample, -0.5 * sample]).collect();
        let mut output = Vec::new();
        Resampler::new(44_100, 48_000, 2).push(&stereo, &mut output);
        assert!(output.chunks_exact(2).all(|pair| (pair[0] * -0.5 - pair[1]).abs() < 1e-6));
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(from in 8000u32..96_000, cuts in prop::collection::vec(1usize..300, 1..20)) {
            let input = sine(300.0, from, cuts.iter().sum());
            let mut resampler = Resampler::new(from, 48_000, 1);
            let (mut pieces, mut rest) = (Vec::new(), input.as_slice());
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut);
                resampler.push(piece, &mut pieces);
                rest = tail;
            }
            prop_assert_eq!(pieces, resampled(&input, from, 48_000));
        }
    }
}
