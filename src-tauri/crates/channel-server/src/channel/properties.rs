//! Any order of inputs: no panic, the module's invariants after each, every request answered once, nothing sent to strangers, and
//! what each connection was told adds up to what is.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use signal::{Candidate, MayPublish, Role, StreamId, StreamInfo};

use super::*;
use crate::{ban::Ban, grant::Lease};

const SILENCE: Duration = Duration::from_secs(8);

/// A step by small numbers, so that steps meet: uids 1 to 5, sessions as handed out, subscriptions 0 to 5.
#[derive(Clone, Debug)]
enum Step {
    Join {
        uid: Option<Uid>,
        live: bool,
        session: Option<usize>,
        token: Token,
    },
    Renew {
        connection: usize,
        token: Option<Token>,
    },
    Judge {
        uid: Uid,
        join: bool,
        audio: Option<u64>,
        video: Option<u64>,
    },
    /// `sensible` turns a stream into one that is there, or into one's own where that is asked for.
    Command {
        connection: usize,
        command: Command,
        sensible: bool,
    },
    Disconnected {
        connection: usize,
    },
    Wait {
        ms: u64,
    },
}

/// How many seconds each part of a token lasts; `None` is no token's end, and no privilege.
#[derive(Clone, Copy, Debug)]
struct Token {
    stay: Option<u64>,
    audio: Option<u64>,
    video: Option<u64>,
}

impl Token {
    fn grant(self, now: Instant) -> Grant {
        let end = |seconds| now + Duration::from_secs(seconds);
        let lease = |seconds: Option<u64>| seconds.map_or(Lease::Never, |seconds| Lease::Until(end(seconds)));
        match self.stay {
            Some(stay) => Grant::of_token(end(stay + 1), lease(self.audio), lease(self.video)),
            None => Grant::ALL,
        }
    }
}

fn token() -> impl Strategy<Value = Token> {
    let seconds = || prop::option::weighted(0.7, 0u64..80);
    (seconds(), seconds(), seconds()).prop_map(|(stay, audio, video)| Token { stay, audio, video })
}

fn uid() -> impl Strategy<Value = Uid> {
    prop_oneof![9 => (1u32..6).prop_map(Uid::Number), 1 => Just(Uid::Account("ann".into()))]
}

fn stream_id() -> impl Strategy<Value = StreamId> {
    (uid(), any::<bool>())
        .prop_map(|(uid, screen)| StreamId { uid, source: if screen { StreamSource::Screen } else { StreamSource::Camera } })
}

