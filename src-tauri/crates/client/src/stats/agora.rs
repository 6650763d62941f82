//! The call's numbers under the names of Agora's Web SDK: `getLocalVideoStats`, `getRemoteAudioStats` and their kin.
//!
//! Units are Agora's: delays in ms, bitrates in kb/s, loss in percent, sizes in pixels, freezes and durations in s, levels 0 to 100.
//! Values are numbers, where the SDK has strings. Serialized, every field has Agora's name.

use serde::Serialize;
use signal::Uid;

use super::{CallStats, ReceivedAudio, ReceivedVideo};

/// `CodecType` of Opus.
const OPUS: u8 = 1;
const SAMPLING_RATE_KHZ: u32 = 48;

/// `getLocalVideoStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalVideo {
    pub target_send_bitrate: f64,
    pub send_frame_rate: f64,
    pub send_bitrate: f64,
    pub send_resolution_width: u32,
    pub send_resolution_height: u32,
    pub encode_delay: f64,
    pub mute_state: bool,
    pub capture_resolution_width: u32,
    pub capture_resolution_height: u32,
    pub capture_frame_rate: f64,
    pub total_duration: f64,
}

/// `getLocalAudioStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalAudio {
    pub recording_level: f64,
    /// What the others get of it: 0 while muted.
    pub send_level: f64,
    pub sampling_rate: u32,
    pub send_bitrate: f64,
    pub codec_type: u8,
    pub mute_state: bool,
}

/// `getRemoteVideoStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoteVideo {
    #[serde(rename = "End2EndDelay")]
    pub end_to_end_delay: f64,
    pub transport_delay: f64,
    pub packet_loss_rate: f64,
    pub recv_bitrate: f64,
    pub recv_resolution_width: u32,
    pub recv_resolution_height: u32,
    pub render_frame_rate: f64,
    pub render_resolution_width: u32,
    pub render_resolution_height: u32,
    pub mute_state: bool,
    pub total_freeze_time: f64,
    pub total_play_duration: f64,
}

/// `getRemoteAudioStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoteAudio {
    #[serde(rename = "End2EndDelay")]
    pub end_to_end_delay: f64,
    pub transport_delay: f64,
    pub packet_loss_rate: f64,
    pub recv_level: f64,
    pub recv_bitrate: f64,
    pub codec_type: u8,
    pub mute_state: bool,
    pub total_freeze_time: f64,
    pub total_play_duration: f64,
}

/// `getTransportStats`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transport {
    #[serde(rename = "RTT")]
    pub rtt: f64,
    #[serde(rename = "NetworkType")]
    pub network_type: &'static str,
    #[serde(rename = "OutgoingAvailableBandwidth")]
    pub outgoing_available_bandwidth: f64,
}

/// `getSessionStats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionStats {
    pub duration: f64,
    pub user_count: usize,
    pub send_bytes: u64,
    pub recv_bytes: u64,
    pub send_bitrate: f64,
    pub recv_bitrate: f64,
}

impl CallStats {
    /// `getLocalVideoStats`: of the stream that this client publishes, by its uid.
    pub fn local_video(&self) -> Option<(Uid, LocalVideo)> {
        let video = self.send.video.as_ref()?;
        let stats = LocalVideo {
            target_send_bitrate: video.target_kbps,
            send_frame_rate: video.fps,
            send_bitrate: video.bitrate_kbps,
            send_resolution_width: video.width,
            send_resolution_height: video.height,
            encode_delay: video.encode_ms,
            mute_state: video.muted,
            capture_resolution_width: video.capture_width,
            capture_resolution_height: video.capture_height,
            capture_frame_rate: video.capture_fps,
            total_duration: self.duration.as_secs_f64(),
        };
        Some((self.uid.clone()?, stats))
    }

