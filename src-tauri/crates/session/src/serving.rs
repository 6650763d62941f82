//! One receiver of a stream this user sends: the sending end of a subscription.
//!
//! Invariant: this end's candidates follow its answer, and the other end's wait until its description is taken in.

use std::time::{Duration, Instant};

use signal::{Candidate, Command, Layer, Sdp, StreamSource, SubscriptionId, Uid};

use crate::desk::Wire;
use crate::output::Output;

#[derive(Debug)]
pub(crate) struct Serving {
    pub subscriber: Uid,
    pub source: StreamSource,
    /// What it carries, once that is not what it began with.
    layer: Option<Layer>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The answer is being made, for the first offer or a restart. `up` while media flows all the same.
    Accepting {
        local: Vec<Candidate>,
        remote: Vec<Candidate>,
        deadline: Instant,
        up: bool,
    },
    /// The answer is sent; not connected, not yet or not any more.
    Answered {
        deadline: Instant,
    },
    Connected,
}

impl Serving {
    /// The subscriber gives up long before this; it is for subscribers that vanished.
    const LIMIT: Duration = Duration::from_secs(30);
    const MAX_HELD: usize = 64;

    pub fn new(subscriber: Uid, source: StreamSource, now: Instant) -> Self {
        Self { subscriber, source, layer: None, state: Self::accepting(false, now) }
    }

    fn accepting(up: bool, now: Instant) -> State {
        State::Accepting { local: Vec::new(), remote: Vec::new(), deadline: now + Self::LIMIT, up }
    }

    pub fn is_accepting(&self) -> bool {
        matches!(self.state, State::Accepting { .. })
    }

    // answered | connected -> Subscribe again -> accepting
    pub fn restart(&mut self, id: SubscriptionId, offer: Sdp, wire: &mut Wire) {
        if !self.is_accepting() {
            self.state = Self::accepting(matches!(self.state, State::Connected), wire.desk.now);
            wire.desk.push(Output::AcceptRestart { subscription: id, offer });
        }
    }

    // accepting -> AnswerReady -> answered | connected
    pub fn answer_ready(&mut self, id: &SubscriptionId, answer: Sdp, wire: &mut Wire) {
        let State::Accepting { local, remote, deadline, up } = &mut self.state else { return };
        wire.tell(Command::Answer { subscription: id.clone(), answer });
        for candidate in local.drain(..) {
            wire.tell(Command::Candidate { subscription: id.clone(), candidate });
        }
        for candidate in remote.drain(..) {
            wire.desk.push(Output::AddCandidate { subscription: id.clone(), candidate });
        }
        self.state = if *up { State::Connected } else { State::Answered { deadline: *deadline } };
    }

    pub fn local_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        match &mut self.state {
            State::Accepting { local, .. } if local.len() < Self::MAX_HELD => local.push(candidate.clone()),
            State::Accepting { .. } => {}
            State::Answered { .. } | State::Connected => {
                wire.tell(Command::Candidate { subscription: id.clone(), candidate: candidate.clone() })
            }
        }
    }

    pub fn remote_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        match &mut self.state {
            State::Accepting { remote, .. } if remote.len() < Self::MAX_HELD => remote.push(candidate.clone()),
            State::Accepting { .. } => {}
            State::Answered { .. } | State::Connected => {
                wire.desk.push(Output::AddCandidate { subscription: id.clone(), candidate: candidate.clone() });
            }
        }
    }

    // answered -> Connected -> connected
    pub fn connected(&mut self) {
        match &mut self.state {
            State::Accepting { up, .. } => *up = true,
            State::Answered { .. } | State::Connected => self.state = State::Connected,
        }
    }

    // connected -> Disconnected -> answered
    pub fn disconnected(&mut self, now: Instant) {
        match &mut self.state {
            State::Accepting { up, .. } => *up = false,
            State::Answered { .. } => {}
            State::Connected => self.state = State::Answered { deadline: now + Self::LIMIT },
        }
    }

    /// This end carries another layer from now on.
    pub fn carries(&mut self, id: &SubscriptionId, layer: Layer, wire: &mut Wire) {
        self.layer = Some(layer);
        self.tell_layer(id, wire);
    }

    /// Tells the subscriber what it gets, if there is anything to tell.
    pub fn tell_layer(&self, id: &SubscriptionId, wire: &mut Wire) {
        if let Some(layer) = self.layer {
            wire.tell(Command::Carry { subscription: id.clone(), layer });
        }
    }

    /// When the connection is given up.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Accepting { deadline, .. } | State::Answered { deadline } => Some(deadline),
            State::Connected => None,
        }
    }
}