fn command() -> impl Strategy<Value = Command> {
    let key = || (0u32..6).prop_map(|n| format!("{n:016x}").parse::<SubscriptionId>().expect("16 digits"));
    let sdp = || Just(signal::Sdp::try_from(String::from("sdp")).expect("it is short"));
    let candidate = Candidate { candidate: String::new(), sdp_mid: None, sdp_mline_index: None, username_fragment: None };
    let publish = (stream_id(), any::<bool>(), any::<bool>()).prop_map(|(id, audio, video)| Command::Publish {
        stream: StreamInfo { id, audio, video, audio_muted: false, video_muted: false },
    });
    prop_oneof![
        8 => publish,
        8 => (key(), stream_id(), sdp()).prop_map(|(subscription, stream, offer)| Command::Subscribe { subscription, stream, offer }),
        3 => (key(), sdp()).prop_map(|(subscription, answer)| Command::Answer { subscription, answer }),
        1 => key().prop_map(|subscription| Command::Refuse { subscription, error: Error::new(Code::NotSupported, "") }),
        3 => key().prop_map(move |subscription| Command::Candidate { subscription, candidate: candidate.clone() }),
        2 => key().prop_map(|subscription| Command::Unsubscribe { subscription }),
        1 => key().prop_map(|subscription| Command::Want { subscription, want: signal::Want::default() }),
        1 => (key(), uid()).prop_map(|(subscription, uid)| Command::Keep { subscription, stream: StreamId::camera(uid) }),
        1 => key().prop_map(|subscription| Command::Carry { subscription, layer: signal::Layer::Low }),
        2 => stream_id().prop_map(|stream| Command::Unpublish { stream }),
        2 => (stream_id(), any::<bool>(), any::<bool>()).prop_map(|(stream, audio, video)| Command::Mute { stream, audio, video }),
        2 => any::<bool>().prop_map(|host| Command::SetRole { role: if host { Role::Host } else { Role::Audience } }),
        1 => Just(Command::Leave),
        2 => Just(Command::Ping),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::option::of(uid()), any::<bool>(), prop::option::of(0usize..8), token())
            .prop_map(|(uid, live, session, token)| Step::Join { uid, live, session, token }),
        1 => (any::<usize>(), prop::option::weighted(0.8, token())).prop_map(|(connection, token)| Step::Renew { connection, token }),
        1 => (uid(), prop::bool::weighted(0.2), prop::option::of(1u64..20), prop::option::of(1u64..20))
            .prop_map(|(uid, join, audio, video)| Step::Judge { uid, join, audio, video }),
        12 => (any::<usize>(), command(), prop::bool::weighted(0.8)).prop_map(|(connection, command, sensible)| Step::Command { connection, command, sensible }),
        1 => any::<usize>().prop_map(|connection| Step::Disconnected { connection }),
        2 => (0u64..5_000).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The edge as the channel sees it: connections are numbered upwards, and none says anything after its end.
struct Edge {
    channel: Channel,
    now: Instant,
    open: Vec<ConnectionId>,
    next: u64,
    sessions: Vec<SessionKey>,
    told: HashMap<ConnectionId, Told>,
}

/// What a connection knows by the answer to its join and by every event since.
#[derive(Debug, PartialEq)]
struct Told {
    hosts: BTreeMap<Uid, BTreeMap<StreamSource, StreamInfo>>,
    role: Role,
    may_publish: MayPublish,
}

impl Told {
    fn by(joined: &Joined) -> Self {
        let by_source = |peer: &Peer| peer.streams.iter().map(|stream| (stream.id.source, stream.clone())).collect();
        let hosts = joined.peers.iter().map(|peer| (peer.uid.clone(), by_source(peer))).collect();
        Self { hosts, role: joined.role, may_publish: joined.may_publish }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            // Of a host who came back, again.
            Event::PeerOnline { uid, .. } => drop(self.hosts.entry(uid.clone()).or_default()),
            Event::PeerLeave { uid, .. } => assert_eq!(self.hosts.remove(uid), Some(BTreeMap::new()), "a host leaves without streams"),
            Event::StreamAdded { stream } | Event::StreamUpdated { stream } => {
                let host = self.hosts.get_mut(&stream.id.uid).expect("streams are hosts'");
                let known = host.insert(stream.id.source, stream.clone());
                assert_eq!(known.is_some(), matches!(event, Event::StreamUpdated { .. }), "a stream is added once");
            }
            Event::StreamRemoved { stream } => {
                let known = self.hosts.get_mut(&stream.uid).and_then(|host| host.remove(&stream.source));
                assert!(known.is_some(), "what is removed was there");
            }
            Event::RoleChanged { role } => {
                assert_ne!(self.role, *role, "a change is one");
                self.role = *role;
            }
            Event::MayPublishChanged { may_publish, .. } => {
                assert_ne!(self.may_publish, *may_publish, "a change is one");
                self.may_publish = *may_publish;
            }
            _ => {}
        }
    }
}

