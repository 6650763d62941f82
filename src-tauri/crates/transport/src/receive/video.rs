//! A video track whole: packets in; frames with their time, NACKs and keyframe requests out.

use std::time::{Duration, Instant, SystemTime};

use super::{Packet, report};

/// A frame ready for the decoder, in decode order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// An access unit in Annex B form.
    pub data: Vec<u8>,
    pub timestamp: u32,
    pub keyframe: bool,
    /// The sender's capture time on our clock, once a sender report told it.
    pub captured: Option<Instant>,
    pub render_at: Instant,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Frame(Frame),
    /// Ask for these packets again.
    Nack(Vec<u16>),
    /// Send a PLI.
    RequestKeyframe,
    /// Nothing until the next packet, or until this instant.
    Wait(Option<Instant>),
}

/// Cumulative counters and current delays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub packets: u64,
    pub bytes: u64,
    pub duplicates: u64,
    /// Packets found missing, whether or not they came later.
    pub lost: u64,
    /// Packets that came after they were asked for.
    pub repaired: u64,
    /// Packets given up.
    pub abandoned: u64,
    /// Packet numbers asked for.
    pub nacks: u64,
    pub keyframe_requests: u64,
    /// Frames handed on.
    pub frames: u64,
    pub keyframes: u64,
    /// Frames that came but could not be decoded.
    pub dropped_frames: u64,
    /// Payloads that were not valid.
    pub malformed: u64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: Duration,
    /// What the jitter buffer adds to the fastest frame.
    pub delay: Duration,
}

/// One video track being received.
#[derive(Debug)]
pub struct Video {
    _stats: Stats,
}

impl Video {
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

    /// Lip sync's extra delay ([`crate::sync`]).
    pub fn set_extra_delay(&mut self, extra: Duration) {
        unimplemented!("{extra:?}")
    }

    /// The decoder failed or was replaced: nothing is handed on until the next keyframe, which is asked for.
    pub fn require_keyframe(&mut self, now: Instant) {
        unimplemented!("{now:?}")
    }

    /// Poll until [`Output::Wait`].
    pub fn poll(&mut self, now: Instant) -> Output {
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

impl Default for Video {
    fn default() -> Self {
        Self::new()
    }
}
