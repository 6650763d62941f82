//! Frames, devices, codecs and playback. Knows no network and no async: codecs and devices run on OS threads of their own, and
//! frames travel between threads through [`latest`] slots (newest wins) or bounded queues.
//!
//! ```text
//! frame         VideoFrame (I420), AudioFrame (10 ms)
//! latest        the newest value of one writer, for many readers
//! bell          wakes a thread that waits for any of several things
//! library       which OpenH264 is used: built from source, or Cisco's binary
//! libopus       the C library behind Opus; all of its unsafe code
//! profile       Agora's video and audio profiles
//! convert       camera formats to I420
//! scale         I420 to another size, I420 to RGBA
//! frame_number  the number that test clips carry in their pictures
//! capture/      cameras and microphones: devices, files, test pattern and tone; echo, noise and gain of a microphone
//! encode/       H.264, Opus, and which picture size a bitrate affords
//! decode/       H.264, Opus
//! playback/     speakers and mixing
//! ```

pub mod bell;
pub mod capture;
pub mod convert;
pub mod decode;
pub mod encode;
pub mod frame;
pub mod frame_number;
pub mod latest;
mod libopus;
pub mod library;
pub mod playback;
pub mod profile;
pub mod scale;

pub use frame::{AudioFrame, VideoFrame};
