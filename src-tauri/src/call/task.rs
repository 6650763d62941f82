//! The task behind a [`Window`](super::Window): it owns the client and the streams, and does what the machine wants.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use client::{Client, Config, Event, Events, LocalStream, Lost, LostDevices, RemoteStream, SubscribeOptions};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::MissedTickBehavior,
};

use super::{
    input::{Attempt, Input, Ticket},
    join::Join,
    local::{Opened, Step},
    machine::Machine,
    news,
    output::{Answer, Output},
    screen, share, stream,
    window::{Order, Page, Setup},
};
use crate::{
    error::invalid_parameter,
    events::{PageEvent, Volume},
    frames::Streams,
    service::{self, Status},
    signal::{Code, Error, Name, StreamId},
    stats::CallStats,
    types::{CallState, LOCAL, LOCAL_SCREEN},
};

/// How often the page hears how loud everybody is.
const VOLUME_EVERY: Duration = Duration::from_millis(200);

/// How many finished jobs may wait for the task.
const QUEUE: usize = 64;

/// The client of one attempt to join.
struct Call {
    attempt: Attempt,
    client: Client,
    events: Events,
    joining: JoinHandle<()>,
    started: Instant,
    remote: HashMap<StreamId, RemoteStream>,
}

pub struct Task {
    setup: Setup,
    /// What the window's tiles can show.
    streams: Streams,
    machine: Machine,
    /// The window's page, and that of the small window on top if it shows one of this call's streams; each with its label.
    pages: Vec<(String, Page)>,
    /// What the pages know.
    sent: Option<CallState>,
    /// Of the state, whether a page knows it or not.
    revision: u32,
    loud: Vec<Volume>,
    tickets: HashMap<Ticket, oneshot::Sender<Result<Answer, Error>>>,
    next_ticket: Ticket,
    local: Option<LocalStream>,
    lost: Option<LostDevices>,
    /// The end of the stream before: its devices must be free before others are opened.
    closing: Option<JoinHandle<()>>,
    /// What is shared, or about to be.
    screen: Option<LocalStream>,
    call: Option<Call>,
    jobs: mpsc::Sender<Input>,
    ends: mpsc::Receiver<Input>,
}

impl Task {
    pub fn new(setup: Setup, streams: Streams) -> Self {
        let (jobs, ends) = mpsc::channel(QUEUE);
        Self {
            setup,
            streams,
            machine: Machine::default(),
            pages: Vec::new(),
            sent: None,
            revision: 0,
            loud: Vec::new(),
            tickets: HashMap::new(),
            next_ticket: 0,
            local: None,
            lost: None,
            closing: None,
            screen: None,
            call: None,
            jobs,
            ends,
        }
    }

