//! The receiving end of a subscription.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::peer::event::{Candidate, Event};
use crate::{Error, ReceiveStats};

/// The receiving end of a subscription. It offers; the publisher answers. Dropping it closes the connection.
#[derive(Debug)]
pub struct Subscriber {}

/// One frame of video, in decoding order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedVideo {
    /// An access unit in Annex B.
    pub data: Vec<u8>,
    /// The sender's capture time on this machine's clock, once its clock is known.
    pub captured: Option<Instant>,
    /// When the frame should be shown.
    pub render_at: Instant,
    pub keyframe: bool,
}

/// What to play for the next 20 ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playout {
    /// An Opus packet.
    Packet { data: Vec<u8>, captured: Option<Instant> },
    /// The packet of this time is lost; `next` carries its in-band FEC, if the following packet is here.
    Lost { next: Option<Vec<u8>> },
    /// Nothing is due: not started, or the sender is silent.
    Empty,
}

/// The frames of a subscription's video track.
#[derive(Debug)]
pub struct VideoReceiver {}

/// The Opus packets of a subscription's audio track.
#[derive(Debug)]
pub struct AudioReceiver {}

impl Subscriber {
    /// Applies the publisher's answer.
    pub async fn set_answer(&self, _answer: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// Adds a candidate of the publisher. One that comes before the answer is kept until then.
    pub async fn add_candidate(&self, _candidate: Candidate) -> Result<(), Error> {
        unimplemented!()
    }

    /// An offer that restarts ICE; its answer goes to [`set_answer`](Self::set_answer).
    pub async fn restart(&self) -> Result<String, Error> {
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

    /// The video track's frames; `None` from the second call on, or without video.
    pub fn take_video(&mut self) -> Option<VideoReceiver> {
        unimplemented!()
    }

    /// The audio track's packets; `None` from the second call on, or without audio.
    pub fn take_audio(&mut self) -> Option<AudioReceiver> {
        unimplemented!()
    }

    /// Asks the publisher for a keyframe; repeated requests are merged.
    pub fn request_keyframe(&self) {
        unimplemented!()
    }

    /// The counters so far.
    pub fn stats(&self) -> ReceiveStats {
        unimplemented!()
    }
}

impl VideoReceiver {
    /// Waits for the next frame; `None` when the connection is over. Not for async code.
    pub fn blocking_next(&mut self) -> Option<ReceivedVideo> {
        unimplemented!()
    }

    /// Waits for the next frame; `None` when the connection is over.
    pub async fn next(&mut self) -> Option<ReceivedVideo> {
        unimplemented!()
    }

    /// Delays rendering at least by `delay` after arrival, to keep lips in step.
    pub fn set_minimum_delay(&mut self, _delay: Duration) {
        unimplemented!()
    }
}

impl AudioReceiver {
    /// What to play now; called every 20 ms by the playout.
    pub fn pull(&mut self, _now: Instant) -> Playout {
        unimplemented!()
    }

    /// Delays playout at least by `delay` after arrival, to keep lips in step.
    pub fn set_minimum_delay(&mut self, _delay: Duration) {
        unimplemented!()
    }
}
