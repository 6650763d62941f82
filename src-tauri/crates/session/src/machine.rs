//! The machine: one match over state and input, each arm headed by its edge.
//!
//! Invariant: after every input the outputs end in a `Timeout`, and each call is answered exactly once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use signal::{Code, Error, Incoming};

use crate::CallId;
use crate::desk::{Desk, Wire};
use crate::input::Input;
use crate::joining::Joining;
use crate::leaving::Leaving;
use crate::link::Due;
use crate::output::{ConnectionState, Output};
use crate::random::Random;
use crate::reconnect::{Away, end_membership};
use crate::state::{Online, State};

/// What makes one session differ from another.
#[derive(Clone, Debug)]
pub struct Config {
    /// For subscription ids and jitter; draw it from the system.
    pub seed: u64,
}

/// A user's session with the channel service; see the crate's documentation for how to drive it.
#[derive(Debug)]
pub struct Session {
    state: State,
    desk: Desk,
}

impl Session {
    /// The timeout when nothing is due.
    const NOTHING_DUE: Duration = Duration::from_secs(3600);

    /// A session in no channel.
    pub fn new(config: Config, now: Instant) -> Self {
        Self { state: State::Idle, desk: Desk { now, random: Random::new(config.seed), out: VecDeque::new() } }
    }

    pub fn connection_state(&self) -> ConnectionState {
        self.state.connection_state()
    }

    /// The next order, answer or event; [`Output::Timeout`] when there is none for now.
    pub fn poll_output(&mut self) -> Output {
        self.desk
            .out
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.state.next_deadline().unwrap_or(self.desk.now + Self::NOTHING_DUE)))
    }

    /// Takes in what happened at `now`.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        self.desk.now = now.max(self.desk.now);
        let desk = &mut self.desk;
        self.state = match (std::mem::replace(&mut self.state, State::Idle), input) {
            // idle -> Join -> joining
            (State::Idle, Input::Join { call, join }) => Joining::start(call, *join, desk),
            // idle -> any other call -> idle, refused
            (State::Idle, input) => {
                refuse(&input, "Join a channel first.", desk);
                State::Idle
            }

            // joining -> SignallingOpened -> joining, asked
            (State::Joining(joining), Input::SignallingOpened) => joining.on_opened(desk),
            // joining -> the join's reply -> online | idle
            (State::Joining(joining), Input::Received(Incoming::Reply(reply))) => joining.on_reply(reply, desk),
            // joining -> SignallingFailed | SignallingClosed -> idle
            (State::Joining(joining), Input::SignallingFailed { error } | Input::SignallingClosed { error }) => joining.end(error, desk),
            // joining -> Leave -> leaving | idle
            (State::Joining(joining), Input::Leave { call }) => joining.on_leave(call, desk),
            // joining -> the join's deadline -> idle
            (State::Joining(joining), Input::TimePassed) => joining.on_time(desk),
            // joining -> any other call -> joining, refused
            (State::Joining(joining), input) => {
                refuse(&input, "A join is under way; wait for its answer.", desk);
                State::Joining(joining)
            }

            // online -> Leave -> leaving
            (State::Online(online), Input::Leave { call }) => Leaving::start(call, *online, desk),
            // online -> SignallingFailed | SignallingClosed -> away
            (State::Online(online), Input::SignallingFailed { error } | Input::SignallingClosed { error }) => {
                Away::start(*online, error, desk)
            }
            // online -> a message -> online | idle
            (State::Online(online), Input::Received(message)) => on_message(online, message, desk),
            // online -> time -> online | away
            (State::Online(online), Input::TimePassed) => on_time(online, desk),
            // online -> Join -> online, refused
            (State::Online(online), Input::Join { call, .. }) => {
                desk.refuse(call, Code::RepeatJoin, "A channel is joined already; leave it first.");
                State::Online(online)
            }
            // online -> any other call, a connection's report -> online
            (State::Online(mut online), input) => {
                online.member.handle_input(input, &mut Wire::online(desk, &mut online.link));
                State::Online(online)
            }

            // away -> SignallingOpened -> away, asked
            (State::Away(away), Input::SignallingOpened) => away.on_opened(desk),
            // away -> the join's reply -> online | away | idle
            (State::Away(away), Input::Received(Incoming::Reply(reply))) => away.on_reply(reply, desk),
            // away -> SignallingFailed | SignallingClosed -> away, waiting
            (State::Away(away), Input::SignallingFailed { .. } | Input::SignallingClosed { .. }) => away.on_failed(desk),
            // away -> an event of a connection that is not joined -> away
            (State::Away(away), Input::Received(Incoming::Event(_))) => State::Away(away),
            // away -> NetworkChanged -> away, trying at once
            (State::Away(away), Input::NetworkChanged) => away.on_network_changed(desk),
            // away -> Leave -> idle
            (State::Away(away), Input::Leave { call }) => on_leave_away(*away, call, desk),
            // away -> time -> away, trying
            (State::Away(away), Input::TimePassed) => away.on_time(desk),
            // away -> Join -> away, refused
            (State::Away(away), Input::Join { call, .. }) => {
                desk.refuse(
                    call,
                    Code::RepeatJoin,
                    "A channel is joined already, and its connection is being brought back; leave it first.",
                );
                State::Away(away)
            }
            // away -> any other call, a connection's report -> away
            (State::Away(mut away), input) => {
                away.member.handle_input(input, &mut Wire::away(desk));
                State::Away(away)
            }

            // leaving -> the leave's reply -> idle
            (State::Leaving(leaving), Input::Received(Incoming::Reply(reply))) => leaving.on_reply(reply, desk),
            // leaving -> SignallingFailed | SignallingClosed -> idle
            (State::Leaving(leaving), Input::SignallingFailed { .. } | Input::SignallingClosed { .. }) => leaving.on_closed(desk),
            // leaving -> the leave's deadline -> idle
            (State::Leaving(leaving), Input::TimePassed) => leaving.on_time(desk),
            // leaving -> any call -> leaving, refused
            (State::Leaving(leaving), input) => {
                refuse(&input, "The channel is being left.", desk);
                State::Leaving(leaving)
            }
        };
    }
}