impl Edge {
    fn input(&mut self, step: Step) -> (Option<ConnectionId>, Input) {
        match step {
            Step::Renew { connection, token } if !self.open.is_empty() => {
                let connection = self.open[connection % self.open.len()];
                let grant = token.map(|token| token.grant(self.now)).ok_or_else(|| Error::new(Code::NoAuthorized, ""));
                (Some(connection), Input::Renew { connection, id: 1, grant })
            }
            Step::Judge { uid, join, audio, video } => {
                let ban = |seconds| Ban { code: Code::UidBanned, until: self.now + Duration::from_secs(seconds) };
                let verdict = Verdict { join: join.then(|| ban(60)), audio: audio.map(ban), video: video.map(ban) };
                (None, Input::Judge { verdicts: vec![(uid, verdict)] })
            }
            Step::Join { uid, live, session, token } => {
                let connection = ConnectionId(self.next);
                self.next += 1;
                self.open.push(connection);
                let join = Join {
                    connection,
                    id: 1,
                    peer: [192, 0, 2, 1].into(),
                    uid,
                    mode: if live { Mode::Live } else { Mode::Rtc },
                    session: session.and_then(|n| self.sessions.get(n).cloned()),
                    name: None,
                    grant: token.grant(self.now),
                    ice: Handout::new(&crate::Config::default()),
                    fresh_session: format!("{:016x}", self.next).parse().expect("16 digits"),
                    fresh_uid: 3,
                };
                (Some(connection), Input::Join(join))
            }
            Step::Command { connection, mut command, sensible } if !self.open.is_empty() => {
                let connection = self.open[connection % self.open.len()];
                if sensible {
                    self.make_sensible(connection, &mut command);
                }
                (Some(connection), Input::Request { connection, id: 1, command })
            }
            Step::Disconnected { connection } if !self.open.is_empty() => {
                let connection = self.open.swap_remove(connection % self.open.len());
                (None, Input::Disconnected { connection })
            }
            Step::Wait { ms } => {
                self.now += Duration::from_millis(ms);
                (None, Input::Tick)
            }
            Step::Command { .. } | Step::Renew { .. } | Step::Disconnected { .. } => (None, Input::Tick),
        }
    }

