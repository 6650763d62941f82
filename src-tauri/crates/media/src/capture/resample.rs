//! Sound from one sample rate to another, in a stream.
//!
//! Band-limited interpolation (J. O. Smith, "Digital Audio Resampling", CCRMA): a sinc under a Kaiser window, tabulated at [`PHASES`]
//! fractions of a sample and interpolated between them. The position is kept to 2⁻⁵² of a sample, which a day of sound does not add up.
//! Rates may change while it runs: the position stays, so that nothing is heard of it.

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
/// Coefficients that are worked on side by side.
const LANES: usize = 8;

/// Converts interleaved sound of one or two channels.
pub struct Resampler {
    channels: usize,
    /// Input samples from one output sample to the next.
    step: f64,
    /// Samples a channel that one output sample is made of, a multiple of [`LANES`]; none when all pass as they are.
    taps: usize,
    /// [`PHASES`] + 1 rows of `taps` coefficients.
    table: Vec<f32>,
    /// Interleaved input that is still needed; `position` counts in it.
    held: Vec<f32>,
    position: usize,
    /// What part of a sample after `position`.
    fraction: f64,
}

impl Resampler {
    /// From `from` to `to` hertz, each at least 1. With one rate on both sides, sound passes as it is.
    pub fn new(from: u32, to: u32, channels: usize) -> Self {
        if from == to { Self::with_taps(0, 1.0, channels) } else { Self::varying(from, to, channels) }
    }

    /// The same for rates that will change a little: see [`set_rates`](Self::set_rates).
    pub fn varying(from: u32, to: u32, channels: usize) -> Self {
        let (from, to) = (f64::from(from.max(1)), f64::from(to.max(1)));
        let reduction = (from / to).clamp(1.0, MAX_REDUCTION);
        let taps = (TAPS as f64 * reduction / LANES as f64).ceil() as usize * LANES;
        let mut resampler = Self::with_taps(taps, reduction, channels);
        resampler.set_rates(from, to);
        resampler
    }

    fn with_taps(taps: usize, reduction: f64, channels: usize) -> Self {
        let channels = channels.clamp(1, 2);
        let table = if taps == 0 { Vec::new() } else { table(taps, CUTOFF / reduction) };
        // Silence before the first sample, so that it falls into the filter's middle.
        let held = vec![0.0; taps.saturating_sub(1) / 2 * channels];
        Self { channels, step: 1.0, taps, table, held, position: 0, fraction: 0.0 }
    }

    /// From now on the input has `from` samples a second and the output `to`, both near what was said at first.
    pub fn set_rates(&mut self, from: f64, to: f64) {
        self.step = from / to;
    }

    /// Takes `input` (whole frames, interleaved) and appends what has become ready to `output`.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.taps == 0 {
            output.extend_from_slice(input);
            return;
        }
        self.held.extend_from_slice(input);
        while (self.position + self.taps) * self.channels <= self.held.len() {
            match self.channels {
                1 => output.extend(self.interpolate::<1>()),
                _ => output.extend(self.interpolate::<2>()),
            }
            self.fraction += self.step;
            self.position += self.fraction as usize;
            self.fraction = self.fraction.fract();
        }
        let used = (self.position * self.channels).min(self.held.len());
        self.held.drain(..used);
        self.position -= used / self.channels;
    }

    /// One sample of each of `CHANNELS` channels.
    fn interpolate<const CHANNELS: usize>(&self) -> [f32; CHANNELS] {
        let scaled = self.fraction * PHASES as f64;
        let (phase, weight) = (scaled as usize, scaled.fract() as f32);
        let lower = self.table[phase * self.taps..][..self.taps].as_chunks::<LANES>().0;
        let upper = self.table[(phase + 1) * self.taps..][..self.taps].as_chunks::<LANES>().0;
        let frames = self.held[self.position * CHANNELS..][..self.taps * CHANNELS].as_chunks::<CHANNELS>().0.as_chunks::<LANES>().0;
        let mut sums = [[0.0; CHANNELS]; LANES];
        for ((frames, low), high) in frames.iter().zip(lower).zip(upper) {
            for lane in 0..LANES {
                let coefficient = low[lane] + (high[lane] - low[lane]) * weight;
                for channel in 0..CHANNELS {
                    sums[lane][channel] += coefficient * frames[lane][channel];
                }
            }
        }
        std::array::from_fn(|channel| sums.iter().map(|sum| sum[channel]).sum())
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
    fn a_rate_that_changes_is_not_heard_but_in_the_pitch() {
        // A sine of 1 kHz whose card speeds up by 200 ppm within two seconds.
        let (mut resampler, mut output, mut phase) = (Resampler::varying(48_000, 48_000, 1), Vec::new(), 0.0_f64);
        for piece in 0..200 {
            let rate = 48_000.0 * (1.0 + f64::from(piece) * 1e-6);
            let mut sample = || {
                phase += 1000.0 / rate;
                (2.0 * PI * phase).sin() as f32
            };
            resampler.set_rates(rate, 48_000.0);
            resampler.push(&(0..480).map(|_| sample()).collect::<Vec<_>>(), &mut output);
        }
        // A sine obeys x(n+1) = 2 cos ω x(n) − x(n−1).
        let twice = 2.0 * (2.0 * PI / 48.0).cos() as f32;
        let click = output[200..].windows(3).map(|three| (three[2] - twice * three[1] + three[0]).abs()).fold(0.0, f32::max);
        assert!(click < 1e-4, "{click}");
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
