//! The engine: one task that owns the session and carries its orders out.
//!
//! Invariants: nothing else changes state; the engine waits for nothing but its own queues, so a slow service, connection or
//! application never holds it up; handles read a snapshot that is never older than an answer or event they got.

mod calls;
mod dual;
mod outputs;
mod published;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use session::{CallId, ConnectionState, Input, Join, Output, Session};
use signal::{AppId, ChannelName, Code, Error, Fallback, Incoming, Name, Role, StreamId, StreamInfo, StreamSource, StreamType, Uid};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use transport::network::{self, Medium};

use crate::local::Outgoing;
use crate::peers::Peers;
use crate::remote::{Notice, Playback, ring};
use crate::signalling::{self, Signalling};
use crate::stats::{Judge, Judgement};
use crate::{CallStats, Config, Event, LowStream, RemoteStream, SubscribeOptions};
use calls::{Calls, Pending};
use dual::Dual;
use published::{Change, Published};
use told::Told;

/// What a handle asks of the engine. A dropped reply is an application that does not wait.
#[derive(Debug)]
pub(crate) enum Command {
    Init { app_id: AppId },
    Join { token: Option<String>, channel: ChannelName, uid: Option<Uid>, reply: oneshot::Sender<Result<Uid, Error>> },
    Leave { reply: Reply },
    Publish { stream: Outgoing, reply: Reply },
    Unpublish { stream: Outgoing, reply: Reply },
    Subscribe { stream: StreamId, options: SubscribeOptions, reply: Reply },
    Unsubscribe { stream: StreamId, reply: Reply },
    Want { stream: StreamId, stream_type: Option<StreamType>, fallback: Option<Fallback>, reply: Reply },
    SetDualStream { on: bool, reply: Reply },
    SetLowStream { low: LowStream, reply: Reply },
    SetName { name: Option<Name>, reply: Reply },
    SetRole { role: Role, reply: Reply },
    RenewToken { token: String, reply: Reply },
    SetSpeaker { id: String, reply: Reply },
    TestSpeaker { id: String, reply: Reply },
    IndicateVolume,
}

pub(crate) type Reply = oneshot::Sender<Result<(), Error>>;

/// What handles read without asking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub state: ConnectionState,
    pub uid: Option<Uid>,
    pub local: Vec<Outgoing>,
    pub remote: Vec<RemoteStream>,
    /// When the channel was entered, and how many users are in it.
    pub joined: Option<Instant>,
    pub users: usize,
    pub judgement: Judgement,
    pub medium: Medium,
}

/// The engine's ends of the queues to its client.
pub(crate) struct Handles {
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<Event>,
    pub snapshot: watch::Sender<Snapshot>,
}

pub(crate) struct Engine {
    config: Config,
    commands: mpsc::Receiver<Command>,
    snapshot: watch::Sender<Snapshot>,
    app_id: Option<AppId>,
    /// What this user goes by.
    name: Option<Name>,
    uid: Option<Uid>,
    session: Session,
    calls: Calls,
    signalling: Option<Signalling>,
    peers: Peers,
    peer_reports: mpsc::Receiver<Input>,
    published: Published,
    dual: Dual,
    local_changes: mpsc::Receiver<Change>,
    /// The channel's streams, and those of them that are subscribed to.
    streams: BTreeMap<StreamId, StreamInfo>,
    remote: BTreeMap<StreamId, RemoteStream>,
    playback: Option<Playback>,
    notices: mpsc::Receiver<Notice>,
    notice_sender: mpsc::Sender<Notice>,
    network: mpsc::Receiver<network::Change>,
    told: Told,
    /// When the channel was entered, and who else is in it.
    joined: Option<Instant>,
    online: BTreeSet<Uid>,
    judge: Judge,
    judgement: Judgement,
    medium: Medium,
    /// The beat of `volume-indicator` and `network-quality`.
    beat: Interval,
    /// Somebody wants to hear of it.
    indicates_volume: bool,
    /// Every client is dropped: the engine leaves and ends.
    ending: bool,
}

