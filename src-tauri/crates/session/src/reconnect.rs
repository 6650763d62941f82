//! A member without the service: media goes on, and the service is tried again and again.
//!
//! Invariant: a member stays one until it leaves or the service says no for good. Every way back ends with
//! [`Member::come_back`], which sends what the service may have missed.

use std::time::{Duration, Instant};

use signal::{Code, Error, Joined, Reply};

use crate::backoff::Backoff;
use crate::desk::{Desk, Wire};
use crate::input::Input;
use crate::joining;
use crate::link::{JOIN_REQUEST, Link, SILENCE_LIMIT};
use crate::member::Member;
use crate::output::{ConnectionState, Event, Output};
use crate::state::{Online, State};

#[derive(Debug)]
pub(crate) struct Away {
    pub member: Member,
    backoff: Backoff,
    progress: Progress,
    /// Since when the service has answered that our uid is taken: it may still hold us under a session it forgets soon.
    conflict_since: Option<Instant>,
}

#[derive(Debug)]
enum Progress {
    /// Between two tries.
    Waiting {
        until: Instant,
    },
    Opening {
        deadline: Instant,
    },
    /// The join is sent.
    Asked {
        deadline: Instant,
    },
}

impl Away {
    /// How long one try may take.
    const TRY_LIMIT: Duration = Duration::from_secs(5);

    /// The connection is lost; `error` says how.
    pub fn start(online: Online, error: Error, desk: &mut Desk) -> State {
        let Online { mut member, link } = online;
        desk.push(Output::CloseSignalling);
        desk.state_changes(ConnectionState::Connected, ConnectionState::Connecting);
        desk.event(Event::Error { error: Error::new(Code::SocketDisconnected, format!("{} Reconnecting.", error.message)) });
        for purpose in link.into_purposes() {
            member.reply_lost(purpose, desk);
        }
        member.signalling_lost(&mut Wire::away(desk));
        let mut backoff = Backoff::default();
        let progress = Progress::Waiting { until: desk.now + backoff.next(&mut desk.random) };
        State::Away(Box::new(Self { member, backoff, progress, conflict_since: None }))
    }

    pub fn next_deadline(&self) -> Instant {
        let (Progress::Waiting { until: at } | Progress::Opening { deadline: at } | Progress::Asked { deadline: at }) = self.progress;
        self.member.next_deadline().map_or(at, |other| other.min(at))
    }

    pub fn on_opened(mut self: Box<Self>, desk: &mut Desk) -> State {
        if let Progress::Opening { .. } = self.progress {
            desk.push(Output::Send(self.member.rejoin_request()));
            self.progress = Progress::Asked { deadline: desk.now + Self::TRY_LIMIT };
        }
        State::Away(self)
    }

    /// The try failed; another follows.
    pub fn on_failed(mut self: Box<Self>, desk: &mut Desk) -> State {
        if !matches!(self.progress, Progress::Waiting { .. }) {
            desk.push(Output::CloseSignalling);
            self.progress = Progress::Waiting { until: desk.now + self.backoff.next(&mut desk.random) };
        }
        State::Away(self)
    }

    /// A try under way may go over an address that is gone; what was unreachable may not be any more.
    pub fn on_network_changed(mut self: Box<Self>, desk: &mut Desk) -> State {
        self.member.handle_input(Input::NetworkChanged, &mut Wire::away(desk));
        if !matches!(self.progress, Progress::Waiting { .. }) {
            desk.push(Output::CloseSignalling);
        }
        self.backoff.reset();
        self.open(desk);
        State::Away(self)
    }

    fn open(&mut self, desk: &mut Desk) {
        desk.push(Output::OpenSignalling);
        self.progress = Progress::Opening { deadline: desk.now + Self::TRY_LIMIT };
    }

    pub fn on_reply(self: Box<Self>, reply: Reply, desk: &mut Desk) -> State {
        if !matches!(self.progress, Progress::Asked { .. }) || reply.id != JOIN_REQUEST {
            return State::Away(self);
        }
        match joining::answer(reply) {
            Ok(joined) => self.rejoined(joined, desk),
            Err(error) => self.refused(error, desk),
        }
    }

    fn rejoined(self, joined: Joined, desk: &mut Desk) -> State {
        let mut member = self.member;
        desk.push(Output::UseIceServers(joined.ice_servers.clone()));
        desk.state_changes(ConnectionState::Connecting, ConnectionState::Connected);
        let mut link = Link::new(desk.now);
        member.come_back(joined, &mut Wire::online(desk, &mut link));
        State::Online(Box::new(Online { member, link }))
    }

    fn refused(mut self: Box<Self>, error: Error, desk: &mut Desk) -> State {
        let passes = match error.code {
            Code::UidConflict => desk.now < *self.conflict_since.get_or_insert(desk.now) + SILENCE_LIMIT,
            code => may_pass(code),
        };
        // A renewed token that is refused leaves the one before to be tried.
        if passes || self.member.refuse_renewal(&error, desk) {
            return self.on_failed(desk);
        }
        desk.push(Output::CloseSignalling);
        end_membership(self.member, error, ConnectionState::Connecting, desk)
    }

    pub fn on_time(mut self: Box<Self>, desk: &mut Desk) -> State {
        self.member.time_passed(&mut Wire::away(desk));
        match self.progress {
            Progress::Waiting { until } if until <= desk.now => {
                self.open(desk);
                State::Away(self)
            }
            Progress::Opening { deadline } | Progress::Asked { deadline } if deadline <= desk.now => self.on_failed(desk),
            _ => State::Away(self),
        }
    }
}

/// Whether a refused rejoin may be taken back by waiting.
fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::ServiceNotReady
            | Code::ServiceTooHeavy
            | Code::JoinTooFrequent
            | Code::TooManyUsers
            | Code::InternalError
            | Code::SocketError
            | Code::SocketDisconnected
            | Code::JoinChannelTimeout
    )
}

/// The service ends the membership for good.
pub(crate) fn end_membership(member: Member, error: Error, prev: ConnectionState, desk: &mut Desk) -> State {
    let uid = member.uid().clone();
    member.end("the end of the membership", desk);
    desk.event(match error.code {
        code if code.is_ban() => Event::Banned { uid, error },
        Code::DynamicKeyExpired => Event::TokenDidExpire { error },
        _ => Event::Error { error },
    });
    desk.state_changes(prev, ConnectionState::Disconnected);
    State::Idle
}
