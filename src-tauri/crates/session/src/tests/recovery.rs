//! Whatever happens to the service, the links and the connections: when it is over, everybody receives everybody, and nothing
//! is left over.
//!
//! Sessions talk to each other through a model of the service and a model of the network. The application publishes one
//! stream and subscribes to whatever is added, nothing else: all recovery is the sessions' own.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use signal::LeaveReason;

use super::*;

const PEOPLE: usize = 3;
const SILENCE: Duration = Duration::from_secs(8);
/// How long a connection's end waits for packets of the other before it fails.
const WATCHDOG: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
enum Trouble {
    /// The link of one person breaks.
    Link(usize),
    /// The service forgets everything and is away for so many milliseconds.
    Restart(u32),
    /// The path of the n-th connection breaks; an ICE restart finds another.
    Path(usize),
    /// The subscriber's or the publisher's end of the n-th connection fails.
    End(usize, bool),
    /// Nothing for so many milliseconds.
    Peace(u32),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        (0..PEOPLE).prop_map(Trouble::Link),
        (0..15_000u32).prop_map(Trouble::Restart),
        (0..8usize).prop_map(Trouble::Path),
        (0..8usize, any::<bool>()).prop_map(|(n, subscriber)| Trouble::End(n, subscriber)),
        (0..6_000u32).prop_map(Trouble::Peace),
    ]
}

/// A member as the service knows it.
struct Known {
    session: SessionKey,
    link: Option<u32>,
    away_since: Instant,
    streams: BTreeMap<StreamId, StreamInfo>,
}

/// One peer connection: its two ends, as far as they are open.
#[derive(Default)]
struct Connection {
    subscriber: Option<usize>,
    publisher: Option<usize>,
    offers: u32,
    /// The ends know each other: another publisher's end cannot take over.
    paired: bool,
    alien: bool,
    up: bool,
}

struct World {
    now: Instant,
    sessions: Vec<Session>,
    links: Vec<Option<u32>>,
    next: u32,
    away_until: Option<Instant>,
    members: BTreeMap<usize, Known>,
    /// Subscriber and publisher.
    routes: BTreeMap<SubscriptionId, (usize, usize)>,
    connections: BTreeMap<SubscriptionId, Connection>,
    watchdogs: Vec<(Instant, SubscriptionId)>,
    /// What is on its way to a person, and by which link if by one.
    queue: VecDeque<(usize, Option<u32>, Input)>,
}

fn name(person: usize) -> Uid {
    uid(person as u32 + 1)
}

