//! An open speaker.

use std::sync::mpsc;
use std::time::Duration;

use super::{Error, Event, Voice};

/// An open speaker. Dropping it stops it.
pub struct Speaker {
    events: Option<mpsc::Receiver<Event>>,
}

impl Speaker {
    /// Opens the speaker `id`: `default`, `none` (heard by nobody, at the pace of the clock), or an id of [`speakers`](super::speakers).
    pub fn open(_id: &str) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Lets a voice be heard until its handle is dropped.
    pub fn add(&self, _voice: Box<dyn Voice>) -> VoiceHandle {
        unimplemented!()
    }

    /// How long a sample takes from being mixed to being heard.
    pub fn latency(&self) -> Duration {
        Duration::ZERO
    }

    /// The speaker's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }
}

/// A voice's place in the mix. Dropping it removes the voice.
pub struct VoiceHandle {}

impl VoiceHandle {
    /// How loud the voice is played: 1.0 is as it comes, 0.0 is silence.
    pub fn set_volume(&self, _volume: f32) {}

    /// How loud the voice is now, before its volume, 0.0 to 1.0.
    pub fn level(&self) -> f32 {
        0.0
    }
}
