//! The picture of a local stream: camera → newest frame → one encoder, with dual stream two → every subscription.
//!
//! Invariants: the encoder takes the newest picture and never makes the camera wait; each works only while somebody gets its picture
//! and that is not muted; capture times go up from picture to picture.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media::VideoFrame;
use media::capture::{self, Camera, Kind, VideoFormat};
use media::encode::EncodedVideo;
use media::encode::rate::Preference;
use media::latest::{self, Next};
use media::profile::VideoProfile;
use signal::StreamType;
use tokio::sync::watch;

use super::device::Device;
use super::inbox::{Inbox, Job};
use super::layers::Each;
use super::pipeline::{Afforded, Keyframes, Pipeline};
use super::subscribers::Subscribers;
use super::{LocalState, problem};
use crate::stats::{SentVideo, Window, ms};

/// A screen that stands still gives a picture a second. Somebody new begins with a keyframe, which is coarse on a path that nothing is
/// known about yet: for this long the same picture is sent again, so often, and becomes sharp.
const SHARPEN: Duration = Duration::from_secs(5);
const REPEAT: Duration = Duration::from_millis(150);

/// A camera's way into the stream.
pub(super) struct Source {
    pub id: String,
    /// A camera, or a screen.
    pub kind: Kind,
    pub want: VideoFormat,
    /// The stream's own slot, which outlives cameras.
    pub preview: Arc<latest::Writer<VideoFrame>>,
    pub inbox: Arc<Inbox>,
    pub state: Arc<watch::Sender<LocalState>>,
}

impl Device for Source {
    type Handle = Camera;
    type Frames = (latest::Reader<VideoFrame>, Receiver<capture::Event>);

    fn open(&self) -> Result<(Camera, Self::Frames), capture::Error> {
        let mut camera = Camera::open(&self.id, self.want)?;
        let frames = (camera.frames(), camera.take_events());
        Ok((camera, frames))
    }

    fn pump(&mut self, (mut frames, events): Self::Frames) -> capture::Error {
        let mut still = None;
        loop {
            match frames.next(if self.kind == Kind::Screen { REPEAT } else { Duration::from_secs(1) }) {
                Next::Value(frame) => {
                    self.preview.set(frame.clone());
                    still = Some(frame.clone()).filter(|_| self.kind == Kind::Screen);
                    self.inbox.put(frame);
                }
                Next::Timeout => {
                    if let Some(frame) = still.clone().filter(|_| self.inbox.has_newcomer(SHARPEN)) {
                        self.inbox.put(frame.with_captured(Instant::now()));
                    }
                }
                Next::Closed => break,
            }
        }
        match events.try_recv() {
            Ok(capture::Event::Lost(error)) => error,
            Err(_) => capture::Error::NotFound { device: self.id.clone() },
        }
    }

    fn on_lost(&mut self, error: &capture::Error) {
        tracing::warn!(id = %self.id, %error, "the picture is lost");
        self.inbox.empty();
        self.state.send_modify(|state| state.camera_lost = Some(problem::describe(self.kind, error)));
    }

    fn on_back(&mut self) {
        tracing::info!(id = %self.id, "the picture is back");
        self.state.send_modify(|state| state.camera_lost = None);
    }
}

/// The encoder's thread and what it shares.
#[derive(Default)]
pub(super) struct Encoding {
    pub inbox: Arc<Inbox>,
    pub muted: Arc<AtomicBool>,
    /// The small picture of dual stream.
    low: Arc<Mutex<Option<VideoProfile>>>,
    counters: Arc<Mutex<Counters>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Counters {
    width: u32,
    height: u32,
    target_bps: u32,
    frames: u64,
    keyframes: u64,
    /// Bits of each picture, and how long it took, in ms.
    bits: Window,
    encode_ms: Window,
}

impl Encoding {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the thread, unless it runs already.
    pub fn start(&self, profile: VideoProfile, preference: Preference, subscribers: &Arc<Subscribers>) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() || self.inbox.is_closed() {
            return;
        }
        let work = Work {
            profile,
            preference,
            low: self.low.clone(),
            inbox: self.inbox.clone(),
            muted: self.muted.clone(),
            counters: self.counters.clone(),
            subscribers: subscribers.clone(),
        };
        match std::thread::Builder::new().name("encode".into()).spawn(move || work.run()) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => tracing::error!(%error, "no thread for the video encoder"),
        }
    }

    /// Offers a small picture besides, or no more.
    pub fn set_low(&self, low: Option<VideoProfile>) {
        *self.low.lock().unwrap_or_else(PoisonError::into_inner) = low;
    }

    /// Ends the thread and waits for it: no longer than a picture takes.
    pub fn stop(&self) {
        self.inbox.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic in the thread has been reported by the panic hook; there is nothing left to stop.
            let _ = thread.join();
        }
    }

    pub fn stats(&self, now: Instant) -> SentVideo {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        SentVideo {
            fps: counters.bits.count(now),
            width: counters.width,
            height: counters.height,
            bitrate_kbps: counters.bits.sum(now) / 1000.0,
            target_kbps: f64::from(counters.target_bps) / 1000.0,
            encode_ms: counters.encode_ms.mean(now).unwrap_or(0.0),
            frames: counters.frames,
            keyframes: counters.keyframes,
            ..SentVideo::default()
        }
    }
}

