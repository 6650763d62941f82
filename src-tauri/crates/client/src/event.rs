//! What a client tells its application, in Agora's words.

use std::time::Duration;

use session::ConnectionState;
use signal::{Error, LeaveReason, Name, Role, StreamId, StreamInfo, StreamType, Uid};
use tokio::sync::mpsc;
use transport::network::Medium;

use crate::RemoteStream;
use crate::stats::{Exception, NetworkQuality};

/// What happened in the channel. [`name`](Self::name) gives Agora's name for it.
#[derive(Clone, Debug)]
pub enum Event {
    ConnectionStateChange {
        prev: ConnectionState,
        cur: ConnectionState,
    },
    /// A stream of this client is in the channel.
    StreamPublished {
        stream: StreamId,
    },
    /// `asked`: the application did; else the service took it back, and an `Error` or `ClientRoleChanged` says why.
    StreamUnpublished {
        stream: StreamId,
        asked: bool,
    },
    /// Somebody's stream is in the channel and can be subscribed to.
    StreamAdded {
        stream: StreamInfo,
    },
    /// Tracks were added to it or removed from it.
    StreamUpdated {
        stream: StreamInfo,
    },
    /// The subscription's media flows for the first time.
    StreamSubscribed {
        stream: RemoteStream,
    },
    StreamRemoved {
        stream: StreamId,
    },
    PeerOnline {
        uid: Uid,
    },
    PeerLeave {
        uid: Uid,
        reason: LeaveReason,
    },
    /// A user goes by this name from now on, or by none. It is a claim, not a proof.
    PeerNamed {
        uid: Uid,
        name: Option<Name>,
    },
    /// The publisher silenced (or blacked out) the stream for now, or took it back.
    MuteAudio {
        uid: Uid,
        stream: StreamId,
    },
    UnmuteAudio {
        uid: Uid,
        stream: StreamId,
    },
    MuteVideo {
        uid: Uid,
        stream: StreamId,
    },
    UnmuteVideo {
        uid: Uid,
        stream: StreamId,
    },
    /// The first frame (or sound) of a stream was decoded.
    FirstVideoFrameDecode {
        stream: StreamId,
    },
    FirstAudioFrameDecode {
        stream: StreamId,
    },
    /// A subscription lost its media and is being brought back.
    StreamReconnectStart {
        stream: StreamId,
    },
    /// It is back, or (`success` false) given up because the stream is gone.
    StreamReconnectEnd {
        stream: StreamId,
        success: bool,
    },
    /// The other picture of a subscribed stream comes from now on, by choice or for want of room.
    StreamTypeChanged {
        uid: Uid,
        stream: StreamId,
        stream_type: StreamType,
    },
    /// Only a subscribed stream's sound comes from now on, because the network carries no more (Agora's `attr` 1), or its picture comes
    /// again (0).
    StreamFallback {
        uid: Uid,
        stream: StreamId,
        sound_only: bool,
    },
    /// How loud everybody is, this client's own user included: 0 to 100, every 2 s, loudest stream each; above 5 somebody speaks. Told
    /// after [`enable_audio_volume_indicator`](crate::Client::enable_audio_volume_indicator).
    VolumeIndicator {
        levels: Vec<(Uid, u8)>,
    },
    /// How good the network is, every 2 s.
    NetworkQuality(NetworkQuality),
    /// This machine's traffic goes over another kind of network.
    NetworkTypeChanged {
        medium: Medium,
    },
    /// Something should work and does not, or does again.
    Exception(Exception),
    /// A device is gone or did not open; everything else goes on without it. `stream` is the published stream whose camera
    /// or microphone it is, `None` for the speaker.
    DeviceLost {
        stream: Option<StreamId>,
        error: Error,
    },
    /// Somebody speaks into the microphone of a published stream whose sound is muted: nobody hears it. Told at most every 10 s.
    SpeakingWhileMuted {
        stream: StreamId,
    },
    /// The speaker that was gone is there again, or another plays in its place.
    SpeakerBack,
    /// The screen or window of a published stream is gone; the stream is unpublished and the call goes on.
    StopScreenSharing {
        stream: StreamId,
        error: Error,
    },
    /// This client's own role in `live` mode.
    ClientRoleChanged {
        role: Role,
    },
    /// The token, or a privilege in it, ends after this time, 30 s at most;
    /// [`renew_token`](crate::Client::renew_token) goes on.
    TokenPrivilegeWillExpire {
        after: Duration,
    },
    /// The token ended, and the membership with it.
    TokenPrivilegeDidExpire {
        error: Error,
    },
    /// This user was kicked or banned, and the membership is over; the error's code is Agora's `attr`.
    ClientBanned {
        uid: Uid,
        error: Error,
    },
    /// The connection to the service broke ([`SOCKET_DISCONNECTED`](signal::Code::SocketDisconnected): it is being
    /// brought back), or the membership ended.
    Error {
        error: Error,
    },
}

impl Event {
    /// Agora's name of the event.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConnectionStateChange { .. } => "connection-state-change",
            Self::StreamPublished { .. } => "stream-published",
            Self::StreamUnpublished { .. } => "stream-unpublished",
            Self::StreamAdded { .. } => "stream-added",
            Self::StreamUpdated { .. } => "stream-updated",
            Self::StreamSubscribed { .. } => "stream-subscribed",
            Self::StreamRemoved { .. } => "stream-removed",
            Self::PeerOnline { .. } => "peer-online",
            Self::PeerLeave { .. } => "peer-leave",
            Self::PeerNamed { .. } => "peer-named",
            Self::MuteAudio { .. } => "mute-audio",
            Self::UnmuteAudio { .. } => "unmute-audio",
            Self::MuteVideo { .. } => "mute-video",
            Self::UnmuteVideo { .. } => "unmute-video",
            Self::FirstVideoFrameDecode { .. } => "first-video-frame-decode",
            Self::FirstAudioFrameDecode { .. } => "first-audio-frame-decode",
            Self::StreamReconnectStart { .. } => "stream-reconnect-start",
            Self::StreamReconnectEnd { .. } => "stream-reconnect-end",
            Self::StreamTypeChanged { .. } => "stream-type-changed",
            Self::StreamFallback { .. } => "stream-fallback",
            Self::VolumeIndicator { .. } => "volume-indicator",
            Self::NetworkQuality(_) => "network-quality",
            Self::NetworkTypeChanged { .. } => "network-type-changed",
            Self::Exception(_) => "exception",
            Self::DeviceLost { .. } => "device-lost",
            Self::SpeakingWhileMuted { .. } => "speaking-while-muted",
            Self::SpeakerBack => "device-back",
            Self::StopScreenSharing { .. } => "stopScreenSharing",
            Self::ClientRoleChanged { .. } => "client-role-changed",
            Self::TokenPrivilegeWillExpire { .. } => "onTokenPrivilegeWillExpire",
            Self::TokenPrivilegeDidExpire { .. } => "onTokenPrivilegeDidExpire",
            Self::ClientBanned { .. } => "client-banned",
            Self::Error { .. } => "error",
        }
    }
}

/// A client's events, in order. It ends (`None`) when the last [`Client`](crate::Client) is dropped.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Event>,
}

impl Events {
    /// How many events wait for a slow application before further ones are dropped, with a warning in the log.
    pub(crate) const CAPACITY: usize = 1024;

    pub(crate) fn new(receiver: mpsc::Receiver<Event>) -> Self {
        Self { receiver }
    }

    /// The next event; `None` when the client is gone.
    pub async fn recv(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}
