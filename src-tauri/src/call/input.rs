//! Everything that can happen to a window's call.

use client::Lost;

use super::{
    join::{Choice, Devices, Join},
    local::Opened,
};
use crate::{
    signal::{Error, Role, StreamId, StreamInfo, Uid},
    types::{AudioProcessing, Connection, Problem, RemoteMedia, ShareSpec},
};

/// Whom an answer is for.
pub type Ticket = u64;

/// Which attempt to join something belongs to.
pub type Attempt = u64;

/// What is to be off; what is not given stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Off {
    pub audio: Option<bool>,
    pub video: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    // The page's commands.
    StartPreview {
        devices: Devices,
        off: Off,
        ticket: Ticket,
    },
    StopPreview {
        ticket: Ticket,
    },
    Join {
        join: Box<Join>,
        ticket: Ticket,
    },
    Leave {
        ticket: Ticket,
    },
    Publish {
        wanted: bool,
        ticket: Ticket,
    },
    Mute {
        audio: Option<bool>,
        video: Option<bool>,
        ticket: Ticket,
    },
    Process {
        switches: AudioProcessing,
        ticket: Ticket,
    },
    SetCamera {
        id: Choice,
        ticket: Ticket,
    },
    SetMicrophone {
        id: Choice,
        ticket: Ticket,
    },
    /// Share something else, or nothing.
    Share {
        share: Option<ShareSpec>,
        ticket: Ticket,
    },
    // The ends of jobs.
    StreamOpened(Opened),
    StreamSwitched(Opened),
    Joined {
        attempt: Attempt,
        result: Result<Uid, Error>,
    },
    Left {
        attempt: Attempt,
    },
    /// The screen is published, as a person calls it, or could not be.
    ScreenStarted(Result<String, Error>),
    ScreenStopped,
    /// The sound of this and of later calls is heard there.
    SpeakerChosen(String),
    PublishEnded {
        attempt: Attempt,
        result: Result<(), Error>,
    },
    /// The call goes on by this token.
    Renewed {
        attempt: Attempt,
        token: String,
    },
    SubscribeEnded {
        attempt: Attempt,
        stream: StreamId,
        result: Result<(), Error>,
    },
    // The client's news.
    Connection {
        attempt: Attempt,
        state: Connection,
    },
    /// The service took the window's stream back.
    Unpublished {
        attempt: Attempt,
    },
    /// The shared screen is gone, or the service took it back.
    ScreenGone {
        attempt: Attempt,
        reason: String,
    },
    Role {
        attempt: Attempt,
        role: Role,
    },
    /// A user goes by this name, or by none.
    PeerNamed {
        attempt: Attempt,
        uid: Uid,
        name: Option<String>,
    },
    /// This window's user goes by this name, or by none.
    Named {
        attempt: Attempt,
        name: Option<String>,
    },
    StreamAdded {
        attempt: Attempt,
        stream: StreamInfo,
    },
    StreamUpdated {
        attempt: Attempt,
        stream: StreamInfo,
    },
    StreamRemoved {
        attempt: Attempt,
        stream: StreamId,
    },
    /// The publisher silenced or blacked out a track, or took that back; what is not given stays.
    StreamMuted {
        attempt: Attempt,
        stream: StreamId,
        audio: Option<bool>,
        video: Option<bool>,
    },
    StreamMedia {
        attempt: Attempt,
        stream: StreamId,
        media: RemoteMedia,
    },
    /// The network carries the stream's sound alone, or its picture again.
    StreamFallback {
        attempt: Attempt,
        stream: StreamId,
        sound_only: bool,
    },
    /// The membership ended without a `Leave`: banned, replaced, refused.
    Ended {
        attempt: Attempt,
    },
    // The app's own.
    /// Devices of the window's stream are gone, or back.
    DevicesLost(Lost),
    /// The window that is shared is minimised, or is not any more.
    ScreenPaused(bool),
    Service(Option<Problem>),
    Speaker(Option<Error>),
}
