//! A call in numbers, as the page's overlay shows it. Rates and means are those of the last second; counters are cumulative.

use std::time::Instant;

use serde::Serialize;
use ts_rs::TS;

use crate::signal::Uid;

/// A sent picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentVideo {
    pub fps: f64,
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: f64,
    pub target_kbps: f64,
    /// Time the encoder takes for a frame, in ms.
    pub encode_ms: f64,
    /// What the camera gives.
    pub capture_fps: f64,
    pub capture_width: u32,
    pub capture_height: u32,
}

/// Sent sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentAudio {
    pub bitrate_kbps: f64,
}

/// A received picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedVideo {
    pub fps: f64,
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: f64,
    pub frozen_ms: f64,
    /// Capture to decoded picture; none before the sender's clock is known.
    pub latency_ms: Option<f64>,
    pub lost: u32,
    pub repaired: u32,
    pub frames: u32,
    pub decode_ms: f64,
    /// Lost on the way over the last two seconds, before repair; none before it is known.
    pub loss_percent: Option<f64>,
    /// From joining to the first picture.
    pub first_frame_ms: Option<f64>,
}

/// Received sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedAudio {
    pub bitrate_kbps: f64,
    pub lost: u32,
    pub concealed_ms: f64,
    pub played_ms: f64,
    pub latency_ms: Option<f64>,
    pub loss_percent: Option<f64>,
}

/// What is sent of a stream of this window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentStats {
    pub video: Option<SentVideo>,
    pub audio: Option<SentAudio>,
    /// The worst loss on the way to anybody.
    pub loss_percent: Option<f64>,
}

/// What is received of one remote stream.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ReceivedStats {
    pub stream: String,
    #[ts(type = "number | string")]
    pub uid: Uid,
    pub video: Option<ReceivedVideo>,
    pub audio: Option<ReceivedAudio>,
}

/// A call in numbers. Outside a call nothing is sent and nobody received.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CallStats {
    /// The longest round trip to any other end, in ms.
    pub rtt_ms: Option<f64>,
    pub users: u32,
    /// As in the event `network-quality`.
    pub uplink_quality: u8,
    pub downlink_quality: u8,
    pub send: SentStats,
    /// The screen, while one is shared.
    pub screen: Option<SentStats>,
    pub receive: Vec<ReceivedStats>,
}

impl CallStats {
    /// The client's numbers; `started` is when the page asked to join.
    pub fn of(stats: &client::CallStats, started: Instant) -> Self {
        let received = |stream: &client::ReceivedStats| ReceivedStats {
            stream: stream.stream.to_string(),
            uid: stream.stream.uid.clone(),
            video: stream.video.as_ref().map(|video| ReceivedVideo::of(video, started)),
            audio: stream.audio.as_ref().map(Into::into),
        };
        Self {
            rtt_ms: stats.rtt_ms,
            users: count(stats.users as u64),
            uplink_quality: stats.network.uplink as u8,
            downlink_quality: stats.network.downlink as u8,
            send: (&stats.send).into(),
            screen: stats.screen.as_ref().map(Into::into),
            receive: stats.receive.iter().map(received).collect(),
        }
    }
}

impl From<&client::SentStats> for SentStats {
    fn from(client::SentStats { video, audio, loss_percent, .. }: &client::SentStats) -> Self {
        Self { video: video.as_ref().map(Into::into), audio: audio.as_ref().map(Into::into), loss_percent: *loss_percent }
    }
}

impl From<&client::SentVideo> for SentVideo {
    fn from(video: &client::SentVideo) -> Self {
        Self {
            fps: video.fps,
            width: video.width,
            height: video.height,
            bitrate_kbps: video.bitrate_kbps,
            target_kbps: video.target_kbps,
            encode_ms: video.encode_ms,
            capture_fps: video.capture_fps,
            capture_width: video.capture_width,
            capture_height: video.capture_height,
        }
    }
}

impl From<&client::SentAudio> for SentAudio {
    fn from(audio: &client::SentAudio) -> Self {
        Self { bitrate_kbps: audio.bitrate_kbps }
    }
}

impl ReceivedVideo {
    fn of(video: &client::ReceivedVideo, started: Instant) -> Self {
        Self {
            fps: video.fps,
            width: video.width,
            height: video.height,
            bitrate_kbps: video.bitrate_kbps,
            frozen_ms: video.frozen_ms,
            latency_ms: video.latency_ms,
            lost: count(video.lost),
            repaired: count(video.repaired),
            frames: count(video.frames),
            decode_ms: video.decode_ms,
            loss_percent: video.loss_percent,
            first_frame_ms: video.first_frame_ms(started),
        }
    }
}

impl From<&client::ReceivedAudio> for ReceivedAudio {
    fn from(audio: &client::ReceivedAudio) -> Self {
        Self {
            bitrate_kbps: audio.bitrate_kbps,
            lost: count(audio.lost),
            concealed_ms: audio.concealed_ms,
            played_ms: audio.played_ms,
            latency_ms: audio.latency_ms,
            loss_percent: audio.loss_percent,
        }
    }
}

/// A counter for the page, which has no 64-bit numbers; two years of packets fit.
fn count(counter: u64) -> u32 {
    u32::try_from(counter).unwrap_or(u32::MAX)
}
