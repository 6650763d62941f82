//! The machine driven step by step, by the words of its edges.

mod rules;

use signal::{
    Command::{Answer, Candidate, Carry, Keep, Leave, Mute, Ping, Publish, Refuse, SetName, Subscribe, Unpublish, Unsubscribe, Want},
    Layer, Role, StreamId, StreamInfo,
};

use super::*;
use crate::grant::Lease;

const SILENCE: Duration = Duration::from_secs(8);

/// A channel, a clock that only moves when told, and what each connection has been sent and not yet read.
struct Bench {
    channel: Channel,
    now: Instant,
    closed: Vec<(u64, Parting)>,
    inboxes: HashMap<u64, Vec<Incoming>>,
}

fn bench() -> Bench {
    bench_with(Limits::default())
}

fn bench_with(limits: Limits) -> Bench {
    Bench { channel: Channel::new(limits, SILENCE), now: Instant::now(), closed: Vec::new(), inboxes: HashMap::new() }
}

fn number(uid: u32) -> Uid {
    Uid::number(uid).unwrap()
}

fn camera(uid: u32) -> StreamInfo {
    StreamInfo { id: StreamId::camera(number(uid)), audio: true, video: true, audio_muted: false, video_muted: false }
}

fn online(uid: u32) -> Event {
    Event::PeerOnline { uid: number(uid), name: None }
}

fn key(n: u32) -> SubscriptionId {
    format!("{n:016x}").parse().unwrap()
}

fn sdp(text: &str) -> signal::Sdp {
    text.to_owned().try_into().unwrap()
}

fn candidate(text: &str) -> signal::Candidate {
    signal::Candidate { candidate: text.into(), sdp_mid: None, sdp_mline_index: None, username_fragment: None }
}

fn join(connection: u64, uid: Option<Uid>) -> Join {
    Join {
        connection: ConnectionId(connection),
        id: 1,
        peer: [192, 0, 2, u8::try_from(connection).unwrap_or(0)].into(),
        uid,
        mode: Mode::Rtc,
        session: None,
        name: None,
        grant: Grant::ALL,
        ice: Handout::new(&crate::Config::default()),
        fresh_session: format!("{connection:016x}").parse().unwrap(),
        fresh_uid: 1000,
    }
}

impl Bench {
    fn input(&mut self, input: Input) {
        for output in self.channel.handle(input, self.now) {
            match output {
                Output::Send { to, message } => to.iter().for_each(|to| self.inboxes.entry(to.0).or_default().push(message.clone())),
                Output::Close { connection, why } => self.closed.push((connection.0, why)),
            }
        }
    }

    fn try_join(&mut self, join: Join) -> Result<Joined, Code> {
        let connection = join.connection.0;
        self.input(Input::Join(join));
        match self.answer(connection)? {
            Success::Joined(joined) => Ok(*joined),
            Success::Done {} => panic!("a join is answered by what was joined"),
        }
    }

    /// Connection `uid` joins with that uid.
    fn enter(&mut self, uid: u32) -> Joined {
        self.try_join(join(uid.into(), Some(number(uid)))).unwrap()
    }

    fn command(&mut self, connection: u64, command: Command) -> Result<(), Code> {
        self.input(Input::Request { connection: ConnectionId(connection), id: 1, command });
        self.answer(connection).map(|_| ())
    }

    /// Takes the one reply out of a connection's inbox.
    fn answer(&mut self, connection: u64) -> Result<Success, Code> {
        let inbox = self.inboxes.entry(connection).or_default();
        let at = inbox.iter().position(|message| matches!(message, Incoming::Reply(_))).expect("each request is answered");
        match inbox.remove(at) {
            Incoming::Reply(reply) => reply.into_result().map_err(|error| error.code),
            Incoming::Event(_) => unreachable!("the position is a reply's"),
        }
    }

    fn events(&mut self, connection: u64) -> Vec<Event> {
        let inbox = std::mem::take(self.inboxes.entry(connection).or_default());
        inbox
            .into_iter()
            .map(|message| match message {
                Incoming::Event(event) => event,
                Incoming::Reply(reply) => panic!("nobody asked for {reply:?}"),
            })
            .collect()
    }

    fn forget_events(&mut self) {
        self.inboxes.clear();
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.input(Input::Tick);
    }

