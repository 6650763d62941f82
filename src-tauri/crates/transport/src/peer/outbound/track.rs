//! One track being sent: its numbers, its history, its counts.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rtc::rtp;

use super::OVERHEAD;
use super::beat::Beat;
use super::rtx::Rtx;
use crate::SentTrack;
use crate::peer::settings::{AUDIO_CLOCK, VIDEO_CLOCK};
use crate::receive::report::Block;
use crate::send::history::{self, History};
use crate::send::report::{MediaClock, SenderInfo, Sent};

/// What a packet of padding weighs, in bytes.
pub(super) const PADDING: usize = OVERHEAD + FILLERS as usize * (1 + FILLER) + 4;
/// The library writes at most four bytes of padding; the rest travels as header extensions that nobody negotiated, which a receiver
/// passes over (RFC 8285 §4.2), of the longest size of their form and under every number that the form has.
const FILLERS: u8 = 14;
const FILLER: usize = 16;

/// A repair that has not left the pacer by now was dropped there.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where a track's timestamps come from.
pub(super) enum Clock {
    /// A picture's from its capture time.
    Capture(MediaClock),
    /// Sound's from the count of its samples.
    Count(Beat),
}

impl Clock {
    /// The timestamp of what is sent next, captured at `captured`.
    pub(super) fn next(&mut self, captured: Instant) -> u32 {
        match self {
            Clock::Capture(clock) => clock.timestamp(captured),
            Clock::Count(beat) => beat.next(captured),
        }
    }
}

/// A track being sent.
pub(crate) struct Track {
    pub(super) ssrc: u32,
    pub(super) clock: Clock,
    sent: Sent,
    pub(super) history: History<rtp::Packet>,
    pub(super) stats: SentTrack,
    /// The SSRC of what is sent again, where the library does not choose it.
    pub(super) ssrc_rtx: Option<u32>,
    /// How packets are sent again, if the other end takes them apart from the others.
    pub(super) rtx: Option<Rtx>,
    /// The negotiated one, once known.
    pub(super) payload_type: Option<u8>,
    rate: u32,
    sequence: u16,
    /// Of the last packet.
    timestamp: u32,
    /// Repairs in the pacer, and since when.
    waiting: HashMap<u16, Instant>,
}

impl Track {
    /// A picture; timestamps count from a random number at `now` (RFC 3550 §5.1).
    pub(crate) fn video(ssrc: u32, now: Instant) -> Self {
        Self::new(ssrc, VIDEO_CLOCK, Clock::Capture(MediaClock::new(VIDEO_CLOCK, now, rand::random())))
    }

    /// Sound, likewise; what is sent again of it has `ssrc_rtx`.
    pub(crate) fn audio(ssrc: u32, ssrc_rtx: Option<u32>, now: Instant) -> Self {
        let clock = Clock::Count(Beat::new(MediaClock::new(AUDIO_CLOCK, now, rand::random())));
        Self { ssrc_rtx, ..Self::new(ssrc, AUDIO_CLOCK, clock) }
    }

    fn new(ssrc: u32, rate: u32, clock: Clock) -> Self {
        Self {
            ssrc,
            clock,
            sent: Sent::default(),
            history: History::new(history::Config::default()),
            stats: SentTrack::default(),
            ssrc_rtx: None,
            rtx: None,
            payload_type: None,
            rate,
            // Below half, so that early losses cannot hide behind a wrap (RFC 3711 §3.3.1).
            sequence: rand::random::<u16>() >> 1,
            timestamp: 0,
            waiting: HashMap::new(),
        }
    }

    /// What a sender report says at `now`, which the wall clock calls `wall`.
    pub(super) fn info(&self, now: Instant, wall: SystemTime) -> SenderInfo {
        match &self.clock {
            Clock::Capture(clock) => self.sent.info(clock, now, wall),
            Clock::Count(beat) => SenderInfo { timestamp: beat.timestamp(now), ..self.sent.info(beat.clock(), now, wall) },
        }
    }

