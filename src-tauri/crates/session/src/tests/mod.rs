//! Transcripts: a session driven input by input, its outputs compared edge by edge.

mod any_order;
mod join;
mod layers;
mod leave;
mod names;
mod publish;
mod reconnect;
mod recovery;
mod restart;
mod standing;
mod subscribe;

use std::time::{Duration, Instant};

use signal::{
    Candidate, Code, Command, Error, Incoming, Joined, Media, Mode, Peer, Reply, Request, Role, Sdp, SessionKey, StreamId, StreamInfo,
    StreamSource, SubscriptionId, Success, Uid,
};

use crate::{Answer, CallId, Config, ConnectionState, Event, Input, Join, Output, PublishedStream, Session};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const CALL: CallId = CallId(100);

/// A session and its clock.
pub(crate) struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { session: Session::new(Config { seed: 1 }, now), now }
    }

    /// In the channel as uid 1, together with `peers`.
    pub fn online(peers: Vec<Peer>) -> Self {
        Self::online_as(join(), joined(peers, false))
    }

    pub fn online_as(join: Join, joined: Joined) -> Self {
        let mut bench = Self::new();
        bench.give(Input::Join { call: CallId(0), join: Box::new(join) });
        bench.give(Input::SignallingOpened);
        bench.give(reply(1, Ok(Success::Joined(Box::new(joined)))));
        assert_eq!(bench.state(), ConnectionState::Connected);
        bench
    }

    /// The same, with a subscription to uid 2's camera that is connected.
    pub fn subscribed() -> (Self, SubscriptionId) {
        let mut bench = Self::online(vec![peer(2)]);
        let id = bench.ask_for(camera(2));
        bench.give(Input::Received(Incoming::Event(signal::Event::Answer { subscription: id.clone(), answer: sdp("answer") })));
        let out = bench.give(Input::Connected { subscription: id.clone() });
        assert!(out.contains(&Output::Reply { call: CALL, result: Ok(Answer::Done) }), "{out:?}");
        (bench, id)
    }

    /// Subscribes up to the offer's way to the service.
    pub fn ask_for(&mut self, stream: StreamId) -> SubscriptionId {
        let out = self.give(Input::Subscribe { call: CALL, stream, audio: true, video: true });
        let id = offered(&out).expect("an offer is ordered");
        self.give(Input::OfferReady { subscription: id.clone(), offer: sdp("offer") });
        id
    }

    /// The same session with a camera published.
    pub fn publishing(peers: Vec<Peer>) -> Self {
        let mut bench = Self::online(peers);
        let out = bench.give(Input::Publish { call: CALL, stream: own(StreamSource::Camera) });
        bench.confirm(&out);
        bench
    }

    pub fn give(&mut self, input: Input) -> Vec<Output> {
        self.session.handle_input(input, self.now);
        self.drain()
    }

    pub fn event(&mut self, event: signal::Event) -> Vec<Output> {
        self.give(Input::Received(Incoming::Event(event)))
    }

    /// Answers every request among `outputs` that has a reply, with success.
    pub fn confirm(&mut self, outputs: &[Output]) -> Vec<Output> {
        requests(outputs).flat_map(|request| self.give(reply(request.id, Ok(Success::Done {})))).collect()
    }

    /// Lets time pass, from timeout to timeout; the service answers no ping but is not silent.
    pub fn wait(&mut self, duration: Duration) -> Vec<Output> {
        let end = self.now + duration;
        let mut all = Vec::new();
        loop {
            let Output::Timeout(at) = self.session.poll_output() else { panic!("drained before") };
            if at > end {
                self.now = end;
                return all;
            }
            self.now = at.max(self.now);
            all.extend(self.give(Input::TimePassed));
            if self.state() == ConnectionState::Connected {
                all.extend(self.give(reply(0, Ok(Success::Done {}))));
            }
        }
    }

    /// The same, with a service that says nothing.
    pub fn wait_in_silence(&mut self, duration: Duration) -> Vec<Output> {
        let end = self.now + duration;
        let mut all = Vec::new();
        loop {
            let Output::Timeout(at) = self.session.poll_output() else { panic!("drained before") };
            if at > end {
                self.now = end;
                return all;
            }
            self.now = at.max(self.now);
            all.extend(self.give(Input::TimePassed));
        }
    }

    /// Loses the connection and gets a new one to the point where the join is asked.
    pub fn lose_and_reopen(&mut self) -> Vec<Output> {
        let mut all = self.give(Input::SignallingClosed { error: socket_error() });
        all.extend(self.wait(200 * MS));
        assert!(all.contains(&Output::OpenSignalling), "{all:?}");
        all.extend(self.give(Input::SignallingOpened));
        all
    }

    pub fn rejoin(&mut self, peers: Vec<Peer>, resumed: bool) -> Vec<Output> {
        self.give(reply(1, Ok(Success::Joined(Box::new(joined(peers, resumed))))))
    }

    pub fn state(&self) -> ConnectionState {
        self.session.connection_state()
    }

    fn drain(&mut self) -> Vec<Output> {
        let mut all = Vec::new();
        loop {
            match self.session.poll_output() {
                Output::Timeout(_) => return all,
                output => all.push(output),
            }
        }
    }
}

