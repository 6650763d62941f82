//! An open microphone: 10 ms frames, a level, and events.

use std::sync::mpsc;

use super::{Error, Event};
use crate::AudioFrame;

/// An open microphone. Dropping it stops it.
pub struct Microphone {
    frames: Option<mpsc::Receiver<AudioFrame>>,
    events: Option<mpsc::Receiver<Event>>,
}

impl Microphone {
    /// Opens the microphone `id` and delivers frames of `channels` channels (1 or 2).
    pub fn open(_id: &str, _channels: u8) -> Result<Self, Error> {
        unimplemented!()
    }

    /// The frames, for the first who asks; a later caller gets a receiver without a sender. The queue holds 100 ms: what does not fit
    /// is dropped.
    pub fn take_frames(&mut self) -> mpsc::Receiver<AudioFrame> {
        self.frames.take().unwrap_or_else(|| mpsc::channel().1)
    }

    /// The microphone's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }

    /// How loud it is now, 0.0 to 1.0.
    pub fn level(&self) -> f32 {
        0.0
    }
}