    /// 1 publishes a camera, 2 subscribes to it as subscription 1, and both know.
    fn subscribed() -> Self {
        let mut bench = bench();
        bench.enter(1);
        bench.enter(2);
        bench.command(1, Publish { stream: camera(1) }).unwrap();
        bench.command(2, Subscribe { subscription: key(1), stream: camera(1).id, offer: sdp("offer") }).unwrap();
        bench.forget_events();
        bench
    }
}

#[test]
fn absent_join_here() {
    let mut bench = bench();
    let first = bench.enter(1);
    assert_eq!((first.uid, first.role, first.peers, first.resumed), (number(1), Role::Host, vec![], false));
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    let second = bench.enter(2);
    assert_eq!(second.peers, [Peer { uid: number(1), name: None, streams: vec![camera(1)] }]);
    assert_eq!(bench.events(1), [online(2)]);
    assert_eq!(bench.events(2), []);
}

#[test]
fn who_asks_for_no_uid_gets_a_free_one_of_the_channels_kind() {
    let mut bench = bench();
    assert_eq!(bench.try_join(join(1, None)).unwrap().uid, number(1000));
    assert_eq!(bench.try_join(join(2, None)).unwrap().uid, number(1001));
    let last = Join { fresh_uid: u32::MAX, ..join(3, None) };
    assert_eq!(bench.try_join(last.clone()).unwrap().uid, number(u32::MAX));
    assert_eq!(bench.try_join(Join { connection: ConnectionId(4), ..last }).unwrap().uid, number(1));

    let mut accounts = bench_with(Limits::default());
    accounts.try_join(join(1, Some(Uid::account("ann").unwrap()))).unwrap();
    assert_eq!(accounts.try_join(join(2, None)).unwrap().uid, Uid::Account("1000".into()));
}

#[test]
fn a_taken_uid_and_one_of_the_other_kind_conflict() {
    let mut bench = bench();
    bench.enter(1);
    assert_eq!(bench.try_join(join(2, Some(number(1)))), Err(Code::UidConflict));
    assert_eq!(bench.try_join(join(2, Some(Uid::account("1").unwrap()))), Err(Code::UidConflict));
    assert_eq!(bench.events(1), []);
}

#[test]
fn a_full_channel_takes_nobody_but_lets_its_members_return() {
    let mut bench = bench_with(Limits { members: 1, ..Limits::default() });
    let session = bench.enter(1).session;
    assert_eq!(bench.try_join(join(2, None)), Err(Code::TooManyUsers));
    assert!(bench.try_join(Join { session: Some(session), ..join(3, None) }).unwrap().resumed);
}

#[test]
fn the_longest_list_of_people_fits_into_a_message() {
    let mut bench = bench_with(Limits { members: 10_000, ..Limits::default() });
    let mut count = 0;
    let full = loop {
        let uid = Uid::account(&format!("{count:03}{}", "\"".repeat(252))).unwrap();
        if let Err(code) = bench.try_join(join(count, Some(uid.clone()))) {
            break code;
        }
        bench.command(count, SetName { name: Name::clean(&"\"😀\\".repeat(21)) }).unwrap();
        bench.command(count, SetName { name: Name::clean(&"😀".repeat(64)) }).unwrap();
        for source in [StreamSource::Camera, StreamSource::Screen] {
            let id = StreamId { uid: uid.clone(), source };
            bench.command(count, Publish { stream: StreamInfo { id, ..camera(1) } }).unwrap();
        }
        count += 1;
    };
    assert_eq!(full, Code::TooManyUsers);
    let session = Some(format!("{:016x}", 0).parse().unwrap());
    let answer = bench.try_join(Join { session, ..join(count + 1, None) }).unwrap();
    assert_eq!(answer.peers.len(), (count - 1) as usize);
    let length = serde_json::to_string(&Incoming::Reply(Reply::new(u32::MAX, Ok(Success::Joined(Box::new(answer)))))).unwrap().len();
    assert!((signal::MAX_MESSAGE / 2..signal::MAX_MESSAGE).contains(&length), "{length} bytes for {count} people");
}

#[test]
fn a_connection_joins_once_and_does_nothing_before() {
    let mut bench = bench();
    assert_eq!(bench.command(1, Publish { stream: camera(1) }), Err(Code::InvalidOperation));
    bench.enter(1);
    assert_eq!(bench.try_join(join(1, None)), Err(Code::RepeatJoin));
}

