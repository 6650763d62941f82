//! The parity stream of a video track: RTP packets of an SSRC of its own.

use std::time::Instant;

use bytes::Bytes;
use rtc::rtp;

use crate::send::fec::{Encoder, Source};
use crate::send::protect::{Accident, Strength};
use crate::send::rate::Rate;

/// The loss to be prepared for where others keep the queue full.
const OVERFLOWS: f64 = 0.02;

/// A parity packet in the pacer.
pub(super) struct Parity {
    pub(super) timestamp: u32,
    pub(super) payload: Bytes,
}

/// Makes a track's parity.
pub(super) struct Protection {
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
    encoder: Encoder,
    accident: Accident,
    strength: Strength,
}

impl Protection {
    pub(super) fn new(ssrc: u32, payload_type: u8) -> Self {
        // Below half, for the same reason as a track's.
        let sequence = rand::random::<u16>() >> 1;
        Self { ssrc, payload_type, sequence, encoder: Encoder::new(), accident: Accident::default(), strength: Strength::default() }
    }

    /// Follows the path.
    pub(super) fn adapt(&mut self, rate: &Rate, now: Instant) {
        let loss = self.accident.update(rate.loss(), rate.congested(), now);
        let loss = if rate.is_contended() { loss.max(OVERFLOWS) } else { loss };
        self.strength = Strength::new(loss, rate.rtt());
    }

    /// The share that parity takes of pictures and parity, 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.strength.share(self.encoder.usual())
    }

    /// A packet of the track leaves; what follows from it.
    pub(super) fn on_packet(&mut self, packet: &rtp::Packet, keyframe: bool) -> Vec<Parity> {
        let rtp::Header { sequence_number: sequence, timestamp, marker, payload_type, .. } = packet.header;
        let source = Source { sequence, timestamp, marker, payload_type, payload: packet.payload.clone() };
        let strength = self.strength;
        let payloads = self.encoder.push(source, marker, |packets| strength.packets(packets, keyframe));
        payloads.into_iter().map(|payload| Parity { timestamp, payload }).collect()
    }

    /// The next parity packet that leaves; the packets that it covers are `media`'s (RFC 8627 §4.2.1).
    pub(super) fn packet(&mut self, Parity { timestamp, payload }: Parity, media: u32) -> rtp::Packet {
        let header = rtp::Header {
            version: 2,
            payload_type: self.payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            csrc: vec![media],
            ..rtp::Header::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        rtp::Packet { header, payload }
    }
}
