//! One channel: who is in it, what they publish, and who watches whom. No socket, no clock, no randomness: all three come in.
//!
//! Invariants, true between any two inputs:
//! 1. A member has at most one connection, and a connection at most one member.
//! 2. The members' uids are all of one kind.
//! 3. A stream's uid is its publisher's; only the member of a connection can publish, mute or unpublish as that uid.
//! 4. Both ends of a subscription are members, they differ, and the stream is published.
//! 5. A subscription's messages reach its two ends and nobody else.
//! 6. What is published, its publisher may publish, as of the last input or the last tick, whichever looked at that member last.
//! 7. In `live` mode an audience member publishes nothing, and the others are told of hosts only.

mod mail;
mod member;
mod rules;
mod streams;
mod subscription;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::{Duration, Instant},
};

use signal::{
    Code, Command, Error, Event, Incoming, Joined, LeaveReason, MAX_MESSAGE, Media, Mode, Name, Peer, Reply, SessionKey, StreamSource,
    SubscriptionId, Success, Uid,
};

use crate::{Limits, ban::Verdict, grant::Grant, turn::Handout};
use member::Member;
use subscription::Subscription;

/// A connection, as the edge numbers it; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A join whose App ID, version and token are checked already.
#[derive(Clone, Debug)]
pub struct Join {
    pub connection: ConnectionId,
    /// The request's id.
    pub id: u32,
    /// Where the client is.
    pub peer: IpAddr,
    pub uid: Option<Uid>,
    pub mode: Mode,
    /// The key of an earlier membership, if the client has one.
    pub session: Option<SessionKey>,
    pub name: Option<Name>,
    pub grant: Grant,
    pub ice: Handout,
    /// Drawn at random by the edge, for a new membership.
    pub fresh_session: SessionKey,
    /// Drawn at random by the edge: where the search for a free uid starts.
    pub fresh_uid: u32,
}

#[derive(Clone, Debug)]
pub enum Input {
    Join(Join),
    /// Any command but a join, with its request's id.
    Request {
        connection: ConnectionId,
        id: u32,
        command: Command,
    },
    /// A request to renew a token, which the edge has checked.
    Renew {
        connection: ConnectionId,
        id: u32,
        grant: Result<Grant, Error>,
    },
    /// What the operator's rules leave each member, now that they have changed.
    Judge {
        verdicts: Vec<(Uid, Verdict)>,
    },
    /// The project is no longer served: everyone has to go.
    Dismiss {
        error: Error,
    },
    /// The connection is gone, without a word; its member may come back.
    Disconnected {
        connection: ConnectionId,
    },
    /// Time went by.
    Tick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Send { to: Vec<ConnectionId>, message: Incoming },
    Close { connection: ConnectionId, why: Parting },
}

/// Why the channel closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    Silent,
    Replaced,
    /// The token ended.
    Expired,
    /// Kicked or banned.
    Banned,
    /// The project is no longer served.
    Dismissed,
}

/// What the list of a channel's people may take of the answer to a join, in bytes; the rest of it is short.
const MOST_LISTED: usize = MAX_MESSAGE - 8 * 1024;

/// The most that a member takes in that list: the longest name, the uid, and that of a camera and of a screen.
fn listed_bytes(uid: &Uid) -> usize {
    let uid = match uid {
        Uid::Number(number) => number.to_string().len(),
        // JSON may double each character.
        Uid::Account(account) => 2 + 2 * account.len(),
    };
    // Of the characters that JSON doubles, each is a single byte.
    240 + Name::MAX_BYTES + 3 * uid
}

type Answer = Result<Success, Error>;

/// The machine; see the module for what it keeps true.
pub struct Channel {
    limits: Limits,
    silence_limit: Duration,
    members: BTreeMap<Uid, Member>,
    connections: HashMap<ConnectionId, Uid>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    outputs: Vec<Output>,
}

impl Channel {
    pub fn new(limits: Limits, silence_limit: Duration) -> Self {
        Self {
            limits,
            silence_limit,
            members: BTreeMap::new(),
            connections: HashMap::new(),
            subscriptions: BTreeMap::new(),
            outputs: Vec::new(),
        }
    }