#[test]
fn away_join_with_its_session_here() {
    let mut bench = bench();
    let session = bench.enter(1).session;
    bench.enter(2);
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.forget_events();
    bench.input(Input::Disconnected { connection: ConnectionId(1) });
    bench.wait(SILENCE / 2);
    let again = bench.try_join(Join { session: Some(session.clone()), ..join(3, Some(number(1))) }).unwrap();
    assert_eq!((again.uid, again.session, again.resumed), (number(1), session, true));
    bench.command(3, Mute { stream: camera(1).id, audio: true, video: false }).unwrap();
    let muted = StreamInfo { audio_muted: true, ..camera(1) };
    let back = online(1);
    assert_eq!(bench.events(2), [back, Event::StreamUpdated { stream: muted }], "the others saw nothing of the break but its end");
    bench.wait(SILENCE / 2);
    assert_eq!(bench.events(2), []);
}

#[test]
fn here_join_with_its_session_replaces_the_older_connection() {
    let mut bench = bench();
    let session = bench.enter(1).session;
    bench.enter(2);
    bench.forget_events();
    assert!(bench.try_join(Join { session: Some(session), ..join(3, None) }).unwrap().resumed);
    assert!(matches!(&bench.events(1)[..], [Event::Removed { error }] if error.code == Code::UidConflict));
    assert_eq!(bench.closed, [(1, Parting::Replaced)]);
    bench.input(Input::Disconnected { connection: ConnectionId(1) });
    assert_eq!(bench.command(3, Ping), Ok(()), "the end of the older connection is not the newer one's");
    assert_eq!(bench.events(2), [online(1)]);
}

#[test]
fn an_unknown_session_is_a_new_membership() {
    let mut bench = bench();
    let joined = bench.try_join(Join { session: Some("ffffffffffffffff".parse().unwrap()), ..join(1, Some(number(7))) }).unwrap();
    assert_eq!((joined.uid, joined.resumed), (number(7), false));
    let stolen = bench.try_join(Join { session: Some("ffffffffffffffff".parse().unwrap()), ..join(2, Some(number(7))) });
    assert_eq!(stolen, Err(Code::UidConflict));
}

#[test]
fn here_leave_absent() {
    let mut bench = Bench::subscribed();
    bench.command(1, Leave).unwrap();
    let removed = Event::StreamRemoved { stream: camera(1).id };
    let left = Event::PeerLeave { uid: number(1), reason: LeaveReason::Quit };
    assert_eq!(bench.events(2), [Event::Unsubscribe { subscription: key(1) }, removed, left]);
    assert_eq!(bench.command(1, Ping), Err(Code::InvalidOperation));
    assert!(!bench.enter(1).resumed);
    bench.command(1, Leave).unwrap();
    bench.command(2, Leave).unwrap();
    assert!(bench.channel.is_empty());
}

#[test]
fn here_silent_for_too_long_absent() {
    let mut bench = Bench::subscribed();
    bench.wait(SILENCE - Duration::from_millis(1));
    assert_eq!(bench.events(2), []);
    bench.command(2, Ping).unwrap();
    bench.wait(Duration::from_millis(1));
    let removed = Event::StreamRemoved { stream: camera(1).id };
    let left = Event::PeerLeave { uid: number(1), reason: LeaveReason::ServerTimeOut };
    assert_eq!(bench.events(2), [Event::Unsubscribe { subscription: key(1) }, removed, left]);
    assert_eq!(bench.closed, [(1, Parting::Silent)]);
}

#[test]
fn away_for_too_long_absent() {
    let mut bench = bench();
    bench.enter(1);
    bench.enter(2);
    bench.forget_events();
    bench.input(Input::Disconnected { connection: ConnectionId(1) });
    bench.now += SILENCE;
    bench.command(2, Ping).unwrap();
    bench.input(Input::Tick);
    assert_eq!(bench.events(2), [Event::PeerLeave { uid: number(1), reason: LeaveReason::ServerTimeOut }]);
    assert_eq!(bench.closed, []);
}

#[test]
fn publishing_again_updates() {
    let mut bench = bench();
    bench.enter(1);
    bench.enter(2);
    bench.forget_events();
    let sound = StreamInfo { video: false, ..camera(1) };
    for stream in [camera(1), camera(1), sound.clone()] {
        bench.command(1, Publish { stream }).unwrap();
    }
    assert_eq!(bench.events(2), [Event::StreamAdded { stream: camera(1) }, Event::StreamUpdated { stream: sound }]);
}

