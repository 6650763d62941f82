//! What can go wrong with a peer connection, and in which phase.

use std::fmt;

/// Why an order to an [`Endpoint`](crate::Endpoint), [`Subscriber`](crate::Subscriber) or
/// [`Publisher`](crate::Publisher) was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other end's description cannot be used. Its fault; trying again with the same text cannot help.
    #[error("the other end's session description is unusable: {0}")]
    Description(String),
    /// The description offers neither H.264 nor Opus in a form that this end speaks. Its fault.
    #[error("the other end offers no codec that this end speaks (H.264 and Opus)")]
    NoCommonCodec,
    /// The other end's candidate cannot be used. Its fault; other candidates may still do.
    #[error("the other end's candidate is unusable: {0}")]
    Candidate(String),
    /// The order does not fit the connection's state, such as an answer without an offer. The caller's fault.
    #[error("not possible in this state: {0}")]
    State(&'static str),
    /// The connection is closed. A new one may be made.
    #[error("the connection is closed")]
    Closed,
    /// The machine refuses sockets or the network stack failed. A later try may help.
    #[error("the network stack failed while {doing}: {source}")]
    Stack {
        doing: &'static str,
        #[source]
        source: webrtc::error::Error,
    },
    /// The network stack panicked on this input; the panic is contained and the connection is unusable.
    #[error("the network stack gave up while {0}")]
    Panicked(&'static str),
}

/// How far a connection came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No candidate pair works: the two ends do not reach each other.
    Candidates,
    /// A pair works, the DTLS handshake does not finish.
    Dtls,
    /// The handshake is done, no packet of media arrives.
    Media,
    /// Media flowed and then stopped.
    Flowing,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Candidates => "looking for a candidate pair",
            Phase::Dtls => "in the DTLS handshake",
            Phase::Media => "waiting for the first packet",
            Phase::Flowing => "after media had flowed",
        })
    }
}

/// Why a connection is over. A fresh attempt may help in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The connect deadline passed in `phase`.
    #[error("no connection in time, {phase}")]
    Deadline { phase: Phase },
    /// There was no path, and TURN servers that might have made one are of no use; `trouble` says which and why.
    #[error("no way to the other end was found: {trouble}")]
    Turn { trouble: String },
    /// ICE or DTLS gave up in `phase`.
    #[error("the connection failed {phase}")]
    Connection { phase: Phase },
    /// No packet arrived for `seconds` after media had flowed.
    #[error("no packet for {seconds} s")]
    Silence { seconds: u32 },
    /// The network stack's task ended or panicked.
    #[error("the network stack stopped: {reason}")]
    Stack { reason: String },
}
