//! Counters of both ends. All counts are cumulative since the connection was made.

use std::time::Duration;

/// What one received track amounts to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedTrack {
    pub packets: u64,
    pub bytes: u64,
    /// Packets that never came, repaired ones not counted.
    pub lost: u64,
    /// Packets that came after a NACK.
    pub repaired: u64,
    pub duplicates: u64,
    /// NACKed sequence numbers, repetitions included.
    pub nacks: u64,
    /// RFC 3550 interarrival jitter.
    pub jitter: Duration,
    /// Frames (video) or Opus packets (audio) handed on.
    pub frames: u64,
    /// Frames abandoned for a hole that was not repaired.
    pub dropped: u64,
    /// Delay the jitter buffer aims at.
    pub target_delay: Duration,
}

/// A subscriber's counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiveStats {
    pub video: ReceivedTrack,
    pub audio: ReceivedTrack,
    /// Keyframes asked of the sender.
    pub keyframe_requests: u64,
    /// Round trip of the chosen candidate pair.
    pub rtt: Option<Duration>,
}

/// What one sent track amounts to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentTrack {
    pub packets: u64,
    pub bytes: u64,
    pub frames: u64,
    /// Packets sent again on request.
    pub resent: u64,
    /// Sequence numbers the other end asked for.
    pub nacks: u64,
    /// Packets dropped before the network for want of room.
    pub dropped: u64,
    /// The other end's latest loss report, in percent.
    pub loss_percent: f32,
    /// The other end's latest jitter report.
    pub jitter: Duration,
}

/// A publisher's counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendStats {
    pub video: SentTrack,
    pub audio: SentTrack,
    /// Keyframes the other end asked for.
    pub keyframe_requests: u64,
    /// The rate controller's target for everything sent, in bits per second.
    pub target_bps: u32,
    /// Round trip by RTCP reports.
    pub rtt: Option<Duration>,
    /// Time the newest packet waited in the pacer.
    pub pacer_delay: Duration,
}
