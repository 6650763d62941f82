//! Opus (RFC 6716) to sound: packets, what later packets tell of lost ones, and concealment.

use super::Error;
use crate::libopus::{self, Dred};

/// Samples of each channel in the longest packet: 120 ms at 48 kHz.
pub const MAX_SAMPLES: usize = 5760;

/// An Opus decoder for one stream, at 48 kHz, interleaved. A mono stream fills both channels of a stereo decoder.
pub struct Decoder {
    raw: libopus::Decoder,
    channels: usize,
    /// Made when it is first needed: it takes memory and most calls do without.
    deep: Option<Deep>,
}

/// Deep redundancy as it was last read.
struct Deep {
    dred: Dred,
    /// Of which packet.
    packet: Vec<u8>,
    /// From how many to how many samples before that packet is known.
    known: std::ops::Range<usize>,
}

impl Decoder {
    /// A decoder with one or two channels of output.
    pub fn new(channels: u8) -> Result<Self, Error> {
        let channels = if channels == 1 { 1 } else { 2 };
        let raw = libopus::Decoder::new(channels).map_err(|_| Error::Setup("Opus"))?;
        Ok(Self { raw, channels, deep: None })
    }

    /// Decodes a packet to the start of `out` and tells how many samples of each channel it has (960 for 20 ms). A damaged packet is
    /// an error and leaves the decoder usable.
    pub fn packet(&mut self, data: &[u8], out: &mut [f32]) -> Result<usize, Error> {
        if data.is_empty() {
            return Err(Error::Sound("the packet is empty"));
        }
        let whole = self.whole(out);
        self.raw.decode(Some(data), whole, false).map_err(failure)
    }

    /// Fills `out` with the lost sound that begins `ahead` samples before the packet `later`: with what the packet repeats of the one
    /// right before it, or with what its deep redundancy describes. `None` if it knows nothing of that sound.
    pub fn restore(&mut self, later: &[u8], ahead: usize, out: &mut [f32]) -> Option<usize> {
        let whole = self.whole(out);
        if ahead * self.channels == whole.len() && libopus::repeats(later) {
            return self.raw.decode(Some(later), whole, true).ok();
        }
        let deep = read(&mut self.deep, later)?;
        if ahead > deep.known.end || ahead <= deep.known.start {
            return None;
        }
        self.raw.restore(&deep.dred, ahead, whole).ok()
    }

    /// Fills `out` with a continuation of the last sound, which fades when it has to go on.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        let whole = self.whole(out);
        self.raw.decode(None, whole, false).map_err(failure)
    }

    /// The library takes whole frames of all channels only.
    fn whole<'a>(&self, out: &'a mut [f32]) -> &'a mut [f32] {
        let whole = out.len() - out.len() % self.channels;
        &mut out[..whole]
    }
}

fn failure(error: libopus::Error) -> Error {
    Error::Sound(error.text())
}

