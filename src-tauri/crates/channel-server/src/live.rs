//! A channel with the queues of its connections: the pure machine's outputs put into effect.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use signal::{ChannelName, Code, Command, Incoming, Outcome, Reply, Uid};

use crate::{
    Config,
    channel::{Channel, ConnectionId, Input, Join, Output},
    outbox::{self, Outbox, Outgoing},
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
        let mut state = self.lock();
        state.handle(Input::Request { connection, id, command }, now);
        let stays = state.channel.member(connection).is_some();
        if !stays {
            state.outboxes.remove(&connection);
        }
        stays
    }

    pub fn disconnected(&self, connection: ConnectionId, now: Instant) {
        let mut state = self.lock();
        state.outboxes.remove(&connection);
        state.handle(Input::Disconnected { connection }, now);
    }

    pub fn tick(&self, now: Instant) {
        self.lock().handle(Input::Tick, now);
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
