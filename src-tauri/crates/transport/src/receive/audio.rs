//! An audio track whole: packets in; playout, NACKs and reports out.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::Packet;
use super::clock::SenderClock;
use super::jitter_audio::{JitterAudio, Pull, RATE};
use super::nack::{self, Arrival, Nack};
use super::report::{self, Reception};
use super::seen::Seen;
use super::unwrap::{Sequence, Timestamp};

/// The next 20 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playout {
    Packet {
        data: Bytes,
        /// The sender's capture time on our clock, once a sender report told it.
        captured: Option<Instant>,
    },
    /// Conceal; with the packet that follows, its in-band FEC can tell what is missing.
    Lost { next: Option<Bytes> },
    /// Nothing to play: not started, muted, or the sender pauses.
    Empty,
}

/// Cumulative counters and current delays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub packets: u64,
    pub bytes: u64,
    pub duplicates: u64,
    pub lost: u64,
    pub repaired: u64,
    pub nacks: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets played.
    pub played: u64,
    /// 20 ms pieces concealed for want of a packet.
    pub concealed: u64,
    /// Packets skipped to shorten the delay.
    pub accelerated: u64,
    /// 20 ms pieces concealed to lengthen the delay.
    pub expanded: u64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: Duration,
    /// The delay the buffer aims at.
    pub target_delay: Duration,
    /// The sound buffered now.
    pub delay: Duration,
}

/// One Opus track being received.
#[derive(Debug)]
pub struct Audio {
    sequence: Sequence,
    timestamp: Timestamp,
    seen: Seen,
    reception: Reception,
    nack: Nack,
    jitter: JitterAudio,
    clock: SenderClock,
    packets: u64,
    bytes: u64,
    duplicates: u64,
}

impl Audio {
    pub fn new() -> Self {
        Self {
            sequence: Sequence::default(),
            timestamp: Timestamp::default(),
            seen: Seen::default(),
            reception: Reception::new(RATE),
            nack: Nack::new(nack::Config::AUDIO),
            jitter: JitterAudio::new(),
            clock: SenderClock::new(RATE),
            packets: 0,
            bytes: 0,
            duplicates: 0,
        }
    }

    pub fn on_packet(&mut self, packet: Packet, now: Instant) {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        let sequence = self.sequence.extend(packet.sequence);
        if !self.seen.insert(sequence) {
            self.duplicates += 1;
            return;
        }
        let timestamp = self.timestamp.extend(packet.timestamp);
        self.reception.on_packet(sequence, timestamp, now);
        let repaired = matches!(self.nack.on_packet(sequence, now), Arrival::Repaired | Arrival::RepairedTooLate);
        self.jitter.push(sequence, timestamp, packet.payload, repaired, now);
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        self.reception.on_sender_report(ntp, now);
        self.clock.on_sender_report(ntp, timestamp, now, wall);
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        self.nack.set_rtt(rtt);
    }

    /// Lip sync's extra delay ([`crate::sync`]): playout stays at least this far behind what jitter alone asks for.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.jitter.set_extra_delay(delay);
    }

    /// What to play; called every 20 ms.
    pub fn pull(&mut self, now: Instant) -> Playout {
        let pull = self.jitter.pull(now);
        self.nack.settle(self.jitter.settled());
        match pull {
            Pull::Packet { payload, timestamp } => Playout::Packet { data: payload, captured: self.clock.captured(timestamp) },
            Pull::Lost { next } => Playout::Lost { next },
            Pull::Empty => Playout::Empty,
        }
    }

    /// Packets to ask for again, and when to ask this again (`None`: after the next packet).
    pub fn poll_nack(&mut self, now: Instant) -> (Vec<u16>, Option<Instant>) {
        let requests = self.nack.poll(now).into_iter().map(|sequence| sequence as u16).collect();
        (requests, self.nack.timeout())
    }

    /// The next receiver report's block; call once per report sent. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<report::Block> {
        self.reception.block(now)
    }

    pub fn stats(&self) -> Stats {
        let (nack, jitter) = (self.nack.stats(), self.jitter.stats());
        Stats {
            packets: self.packets,
            bytes: self.bytes,
            duplicates: self.duplicates,
            // A packet may be given up by playout before it was ever asked for.
            lost: self.reception.missing() + nack.repaired,
            repaired: nack.repaired,
            nacks: nack.requested,
            late: jitter.late,
            played: jitter.played,
            concealed: jitter.concealed,
            accelerated: jitter.accelerated,
            expanded: jitter.expanded,
            jitter: self.reception.jitter(),
            target_delay: self.jitter.target(),
            delay: self.jitter.held(),
        }
    }
}

impl Default for Audio {
    fn default() -> Self {
        Self::new()
    }
}
