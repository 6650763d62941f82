//! One stream this user receives: a chain of attempts, each a peer connection with a [`SubscriptionId`] of its own.
//!
//! Invariants: at most one attempt lives at a time, and one that is given up is closed; a remote description is handed out
//! once an offer and before any candidate of the other end; attempts go on until the stream is unsubscribed or gone.

use std::time::{Duration, Instant};

use signal::{Candidate, Code, Command, Error, Fallback, Layer, Sdp, StreamId, StreamInfo, StreamType, SubscriptionId};

use crate::CallId;
use crate::backoff::Backoff;
use crate::desk::Wire;
use crate::link::Purpose;
use crate::output::{Event, Output};
use crate::picture::Picture;

/// Which tracks of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tracks {
    pub audio: bool,
    pub video: bool,
}

impl Tracks {
    pub fn of(info: &StreamInfo) -> Self {
        Self { audio: info.audio, video: info.video }
    }

    pub fn and(self, other: Self) -> Self {
        Self { audio: self.audio && other.audio, video: self.video && other.video }
    }

    pub fn is_none(self) -> bool {
        !self.audio && !self.video
    }
}

#[derive(Debug)]
enum State {
    /// No attempt: until an instant, or (`None`) until the service is back or the stream has a wanted track.
    Waiting {
        until: Option<Instant>,
    },
    /// The connection makes its offer; candidates of this end wait for it to be sent.
    Offering {
        attempt: Attempt,
        local: Vec<Candidate>,
    },
    /// The offer is sent; candidates of the other end wait for its answer.
    Asked {
        attempt: Attempt,
        remote: Vec<Candidate>,
    },
    /// Both descriptions are known; the connection is not up yet.
    Answered {
        attempt: Attempt,
    },
    Connected {
        id: SubscriptionId,
    },
    /// It was connected, is not now, and no restart can be asked for: the service is away.
    Stalled {
        id: SubscriptionId,
    },
}

#[derive(Debug)]
struct Attempt {
    id: SubscriptionId,
    deadline: Instant,
    path: Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// This attempt was never connected.
    New,
    /// An ICE restart: it was connected and is not.
    Down,
    /// An ICE restart overtaken by the old path, which came back.
    Up,
}

/// What the application was told of the media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Flowing,
    Stalled,
}

#[derive(Debug)]
struct Caller {
    call: CallId,
    deadline: Instant,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    stream: StreamId,
    want: Tracks,
    /// The tracks that the stream has.
    has: Tracks,
    /// The tracks of the attempt at hand.
    asked: Tracks,
    picture: Picture,
    state: State,
    backoff: Backoff,
    told: Told,
    callers: Vec<Caller>,
    last_error: Option<Error>,
    /// This machine's addresses changed while the service could not be asked for a restart.
    moved: bool,
    /// The service restarted and does not know of the attempt at hand.
    forgotten: bool,
    /// Why the attempt at hand may not find a way to the publisher.
    trouble: Option<String>,
}

impl Subscription {
    const CONNECT_LIMIT: Duration = Duration::from_secs(3);
    const CONNECT_LIMIT_CAP: Duration = Duration::from_secs(12);
    /// How long a subscribe call waits before it answers that no media came yet.
    const CALL_LIMIT: Duration = Duration::from_secs(15);
    /// More candidates than any host has; further ones of a connection that is not ready are dropped.
    const MAX_HELD: usize = 64;
    const NOTHING: Tracks = Tracks { audio: false, video: false };