#[test]
fn nobody_publishes_mutes_or_unpublishes_as_another() {
    let mut bench = Bench::subscribed();
    assert_eq!(bench.command(2, Publish { stream: camera(1) }), Err(Code::InvalidLocalStream));
    assert_eq!(bench.command(2, Mute { stream: camera(1).id, audio: true, video: true }), Err(Code::InvalidLocalStream));
    assert_eq!(bench.command(2, Unpublish { stream: camera(1).id }), Err(Code::InvalidLocalStream));
    assert_eq!(bench.events(1), []);
}

#[test]
fn what_is_not_published_is_neither_muted_nor_unpublished() {
    let mut bench = bench();
    bench.enter(1);
    assert_eq!(bench.command(1, Mute { stream: camera(1).id, audio: true, video: true }), Err(Code::StreamNotYetPublished));
    assert_eq!(bench.command(1, Unpublish { stream: camera(1).id }), Err(Code::StreamNotYetPublished));
}

#[test]
fn a_grant_without_publishing_refuses_it() {
    let mut bench = bench();
    let grant = Grant::of_token(bench.now + SILENCE, Lease::Always, Lease::Never);
    bench.try_join(Join { grant, ..join(1, Some(number(1))) }).unwrap();
    assert_eq!(bench.command(1, Publish { stream: camera(1) }), Err(Code::NoAuthorized));
    assert_eq!(bench.command(1, Publish { stream: StreamInfo { video: false, ..camera(1) } }), Ok(()));
}

#[test]
fn unpublishing_ends_the_subscriptions_of_the_stream() {
    let mut bench = Bench::subscribed();
    bench.command(1, Unpublish { stream: camera(1).id }).unwrap();
    assert_eq!(bench.events(2), [Event::Unsubscribe { subscription: key(1) }, Event::StreamRemoved { stream: camera(1).id }]);
    assert_eq!(bench.command(2, Unsubscribe { subscription: key(1) }), Err(Code::NoSuchRemoteStream));
}

#[test]
fn a_subscription_is_relayed_between_its_ends() {
    let mut bench = Bench::subscribed();
    bench.enter(3);
    bench.forget_events();
    bench.command(1, Answer { subscription: key(1), answer: sdp("answer") }).unwrap();
    bench.command(1, Candidate { subscription: key(1), candidate: candidate("from 1") }).unwrap();
    bench.command(2, Candidate { subscription: key(1), candidate: candidate("from 2") }).unwrap();
    bench.command(2, Subscribe { subscription: key(1), stream: camera(1).id, offer: sdp("restart") }).unwrap();
    bench.command(1, Carry { subscription: key(1), layer: Layer::Low }).unwrap();
    bench.command(2, Want { subscription: key(1), want: signal::Want::default() }).unwrap();
    let to_2 = [
        Event::Answer { subscription: key(1), answer: sdp("answer") },
        Event::Candidate { subscription: key(1), candidate: candidate("from 1") },
        Event::Carry { subscription: key(1), layer: Layer::Low },
    ];
    assert_eq!(bench.events(2), to_2);
    let to_1 = [
        Event::Candidate { subscription: key(1), candidate: candidate("from 2") },
        Event::Subscribe { subscription: key(1), subscriber: number(2), stream: camera(1).id, offer: sdp("restart") },
        Event::Want { subscription: key(1), want: signal::Want::default() },
    ];
    assert_eq!(bench.events(1), to_1);
    assert_eq!(bench.events(3), []);
}

#[test]
fn a_subscription_that_was_forgotten_is_kept_by_its_subscriber() {
    let mut bench = bench();
    (1..4).for_each(|uid| drop(bench.enter(uid)));
    let keep = || Keep { subscription: key(1), stream: camera(1).id };
    assert_eq!(bench.command(2, keep()), Err(Code::NoSuchRemoteStream), "the publisher is not back");
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.forget_events();
    bench.command(2, keep()).unwrap();
    bench.command(2, keep()).unwrap();
    let kept = Event::Keep { subscription: key(1), subscriber: number(2), stream: camera(1).id };
    assert_eq!(bench.events(1), [kept], "it is told once");
    assert_eq!(bench.command(3, keep()), Err(Code::InvalidParameter), "it is somebody else's");
    assert_eq!(bench.command(1, keep()), Err(Code::InvalidRemoteStream), "it is one's own");
    bench.command(1, Carry { subscription: key(1), layer: Layer::Low }).unwrap();
    assert_eq!(bench.events(2), [Event::Carry { subscription: key(1), layer: Layer::Low }]);
}