/// The deep redundancy of `packet`, read once for all that is missing before it.
fn read<'a>(deep: &'a mut Option<Deep>, packet: &[u8]) -> Option<&'a Deep> {
    if packet.is_empty() {
        return None;
    }
    if deep.is_none() {
        *deep = Dred::new().ok().map(|dred| Deep { dred, packet: Vec::new(), known: 0..0 });
    }
    let deep = deep.as_mut()?;
    if deep.packet != packet {
        deep.known = deep.dred.read(packet).unwrap_or(0..0);
        deep.packet.clear();
        deep.packet.extend_from_slice(packet);
    }
    Some(deep)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::encode::opus::{Encoder, SAMPLES};
    use crate::profile::AudioProfile;

    /// A voice-like hum whose loudness changes from packet to packet.
    fn hum(packets: usize) -> Vec<f32> {
        let tone = |at: usize, hertz: f32| (at as f32 * hertz * std::f32::consts::TAU / 48_000.0).sin();
        let sample = |at: usize| (tone(at, 150.0) + tone(at, 450.0) * 0.5) * if at / SAMPLES % 5 == 3 { 0.5 } else { 0.1 };
        (0..packets * SAMPLES).map(sample).collect()
    }

    fn encoded(sound: &[f32], encoder: &mut Encoder) -> Vec<Vec<u8>> {
        sound.chunks_exact(SAMPLES).map(|packet| encoder.encode(packet).expect("encodes")).collect()
    }

    fn packets(count: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        encoder.set_loss(20).expect("valid");
        encoded(&hum(count), &mut encoder)
    }

    /// With what they describe of the half second before each.
    fn deep_packets(sound: &[f32]) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        encoder.set_loss(25).expect("valid");
        encoder.set_bitrate(64_000).expect("valid");
        encoder.set_reach(Duration::from_millis(500)).expect("valid");
        encoded(sound, &mut encoder)
    }

    /// A person who reads.
    fn speech() -> Vec<f32> {
        let clip = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/clips/speech_48k.wav");
        let samples = hound::WavReader::open(clip).expect("the clip").into_samples::<i16>();
        samples.map(|sample| f32::from(sample.expect("16 bits")) / 32_768.0).collect()
    }

    /// How far apart two sounds are: the root mean square, over pieces of 20 ms and bands of a third of an octave from 100 Hz to 8 kHz, of
    /// the difference of their levels in decibels. What is softer than −60 dB counts as silence.
    fn spectral_distance(one: &[f32], other: &[f32]) -> f32 {
        const BANDS: usize = 19;
        let levels = |sound: &[f32]| -> Vec<f32> {
            let piece = |piece: &[f32]| (0..BANDS).map(|band| level(piece, 100.0 * 2_f32.powf(band as f32 / 3.0))).collect::<Vec<_>>();
            sound.windows(SAMPLES).step_by(SAMPLES / 2).flat_map(piece).collect()
        };
        let differences: Vec<f32> = levels(one).iter().zip(levels(other)).map(|(a, b)| a - b).collect();
        loudness(&differences)
    }

    /// The level of a third of an octave from `from` hertz on, by the power at nine frequencies (Goertzel) under a Hann window.
    fn level(piece: &[f32], from: f32) -> f32 {
        let power = |step: usize| {
            let omega = from * 2_f32.powf(step as f32 / 27.0) / 48_000.0 * std::f32::consts::TAU;
            let hann = |at: usize| 0.5 - 0.5 * (at as f32 / piece.len() as f32 * std::f32::consts::TAU).cos();
            let (real, imaginary) = piece.iter().enumerate().fold((0.0, 0.0), |(real, imaginary), (at, sample)| {
                let (sin, cos) = (omega * at as f32).sin_cos();
                (real + sample * hann(at) * cos, imaginary + sample * hann(at) * sin)
            });
            (real * real + imaginary * imaginary) / (piece.len() as f32 / 2.0).powi(2)
        };
        10.0 * ((0..9).map(power).sum::<f32>() / 9.0).max(1e-6).log10()
    }

    fn loudness(samples: &[f32]) -> f32 {
        (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn mono_sound_fills_both_channels() {
        let mut decoder = Decoder::new(2).expect("set up");
        let mut out = [0.0; SAMPLES * 2];
        for packet in packets(20) {
            assert_eq!(decoder.packet(&packet, &mut out), Ok(SAMPLES));
        }
        assert!(loudness(&out) > 0.02);
        assert!(out.chunks(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_lost_packet_is_repaired_from_the_next() {
        let packets = packets(60);
        let (mut whole, mut repaired, mut concealed) =
            (Decoder::new(1).expect("set up"), Decoder::new(1).expect("set up"), Decoder::new(1).expect("set up"));
        let mut out = [[0.0; SAMPLES]; 3];
        for packet in &packets[..48] {
            for (decoder, out) in [&mut whole, &mut repaired, &mut concealed].into_iter().zip(&mut out) {
                decoder.packet(packet, out).expect("decodes");
            }
        }
        // Packet 48 is the loud one.
        whole.packet(&packets[48], &mut out[0]).expect("decodes");
        repaired.restore(&packets[49], SAMPLES, &mut out[1]).expect("repairs");
        concealed.conceal(&mut out[2]).expect("conceals");
        let error = |other: &[f32]| loudness(&out[0].iter().zip(other).map(|(a, b)| a - b).collect::<Vec<_>>());
        assert!(error(&out[1]) < error(&out[2]) / 2.0, "repaired {}, concealed {}", error(&out[1]), error(&out[2]));
    }

    /// What becomes of sound whose packets `lost` says are lost: restored from the next packet that comes, as far as that goes, or
    /// concealed. How many were restored.
    fn played(packets: &[Vec<u8>], lost: impl Fn(usize) -> bool, restores: bool) -> (Vec<f32>, usize) {
        let (mut decoder, mut sound, mut restored) = (Decoder::new(1).expect("set up"), Vec::new(), 0);
        for (index, packet) in packets.iter().enumerate() {
            let mut out = [0.0; SAMPLES];
            if lost(index) {
                let next = (index..packets.len()).find(|later| !lost(*later)).filter(|_| restores);
                let samples = next.and_then(|next| decoder.restore(&packets[next], (next - index) * SAMPLES, &mut out));
                restored += usize::from(samples == Some(SAMPLES));
                if samples.is_none() {
                    decoder.conceal(&mut out).expect("conceals");
                }
            } else {
                decoder.packet(packet, &mut out).expect("decodes");
            }
            sound.extend(out);
        }
        (sound, restored)
    }

    #[test]
    fn a_tenth_of_a_second_that_is_lost_comes_back_from_the_packet_after_it() {
        let packets = deep_packets(&speech());
        let bytes: usize = packets.iter().map(Vec::len).sum();
        let burst = |index: usize| index > 30 && index % 25 < 5;
        let (whole, _) = played(&packets, |_| false, false);
        let (restored, count) = played(&packets, burst, true);
        let (concealed, _) = played(&packets, burst, false);
        let bursts = (0..packets.len()).filter(|index| burst(*index) && index % 25 == 0 && index + 5 < packets.len());
        let distance = |other: &[f32]| {
            let each: Vec<f32> = bursts
                .clone()
                .map(|first| first * SAMPLES..(first + 5) * SAMPLES)
                .map(|range| spectral_distance(&whole[range.clone()], &other[range]))
                .collect();
            each.iter().sum::<f32>() / each.len() as f32
        };
        let (near, far) = (distance(&restored), distance(&concealed));
        println!("{} bytes a packet; {count} restored, {near:.1} dB off; concealed {far:.1} dB", bytes / packets.len());
        // Pauses are not described.
        assert!(count >= 3 * bursts.clone().count() && near < 4.5 && near < far * 0.5, "{count} restored, {near} dB; concealed {far} dB");
    }

    #[test]
    fn what_a_packet_does_not_know_is_not_made_up_from_it() {
        let mut out = [0.0; SAMPLES];
        let mut decoder = Decoder::new(1).expect("set up");
        let (plain, deep) = (packets(60), deep_packets(&hum(60)));
        assert_eq!(decoder.restore(&plain[50], 2 * SAMPLES, &mut out), None);
        assert_eq!(decoder.restore(&deep[50], 40 * SAMPLES, &mut out), None, "further back than half a second");
        assert_eq!(decoder.restore(&deep[50], 10 * SAMPLES, &mut out), Some(SAMPLES));
        assert_eq!(decoder.restore(&[], SAMPLES, &mut out), None);
    }

    #[test]
    fn concealment_fades_to_silence() {
        let mut decoder = Decoder::new(1).expect("set up");
        let mut out = [0.0; SAMPLES];
        for packet in packets(19) {
            decoder.packet(&packet, &mut out).expect("decodes");
        }
        let before = loudness(&out);
        decoder.conceal(&mut out).expect("conceals");
        assert!(loudness(&out) > before / 4.0);
        for _ in 0..50 {
            decoder.conceal(&mut out).expect("conceals");
        }
        assert!(loudness(&out) < before / 100.0);
    }

    #[test]
    fn damaged_packets_are_errors_or_noise_and_the_decoder_goes_on() {
        let mut decoder = Decoder::new(2).expect("set up");
        let mut out = vec![0.0; MAX_SAMPLES * 2];
        let good = deep_packets(&hum(10));
        for packet in &good {
            for at in 0..packet.len() {
                let mut damaged = packet.clone();
                damaged[at] ^= 0xA5;
                let _ = decoder.packet(&damaged, &mut out);
                let _ = decoder.packet(&damaged[..at], &mut out);
                let _ = decoder.restore(&damaged, SAMPLES, &mut out[..SAMPLES * 2]);
                let _ = decoder.restore(&damaged[..at], 3 * SAMPLES, &mut out[..SAMPLES * 2]);
            }
            assert_eq!(decoder.packet(packet, &mut out), Ok(SAMPLES));
        }
        assert!(decoder.packet(&[], &mut out).is_err());
        assert!(decoder.packet(&good[0], &mut out[..7]).is_err());
    }
}
