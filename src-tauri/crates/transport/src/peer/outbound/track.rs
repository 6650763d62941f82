//! One track being sent: its numbers, its history, its counts.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp;

use super::OVERHEAD;
use crate::SentTrack;
use crate::receive::report::Block;
use crate::send::history::{self, History};
use crate::send::report::{MediaClock, Sent};

/// A track being sent.
pub(crate) struct Track {
    pub(super) ssrc: u32,
    pub(super) clock: MediaClock,
    pub(super) sent: Sent,
    pub(super) history: History<rtp::Packet>,
    pub(super) stats: SentTrack,
    /// The negotiated one, once known.
    pub(super) payload_type: Option<u8>,
    rate: u32,
    sequence: u16,
}

impl Track {
    /// A track of `ssrc` at `rate` Hz; timestamps count from a random number at `now` (RFC 3550 §5.1).
    pub(crate) fn new(ssrc: u32, rate: u32, now: Instant) -> Self {
        Self {
            ssrc,
            clock: MediaClock::new(rate, now, rand::random()),
            sent: Sent::default(),
            history: History::new(history::Config::default()),
            stats: SentTrack::default(),
            payload_type: None,
            rate,
            // Below half, so that early losses cannot hide behind a wrap (RFC 3711 §3.3.1).
            sequence: rand::random::<u16>() >> 1,
        }
    }

    /// The track's next packet, kept for repair; `None` before negotiation.
    pub(super) fn packet(&mut self, timestamp: u32, payload: Bytes, marker: bool, now: Instant) -> Option<rtp::Packet> {
        let header = rtp::Header {
            version: 2,
            marker,
            payload_type: self.payload_type?,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..rtp::Header::default()
        };
        let size = payload.len();
        let packet = rtp::Packet { header, payload };
        self.history.push(self.sequence, size + OVERHEAD, packet.clone(), now);
        self.sequence = self.sequence.wrapping_add(1);
        self.count(size);
        Some(packet)
    }

    /// A packet of the history leaves again.
    pub(super) fn on_repair(&mut self, packet: &rtp::Packet) {
        self.count(packet.payload.len());
        self.stats.resent += 1;
    }

    /// The other end reports on this track.
    pub(super) fn on_block(&mut self, block: &Block) {
        self.stats.loss_percent = f32::from(block.fraction_lost) * 100.0 / 256.0;
        self.stats.jitter = Duration::from_secs_f64(f64::from(block.jitter) / f64::from(self.rate));
    }

    fn count(&mut self, payload: usize) {
        self.sent.on_packet(payload);
        self.stats.packets += 1;
        self.stats.bytes += payload as u64;
    }
}