    /// The track's next packet of the negotiated payload type, kept for repair; `None` before negotiation.
    pub(super) fn packet(&mut self, timestamp: u32, payload: Bytes, marker: bool, now: Instant) -> Option<rtp::Packet> {
        Some(self.packet_of(self.payload_type?, timestamp, payload, marker, now))
    }

    /// The same of another payload type.
    pub(super) fn packet_of(&mut self, payload_type: u8, timestamp: u32, payload: Bytes, marker: bool, now: Instant) -> rtp::Packet {
        let header = rtp::Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..rtp::Header::default()
        };
        let size = payload.len();
        let packet = rtp::Packet { header, payload };
        self.history.push(self.sequence, size + OVERHEAD, packet.clone(), now);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = timestamp;
        self.count(size);
        packet
    }

    /// Retransmissions name one format, so what is sent again of a packet of RFC 2198 is its own sound: whoever misses what it carried along
    /// asks for that.
    pub(super) fn repair_without_red(&mut self, packet: &rtp::Packet, own: Bytes, now: Instant) {
        if let (Some(_), Some(payload_type)) = (&self.rtx, self.payload_type) {
            let header = rtp::Header { payload_type, ..packet.header.clone() };
            self.history.push(header.sequence_number, own.len() + OVERHEAD, rtp::Packet { header, payload: own }, now);
        }
    }

    /// A packet without payload (RFC 3550 §5.1), [`PADDING`] bytes long; `None` before there is a picture for it to follow.
    pub(super) fn padding(&mut self, now: Instant) -> Option<rtp::Packet> {
        if self.stats.packets == 0 {
            return None;
        }
        let mut packet = self.packet(self.timestamp, Bytes::new(), false, now)?;
        packet.header.padding = true;
        // Who misses it needs its number only.
        self.history.push(packet.header.sequence_number, OVERHEAD, packet.clone(), now);
        for id in 1..=FILLERS {
            packet.header.set_extension(id, Bytes::from_static(&[0; FILLER])).ok()?;
        }
        Some(packet)
    }

    /// Whether a repair of `sequence` waits in the pacer.
    pub(super) fn is_waiting(&self, sequence: u16, now: Instant) -> bool {
        self.waiting.get(&sequence).is_some_and(|since| now.saturating_duration_since(*since) < LONGEST_WAIT)
    }

    /// A repair of `sequence` goes into the pacer.
    pub(super) fn wait(&mut self, sequence: u16, now: Instant) {
        self.waiting.retain(|_, since| now.saturating_duration_since(*since) < LONGEST_WAIT);
        self.waiting.insert(sequence, now);
    }

    /// A packet of the history leaves again, in the shape that is agreed on: as it was, or as a retransmission.
    pub(super) fn repair(&mut self, packet: rtp::Packet) -> rtp::Packet {
        self.waiting.remove(&packet.header.sequence_number);
        self.stats.resent += 1;
        self.stats.packets += 1;
        self.stats.bytes += packet.payload.len() as u64;
        match &mut self.rtx {
            Some(rtx) => rtx.packet(packet),
            None => {
                self.sent.on_packet(packet.payload.len());
                packet
            }
        }
    }

    /// A packet of the track's parity leaves.
    pub(super) fn on_parity(&mut self, packet: &rtp::Packet) {
        self.stats.parity += 1;
        self.stats.bytes += packet.payload.len() as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_sent_again_without_what_it_carried_along_where_that_has_a_format() {
        let now = Instant::now();
        let mut track = Track::audio(1, None, now);
        track.payload_type = Some(111);
        let send = |track: &mut Track| {
            let packet = track.packet_of(63, 960, Bytes::from_static(b"red"), false, now);
            track.repair_without_red(&packet, Bytes::from_static(b"own"), now);
            let kept = track.history.repair(packet.header.sequence_number, Duration::ZERO, now).expect("kept");
            track.repair(kept)
        };
        let same = send(&mut track);
        assert_eq!((same.header.ssrc, same.header.payload_type, &same.payload[..]), (1, 63, &b"red"[..]));
        track.rtx = Some(Rtx::new(7, 104));
        let again = send(&mut track);
        assert_eq!((again.header.ssrc, again.header.payload_type, &again.payload[2..]), (7, 104, &b"own"[..]));
    }
}
