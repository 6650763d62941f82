//! One member of a channel.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use signal::{Event, MayPublish, Mode, Name, Role, SessionKey, StreamInfo, StreamSource};

use super::{ConnectionId, mail::Mail};
use crate::grant::Grant;

pub struct Member {
    pub session: SessionKey,
    pub peer: IpAddr,
    pub streams: BTreeMap<StreamSource, StreamInfo>,
    /// What the member goes by.
    pub name: Option<Name>,
    pub mode: Mode,
    /// Always host in `rtc` mode.
    pub role: Role,
    pub rights: Rights,
    presence: Presence,
}

/// A grant, and how far it has been put into effect.
pub struct Rights {
    pub grant: Grant,
    /// What the member was last told that it may publish.
    pub may_publish: MayPublish,
    /// The last end that the member was told of.
    pub told: Option<Instant>,
    /// When time alone changes something next.
    pub due: Option<Instant>,
}

impl Rights {
    fn new(grant: Grant, now: Instant) -> Self {
        Self { grant, may_publish: grant.may_publish(now), told: None, due: grant.next_change(None, now) }
    }

    pub fn are_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Takes another grant, whose ends are to be told anew.
    pub fn replace(&mut self, grant: Grant, now: Instant) {
        (self.grant, self.told, self.due) = (grant, None, Some(now));
    }
}

enum Presence {
    Here { connection: ConnectionId, heard: Instant },
    Away { since: Instant, missed: Mail },
}

impl Member {
    pub fn new(join: &super::Join, now: Instant) -> Self {
        // absent -> Join in `live` mode -> audience
        let role = if join.mode == Mode::Live { Role::Audience } else { Role::Host };
        Self {
            session: join.fresh_session.clone(),
            peer: join.peer,
            streams: BTreeMap::new(),
            name: join.name.clone(),
            mode: join.mode,
            role,
            rights: Rights::new(join.grant, now),
            presence: Presence::Here { connection: join.connection, heard: now },
        }
    }

    /// Whether the others are told of this member.
    pub fn is_host(&self) -> bool {
        self.role == Role::Host
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