    fn make_sensible(&self, connection: ConnectionId, command: &mut Command) {
        let Some(uid) = self.channel.member(connection) else { return };
        match command {
            Command::Publish { stream: StreamInfo { id: stream, .. } } | Command::Unpublish { stream } | Command::Mute { stream, .. } => {
                stream.uid = uid.clone();
            }
            Command::Subscribe { stream, .. } | Command::Keep { stream, .. } => {
                let others = self.channel.members.iter().filter(|(other, _)| *other != uid);
                if let Some(there) = others.flat_map(|(_, member)| member.streams.values()).next() {
                    *stream = there.id.clone();
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, step: Step) {
        let (asker, input) = self.input(step);
        let ends = self.ends(&input);
        let mut replies = Vec::new();
        for output in self.channel.handle(input, self.now) {
            match output {
                Output::Close { connection, .. } => self.open.retain(|open| *open != connection),
                Output::Send { to, message } => {
                    assert!(!to.is_empty());
                    assert_eq!(to.iter().collect::<HashSet<_>>().len(), to.len(), "a message reaches a connection once");
                    assert!(to.iter().all(|to| self.open.contains(to)), "nothing is sent to a closed connection");
                    self.on_sent(&to, message, &ends, &mut replies);
                }
            }
        }
        assert_eq!(replies, asker.into_iter().collect::<Vec<_>>(), "each request is answered once, and to its asker");
        self.check();
    }

    fn on_sent(&mut self, to: &[ConnectionId], message: Incoming, ends: &BTreeSet<ConnectionId>, replies: &mut Vec<ConnectionId>) {
        match message {
            Incoming::Reply(reply) => {
                replies.extend(to);
                if let Ok(Success::Joined(joined)) = reply.into_result() {
                    self.told.extend(to.iter().map(|to| (*to, Told::by(&joined))));
                    self.sessions.push(joined.session);
                }
            }
            Incoming::Event(
                Event::Answer { .. } | Event::Refused { .. } | Event::Candidate { .. } | Event::Want { .. } | Event::Carry { .. },
            ) => {
                assert!(to.iter().all(|to| ends.contains(to)), "a subscription's messages stay between its ends");
            }
            Incoming::Event(event) => {
                for to in to {
                    self.told.get_mut(to).expect("events reach members only").hear(&event);
                }
            }
        }
    }

    /// Where an input may send a subscription's messages: to both ends if its sender is one of them, else nowhere. Who joins gets their mail.
    fn ends(&self, input: &Input) -> BTreeSet<ConnectionId> {
        use Command::{Answer, Candidate, Carry, Refuse, Want};
        let (connection, id) = match input {
            Input::Join(join) => return BTreeSet::from([join.connection]),
            Input::Request {
                connection,
                command:
                    Answer { subscription, .. }
                    | Refuse { subscription, .. }
                    | Candidate { subscription, .. }
                    | Want { subscription, .. }
                    | Carry { subscription, .. },
                ..
            } => (connection, subscription),
            _ => return BTreeSet::new(),
        };
        let Some(subscription) = self.channel.subscriptions.get(id) else { return BTreeSet::new() };
        let uids = [&subscription.subscriber, &subscription.stream.uid];
        if self.channel.member(*connection).is_none_or(|uid| !uids.contains(&uid)) {
            return BTreeSet::new();
        }
        uids.into_iter().filter_map(|uid| self.channel.members[uid].connection()).collect()
    }

    /// The module's invariants.
    fn check(&self) {
        let channel = &self.channel;
        let of_members: BTreeSet<_> =
            channel.members.iter().filter_map(|(uid, member)| Some((member.connection()?, uid.clone()))).collect();
        let of_connections: BTreeSet<_> = channel.connections.iter().map(|(connection, uid)| (*connection, uid.clone())).collect();
        assert_eq!(of_members, of_connections, "invariant 1");
        assert!(channel.members.keys().map(std::mem::discriminant).collect::<HashSet<_>>().len() <= 1, "invariant 2");
        for (uid, member) in &channel.members {
            assert!(
                member.streams.iter().all(|(source, stream)| stream.id == StreamId { uid: uid.clone(), source: *source }),
                "invariant 3"
            );
            assert!(member.silence(self.now) < SILENCE + Duration::from_secs(5), "silence is noticed");
        }
        for subscription in channel.subscriptions.values() {
            assert!(channel.members.contains_key(&subscription.subscriber), "invariant 4: the subscriber");
            assert!(channel.has_stream(&subscription.stream), "invariant 4: the stream");
            assert_ne!(subscription.subscriber, subscription.stream.uid, "invariant 4: the ends differ");
        }
        for (uid, member) in &channel.members {
            let (rights, now) = (&member.rights, self.now);
            assert!(!rights.grant.is_over(now), "a token's end is seen");
            assert_eq!(rights.may_publish, rights.grant.may_publish(now), "invariant 6: what may be published is up to date");
            for stream in member.streams.values() {
                assert!(rights.grant.allow_publishing(stream, now).is_ok(), "invariant 6");
            }
            match (member.mode, member.role) {
                (Mode::Rtc, role) => assert_eq!(role, Role::Host),
                (Mode::Live, Role::Audience) => assert!(member.streams.is_empty(), "invariant 7"),
                (Mode::Live, Role::Host) => {
                    assert!(rights.may_publish.audio || rights.may_publish.video || !member.streams.is_empty(), "invariant 7");
                }
            }
            if let Some(connection) = member.connection() {
                let others = channel.members.iter().filter(|(other, member)| *other != uid && member.is_host());
                let hosts = others.map(|(uid, member)| (uid.clone(), member.streams.clone())).collect();
                let told = Told { hosts, role: member.role, may_publish: rights.may_publish };
                assert_eq!(self.told[&connection], told, "what {uid} was told is what is");
            }
        }
        let sessions: HashSet<_> = channel.members.values().map(|member| &member.session).collect();
        assert_eq!(sessions.len(), channel.members.len(), "no two members share a session");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_of_inputs_keeps_the_invariants(steps in prop::collection::vec(step(), 0..120)) {
        let limits = Limits { members: 4, subscriptions: 3, ..Limits::default() };
        let mut edge = Edge { channel: Channel::new(limits, SILENCE), now: Instant::now(), open: Vec::new(), next: 0, sessions: Vec::new(), told: HashMap::new() };
        for step in steps {
            edge.take(step);
        }
        while let Some(connection) = edge.open.pop() {
            edge.channel.handle(Input::Disconnected { connection }, edge.now);
        }
        edge.channel.handle(Input::Tick, edge.now + SILENCE);
        prop_assert!(edge.channel.is_empty() && edge.channel.subscriptions.is_empty() && edge.channel.connections.is_empty());
    }
}
