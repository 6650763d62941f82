//! From what the network carried back to frames.
//!
//! ```text
//! h264      H.264 access units to pictures
//! openh264  the C library behind it; all of decode's unsafe code
//! opus      Opus packets to sound, with repair and concealment
//! ```

pub mod h264;
mod openh264;
pub mod opus;

/// Why something from the network was not decoded. The sender's or the network's fault: what comes later can decode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A picture is damaged or refers to one that was lost: ask for a keyframe.
    #[error("the picture cannot be decoded (state {state:#x}): a keyframe is needed")]
    Picture { state: i32 },
    /// A packet of sound is damaged.
    #[error("the sound cannot be decoded: {0}")]
    Sound(&'static str),
    /// This machine's fault: the library could not be set up.
    #[error("the {0} decoder could not be set up")]
    Setup(&'static str),
}
