//! Any order of any inputs drains, and time alone always brings the machine further.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use signal::{Fallback, Layer, LeaveReason, MayPublish, Outcome, StreamType, Want};

use super::*;

/// What happens, in terms small enough to collide often. Subscriptions are named by their place among those seen.
#[derive(Clone, Debug)]
enum Step {
    Call(u8, u8),
    Signalling(u8),
    Reply(u32, u8),
    Event(u8, u8),
    Transport(u8, u8),
    Time(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..11u8, 1..4u8).prop_map(|(kind, n)| Step::Call(kind, n)),
        (0..4u8).prop_map(Step::Signalling),
        (0..6u32, 0..6u8).prop_map(|(back, kind)| Step::Reply(back, kind)),
        (0..19u8, 0..6u8).prop_map(|(kind, n)| Step::Event(kind, n)),
        (0..7u8, 0..6u8).prop_map(|(kind, n)| Step::Transport(kind, n)),
        (0..4000u16).prop_map(Step::Time),
    ]
}

/// Drives a session by steps and holds the invariants of its outputs.
struct Driver {
    bench: Bench,
    calls: u64,
    issued: BTreeSet<CallId>,
    answered: BTreeMap<CallId, u32>,
    last_request: u32,
    seen: Vec<SubscriptionId>,
    open: Vec<SubscriptionId>,
}

impl Driver {
    fn new(bench: Bench) -> Self {
        Self {
            bench,
            calls: 0,
            issued: BTreeSet::new(),
            answered: BTreeMap::new(),
            last_request: 0,
            seen: (0..3).map(subscription).collect(),
            open: Vec::new(),
        }
    }

    fn id(&self, n: u8) -> SubscriptionId {
        self.seen[self.seen.len() - 1 - usize::from(n) % self.seen.len()].clone()
    }

    fn give(&mut self, input: Input) {
        self.issued.extend(input.call());
        let out = self.bench.give(input);
        for output in out {
            match output {
                Output::Send(request) => self.last_request = request.id,
                Output::Reply { call, .. } => *self.answered.entry(call).or_default() += 1,
                Output::CreateOffer { subscription, .. } | Output::AcceptOffer { subscription, .. } => {
                    assert!(!self.open.contains(&subscription), "a connection is made once");
                    self.open.push(subscription.clone());
                    self.seen.push(subscription);
                }
                Output::SetAnswer { subscription, .. }
                | Output::AddCandidate { subscription, .. }
                | Output::RestartIce { subscription }
                | Output::CheckPath { subscription }
                | Output::Want { subscription, .. }
                | Output::AcceptRestart { subscription, .. } => assert!(self.open.contains(&subscription), "orders go to open connections"),
                Output::ClosePeer { subscription } => {
                    assert!(self.open.contains(&subscription), "a connection is closed once");
                    self.open.retain(|open| *open != subscription);
                }
                Output::OpenSignalling
                | Output::CloseSignalling
                | Output::EndSubscription { .. }
                | Output::EndPublication { .. }
                | Output::UseIceServers(_)
                | Output::Event(_) => {}
                Output::Timeout(_) => unreachable!("drained"),
            }
        }
        if self.bench.state() == ConnectionState::Disconnected {
            assert!(self.open.is_empty(), "nothing outlives the membership");
        }
    }

    fn take(&mut self, step: Step) {
        let input = match step {
            Step::Call(kind, n) => {
                let call = CallId(self.calls);
                self.calls += 1;
                self.call(kind, n, call)
            }
            Step::Signalling(0) => Input::SignallingOpened,
            Step::Signalling(1) => Input::SignallingFailed { error: socket_error() },
            Step::Signalling(2) => Input::NetworkChanged,
            Step::Signalling(_) => Input::SignallingClosed { error: socket_error() },
            Step::Reply(back, kind) => {
                Input::Received(Incoming::Reply(Reply { id: self.last_request.saturating_sub(back), result: outcome(kind) }))
            }
            Step::Event(kind, n) => Input::Received(Incoming::Event(self.event(kind, n))),
            Step::Transport(kind, n) => self.transport(kind, n),
            Step::Time(ms) => return self.pass(u32::from(ms) * MS),
        };
        self.give(input);
    }

    fn call(&self, kind: u8, n: u8, call: CallId) -> Input {
        match kind {
            0 => Input::Join { call, join: Box::new(join()) },
            1 if n == 1 => Input::Leave { call },
            1 | 2 => Input::Subscribe { call, stream: camera(n.into()), audio: true, video: n != 2 },
            3 => Input::Unsubscribe { call, stream: camera(n.into()) },
            4 => Input::Publish { call, stream: own(StreamSource::Camera) },
            5 if n == 1 => Input::Unpublish { call, source: StreamSource::Camera },
            6 => Input::SetRole { call, role: if n == 1 { Role::Audience } else { Role::Host } },
            9 => Input::SetName { call, name: signal::Name::clean("Ana") },
            7 => Input::RenewToken { call, token: n.to_string() },
            8 => Input::Want {
                call,
                stream: camera(n.into()),
                stream_type: (n == 1).then_some(StreamType::Low),
                fallback: Some(Fallback::Sound),
            },
            _ => Input::StreamChanged { stream: PublishedStream { audio_muted: n == 1, video: n == 2, ..own(StreamSource::Camera) } },
        }
    }

