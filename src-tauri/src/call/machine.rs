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

use std::collections::{BTreeMap, VecDeque};

use client::Lost;

use super::{
    crowd::{self, Arrival, Crowd},
    input::{Attempt, Input, Off, Ticket},
    join::{Choice, Devices, Join},
    local::{Local, News},
    output::{Answer, Output},
    publish::Publish,
    screen::Screen,
};
use crate::{
    signal::{Code, Error, Mode, Role, StreamId, StreamInfo, Uid},
    types::{AudioProcessing, CallState, Connection, Phase as PagePhase, Problem, RemoteMedia, RemoteState, ShareSpec},
};

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
        role: Role,
        publish: Publish,
        tickets: Vec<Ticket>,
    },
    /// With `next`, a join that the page asked for meanwhile.
    Leaving {
        tickets: Vec<Ticket>,
        next: Option<(Box<Join>, Vec<Ticket>)>,
    },
}

pub struct Machine {
    phase: Phase,
    attempt: Attempt,
    local: Local,
    screen: Screen,
    /// Whether the lobby shows a preview.
    preview: bool,
    connection: Connection,
    remote: Vec<RemoteState>,
    /// Who is subscribed to, and who waits.
    crowd: Crowd,
    /// What the others go by.
    names: BTreeMap<Uid, String>,
    service: Option<Problem>,
    speaker: Option<Error>,
    outputs: VecDeque<Output>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            phase: Phase::Lobby,
            attempt: 0,
            local: Local::default(),
            screen: Screen::default(),
            preview: false,
            connection: Connection::Disconnected,
            remote: Vec::new(),
            crowd: Crowd::default(),
            names: BTreeMap::new(),
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
            Input::StartPreview { devices, off, ticket } => self.on_start_preview(devices, off, ticket),
            Input::StopPreview { ticket } => self.on_stop_preview(ticket),
            Input::Join { join, ticket } => self.on_join(join, ticket),
            Input::Leave { ticket } => self.on_leave(ticket),
            Input::Publish { wanted, ticket } => self.on_publish(wanted, ticket),
            Input::Mute { audio, video, ticket } => self.on_mute(audio, video, ticket),
            Input::Process { switches, ticket } => self.on_process(switches, ticket),
            Input::Share { share, ticket } => self.on_share(share, ticket),
            Input::ScreenStarted(result) => self.screen.started(result),
            Input::ScreenStopped => self.screen.stopped(),
            Input::ScreenPaused(paused) => self.screen.pause(paused),
            Input::SetCamera { id, ticket } => self.on_set_device(id, ticket, |devices| &mut devices.camera),
            Input::SetMicrophone { id, ticket } => self.on_set_device(id, ticket, |devices| &mut devices.microphone),
            Input::StreamOpened(opened) => self.local.opened(opened),
            Input::StreamSwitched(opened) => self.local.switched(opened),
            Input::DevicesLost(lost) => self.on_devices_lost(lost),
            Input::Service(problem) => self.service = problem,
            Input::SpeakerChosen(_) => self.speaker = None,
            Input::Speaker(problem) => self.speaker = problem,
            Input::Joined { attempt, result } if attempt == self.attempt => self.on_joined(result),
            Input::Left { attempt } if attempt == self.attempt => self.on_left(),
            Input::PublishEnded { attempt, result } if attempt == self.attempt => self.on_publish_ended(result),
            Input::SubscribeEnded { attempt, stream, result } if attempt == self.attempt => self.on_subscribe_ended(&stream, result),
            Input::Connection { attempt, state } if attempt == self.attempt => self.connection = state,
            Input::Unpublished { attempt } if attempt == self.attempt => self.on_unpublished(),
            Input::ScreenGone { attempt, reason } if attempt == self.attempt => self.on_screen_gone(reason),
            Input::Role { attempt, role } if attempt == self.attempt => self.on_role(role),
            Input::Renewed { attempt, token } if attempt == self.attempt => self.on_renewed(token),
            Input::PeerNamed { attempt, uid, name } if attempt == self.attempt => self.on_peer_named(uid, name),
            Input::Named { attempt, name } if attempt == self.attempt => self.on_named(name),
            Input::StreamAdded { attempt, stream } if attempt == self.attempt => self.on_stream_added(&stream),
            Input::StreamUpdated { attempt, stream } if attempt == self.attempt => self.on_stream_updated(&stream),
            Input::StreamRemoved { attempt, stream } if attempt == self.attempt => self.on_stream_removed(&stream),
            Input::StreamMuted { attempt, stream, audio, video } if attempt == self.attempt => self.on_stream_muted(&stream, audio, video),
            Input::StreamMedia { attempt, stream, media } if attempt == self.attempt => self.on_stream_media(&stream, media),
            Input::StreamFallback { attempt, stream, sound_only } if attempt == self.attempt => {
                self.on_stream_fallback(&stream, sound_only)
            }
            Input::Ended { attempt } if attempt == self.attempt => self.on_ended(),
            // any -> news of an earlier attempt -> unchanged
            Input::Joined { .. }
            | Input::Left { .. }
            | Input::PublishEnded { .. }
            | Input::SubscribeEnded { .. }
            | Input::Connection { .. }
            | Input::Unpublished { .. }
            | Input::ScreenGone { .. }
            | Input::Role { .. }
            | Input::Renewed { .. }
            | Input::PeerNamed { .. }
            | Input::Named { .. }
            | Input::StreamAdded { .. }
            | Input::StreamUpdated { .. }
            | Input::StreamRemoved { .. }
            | Input::StreamMuted { .. }
            | Input::StreamMedia { .. }
            | Input::StreamFallback { .. }
            | Input::Ended { .. } => {}
        }
        self.settle();
    }

    fn on_devices_lost(&mut self, lost: Lost) {
        let news = self.local.lost(lost).into_iter();
        self.outputs.extend(news.map(|news| match news {
            News::Lost(problem) => Output::DeviceLost(problem),
            News::Back(device) => Output::DeviceBack(device),
        }));
    }

    fn on_start_preview(&mut self, devices: Devices, off: Off, ticket: Ticket) {
        self.preview = true;
        self.local.try_again();
        if off != Off::default() && matches!(self.phase, Phase::Lobby | Phase::Leaving { next: None, .. }) {
            self.local.mute(off.audio, off.video);
        }
        match self.phase {
            // lobby -> StartPreview -> lobby, devices opened
            Phase::Lobby => self.local.want(Some(devices)),
            // leaving -> StartPreview -> leaving, devices for the lobby
            Phase::Leaving { next: None, .. } => self.local.want(Some(devices)),
            // joining, call -> StartPreview -> unchanged: the call's devices are the preview
            Phase::Joining { .. } | Phase::Call { .. } | Phase::Leaving { next: Some(_), .. } => {}
        }
        self.done(ticket);
    }

    fn on_stop_preview(&mut self, ticket: Ticket) {
        self.preview = false;
        if matches!(self.phase, Phase::Lobby) {
            self.local.want(None);
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
                    let role = if join.params.mode == Mode::Live { Role::Audience } else { Role::Host };
                    self.phase = Phase::Call { join, uid, role, publish: Publish::wanted(), tickets };
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
                    None if !self.preview => self.local.want(None),
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

    fn on_share(&mut self, share: Option<ShareSpec>, ticket: Ticket) {
        match &self.phase {
            // call -> Share -> call
            Phase::Call { .. } => self.screen.want(share, ticket),
            // lobby, joining, leaving -> Share of nothing -> unchanged
            _ if share.is_none() => self.done(ticket),
            // lobby, joining, leaving -> Share -> refused
            _ => self.refuse(ticket, Error::new(Code::InvalidOperation, "Join a channel first.")),
        }
    }

    fn on_screen_gone(&mut self, reason: String) {
        if self.screen.lost() {
            self.outputs.push_back(Output::ScreenGone(reason));
        }
    }

    fn on_publish_ended(&mut self, result: Result<(), Error>) {
        if let Phase::Call { publish, .. } = &mut self.phase {
            publish.ended(result);
        }
    }

    fn on_unpublished(&mut self) {
        if let Phase::Call { publish, .. } = &mut self.phase {
            publish.taken_back();
        }
    }

    fn on_role(&mut self, new: Role) {
        if let Phase::Call { role, .. } = &mut self.phase {
            *role = new;
        }
    }

    fn on_renewed(&mut self, token: String) {
        if let Phase::Call { join, .. } = &mut self.phase {
            join.params.token = Some(token);
        }
    }

    fn on_named(&mut self, name: Option<String>) {
        if let Phase::Call { join, .. } = &mut self.phase {
            join.params.name = name;
        }
    }

    fn on_peer_named(&mut self, uid: Uid, name: Option<String>) {
        for remote in self.remote.iter_mut().filter(|remote| remote.uid == uid) {
            remote.name.clone_from(&name);
        }
        match name {
            Some(name) => drop(self.names.insert(uid, name)),
            None => drop(self.names.remove(&uid)),
        }
    }

    fn on_mute(&mut self, audio: Option<bool>, video: Option<bool>, ticket: Ticket) {
        self.local.mute(audio, video);
        self.done(ticket);
    }

    fn on_process(&mut self, switches: AudioProcessing, ticket: Ticket) {
        self.local.process(switches);
        self.done(ticket);
    }

    fn on_set_device(&mut self, id: Choice, ticket: Ticket, which: impl Fn(&mut Devices) -> &mut Choice) {
        match self.local.wish_mut() {
            Some(devices) => {
                *which(devices) = id;
                self.local.try_again();
                self.done(ticket);
            }
            None => self.refuse(ticket, Error::new(Code::InvalidOperation, "No camera or microphone is open.")),
        }
    }

    fn on_stream_added(&mut self, stream: &StreamInfo) {
        if !matches!(self.phase, Phase::Joining { .. } | Phase::Call { .. }) {
            return;
        }
        self.remote.retain(|remote| remote.stream != stream.id.to_string());
        self.remote.push(self.remote_state(stream, RemoteMedia::Waiting));
        match self.crowd.came(&stream.id) {
            Arrival::Served => self.subscribe(&stream.id),
            Arrival::FirstToWait => self.outputs.push_back(Output::Complain(crowd::full())),
            Arrival::Waits => {}
        }
    }

    fn on_stream_updated(&mut self, stream: &StreamInfo) {
        if let Some(state) = self.remote(&stream.id).map(|remote| remote.state) {
            let updated = self.remote_state(stream, state);
            self.remote(&stream.id).into_iter().for_each(|remote| *remote = updated.clone());
        }
    }

    fn on_stream_removed(&mut self, stream: &StreamId) {
        self.remote.retain(|remote| remote.stream != stream.to_string());
        if let Some(next) = self.crowd.went(stream) {
            self.subscribe(&next);
        }
    }

    fn subscribe(&mut self, stream: &StreamId) {
        if let Some(remote) = self.remote(stream) {
            remote.state = RemoteMedia::Connecting;
        }
        self.outputs.push_back(Output::Subscribe { attempt: self.attempt, stream: stream.clone() });
    }

    fn on_stream_muted(&mut self, stream: &StreamId, audio: Option<bool>, video: Option<bool>) {
        if let Some(remote) = self.remote(stream) {
            remote.audio_muted = audio.unwrap_or(remote.audio_muted);
            remote.video_muted = video.unwrap_or(remote.video_muted);
        }
    }

    fn on_stream_media(&mut self, stream: &StreamId, media: RemoteMedia) {
        if let Some(remote) = self.remote(stream) {
            remote.state = media;
        }
    }

    fn on_stream_fallback(&mut self, stream: &StreamId, sound_only: bool) {
        let Some(remote) = self.remote(stream) else { return };
        if sound_only {
            remote.state = RemoteMedia::Sound;
        } else if remote.state == RemoteMedia::Sound {
            remote.state = RemoteMedia::Playing;
        }
    }

    /// A stream that went meanwhile, or a call that ends, has no use for the failure.
    fn on_subscribe_ended(&mut self, stream: &StreamId, result: Result<(), Error>) {
        if let (Some(remote), Err(error)) = (self.remote(stream), result) {
            remote.state = RemoteMedia::Stalled;
            self.outputs.push_back(Output::Complain(error));
        }
    }

    fn remote(&mut self, stream: &StreamId) -> Option<&mut RemoteState> {
        let name = stream.to_string();
        self.remote.iter_mut().find(|remote| remote.stream == name)
    }

    fn remote_state(&self, stream: &StreamInfo, state: RemoteMedia) -> RemoteState {
        RemoteState {
            stream: stream.id.to_string(),
            uid: stream.id.uid.clone(),
            name: self.names.get(&stream.id.uid).cloned(),
            source: stream.id.source,
            audio: stream.audio,
            video: stream.video,
            audio_muted: stream.audio_muted,
            video_muted: stream.video_muted,
            state,
        }
    }

    fn connect(&mut self, join: Box<Join>, tickets: Vec<Ticket>) {
        self.attempt += 1;
        self.local.want(Some(join.devices.clone()));
        self.local.try_again();
        self.connection = Connection::Connecting;
        self.outputs.push_back(Output::Connect { attempt: self.attempt, join: join.clone() });
        self.phase = Phase::Joining { join, tickets };
    }

    fn disconnect(&mut self, tickets: Vec<Ticket>) {
        self.crowd = Crowd::default();
        let sharing = self.screen.end();
        self.abort(sharing);
        self.remote.clear();
        self.names.clear();
        self.connection = Connection::Disconnecting;
        self.outputs.push_back(Output::Disconnect { attempt: self.attempt });
        self.phase = Phase::Leaving { tickets, next: None };
    }

    /// Brings devices and publication nearer to what is wanted, and answers who waited for it.
    fn settle(&mut self) {
        let published = matches!(&self.phase, Phase::Call { publish, .. } if !publish.is_idle());
        self.outputs.extend(self.local.settle(published).into_iter().map(Output::Local));
        self.outputs.extend(self.screen.settle().map(Output::Screen));
        let shared = self.screen.answers().into_iter();
        self.outputs.extend(shared.map(|(ticket, result)| Output::Reply { ticket, result: result.map(|()| Answer::Done) }));
        let Phase::Call { uid, publish, tickets, .. } = &mut self.phase else { return };
        let stream = self.local.open();
        if let Some(empty) = stream.filter(|stream| stream.is_empty()) {
            publish.give_up(empty.unpublishable());
        }
        if stream.is_some() {
            let joined = tickets.drain(..).map(|ticket| Output::Reply { ticket, result: Ok(Answer::Joined(uid.clone())) });
            self.outputs.extend(joined);
        }
        if let Some(wanted) = publish.start(stream.is_some()) {
            self.outputs.push_back(Output::Publish { attempt: self.attempt, wanted });
        }
        let answers = publish.answers().into_iter();
        self.outputs.extend(answers.map(|(ticket, result)| Output::Reply { ticket, result: result.map(|()| Answer::Done) }));
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

    /// What the page shows, as this revision of it.
    pub fn snapshot(&self, revision: u32) -> CallState {
        let (state, params, uid, role, published) = match &self.phase {
            Phase::Lobby => (PagePhase::Lobby, None, None, None, false),
            Phase::Joining { join, .. } => (PagePhase::Joining, Some(join.params.clone()), None, None, false),
            Phase::Call { join, uid, role, publish, .. } => {
                (PagePhase::Call, Some(join.params.clone()), Some(uid.clone()), Some(*role), publish.is_published())
            }
            Phase::Leaving { .. } => (PagePhase::Leaving, None, None, None, false),
        };
        let name = params.as_ref().and_then(|params| params.name.clone());
        CallState {
            revision,
            state,
            joined: state == PagePhase::Call,
            published,
            connection: self.connection,
            params,
            uid,
            role,
            name,
            local: self.local.snapshot(self.speaker.as_ref()),
            screen: self.screen.snapshot(),
            remote: self.remote.clone(),
            problem: self.service.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
