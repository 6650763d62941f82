//! A stream of somebody else: its subscription's packets, decoded into the newest frame and into the speaker.

use std::sync::Arc;

use media::{VideoFrame, latest};
use signal::{Error, StreamId, StreamInfo};
use tokio::sync::mpsc;
use transport::{AudioReceiver, Subscriber, VideoReceiver};

/// What all remote streams of a client share: the speaker.
#[derive(Clone, Debug)]
pub(crate) struct Playback {}

/// A subscribed stream. It outlives the connections that carry it, one after another.
#[derive(Clone, Debug)]
pub struct RemoteStream {
    _shared: Arc<()>,
}

/// One connection's receiving side.
#[derive(Debug)]
pub(crate) struct Connection {
    pub subscriber: Arc<Subscriber>,
    pub video: Option<VideoReceiver>,
    pub audio: Option<AudioReceiver>,
}

/// What a remote stream tells its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The first frame of this stream was decoded.
    FirstVideoFrame(StreamId),
    /// The first sound of this stream was decoded.
    FirstAudioFrame(StreamId),
    /// The speaker did not open, or is gone.
    SpeakerLost(Error),
}

impl Playback {
    /// Opens the speaker ("default", "none" or an id) on a thread of its own and returns at once; streams made before it is open
    /// sound when it is. One that does not open is replaced by the silent one and reported as [`Notice::SpeakerLost`].
    pub fn open(_speaker: &str, _notices: mpsc::Sender<Notice>) -> Self {
        unimplemented!()
    }
}

impl RemoteStream {
    pub(crate) fn new(_info: StreamInfo, _playback: &Playback, _notices: mpsc::Sender<Notice>) -> Self {
        unimplemented!()
    }

    pub fn id(&self) -> StreamId {
        unimplemented!()
    }

    pub fn info(&self) -> StreamInfo {
        unimplemented!()
    }

    /// The decoded frames, newest wins.
    pub fn frames(&self) -> latest::Reader<VideoFrame> {
        unimplemented!()
    }

    /// Loudness of what is played, 0 to 1.
    pub fn audio_level(&self) -> f32 {
        unimplemented!()
    }

    /// The publisher changed the stream's tracks or mutes.
    pub(crate) fn update(&self, _info: StreamInfo) {
        unimplemented!()
    }

    /// A connection carries the stream from now on; it replaces the one before.
    pub(crate) fn attach(&self, _connection: Connection) {
        unimplemented!()
    }

    /// This connection does not carry the stream any more: stops decoding and lets go of the subscriber. The last frame stays.
    /// Does nothing if another connection has replaced it already.
    pub(crate) fn detach(&self, _subscriber: &Arc<Subscriber>) {
        unimplemented!()
    }

    /// The subscription is over: like a detach, and frame readers see the end. Clones that the application holds stay readable.
    pub(crate) fn close(&self) {
        unimplemented!()
    }
}
