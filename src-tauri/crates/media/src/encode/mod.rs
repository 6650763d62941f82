//! From frames to what the network carries.
//!
//! ```text
//! h264      pictures to H.264 access units
//! openh264  the C library behind it; all of encode's unsafe code
//! quantiser how coarse a keyframe has to be (pure)
//! debt      what a keyframe took beyond its share, paid back (pure)
//! rate      which size and frame rate a bitrate affords (pure)
//! cadence   which of a camera's pictures are encoded (pure)
//! load      how much of the time encoding takes (pure)
//! opus      sound to Opus packets
//! ```

pub mod cadence;
mod debt;
pub mod h264;
pub mod load;
mod openh264;
pub mod opus;
mod quantiser;
pub mod rate;

pub use h264::EncodedVideo;
