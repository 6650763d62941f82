//! Everything that can happen to a session.

use signal::{
    AppId, Candidate, ChannelName, Error, Fallback, Incoming, Layer, Mode, Name, Role, Sdp, StreamId, StreamSource, StreamType,
    SubscriptionId, Uid,
};

/// The application's name for one of its calls; its [`Output::Reply`](crate::Output::Reply) carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What to join, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub app_id: AppId,
    pub channel: ChannelName,
    pub token: Option<String>,
    /// `None` lets the service assign one.
    pub uid: Option<Uid>,
    pub mode: Mode,
    /// What to go by.
    pub name: Option<Name>,
}

/// A stream of this user as it is now: which tracks it has, and which of them are muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedStream {
    pub source: StreamSource,
    pub audio: bool,
    pub video: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
}

/// Everything that can happen to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    // The application's calls. Each is answered by exactly one `Output::Reply`.
    Join {
        call: CallId,
        join: Box<Join>,
    },
    Leave {
        call: CallId,
    },
    Publish {
        call: CallId,
        stream: PublishedStream,
    },
    Unpublish {
        call: CallId,
        source: StreamSource,
    },
    /// A call for a stream that is subscribed already changes its tracks.
    Subscribe {
        call: CallId,
        stream: StreamId,
        audio: bool,
        video: bool,
    },
    Unsubscribe {
        call: CallId,
        stream: StreamId,
    },
    /// Which picture of a subscribed stream is wanted, and what may be given instead; what is `None` stays as it is.
    Want {
        call: CallId,
        stream: StreamId,
        stream_type: Option<StreamType>,
        fallback: Option<Fallback>,
    },
    /// Go by another name, or by none. While the service is away the way back carries it.
    SetName {
        call: CallId,
        name: Option<Name>,
    },
    /// In `live` mode: become a host, or an audience member, whose streams are taken back.
    SetRole {
        call: CallId,
        role: Role,
    },
    /// Stay by another token. If the service refuses it, the one before stays in force.
    RenewToken {
        call: CallId,
        token: String,
    },
    /// A published stream's tracks or mutes changed. Not a call: nothing answers it, streams that are not published are ignored.
    StreamChanged {
        stream: PublishedStream,
    },

    /// This machine's addresses changed: paths over those it had are dead, and others may be found.
    NetworkChanged,

    // The signalling connection that `Output::OpenSignalling` ordered.
    SignallingOpened,
    /// It could not be opened; the sentence says which address and why.
    SignallingFailed {
        error: Error,
    },
    /// It was open and broke.
    SignallingClosed {
        error: Error,
    },
    Received(Incoming),

    // The peer connection of a subscription, either end.
    /// `Output::CreateOffer` or `Output::RestartIce` is done.
    OfferReady {
        subscription: SubscriptionId,
        offer: Sdp,
    },
    /// `Output::AcceptOffer` or `Output::AcceptRestart` is done.
    AnswerReady {
        subscription: SubscriptionId,
        answer: Sdp,
    },
    /// A candidate of this end.
    Candidate {
        subscription: SubscriptionId,
        candidate: Candidate,
    },
    Connected {
        subscription: SubscriptionId,
    },
    Disconnected {
        subscription: SubscriptionId,
    },
    /// Why a way to the other end may not be found, as the middle of a sentence.
    PathTrouble {
        subscription: SubscriptionId,
        trouble: String,
    },
    /// What a sending end carries from now on; [`Layer::High`] until it says something else.
    Carries {
        subscription: SubscriptionId,
        layer: Layer,
    },
    /// The connection is over, or an order for it could not be carried out.
    Failed {
        subscription: SubscriptionId,
        error: Error,
    },

    /// The instant of the last `Output::Timeout` is reached.
    TimePassed,
}

impl Input {
    /// The call that this input is, if it is one.
    pub(crate) fn call(&self) -> Option<CallId> {
        match self {
            Self::Join { call, .. }
            | Self::Leave { call }
            | Self::Publish { call, .. }
            | Self::Unpublish { call, .. }
            | Self::Subscribe { call, .. }
            | Self::Unsubscribe { call, .. }
            | Self::Want { call, .. }
            | Self::SetName { call, .. }
            | Self::SetRole { call, .. }
            | Self::RenewToken { call, .. } => Some(*call),
            Self::StreamChanged { .. }
            | Self::NetworkChanged
            | Self::SignallingOpened
            | Self::SignallingFailed { .. }
            | Self::SignallingClosed { .. }
            | Self::Received(_)
            | Self::OfferReady { .. }
            | Self::AnswerReady { .. }
            | Self::Candidate { .. }
            | Self::Connected { .. }
            | Self::Disconnected { .. }
            | Self::PathTrouble { .. }
            | Self::Carries { .. }
            | Self::Failed { .. }
            | Self::TimePassed => None,
        }
    }
}