impl Engine {
    const REPORTS: usize = 1024;
    const NOTICES: usize = 256;
    /// Agora's interval of `volume-indicator` and `network-quality`.
    const BEAT: Duration = Duration::from_secs(2);

    /// Inside a tokio runtime only.
    pub fn new(config: Config, handles: Handles) -> Self {
        let (peer_sender, peer_reports) = mpsc::channel(Self::REPORTS);
        let (change_sender, local_changes) = mpsc::channel(Self::NOTICES);
        let (notice_sender, notices) = mpsc::channel(Self::NOTICES);
        let mut beat = interval(Self::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let Handles { commands, events, snapshot } = handles;
        let peers = Peers::new(&config, peer_sender);
        Self {
            config,
            commands,
            snapshot,
            told: Told::new(events),
            app_id: None,
            name: None,
            uid: None,
            session: Session::new(session::Config { seed: rand::random() }, Instant::now()),
            calls: Calls::default(),
            signalling: None,
            peers,
            peer_reports,
            published: Published::new(change_sender),
            dual: Dual::default(),
            local_changes,
            streams: BTreeMap::new(),
            remote: BTreeMap::new(),
            playback: None,
            notices,
            notice_sender,
            network: network::watch(&transport::system_runtime()),
            joined: None,
            online: BTreeSet::new(),
            judge: Judge::default(),
            judgement: Judgement::default(),
            medium: network::medium(),
            beat,
            indicates_volume: false,
            ending: false,
        }
    }

    /// Runs until every client is dropped and the channel is left.
    pub async fn run(mut self) {
        loop {
            let deadline = self.drain();
            self.update_snapshot();
            self.told.tell();
            if self.ending && self.session.connection_state() == ConnectionState::Disconnected {
                return;
            }
            tokio::select! {
                command = self.commands.recv(), if !self.ending => match command {
                    Some(command) => self.on_command(command),
                    None => self.end(),
                },
                report = next_report(&mut self.signalling) => self.on_signalling(report),
                Some(input) = self.peer_reports.recv() => self.input(input),
                Some(change) = self.local_changes.recv() => self.on_local_change(change),
                Some(notice) = self.notices.recv() => self.on_notice(notice),
                Some(change) = self.network.recv() => self.on_network(&change),
                _ = self.beat.tick() => {
                    self.indicate_volume();
                    self.look_at_network();
                    self.judge();
                }
                () = sleep_until(deadline.into()) => self.input(Input::TimePassed),
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.session.handle_input(input, Instant::now());
    }

    fn call(&mut self, pending: Pending, input: impl FnOnce(CallId) -> Input) {
        let call = self.calls.add(pending);
        self.input(input(call));
    }

    fn end(&mut self) {
        self.ending = true;
        self.call(Pending::Nobody, |call| Input::Leave { call });
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Init { app_id } => self.app_id = Some(app_id),
            Command::Join { token, channel, uid, reply } => self.on_join(token, channel, uid, reply),
            Command::Leave { reply } => self.call(Pending::Plain(reply), |call| Input::Leave { call }),
            Command::Publish { stream, reply } => self.on_publish(stream, reply),
            Command::Unpublish { stream, reply } => self.on_unpublish(&stream, reply),
            Command::Subscribe { stream, options, reply } => {
                let SubscribeOptions { audio, video } = options;
                self.call(Pending::Plain(reply), |call| Input::Subscribe { call, stream, audio, video });
            }
            Command::SetName { name, reply } => self.on_set_name(name, reply),
            Command::SetRole { role, reply } => self.call(Pending::Plain(reply), |call| Input::SetRole { call, role }),
            Command::SetSpeaker { id, reply } => self.on_set_speaker(id, reply),
            Command::TestSpeaker { id, reply } => self.on_test_speaker(id, reply),
            Command::IndicateVolume => self.indicates_volume = true,
            Command::RenewToken { token, reply } => self.call(Pending::Plain(reply), |call| Input::RenewToken { call, token }),
            Command::Unsubscribe { stream, reply } => self.call(Pending::Plain(reply), |call| Input::Unsubscribe { call, stream }),
            Command::Want { stream, stream_type, fallback, reply } => {
                self.call(Pending::Plain(reply), |call| Input::Want { call, stream, stream_type, fallback });
            }
            Command::SetDualStream { on, reply } => {
                let result = self.set_dual_stream(on);
                self.told.done(reply, result);
            }
            Command::SetLowStream { low, reply } => {
                let result = self.set_low_stream(low);
                self.told.done(reply, result);
            }
        }
    }

    fn on_join(&mut self, token: Option<String>, channel: ChannelName, uid: Option<Uid>, reply: oneshot::Sender<Result<Uid, Error>>) {
        let Some(app_id) = self.app_id.clone() else {
            return self.told.uid(reply, Err(Error::new(Code::InvalidOperation, "Call init with an App ID before join.")));
        };
        let (speaker, notices) = (&self.config.speaker, &self.notice_sender);
        self.playback.get_or_insert_with(|| Playback::open(speaker, notices.clone()));
        let join = Box::new(Join { app_id, channel, token, uid, mode: self.config.mode, name: self.name.clone() });
        self.call(Pending::Join(reply), |call| Input::Join { call, join });
    }

    fn on_set_name(&mut self, name: Option<Name>, reply: Reply) {
        self.name.clone_from(&name);
        if self.session.connection_state() == ConnectionState::Disconnected {
            return self.told.done(reply, Ok(()));
        }
        self.call(Pending::Plain(reply), |call| Input::SetName { call, name });
    }

    fn on_set_speaker(&mut self, id: String, reply: Reply) {
        match &self.playback {
            Some(playback) => playback.switch(id, reply),
            // Opened with the first join.
            None => {
                self.config.speaker = id;
                self.told.done(reply, Ok(()));
            }
        }
    }

    fn on_test_speaker(&mut self, id: String, reply: Reply) {
        match &self.playback {
            Some(playback) => playback.chime(id, reply),
            None => drop(tokio::task::spawn_blocking(move || drop(reply.send(ring(&id))))),
        }
    }

    fn on_publish(&mut self, stream: Outgoing, reply: Reply) {
        let (key, source) = (stream.key(), stream.source());
        stream.set_low(self.dual.low().filter(|_| dual::has_low(source)));
        match self.published.add(stream) {
            Ok(state) => self.call(Pending::Publish { key, source, reply }, |call| Input::Publish { call, stream: state }),
            Err(error) => self.told.done(reply, Err(error)),
        }
    }

    fn on_unpublish(&mut self, stream: &Outgoing, reply: Reply) {
        match self.published.get(stream.source()) {
            Some(published) if published.key() != stream.key() => {
                self.told.done(reply, Err(Error::new(Code::InvalidLocalStream, "Another stream of this source is published.")));
            }
            // Without a published stream the session says what is wrong.
            Some(_) | None => {
                let source = stream.source();
                self.call(Pending::Plain(reply), |call| Input::Unpublish { call, source });
            }
        }
    }

    fn on_signalling(&mut self, report: Option<signalling::Report>) {
        let input = match report {
            Some(signalling::Report::Opened) => Input::SignallingOpened,
            Some(signalling::Report::Message(message)) => return self.on_message(message),
            Some(signalling::Report::Failed(error)) => Input::SignallingFailed { error },
            Some(signalling::Report::Closed(error)) => Input::SignallingClosed { error },
            // Its end was reported before.
            None => {
                self.signalling = None;
                return;
            }
        };
        self.input(input);
    }

    fn on_message(&mut self, message: Incoming) {
        self.input(Input::Received(message));
    }

    fn on_local_change(&mut self, change: Change) {
        let Some(source) = self.published.current(&change) else { return };
        match change {
            Change::Closed { .. } => self.call(Pending::Nobody, |call| Input::Unpublish { call, source }),
            Change::State { state, lost, spoke, .. } => {
                let stream = self.uid.clone().map(|uid| StreamId { uid, source });
                if let (StreamSource::Screen, [error, ..], Some(stream)) = (source, &lost[..], stream.clone()) {
                    self.told.event(Event::StopScreenSharing { stream, error: error.clone() });
                    return self.call(Pending::Nobody, |call| Input::Unpublish { call, source });
                }
                for error in lost {
                    self.told.event(Event::DeviceLost { stream: stream.clone(), error });
                }
                if let Some(stream) = stream.filter(|_| spoke) {
                    self.told.event(Event::SpeakingWhileMuted { stream });
                }
                self.input(Input::StreamChanged { stream: state });
            }
        }
    }

    fn on_notice(&mut self, notice: Notice) {
        self.told.event(match notice {
            Notice::FirstVideoFrame(stream) => Event::FirstVideoFrameDecode { stream },
            Notice::FirstAudioFrame(stream) => Event::FirstAudioFrameDecode { stream },
            Notice::SpeakerBack => Event::SpeakerBack,
            Notice::SpeakerLost(error) => Event::DeviceLost { stream: None, error },
        });
    }

    /// The connection to the service may hang for long over an address that is gone; the session makes another at once.
    fn on_network(&mut self, change: &network::Change) {
        let address = self.signalling.as_ref().and_then(Signalling::local_address);
        if address.is_some_and(|address| change.takes(address)) {
            self.signalling = None;
            let error = Error::new(Code::SocketDisconnected, "This machine's network address changed.");
            self.input(Input::SignallingClosed { error });
        }
        self.input(Input::NetworkChanged);
        self.look_at_network();
    }

    fn look_at_network(&mut self) {
        let before = std::mem::replace(&mut self.medium, network::medium());
        if self.medium != before && self.uid.is_some() {
            self.told.event(Event::NetworkTypeChanged { medium: self.medium });
        }
    }

    fn indicate_volume(&mut self) {
        if !self.indicates_volume {
            return;
        }
        let own = self.uid.iter().flat_map(|uid| self.published.streams().map(|stream| (uid.clone(), stream.audio_level())));
        let sounding = self.remote.values().filter(|stream| stream.info().audio);
        let mut levels = BTreeMap::new();
        for (uid, level) in sounding.map(|stream| (stream.id().uid, stream.audio_level())).chain(own) {
            let level = (level * 100.0).round().clamp(0.0, 100.0) as u8;
            levels.entry(uid).and_modify(|loudest| *loudest = level.max(*loudest)).or_insert(level);
        }
        if !levels.is_empty() {
            self.told.event(Event::VolumeIndicator { levels: levels.into_iter().collect() });
        }
    }

    /// Judges the network and what is wrong by the call's numbers, while there is a call.
    fn judge(&mut self) {
        if self.uid.is_none() {
            (self.judge, self.judgement) = Default::default();
            return;
        }
        let (judgement, exceptions) = self.judge.look(&CallStats::collect(&self.snapshot(), Instant::now()));
        self.told.event(Event::NetworkQuality(judgement.network));
        exceptions.into_iter().for_each(|exception| self.told.event(Event::Exception(exception)));
        self.judgement = judgement;
    }

    /// Carries out what the session orders; answers when it wants to be woken.
    fn drain(&mut self) -> Instant {
        loop {
            match self.session.poll_output() {
                Output::Timeout(at) => return at,
                output => self.carry_out(output),
            }
        }
    }

    fn update_snapshot(&self) {
        self.snapshot.send_replace(self.snapshot());
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.session.connection_state(),
            uid: self.uid.clone(),
            local: self.published.streams().cloned().collect(),
            remote: self.remote.values().cloned().collect(),
            joined: self.joined,
            users: self.joined.map_or(0, |_| self.online.len() + 1),
            judgement: self.judgement.clone(),
            medium: self.medium,
        }
    }
}

/// The next report of the signalling connection, if there is one.
async fn next_report(signalling: &mut Option<Signalling>) -> Option<signalling::Report> {
    match signalling {
        Some(signalling) => signalling.recv().await,
        None => std::future::pending().await,
    }
}
