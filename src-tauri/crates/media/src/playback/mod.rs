//! Speakers: many voices pulled, mixed and heard.
//!
//! Invariants: every voice is pulled once per 10 ms of real time for as long as a [`Speaker`] lives, with a sound card or without one;
//! voices are pulled, and everything else that takes time is done, in the mixing thread: the device's callback only copies.

mod card;
pub mod chime;
pub mod comfort;
#[cfg(target_os = "linux")]
mod cookie;
mod depth;
pub(crate) mod host;
mod level;
mod mix;
pub mod reference;
mod ring;
mod speaker;
pub mod stretch;
mod voices;

pub use level::Level;
pub use speaker::Speaker;
pub use voices::VoiceHandle;

use crate::capture::Device;

/// 10 ms of stereo at 48 kHz, interleaved: how many samples.
pub const BLOCK: usize = 960;

/// Something that can be heard.
pub trait Voice: Send {
    /// Writes the next 10 ms (stereo, 48 kHz, interleaved) into `out`; `false` means silence, whatever `out` holds.
    fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool;
}

/// Why a speaker did not open, or stopped: the same reasons as for capture.
pub type Error = crate::capture::Error;

/// What happens to an open speaker.
#[derive(Debug)]
pub enum Event {
    /// The device is gone. Voices go on being pulled; the speaker tries it again, and the default device meanwhile.
    Lost(Error),
    /// Sound is heard again, on the device with this label.
    Reopened(String),
}

/// Whether there is such a speaker, without opening it.
pub fn check(id: &str) -> Result<(), Error> {
    if id == speaker::NONE { Ok(()) } else { host::find(host::Direction::Output, id).map(drop) }
}

/// Whether the devices were last listed by a sound server, which knows others than the system does, and lists them cheaply.
pub fn has_server() -> bool {
    host::has_server()
}

/// The speakers that can be opened now, the system's default first.
pub fn speakers() -> Vec<Device> {
    host::list(host::Direction::Output)
}
