//! A stream of somebody else: its subscription's packets, decoded into the newest frame and into the speaker.
//!
//! ```text
//! playback  the speaker that all streams share
//! video     frames → decoder → newest picture
//! audio     packets → Opus → speaker
//! freeze    how long the picture stood still
//! ```

mod audio;
mod freeze;
mod playback;
mod video;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::{VideoFrame, latest};
use signal::{Error, StreamId, StreamInfo};
use tokio::sync::mpsc;
use transport::{AudioReceiver, ReceiveStats, Subscriber, VideoReceiver};

use crate::stats::{ReceivedStats, ms};
use playback::Seat;
pub(crate) use playback::{Playback, ring};

/// Blocks of 10 ms that wait for a listener of [`RemoteStream::played`].
const TAP: usize = 200;

/// A subscribed stream. It outlives the connections that carry it, one after another.
#[derive(Clone)]
pub struct RemoteStream {
    inner: Arc<Inner>,
}

struct Inner {
    id: StreamId,
    info: Mutex<StreamInfo>,
    playback: Playback,
    notices: mpsc::Sender<Notice>,
    picture: Arc<video::Picture>,
    sound: Arc<audio::Sound>,
    carriage: Mutex<Carriage>,
}

/// What carries the stream now, and what carried it before.
struct Carriage {
    current: Option<Carrier>,
    past: Totals,
    volume: f32,
    silent: bool,
}

struct Carrier {
    subscriber: Arc<Subscriber>,
    detached: Arc<AtomicBool>,
    seat: Option<Arc<Seat>>,
}

/// A connection's counters that outlive it.
#[derive(Clone, Copy, Default)]
struct Totals {
    video_lost: u64,
    video_repaired: u64,
    video_packets: u64,
    video_bytes: u64,
    audio_lost: u64,
    audio_packets: u64,
    audio_bytes: u64,
}

impl Totals {
    fn plus(self, stats: &ReceiveStats) -> Self {
        Self {
            video_lost: self.video_lost + stats.video.lost,
            video_repaired: self.video_repaired + stats.video.repaired,
            video_packets: self.video_packets + stats.video.packets,
            video_bytes: self.video_bytes + stats.video.bytes,
            audio_lost: self.audio_lost + stats.audio.lost,
            audio_packets: self.audio_packets + stats.audio.packets,
            audio_bytes: self.audio_bytes + stats.audio.bytes,
        }
    }
}

/// One connection's receiving side.
#[derive(Debug)]
pub(crate) struct Connection {
    pub subscriber: Arc<Subscriber>,
    pub video: Option<VideoReceiver>,
    pub audio: Option<AudioReceiver>,
}

/// What a remote stream tells its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The first frame of this stream was decoded.
    FirstVideoFrame(StreamId),
    /// The first sound of this stream was decoded.
    FirstAudioFrame(StreamId),
    /// The speaker did not open, or is gone.
    SpeakerLost(Error),
    /// It is there again, or another plays in its place.
    SpeakerBack,
}

