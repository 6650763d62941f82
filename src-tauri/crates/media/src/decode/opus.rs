//! Opus (RFC 6716) to sound: packets, what a packet repeats of its lost predecessor, and concealment.

use opus::Channels;

use super::Error;

/// Samples of each channel in the longest packet: 120 ms at 48 kHz.
pub const MAX_SAMPLES: usize = 5760;

/// An Opus decoder for one stream, at 48 kHz, interleaved. A mono stream fills both channels of a stereo decoder.
pub struct Decoder {
    raw: opus::Decoder,
    channels: usize,
}

impl Decoder {
    /// A decoder with one or two channels of output.
    pub fn new(channels: u8) -> Result<Self, Error> {
        let channels = if channels == 1 { Channels::Mono } else { Channels::Stereo };
        let raw = opus::Decoder::new(48_000, channels).map_err(|_| Error::Setup("Opus"))?;
        Ok(Self { raw, channels: channels as usize })
    }

    /// Decodes a packet to the start of `out` and tells how many samples of each channel it has (960 for 20 ms). A damaged packet is
    /// an error and leaves the decoder usable.
    pub fn packet(&mut self, data: &[u8], out: &mut [f32]) -> Result<usize, Error> {
        if data.is_empty() {
            return Err(Error::Sound("the packet is empty"));
        }
        self.decode(data, out, false)
    }

    /// Fills `out` with what `next`, the packet after a lost one, repeats of it; without such a part this is concealment.
    pub fn fec(&mut self, next: &[u8], out: &mut [f32]) -> Result<usize, Error> {
        self.decode(next, out, true)
    }

    /// Fills `out` with a continuation of the last sound, which fades when it has to go on.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, Error> {
        self.decode(&[], out, false)
    }

    fn decode(&mut self, data: &[u8], out: &mut [f32], fec: bool) -> Result<usize, Error> {
        // The library takes whole frames of all channels only.
        let whole = out.len() - out.len() % self.channels;
        self.raw.decode_float(data, &mut out[..whole], fec).map_err(|error| Error::Sound(error.description()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::opus::{Encoder, SAMPLES};
    use crate::profile::AudioProfile;

    /// Packets of a voice-like hum whose loudness changes from packet to packet.
    fn packets(count: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        encoder.set_loss(20).expect("valid");
        let tone = |at: usize, hertz: f32| (at as f32 * hertz * std::f32::consts::TAU / 48_000.0).sin();
        let sample = |at: usize| (tone(at, 150.0) + tone(at, 450.0) * 0.5) * if at / SAMPLES % 5 == 3 { 0.5 } else { 0.1 };
        let packet = |index: usize| (index * SAMPLES..(index + 1) * SAMPLES).map(sample).collect::<Vec<_>>();
        (0..count).map(|index| encoder.encode(&packet(index)).expect("encodes")).collect()
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
        repaired.fec(&packets[49], &mut out[1]).expect("repairs");
        concealed.conceal(&mut out[2]).expect("conceals");
        let error = |other: &[f32]| loudness(&out[0].iter().zip(other).map(|(a, b)| a - b).collect::<Vec<_>>());
        assert!(error(&out[1]) < error(&out[2]) / 2.0, "repaired {}, concealed {}", error(&out[1]), error(&out[2]));
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
        let good = packets(10);
        for packet in &good {
            for at in 0..packet.len() {
                let mut damaged = packet.clone();
                damaged[at] ^= 0xA5;
                let _ = decoder.packet(&damaged, &mut out);
                let _ = decoder.packet(&damaged[..at], &mut out);
                let _ = decoder.fec(&damaged, &mut out[..SAMPLES * 2]);
            }
            assert_eq!(decoder.packet(packet, &mut out), Ok(SAMPLES));
        }
        assert!(decoder.packet(&[], &mut out).is_err());
        assert!(decoder.packet(&good[0], &mut out[..7]).is_err());
    }
}