    /// Whether nobody is left, nor may come back.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many are in it, or may come back.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// The member behind a connection.
    pub fn member(&self, connection: ConnectionId) -> Option<&Uid> {
        self.connections.get(&connection)
    }

    /// Everyone, and where their clients are.
    pub fn whereabouts(&self) -> impl Iterator<Item = (&Uid, IpAddr)> {
        self.members.iter().map(|(uid, member)| (uid, member.peer))
    }

    /// Takes one input and says what is to be sent, in order.
    pub fn handle(&mut self, input: Input, now: Instant) -> Vec<Output> {
        match input {
            Input::Join(join) => self.on_join(join, now),
            Input::Request { connection, id, command } => {
                if self.hear(connection, now) {
                    let answer = self.on_command(connection, command, now);
                    self.reply(connection, id, answer);
                }
            }
            Input::Renew { connection, id, grant } => {
                let answer = self.on_renew(connection, grant, now);
                self.reply(connection, id, answer);
            }
            Input::Judge { verdicts } => {
                for (uid, verdict) in verdicts {
                    self.judge(&uid, verdict, now);
                }
            }
            // here | away -> Dismiss -> absent
            Input::Dismiss { error } => self.dismiss(&error),
            // here -> Disconnected -> away
            Input::Disconnected { connection } => {
                if let Some(member) = self.connections.remove(&connection).and_then(|uid| self.members.get_mut(&uid)) {
                    member.disconnect(now);
                }
            }
            Input::Tick => self.on_tick(now),
        }
        std::mem::take(&mut self.outputs)
    }

    fn on_join(&mut self, join: Join, now: Instant) {
        let (connection, id) = (join.connection, join.id);
        if self.connections.contains_key(&connection) {
            return self.reply(connection, id, Err(Error::new(Code::RepeatJoin, "This connection has joined already; leave first.")));
        }
        match self.resumable(&join) {
            // here | away -> Join with its session -> here
            Some(uid) => self.resume(uid, join, now),
            // absent -> Join -> here
            None => match self.free_uid(&join) {
                Ok(uid) => self.enter(uid, join, now),
                Err(error) => self.reply(connection, id, Err(error)),
            },
        }
    }

    /// Whose session a join shows, provided that it asks for no other uid.
    fn resumable(&self, join: &Join) -> Option<Uid> {
        let session = join.session.as_ref()?;
        let uid = match &join.uid {
            Some(uid) => self.members.get_key_value(uid).filter(|(_, member)| member.session == *session)?.0,
            None => self.members.iter().find(|(_, member)| member.session == *session)?.0,
        };
        Some(uid.clone())
    }

    fn resume(&mut self, uid: Uid, join: Join, now: Instant) {
        let Some(member) = self.members.get_mut(&uid) else { return };
        let (old, missed) = member.connect(join.connection, now);
        member.peer = join.peer;
        member.name.clone_from(&join.name);
        // The edge cannot know which rules name the uid, if the join names none.
        let grant = join.grant.under_bans_of(&member.rights.grant);
        member.rights.replace(grant, now);
        let is_host = member.is_host();
        let session = member.session.clone();
        self.connections.insert(join.connection, uid.clone());
        if let Some(old) = old {
            self.connections.remove(&old);
            let error = Error::new(Code::UidConflict, "A newer connection of the same session took over.");
            self.send(vec![old], Incoming::Event(Event::Removed { error }));
            self.outputs.push(Output::Close { connection: old, why: Parting::Replaced });
        }
        self.welcome(uid.clone(), session, &join, true);
        for event in missed {
            self.send(vec![join.connection], Incoming::Event(event));
        }
        if is_host {
            // Who lost a connection to them meanwhile asks again at once.
            self.tell_others(&uid, Event::PeerOnline { uid: uid.clone(), name: join.name.clone() });
        }
        self.enforce(&uid, now);
    }

