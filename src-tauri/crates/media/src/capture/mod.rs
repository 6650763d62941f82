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
//! | `screen:…`, `window:…` | a screen or a window ([`screen`]) |
//! | `default` | the microphone that the system prefers |
//!
//! Invariants: a capture thread never waits for its readers; a device that ends by itself says so once, as [`Event::Lost`]; dropping
//! the handle stops the device and joins its thread.

mod camera;
mod card;
mod channels;
mod clip;
mod cover;
pub(crate) mod drift;
mod error;
mod framer;
mod glyphs;
mod microphone;
mod nokhwa;
mod offer;
mod pattern;
pub mod processing;
pub(crate) mod resample;
mod sample_clock;
pub(crate) mod schedule;
pub mod screen;
mod source;
mod thin;
mod tone;
#[cfg(target_os = "linux")]
mod v4l2;
mod wav;
pub mod y4m;

pub use camera::Camera;
pub use error::Error;
pub use microphone::Microphone;
pub use sample_clock::SampleClock;

use crate::playback::host;

/// Samples per second of all sound outside the devices.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

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
    /// A screen or a window.
    Screen,
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
    let mut devices = self::nokhwa::list();
    devices.push(Device { id: pattern::ID.into(), label: "Test pattern".into(), kind: Kind::Camera });
    devices
}

/// The microphones that can be opened now: real ones first, the system's default before the others, then the tone.
pub fn microphones() -> Vec<Device> {
    let mut devices = host::list(host::Direction::Input);
    devices.push(Device { id: tone::ID.into(), label: "Test tone".into(), kind: Kind::Microphone });
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_something_to_choose() {
        assert_eq!(cameras().last().map(|device| device.id.clone()), Some("pattern".into()));
        assert_eq!(microphones().last().map(|device| device.id.clone()), Some("tone".into()));
    }
}
