//! An open camera: a thread, the newest frame, and events.

use std::sync::mpsc;

use super::{Error, Event, VideoFormat};
use crate::{VideoFrame, latest};

/// An open camera. Dropping it stops it.
pub struct Camera {
    format: VideoFormat,
    frames: latest::Reader<VideoFrame>,
    events: Option<mpsc::Receiver<Event>>,
}

impl Camera {
    /// Opens the camera `id` and delivers pictures close to `want`: [`format`](Self::format) says what they really are.
    pub fn open(_id: &str, _want: VideoFormat) -> Result<Self, Error> {
        unimplemented!()
    }

    /// A reader of the newest frame. The slot closes when the camera ends.
    pub fn frames(&self) -> latest::Reader<VideoFrame> {
        self.frames.clone()
    }

    /// What the camera delivers.
    pub fn format(&self) -> VideoFormat {
        self.format
    }

    /// The camera's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }
}
