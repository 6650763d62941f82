//! The states of a session. What exists only in a state lives in it.

use std::time::Instant;

use crate::joining::Joining;
use crate::leaving::Leaving;
use crate::link::Link;
use crate::member::Member;
use crate::output::ConnectionState;
use crate::reconnect::Away;

#[derive(Debug)]
pub(crate) enum State {
    /// In no channel.
    Idle,
    Joining(Box<Joining>),
    /// In a channel, with the service.
    Online(Box<Online>),
    /// In a channel, coming back to the service; media goes on without it.
    Away(Box<Away>),
    Leaving(Leaving),
}

#[derive(Debug)]
pub(crate) struct Online {
    pub member: Member,
    pub link: Link,
}

impl State {
    pub fn connection_state(&self) -> ConnectionState {
        match self {
            Self::Idle => ConnectionState::Disconnected,
            Self::Joining(_) | Self::Away(_) => ConnectionState::Connecting,
            Self::Online(_) => ConnectionState::Connected,
            Self::Leaving(_) => ConnectionState::Disconnecting,
        }
    }

    /// When time alone changes something next.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Joining(joining) => Some(joining.deadline),
            Self::Online(online) => {
                Some(online.member.next_deadline().map_or(online.link.next_deadline(), |at| at.min(online.link.next_deadline())))
            }
            Self::Away(away) => Some(away.next_deadline()),
            Self::Leaving(leaving) => Some(leaving.deadline),
        }
    }
}