    /// `getLocalAudioStats`: of the stream that this client publishes, by its uid.
    pub fn local_audio(&self) -> Option<(Uid, LocalAudio)> {
        let audio = self.send.audio.as_ref()?;
        let stats = LocalAudio {
            recording_level: audio.level,
            send_level: if audio.muted { 0.0 } else { audio.level },
            sampling_rate: SAMPLING_RATE_KHZ,
            send_bitrate: audio.bitrate_kbps,
            codec_type: OPUS,
            mute_state: audio.muted,
        };
        Some((self.uid.clone()?, stats))
    }

    /// `getRemoteVideoStats`: of every subscribed picture, by its publisher's uid.
    pub fn remote_video(&self) -> Vec<(Uid, RemoteVideo)> {
        let pictures = self.receive.iter().filter_map(|stream| Some((stream.stream.uid.clone(), stream.video.as_ref()?)));
        pictures.map(|(uid, video)| (uid, self.picture(video))).collect()
    }

    /// `getRemoteAudioStats`: of every subscribed sound, by its publisher's uid.
    pub fn remote_audio(&self) -> Vec<(Uid, RemoteAudio)> {
        let sounds = self.receive.iter().filter_map(|stream| Some((stream.stream.uid.clone(), stream.audio.as_ref()?)));
        sounds.map(|(uid, audio)| (uid, self.sound(audio))).collect()
    }

    /// `getTransportStats`.
    pub fn transport(&self) -> Transport {
        Transport {
            rtt: self.rtt_ms.unwrap_or(0.0),
            network_type: self.medium.as_str(),
            outgoing_available_bandwidth: self.send.available_kbps.unwrap_or(0.0),
        }
    }

    /// `getSessionStats`.
    pub fn session(&self) -> SessionStats {
        let video = self.receive.iter().filter_map(|stream| stream.video.as_ref());
        let audio = self.receive.iter().filter_map(|stream| stream.audio.as_ref());
        let encoded = self.send.video.as_ref().map_or(0.0, |video| video.bitrate_kbps)
            + self.send.audio.as_ref().map_or(0.0, |audio| audio.bitrate_kbps);
        SessionStats {
            duration: self.duration.as_secs_f64(),
            user_count: self.users,
            send_bytes: self.send.bytes,
            recv_bytes: video.clone().map(|video| video.bytes).sum::<u64>() + audio.clone().map(|audio| audio.bytes).sum::<u64>(),
            send_bitrate: encoded * self.send.subscribers as f64,
            recv_bitrate: video.map(|video| video.bitrate_kbps).sum::<f64>() + audio.map(|audio| audio.bitrate_kbps).sum::<f64>(),
        }
    }

    /// Half the round trip: the path's own delay, which nobody can measure in one direction.
    fn transport_delay(&self) -> f64 {
        self.rtt_ms.unwrap_or(0.0) / 2.0
    }

    fn picture(&self, video: &ReceivedVideo) -> RemoteVideo {
        RemoteVideo {
            end_to_end_delay: video.latency_ms.unwrap_or(0.0),
            transport_delay: self.transport_delay(),
            packet_loss_rate: video.loss_percent.unwrap_or(0.0),
            recv_bitrate: video.bitrate_kbps,
            recv_resolution_width: video.width,
            recv_resolution_height: video.height,
            render_frame_rate: video.fps,
            render_resolution_width: video.width,
            render_resolution_height: video.height,
            mute_state: video.muted,
            total_freeze_time: video.frozen_ms / 1000.0,
            total_play_duration: video.first_frame.map_or(0.0, |first| first.elapsed().as_secs_f64()),
        }
    }

