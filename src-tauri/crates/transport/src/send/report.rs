//! Capture time → RTP timestamp, what a sender report says (RFC 3550 §6.4.1), and the round-trip time.

use std::time::{Duration, Instant, SystemTime};

/// A moment of capture as an RTP timestamp; a sender report says which wall-clock time that was.
#[derive(Debug, Clone, Copy)]
pub struct MediaClock {
    rate: u32,
    origin: Instant,
    offset: u32,
}

impl MediaClock {
    /// `rate` in Hz (90,000 for video, 48,000 for Opus); `offset` is the timestamp of `origin` (random, RFC 3550 §5.1).
    pub fn new(rate: u32, origin: Instant, offset: u32) -> Self {
        Self { rate, origin, offset }
    }

    /// The RTP timestamp of `at`, which may lie before the origin.
    pub fn timestamp(&self, at: Instant) -> u32 {
        let _ = (self.rate, self.origin, self.offset);
        unimplemented!("{at:?}")
    }
}

/// The sender information of an SR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// 32.32 fixed point, seconds since 1900.
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// Counts what was sent on one SSRC. Repairs count too (they are packets sent).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    packets: u64,
    octets: u64,
}

impl Sent {
    /// `payload` in bytes, without header and padding.
    pub fn on_packet(&mut self, payload: usize) {
        self.packets += 1;
        self.octets += payload as u64;
    }

    pub fn info(&self, clock: &MediaClock, now: Instant, wall: SystemTime) -> SenderInfo {
        unimplemented!("{clock:?} {now:?} {wall:?}")
    }
}

/// A wall-clock time as an NTP timestamp (32.32, seconds since 1900).
pub fn ntp(wall: SystemTime) -> u64 {
    unimplemented!("{wall:?}")
}

/// The round-trip time from a report block's LSR and DLSR (units of 1/65,536 s) received at `wall`; `None` before the
/// receiver has seen a sender report or if the values contradict each other.
pub fn round_trip(last_sr: u32, delay_since: u32, wall: SystemTime) -> Option<Duration> {
    unimplemented!("{last_sr} {delay_since} {wall:?}")
}