    /// The uid a new member gets: the one asked for if it may, else any free one of the channel's kind.
    fn free_uid(&self, join: &Join) -> Result<Uid, Error> {
        let accounts = self.members.keys().next().map(|uid| matches!(uid, Uid::Account(_)));
        let uid = match &join.uid {
            Some(uid) => uid.clone(),
            None => self.assign(join.fresh_uid, accounts == Some(true)),
        };
        if self.members.contains_key(&uid) {
            let message = format!("The uid {uid} is in use in this channel. Choose another, or wait some seconds if it was you just now.");
            return Err(Error::new(Code::UidConflict, message));
        }
        if accounts.is_some_and(|accounts| accounts != matches!(uid, Uid::Account(_))) {
            let kind = if accounts == Some(true) { "text accounts" } else { "numbers" };
            return Err(Error::new(Code::UidConflict, format!("The uids of this channel are {kind}; one channel takes one kind.")));
        }
        let listed: usize = self.members.keys().chain([&uid]).map(listed_bytes).sum();
        if self.members.len() >= self.limits.members || listed > MOST_LISTED {
            return Err(Error::new(Code::TooManyUsers, format!("The channel is full: {} people are in it.", self.members.len())));
        }
        Ok(uid)
    }

    /// The first free uid from `start` on. The loop ends: a channel has fewer members than there are numbers.
    fn assign(&self, start: u32, account: bool) -> Uid {
        let mut number = start.max(1);
        loop {
            let uid = if account { Uid::Account(number.to_string()) } else { Uid::Number(number) };
            if !self.members.contains_key(&uid) {
                return uid;
            }
            number = number.wrapping_add(1).max(1);
        }
    }

    fn enter(&mut self, uid: Uid, join: Join, now: Instant) {
        let session = join.fresh_session.clone();
        let member = Member::new(&join, now);
        let visible = member.is_host();
        self.members.insert(uid.clone(), member);
        self.connections.insert(join.connection, uid.clone());
        self.welcome(uid.clone(), session, &join, false);
        if visible {
            self.tell_others(&uid.clone(), Event::PeerOnline { uid, name: join.name });
        }
    }

    fn welcome(&mut self, uid: Uid, session: SessionKey, join: &Join, resumed: bool) {
        let Member { role, rights: member::Rights { may_publish, .. }, .. } = self.members[&uid];
        let others = self.members.iter().filter(|(other, member)| **other != uid && member.is_host());
        let listed = |(uid, member): (&Uid, &Member)| {
            let streams = member.streams.values().cloned().collect();
            Peer { uid: uid.clone(), name: member.name.clone(), streams }
        };
        let peers = others.map(listed).collect();
        let ice_servers = join.ice.servers(&uid);
        let joined = Joined { uid, session, role, peers, media: Media::Mesh, ice_servers, resumed, may_publish };
        self.reply(join.connection, join.id, Ok(Success::Joined(Box::new(joined))));
    }

    /// Notes a sign of life. Whether the connection is to be answered: a membership that is over ends here, with its connection.
    fn hear(&mut self, connection: ConnectionId, now: Instant) -> bool {
        let Some(uid) = self.connections.get(&connection).cloned() else { return true };
        if let Some(member) = self.members.get_mut(&uid) {
            member.hear(now);
            if member.rights.are_due(now) {
                self.enforce(&uid, now);
            }
        }
        self.members.contains_key(&uid)
    }