fn person(uid: &Uid) -> usize {
    let Uid::Number(number) = uid else { panic!("numbers only") };
    *number as usize - 1
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            sessions: (0..PEOPLE).map(|person| Session::new(Config { seed: person as u64 }, now)).collect(),
            links: vec![None; PEOPLE],
            next: 0,
            away_until: None,
            members: BTreeMap::new(),
            routes: BTreeMap::new(),
            connections: BTreeMap::new(),
            watchdogs: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// Everybody joins and publishes.
    fn begin(&mut self) {
        for person in 0..PEOPLE {
            self.queue.push_back((
                person,
                None,
                Input::Join { call: CallId(0), join: Box::new(Join { uid: Some(name(person)), ..join() }) },
            ));
            self.settle();
            self.queue.push_back((person, None, Input::Publish { call: CallId(1), stream: own(StreamSource::Camera) }));
            self.settle();
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Hands out everything that is on its way, and what follows from it.
    fn settle(&mut self) {
        while let Some((person, link, input)) = self.queue.pop_front() {
            if link.is_some() && link != self.links[person] {
                continue;
            }
            self.sessions[person].handle_input(input, self.now);
            loop {
                match self.sessions[person].poll_output() {
                    Output::Timeout(_) => break,
                    output => self.carry_out(person, output),
                }
            }
        }
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let timeouts = self.sessions.iter_mut().map(|session| match session.poll_output() {
                Output::Timeout(at) => at,
                output => panic!("drained before {output:?}"),
            });
            let silences = self.members.values().filter(|member| member.link.is_none()).map(|member| member.away_since + SILENCE);
            let others = self.watchdogs.iter().map(|(at, _)| *at).chain(self.away_until).chain(silences);
            let next = timeouts.chain(others).min().unwrap();
            if next > end {
                self.now = end;
                return;
            }
            self.now = next.max(self.now);
            self.away_until = self.away_until.filter(|until| *until > self.now);
            self.service_notices_silence();
            self.watchdogs_bark();
            for person in 0..PEOPLE {
                self.queue.push_back((person, None, Input::TimePassed));
            }
            self.settle();
        }
    }

    fn carry_out(&mut self, person: usize, output: Output) {
        match output {
            Output::OpenSignalling => {
                self.links[person] = Some(self.number());
                let opened =
                    if self.away_until.is_none() { Input::SignallingOpened } else { Input::SignallingFailed { error: socket_error() } };
                self.queue.push_back((person, self.links[person], opened));
            }
            Output::CloseSignalling => self.unlink(person),
            Output::Send(request) => {
                if let (Some(link), None) = (self.links[person], self.away_until) {
                    let result = self.serve(person, link, request.command);
                    self.queue.push_back((person, Some(link), reply(request.id, result)));
                }
            }
            Output::Event(Event::StreamAdded { stream }) => {
                let call = CallId(self.number().into());
                self.queue.push_back((person, None, Input::Subscribe { call, stream: stream.id, audio: true, video: true }));
            }
            output => self.transport(person, output),
        }
    }

    fn transport(&mut self, person: usize, output: Output) {
        let input = match output {
            Output::CreateOffer { subscription, .. } => {
                self.connections.insert(subscription.clone(), Connection { subscriber: Some(person), offers: 1, ..Connection::default() });
                Input::OfferReady { subscription, offer: sdp("1") }
            }
            Output::RestartIce { subscription } => {
                let connection = self.connections.get_mut(&subscription).expect("its own end is open");
                connection.offers += 1;
                Input::OfferReady { offer: sdp(&connection.offers.to_string()), subscription }
            }
            Output::AcceptOffer { subscription, offer, .. } => {
                let connection = self.connections.entry(subscription.clone()).or_default();
                connection.publisher = Some(person);
                connection.alien = connection.paired;
                Input::AnswerReady { subscription, answer: offer }
            }
            Output::AcceptRestart { subscription, offer } => Input::AnswerReady { subscription, answer: offer },
            Output::SetAnswer { subscription, answer } => {
                let connection = self.connections.get_mut(&subscription).expect("its own end is open");
                let fits = answer.as_str() == connection.offers.to_string();
                match connection.publisher {
                    Some(publisher) if !connection.alien && fits => {
                        (connection.paired, connection.up) = (true, true);
                        self.queue.push_back((publisher, None, Input::Connected { subscription: subscription.clone() }));
                        Input::Connected { subscription }
                    }
                    _ => Input::Failed { subscription, error: socket_error() },
                }
            }
            Output::ClosePeer { subscription } => return self.close(person, subscription),
            _ => return,
        };
        self.queue.push_back((person, None, input));
    }

    fn close(&mut self, person: usize, subscription: SubscriptionId) {
        let connection = self.connections.get_mut(&subscription).expect("it was open");
        if connection.subscriber == Some(person) {
            connection.subscriber = None;
        } else {
            assert_eq!(connection.publisher.take(), Some(person), "only open ends are closed");
        }
        connection.up = false;
        if connection.subscriber.is_none() && connection.publisher.is_none() {
            self.connections.remove(&subscription);
        } else if connection.paired {
            self.watchdogs.push((self.now + WATCHDOG, subscription));
        }
    }

    fn watchdogs_bark(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.watchdogs.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, subscription) in due {
            let left = self.connections.get(&subscription).filter(|connection| !connection.up);
            if let Some(person) = left.and_then(|connection| connection.subscriber.xor(connection.publisher)) {
                self.queue.push_back((person, None, Input::Failed { subscription, error: socket_error() }));
            }
        }
    }

    fn serve(&mut self, who: usize, link: u32, command: Command) -> Result<Success, Error> {
        match command {
            Command::Join { session, .. } => return self.serve_join(who, link, session),
            Command::Leave => self.remove(who, LeaveReason::Quit),
            Command::Publish { stream } => {
                let streams = &mut self.members.get_mut(&who).expect("joined").streams;
                if streams.insert(stream.id.clone(), stream.clone()).is_none() {
                    self.tell_others(who, signal::Event::StreamAdded { stream });
                }
            }
            Command::Subscribe { subscription, stream, offer } => {
                let publisher = person(&stream.uid);
                if !self.members.get(&publisher).is_some_and(|member| member.streams.contains_key(&stream)) {
                    return Err(Error::new(Code::NoSuchRemoteStream, "No."));
                }
                self.routes.insert(subscription.clone(), (who, publisher));
                self.tell(publisher, signal::Event::Subscribe { subscription, subscriber: name(who), stream, offer });
            }
            Command::Keep { subscription, stream } => {
                let publisher = person(&stream.uid);
                if !self.members.get(&publisher).is_some_and(|member| member.streams.contains_key(&stream)) {
                    return Err(Error::new(Code::NoSuchRemoteStream, "No."));
                }
                if self.routes.insert(subscription.clone(), (who, publisher)).is_none() {
                    self.tell(publisher, signal::Event::Keep { subscription, subscriber: name(who), stream });
                }
            }
            Command::Answer { subscription, answer } => {
                self.relay(who, &subscription.clone(), signal::Event::Answer { subscription, answer })?
            }
            Command::Refuse { subscription, error } => {
                self.relay(who, &subscription.clone(), signal::Event::Refused { subscription, error })?
            }
            Command::Unsubscribe { subscription } => {
                self.relay(who, &subscription, signal::Event::Unsubscribe { subscription: subscription.clone() })?;
                self.routes.remove(&subscription);
            }
            Command::Candidate { .. }
            | Command::Want { .. }
            | Command::Carry { .. }
            | Command::Unpublish { .. }
            | Command::Mute { .. }
            | Command::SetName { .. }
            | Command::SetRole { .. }
            | Command::RenewToken { .. }
            | Command::Ping => {}
        }
        Ok(Success::Done {})
    }

    fn serve_join(&mut self, who: usize, link: u32, session: Option<SessionKey>) -> Result<Success, Error> {
        let resumed = match self.members.get_mut(&who) {
            Some(member) if Some(&member.session) == session.as_ref() => {
                member.link = Some(link);
                true
            }
            Some(_) => return Err(Error::new(Code::UidConflict, "Taken.")),
            None => {
                let session = format!("{:016x}", self.number()).parse().unwrap();
                let member = Known { session, link: Some(link), away_since: self.now, streams: BTreeMap::new() };
                self.members.insert(who, member);
                self.tell_others(who, signal::Event::PeerOnline { uid: name(who), name: None });
                false
            }
        };
        let others = self.members.iter().filter(|(other, _)| **other != who);
        let peers = others
            .map(|(other, member)| Peer { uid: name(*other), name: None, streams: member.streams.values().cloned().collect() })
            .collect();
        let session = self.members[&who].session.clone();
        Ok(Success::Joined(Box::new(Joined { uid: name(who), session, ..joined(peers, resumed) })))
    }

    fn relay(&mut self, from: usize, subscription: &SubscriptionId, event: signal::Event) -> Result<(), Error> {
        let (subscriber, publisher) = *self.routes.get(subscription).ok_or_else(|| Error::new(Code::NoSuchRemoteStream, "Over."))?;
        self.tell(if from == subscriber { publisher } else { subscriber }, event);
        Ok(())
    }

    /// What happens to somebody who is away is lost on them.
    fn tell(&mut self, who: usize, event: signal::Event) {
        if let Some(link) = self.members.get(&who).and_then(|member| member.link) {
            self.queue.push_back((who, Some(link), Input::Received(Incoming::Event(event))));
        }
    }

    fn tell_others(&mut self, who: usize, event: signal::Event) {
        for other in (0..PEOPLE).filter(|other| *other != who) {
            self.tell(other, event.clone());
        }
    }

    fn remove(&mut self, who: usize, reason: LeaveReason) {
        let Some(member) = self.members.remove(&who) else { return };
        self.routes.retain(|_, (subscriber, publisher)| *subscriber != who && *publisher != who);
        for stream in member.streams.into_keys() {
            self.tell_others(who, signal::Event::StreamRemoved { stream });
        }
        self.tell_others(who, signal::Event::PeerLeave { uid: name(who), reason });
    }

    fn service_notices_silence(&mut self) {
        let silent = |member: &Known| member.link.is_none() && member.away_since + SILENCE <= self.now;
        let gone: Vec<usize> = self.members.iter().filter(|(_, member)| silent(member)).map(|(who, _)| *who).collect();
        for who in gone {
            self.remove(who, LeaveReason::ServerTimeOut);
        }
    }

    fn unlink(&mut self, who: usize) {
        let link = self.links[who].take();
        if let Some(member) = self.members.get_mut(&who)
            && member.link.is_some()
            && member.link == link
        {
            (member.link, member.away_since) = (None, self.now);
        }
    }

    fn strike(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Link(person) => {
                let link = self.links[person];
                self.queue.push_back((person, link, Input::SignallingClosed { error: socket_error() }));
            }
            Trouble::Restart(ms) => {
                self.members.clear();
                self.routes.clear();
                self.away_until = Some(self.now + ms * MS);
                for person in 0..PEOPLE {
                    if let Some(link) = self.links[person] {
                        self.queue.push_back((person, Some(link), Input::SignallingClosed { error: socket_error() }));
                    }
                }
            }
            Trouble::Path(n) => {
                if let Some((subscription, connection)) = self.connections.iter_mut().filter(|(_, connection)| connection.up).nth(n) {
                    connection.up = false;
                    for person in [connection.subscriber, connection.publisher].into_iter().flatten() {
                        self.queue.push_back((person, None, Input::Disconnected { subscription: subscription.clone() }));
                    }
                }
            }
            Trouble::End(n, subscriber) => {
                if let Some((subscription, connection)) = self.connections.iter().nth(n) {
                    let end = if subscriber { connection.subscriber } else { connection.publisher };
                    self.queue.extend(
                        end.map(|person| (person, None, Input::Failed { subscription: subscription.clone(), error: socket_error() })),
                    );
                }
            }
            Trouble::Peace(ms) => self.pass(ms * MS),
        }
        self.settle();
    }

    /// Who receives whom.
    fn received(&self) -> Vec<(usize, usize)> {
        let mut pairs: Vec<_> = self
            .connections
            .values()
            .filter(|connection| connection.up)
            .filter_map(|connection| connection.subscriber.zip(connection.publisher))
            .collect();
        pairs.sort_unstable();
        pairs
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn everybody_receives_everybody_again(troubles in prop::collection::vec(trouble(), 0..40)) {
        let all = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];
        let mut world = World::new();
        world.begin();
        prop_assert_eq!(world.received(), all);
        for trouble in troubles {
            world.strike(trouble);
        }
        world.pass(Duration::from_secs(60));
        prop_assert!(world.sessions.iter().all(|session| session.connection_state() == ConnectionState::Connected));
        prop_assert_eq!(world.received(), all);
        prop_assert_eq!(world.connections.len(), all.len(), "no end of a connection is left over");
    }
}
