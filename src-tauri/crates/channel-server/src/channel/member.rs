//! One member of a channel.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use signal::{Event, Mode, Role, SessionKey, StreamInfo, StreamSource};

use super::{ConnectionId, mail::Mail};
use crate::admission::Grant;

pub struct Member {
    pub session: SessionKey,
    pub grant: Grant,
    pub streams: BTreeMap<StreamSource, StreamInfo>,
    mode: Mode,
    presence: Presence,
}

enum Presence {
    Here { connection: ConnectionId, heard: Instant },
    Away { since: Instant, missed: Mail },
}

impl Member {
    pub fn new(session: SessionKey, mode: Mode, grant: Grant, connection: ConnectionId, now: Instant) -> Self {
        Self { session, grant, streams: BTreeMap::new(), mode, presence: Presence::Here { connection, heard: now } }
    }

    /// In `live` mode whoever publishes is a host, and nobody else.
    pub fn role(&self) -> Role {
        match self.mode {
            Mode::Live if self.streams.is_empty() => Role::Audience,
            Mode::Rtc | Mode::Live => Role::Host,
        }
    }

    /// Whether the others are told of this member.
    pub fn is_host(&self) -> bool {
        self.role() == Role::Host
    }

    pub fn connection(&self) -> Option<ConnectionId> {
        match self.presence {
            Presence::Here { connection, .. } => Some(connection),
            Presence::Away { .. } => None,
        }
    }

    /// Takes a new connection; gives back the one it replaces, or what was missed without one.
    pub fn connect(&mut self, connection: ConnectionId, now: Instant) -> (Option<ConnectionId>, Vec<Event>) {
        match std::mem::replace(&mut self.presence, Presence::Here { connection, heard: now }) {
            Presence::Here { connection: old, .. } => (Some(old), Vec::new()),
            Presence::Away { missed, .. } => (None, missed.into_events()),
        }
    }

    pub fn disconnect(&mut self, now: Instant) {
        self.presence = Presence::Away { since: now, missed: Mail::default() };
    }

    pub fn hear(&mut self, now: Instant) {
        if let Presence::Here { heard, .. } = &mut self.presence {
            *heard = now;
        }
    }

    /// How long this member has given no sign of life; a broken connection is the last one of its client.
    pub fn silence(&self, now: Instant) -> Duration {
        let (Presence::Here { heard: since, .. } | Presence::Away { since, .. }) = self.presence;
        now.saturating_duration_since(since)
    }

    /// Where to send an event now, or nothing if it has been kept for later.
    pub fn deliver(&mut self, event: Event) -> Option<(ConnectionId, Event)> {
        match &mut self.presence {
            Presence::Here { connection, .. } => Some((*connection, event)),
            Presence::Away { missed, .. } => {
                missed.push(event);
                None
            }
        }
    }
}