    fn sound(&self, audio: &ReceivedAudio) -> RemoteAudio {
        RemoteAudio {
            end_to_end_delay: audio.latency_ms.unwrap_or(0.0),
            transport_delay: self.transport_delay(),
            packet_loss_rate: audio.loss_percent.unwrap_or(0.0),
            recv_level: audio.level,
            recv_bitrate: audio.bitrate_kbps,
            codec_type: OPUS,
            mute_state: audio.muted,
            total_freeze_time: audio.concealed_ms / 1000.0,
            total_play_duration: (audio.played_ms + audio.concealed_ms) / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use signal::StreamId;
    use transport::network::Medium;

    use super::super::{ReceivedStats, SentAudio, SentStats, SentVideo};
    use super::*;

    fn keys(value: &impl Serialize) -> String {
        let value = serde_json::to_value(value).unwrap();
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    }

    fn call() -> CallStats {
        let video = SentVideo { bitrate_kbps: 900.0, muted: true, ..SentVideo::default() };
        let audio = SentAudio { bitrate_kbps: 40.0, level: 30.0, muted: true };
        let picture = ReceivedVideo { bytes: 1000, bitrate_kbps: 500.0, frozen_ms: 250.0, ..ReceivedVideo::default() };
        let sound = ReceivedAudio { bytes: 10, bitrate_kbps: 32.0, concealed_ms: 20.0, played_ms: 980.0, ..ReceivedAudio::default() };
        let stream = StreamId::camera(Uid::number(8).unwrap());
        CallStats {
            uid: Uid::number(7).ok(),
            users: 2,
            duration: Duration::from_secs(61),
            rtt_ms: Some(40.0),
            medium: Medium::Wifi,
            send: SentStats { video: Some(video), audio: Some(audio), subscribers: 2, bytes: 77, ..SentStats::default() },
            receive: vec![ReceivedStats { stream, video: Some(picture), audio: Some(sound) }],
            ..CallStats::default()
        }
    }

    #[test]
    fn every_field_has_agoras_name() {
        let call = call();
        let names = "CaptureFrameRate CaptureResolutionHeight CaptureResolutionWidth EncodeDelay MuteState SendBitrate SendFrameRate \
                     SendResolutionHeight SendResolutionWidth TargetSendBitrate TotalDuration";
        assert_eq!(keys(&call.local_video().unwrap().1), names);
        assert_eq!(keys(&call.local_audio().unwrap().1), "CodecType MuteState RecordingLevel SamplingRate SendBitrate SendLevel");
        let names = "End2EndDelay MuteState PacketLossRate RecvBitrate RecvResolutionHeight RecvResolutionWidth RenderFrameRate \
                     RenderResolutionHeight RenderResolutionWidth TotalFreezeTime TotalPlayDuration TransportDelay";
        assert_eq!(keys(&call.remote_video()[0].1), names);
        let names =
            "CodecType End2EndDelay MuteState PacketLossRate RecvBitrate RecvLevel TotalFreezeTime TotalPlayDuration TransportDelay";
        assert_eq!(keys(&call.remote_audio()[0].1), names);
        assert_eq!(keys(&call.transport()), "NetworkType OutgoingAvailableBandwidth RTT");
        assert_eq!(keys(&call.session()), "Duration RecvBitrate RecvBytes SendBitrate SendBytes UserCount");
    }

    #[test]
    fn units_are_agoras() {
        let call = call();
        let value = |stats: &dyn Fn() -> Value, name: &str| stats()[name].clone();
        let session = || serde_json::to_value(call.session()).unwrap();
        assert_eq!(value(&session, "Duration"), json!(61.0));
        assert_eq!(value(&session, "SendBitrate"), json!(1880.0));
        assert_eq!((value(&session, "RecvBytes"), value(&session, "SendBytes")), (json!(1010), json!(77)));
        assert_eq!(call.transport().network_type, "wifi");
        assert_eq!(call.remote_video()[0].1.total_freeze_time, 0.25);
        assert_eq!((call.remote_audio()[0].1.total_play_duration, call.remote_audio()[0].1.transport_delay), (1.0, 20.0));
    }

    #[test]
    fn a_muted_microphone_is_recorded_and_not_sent() {
        let (uid, audio) = call().local_audio().unwrap();
        assert_eq!((uid, audio.recording_level, audio.send_level), (Uid::number(7).unwrap(), 30.0, 0.0));
    }

    #[test]
    fn without_a_stream_there_is_nothing_to_tell() {
        let none = CallStats::default();
        assert_eq!((none.local_video(), none.local_audio(), none.remote_video()), (None, None, Vec::new()));
        assert_eq!(none.session(), SessionStats::default());
    }
}
