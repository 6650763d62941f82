//! The sending side of a local stream, as the engine holds it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use media::encode::rate::Preference;
use media::profile::VideoProfile;
use signal::{Layer, StreamSource, StreamType, SubscriptionId, Want};
use tokio::sync::watch;
use transport::Publisher;

use super::subscribers::Subscribers;
use super::{LocalState, StreamSpec, audio, video};
use crate::stats::{SentAudio, SentStats, SentVideo, ms};

/// What a connection is assumed to take before anything is known about it, in bits per second: nearly every path does, and one that
/// takes more shows it within two seconds.
const START_BPS: u32 = 300_000;
/// What Opus packets cost besides their content: 50 a second with headers of IP, UDP, SRTP and RTP, in bits per second.
pub(super) const AUDIO_OVERHEAD_BPS: u32 = 50 * 64 * 8;
/// What video costs besides the encoder's bitrate: headers and repairs, in percent.
const VIDEO_OVERHEAD: u32 = 115;

/// What a stream may send, in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bitrates {
    pub start_bps: u32,
    pub max_bps: u32,
}

/// The sending side of a [`LocalStream`]: what the engine holds. It does not keep the stream's devices open.
#[derive(Clone)]
pub(crate) struct Outgoing {
    sending: Arc<Sending>,
}

/// What the devices' threads, the encoder's and the engine share.
pub(super) struct Sending {
    key: u64,
    source: StreamSource,
    bitrates: Bitrates,
    pub profile: VideoProfile,
    preference: Preference,
    pub state: watch::Receiver<LocalState>,
    pub subscribers: Arc<Subscribers>,
    pub encoding: video::Encoding,
    pub sound: Arc<audio::Sound>,
}

/// Sound and picture together, as a connection counts them.
fn bitrates(spec: &StreamSpec) -> Bitrates {
    let audio = if spec.audio { spec.audio_profile.kbps * 1000 + AUDIO_OVERHEAD_BPS } else { 0 };
    let video = if spec.video { spec.video_profile.max_kbps * 10 * VIDEO_OVERHEAD } else { 0 };
    let max_bps = audio + video;
    Bitrates { start_bps: START_BPS.min(max_bps), max_bps }
}

/// A screen is for reading, unless something else was chosen.
fn preference(spec: &StreamSpec) -> Preference {
    match (spec.preference, spec.source) {
        (Preference::Balanced, StreamSource::Screen) => Preference::Detail,
        (preference, _) => preference,
    }
}

impl Sending {
    /// The sending side of a stream of `spec`.
    pub fn new(spec: &StreamSpec, state: watch::Receiver<LocalState>) -> Self {
        static NEXT_KEY: AtomicU64 = AtomicU64::new(0);
        let bitrates = bitrates(spec);
        Self {
            key: NEXT_KEY.fetch_add(1, Ordering::Relaxed),
            source: spec.source,
            bitrates,
            profile: spec.video_profile,
            preference: preference(spec),
            state,
            subscribers: Arc::new(Subscribers::new(bitrates.start_bps)),
            encoding: video::Encoding::new(),
            sound: Arc::new(audio::Sound::new(spec.audio_processing)),
        }
    }
}

impl Outgoing {
    pub(super) fn new(sending: Arc<Sending>) -> Self {
        Self { sending }
    }

    /// How loud what is sent is, 0 to 1: nothing while it is muted or the microphone is gone.
    pub fn audio_level(&self) -> f32 {
        let sounds = {
            let state = self.sending.state.borrow();
            state.audio && !state.audio_muted && state.microphone_lost.is_none()
        };
        if sounds { self.sending.sound.level.get() } else { 0.0 }
    }

    /// A number that tells this stream from all others of the process.
    pub fn key(&self) -> u64 {
        self.sending.key
    }

    pub fn source(&self) -> StreamSource {
        self.sending.source
    }

    /// The stream's state, newest wins; the sender is dropped when the stream is closed.
    pub fn state(&self) -> watch::Receiver<LocalState> {
        self.sending.state.clone()
    }

    pub fn bitrates(&self) -> Bitrates {
        self.sending.bitrates
    }

    /// Offers a small picture besides, by that profile, or no more.
    pub fn set_low(&self, low: Option<VideoProfile>) {
        self.sending.encoding.set_low(low);
    }

    /// Starts to feed a subscription; answers what it is sent, newest wins. The first one starts the encoders.
    pub fn add(&self, subscription: SubscriptionId, publisher: Arc<Publisher>) -> watch::Receiver<Layer> {
        let layers = self.sending.subscribers.add(subscription, publisher);
        self.sending.encoding.start(self.sending.profile, self.sending.preference, &self.sending.subscribers);
        layers
    }

    /// What a subscriber wants of the picture.
    pub fn want(&self, subscription: &SubscriptionId, want: Want) {
        self.sending.subscribers.want(subscription, want);
    }

    /// Stops to feed a subscription and lets go of its publisher. Unknown ones are ignored.
    pub fn remove(&self, subscription: &SubscriptionId) {
        self.sending.subscribers.remove(subscription);
    }

    /// What a subscription's connection reports: connected, keyframe requested, target bitrate, loss.
    pub fn on_event(&self, subscription: &SubscriptionId, event: &transport::Event) {
        let wish = self.sending.subscribers.on_event(subscription, event);
        self.sending.encoding.inbox.wish(wish);
    }

    pub fn stats(&self, now: Instant) -> SentStats {
        let Sending { state, subscribers, encoding, sound, profile, .. } = &*self.sending;
        let state = state.borrow();
        let (capture_fps, capture_width, capture_height) = encoding.inbox.captured(now);
        let video = || SentVideo {
            queue_ms: ms(subscribers.queued(StreamType::High).max(subscribers.queued(StreamType::Low))),
            capture_fps,
            capture_width,
            capture_height,
            max_fps: profile.fps,
            max_kbps: profile.max_kbps,
            muted: state.video_muted,
            ..encoding.stats(now)
        };
        let (connected, available_bps, bytes) = subscribers.carried();
        SentStats {
            video: state.video.then(video),
            audio: state.audio.then(|| SentAudio {
                muted: state.audio_muted,
                level: f64::from(sound.level.get() * 100.0),
                ..sound.stats(now)
            }),
            subscribers: connected,
            loss_percent: subscribers.loss_percent().map(f64::from),
            available_kbps: (connected > 0).then(|| available_bps as f64 / 1000.0),
            bytes,
        }
    }

    /// The longest round trip to anybody who gets the stream.
    pub fn rtt(&self) -> Option<Duration> {
        self.sending.subscribers.map(|publisher| publisher.stats().rtt).into_iter().flatten().max()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("key", &self.sending.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_for_reading_unless_something_else_was_chosen() {
        let screen = StreamSpec { source: StreamSource::Screen, ..StreamSpec::default() };
        assert_eq!((preference(&StreamSpec::default()), preference(&screen)), (Preference::Balanced, Preference::Detail));
        assert_eq!(preference(&StreamSpec { preference: Preference::Motion, ..screen }), Preference::Motion);
    }

    #[test]
    fn a_connection_may_carry_both_tracks_and_what_they_cost_besides() {
        let both = StreamSpec { video_profile: VideoProfile::named("720p_2").unwrap(), ..StreamSpec::default() };
        assert_eq!(bitrates(&both), Bitrates { start_bps: 300_000, max_bps: 2_365_600 });
        let sound = StreamSpec { video: false, ..both };
        assert_eq!(bitrates(&sound), Bitrates { start_bps: 65_600, max_bps: 65_600 });
    }
}