impl RemoteStream {
    pub(crate) fn new(info: StreamInfo, playback: &Playback, notices: mpsc::Sender<Notice>) -> Self {
        let inner = Inner {
            id: info.id.clone(),
            info: Mutex::new(info),
            playback: playback.clone(),
            notices,
            picture: Arc::new(video::Picture::new()),
            sound: Arc::default(),
            carriage: Mutex::new(Carriage { current: None, past: Totals::default(), volume: 1.0, silent: false }),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn id(&self) -> StreamId {
        self.inner.id.clone()
    }

    pub fn info(&self) -> StreamInfo {
        self.inner.info().clone()
    }

    /// The decoded frames, newest wins.
    pub fn frames(&self) -> latest::Reader<VideoFrame> {
        self.inner.picture.frames()
    }

    /// What is played from now on, before its volume: 10 ms of interleaved stereo at 48 kHz at a time, silence included. The queue
    /// holds 2 s; what does not fit is missing.
    pub fn played(&self) -> Receiver<Vec<f32>> {
        let (sender, blocks) = sync_channel(TAP);
        self.inner.sound.tap(sender);
        blocks
    }

    /// Loudness of what is played, 0 to 1.
    pub fn audio_level(&self) -> f32 {
        let carriage = self.inner.carriage();
        carriage.seat().map_or(0.0, |seat| seat.level())
    }

    /// How loud the stream is played: 1.0 is as it comes, 0.0 is silence.
    pub fn set_volume(&self, volume: f32) {
        let mut carriage = self.inner.carriage();
        carriage.volume = volume;
        carriage.apply_volume();
    }

    /// Plays no sound of the stream here, or plays it again. The publisher does not hear of it.
    pub fn mute_audio(&self, muted: bool) {
        let mut carriage = self.inner.carriage();
        carriage.silent = muted;
        carriage.apply_volume();
    }

    /// Shows no new picture of the stream here, or shows it again. The publisher does not hear of it.
    pub fn mute_video(&self, muted: bool) {
        self.inner.picture.hidden.store(muted, Ordering::Relaxed);
    }

    /// The publisher changed the stream's tracks or mutes.
    pub(crate) fn update(&self, info: StreamInfo) {
        let before = std::mem::replace(&mut *self.inner.info(), info.clone());
        if info.video_muted && !before.video_muted || before.video && !info.video {
            self.inner.picture.on_pause();
        }
    }

    /// The publisher sends no picture for now, on purpose.
    pub(crate) fn on_picture_paused(&self) {
        self.inner.picture.on_pause();
    }

    /// A connection carries the stream from now on; it replaces the one before.
    pub(crate) fn attach(&self, connection: Connection) {
        let Connection { subscriber, video, audio } = connection;
        let detached = Arc::new(AtomicBool::new(false));
        if let Some(receiver) = video {
            let feed =
                video::Feed { picture: self.inner.picture.clone(), detached: detached.clone(), subscriber: Arc::downgrade(&subscriber) };
            video::start(receiver, feed, self.inner.teller(Notice::FirstVideoFrame));
        }
        let seat = audio.and_then(|receiver| self.inner.seat(receiver));
        let mut carriage = self.inner.carriage();
        carriage.end();
        carriage.current = Some(Carrier { subscriber, detached, seat });
        carriage.apply_volume();
    }

    /// This connection does not carry the stream any more: stops decoding and lets go of the subscriber. The last frame stays.
    /// Does nothing if another connection has replaced it already.
    pub(crate) fn detach(&self, subscriber: &Arc<Subscriber>) {
        let mut carriage = self.inner.carriage();
        if carriage.current.as_ref().is_some_and(|carrier| Arc::ptr_eq(&carrier.subscriber, subscriber)) {
            carriage.end();
        }
    }

    /// The subscription is over: like a detach, and frame readers see the end. Clones that the application holds stay readable.
    pub(crate) fn close(&self) {
        self.inner.carriage().end();
        self.inner.picture.close();
    }

    /// The stream's part of [`CallStats`](crate::CallStats).
    pub(crate) fn stats(&self, now: Instant) -> ReceivedStats {
        let StreamInfo { audio, video, audio_muted, video_muted, .. } = self.info();
        let (totals, buffer) = {
            let carriage = self.inner.carriage();
            (carriage.totals(), carriage.live().map(|live| live.video.target_delay))
        };
        let video = video.then(|| {
            let mut stats = self.inner.picture.stats(now);
            (stats.lost, stats.repaired) = (totals.video_lost, totals.video_repaired);
            (stats.packets, stats.bytes, stats.muted) = (totals.video_packets, totals.video_bytes, video_muted);
            stats.buffer_ms = ms(buffer.unwrap_or_default());
            stats
        });
        let audio = audio.then(|| {
            let mut stats = self.inner.sound.stats(now);
            (stats.lost, stats.packets, stats.bytes) = (totals.audio_lost, totals.audio_packets, totals.audio_bytes);
            (stats.level, stats.muted) = (f64::from(self.audio_level() * 100.0), audio_muted);
            stats
        });
        ReceivedStats { stream: self.id(), video, audio }
    }

    /// The round trip to the publisher.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.inner.carriage().live().and_then(|live| live.rtt)
    }
}

impl fmt::Debug for RemoteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteStream").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

impl Inner {
    fn info(&self) -> MutexGuard<'_, StreamInfo> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carriage(&self) -> MutexGuard<'_, Carriage> {
        self.carriage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the client something of this stream, from any thread.
    fn teller(&self, notice: fn(StreamId) -> Notice) -> impl Fn() + Send + 'static {
        let (notices, id) = (self.notices.clone(), self.id.clone());
        move || {
            // A client that is flooded with notices has other worries; one that is gone has none.
            let _ = notices.try_send(notice(id.clone()));
        }
    }

    fn seat(&self, receiver: AudioReceiver) -> Option<Arc<Seat>> {
        let latency = self.playback.latency();
        match audio::Speech::new(receiver, self.sound.clone(), latency, self.teller(Notice::FirstAudioFrame)) {
            Ok(speech) => Some(self.playback.add(Box::new(speech))),
            Err(error) => {
                tracing::error!(%error, "a stream stays without sound");
                None
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.carriage().end();
    }
}

impl Carriage {
    fn seat(&self) -> Option<&Seat> {
        self.current.as_ref()?.seat.as_deref()
    }

    fn apply_volume(&self) {
        if let Some(seat) = self.seat() {
            seat.set_volume(if self.silent { 0.0 } else { self.volume });
        }
    }

    /// The counters of the connection that carries the stream now.
    fn live(&self) -> Option<ReceiveStats> {
        self.current.as_ref().map(|carrier| carrier.subscriber.stats())
    }

    fn totals(&self) -> Totals {
        self.live().map_or(self.past, |live| self.past.plus(&live))
    }

    /// Lets go of the connection that carries the stream.
    fn end(&mut self) {
        self.past = self.totals();
        if let Some(carrier) = self.current.take() {
            carrier.detached.store(true, Ordering::Relaxed);
            if let Some(seat) = carrier.seat {
                seat.leave();
            }
        }
    }
}
