//! A sound card's buffers, of any rate, number of channels and length, to 10 ms frames: of the system's clock, whatever the card's is.

use std::time::{Duration, Instant};

use super::SAMPLE_RATE;
use super::channels::remix;
use super::drift::Drift;
use super::resample::Resampler;
use super::sample_clock::SampleClock;
use crate::AudioFrame;

/// Samples a channel in a frame.
pub const FRAME_SAMPLES: usize = SAMPLE_RATE as usize / 100;
/// How long a frame lasts.
pub const FRAME: Duration = Duration::from_millis(10);

/// Cuts one stream of sound into frames.
pub struct Framer {
    device_channels: usize,
    channels: usize,
    drift: Drift,
    resampler: Resampler,
    clock: SampleClock,
    /// The device's samples with the wanted number of channels.
    mixed: Vec<f32>,
    /// Sound at 48 kHz that is not a whole frame yet.
    pending: Vec<f32>,
}

impl Framer {
    /// From a device's rate (hertz) and channels to frames of `channels` channels.
    pub fn new(device_rate: u32, device_channels: usize, channels: u8) -> Self {
        let channels = usize::from(channels.max(1));
        Self {
            device_channels,
            channels,
            drift: Drift::new(device_rate),
            resampler: Resampler::varying(device_rate, SAMPLE_RATE, channels),
            clock: SampleClock::new(FRAME),
            mixed: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Takes one buffer, whose first sample was captured at `captured`, and hands over each frame that is complete.
    pub fn push(&mut self, samples: &[f32], captured: Instant, mut ready: impl FnMut(AudioFrame)) {
        let waiting = self.pending.len() / self.channels;
        self.drift.push(samples.len() / self.device_channels.max(1), captured);
        self.resampler.set_rates(self.drift.rate(), f64::from(SAMPLE_RATE));
        self.mixed.clear();
        remix(samples, self.device_channels, self.channels, &mut self.mixed);
        self.resampler.push(&self.mixed, &mut self.pending);
        let oldest = captured.checked_sub(FRAME * waiting as u32 / FRAME_SAMPLES as u32).unwrap_or(captured);
        let length = FRAME_SAMPLES * self.channels;
        let frames = self.pending.chunks_exact(length);
        for (n, frame) in (0_u32..).zip(frames) {
            let captured = self.clock.stamp(oldest + FRAME * n);
            ready(AudioFrame { samples: frame.to_vec(), channels: self.channels as u8, captured });
        }
        self.pending.drain(..self.pending.len() / length * length);
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn frames(framer: &mut Framer, samples: &[f32], captured: Instant) -> Vec<AudioFrame> {
        let mut frames = Vec::new();
        framer.push(samples, captured, |frame| frames.push(frame));
        frames
    }

    #[test]
    fn buffers_of_any_length_become_frames_of_ten_milliseconds() {
        let start = Instant::now();
        let mut framer = Framer::new(48_000, 1, 2);
        let sound: Vec<f32> = (0..1300).map(|n| n as f32 / 1300.0).collect();
        assert!(frames(&mut framer, &sound[..300], start).is_empty());
        let ready = frames(&mut framer, &sound[300..], start + Duration::from_micros(6250));
        assert_eq!(ready.len(), 2);
        assert!(ready.iter().all(|frame| frame.channels == 2 && frame.samples.len() == 960));
        let (left, right) = (ready[1].samples[0], ready[1].samples[1]);
        assert!(left == right && (left - 480.0 / 1300.0).abs() < 1e-3, "{left}");
        let late = ready[0].captured - start;
        assert!(late < Duration::from_millis(1) && ready[1].captured - ready[0].captured == FRAME, "{late:?}");
    }

    #[test]
    fn another_rate_is_converted() {
        let start = Instant::now();
        let mut framer = Framer::new(44_100, 2, 1);
        let count: usize = (0..100).map(|n| frames(&mut framer, &[0.25; 882], start + FRAME * n).len()).sum();
        assert_eq!(count, 99);
    }

    /// A card that is off by `ppm` records a sine for ten minutes. From when it is known on: how many frames there are too many, by how
    /// many seconds their times are off at worst, and the sharpest click.
    fn recorded(ppm: f64) -> (f64, f64, f32) {
        let (start, rate, calls) = (Instant::now(), 48_000.0 * (1.0 + ppm / 1e6), 60_000);
        let second = |call: u32, sample: u32| (f64::from(call) * 480.0 + f64::from(sample)) / rate;
        let (mut framer, mut made, mut sound) = (Framer::new(48_000, 1, 1), Vec::new(), Vec::new());
        for call in 0..calls {
            let samples: Vec<f32> = (0..480).map(|sample| (second(call, sample) * 300.0 * TAU).sin() as f32).collect();
            let jitter = f64::from(call * 7919 % 100) * 30e-6;
            for frame in frames(&mut framer, &samples, start + Duration::from_secs_f64(second(call, 0) + jitter)) {
                if call >= 2_000 {
                    made.push((frame.captured - start).as_secs_f64());
                    sound.extend(frame.samples);
                }
            }
        }
        let off = (0..).zip(&made).map(|(n, at)| (at - made[0] - f64::from(n) * 0.01).abs()).fold(0.0, f64::max);
        // A sine obeys x(n+1) = 2 cos ω x(n) − x(n−1).
        let twice = 2.0 * (TAU * 300.0 / 48_000.0).cos() as f32;
        let click = sound.windows(3).map(|three| (three[2] - twice * three[1] + three[0]).abs()).fold(0.0, f32::max);
        (made.len() as f64 - (second(calls, 0) - made[0]) * 100.0, off, click)
    }

    #[test]
    fn a_card_that_is_fast_or_slow_gives_a_hundred_frames_a_second_without_a_click() {
        for ppm in [-200.0, 0.0, 200.0] {
            let (many, off, click) = recorded(ppm);
            println!("{ppm} ppm: {many:.2} frames too many, times off by {off:.6} s, click {click:.6}");
            // 200 ppm of ten minutes would be twelve frames.
            assert!(many.abs() <= 1.5 && off < 0.001 && click < 1e-3, "{ppm}: {many} frames, {off} s, {click}");
        }
    }
}