#[test]
fn strangers_to_a_subscription_learn_and_change_nothing() {
    let mut bench = Bench::subscribed();
    bench.enter(3);
    bench.command(3, Publish { stream: camera(3) }).unwrap();
    bench.forget_events();
    let (subscription, error) = (key(1), Error::new(Code::NotSupported, ""));
    let commands = [
        Answer { subscription: subscription.clone(), answer: sdp("") },
        Refuse { subscription: subscription.clone(), error: error.clone() },
        Candidate { subscription: subscription.clone(), candidate: candidate("") },
        Unsubscribe { subscription: subscription.clone() },
        Want { subscription: subscription.clone(), want: signal::Want::default() },
        Carry { subscription: subscription.clone(), layer: Layer::Sound },
    ];
    for command in commands {
        assert_eq!(bench.command(3, command), Err(Code::NoSuchRemoteStream));
    }
    assert_eq!(
        bench.command(2, Answer { subscription: subscription.clone(), answer: sdp("") }),
        Err(Code::NoSuchRemoteStream),
        "only the publisher answers"
    );
    assert_eq!(
        bench.command(2, Refuse { subscription: subscription.clone(), error }),
        Err(Code::NoSuchRemoteStream),
        "only the publisher refuses"
    );
    let carry = Carry { subscription: subscription.clone(), layer: Layer::Sound };
    assert_eq!(bench.command(2, carry), Err(Code::NoSuchRemoteStream), "only the publisher knows");
    let want = Want { subscription: subscription.clone(), want: signal::Want::default() };
    assert_eq!(bench.command(1, want), Err(Code::NoSuchRemoteStream), "only the subscriber wants");
    let again = |stream| Subscribe { subscription: subscription.clone(), stream, offer: sdp("") };
    assert_eq!(bench.command(3, again(camera(1).id)), Err(Code::InvalidParameter));
    assert_eq!(bench.command(2, again(camera(3).id)), Err(Code::InvalidParameter));
    assert_eq!((bench.events(1), bench.events(2)), (vec![], vec![]));
}

#[test]
fn a_stream_that_is_not_there_and_ones_own_are_not_subscribed_to() {
    let mut bench = Bench::subscribed();
    let subscribe = |stream| Subscribe { subscription: key(2), stream, offer: sdp("") };
    assert_eq!(bench.command(2, subscribe(camera(9).id)), Err(Code::NoSuchRemoteStream));
    assert_eq!(bench.command(2, subscribe(StreamId { source: StreamSource::Screen, ..camera(1).id })), Err(Code::NoSuchRemoteStream));
    assert_eq!(bench.command(1, subscribe(camera(1).id)), Err(Code::InvalidRemoteStream));
}

#[test]
fn refusing_and_unsubscribing_end_a_subscription() {
    let error = Error::new(Code::PeerConnectionFailed, "No.");
    let mut bench = Bench::subscribed();
    bench.command(1, Refuse { subscription: key(1), error: error.clone() }).unwrap();
    assert_eq!(bench.events(2), [Event::Refused { subscription: key(1), error }]);
    assert!(bench.channel.subscriptions.is_empty());
    for (ender, other) in [(1, 2), (2, 1)] {
        let mut bench = Bench::subscribed();
        bench.command(ender, Unsubscribe { subscription: key(1) }).unwrap();
        assert_eq!(bench.events(other), [Event::Unsubscribe { subscription: key(1) }]);
        assert!(bench.channel.subscriptions.is_empty());
    }
}

#[test]
fn a_member_holds_so_many_subscriptions_and_no_more() {
    let mut bench = bench_with(Limits { subscriptions: 2, ..Limits::default() });
    bench.enter(1);
    bench.enter(2);
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    let mut subscribe = |n| bench.command(2, Subscribe { subscription: key(n), stream: camera(1).id, offer: sdp("") });
    assert_eq!([1, 2, 3, 2].map(&mut subscribe), [Ok(()), Ok(()), Err(Code::SubscribeStreamFailed), Ok(())]);
}

#[test]
fn an_offer_waits_for_a_publisher_who_is_away() {
    let mut bench = bench();
    let session = bench.enter(1).session;
    bench.enter(2);
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.input(Input::Disconnected { connection: ConnectionId(1) });
    bench.command(2, Subscribe { subscription: key(1), stream: camera(1).id, offer: sdp("offer") }).unwrap();
    bench.try_join(Join { session: Some(session), ..join(3, None) }).unwrap();
    let waited = Event::Subscribe { subscription: key(1), subscriber: number(2), stream: camera(1).id, offer: sdp("offer") };
    assert_eq!(bench.events(3), [waited]);
}
