//! Everything a session wants done or known.

use std::time::{Duration, Instant};

use signal::{
    Candidate, Error, IceServer, LeaveReason, Name, Request, Role, Sdp, StreamId, StreamInfo, StreamSource, StreamType, SubscriptionId,
    Uid, Want,
};

use crate::CallId;

/// Agora's connection states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    #[default]
    Disconnected,
    /// Joining, or coming back.
    Connecting,
    Connected,
    Disconnecting,
}

impl ConnectionState {
    /// Agora's text for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "DISCONNECTED",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Disconnecting => "DISCONNECTING",
        }
    }
}

/// The good answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The channel is joined, as `uid`.
    Joined {
        uid: Uid,
    },
    Done,
}

/// What the application gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    ConnectionStateChange {
        prev: ConnectionState,
        cur: ConnectionState,
    },
    PeerOnline {
        uid: Uid,
    },
    /// A user goes by this name from now on, or by none; one that comes without a name is not told.
    PeerNamed {
        uid: Uid,
        name: Option<Name>,
    },
    PeerLeave {
        uid: Uid,
        reason: LeaveReason,
    },
    StreamAdded {
        stream: StreamInfo,
    },
    /// `before` is what it was; tracks or mutes differ.
    StreamUpdated {
        stream: StreamInfo,
        before: StreamInfo,
    },
    StreamRemoved {
        stream: StreamId,
    },
    StreamPublished {
        stream: StreamId,
    },
    /// `asked`: the application did; else the service took it back.
    StreamUnpublished {
        stream: StreamId,
        asked: bool,
    },
    /// A subscription's media flows for the first time.
    StreamSubscribed {
        stream: StreamId,
    },
    /// A subscription's media stopped and is being brought back.
    StreamReconnectStart {
        stream: StreamId,
    },
    /// It is back, or (`success` false) given up because the stream is gone.
    StreamReconnectEnd {
        stream: StreamId,
        success: bool,
    },
    /// The publisher sends the other picture of a subscribed stream from now on.
    StreamTypeChanged {
        stream: StreamId,
        stream_type: StreamType,
    },
    /// The publisher sends only a subscribed stream's sound, because the network carries no more, or its picture again.
    StreamFallback {
        stream: StreamId,
        sound_only: bool,
    },
    /// This user's own role in `live` mode.
    ClientRoleChanged {
        role: Role,
    },
    /// The token, or a privilege in it, ends after this time; a renewed one goes on.
    TokenWillExpire {
        after: Duration,
    },
    /// The token ended; the membership is over.
    TokenDidExpire {
        error: Error,
    },
    /// The service kicked or banned this user; the membership is over.
    Banned {
        uid: Uid,
        error: Error,
    },
    /// The connection to the service broke and is being brought back, or the membership is over.
    Error {
        error: Error,
    },
}

/// Everything a session wants done or known.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection to the channel service, dropping one that may be open.
    OpenSignalling,
    /// Drop the connection to the channel service. Nothing of it may be handed in any more.
    CloseSignalling,
    Send(Request),

    /// The servers for all connections made from now on.
    UseIceServers(Vec<IceServer>),
    /// Make the receiving end of a subscription and its offer.
    CreateOffer {
        subscription: SubscriptionId,
        stream: StreamId,
        audio: bool,
        video: bool,
    },
    /// Make the sending end of a subscription and its answer.
    AcceptOffer {
        subscription: SubscriptionId,
        subscriber: Uid,
        stream: StreamId,
        offer: Sdp,
    },
    SetAnswer {
        subscription: SubscriptionId,
        answer: Sdp,
    },
    /// A candidate of the other end; its description was handed out before.
    AddCandidate {
        subscription: SubscriptionId,
        candidate: Candidate,
    },
    /// Make an offer that restarts ICE on a receiving end.
    RestartIce {
        subscription: SubscriptionId,
    },
    /// The other end of a receiving end may have moved: if nothing comes from it any more, report `Input::Disconnected` at once.
    CheckPath {
        subscription: SubscriptionId,
    },
    /// Answer an offer that restarts ICE on a sending end.
    AcceptRestart {
        subscription: SubscriptionId,
        offer: Sdp,
    },
    /// What the other end of a sending end wants of the picture.
    Want {
        subscription: SubscriptionId,
        want: Want,
    },
    /// Close a connection, whatever it is doing. Nothing of it needs to be handed in any more.
    ClosePeer {
        subscription: SubscriptionId,
    },
    /// The stream is not subscribed to any more: let go of what its connections fed.
    EndSubscription {
        stream: StreamId,
    },
    /// The stream is not published any more: let go of what feeds its connections.
    EndPublication {
        source: StreamSource,
    },

    Reply {
        call: CallId,
        result: Result<Answer, Error>,
    },
    Event(Event),
    /// Nothing more for now; hand in `TimePassed` at this instant.
    Timeout(Instant),
}
