//! Counters of both ends. All counts are cumulative since the connection was made.

use std::time::Duration;

/// What one received track amounts to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedTrack {
    pub packets: u64,
    pub bytes: u64,
    /// Packets found missing, whether or not they came later.
    pub lost: u64,
    /// Packets that came after they were asked for again.
    pub repaired: u64,
    /// Lost packets put together from redundancy, without asking for them.
    pub recovered: u64,
    pub duplicates: u64,
    /// Packet numbers asked for again, repetitions included.
    pub nacks: u64,
    /// RFC 3550 interarrival jitter.
    pub jitter: Duration,
    /// Frames (video) handed on or Opus packets (audio) played.
    pub frames: u64,
    /// Frames given up for a hole in them or before them, and those a slow decoder left (video); packets that came
    /// after their turn (audio).
    pub dropped: u64,
    /// 20 ms pieces concealed for want of a packet (audio).
    pub concealed: u64,
    /// The delay the jitter buffer adds (video) or aims at (audio).
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
    /// Parity packets sent, which are not among `packets`; their bytes are.
    pub parity: u64,
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
