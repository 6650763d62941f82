//! Packets already sent, kept for repair.

use std::time::{Duration, Instant};

/// The bounds of a [`History`]; the first one reached evicts the oldest packet.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub max_packets: usize,
    /// The sum of the packets' sizes, in bytes.
    pub max_bytes: usize,
    pub max_age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_packets: 2048, max_bytes: 2 << 20, max_age: Duration::from_secs(2) }
    }
}

/// Why a packet is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Never sent, or evicted.
    Unknown,
    /// Sent less than a round trip ago: the request crossed the repair.
    TooSoon,
    /// Repairs have used up their share of the bitrate.
    OverBudget,
}

/// One SSRC's sent packets by sequence number.
#[derive(Debug)]
pub struct History<P> {
    _packets: Vec<P>,
}

impl<P: Clone> History<P> {
    pub fn new(config: Config) -> Self {
        unimplemented!("{config:?}")
    }

    /// Limits repairs to `bps` (on average; a short burst is allowed).
    pub fn set_budget(&mut self, bps: u32) {
        unimplemented!("{bps}")
    }

    /// Keeps a packet at its first sending. `size` in bytes.
    pub fn push(&mut self, sequence: u16, size: usize, packet: P, now: Instant) {
        unimplemented!("{sequence} {size} {now:?} {}", size_of_val(&packet))
    }

    /// The packet to send again for a NACK of `sequence`.
    pub fn repair(&mut self, sequence: u16, rtt: Duration, now: Instant) -> Result<P, Refused> {
        unimplemented!("{sequence} {rtt:?} {now:?}")
    }
}