    fn event(&self, kind: u8, n: u8) -> signal::Event {
        let subscription = self.id(n);
        let error = Error::new(Code::NoSuchRemoteStream, "No.");
        let n = u32::from(n % 3) + 1;
        match kind {
            0 => signal::Event::PeerOnline { uid: uid(n), name: signal::Name::clean(["", "Ana"][n as usize % 2]) },
            1 => signal::Event::PeerLeave { uid: uid(n), reason: LeaveReason::Quit },
            2 | 3 => signal::Event::StreamAdded { stream: info(n) },
            4 => signal::Event::StreamUpdated { stream: StreamInfo { video: false, ..info(n) } },
            5 => signal::Event::StreamRemoved { stream: camera(n) },
            6 | 7 => signal::Event::Subscribe { subscription, subscriber: uid(n), stream: camera(1), offer: sdp("offer") },
            8 => signal::Event::Answer { subscription, answer: sdp("answer") },
            9 => signal::Event::Refused { subscription, error },
            10 => signal::Event::Candidate { subscription, candidate: candidate("theirs") },
            11 => signal::Event::Unsubscribe { subscription },
            12 => signal::Event::RoleChanged { role: if n == 1 { Role::Audience } else { Role::Host } },
            13 => signal::Event::MayPublishChanged { may_publish: MayPublish { audio: n == 1, video: n == 2 }, error: Some(error) },
            14 => signal::Event::TokenWillExpire { ms: 30_000 },
            15 => signal::Event::Want { subscription, want: Want::default() },
            16 => signal::Event::Carry { subscription, layer: if n == 1 { Layer::Sound } else { Layer::Low } },
            17 => signal::Event::Keep { subscription, subscriber: uid(2), stream: camera(1) },
            _ if n == 2 => signal::Event::IceServers { ice_servers: vec![] },
            _ if n == 1 => signal::Event::Removed { error },
            _ => signal::Event::Draining,
        }
    }

    fn transport(&self, kind: u8, n: u8) -> Input {
        let subscription = self.id(n);
        match kind {
            0 => Input::OfferReady { subscription, offer: sdp("offer") },
            1 => Input::AnswerReady { subscription, answer: sdp("answer") },
            2 => Input::Candidate { subscription, candidate: candidate("own") },
            3 => Input::Connected { subscription },
            4 => Input::Disconnected { subscription },
            5 => Input::Carries { subscription, layer: Layer::Low },
            _ => Input::Failed { subscription, error: socket_error() },
        }
    }

    /// Time passes, and each timeout leads to a later one.
    fn pass(&mut self, duration: Duration) {
        let end = self.bench.now + duration;
        loop {
            let Output::Timeout(at) = self.bench.session.poll_output() else { panic!("drained before") };
            if at > end {
                break;
            }
            self.bench.now = at.max(self.bench.now);
            let now = self.bench.now;
            self.give(Input::TimePassed);
            let Output::Timeout(next) = self.bench.session.poll_output() else { panic!("drained before") };
            assert!(next > now, "a timeout that changes nothing would spin");
        }
        self.bench.now = end;
    }
}

fn outcome(kind: u8) -> Outcome {
    let joined = |resumed| Outcome::Ok(Success::Joined(Box::new(joined(vec![peer(2)], resumed))));
    match kind {
        0 | 1 => joined(true),
        2 => joined(false),
        3 | 4 => Outcome::Ok(Success::Done {}),
        _ => Outcome::Error(Error::new(Code::UidConflict, "Taken.")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_of_inputs_drains_and_answers_each_call_once(online: bool, live: bool, steps in prop::collection::vec(step(), 0..200)) {
        let mut driver = Driver::new(match (online, live) {
            (true, true) => Bench::online_as(Join { mode: Mode::Live, ..join() }, Joined { role: Role::Audience, ..joined(vec![peer(2)], false) }),
            (true, false) => Bench::online(vec![peer(2)]),
            (false, _) => Bench::new(),
        });
        for step in steps {
            driver.take(step);
        }
        // Whatever happened, a leave ends it.
        driver.give(Input::Leave { call: CallId(u64::MAX) });
        driver.pass(2_000 * MS);
        prop_assert_eq!(driver.bench.state(), ConnectionState::Disconnected);
        prop_assert!(driver.answered.values().all(|count| *count == 1));
        prop_assert!(driver.answered.keys().eq(&driver.issued));
    }
}