/// What the encoder's thread works with.
struct Work {
    profile: VideoProfile,
    preference: Preference,
    low: Arc<Mutex<Option<VideoProfile>>>,
    inbox: Arc<Inbox>,
    muted: Arc<AtomicBool>,
    counters: Arc<Mutex<Counters>>,
    subscribers: Arc<Subscribers>,
}

/// What makes one of the pictures. Its encoder exists only while somebody gets it.
#[derive(Default)]
struct Maker {
    profile: VideoProfile,
    pipeline: Option<Pipeline>,
    waiting: Keyframes,
}

impl Work {
    fn run(self) {
        let mut makers = Each::<Maker>::default();
        while let Some(mut job) = self.inbox.next() {
            if self.muted.load(Ordering::Relaxed) {
                makers = Each::default();
                continue;
            }
            let low = *self.low.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = Instant::now();
            // Another picture for somebody begins with one that nobody has had: capture times go up for each subscriber.
            if job.fresh {
                for picture in self.subscribers.choose(low.map(|low| low.max_kbps * 1000), self.profile.max_kbps * 1000, begun) {
                    job.asked[picture].first_keyframe = true;
                }
            }
            let made = self.make(&mut makers[StreamType::High], StreamType::High, self.profile, &job);
            match low {
                Some(low) => {
                    self.make(&mut makers[StreamType::Low], StreamType::Low, low, &job);
                }
                None => makers[StreamType::Low] = Maker::default(),
            }
            // The processor has to do both.
            if let Some(pipeline) = makers[StreamType::High].pipeline.as_mut().filter(|_| made) {
                pipeline.on_made(begun.elapsed());
            }
        }
    }

    /// Whether the picture was made, and sent to those who get it.
    fn make(&self, maker: &mut Maker, picture: StreamType, profile: VideoProfile, job: &Job) -> bool {
        let target_bps = self.subscribers.target_bps(picture);
        if target_bps.is_none() || maker.profile != profile {
            // Nobody looks: the encoder's memory is given back.
            *maker = Maker { profile, ..Maker::default() };
        }
        let Some(target_bps) = target_bps else { return false };
        let begun = Instant::now();
        let asked = job.asked[picture];
        maker.waiting.wish(asked.keyframe, asked.first_keyframe, begun);
        let preference = if picture == StreamType::Low { Preference::Balanced } else { self.preference };
        let pipeline = maker.pipeline.get_or_insert_with(|| Pipeline::new(profile, preference));
        let afforded = Afforded { target_bps, queued: self.subscribers.queued(picture) };
        match pipeline.encode(job.frame.clone(), job.fresh, afforded, &mut maker.waiting, begun) {
            Ok(Some(encoded)) => {
                let done = Instant::now();
                // The large picture stands for the stream as long as anybody gets it.
                if picture == StreamType::High || self.subscribers.target_bps(StreamType::High).is_none() {
                    count(&self.counters, &encoded, pipeline.target_bps, done, done - begun);
                }
                self.subscribers.send_video(picture, &encoded);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "a picture was not encoded");
                false
            }
        }
    }
}

fn count(counters: &Mutex<Counters>, encoded: &EncodedVideo, target_bps: u32, now: Instant, took: Duration) {
    let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
    (counters.width, counters.height, counters.target_bps) = (encoded.width, encoded.height, target_bps);
    counters.frames += 1;
    counters.keyframes += u64::from(encoded.keyframe);
    counters.bits.add(encoded.data.len() as f64 * 8.0, now);
    counters.encode_ms.add(ms(took), now);
}
