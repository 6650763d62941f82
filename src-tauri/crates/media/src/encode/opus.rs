//! Sound to Opus (RFC 6716): packets of 20 ms with in-band error correction, so that one lost packet is repaired from the next.

use std::time::Duration;

use crate::libopus::{self, Application, Setting};
use crate::profile::AudioProfile;

/// Samples of each channel in a packet: 20 ms at 48 kHz.
pub const SAMPLES: usize = 960;
/// More than any 20 ms packet has (RFC 6716, 3.2.1: a frame is at most 1275 bytes).
const MAX_PACKET: usize = 1500;
/// What the rate control may be asked for, in bits a second (RFC 6716, 2.1.1).
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;
/// The longest that deep redundancy reaches back.
const MAX_REACH: Duration = Duration::from_secs(1);
/// Mono up to this bitrate is for voices: only Opus's speech modes carry error correction.
const VOICE_KBPS: u32 = 64;

/// Why sound was not encoded. A mistake of the caller or of the library, not of the sound.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("an Opus packet takes {need} samples, not {have}")]
    Length { need: usize, have: usize },
    #[error("the Opus encoder failed")]
    Library(#[from] libopus::Error),
}

/// An Opus encoder whose bitrate, loss estimate and redundancy change while it runs.
pub struct Encoder {
    raw: libopus::Encoder,
    channels: usize,
}

impl Encoder {
    pub fn new(profile: AudioProfile) -> Result<Self, Error> {
        let channels = if profile.channels == 2 { 2 } else { 1 };
        let voice = profile.channels == 1 && profile.kbps <= VOICE_KBPS;
        let mut raw = libopus::Encoder::new(channels, if voice { Application::Voice } else { Application::Audio })?;
        raw.set(Setting::SampledAt(profile.sample_rate.min(48_000) as i32))?;
        raw.set(Setting::InbandFec(true))?;
        let mut encoder = Self { raw, channels };
        encoder.set_bitrate(profile.kbps * 1000)?;
        Ok(encoder)
    }

    /// Encodes 20 ms: 960 samples of each channel at 48 kHz, interleaved.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, Error> {
        let need = SAMPLES * self.channels;
        if samples.len() != need {
            return Err(Error::Length { need, have: samples.len() });
        }
        Ok(self.raw.encode(samples, MAX_PACKET)?)
    }

    /// Sets the average bitrate, in bits a second, within what Opus can do.
    pub fn set_bitrate(&mut self, bps: u32) -> Result<(), Error> {
        let bps = bps.clamp(*BITRATES.start(), *BITRATES.end());
        Ok(self.raw.set(Setting::Bitrate(bps as i32))?)
    }

    /// Tells how many of a hundred packets get lost: the more, the more bits go into error correction.
    pub fn set_loss(&mut self, percent: u8) -> Result<(), Error> {
        Ok(self.raw.set(Setting::Loss(percent.min(100).into()))?)
    }

    /// How far back each packet describes the sound before it (deep redundancy, DRED), at most a second; nothing when zero. It travels in
    /// a packet's padding, which who does not know it passes over, takes its bits from the bitrate, and has some only where losses are
    /// told of ([`set_loss`](Self::set_loss)).
    pub fn set_reach(&mut self, reach: Duration) -> Result<(), Error> {
        Ok(self.raw.set(Setting::Dred(reach.min(MAX_REACH).as_millis() as i32 / 10))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hum(start: usize, channels: usize) -> Vec<f32> {
        let sample = |at: usize| (at as f32 * 220.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.4;
        (start..start + SAMPLES).flat_map(|at| std::iter::repeat_n(sample(at), channels)).collect()
    }

    fn kbps(encoder: &mut Encoder, channels: usize) -> f64 {
        let bytes: usize = (0..100).map(|index| encoder.encode(&hum(index * SAMPLES, channels)).expect("encodes").len()).sum();
        bytes as f64 * 8.0 / 2.0 / 1000.0
    }

    #[test]
    fn every_profile_encodes_within_its_bitrate() {
        for (name, profile) in AudioProfile::all() {
            let rate = kbps(&mut Encoder::new(profile).expect("valid"), profile.channels.into());
            assert!(rate > 4.0 && rate < f64::from(profile.kbps) * 1.3, "{name}: {rate} kb/s");
        }
    }

    #[test]
    fn the_bitrate_follows_a_change_while_running() {
        let mut encoder = Encoder::new(AudioProfile { sample_rate: 48_000, channels: 1, kbps: 128 }).expect("valid");
        let before = kbps(&mut encoder, 1);
        encoder.set_bitrate(16_000).expect("valid");
        let after = kbps(&mut encoder, 1);
        assert!(after < before / 2.0, "{before} kb/s, then {after} kb/s");
        encoder.set_bitrate(0).expect("clamped");
        encoder.set_loss(255).expect("clamped");
    }

    #[test]
    fn another_length_is_refused() {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        assert!(matches!(encoder.encode(&[0.0; 480]), Err(Error::Length { need: 960, have: 480 })));
    }
}