pub(crate) fn uid(n: u32) -> Uid {
    Uid::number(n).unwrap()
}

pub(crate) fn camera(n: u32) -> StreamId {
    StreamId::camera(uid(n))
}

pub(crate) fn info(n: u32) -> StreamInfo {
    StreamInfo { id: camera(n), audio: true, video: true, audio_muted: false, video_muted: false }
}

pub(crate) fn peer(n: u32) -> Peer {
    Peer { uid: uid(n), name: None, streams: vec![info(n)] }
}

pub(crate) fn own(source: StreamSource) -> PublishedStream {
    PublishedStream { source, audio: true, video: true, audio_muted: false, video_muted: false }
}

pub(crate) fn session_key() -> SessionKey {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

pub(crate) fn join() -> Join {
    Join {
        app_id: "970CA35de60c44645bbae8a215061b33".parse().unwrap(),
        channel: "demo".parse().unwrap(),
        token: None,
        uid: Some(uid(1)),
        mode: Mode::Rtc,
        name: None,
    }
}

pub(crate) fn joined(peers: Vec<Peer>, resumed: bool) -> Joined {
    Joined {
        uid: uid(1),
        session: session_key(),
        role: Role::Host,
        peers,
        media: Media::Mesh,
        ice_servers: vec![],
        resumed,
        may_publish: signal::MayPublish::ALL,
    }
}

pub(crate) fn sdp(text: &str) -> Sdp {
    Sdp::try_from(text.to_owned()).unwrap()
}

pub(crate) fn candidate(line: &str) -> Candidate {
    Candidate { candidate: line.into(), sdp_mid: Some("0".into()), sdp_mline_index: Some(0), username_fragment: None }
}

pub(crate) fn subscription(n: u64) -> SubscriptionId {
    format!("{n:016x}").parse().unwrap()
}

pub(crate) fn socket_error() -> Error {
    Error::new(Code::SocketError, "The connection broke.")
}

pub(crate) fn reply(id: u32, result: Result<Success, Error>) -> Input {
    Input::Received(Incoming::Reply(Reply::new(id, result)))
}

pub(crate) fn refusal(id: u32, code: Code) -> Input {
    reply(id, Err(Error::new(code, "No.")))
}

pub(crate) fn requests(outputs: &[Output]) -> impl Iterator<Item = &Request> {
    outputs.iter().filter_map(|output| match output {
        Output::Send(request) => Some(request),
        _ => None,
    })
}

pub(crate) fn commands(outputs: &[Output]) -> Vec<&Command> {
    requests(outputs).map(|request| &request.command).collect()
}

pub(crate) fn events(outputs: &[Output]) -> Vec<&Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// The subscription of the first `CreateOffer`.
pub(crate) fn offered(outputs: &[Output]) -> Option<SubscriptionId> {
    outputs.iter().find_map(|output| match output {
        Output::CreateOffer { subscription, .. } => Some(subscription.clone()),
        _ => None,
    })
}

/// How `call` was answered.
pub(crate) fn answer(outputs: &[Output], call: CallId) -> Option<Result<Answer, Code>> {
    outputs.iter().find_map(|output| match output {
        Output::Reply { call: answered, result } if *answered == call => Some(result.clone().map_err(|error| error.code)),
        _ => None,
    })
}
