//! What a call amounts to in numbers.
//!
//! ```text
//! window      rates and means over the last second
//! judge       what the numbers mean: loss, quality, exceptions
//! quality     Agora's scale of a network
//! exception   Agora's exceptions, with their codes
//! agora       the numbers under Agora's names
//! ```

pub mod agora;
mod exception;
mod judge;
mod quality;
mod window;

use std::time::{Duration, Instant};

use session::ConnectionState;
use signal::{StreamId, StreamSource, Uid};
use transport::network::Medium;

use crate::RemoteStream;
use crate::engine::Snapshot;
use crate::local::Outgoing;
pub use exception::{Exception, Kind as ExceptionKind};
pub(crate) use judge::{Judge, Judgement};
pub use quality::{NetworkQuality, Quality};
pub(crate) use window::Window;

/// Everything an overlay or a report shows of a call, at one moment. Rates, bitrates and means are those of the last second; counters
/// are cumulative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallStats {
    pub state: ConnectionState,
    pub uid: Option<Uid>,
    /// How long this client has been in the channel.
    pub duration: Duration,
    /// Users in the channel: in `live` mode the hosts, and this client.
    pub users: usize,
    /// As it was last judged, at most two seconds ago.
    pub network: NetworkQuality,
    /// What this machine's traffic goes over.
    pub medium: Medium,
    /// The longest round trip to any other end, in ms.
    pub rtt_ms: Option<f64>,
    /// The camera and microphone.
    pub send: SentStats,
    /// The screen, while one is shared.
    pub screen: Option<SentStats>,
    pub receive: Vec<ReceivedStats>,
}

/// What is sent of a published stream; `None` for a track that does not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentStats {
    pub video: Option<SentVideo>,
    pub audio: Option<SentAudio>,
    /// Connected subscriptions that are fed.
    pub subscribers: usize,
    /// The worst loss on the way to any of them, in percent; `None` without any.
    pub loss_percent: Option<f64>,
    /// What the paths to all of them carry together by the rate controllers; `None` without any.
    pub available_kbps: Option<f64>,
    /// All that was sent to them, repairs included.
    pub bytes: u64,
}

/// A picture as it leaves the encoder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentVideo {
    pub fps: f64,
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: f64,
    /// What the encoder aims at: the least that any subscriber can take.
    pub target_kbps: f64,
    /// Mean time to encode a picture.
    pub encode_ms: f64,
    /// How long a picture sent now waits until it may leave, for the subscriber with the longest queue.
    pub queue_ms: f64,
    pub frames: u64,
    pub keyframes: u64,
    /// What the camera gives.
    pub capture_fps: f64,
    pub capture_width: u32,
    pub capture_height: u32,
    /// What the profile asks for.
    pub max_fps: u32,
    pub max_kbps: u32,
    pub muted: bool,
}

/// Sound as it leaves the encoder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentAudio {
    pub bitrate_kbps: f64,
    /// How loud the microphone is, 0 to 100, muted or not.
    pub level: f64,
    pub muted: bool,
}

/// What is received of one stream; `None` for a track that it does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedStats {
    pub stream: StreamId,
    pub video: Option<ReceivedVideo>,
    pub audio: Option<ReceivedAudio>,
}

/// A received picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedVideo {
    /// Pictures shown.
    pub fps: f64,
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: f64,
    /// Time in which the picture stood still, by webrtc-stats' definition of a freeze (see `remote::freeze`).
    pub frozen_ms: f64,
    /// Mean time from capture to the decoded picture being handed out, by the sender's RTCP clock; `None` before that is known.
    pub latency_ms: Option<f64>,
    /// The same of each picture of the last second, in the order in which they were shown.
    pub latencies_ms: Vec<f64>,
    /// Packets found missing, and those of them that came when asked for again.
    pub lost: u64,
    pub repaired: u64,
    /// Pictures shown.
    pub frames: u64,
    /// Mean time to decode a picture.
    pub decode_ms: f64,
    /// What the jitter buffer adds to the fastest picture.
    pub buffer_ms: f64,
    /// When the first picture was shown.
    pub first_frame: Option<Instant>,
    pub packets: u64,
    pub bytes: u64,
    /// What was lost of the packets, by the last judgement; `None` before it.
    pub loss_percent: Option<f64>,
    /// The publisher shows nothing for now.
    pub muted: bool,
}

impl ReceivedVideo {
    /// How long after `start` (such as the join call) the first picture was shown, in ms.
    pub fn first_frame_ms(&self, start: Instant) -> Option<f64> {
        self.first_frame.map(|first| ms(first.saturating_duration_since(start)))
    }
}

/// Received sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedAudio {
    pub bitrate_kbps: f64,
    /// Packets found missing, whether or not they came later.
    pub lost: u64,
    /// Sound that was made up for want of a packet; what in-band error correction restored does not count.
    pub concealed_ms: f64,
    /// Sound that came as it was sent.
    pub played_ms: f64,
    /// Mean time from capture to being heard, by the sender's RTCP clock; `None` before that is known.
    pub latency_ms: Option<f64>,
    pub packets: u64,
    pub bytes: u64,
    /// What was lost of the packets, by the last judgement; `None` before it.
    pub loss_percent: Option<f64>,
    /// How loud it is played, 0 to 100.
    pub level: f64,
    /// The publisher says nothing for now.
    pub muted: bool,
}

impl CallStats {
    /// Collects from all streams.
    pub(crate) fn collect(snapshot: &Snapshot, now: Instant) -> Self {
        let Snapshot { state, uid, local, remote, joined, users, judgement, medium } = snapshot;
        let rtts = local.iter().map(Outgoing::rtt).chain(remote.iter().map(RemoteStream::rtt));
        let received = |stream: &RemoteStream| {
            let mut stats = stream.stats(now);
            let loss = judgement.loss.get(&stats.stream).copied().unwrap_or_default();
            stats.video.iter_mut().for_each(|video| video.loss_percent = loss.video);
            stats.audio.iter_mut().for_each(|audio| audio.loss_percent = loss.audio);
            stats
        };
        let sent = |source| local.iter().find(|stream| stream.source() == source).map(|stream| stream.stats(now));
        Self {
            state: *state,
            uid: uid.clone(),
            duration: joined.map(|joined| now.saturating_duration_since(joined)).unwrap_or_default(),
            users: *users,
            network: judgement.network,
            medium: *medium,
            rtt_ms: rtts.flatten().max().map(ms),
            send: sent(StreamSource::Camera).unwrap_or_default(),
            screen: sent(StreamSource::Screen),
            receive: remote.iter().map(received).collect(),
        }
    }
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
