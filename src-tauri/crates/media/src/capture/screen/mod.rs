//! Screens and windows as cameras: `screen:…` and `window:…` for [`Camera::open`](super::Camera::open), and the list to choose from.
//!
//! ```text
//! list     what there is to choose from, with small pictures
//! share    a screen as a source: what changed, and when it is sent
//! pixels   RGBA of a screen to a frame or a small PNG
//! pointer  the mouse pointer, where the screen is read without it
//! system   the only file that knows how a screen is read
//! ```
//!
//! A window that is minimised shows what it last showed; one that is gone ends its source with [`Error::NotFound`](super::Error::NotFound).

mod list;
mod pixels;
#[cfg(any(target_os = "linux", test))]
mod pointer;
mod share;
mod system;

use std::time::Instant;

use super::{Error, VideoFormat, source::Source};

pub use list::{Kind, Screen, list, title};

/// What the ids of screens and windows begin with.
pub(super) const PREFIXES: [&str; 2] = [Kind::Screen.prefix(), Kind::Window.prefix()];

/// Opens a screen or a window by its id; pictures fit into `want` and come at most as often.
pub(super) fn open(id: &str, want: VideoFormat) -> Result<Box<dyn Source>, Error> {
    Ok(Box::new(share::Share::new(id, system::open(id)?, want, Instant::now())?))
}

/// RGBA, four bytes a pixel, rows without padding.
struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// What reading a screen found.
enum Look {
    Picture(Picture),
    /// There is nothing to see for now: the window is minimised or lies outside the screen.
    Hidden,
}

/// A screen or window that can be read again and again.
trait Grab: Send {
    /// An error says that it is gone, or never will be readable.
    fn look(&mut self) -> Result<Look, Error>;
}
