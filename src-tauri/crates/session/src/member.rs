//! What a user in a channel has, with the service or without it: identity, the others, and streams both ways.

use std::time::{Duration, Instant};

use signal::{Code, Error, Joined, Name, Peer, Request, Role, SessionKey, StreamId, Uid};

use crate::CallId;
use crate::desk::{Desk, Wire};
use crate::input::{Input, Join};
use crate::joining;
use crate::link::Purpose;
use crate::output::{Event, Output};
use crate::published::{Asked, Published};
use crate::roster::{Change, Roster};
use crate::standing::Standing;
use crate::subscription::Tracks;
use crate::subscriptions::Subscriptions;

#[derive(Debug)]
pub(crate) struct Member {
    join: Join,
    uid: Uid,
    session: SessionKey,
    roster: Roster,
    subscriptions: Subscriptions,
    published: Published,
    standing: Standing,
}

impl Member {
    pub fn new(join: Join, joined: &Joined) -> Self {
        let (uid, session) = (joined.uid.clone(), joined.session.clone());
        let published = Published::new(uid.clone(), joined.may_publish);
        let standing = Standing::new(join.mode, join.token.clone(), joined.role);
        Self { join, uid, session, roster: Roster::default(), subscriptions: Subscriptions::default(), published, standing }
    }

    /// The application's calls and the connections' reports.
    pub fn handle_input(&mut self, input: Input, wire: &mut Wire) {
        match input {
            Input::Publish { call, stream } => self.published.publish(call, stream, wire),
            Input::Unpublish { call, source } => self.published.unpublish(call, source, wire),
            Input::SetName { call, name } => {
                if wire.is_online() {
                    wire.ask(signal::Command::SetName { name: name.clone() }, Purpose::SetName { call, name });
                } else {
                    self.keep_name(call, name, wire.desk);
                }
            }
            Input::SetRole { call, role } => self.standing.set_role(call, role, wire),
            Input::RenewToken { call, token } => self.standing.renew(call, token, wire),
            Input::StreamChanged { stream } => self.published.changed(stream, wire),
            Input::Subscribe { call, stream, audio, video } => self.subscribe(call, &stream, Tracks { audio, video }, wire),
            Input::Unsubscribe { call, stream } => self.subscriptions.unsubscribe(call, &stream, wire),
            Input::NetworkChanged => self.subscriptions.network_changed(wire),
            Input::Want { call, stream, stream_type, fallback } => {
                self.subscriptions.want(call, &stream, stream_type, fallback, wire);
            }
            Input::OfferReady { subscription, offer } => self.subscriptions.offer_ready(&subscription, offer, wire),
            Input::AnswerReady { subscription, answer } => self.published.answer_ready(&subscription, answer, wire),
            Input::Candidate { subscription, candidate } => {
                self.subscriptions.local_candidate(&subscription, &candidate, wire);
                self.published.local_candidate(&subscription, &candidate, wire);
            }
            Input::Connected { subscription } => {
                self.subscriptions.connected(&subscription, wire);
                self.published.connected(&subscription);
            }
            Input::Disconnected { subscription } => {
                self.subscriptions.disconnected(&subscription, wire);
                self.published.disconnected(&subscription, wire);
            }
            Input::PathTrouble { subscription, trouble } => self.subscriptions.path_trouble(&subscription, trouble),
            Input::Carries { subscription, layer } => self.published.carries(&subscription, layer, wire),
            Input::Failed { subscription, error } => {
                self.subscriptions.failed(&subscription, &error, wire);
                self.published.failed(&subscription, &error, wire);
            }
            // The machine's own.
            Input::Join { .. }
            | Input::Leave { .. }
            | Input::SignallingOpened
            | Input::SignallingFailed { .. }
            | Input::SignallingClosed { .. }
            | Input::Received(_)
            | Input::TimePassed => {}
        }
    }

    fn subscribe(&mut self, call: CallId, stream: &StreamId, want: Tracks, wire: &mut Wire) {
        if want.is_none() {
            return wire.desk.refuse(call, Code::InvalidParameter, "Subscribe to sound, picture or both.");
        }
        if stream.uid == self.uid {
            return wire.desk.refuse(call, Code::InvalidRemoteStream, "One's own stream cannot be subscribed to.");
        }
        match self.roster.stream(stream) {
            None => wire.desk.refuse(call, Code::NoSuchRemoteStream, "There is no such stream in the channel (any more)."),
            Some(info) => self.subscriptions.subscribe(call, info, want, wire),
        }
    }

