//! A channel with the queues of its connections: the pure machine's outputs put into effect.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use signal::{ChannelName, Code, Command, Error, Event, Incoming, Outcome, Reply, Uid};

use crate::{
    Config,
    ban::Verdict,
    channel::{Channel, ConnectionId, Input, Join, Output},
    grant::Grant,
    outbox::{self, Outbox, Outgoing},
    turn::Handout,
};

/// Each call takes the channel's lock for the time of one input. Nothing under it waits, since a push into an [`Outbox`] never does.
pub struct Live {
    key: Key,
    state: Mutex<State>,
}

/// A channel's name, and its project's App ID.
pub type Key = (signal::AppId, ChannelName);

struct State {
    channel: Channel,
    outboxes: HashMap<ConnectionId, Outbox>,
}

impl Live {
    pub fn new(key: Key, config: &Config) -> Self {
        let channel = Channel::new(config.limits, config.silence_limit);
        Self { key, state: Mutex::new(State { channel, outboxes: HashMap::new() }) }
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Lets a connection in, or answers why not. The uid it got, or the code of the answer.
    pub fn join(&self, outbox: &Outbox, join: Join, now: Instant) -> Result<Uid, Code> {
        let mut state = self.lock();
        state.outboxes.insert(outbox.id(), outbox.clone());
        let refusal = state.handle(Input::Join(join), now);
        state.channel.member(outbox.id()).cloned().ok_or_else(|| {
            state.outboxes.remove(&outbox.id());
            refusal.unwrap_or(Code::InternalError)
        })
    }

    /// Carries a command out and answers it. Whether the connection is still in the channel.
    pub fn request(&self, connection: ConnectionId, id: u32, command: Command, now: Instant) -> bool {
        self.lock().answer(connection, Input::Request { connection, id, command }, now)
    }

    /// Answers a renewal by what became of the token. Whether the connection is still in the channel.
    pub fn renew(&self, connection: ConnectionId, id: u32, grant: Result<Grant, Error>, now: Instant) -> bool {
        self.lock().answer(connection, Input::Renew { connection, id, grant }, now)
    }

    /// The member behind a connection.
    pub fn member(&self, connection: ConnectionId) -> Option<Uid> {
        self.lock().channel.member(connection).cloned()
    }

    /// Puts the operator's rules into effect; `verdict` says what they are for a member and where that is.
    pub fn judge(&self, now: Instant, mut verdict: impl FnMut(&Uid, IpAddr) -> Verdict) {
        let mut state = self.lock();
        let verdicts = state.channel.whereabouts().map(|(uid, peer)| (uid.clone(), verdict(uid, peer))).collect();
        state.handle(Input::Judge { verdicts }, now);
    }

    /// Removes everyone, with the reason that they read.
    pub fn dismiss(&self, error: Error, now: Instant) {
        self.lock().handle(Input::Dismiss { error }, now);
    }

    pub fn disconnected(&self, connection: ConnectionId, now: Instant) {
        let mut state = self.lock();
        state.outboxes.remove(&connection);
        state.handle(Input::Disconnected { connection }, now);
    }

    pub fn tick(&self, now: Instant) {
        self.lock().handle(Input::Tick, now);
    }

    /// Hands everyone who is connected servers with fresh credentials.
    pub fn renew_servers(&self, handout: &Handout) {
        let state = self.lock();
        for (connection, outbox) in &state.outboxes {
            if let Some(uid) = state.channel.member(*connection) {
                outbox.send(&Incoming::Event(Event::IceServers { ice_servers: handout.servers(uid) }));
            }
        }
    }

    pub fn members(&self) -> usize {
        self.lock().channel.members()
    }

    pub fn is_empty(&self) -> bool {
        self.lock().channel.is_empty()
    }

    /// A panic under this lock is a bug in one command; the others in the channel had better go on than lose the call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes an input of a connection. Whether the connection is still in the channel.
    fn answer(&mut self, connection: ConnectionId, input: Input, now: Instant) -> bool {
        self.handle(input, now);
        let stays = self.channel.member(connection).is_some();
        if !stays {
            self.outboxes.remove(&connection);
        }
        stays
    }

    /// Puts an input into effect. The code of the last answer, if that was a refusal.
    fn handle(&mut self, input: Input, now: Instant) -> Option<Code> {
        let mut refusal = None;
        for output in self.channel.handle(input, now) {
            match output {
                Output::Send { to, message } => {
                    if let Incoming::Reply(reply) = &message {
                        refusal = refused(reply);
                    }
                    let text = outbox::text(&message);
                    for outbox in to.iter().filter_map(|connection| self.outboxes.get(connection)) {
                        outbox.push(Outgoing::Text(text.clone()));
                    }
                }
                Output::Close { connection, why } => {
                    if let Some(outbox) = self.outboxes.remove(&connection) {
                        outbox.push(Outgoing::Close(why));
                    }
                }
            }
        }
        refusal
    }
}

fn refused(reply: &Reply) -> Option<Code> {
    match &reply.result {
        Outcome::Ok(_) => None,
        Outcome::Error(error) => Some(error.code),
    }
}
