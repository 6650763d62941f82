//! The wire protocol between a client and the channel service, version [`VERSION`].
//!
//! A client opens a WebSocket at [`PATH`] and sends [`Request`]s as JSON text messages; the service
//! answers each with a [`Reply`] of the same `id` and pushes [`Event`]s in between. Nothing here does
//! I/O; every type checks its own bounds while it is parsed, so a value that exists is valid.
//!
//! ```text
//! ids      AppId · ChannelName · Uid · StreamId · SubscriptionId · SessionKey
//! name     Name
//! message  Request{id, command} · Reply{id, ok | error} · Event
//! layer    StreamType · Fallback · Want · Layer
//! link     Link, an invitation as one line
//! error    Code · Error{code, message}
//! ```

mod error;
mod ids;
mod layer;
mod link;
mod message;
mod name;

pub use error::{Code, Error};
pub use ids::{AppId, ChannelName, Invalid, SessionKey, StreamId, StreamSource, SubscriptionId, Uid};
pub use layer::{Fallback, Layer, StreamType, Want};
pub use link::{Link, LinkError, MOST_LINK, SCHEME, is_server, is_token};
pub use message::{
    Candidate, Command, Event, IceServer, Incoming, Joined, LeaveReason, MayPublish, Media, Mode, Outcome, Peer, Reply, Request, Role, Sdp,
    StreamInfo, Success,
};
pub use name::Name;

/// The protocol's version; a `join` that names another is refused with [`Code::UnsupportedVersion`].
pub const VERSION: u16 = 1;

/// The path of the channel service's WebSocket.
pub const PATH: &str = "/v1/channel";

/// The path that answers `GET` with [`Health`], by which an app tells its service from a stranger's.
pub const HEALTH_PATH: &str = "/v1/health";

/// The port of a channel service that was not told another.
pub const DEFAULT_PORT: u16 = 47880;

/// The longest message either side sends or accepts, in bytes.
pub const MAX_MESSAGE: usize = 128 * 1024;

/// The longest time between two messages of a living client (a [`Command::Ping`] at least), in milliseconds.
pub const PING_INTERVAL_MS: u64 = 2_000;

/// After this much silence the service counts a client as gone, in milliseconds.
pub const SILENCE_LIMIT_MS: u64 = 8_000;

/// What `GET` [`HEALTH_PATH`] answers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Health {
    /// Always [`Health::SERVICE`].
    pub service: String,
    pub version: u16,
}

impl Health {
    pub const SERVICE: &str = "visavis";

    /// This protocol's own answer.
    pub fn ours() -> Self {
        Self { service: Self::SERVICE.into(), version: VERSION }
    }
}
