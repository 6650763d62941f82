//! What the crowd has heard, counted.

use std::time::Instant;

use serde::Serialize;
use signal::{Event, Incoming, Outcome, Success};

use super::Failure;

/// Counts over a whole run.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    pub joined: usize,
    /// Peers named by the answers to joins.
    pub peers_named: usize,
    pub peers_online: usize,
    pub peers_left: usize,
    pub published: usize,
    pub streams_added: usize,
    pub streams_removed: usize,
    pub subscriptions_answered: usize,
    pub subscriptions_ended: usize,
    pub candidates_sent: usize,
    pub candidates_acknowledged: usize,
    pub candidates_received: usize,
    pub candidates_out_of_order: usize,
    pub pings_answered: usize,
    /// Connections that the service closed after a leave.
    pub left: usize,
    /// From connecting to the answer of the join, and when that came.
    #[serde(skip)]
    pub joins: Vec<(f64, Instant)>,
    /// From the moment a candidate was to be sent to its arrival at the other end, in milliseconds.
    #[serde(skip)]
    pub relays: Vec<f64>,
    /// Part of that: how late the generator was to send it.
    #[serde(skip)]
    pub lateness: Vec<f64>,
}

/// The kinds of requests; each request carries its kind for an id, so that the answer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    Join = 1,
    Publish,
    Subscribe,
    Answer,
    Candidate,
    Ping,
    Leave,
}

impl Tally {
    /// Counts the good answer to a request other than a join.
    pub fn on_done(&mut self, id: u32) {
        const PUBLISH: u32 = Kind::Publish as u32;
        const CANDIDATE: u32 = Kind::Candidate as u32;
        const PING: u32 = Kind::Ping as u32;
        match id {
            PUBLISH => self.published += 1,
            CANDIDATE => self.candidates_acknowledged += 1,
            PING => self.pings_answered += 1,
            _ => {}
        }
    }

    /// Counts whatever is not counted elsewhere; what no member should hear is an error.
    pub fn on_message(&mut self, message: Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Reply(reply) => match reply.result {
                Outcome::Ok(Success::Joined(joined)) => self.peers_named += joined.peers.len(),
                Outcome::Ok(Success::Done {}) => self.on_done(reply.id),
                Outcome::Error(error) => return Err(Failure::Refused(error)),
            },
            Incoming::Event(event) => match event {
                Event::PeerOnline { .. } => self.peers_online += 1,
                Event::PeerLeave { .. } => self.peers_left += 1,
                Event::StreamAdded { .. } => self.streams_added += 1,
                Event::StreamRemoved { .. } => self.streams_removed += 1,
                Event::Answer { .. } => self.subscriptions_answered += 1,
                Event::Unsubscribe { .. } => self.subscriptions_ended += 1,
                Event::Removed { error } | Event::Refused { error, .. } => return Err(Failure::Refused(error)),
                other => return Err(Failure::Unexpected(format!("{other:?}"))),
            },
        }
        Ok(())
    }
}