    fn on_command(&mut self, connection: ConnectionId, command: Command, now: Instant) -> Answer {
        let Some(uid) = self.connections.get(&connection).cloned() else {
            return Err(Error::new(Code::InvalidOperation, "This connection is in no channel; join first."));
        };
        match command {
            Command::Join { .. } => return Err(Error::new(Code::RepeatJoin, "This connection has joined already; leave first.")),
            // here -> Leave -> absent
            Command::Leave => self.remove(&uid, LeaveReason::Quit),
            Command::Publish { stream } => self.on_publish(&uid, stream, now)?,
            Command::Unpublish { stream } => self.on_unpublish(&uid, stream)?,
            Command::Mute { stream, audio, video } => self.on_mute(&uid, stream, audio, video)?,
            Command::Subscribe { subscription, stream, offer } => self.on_subscribe(&uid, subscription, stream, offer)?,
            Command::Keep { subscription, stream } => self.on_keep(&uid, subscription, stream)?,
            Command::Answer { subscription, answer } => self.on_answer(&uid, subscription, answer)?,
            Command::Refuse { subscription, error } => self.on_refuse(&uid, subscription, error)?,
            Command::Candidate { subscription, candidate } => self.on_candidate(&uid, subscription, candidate)?,
            Command::Unsubscribe { subscription } => self.on_unsubscribe(&uid, subscription)?,
            Command::Want { subscription, want } => self.on_want(&uid, subscription, want)?,
            Command::Carry { subscription, layer } => self.on_carry(&uid, subscription, layer)?,
            Command::SetName { name } => self.on_set_name(&uid, name),
            Command::SetRole { role } => self.on_set_role(&uid, role, now)?,
            // The edge checks the token and hands in `Input::Renew`.
            Command::RenewToken { .. } => return Err(Error::new(Code::InternalError, "This token was not checked; nothing changed.")),
            Command::Ping => {}
        }
        Ok(Success::Done {})
    }

    fn on_tick(&mut self, now: Instant) {
        let limit = self.silence_limit;
        let gone: Vec<Uid> = self.members.iter().filter(|(_, member)| member.silence(now) >= limit).map(|(uid, _)| uid.clone()).collect();
        for uid in gone {
            // here | away -> silent for too long -> absent
            let connection = self.members.get(&uid).and_then(Member::connection);
            self.remove(&uid, LeaveReason::ServerTimeOut);
            if let Some(connection) = connection {
                self.outputs.push(Output::Close { connection, why: Parting::Silent });
            }
        }
        let due: Vec<Uid> = self.members.iter().filter(|(_, member)| member.rights.are_due(now)).map(|(uid, _)| uid.clone()).collect();
        for uid in due {
            self.enforce(&uid, now);
        }
    }

    /// Ends a membership and all that hangs on it.
    fn remove(&mut self, uid: &Uid, reason: LeaveReason) {
        let Some(member) = self.members.remove(uid) else { return };
        if let Some(connection) = member.connection() {
            self.connections.remove(&connection);
        }
        self.end_subscriptions(|subscription| subscription.has_end(uid), uid);
        let visible = member.is_host();
        for stream in member.streams.into_values() {
            self.tell_others(uid, Event::StreamRemoved { stream: stream.id });
        }
        if visible {
            self.tell_others(uid, Event::PeerLeave { uid: uid.clone(), reason });
        }
    }

    fn reply(&mut self, to: ConnectionId, id: u32, answer: Answer) {
        self.send(vec![to], Incoming::Reply(Reply::new(id, answer)));
    }

    /// To everyone in the channel but one. Who is away learns it from the answer to their return.
    fn tell_others(&mut self, uid: &Uid, event: Event) {
        let to: Vec<_> = self.members.iter().filter(|(other, _)| *other != uid).filter_map(|(_, member)| member.connection()).collect();
        self.send(to, Incoming::Event(event));
    }

    /// To one member, unless they are away: the answer to their return says it.
    fn tell_now(&mut self, uid: &Uid, event: Event) {
        if let Some(connection) = self.members.get(uid).and_then(Member::connection) {
            self.send(vec![connection], Incoming::Event(event));
        }
    }

    /// To one member; if they are away it waits for their return.
    fn tell(&mut self, uid: &Uid, event: Event) {
        let Some(member) = self.members.get_mut(uid) else { return };
        if let Some((connection, event)) = member.deliver(event) {
            self.send(vec![connection], Incoming::Event(event));
        }
    }

    fn send(&mut self, to: Vec<ConnectionId>, message: Incoming) {
        if !to.is_empty() {
            self.outputs.push(Output::Send { to, message });
        }
    }

    fn has_stream(&self, stream: &signal::StreamId) -> bool {
        self.stream(&stream.uid, stream.source).is_some()
    }

    fn stream(&self, uid: &Uid, source: StreamSource) -> Option<&signal::StreamInfo> {
        self.members.get(uid)?.streams.get(&source)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
