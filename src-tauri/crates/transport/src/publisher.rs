//! The sending end of a subscription.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::peer::event::{Candidate, Event};
use crate::{Error, SendStats};

/// The sending end of a subscription. It answers the subscriber's offer. Dropping it closes the connection.
#[derive(Debug)]
pub struct Publisher {}

impl Publisher {
    /// Adds a candidate of the subscriber.
    pub async fn add_candidate(&self, _candidate: Candidate) -> Result<(), Error> {
        unimplemented!()
    }

    /// Answers an offer that restarts ICE.
    pub async fn restart(&self, _offer: &str) -> Result<String, Error> {
        unimplemented!()
    }

    /// Ends the connection and frees its sockets.
    pub async fn close(&self) {
        unimplemented!()
    }

    /// The connection's events; `None` from the second call on.
    pub fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        unimplemented!()
    }

    /// Queues one frame of video (an access unit in Annex B). Never blocks; without room or connection the frame is
    /// dropped and counted, and a keyframe is asked for.
    pub fn send_video(&self, _annex_b: &[u8], _captured: Instant, _keyframe: bool) {
        unimplemented!()
    }

    /// Queues one Opus packet of 20 ms. Never blocks; without connection it is dropped and counted.
    pub fn send_audio(&self, _opus: &[u8], _captured: Instant) {
        unimplemented!()
    }

    /// The counters so far.
    pub fn stats(&self) -> SendStats {
        unimplemented!()
    }
}
