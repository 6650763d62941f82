//! One call, from join to leave.

use std::time::{Duration, Instant};

use client::{
    Client, Code, Codec, Config, Error, Event, Fallback, LocalStream, RemoteStream, StreamId, StreamSpec, StreamType, SubscribeOptions,
};

use serde_json::{Value, json};

use crate::{
    arguments::{Call, device},
    record::Recorder,
    report::Report,
};

/// Joins, publishes what the arguments name, subscribes to everyone, and leaves after the time is up or at Ctrl-C.
///
/// Fails with what the service answered when it cannot join, or when a file it was told to use is unusable.
pub async fn run(call: Call) -> Result<(), Error> {
    let report = call.report.as_deref().map(Report::create).transpose()?;
    let config = Config {
        server: call.server.clone(),
        ca: call.ca.clone(),
        ice_policy: call.ice_policy,
        mode: call.mode,
        codec: Codec::H264,
        speaker: call.speaker.clone(),
    };
    let (client, events) = Client::with_config(config);
    client.init(&call.app_id).await?;
    client.set_name(&call.name).await?;
    let began = Instant::now();
    client.join(call.token.as_deref(), &call.channel, call.uid.clone()).await?;
    if call.dual_stream {
        client.enable_dual_stream().await?;
    }
    let stream = publish(&client, &call).await?;
    let screen = share(&client, &call).await?;
    let recorder = call.record.clone().map(|folder| Recorder::new(folder, !call.record_sound));
    let mut session = Session { client: client.clone(), call, recorder, report, began };
    session.last(events).await;
    drop(session.recorder);
    if let Some(report) = session.report.as_mut() {
        report
            .summary(began, &client.stats())
            .map_err(|error| Error::new(Code::InvalidParameter, format!("The report cannot be written: {error}.")))?;
    }
    client.leave().await?;
    drop((stream, screen));
    Ok(())
}

/// Publishes the camera and microphone of the command line; with neither, nothing. A device that does not open ends the call.
async fn publish(client: &Client, call: &Call) -> Result<Option<LocalStream>, Error> {
    let (camera, microphone) = (device(&call.camera, ".y4m"), device(&call.microphone, ".wav"));
    if camera.is_none() && microphone.is_none() {
        return Ok(None);
    }
    let spec = StreamSpec {
        audio: microphone.is_some(),
        video: camera.is_some(),
        camera_id: camera,
        microphone_id: microphone,
        video_profile: call.profile,
        audio_processing: call.audio_processing,
        ..StreamSpec::default()
    };
    let stream = LocalStream::create(spec);
    if let Some(problem) = stream.init().await?.problems.into_iter().next() {
        return Err(problem.error);
    }
    stream.mute_audio(call.muted);
    client.publish(&stream).await?;
    Ok(Some(stream))
}

/// Shares the screen of the command line, if any. One that cannot be seen ends the call.
async fn share(client: &Client, call: &Call) -> Result<Option<LocalStream>, Error> {
    let Some(id) = device(&call.screen, ".y4m") else { return Ok(None) };
    let stream = LocalStream::create(StreamSpec::screen(&id, call.screen_profile, call.screen_preference));
    if let Some(problem) = stream.init().await?.problems.into_iter().next() {
        return Err(problem.error);
    }
    client.publish(&stream).await?;
    Ok(Some(stream))
}

/// Subscribes to a stream, and says which picture of it is wanted and what may come instead.
async fn subscribe(client: &Client, stream: &StreamId, (stream_type, fallback): (StreamType, Fallback)) -> Result<(), Error> {
    client.subscribe(stream, SubscribeOptions::default()).await?;
    client.set_remote_video_stream_type(stream, stream_type).await?;
    client.set_stream_fallback_option(stream, fallback).await
}

struct Session {
    client: Client,
    call: Call,
    recorder: Option<Recorder>,
    report: Option<Report>,
    began: Instant,
}

impl Session {
    /// Until the time is up, the user interrupts, or the client ends.
    async fn last(&mut self, mut events: client::Events) {
        let end = self.call.seconds.map(|seconds| self.began + Duration::from_secs(seconds));
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        second.tick().await;
        let over = async move {
            match end {
                Some(end) => tokio::time::sleep_until(end.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                _ = tokio::signal::ctrl_c() => return,
                _ = second.tick() => self.tell(),
                event = events.recv() => match event {
                    Some(event) => self.on_event(event),
                    None => return,
                },
            }
        }
    }

    fn tell(&mut self) {
        let Some(report) = self.report.as_mut() else { return };
        if let Err(error) = report.line(self.began, &self.client.stats()) {
            tracing::error!(%error, "the report cannot be written; the call goes on without it");
            self.report = None;
        }
    }

    fn on_event(&mut self, event: Event) {
        tracing::info!(name = event.name(), "event");
        match event {
            Event::StreamAdded { stream } if !self.call.no_subscribe => {
                // It answers when media flows, which may take a while; events and the report go on meanwhile.
                let (client, want) = (self.client.clone(), (self.call.stream_type, self.call.fallback));
                tokio::spawn(async move {
                    if let Err(error) = subscribe(&client, &stream.id, want).await {
                        tracing::warn!(%error, stream = %stream.id, "cannot subscribe");
                    }
                });
            }
            Event::StreamSubscribed { stream } => self.record(&stream),
            Event::StreamTypeChanged { ref stream, stream_type, .. } => {
                self.note(&event, stream, json!({"stream_type": stream_type as u8}));
            }
            Event::StreamFallback { ref stream, sound_only, .. } => self.note(&event, stream, json!({"sound_only": sound_only})),
            Event::StreamRemoved { stream } => {
                if let Some(recorder) = &mut self.recorder {
                    recorder.stop(&stream);
                }
            }
            Event::Exception(exception) => {
                if let Some(report) = &mut self.report {
                    report.exception(&exception);
                }
            }
            Event::SpeakingWhileMuted { .. } => {
                if let Some(report) = &mut self.report {
                    report.spoke_while_muted();
                }
            }
            Event::StopScreenSharing { error, .. } => tracing::warn!(%error, "the screen is not shared any more"),
            Event::Error { error } => tracing::warn!(%error, "the client reports"),
            _ => {}
        }
    }

    /// Reports what comes of a stream from now on.
    fn note(&mut self, event: &Event, stream: &StreamId, what: Value) {
        tracing::info!(name = event.name(), %stream, %what, "another layer comes");
        if let Some(report) = &mut self.report {
            report.event(event.name(), stream, what);
        }
    }

    fn record(&mut self, stream: &RemoteStream) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Err(error) = recorder.start(stream) {
            tracing::error!(%error, "cannot record");
        }
    }
}
