//! An audio track whole: packets in; playout, NACKs and reports out.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::{Packet, report};

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
    _stats: Stats,
}

impl Audio {
    pub fn new() -> Self {
        unimplemented!()
    }

    pub fn on_packet(&mut self, packet: Packet, now: Instant) {
        unimplemented!("{packet:?} {now:?}")
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        unimplemented!("{ntp} {timestamp} {now:?} {wall:?}")
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        unimplemented!("{rtt:?}")
    }

    /// Lip sync's floor under the playout delay ([`crate::sync`]).
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        unimplemented!("{delay:?}")
    }

    /// What to play; called every 20 ms.
    pub fn pull(&mut self, now: Instant) -> Playout {
        unimplemented!("{now:?}")
    }

    /// Packets to ask for again, and when to ask this again (`None`: after the next packet).
    pub fn poll_nack(&mut self, now: Instant) -> (Vec<u16>, Option<Instant>) {
        unimplemented!("{now:?}")
    }

    /// The next receiver report's block; call once per report sent. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<report::Block> {
        unimplemented!("{now:?}")
    }

    pub fn stats(&self) -> Stats {
        unimplemented!()
    }
}

impl Default for Audio {
    fn default() -> Self {
        Self::new()
    }
}
