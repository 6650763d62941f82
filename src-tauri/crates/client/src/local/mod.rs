//! A stream of this machine: devices, one encoder a track, and every subscription that wants it.

use std::sync::Arc;

use media::{VideoFrame, latest};
use signal::{Error, StreamSource, SubscriptionId};
use tokio::sync::watch;
use transport::Publisher;

/// What to capture.
#[derive(Clone, Debug, Default)]
pub struct StreamSpec {
    pub audio: bool,
    pub video: bool,
    pub camera_id: Option<String>,
    pub microphone_id: Option<String>,
    pub source: StreamSource,
}

/// A device that did not open, with its code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub error: Error,
}

/// What [`LocalStream::init`] opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitReport {
    pub problems: Vec<Problem>,
}

/// A camera and a microphone as one stream. Dropping the last clone stops the devices and unpublishes.
#[derive(Clone, Debug)]
pub struct LocalStream {
    _shared: Arc<()>,
}

/// The state of a stream that its client passes on to the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalState {
    /// Tracks that exist now.
    pub audio: bool,
    pub video: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    /// Set when the device of that track was lost, until another is chosen.
    pub camera_lost: Option<Error>,
    pub microphone_lost: Option<Error>,
}

/// What a stream may send, in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bitrates {
    pub start_bps: u32,
    pub max_bps: u32,
}

/// The sending side of a [`LocalStream`]: what the engine holds. It does not keep the stream's devices open.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {}

impl LocalStream {
    /// A stream by `spec`; no device is opened before [`init`](Self::init).
    pub fn create(_spec: StreamSpec) -> Self {
        unimplemented!()
    }

    /// Opens the devices. One that does not open is reported; the others go on.
    pub async fn init(&self) -> Result<InitReport, Error> {
        unimplemented!()
    }

    /// The camera's frames, for the preview.
    pub fn frames(&self) -> Option<latest::Reader<VideoFrame>> {
        unimplemented!()
    }

    /// Silences the sound for now, or takes it back. The channel hears of it.
    pub fn mute_audio(&self, _mute: bool) {
        unimplemented!()
    }

    /// Blacks out the picture for now, or takes it back. The channel hears of it.
    pub fn mute_video(&self, _mute: bool) {
        unimplemented!()
    }

    pub(crate) fn outgoing(&self) -> Outgoing {
        unimplemented!()
    }
}

impl Outgoing {
    /// A number that tells this stream from all others of the process.
    pub fn key(&self) -> u64 {
        unimplemented!()
    }

    pub fn source(&self) -> StreamSource {
        unimplemented!()
    }

    /// The stream's state, newest wins; the sender is dropped when the stream is closed.
    pub fn state(&self) -> watch::Receiver<LocalState> {
        unimplemented!()
    }

    pub fn bitrates(&self) -> Bitrates {
        unimplemented!()
    }

    /// Starts to feed a subscription. The first one starts the encoders.
    pub fn add(&self, _subscription: SubscriptionId, _publisher: Arc<Publisher>) {
        unimplemented!()
    }

    /// Stops to feed a subscription and lets go of its publisher. Unknown ones are ignored.
    pub fn remove(&self, _subscription: &SubscriptionId) {
        unimplemented!()
    }

    /// What a subscription's connection reports: connected, keyframe requested, target bitrate, loss.
    pub fn on_event(&self, _subscription: &SubscriptionId, _event: &transport::Event) {
        unimplemented!()
    }
}