    pub fn on_reply(&mut self, purpose: Purpose, result: Result<(), Error>, wire: &mut Wire) {
        match purpose {
            Purpose::Publish { source, call } => self.published.on_published(source, call, result, wire),
            Purpose::Unpublish { source, call } => self.published.on_unpublished(source, call, result, wire),
            Purpose::Subscribe(subscription) => {
                if let Err(error) = result {
                    self.subscriptions.refused(&subscription, &error, wire);
                }
            }
            Purpose::SetRole { call } => self.standing.on_role_set(call, result, wire.desk),
            Purpose::SetName { call, name } => match result {
                Ok(()) => self.keep_name(call, name, wire.desk),
                Err(error) => wire.desk.fail(call, error),
            },
            Purpose::Renew { call, token } => self.standing.on_renewed(call, token, result, wire.desk),
        }
    }

    /// The service is lost before it replied. An unpublish is answered now: it is done on this side, and
    /// [`come_back`](Self::come_back) repeats it on the other. A publish and a renewal keep waiting; a role is not asked for again.
    pub fn reply_lost(&mut self, purpose: Purpose, desk: &mut Desk) {
        match purpose {
            Purpose::Unpublish { source, call } => self.published.finish_unpublish(source, call, Ok(()), desk),
            Purpose::SetName { call, name } => self.keep_name(call, name, desk),
            Purpose::Renew { call, token } => self.standing.keep_renewal(call, token, desk),
            Purpose::SetRole { call: Some(call) } => {
                desk.refuse(call, Code::SocketDisconnected, "The connection broke before the service answered; set the role again.");
            }
            Purpose::SetRole { call: None } | Purpose::Publish { .. } | Purpose::Subscribe(_) => {}
        }
    }

    /// The service refused the way back; see [`Standing::refuse_renewal`].
    pub fn refuse_renewal(&mut self, error: &Error, desk: &mut Desk) -> bool {
        self.standing.refuse_renewal(error, desk)
    }

    /// The name to come back with.
    fn keep_name(&mut self, call: CallId, name: Option<Name>, desk: &mut Desk) {
        self.join.name = name;
        desk.done(call);
    }

    fn on_role(&mut self, role: Role, wire: &mut Wire) {
        if role == Role::Audience {
            self.published.taken_back(wire);
        }
        self.standing.on_role(role, wire.desk);
    }

    pub fn on_event(&mut self, event: signal::Event, wire: &mut Wire) {
        match event {
            signal::Event::PeerOnline { uid, name } if uid != self.uid => {
                let mut changes = self.roster.online(uid.clone());
                if changes.is_empty() {
                    self.subscriptions.publisher_is_back(&uid, wire);
                }
                changes.extend(self.roster.named(&uid, name));
                self.apply(changes, wire);
            }
            signal::Event::PeerNamed { uid, name } => {
                let changes = self.roster.named(&uid, name);
                self.apply(changes, wire);
            }
            signal::Event::PeerLeave { uid, reason } => {
                let changes = self.roster.left(&uid, reason);
                self.apply(changes, wire);
            }
            signal::Event::StreamAdded { stream } | signal::Event::StreamUpdated { stream } if stream.id.uid != self.uid => {
                let id = stream.id.clone();
                let changes = self.roster.put(stream);
                self.apply(changes, wire);
                self.subscriptions.published(&id, wire);
            }
            signal::Event::StreamRemoved { stream } => {
                let changes = self.roster.removed(&stream);
                self.apply(changes, wire);
            }
            signal::Event::Subscribe { subscription, subscriber, stream, offer } => {
                let taken = self.subscriptions.has(&subscription);
                self.published.asked(Asked { subscription, subscriber, stream, offer, taken }, wire);
            }
            signal::Event::Answer { subscription, answer } => self.subscriptions.answered(&subscription, answer, wire),
            signal::Event::Refused { subscription, error } => self.subscriptions.refused(&subscription, &error, wire),
            signal::Event::Candidate { subscription, candidate } => {
                self.subscriptions.remote_candidate(&subscription, &candidate, wire);
                self.published.remote_candidate(&subscription, &candidate, wire);
            }
            signal::Event::Keep { subscription, subscriber, stream } => self.published.kept(&subscription, &subscriber, &stream, wire),
            signal::Event::Want { subscription, want } => self.published.wanted(&subscription, want, wire),
            signal::Event::Carry { subscription, layer } => self.subscriptions.carries(&subscription, layer, wire),
            signal::Event::Unsubscribe { subscription } => {
                self.subscriptions.ended_by_publisher(&subscription, wire);
                self.published.ended_by_subscriber(&subscription, wire);
            }
            // Echoes of this user, which it knows better.
            signal::Event::PeerOnline { .. } | signal::Event::StreamAdded { .. } | signal::Event::StreamUpdated { .. } => {}
            signal::Event::IceServers { ice_servers } => wire.desk.push(Output::UseIceServers(ice_servers)),
            // The connection's end follows and is what counts.
            signal::Event::Draining => {}
            signal::Event::RoleChanged { role } => self.on_role(role, wire),
            signal::Event::MayPublishChanged { may_publish, error } => {
                self.published.allow(may_publish, wire);
                if let Some(error) = error {
                    wire.desk.event(Event::Error { error });
                }
            }
            signal::Event::TokenWillExpire { ms } => wire.desk.event(Event::TokenWillExpire { after: Duration::from_millis(ms) }),
            // The machine's own: it ends the membership.
            signal::Event::Removed { .. } => {}
        }
    }

