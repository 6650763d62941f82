//! What a connection tells its owner.

use crate::Failure;

/// Which tracks a subscription carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracks {
    pub audio: bool,
    pub video: bool,
}

/// One ICE candidate, in the shape of the browser's `RTCIceCandidateInit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The candidate line; empty at the end of candidates.
    pub candidate: String,
    pub sdp_mid: Option<String>,
    pub sdp_mline_index: Option<u16>,
    pub username_fragment: Option<String>,
}

/// What a connection tells its owner. After `Failed` nothing follows and the connection is closed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A local candidate for the other end.
    Candidate(Candidate),
    /// Media can flow, for the first time or again.
    Connected,
    /// Nothing reaches the other end at the moment; it may come back by itself or by an ICE restart.
    Disconnected,
    /// TURN servers are of no use, which and why: a reason should no path be found.
    TurnTrouble(String),
    /// The connection is over.
    Failed(Failure),
    /// Subscriber: the first packet of audio arrived.
    AudioStarted,
    /// Subscriber: the first packet of video arrived.
    VideoStarted,
    /// Publisher: the other end cannot go on without a keyframe.
    KeyframeRequested,
    /// Publisher: what video may use, in bits per second.
    TargetBitrate(u32),
    /// Publisher: loss on the way to the other end, in percent, for Opus' in-band FEC.
    Loss(u8),
}