/// Answers a call that makes no sense in this state; other inputs are late reports of what is over.
fn refuse(input: &Input, why: &str, desk: &mut Desk) {
    if let Some(call) = input.call() {
        desk.refuse(call, Code::InvalidOperation, why);
    }
}

fn on_message(mut online: Box<Online>, message: Incoming, desk: &mut Desk) -> State {
    online.link.received(desk.now);
    match message {
        Incoming::Reply(reply) => {
            if let Some(purpose) = online.link.replied(reply.id) {
                let result = reply.into_result().map(|_| ());
                online.member.on_reply(purpose, result, &mut Wire::online(desk, &mut online.link));
            }
            State::Online(online)
        }
        // online -> Removed -> idle
        Incoming::Event(signal::Event::Removed { error }) => {
            desk.push(Output::CloseSignalling);
            for purpose in online.link.into_purposes() {
                online.member.reply_lost(purpose, desk);
            }
            end_membership(online.member, error, ConnectionState::Connected, desk)
        }
        Incoming::Event(event) => {
            online.member.on_event(event, &mut Wire::online(desk, &mut online.link));
            State::Online(online)
        }
    }
}

fn on_time(mut online: Box<Online>, desk: &mut Desk) -> State {
    for (purpose, error) in online.link.expired(desk.now) {
        online.member.on_reply(purpose, Err(error), &mut Wire::online(desk, &mut online.link));
    }
    online.member.time_passed(&mut Wire::online(desk, &mut online.link));
    match online.link.due(desk.now) {
        // online -> SILENCE_LIMIT without a message -> away
        Some(Due::Lost) => Away::start(*online, Error::new(Code::SocketDisconnected, "The channel service is silent."), desk),
        Some(Due::Ping) => {
            Wire::online(desk, &mut online.link).tell(signal::Command::Ping);
            State::Online(online)
        }
        None => State::Online(online),
    }
}

/// Nobody to tell: the service notices by the silence.
fn on_leave_away(away: Away, call: CallId, desk: &mut Desk) -> State {
    desk.push(Output::CloseSignalling);
    away.member.end("a leave", desk);
    desk.done(call);
    desk.state_changes(ConnectionState::Connecting, ConnectionState::Disconnected);
    State::Idle
}
