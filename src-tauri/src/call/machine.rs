//! What a window's call is and what has to be done next: lobby → joining → call → leaving → lobby.
//!
//! Invariants:
//! - There is one client at most: a second `Join` while joining waits for the first one's outcome.
//! - There is one local stream at most; what the lobby's preview opened is what the call publishes.
//! - Devices are opened, switched and closed one job at a time; the newest wish wins when a job ends.
//! - Every ticket is answered exactly once.
//! - What belongs to an earlier attempt to join changes nothing.
//!
//! No I/O and no clock: inputs go in, outputs come out of [`Machine::poll`].

use std::collections::VecDeque;

use super::{
    join::{Choice, Devices, Join},
    publish::Publish,
};
use crate::{
    signal::{Code, Error, StreamId, StreamInfo, Uid},
    types::{CallState, Connection, LOCAL, LocalState, Phase as PagePhase, Problem, RemoteMedia, RemoteState},
};

/// Whom an answer is for.
pub type Ticket = u64;

/// Which attempt to join something belongs to.
pub type Attempt = u64;

/// What a command is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Joined(Uid),
}

/// Which of a stream's devices opened, and what is wrong with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub audio: bool,
    pub video: bool,
    pub problems: Vec<Problem>,
}

impl Opened {
    /// Why a stream without tracks cannot be published.
    fn unpublishable(&self) -> Error {
        let why = self.problems.first().map_or("There is no camera and no microphone.", |problem| problem.message.as_str());
        Error::new(Code::InvalidLocalStream, format!("Nothing can be published. {why}"))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    // The page's commands.
    StartPreview {
        devices: Devices,
        ticket: Ticket,
    },
    StopPreview {
        ticket: Ticket,
    },
    Join {
        join: Box<Join>,
        ticket: Ticket,
    },
    Leave {
        ticket: Ticket,
    },
    Publish {
        wanted: bool,
        ticket: Ticket,
    },
    Mute {
        audio: Option<bool>,
        video: Option<bool>,
        ticket: Ticket,
    },
    SetCamera {
        id: Choice,
        ticket: Ticket,
    },
    SetMicrophone {
        id: Choice,
        ticket: Ticket,
    },
    // The ends of jobs.
    StreamOpened(Opened),
    StreamSwitched(Opened),
    Joined {
        attempt: Attempt,
        result: Result<Uid, Error>,
    },
    Left {
        attempt: Attempt,
    },
    PublishEnded {
        attempt: Attempt,
        result: Result<(), Error>,
    },
    SubscribeEnded {
        attempt: Attempt,
        stream: StreamId,
        result: Result<(), Error>,
    },
    // The client's news.
    Connection {
        attempt: Attempt,
        state: Connection,
    },
    StreamAdded {
        attempt: Attempt,
        stream: StreamInfo,
    },
    StreamUpdated {
        attempt: Attempt,
        stream: StreamInfo,
    },
    StreamRemoved {
        attempt: Attempt,
        stream: StreamId,
    },
    StreamMedia {
        attempt: Attempt,
        stream: StreamId,
        media: RemoteMedia,
    },
    DeviceLost {
        attempt: Attempt,
        problem: Problem,
    },
    /// The membership ended without a `Leave`: banned, replaced, refused.
    Ended {
        attempt: Attempt,
    },
    // The app's own.
    Service(Option<Problem>),
    Speaker(Option<Problem>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make a stream of these devices; answer with `StreamOpened`.
    OpenStream(Devices),
    /// Change to these devices; answer with `StreamSwitched`.
    SwitchStream {
        camera: Option<Choice>,
        microphone: Option<Choice>,
    },
    CloseStream,
    /// Silence or black out the stream's tracks.
    Mute {
        audio: bool,
        video: bool,
    },
    /// Make a client and join; answer with `Joined`.
    Connect {
        attempt: Attempt,
        join: Box<Join>,
    },
    /// Stop joining or leave, and drop the client; answer with `Left`.
    Disconnect {
        attempt: Attempt,
    },
    /// Answer with `PublishEnded`.
    Publish {
        attempt: Attempt,
        wanted: bool,
    },
    /// Answer with `SubscribeEnded`.
    Subscribe {
        attempt: Attempt,
        stream: StreamId,
    },
    /// Tell the page of a failure that no command waits for.
    Complain(Error),
    Reply {
        ticket: Ticket,
        result: Result<Answer, Error>,
    },
}

enum Phase {
    Lobby,
    Joining {
        join: Box<Join>,
        tickets: Vec<Ticket>,
    },
    /// The join's tickets are answered once the devices have opened or failed: the quick start's page publishes on that answer.
    Call {
        join: Box<Join>,
        uid: Uid,
        publish: Publish,
        tickets: Vec<Ticket>,
    },
    /// With `next`, a join that the page asked for meanwhile.
    Leaving {
        tickets: Vec<Ticket>,
        next: Option<(Box<Join>, Vec<Ticket>)>,
    },
}

enum Stream {
    Closed,
    Opening(Devices),
    Open { devices: Devices, opened: Opened },
    Switching { to: Devices, opened: Opened },
}

pub struct Machine {
    phase: Phase,
    attempt: Attempt,
    /// What the devices should be; none when nobody needs them.
    wish: Option<Devices>,
    /// Whether the lobby shows a preview.
    preview: bool,
    stream: Stream,
    audio_muted: bool,
    video_muted: bool,
    connection: Connection,
    remote: Vec<RemoteState>,
    service: Option<Problem>,
    speaker: Option<Problem>,
    outputs: VecDeque<Output>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            phase: Phase::Lobby,
            attempt: 0,
            wish: None,
            preview: false,
            stream: Stream::Closed,
            audio_muted: false,
            video_muted: false,
            connection: Connection::Disconnected,
            remote: Vec::new(),
            service: None,
            speaker: None,
            outputs: VecDeque::new(),
        }
    }
}

