//! Leaving a channel: tell the service, wait a moment for its answer, be gone in any case.

use std::time::{Duration, Instant};

use signal::{Code, Command, Error, Outcome, Reply, Request};

use crate::CallId;
use crate::desk::Desk;
use crate::output::{ConnectionState, Output};
use crate::state::{Online, State};

#[derive(Debug)]
pub(crate) struct Leaving {
    call: CallId,
    request: u32,
    pub deadline: Instant,
}

impl Leaving {
    const LIMIT: Duration = Duration::from_secs(1);

    pub fn start(call: CallId, online: Online, desk: &mut Desk) -> State {
        let Online { mut member, mut link } = online;
        desk.state_changes(ConnectionState::Connected, ConnectionState::Disconnecting);
        let request = link.request(Command::Leave, None, desk.now);
        let leaving = Self::ask(call, request, desk);
        for purpose in link.into_purposes() {
            member.reply_lost(purpose, desk);
        }
        member.end("a leave", desk);
        State::Leaving(leaving)
    }

    /// Sends the leave itself.
    pub fn ask(call: CallId, request: Request, desk: &mut Desk) -> Self {
        let leaving = Self { call, request: request.id, deadline: desk.now + Self::LIMIT };
        desk.push(Output::Send(request));
        leaving
    }

    pub fn on_reply(self, reply: Reply, desk: &mut Desk) -> State {
        match reply {
            Reply { id, .. } if id != self.request => State::Leaving(self),
            Reply { result: Outcome::Error(error), .. } => self.end(Err(error), desk),
            Reply { result: Outcome::Ok(_), .. } => self.end(Ok(()), desk),
        }
    }

    /// The connection broke: the service notices by itself.
    pub fn on_closed(self, desk: &mut Desk) -> State {
        self.end(Ok(()), desk)
    }

    pub fn on_time(self, desk: &mut Desk) -> State {
        if desk.now < self.deadline {
            return State::Leaving(self);
        }
        self.end(Err(Error::new(Code::LeaveMsgTimeout, "The channel service did not confirm the leave; it was left all the same.")), desk)
    }

    fn end(self, result: Result<(), Error>, desk: &mut Desk) -> State {
        desk.push(Output::CloseSignalling);
        match result {
            Ok(()) => desk.done(self.call),
            Err(error) => desk.fail(self.call, error),
        }
        desk.state_changes(ConnectionState::Disconnecting, ConnectionState::Disconnected);
        State::Idle
    }
}