    /// Takes in the channel as a join answered it.
    pub fn reconcile(&mut self, peers: Vec<Peer>, resumed: bool, wire: &mut Wire) {
        let others = peers.into_iter().filter(|peer| peer.uid != self.uid).collect();
        let changes = self.roster.reconcile(others, resumed, wire.desk.now);
        self.apply(changes, wire);
    }

    fn apply(&mut self, changes: Vec<Change>, wire: &mut Wire) {
        for change in changes {
            match change {
                Change::Online(uid) => wire.desk.event(Event::PeerOnline { uid }),
                Change::Named(uid, name) => wire.desk.event(Event::PeerNamed { uid, name }),
                Change::Left(uid, reason) => {
                    self.published.left(&uid, wire);
                    wire.desk.event(Event::PeerLeave { uid, reason });
                }
                Change::Added(stream) => wire.desk.event(Event::StreamAdded { stream }),
                Change::Updated { before, after } => {
                    wire.desk.event(Event::StreamUpdated { stream: after.clone(), before });
                    self.subscriptions.changed(&after, wire);
                }
                Change::Removed(stream) => {
                    self.subscriptions.removed(&stream, wire);
                    wire.desk.event(Event::StreamRemoved { stream });
                }
            }
        }
    }

    /// The join that asks for the same membership again.
    pub fn rejoin_request(&self) -> Request {
        let token = self.standing.token().map(str::to_owned);
        joining::request(Join { token, uid: Some(self.uid.clone()), ..self.join.clone() }, Some(self.session.clone()))
    }

    pub fn signalling_lost(&mut self, wire: &mut Wire) {
        self.roster.service_lost();
        self.subscriptions.signalling_lost(wire);
    }

    /// The service took us back: publish again, learn what changed, and ask again for what was pending.
    pub fn come_back(&mut self, joined: Joined, wire: &mut Wire) {
        self.standing.come_back(&joined, wire);
        self.session = joined.session;
        self.published.allow(joined.may_publish, wire);
        if joined.resumed && self.standing.is_audience() {
            self.published.taken_back(wire);
        }
        self.published.signalling_back(wire);
        let there = joined.peers.iter().flat_map(|peer| &peer.streams).map(|stream| stream.id.clone()).collect();
        self.reconcile(joined.peers, joined.resumed, wire);
        self.subscriptions.signalling_back(joined.resumed, &there, wire);
    }

    pub fn time_passed(&mut self, wire: &mut Wire) {
        let changes = self.roster.time_passed(wire.desk.now);
        self.apply(changes, wire);
        self.subscriptions.time_passed(wire);
        self.published.time_passed(wire);
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        [self.roster.next_deadline(), self.subscriptions.next_deadline(), self.published.next_deadline()].into_iter().flatten().min()
    }

    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The membership is over: closes every connection and answers every call.
    pub fn end(self, by: &str, desk: &mut Desk) {
        self.subscriptions.end(by, desk);
        self.published.end(by, desk);
        self.standing.end(by, desk);
    }
}
