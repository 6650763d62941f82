//! An audio track whole: packets in; playout, NACKs and reports out.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::Packet;
use super::intake::{Accepted, Intake};
use super::jitter_audio::{JitterAudio, Pull, RATE};
use super::nack::{self, Arrival};
use super::report;

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
    intake: Intake,
    jitter: JitterAudio,
}

impl Audio {
    pub fn new() -> Self {
        Self { intake: Intake::new(RATE, nack::Config::AUDIO), jitter: JitterAudio::new() }
    }

    pub fn on_packet(&mut self, packet: Packet, now: Instant) {
        let Some(Accepted { sequence, timestamp, arrival }) = self.intake.on_packet(&packet, now) else { return };
        let repaired = matches!(arrival, Arrival::Repaired | Arrival::RepairedTooLate);
        self.jitter.push(sequence, timestamp, packet.payload, repaired, now);
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        self.intake.on_sender_report(ntp, timestamp, now, wall);
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        self.intake.set_rtt(rtt);
    }

    /// Lip sync's extra delay ([`crate::sync`]): playout stays at least this far behind what jitter alone asks for.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.jitter.set_extra_delay(delay);
    }

    /// What to play; called every 20 ms.
    pub fn pull(&mut self, now: Instant) -> Playout {
        let pull = self.jitter.pull(now);
        self.intake.nack.settle(self.jitter.settled());
        match pull {
            Pull::Packet { payload, timestamp } => Playout::Packet { data: payload, captured: self.intake.clock.captured(timestamp) },
            Pull::Lost { next } => Playout::Lost { next },
            Pull::Empty => Playout::Empty,
        }
    }

    /// Packets to ask for again, and when to ask this again (`None`: after the next packet).
    pub fn poll_nack(&mut self, now: Instant) -> (Vec<u16>, Option<Instant>) {
        let requests = self.intake.nack.poll(now).into_iter().map(|sequence| sequence as u16).collect();
        (requests, self.intake.nack.timeout())
    }

    /// The next receiver report's block; call once per report sent. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<report::Block> {
        self.intake.reception.block(now)
    }

    pub fn stats(&self) -> Stats {
        let (nack, jitter) = (self.intake.nack.stats(), self.jitter.stats());
        Stats {
            packets: self.intake.packets,
            bytes: self.intake.bytes,
            duplicates: self.intake.duplicates,
            // A packet may be given up by playout before it was ever asked for.
            lost: self.intake.reception.missing() + nack.repaired,
            repaired: nack.repaired,
            nacks: nack.requested,
            late: jitter.late,
            played: jitter.played,
            concealed: jitter.concealed,
            accelerated: jitter.accelerated,
            expanded: jitter.expanded,
            jitter: self.intake.reception.jitter(),
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