    /// Runs until the handle is gone, then leaves.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut volume = tokio::time::interval(VOLUME_EVERY);
        volume.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut place = self.setup.place.clone();
        let mut catalogue = self.setup.catalogue.clone();
        let mut projects = self.setup.projects.clone();
        let mut settings = self.setup.settings.clone();
        let mut nearby = self.setup.nearby.clone();
        let status = place.borrow_and_update().status.clone();
        self.on_service(status);
        loop {
            self.perform_all();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.on_order(order),
                    None => break,
                },
                Some(end) = self.ends.recv() => self.on_end(end),
                (attempt, event) = next_event(&mut self.call) => self.on_event(attempt, &event),
                lost = next_lost(&mut self.lost) => self.on_lost(lost),
                Ok(()) = place.changed() => {
                    let status = place.borrow_and_update().status.clone();
                    self.on_service(status);
                }
                Ok(()) = projects.changed() => self.tell(PageEvent::ProjectsChanged),
                Ok(()) = settings.changed() => {
                    let settings = Box::new(settings.borrow_and_update().as_ref().clone());
                    self.tell(PageEvent::SettingsChanged { settings });
                }
                Ok(()) = nearby.changed() => self.tell(PageEvent::NearbyChanged),
                changes = catalogue.changed() => {
                    // Which one went comes first: it is chosen on the page until the page asks for those that are left.
                    changes.into_iter().for_each(|change| self.tell(change));
                    self.tell(PageEvent::DevicesChanged);
                }
                _ = volume.tick(), if self.has_sound() => {
                    self.watch_screen();
                    self.tell_volumes();
                }
            }
        }
        self.end().await;
    }

    fn on_order(&mut self, order: Order) {
        // Whoever asked may have gone meanwhile; then the answer has no use.
        match order {
            Order::Command { input, reply } => {
                self.next_ticket += 1;
                self.tickets.insert(self.next_ticket, reply);
                self.machine.handle(input(self.next_ticket));
            }
            Order::State(reply) => drop(reply.send(self.machine.snapshot(self.revision))),
            Order::Stats(reply) => drop(reply.send(self.stats())),
            Order::Volume { stream, volume, reply } => drop(reply.send(self.set_volume(&stream, volume))),
            Order::Name { name, reply } => self.set_name(name, reply),
            Order::Speaker { id, reply } => self.set_speaker(id, reply),
            Order::TestSpeaker { id, reply } => self.test_speaker(id, reply),
            Order::Renew { token, reply } => self.renew(token, reply),
            Order::Page { label, page } => {
                self.pages.retain(|(other, _)| *other != label);
                self.pages.push((label, page));
                self.sent = None;
            }
            Order::Tell { event, reply } => {
                self.tell(*event);
                let _ = reply.send(!self.pages.is_empty());
            }
        }
    }

    /// A job ended.
    fn on_end(&mut self, end: Input) {
        match &end {
            Input::StreamOpened(opened) | Input::StreamSwitched(opened) => self.show_local(opened),
            Input::ScreenStarted(Ok(_)) => {
                if let Some(frames) = self.screen.as_ref().and_then(LocalStream::frames) {
                    self.streams.put(LOCAL_SCREEN, frames);
                }
            }
            Input::ScreenStarted(Err(_)) => self.screen = None,
            Input::SpeakerChosen(id) => self.setup.speaker = Some(id.clone()),
            Input::Left { attempt } => {
                if let Some(call) = self.call.take_if(|call| call.attempt == *attempt) {
                    self.hide_all(&call);
                }
            }
            _ => {}
        }
        self.machine.handle(end);
    }

    fn on_service(&mut self, status: Status) {
        let problem = match status {
            Status::Failed(error) => Some(Error::from(error).into()),
            Status::Starting | Status::Serving | Status::Ready => None,
        };
        self.machine.handle(Input::Service(problem));
    }

    fn on_event(&mut self, attempt: Attempt, event: &Event) {
        if let Some(event) = PageEvent::of(event) {
            self.tell(event);
        }
        match event {
            Event::StreamSubscribed { stream } => self.show_remote(stream),
            Event::StreamRemoved { stream } => self.hide_remote(stream),
            Event::SpeakerBack => self.machine.handle(Input::Speaker(None)),
            Event::DeviceLost { stream: None, error } => self.machine.handle(Input::Speaker(Some(error.clone()))),
            _ => {}
        }
        for input in news::inputs(attempt, event) {
            self.machine.handle(input);
        }
    }

    /// A stream that is closed loses nothing more.
    fn on_lost(&mut self, lost: Option<Lost>) {
        match lost {
            Some(lost) => self.machine.handle(Input::DevicesLost(lost)),
            None => self.lost = None,
        }
    }

    fn show_remote(&mut self, stream: &RemoteStream) {
        self.streams.put(&stream.id().to_string(), stream.frames());
        if let Some(call) = &mut self.call {
            call.remote.insert(stream.id(), stream.clone());
        }
    }

    fn hide_remote(&mut self, stream: &StreamId) {
        self.streams.remove(&stream.to_string());
        if let Some(call) = &mut self.call {
            call.remote.remove(stream);
        }
    }

    fn hide_all(&self, call: &Call) {
        for stream in call.remote.keys() {
            self.streams.remove(&stream.to_string());
        }
    }

    fn show_local(&mut self, opened: &Opened) {
        match self.local.as_ref().filter(|_| opened.video).and_then(LocalStream::frames) {
            Some(frames) => self.streams.put(LOCAL, frames),
            None => self.streams.remove(LOCAL),
        }
    }

    /// Does what the machine wants, then tells the page what changed.
    fn perform_all(&mut self) {
        while let Some(output) = self.machine.poll() {
            self.perform(output);
        }
        let state = self.machine.snapshot(self.revision);
        if self.sent.as_ref() != Some(&state) {
            self.revision += 1;
            let state = CallState { revision: self.revision, ..state };
            self.tell(PageEvent::CallState { call: Box::new(state.clone()) });
            self.sent = Some(state);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Local(step) => self.perform_local(step),
            Output::Screen(step) => self.perform_screen(step),
            Output::ScreenGone(reason) => self.tell(PageEvent::StopScreenSharing { reason }),
            Output::Connect { attempt, join } => self.connect(attempt, join),
            Output::Disconnect { attempt } => self.disconnect(attempt),
            Output::Publish { attempt, wanted } => self.publish(attempt, wanted),
            Output::Subscribe { attempt, stream } => self.subscribe(attempt, stream),
            Output::Complain(error) => self.tell(PageEvent::error(error)),
            Output::DeviceLost(problem) => self.tell(PageEvent::DeviceLost(problem)),
            Output::DeviceBack(device) => self.tell(PageEvent::DeviceBack { device }),
            Output::Reply { ticket, result } => {
                if let Some(reply) = self.tickets.remove(&ticket) {
                    let _ = reply.send(result);
                }
            }
        }
    }

    fn perform_local(&mut self, step: Step) {
        match step {
            Step::Open(devices) => {
                let stream = stream::create(&devices);
                let closing = self.closing.take();
                self.lost = Some(stream.lost_devices());
                self.local = Some(stream.clone());
                self.job(async move { Input::StreamOpened(stream::open(stream, devices, closing).await) });
            }
            Step::Switch { camera, microphone, before } => {
                if let Some(local) = self.local.clone() {
                    self.job(async move { Input::StreamSwitched(stream::switch(local, camera, microphone, before).await) });
                }
            }
            Step::Close => {
                self.streams.remove(LOCAL);
                self.lost = None;
                self.closing = self.local.take().map(|stream| tokio::spawn(stream::close(stream)));
            }
            Step::Process(switches) => {
                if let Some(local) = &self.local {
                    local.set_audio_processing(switches.into());
                }
            }
            Step::Mute { audio, video } => {
                if let Some(local) = &self.local {
                    local.mute_audio(audio);
                    local.mute_video(video);
                }
            }
        }
    }

    fn perform_screen(&mut self, step: screen::Step) {
        let client = self.call.as_ref().map(|call| call.client.clone());
        match step {
            screen::Step::Start(share) => {
                let Some(client) = client else {
                    return self.machine.handle(Input::ScreenStarted(Err(Error::new(Code::RequestAbort, "The call is over."))));
                };
                let local = share::create(&share);
                self.screen = Some(local.clone());
                self.job(async move { Input::ScreenStarted(share::start(client, local, share.id).await) });
            }
            screen::Step::Stop => {
                self.streams.remove(LOCAL_SCREEN);
                let Some(local) = self.screen.take() else { return self.machine.handle(Input::ScreenStopped) };
                self.job(async move {
                    share::stop(client, local).await;
                    Input::ScreenStopped
                });
            }
        }
    }

    fn connect(&mut self, attempt: Attempt, join: Box<Join>) {
        // The client replaces a speaker that does not open by silence, and says so.
        self.machine.handle(Input::Speaker(None));
        let speaker = self.speaker();
        let Setup { place, ca, .. } = self.setup.clone();
        // A link may name a service for this call alone.
        let own = place.borrow().url.clone();
        let server = join.params.server.clone().unwrap_or_else(|| own.clone());
        let elsewhere = server != own;
        let config = Config { server, ca, mode: join.params.mode, codec: join.codec, speaker, ..Config::default() };
        let (client, events) = Client::with_config(config);
        let (jobs, joiner) = (self.jobs.clone(), client.clone());
        let joining = tokio::spawn(async move {
            let result = async {
                if !elsewhere {
                    service::ready(place).await?;
                }
                joiner.init(&join.params.app_id).await?;
                joiner.set_name(join.params.name.as_deref().unwrap_or_default()).await?;
                joiner.join(join.token(), &join.params.channel, join.uid.clone()).await
            };
            let result = result.await;
            // The task is gone when the window is; then nobody waits for this.
            let _ = jobs.send(Input::Joined { attempt, result }).await;
        });
        self.call = Some(Call { attempt, client, events, joining, started: Instant::now(), remote: HashMap::new() });
    }

    fn disconnect(&mut self, attempt: Attempt) {
        let Some(call) = self.call.as_ref().filter(|call| call.attempt == attempt) else { return };
        call.joining.abort();
        let client = call.client.clone();
        self.job(async move {
            leave(&client).await;
            Input::Left { attempt }
        });
    }

    fn publish(&self, attempt: Attempt, wanted: bool) {
        let (Some(call), Some(local)) = (&self.call, self.local.clone()) else { return };
        let client = call.client.clone();
        self.job(async move {
            let result = if wanted { client.publish(&local).await } else { client.unpublish(&local).await };
            Input::PublishEnded { attempt, result }
        });
    }

    fn subscribe(&self, attempt: Attempt, stream: StreamId) {
        let Some(call) = &self.call else { return };
        let client = call.client.clone();
        self.job(async move {
            let result = client.subscribe(&stream, SubscribeOptions::default()).await;
            Input::SubscribeEnded { attempt, stream, result }
        });
    }

    /// Has the call's client do something, and the machine hear what came of it. Whoever asked may have gone meanwhile; then the answer has
    /// no use.
    fn ask<Done>(&self, reply: oneshot::Sender<Result<(), Error>>, ask: impl FnOnce(Client, Attempt) -> Done)
    where
        Done: Future<Output = Result<Input, Error>> + Send + 'static,
    {
        let Some(Call { client, attempt, .. }) = &self.call else {
            return drop(reply.send(Err(Error::new(Code::InvalidOperation, "Join a channel first."))));
        };
        let (done, jobs) = (ask(client.clone(), *attempt), self.jobs.clone());
        tokio::spawn(async move {
            let result = match done.await {
                Ok(input) => {
                    let _ = jobs.send(input).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            drop(reply.send(result));
        });
    }

    fn set_name(&self, name: String, reply: oneshot::Sender<Result<(), Error>>) {
        self.ask(reply, |client, attempt| async move {
            client.set_name(&name).await?;
            Ok(Input::Named { attempt, name: Name::clean(&name).map(String::from) })
        });
    }

    /// For this call and those to come. Whoever asked may have gone meanwhile; then the answer has no use.
    fn set_speaker(&self, id: String, reply: oneshot::Sender<Result<(), Error>>) {
        let (client, jobs) = (self.call.as_ref().map(|call| call.client.clone()), self.jobs.clone());
        tokio::spawn(async move {
            let result = match client {
                Some(client) => client.set_speaker(&id).await,
                None => client::check_speaker(&id).await,
            };
            if result.is_ok() {
                let _ = jobs.send(Input::SpeakerChosen(id)).await;
            }
            drop(reply.send(result));
        });
    }

    /// Where calls are heard. One that was chosen in an earlier run is passed over while it is not plugged in.
    fn speaker(&self) -> String {
        let saved = || {
            let saved = self.setup.settings.borrow().devices.speaker.clone();
            saved.filter(|id| self.setup.catalogue.has_speaker(id))
        };
        self.setup.speaker.clone().or_else(saved).unwrap_or_else(|| "default".into())
    }

    fn test_speaker(&self, id: Option<String>, reply: oneshot::Sender<Result<(), Error>>) {
        let client = self.call.as_ref().map(|call| call.client.clone());
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.speaker());
        tokio::spawn(async move {
            let result = match client {
                Some(client) => client.test_speaker(&id).await,
                None => client::test_speaker(&id).await,
            };
            drop(reply.send(result));
        });
    }

    fn renew(&self, token: String, reply: oneshot::Sender<Result<(), Error>>) {
        self.ask(reply, |client, attempt| async move {
            client.renew_token(&token).await?;
            Ok(Input::Renewed { attempt, token })
        });
    }

    fn job(&self, job: impl Future<Output = Input> + Send + 'static) {
        let jobs = self.jobs.clone();
        tokio::spawn(async move {
            let end = job.await;
            // The task is gone when the window is; then nobody waits for this.
            let _ = jobs.send(end).await;
        });
    }

    fn set_volume(&self, stream: &str, volume: u8) -> Result<(), Error> {
        if volume > 100 {
            return Err(invalid_parameter("A volume is 0 to 100."));
        }
        let remote = self.call.iter().flat_map(|call| &call.remote).find(|(id, _)| id.to_string() == stream);
        let (_, remote) = remote.ok_or_else(|| Error::new(Code::NoSuchRemoteStream, format!("There is no stream {stream}.")))?;
        remote.set_volume(f32::from(volume) / 100.0);
        Ok(())
    }

    fn stats(&self) -> CallStats {
        self.call.as_ref().map(|call| CallStats::of(&call.client.stats(), call.started)).unwrap_or_default()
    }

    fn tell(&mut self, event: PageEvent) {
        (self.setup.onlooker)(&event);
        self.pages.retain(|(_, page)| page(event.clone()));
    }

    /// Whether anybody could be loud, or is still thought to be.
    fn has_sound(&self) -> bool {
        self.call.is_some() || self.local.as_ref().is_some_and(LocalStream::has_audio) || !self.loud.is_empty()
    }

    fn watch_screen(&mut self) {
        if let Some(screen) = &self.screen {
            self.machine.handle(Input::ScreenPaused(screen.is_paused()));
        }
    }

    /// Silence is told once.
    fn tell_volumes(&mut self) {
        let percent = |level: f32| (level.clamp(0.0, 1.0) * 100.0).round() as u8;
        let local = self.local.iter().map(|local| Volume { stream: LOCAL.into(), level: percent(local.audio_level()) });
        let remote = self.call.iter().flat_map(|call| &call.remote);
        let remote = remote.map(|(id, stream)| Volume { stream: id.to_string(), level: percent(stream.audio_level()) });
        let levels: Vec<Volume> = local.chain(remote).collect();
        if levels != self.loud {
            self.loud.clone_from(&levels);
            self.tell(PageEvent::VolumeIndicator { levels });
        }
    }

    /// The window is gone.
    async fn end(mut self) {
        if let Some(call) = self.call.take() {
            call.joining.abort();
            leave(&call.client).await;
        }
        for stream in [self.local.take(), self.screen.take()].into_iter().flatten() {
            stream::close(stream).await;
        }
        if let Some(closing) = self.closing.take() {
            // Whatever came of it, there is nothing more to wait for.
            let _ = closing.await;
        }
    }
}

/// A client that had not joined says so; either way it is out now.
async fn leave(client: &Client) {
    if let Err(error) = client.leave().await {
        tracing::debug!(%error, "leaving");
    }
}

async fn next_event(call: &mut Option<Call>) -> (Attempt, Event) {
    match call {
        Some(call) => match call.events.recv().await {
            Some(event) => (call.attempt, event),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn next_lost(devices: &mut Option<LostDevices>) -> Option<Lost> {
    match devices {
        Some(devices) => devices.changed().await,
        None => std::future::pending().await,
    }
}