impl Machine {
    /// What to do next; none when all is done.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn handle(&mut self, input: Input) {
        match input {
            Input::StartPreview { devices, ticket } => self.on_start_preview(devices, ticket),
            Input::StopPreview { ticket } => self.on_stop_preview(ticket),
            Input::Join { join, ticket } => self.on_join(join, ticket),
            Input::Leave { ticket } => self.on_leave(ticket),
            Input::Publish { wanted, ticket } => self.on_publish(wanted, ticket),
            Input::Mute { audio, video, ticket } => self.on_mute(audio, video, ticket),
            Input::SetCamera { id, ticket } => self.on_set_device(id, ticket, |devices| &mut devices.camera),
            Input::SetMicrophone { id, ticket } => self.on_set_device(id, ticket, |devices| &mut devices.microphone),
            Input::StreamOpened(opened) => self.on_stream_opened(opened),
            Input::StreamSwitched(opened) => self.on_stream_switched(opened),
            Input::Service(problem) => self.service = problem,
            Input::Speaker(problem) => self.speaker = problem,
            Input::Joined { attempt, result } if attempt == self.attempt => self.on_joined(result),
            Input::Left { attempt } if attempt == self.attempt => self.on_left(),
            Input::PublishEnded { attempt, result } if attempt == self.attempt => self.on_publish_ended(result),
            Input::SubscribeEnded { attempt, stream, result } if attempt == self.attempt => self.on_subscribe_ended(&stream, result),
            Input::Connection { attempt, state } if attempt == self.attempt => self.connection = state,
            Input::StreamAdded { attempt, stream } if attempt == self.attempt => self.on_stream_added(&stream),
            Input::StreamUpdated { attempt, stream } if attempt == self.attempt => self.on_stream_updated(&stream),
            Input::StreamRemoved { attempt, stream } if attempt == self.attempt => self.on_stream_removed(&stream),
            Input::StreamMedia { attempt, stream, media } if attempt == self.attempt => self.on_stream_media(&stream, media),
            Input::DeviceLost { attempt, problem } if attempt == self.attempt => self.on_device_lost(problem),
            Input::Ended { attempt } if attempt == self.attempt => self.on_ended(),
            // any -> news of an earlier attempt -> unchanged
            Input::Joined { .. }
            | Input::Left { .. }
            | Input::PublishEnded { .. }
            | Input::SubscribeEnded { .. }
            | Input::Connection { .. }
            | Input::StreamAdded { .. }
            | Input::StreamUpdated { .. }
            | Input::StreamRemoved { .. }
            | Input::StreamMedia { .. }
            | Input::DeviceLost { .. }
            | Input::Ended { .. } => {}
        }
        self.settle();
    }

    fn on_start_preview(&mut self, devices: Devices, ticket: Ticket) {
        self.preview = true;
        match self.phase {
            // lobby -> StartPreview -> lobby, devices opened
            Phase::Lobby => self.wish = Some(devices),
            // leaving -> StartPreview -> leaving, devices for the lobby
            Phase::Leaving { next: None, .. } => self.wish = Some(devices),
            // joining, call -> StartPreview -> unchanged: the call's devices are the preview
            Phase::Joining { .. } | Phase::Call { .. } | Phase::Leaving { next: Some(_), .. } => {}
        }
        self.done(ticket);
    }

    fn on_stop_preview(&mut self, ticket: Ticket) {
        self.preview = false;
        if matches!(self.phase, Phase::Lobby) {
            self.wish = None;
        }
        self.done(ticket);
    }

    fn on_join(&mut self, join: Box<Join>, ticket: Ticket) {
        match &mut self.phase {
            // lobby -> Join -> joining
            Phase::Lobby => self.connect(join, vec![ticket]),
            // joining -> Join (the same) -> joining, both answered alike
            Phase::Joining { join: current, tickets } if *current == join => tickets.push(ticket),
            // call -> Join (the same) -> call, answered as before
            Phase::Call { join: current, tickets, .. } if *current == join => tickets.push(ticket),
            // joining, call -> Join (another) -> refused
            Phase::Joining { join: current, .. } | Phase::Call { join: current, .. } => {
                let message = format!("This window is already in channel “{}”. Leave it first.", current.params.channel);
                self.refuse(ticket, Error::new(Code::RepeatJoin, message));
            }
            // leaving -> Join -> leaving, then joining
            Phase::Leaving { next, .. } => match next {
                Some((waiting, tickets)) if *waiting == join => tickets.push(ticket),
                Some(_) => self.refuse(ticket, Error::new(Code::RepeatJoin, "This window is about to join another channel.")),
                None => *next = Some((join, vec![ticket])),
            },
        }
    }

    fn on_leave(&mut self, ticket: Ticket) {
        match std::mem::replace(&mut self.phase, Phase::Lobby) {
            // lobby -> Leave -> lobby
            Phase::Lobby => self.done(ticket),
            // joining -> Leave -> leaving; the join is answered as aborted
            Phase::Joining { tickets, .. } => {
                self.abort(tickets);
                self.disconnect(vec![ticket]);
            }
            // call -> Leave -> leaving
            Phase::Call { publish, tickets, .. } => {
                self.abort(tickets);
                self.abort(publish.into_tickets());
                self.disconnect(vec![ticket]);
            }
            // leaving -> Leave -> leaving; a join that waited is answered as aborted
            Phase::Leaving { mut tickets, next } => {
                self.abort(next.map_or_else(Vec::new, |(_, tickets)| tickets));
                tickets.push(ticket);
                self.phase = Phase::Leaving { tickets, next: None };
            }
        }
    }

    fn on_joined(&mut self, result: Result<Uid, Error>) {
        match std::mem::replace(&mut self.phase, Phase::Lobby) {
            Phase::Joining { join, tickets } => match result {
                // joining -> Joined(Ok) -> call
                Ok(uid) => {
                    self.phase = Phase::Call { join, uid, publish: Publish::wanted(), tickets };
                }
                // joining -> Joined(Err) -> leaving, to drop the client
                Err(error) => {
                    self.reply(tickets, &Err(error));
                    self.disconnect(Vec::new());
                }
            },
            // leaving, call, lobby -> Joined -> unchanged
            other => self.phase = other,
        }
    }

    fn on_left(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Lobby) {
            Phase::Leaving { tickets, next } => {
                self.reply(tickets, &Ok(Answer::Done));
                self.connection = Connection::Disconnected;
                match next {
                    // leaving -> Left -> joining, if a join waits
                    Some((join, tickets)) => self.connect(join, tickets),
                    // leaving -> Left -> lobby; the preview goes on with the call's devices
                    None if !self.preview => self.wish = None,
                    None => {}
                }
            }
            // lobby, joining, call -> Left -> unchanged
            other => self.phase = other,
        }
    }

    fn on_ended(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Lobby) {
            // call -> Ended -> leaving, to drop the client
            Phase::Call { publish, tickets, .. } => {
                self.abort(tickets);
                self.abort(publish.into_tickets());
                self.disconnect(Vec::new());
            }
            // lobby, joining (its own answer says why), leaving -> Ended -> unchanged
            other => self.phase = other,
        }
    }

    fn on_publish(&mut self, wanted: bool, ticket: Ticket) {
        let Phase::Call { publish, .. } = &mut self.phase else {
            // lobby, joining, leaving -> Publish -> refused
            return self.refuse(ticket, Error::new(Code::InvalidOperation, "Join a channel first."));
        };
        // call -> Publish -> call
        publish.want(wanted, ticket);
    }

    fn on_publish_ended(&mut self, result: Result<(), Error>) {
        if let Phase::Call { publish, .. } = &mut self.phase {
            publish.ended(result);
        }
    }

    fn on_mute(&mut self, audio: Option<bool>, video: Option<bool>, ticket: Ticket) {
        self.audio_muted = audio.unwrap_or(self.audio_muted);
        self.video_muted = video.unwrap_or(self.video_muted);
        self.apply_mute();
        self.done(ticket);
    }

    fn on_set_device(&mut self, id: Choice, ticket: Ticket, which: impl Fn(&mut Devices) -> &mut Choice) {
        match &mut self.wish {
            Some(devices) => {
                *which(devices) = id;
                self.done(ticket);
            }
            None => self.refuse(ticket, Error::new(Code::InvalidOperation, "No camera or microphone is open.")),
        }
    }

    fn on_stream_opened(&mut self, opened: Opened) {
        if let Stream::Opening(devices) = std::mem::replace(&mut self.stream, Stream::Closed) {
            self.stream = Stream::Open { devices, opened };
            self.apply_mute();
        }
    }

    fn on_stream_switched(&mut self, opened: Opened) {
        if let Stream::Switching { to, .. } = std::mem::replace(&mut self.stream, Stream::Closed) {
            self.stream = Stream::Open { devices: to, opened };
            self.apply_mute();
        }
    }

    fn on_device_lost(&mut self, problem: Problem) {
        if let Stream::Open { opened, .. } | Stream::Switching { opened, .. } = &mut self.stream
            && !opened.problems.contains(&problem)
        {
            opened.problems.push(problem);
        }
    }

    fn on_stream_added(&mut self, stream: &StreamInfo) {
        if !matches!(self.phase, Phase::Joining { .. } | Phase::Call { .. }) {
            return;
        }
        self.remote.retain(|remote| remote.stream != stream.id.to_string());
        self.remote.push(remote_state(stream, RemoteMedia::Connecting));
        self.outputs.push_back(Output::Subscribe { attempt: self.attempt, stream: stream.id.clone() });
    }

    fn on_stream_updated(&mut self, stream: &StreamInfo) {
        if let Some(remote) = self.remote.iter_mut().find(|remote| remote.stream == stream.id.to_string()) {
            *remote = remote_state(stream, remote.state);
        }
    }

    fn on_stream_removed(&mut self, stream: &StreamId) {
        self.remote.retain(|remote| remote.stream != stream.to_string());
    }

    fn on_stream_media(&mut self, stream: &StreamId, media: RemoteMedia) {
        if let Some(remote) = self.remote.iter_mut().find(|remote| remote.stream == stream.to_string()) {
            remote.state = media;
        }
    }

    /// A stream that went meanwhile, or a call that ends, has no use for the failure.
    fn on_subscribe_ended(&mut self, stream: &StreamId, result: Result<(), Error>) {
        if let (Some(remote), Err(error)) = (self.remote.iter_mut().find(|remote| remote.stream == stream.to_string()), result) {
            remote.state = RemoteMedia::Stalled;
            self.outputs.push_back(Output::Complain(error));
        }
    }

    fn connect(&mut self, join: Box<Join>, tickets: Vec<Ticket>) {
        self.attempt += 1;
        self.wish = Some(join.devices.clone());
        self.connection = Connection::Connecting;
        self.outputs.push_back(Output::Connect { attempt: self.attempt, join: join.clone() });
        self.phase = Phase::Joining { join, tickets };
    }

    fn disconnect(&mut self, tickets: Vec<Ticket>) {
        self.remote.clear();
        self.connection = Connection::Disconnecting;
        self.outputs.push_back(Output::Disconnect { attempt: self.attempt });
        self.phase = Phase::Leaving { tickets, next: None };
    }

    /// Brings devices and publication nearer to what is wanted, and answers who waited for it.
    fn settle(&mut self) {
        self.settle_stream();
        if let Phase::Call { uid, publish, tickets, .. } = &mut self.phase {
            let opened = match &self.stream {
                Stream::Open { opened, .. } => Some(opened),
                _ => None,
            };
            if let Some(nothing) = opened.filter(|opened| !opened.audio && !opened.video) {
                publish.give_up(nothing.unpublishable());
            }
            if opened.is_some() {
                let joined = tickets.drain(..).map(|ticket| Output::Reply { ticket, result: Ok(Answer::Joined(uid.clone())) });
                self.outputs.extend(joined);
            }
            if let Some(wanted) = publish.start(opened.is_some()) {
                self.outputs.push_back(Output::Publish { attempt: self.attempt, wanted });
            }
            for (ticket, result) in publish.answers() {
                self.outputs.push_back(Output::Reply { ticket, result: result.map(|()| Answer::Done) });
            }
        }
    }

    fn settle_stream(&mut self) {
        let published = matches!(&self.phase, Phase::Call { publish, .. } if !publish.is_idle());
        match (&self.stream, &self.wish) {
            (Stream::Closed, Some(wish)) => {
                self.outputs.push_back(Output::OpenStream(wish.clone()));
                self.stream = Stream::Opening(wish.clone());
            }
            (Stream::Open { .. }, None) => {
                self.outputs.push_back(Output::CloseStream);
                self.stream = Stream::Closed;
            }
            (Stream::Open { devices, opened }, Some(wish)) if devices != wish => {
                if let Some((camera, microphone)) = devices.switch_to(wish) {
                    self.outputs.push_back(Output::SwitchStream { camera, microphone });
                    self.stream = Stream::Switching { to: wish.clone(), opened: opened.clone() };
                } else if !published {
                    self.outputs.push_back(Output::CloseStream);
                    self.outputs.push_back(Output::OpenStream(wish.clone()));
                    self.stream = Stream::Opening(wish.clone());
                }
            }
            // A job runs, or all is as wished.
            (Stream::Opening(_) | Stream::Switching { .. } | Stream::Open { .. } | Stream::Closed, _) => {}
        }
    }

    fn apply_mute(&mut self) {
        if matches!(self.stream, Stream::Open { .. } | Stream::Switching { .. }) {
            self.outputs.push_back(Output::Mute { audio: self.audio_muted, video: self.video_muted });
        }
    }

    fn reply(&mut self, tickets: Vec<Ticket>, result: &Result<Answer, Error>) {
        self.outputs.extend(tickets.into_iter().map(|ticket| Output::Reply { ticket, result: result.clone() }));
    }

    fn done(&mut self, ticket: Ticket) {
        self.reply(vec![ticket], &Ok(Answer::Done));
    }

    fn refuse(&mut self, ticket: Ticket, error: Error) {
        self.reply(vec![ticket], &Err(error));
    }

    fn abort(&mut self, tickets: Vec<Ticket>) {
        self.reply(tickets, &Err(Error::new(Code::RequestAbort, "The call was left before this was done.")));
    }

    /// What the page shows.
    pub fn snapshot(&self) -> CallState {
        let (state, params, uid, published) = match &self.phase {
            Phase::Lobby => (PagePhase::Lobby, None, None, false),
            Phase::Joining { join, .. } => (PagePhase::Joining, Some(join.params.clone()), None, false),
            Phase::Call { join, uid, publish, .. } => {
                (PagePhase::Call, Some(join.params.clone()), Some(uid.clone()), publish.is_published())
            }
            Phase::Leaving { .. } => (PagePhase::Leaving, None, None, false),
        };
        CallState {
            state,
            joined: state == PagePhase::Call,
            published,
            connection: self.connection,
            params,
            uid,
            local: self.local(),
            remote: self.remote.clone(),
            problem: self.service.clone(),
        }
    }

    fn local(&self) -> Option<LocalState> {
        let (Stream::Open { opened, .. } | Stream::Switching { opened, .. }) = &self.stream else { return None };
        Some(LocalState {
            stream: LOCAL.into(),
            audio: opened.audio,
            video: opened.video,
            audio_muted: self.audio_muted,
            video_muted: self.video_muted,
            problems: opened.problems.iter().chain(&self.speaker).cloned().collect(),
        })
    }
}

fn remote_state(stream: &StreamInfo, state: RemoteMedia) -> RemoteState {
    RemoteState {
        stream: stream.id.to_string(),
        uid: stream.id.uid.clone(),
        audio: stream.audio,
        video: stream.video,
        audio_muted: stream.audio_muted,
        video_muted: stream.video_muted,
        state,
    }
}

#[cfg(test)]
mod tests;
