//! Entering a channel: open the connection, ask, and take the answer apart.

use std::time::{Duration, Instant};

use signal::{Code, Command, Error, Joined, Media, Outcome, Reply, Request, SessionKey, Success};

use crate::desk::{Desk, Wire};
use crate::leaving::Leaving;
use crate::link::{JOIN_REQUEST, Link};
use crate::member::Member;
use crate::output::{Answer, ConnectionState, Output};
use crate::state::{Online, State};
use crate::{CallId, Join};

#[derive(Debug)]
pub(crate) struct Joining {
    call: CallId,
    join: Join,
    progress: Progress,
    pub deadline: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// The connection is being opened.
    Opening,
    /// The join is sent.
    Asked,
}

impl Joining {
    /// From the call to the answer.
    const LIMIT: Duration = Duration::from_secs(10);

    pub fn start(call: CallId, join: Join, desk: &mut Desk) -> State {
        desk.state_changes(ConnectionState::Disconnected, ConnectionState::Connecting);
        desk.push(Output::OpenSignalling);
        State::Joining(Box::new(Self { call, join, progress: Progress::Opening, deadline: desk.now + Self::LIMIT }))
    }

    pub fn on_opened(mut self: Box<Self>, desk: &mut Desk) -> State {
        if self.progress == Progress::Opening {
            desk.push(Output::Send(request(self.join.clone(), None)));
            self.progress = Progress::Asked;
        }
        State::Joining(self)
    }

    pub fn on_reply(self: Box<Self>, reply: Reply, desk: &mut Desk) -> State {
        if self.progress != Progress::Asked || reply.id != JOIN_REQUEST {
            return State::Joining(self);
        }
        match answer(reply) {
            Ok(joined) => self.joined(joined, desk),
            Err(error) => self.end(error, desk),
        }
    }

    fn joined(self, joined: Joined, desk: &mut Desk) -> State {
        desk.push(Output::UseIceServers(joined.ice_servers.clone()));
        desk.push(Output::Reply { call: self.call, result: Ok(Answer::Joined { uid: joined.uid.clone() }) });
        desk.state_changes(ConnectionState::Connecting, ConnectionState::Connected);
        let mut link = Link::new(desk.now);
        let mut member = Member::new(self.join, &joined);
        member.reconcile(joined.peers, true, &mut Wire::online(desk, &mut link));
        State::Online(Box::new(Online { member, link }))
    }

    /// The join failed; `error` answers its call.
    pub fn end(self, error: Error, desk: &mut Desk) -> State {
        if self.progress == Progress::Asked {
            // The service may count us in already.
            desk.push(Output::Send(Request { id: JOIN_REQUEST + 1, command: Command::Leave }));
        }
        desk.push(Output::CloseSignalling);
        desk.fail(self.call, error);
        desk.state_changes(ConnectionState::Connecting, ConnectionState::Disconnected);
        State::Idle
    }

    /// A join that is on its way to the service may still succeed there: the leave waits until the service has undone it, so that
    /// the uid is free again when the leave is answered.
    pub fn on_leave(self, leave: CallId, desk: &mut Desk) -> State {
        let error = Error::new(Code::RequestAbort, "The join was cut short by a leave.");
        if self.progress == Progress::Asked {
            desk.fail(self.call, error);
            desk.state_changes(ConnectionState::Connecting, ConnectionState::Disconnecting);
            return State::Leaving(Leaving::ask(leave, Request { id: JOIN_REQUEST + 1, command: Command::Leave }, desk));
        }
        let state = self.end(error, desk);
        desk.done(leave);
        state
    }

    pub fn on_time(self: Box<Self>, desk: &mut Desk) -> State {
        if desk.now < self.deadline {
            return State::Joining(self);
        }
        let error = match self.progress {
            Progress::Opening => Error::new(
                Code::SocketError,
                "The channel service cannot be reached: the connection did not open in time. Check its address and the network.",
            ),
            Progress::Asked => Error::new(Code::JoinChannelTimeout, "The channel service did not answer the join in time. Try again."),
        };
        self.end(error, desk)
    }
}

/// The first request of a connection.
pub(crate) fn request(join: Join, session: Option<SessionKey>) -> Request {
    let Join { app_id, channel, token, uid, mode, name } = join;
    Request { id: JOIN_REQUEST, command: Command::Join { version: signal::VERSION, app_id, channel, token, uid, mode, session, name } }
}

/// What a join's reply amounts to for this client, which speaks mesh only.
pub(crate) fn answer(reply: Reply) -> Result<Joined, Error> {
    match reply.result {
        Outcome::Ok(Success::Joined(joined)) => match joined.media {
            Media::Mesh => Ok(*joined),
            Media::Livekit { .. } => {
                Err(Error::new(Code::NotSupported, "This channel runs over a LiveKit server, which this version cannot use."))
            }
        },
        Outcome::Ok(Success::Done {}) => Err(Error::new(Code::BadMessage, "The channel service answered the join with nothing.")),
        Outcome::Error(error) => Err(error),
    }
}
