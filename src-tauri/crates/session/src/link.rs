//! The open signalling connection of a member: signs of life both ways, and requests that wait for replies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use signal::{Code, Command, Error, Name, Request, StreamSource, SubscriptionId};

use crate::CallId;

const PING_INTERVAL: Duration = Duration::from_millis(signal::PING_INTERVAL_MS);
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_millis(signal::SILENCE_LIMIT_MS);

/// The id of a connection's first request, its join.
pub(crate) const JOIN_REQUEST: u32 = 1;

/// What a reply is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A stream as it is now; with the call that published it, if that is not answered yet.
    Publish {
        source: StreamSource,
        call: Option<CallId>,
    },
    /// A stream's end; with the call that asked for it, if that is not answered yet.
    Unpublish {
        source: StreamSource,
        call: Option<CallId>,
    },
    Subscribe(SubscriptionId),
    /// This user's role; without a call, the one it had before the service forgot everyone.
    SetRole {
        call: Option<CallId>,
    },
    SetName {
        call: CallId,
        name: Option<Name>,
    },
    Renew {
        call: CallId,
        token: String,
    },
}

#[derive(Debug)]
struct Waiting {
    purpose: Purpose,
    deadline: Instant,
}

/// What [`Link::time_passed`] found due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The service has been silent for [`SILENCE_LIMIT`].
    Lost,
    Ping,
}

#[derive(Debug)]
pub(crate) struct Link {
    next_id: u32,
    last_sent: Instant,
    last_received: Instant,
    waiting: BTreeMap<u32, Waiting>,
}

impl Link {
    /// How long a reply may take. Longer than any silence: a service that is alive but does not answer is a defect.
    const REPLY_LIMIT: Duration = Duration::from_secs(10);

    /// The link of a connection whose join was just answered.
    pub fn new(now: Instant) -> Self {
        Self { next_id: JOIN_REQUEST + 1, last_sent: now, last_received: now, waiting: BTreeMap::new() }
    }

    /// The next request, kept for its reply if it has a purpose.
    pub fn request(&mut self, command: Command, purpose: Option<Purpose>, now: Instant) -> Request {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.last_sent = now;
        if let Some(purpose) = purpose {
            self.waiting.insert(id, Waiting { purpose, deadline: now + Self::REPLY_LIMIT });
        }
        Request { id, command }
    }

    pub fn received(&mut self, now: Instant) {
        self.last_received = now;
    }

    /// What the reply `id` is for; `None` if nothing waits for it.
    pub fn replied(&mut self, id: u32) -> Option<Purpose> {
        self.waiting.remove(&id).map(|waiting| waiting.purpose)
    }

    /// Requests whose replies are overdue.
    pub fn expired(&mut self, now: Instant) -> Vec<(Purpose, Error)> {
        let overdue: Vec<u32> = self.waiting.iter().filter(|(_, waiting)| waiting.deadline <= now).map(|(id, _)| *id).collect();
        let purposes = overdue.into_iter().filter_map(|id| self.replied(id));
        purposes.map(|purpose| (purpose, Error::new(Code::SocketError, "The channel service did not answer in time."))).collect()
    }

    /// Calls whose replies will not come any more: the link is lost.
    pub fn into_purposes(self) -> impl Iterator<Item = Purpose> {
        self.waiting.into_values().map(|waiting| waiting.purpose)
    }

    pub fn due(&self, now: Instant) -> Option<Due> {
        if now >= self.last_received + SILENCE_LIMIT {
            Some(Due::Lost)
        } else if now >= self.last_sent + PING_INTERVAL {
            Some(Due::Ping)
        } else {
            None
        }
    }

    pub fn next_deadline(&self) -> Instant {
        let life = (self.last_received + SILENCE_LIMIT).min(self.last_sent + PING_INTERVAL);
        self.waiting.values().map(|waiting| waiting.deadline).fold(life, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_client_pings_and_a_silent_service_is_lost() {
        let start = Instant::now();
        let mut link = Link::new(start);
        assert_eq!(link.next_deadline(), start + PING_INTERVAL);
        assert_eq!(link.due(start), None);
        assert_eq!(link.due(start + PING_INTERVAL), Some(Due::Ping));
        link.request(Command::Ping, None, start + PING_INTERVAL);
        assert_eq!(link.due(start + PING_INTERVAL), None);
        assert_eq!(link.due(start + SILENCE_LIMIT), Some(Due::Lost));
        link.received(start + PING_INTERVAL);
        assert_ne!(link.due(start + SILENCE_LIMIT), Some(Due::Lost));
    }

    #[test]
    fn a_reply_finds_its_purpose_once() {
        let start = Instant::now();
        let mut link = Link::new(start);
        let purpose = Purpose::Publish { source: StreamSource::Camera, call: None };
        let request = link.request(Command::Ping, Some(purpose.clone()), start);
        assert_eq!(link.replied(request.id), Some(purpose));
        assert_eq!(link.replied(request.id), None);
    }

    #[test]
    fn an_overdue_reply_is_a_socket_error() {
        let start = Instant::now();
        let mut link = Link::new(start);
        link.request(Command::Ping, Some(Purpose::Publish { source: StreamSource::Camera, call: None }), start);
        assert!(link.expired(start).is_empty());
        let expired = link.expired(start + Link::REPLY_LIMIT);
        assert_eq!(expired[0].1.code, Code::SocketError);
        assert!(link.expired(start + Link::REPLY_LIMIT).is_empty());
    }
}