    pub fn new(info: &StreamInfo) -> Self {
        Self {
            stream: info.id.clone(),
            want: Self::NOTHING,
            has: Tracks::of(info),
            asked: Self::NOTHING,
            picture: Picture::default(),
            state: State::Waiting { until: None },
            backoff: Backoff::default(),
            told: Told::Nothing,
            callers: Vec::new(),
            last_error: None,
            moved: false,
            forgotten: false,
            trouble: None,
        }
    }

    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// The attempt at hand.
    pub fn id(&self) -> Option<&SubscriptionId> {
        match &self.state {
            State::Waiting { .. } => None,
            State::Offering { attempt, .. } | State::Asked { attempt, .. } | State::Answered { attempt } => Some(&attempt.id),
            State::Connected { id } | State::Stalled { id } => Some(id),
        }
    }

    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }

    pub fn was_connected(&self) -> bool {
        self.told != Told::Nothing
    }

    /// The application wants these tracks from now on; `call` is answered when media flows.
    pub fn wanted(&mut self, call: CallId, want: Tracks, wire: &mut Wire) {
        self.want = want;
        self.retrack(wire);
        if matches!(self.state, State::Connected { .. }) {
            wire.desk.done(call);
        } else {
            self.callers.push(Caller { call, deadline: wire.desk.now + Self::CALL_LIMIT });
        }
    }

    /// The application wants another picture from now on.
    pub fn want_picture(&mut self, stream_type: Option<StreamType>, fallback: Option<Fallback>, wire: &mut Wire) {
        self.picture.want(stream_type, fallback);
        self.tell_picture(wire);
    }

    /// Tells the publisher what is wanted of the picture, once the service can.
    fn tell_picture(&self, wire: &mut Wire) {
        if let Some(id) = self.known_id().filter(|_| !self.forgotten) {
            self.picture.tell(id, wire);
        }
    }

    /// The publisher sends this from now on.
    pub fn carries(&mut self, layer: Layer, wire: &mut Wire) {
        self.picture.carries(layer, &self.stream, wire);
    }

    /// The attempt at hand, if the publisher knows of it: of all but one whose first offer is being made.
    fn known_id(&self) -> Option<&SubscriptionId> {
        let is_new = matches!(self.state, State::Offering { attempt: Attempt { path: Path::New, .. }, .. });
        self.id().filter(|_| !is_new)
    }

    /// The stream has these tracks from now on.
    pub fn offered(&mut self, has: Tracks, wire: &mut Wire) {
        self.has = has;
        self.retrack(wire);
    }

    /// A connection's tracks never change: other tracks take another connection.
    fn retrack(&mut self, wire: &mut Wire) {
        if self.want.and(self.has) != self.asked {
            self.close(wire);
            self.start(wire);
        }
    }

    // waiting -> offering
    fn start(&mut self, wire: &mut Wire) {
        self.asked = self.want.and(self.has);
        if self.asked.is_none() || !wire.is_online() {
            self.state = State::Waiting { until: None };
            return;
        }
        // A new connection begins with the whole picture.
        self.carries(Layer::High, wire);
        let id = wire.desk.random.subscription_id();
        wire.desk.push(Output::CreateOffer {
            subscription: id.clone(),
            stream: self.stream.clone(),
            audio: self.asked.audio,
            video: self.asked.video,
        });
        self.offering(id, Path::New, wire);
    }

    fn retry(&mut self, wire: &mut Wire) {
        self.stalled(wire);
        self.start(wire);
    }

    // connected | stalled -> offering, the same connection
    fn restart(&mut self, id: SubscriptionId, path: Path, wire: &mut Wire) {
        wire.desk.push(Output::RestartIce { subscription: id.clone() });
        self.offering(id, path, wire);
    }

    fn offering(&mut self, id: SubscriptionId, path: Path, wire: &mut Wire) {
        let grown = Self::CONNECT_LIMIT.mul_f64(1.5f64.powi(self.backoff.failures().min(8) as i32));
        let deadline = wire.desk.now + grown.min(Self::CONNECT_LIMIT_CAP);
        (self.moved, self.forgotten) = (false, false);
        self.trouble = None;
        self.state = State::Offering { attempt: Attempt { id, deadline, path }, local: Vec::new() };
    }

    // offering -> OfferReady -> asked
    pub fn offer_ready(&mut self, offer: Sdp, wire: &mut Wire) {
        self.state = match self.take() {
            State::Offering { attempt, local } => {
                let subscription = attempt.id.clone();
                wire.ask(
                    Command::Subscribe { subscription: subscription.clone(), stream: self.stream.clone(), offer },
                    Purpose::Subscribe(subscription.clone()),
                );
                if attempt.path == Path::New {
                    self.picture.tell(&subscription, wire);
                }
                for candidate in local {
                    wire.tell(Command::Candidate { subscription: subscription.clone(), candidate });
                }
                State::Asked { attempt, remote: Vec::new() }
            }
            other => other,
        };
    }

    // asked -> Answer -> answered | connected
    pub fn answered(&mut self, answer: Sdp, wire: &mut Wire) {
        self.state = match self.take() {
            State::Asked { attempt, remote } => {
                let subscription = attempt.id.clone();
                wire.desk.push(Output::SetAnswer { subscription: subscription.clone(), answer });
                for candidate in remote {
                    wire.desk.push(Output::AddCandidate { subscription: subscription.clone(), candidate });
                }
                if attempt.path == Path::Up { State::Connected { id: attempt.id } } else { State::Answered { attempt } }
            }
            other => other,
        };
    }

    pub fn local_candidate(&mut self, candidate: &Candidate, wire: &mut Wire) {
        match &mut self.state {
            State::Offering { local, .. } if local.len() < Self::MAX_HELD => local.push(candidate.clone()),
            State::Asked { attempt: Attempt { id, .. }, .. }
            | State::Answered { attempt: Attempt { id, .. } }
            | State::Connected { id } => {
                wire.tell(Command::Candidate { subscription: id.clone(), candidate: candidate.clone() });
            }
            State::Offering { .. } | State::Waiting { .. } | State::Stalled { .. } => {}
        }
    }

    pub fn remote_candidate(&mut self, candidate: &Candidate, wire: &mut Wire) {
        match &mut self.state {
            State::Asked { remote, .. } if remote.len() < Self::MAX_HELD => remote.push(candidate.clone()),
            State::Answered { attempt: Attempt { id, .. } } | State::Connected { id } => {
                wire.desk.push(Output::AddCandidate { subscription: id.clone(), candidate: candidate.clone() });
            }
            // One that comes while an offer is made belongs to what the offer replaces.
            State::Offering { .. } | State::Asked { .. } | State::Waiting { .. } | State::Stalled { .. } => {}
        }
    }

    pub fn connected(&mut self, wire: &mut Wire) {
        self.state = match self.take() {
            // answered | stalled -> Connected -> connected
            State::Answered { attempt: Attempt { id, .. } } | State::Stalled { id } => State::Connected { id },
            // offering | asked, down -> Connected -> up
            State::Offering { attempt: Attempt { id, deadline, path: Path::Down }, local } => {
                State::Offering { attempt: Attempt { id, deadline, path: Path::Up }, local }
            }
            State::Asked { attempt: Attempt { id, deadline, path: Path::Down }, remote } => {
                State::Asked { attempt: Attempt { id, deadline, path: Path::Up }, remote }
            }
            // Before the answer a new connection cannot be up; a second report says nothing new.
            other @ (State::Offering { .. } | State::Asked { .. } | State::Connected { .. } | State::Waiting { .. }) => {
                self.state = other;
                return;
            }
        };
        self.backoff.reset();
        self.last_error = None;
        match std::mem::replace(&mut self.told, Told::Flowing) {
            Told::Nothing => wire.desk.event(Event::StreamSubscribed { stream: self.stream.clone() }),
            Told::Stalled => wire.desk.event(Event::StreamReconnectEnd { stream: self.stream.clone(), success: true }),
            Told::Flowing => {}
        }
        for caller in self.callers.drain(..) {
            wire.desk.done(caller.call);
        }
    }

    pub fn disconnected(&mut self, wire: &mut Wire) {
        match self.take() {
            // connected -> Disconnected -> offering (an ICE restart) | stalled
            State::Connected { id } => {
                if wire.is_online() {
                    self.restart(id, Path::Down, wire);
                } else {
                    self.state = State::Stalled { id };
                }
                self.stalled(wire);
            }
            // offering | asked, up -> Disconnected -> down
            State::Offering { attempt: Attempt { id, deadline, path: Path::Up }, local } => {
                self.state = State::Offering { attempt: Attempt { id, deadline, path: Path::Down }, local };
                self.stalled(wire);
            }
            State::Asked { attempt: Attempt { id, deadline, path: Path::Up }, remote } => {
                self.state = State::Asked { attempt: Attempt { id, deadline, path: Path::Down }, remote };
                self.stalled(wire);
            }
            other => self.state = other,
        }
    }

    pub fn path_trouble(&mut self, trouble: String) {
        self.trouble = Some(trouble);
    }

    fn stalled(&mut self, wire: &mut Wire) {
        if self.told == Told::Flowing {
            self.told = Told::Stalled;
            wire.desk.event(Event::StreamReconnectStart { stream: self.stream.clone() });
        }
    }

    // any attempt -> Failed | Refused | its deadline -> waiting
    pub fn failed(&mut self, error: &Error, wire: &mut Wire) {
        self.stalled(wire);
        self.ended(error, wire);
    }

    // any attempt -> Unsubscribe -> waiting: in most cases the stream's end follows, so nothing is told before the next attempt
    pub fn ended(&mut self, error: &Error, wire: &mut Wire) {
        self.close(wire);
        self.last_error = Some(error.clone());
        let until = wire.desk.now + self.backoff.next(&mut wire.desk.random);
        self.state = State::Waiting { until: wire.is_online().then_some(until) };
    }

    pub fn signalling_lost(&mut self, wire: &mut Wire) {
        self.state = match self.take() {
            // waiting -> signalling lost -> waiting for the service
            State::Waiting { .. } => State::Waiting { until: None },
            // an attempt before its first connection -> signalling lost -> waiting for the service
            State::Offering { attempt, .. } | State::Asked { attempt, .. } | State::Answered { attempt } => match attempt.path {
                Path::New => {
                    wire.desk.push(Output::ClosePeer { subscription: attempt.id });
                    State::Waiting { until: None }
                }
                Path::Down => State::Stalled { id: attempt.id },
                Path::Up => State::Connected { id: attempt.id },
            },
            other => other,
        };
    }

    /// The service is back; if it did not resume the membership, it has forgotten its subscriptions. `there`: the stream is published.
    pub fn signalling_back(&mut self, resumed: bool, there: bool, wire: &mut Wire) {
        match self.take() {
            // waiting -> signalling back -> offering
            State::Waiting { .. } => self.retry(wire),
            // stalled -> signalling back -> offering, an ICE restart
            State::Stalled { id } => self.restart(id, Path::Down, wire),
            // connected, moved -> signalling back -> offering, an ICE restart
            State::Connected { id } if self.moved => self.restart(id, Path::Up, wire),
            // connected -> signalling back -> connected
            State::Connected { id } => {
                self.state = State::Connected { id };
                self.forgotten |= !resumed;
                if self.forgotten && there {
                    return self.published_again(wire);
                }
            }
            other => self.state = other,
        }
        // What was wanted meanwhile did not leave.
        self.tell_picture(wire);
    }

    /// The service has the stream (again), and hears of the subscription if it has forgotten that.
    pub fn published_again(&mut self, wire: &mut Wire) {
        if let State::Connected { id } = &self.state
            && std::mem::take(&mut self.forgotten)
        {
            wire.tell(Command::Keep { subscription: id.clone(), stream: self.stream.clone() });
            self.tell_picture(wire);
        }
    }

    pub fn network_changed(&mut self, wire: &mut Wire) {
        self.state = match self.take() {
            // connected -> NetworkChanged -> offering, an ICE restart | connected, moved
            State::Connected { id } if wire.is_online() => return self.restart(id, Path::Up, wire),
            State::Connected { id } => {
                self.moved = true;
                State::Connected { id }
            }
            // a first attempt -> NetworkChanged -> offering, another attempt: its candidates are of the network before
            state @ (State::Offering { attempt: Attempt { path: Path::New, .. }, .. }
            | State::Asked { attempt: Attempt { path: Path::New, .. }, .. }
            | State::Answered { attempt: Attempt { path: Path::New, .. } }) => {
                self.state = state;
                self.close(wire);
                return self.start(wire);
            }
            // waiting, after a failure -> NetworkChanged -> offering
            State::Waiting { until: Some(_) } => return self.retry(wire),
            other => other,
        };
    }

    /// What was asked over the publisher's old connection may be lost, and what failed may work now.
    pub fn publisher_is_back(&mut self, wire: &mut Wire) {
        match self.state {
            // waiting | asked -> the publisher is back -> offering
            State::Waiting { until: Some(_) } => self.retry(wire),
            State::Asked { attempt: Attempt { path: Path::New | Path::Down, .. }, .. } => {
                self.close(wire);
                self.retry(wire);
            }
            // connected -> the publisher is back -> connected, if its media still comes
            State::Connected { ref id } => wire.desk.push(Output::CheckPath { subscription: id.clone() }),
            _ => {}
        }
    }

    pub fn time_passed(&mut self, wire: &mut Wire) {
        let now = wire.desk.now;
        match &self.state {
            State::Waiting { until: Some(until) } if *until <= now => self.retry(wire),
            State::Offering { attempt, .. } | State::Asked { attempt, .. } | State::Answered { attempt } if attempt.deadline <= now => {
                self.late(wire)
            }
            _ => {}
        }
        let Self { callers, last_error, .. } = self;
        callers.retain(|caller| {
            let late = caller.deadline <= now;
            if late {
                let reason = last_error.as_ref().map_or("The publisher does not answer.", |error| error.message.as_str());
                wire.desk.refuse(caller.call, Code::PeerConnectionFailed, &format!("No media yet: {reason} The client goes on trying."));
            }
            !late
        });
    }

    fn late(&mut self, wire: &mut Wire) {
        let reason = match self.take() {
            // offering | asked, up -> deadline -> connected: the old path does
            State::Offering { attempt: Attempt { id, path: Path::Up, .. }, .. }
            | State::Asked { attempt: Attempt { id, path: Path::Up, .. }, .. } => {
                self.state = State::Connected { id };
                return;
            }
            state => {
                let reason = match (&state, self.trouble.take()) {
                    (State::Asked { .. }, _) => "The publisher did not answer in time.".to_owned(),
                    (State::Answered { .. }, Some(trouble)) => format!("No path to the publisher was found in time: {trouble}."),
                    (State::Answered { .. }, None) => "No path to the publisher was found in time; a firewall may block UDP.".to_owned(),
                    _ => "The connection could not be prepared in time.".to_owned(),
                };
                self.state = state;
                reason
            }
        };
        self.failed(&Error::new(Code::PeerConnectionFailed, reason), wire);
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Waiting { until } => *until,
            State::Offering { attempt, .. } | State::Asked { attempt, .. } | State::Answered { attempt } => Some(attempt.deadline),
            State::Connected { .. } | State::Stalled { .. } => None,
        };
        self.callers.iter().map(|caller| caller.deadline).chain(state).min()
    }

    /// Nothing of the stream is wanted or there any more.
    pub fn end(self, by: &str, wire: &mut Wire) {
        self.end_with(&Error::new(Code::RequestAbort, format!("Cut short by {by}.")), wire);
    }

    /// Closes the connection and answers the callers with `error`.
    pub fn end_with(mut self, error: &Error, wire: &mut Wire) {
        self.close(wire);
        for caller in self.callers {
            wire.desk.fail(caller.call, error.clone());
        }
        if self.told == Told::Stalled {
            wire.desk.event(Event::StreamReconnectEnd { stream: self.stream.clone(), success: false });
        }
        wire.desk.push(Output::EndSubscription { stream: self.stream });
    }

    fn close(&mut self, wire: &mut Wire) {
        let Some(subscription) = self.id().cloned() else { return };
        if self.known_id().is_some() {
            wire.tell(Command::Unsubscribe { subscription: subscription.clone() });
        }
        wire.desk.push(Output::ClosePeer { subscription });
        self.state = State::Waiting { until: None };
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Waiting { until: None })
    }
}
