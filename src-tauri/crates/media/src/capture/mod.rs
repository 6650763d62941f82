//! Cameras and microphones: real devices, files, a test pattern and a tone, all behind one [`Camera`] and one [`Microphone`].
//!
//! Device ids are stable strings:
//!
//! | id | what |
//! | --- | --- |
//! | `pattern` | a moving test pattern |
//! | `tone` | a quiet tone |
//! | `file:/abs/clip.y4m`, `file:/abs/voice.wav` | a file, looped |
//! | `camera:…`, `microphone:…` | a real device, by what the system calls it |
//!
//! Invariants: a capture thread never waits for its readers; a device that ends by itself says so once, as [`Event::Lost`]; dropping
//! the handle stops the device and joins its thread.

mod camera;
mod error;
mod microphone;

pub use camera::Camera;
pub use error::Error;
pub use microphone::Microphone;

/// Something that can be opened, as a person would choose it from a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What [`Camera::open`], [`Microphone::open`] or [`Speaker::open`](crate::playback::Speaker::open) takes.
    pub id: String,
    /// What a person reads.
    pub label: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Camera,
    Microphone,
    Speaker,
}

/// A picture size in pixels and a rate in frames per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFormat {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
}

/// What happens to an open device.
#[derive(Debug)]
pub enum Event {
    /// The device is gone; no frame follows.
    Lost(Error),
}

/// The cameras that can be opened now: real ones first, then the test pattern.
pub fn cameras() -> Vec<Device> {
    vec![Device { id: "pattern".into(), label: "Test pattern".into(), kind: Kind::Camera }]
}

/// The microphones that can be opened now: real ones first, then the tone.
pub fn microphones() -> Vec<Device> {
    vec![Device { id: "tone".into(), label: "Tone".into(), kind: Kind::Microphone }]
}
