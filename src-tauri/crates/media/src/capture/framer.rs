//! A sound card's buffers, of any rate, number of channels and length, to 10 ms frames.

use std::time::{Duration, Instant};

use super::SAMPLE_RATE;
use super::channels::remix;
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
            resampler: Resampler::new(device_rate, SAMPLE_RATE, channels),
            clock: SampleClock::new(FRAME),
            mixed: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Takes one buffer, whose first sample was captured at `captured`, and hands over each frame that is complete.
    pub fn push(&mut self, samples: &[f32], captured: Instant, mut ready: impl FnMut(AudioFrame)) {
        let waiting = self.pending.len() / self.channels;
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
        let sound: Vec<f32> = (0..1200).map(|n| n as f32 / 1200.0).collect();
        assert!(frames(&mut framer, &sound[..300], start).is_empty());
        let ready = frames(&mut framer, &sound[300..], start + Duration::from_micros(6250));
        assert_eq!(ready.len(), 2);
        assert!(ready.iter().all(|frame| frame.channels == 2 && frame.samples.len() == 960));
        assert_eq!((ready[1].samples[0], ready[1].samples[1]), (0.4, 0.4));
        assert_eq!((ready[0].captured, ready[1].captured), (start, start + FRAME));
    }

    #[test]
    fn another_rate_is_converted() {
        let start = Instant::now();
        let mut framer = Framer::new(44_100, 2, 1);
        let count: usize = (0..100).map(|n| frames(&mut framer, &[0.25; 882], start + FRAME * n).len()).sum();
        assert_eq!(count, 99);
    }
}
