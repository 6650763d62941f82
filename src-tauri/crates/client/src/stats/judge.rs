//! What a call's numbers mean, judged every two seconds by how they changed: the network's quality, each stream's loss, and what is wrong.

use std::collections::BTreeMap;

use signal::{StreamId, Uid};

use super::exception::{Exception, Exceptions, Kind};
use super::quality::{NetworkQuality, Quality, Signs};
use super::{CallStats, ReceivedAudio, ReceivedStats, ReceivedVideo};

/// Packets lost of a stream's tracks over the last two seconds, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Loss {
    pub video: Option<f64>,
    pub audio: Option<f64>,
}

/// What was judged last; the numbers carry it until the next time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    pub network: NetworkQuality,
    pub loss: BTreeMap<StreamId, Loss>,
}

/// Remembers the numbers of the last time.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    before: Option<CallStats>,
    exceptions: Exceptions,
}

/// What a track is asked for that these shares of are too little, in percent: frames a second of the camera and the profile, bits of the
/// profile, and bits of sound.
const FRAMES_PERCENT: f64 = 40.0;
const BITRATE_PERCENT: f64 = 10.0;
const SOUND_KBPS: f64 = 2.0;

impl Judge {
    /// Judges the numbers of now; to be called every two seconds.
    pub fn look(&mut self, now: &CallStats) -> (Judgement, Vec<Exception>) {
        let before = self.before.replace(now.clone()).filter(|before| before.uid == now.uid);
        let (Some(before), Some(own)) = (before, &now.uid) else {
            return (Judgement::default(), self.exceptions.look(&[]));
        };
        let pairs: Vec<_> = now
            .receive
            .iter()
            .filter_map(|stream| Some((before.receive.iter().find(|other| other.stream == stream.stream)?, stream)))
            .collect();
        let loss = pairs.iter().map(|(before, now)| (now.stream.clone(), loss(before, now))).collect();
        let network = NetworkQuality { uplink: uplink(now), downlink: downlink(&pairs, now.rtt_ms) };
        let mut wrong = sending(now, own);
        wrong.extend(pairs.iter().flat_map(|(before, now)| receiving(before, now)));
        (Judgement { network, loss }, self.exceptions.look(&wrong))
    }
}

/// `part` of `part + rest` in percent; `None` if there is neither.
fn percent(part: f64, rest: f64) -> Option<f64> {
    (part + rest > 0.0).then(|| 100.0 * part / (part + rest))
}

/// How much a counter grew; one that began anew has not.
fn grown(before: u64, now: u64) -> f64 {
    now.saturating_sub(before) as f64
}

fn loss(before: &ReceivedStats, now: &ReceivedStats) -> Loss {
    let video = before.video.as_ref().zip(now.video.as_ref());
    let audio = before.audio.as_ref().zip(now.audio.as_ref());
    // What was repaired has come, and was counted among the packets.
    let of = |lost: f64, packets: f64, repaired: f64| percent(lost, (packets - repaired).max(0.0));
    Loss {
        video: video.and_then(|(b, n)| of(grown(b.lost, n.lost), grown(b.packets, n.packets), grown(b.repaired, n.repaired))),
        audio: audio.and_then(|(b, n)| of(grown(b.lost, n.lost), grown(b.packets, n.packets), 0.0)),
    }
}

fn uplink(now: &CallStats) -> Quality {
    let video = now.send.video.as_ref().filter(|video| !video.muted && video.target_kbps > 0.0);
    if video.is_none() && now.send.audio.as_ref().is_none_or(|audio| audio.bitrate_kbps <= 0.0) {
        return Quality::Unknown;
    }
    let bitrate_percent = video.map(|video| 100.0 * video.target_kbps / f64::from(video.max_kbps.max(1)));
    Signs { rtt_ms: now.rtt_ms, loss_percent: now.send.loss_percent, bitrate_percent, ..Signs::default() }.quality()
}

fn downlink(pairs: &[(&ReceivedStats, &ReceivedStats)], rtt_ms: Option<f64>) -> Quality {
    pairs.iter().map(|(before, now)| received(before, now, rtt_ms)).max().unwrap_or_default()
}

fn received(before: &ReceivedStats, now: &ReceivedStats, rtt_ms: Option<f64>) -> Quality {
    let video = before.video.as_ref().zip(now.video.as_ref()).filter(|(_, now)| !now.muted && now.first_frame.is_some());
    let audio = before.audio.as_ref().zip(now.audio.as_ref()).filter(|(_, now)| !now.muted && now.played_ms > 0.0);
    if video.is_none() && audio.is_none() {
        return Quality::Unknown;
    }
    let came = |before: u64, now: u64| now > before;
    let silent = video.is_none_or(|(b, n)| !came(b.packets, n.packets)) && audio.is_none_or(|(b, n)| !came(b.packets, n.packets));
    let loss = loss(before, now);
    let concealed = |(b, n): (&ReceivedAudio, &ReceivedAudio)| percent(n.concealed_ms - b.concealed_ms, n.played_ms - b.played_ms);
    let frozen = |(b, n): (&ReceivedVideo, &ReceivedVideo)| n.frozen_ms - b.frozen_ms;
    Signs {
        rtt_ms,
        loss_percent: [loss.video, loss.audio].into_iter().flatten().reduce(f64::max),
        frozen_ms: video.map(frozen),
        concealed_percent: audio.and_then(concealed),
        bitrate_percent: None,
        silent,
    }
    .quality()
}

/// What is wrong with what this client sends.
fn sending(now: &CallStats, own: &Uid) -> Vec<(Kind, Uid)> {
    let mut wrong = Vec::new();
    if let Some(video) = now.send.video.as_ref().filter(|video| !video.muted) {
        let (asked, captured) = (f64::from(video.max_fps), video.capture_fps);
        let feeding = video.target_kbps > 0.0 && now.send.subscribers > 0;
        wrong.extend((captured < asked * FRAMES_PERCENT / 100.0).then_some(Kind::FramerateInputTooLow));
        wrong.extend((feeding && video.fps < captured.min(asked) * FRAMES_PERCENT / 100.0).then_some(Kind::FramerateSentTooLow));
        let least = f64::from(video.max_kbps) * BITRATE_PERCENT / 100.0;
        wrong.extend((feeding && video.target_kbps < least).then_some(Kind::SendVideoBitrateTooLow));
    }
    if let Some(audio) = now.send.audio.as_ref().filter(|audio| !audio.muted && now.send.subscribers > 0) {
        wrong.extend((audio.bitrate_kbps < SOUND_KBPS).then_some(Kind::SendAudioBitrateTooLow));
        wrong.extend((audio.level <= 0.0).then_some(Kind::AudioInputLevelTooLow));
    }
    wrong.into_iter().map(|kind| (kind, own.clone())).collect()
}

/// What is wrong with a stream that this client receives.
fn receiving(before: &ReceivedStats, now: &ReceivedStats) -> Vec<(Kind, Uid)> {
    let mut wrong = Vec::new();
    if let Some((before, now)) = before.video.as_ref().zip(now.video.as_ref()).filter(|(_, now)| !now.muted) {
        let undecoded = now.packets > before.packets && now.frames == before.frames;
        wrong.extend(undecoded.then_some(Kind::RecvVideoDecodeFailed));
    }
    if let Some((before, now)) = before.audio.as_ref().zip(now.audio.as_ref()).filter(|(_, now)| !now.muted) {
        let came = now.packets > before.packets;
        let undecoded = came && now.played_ms <= before.played_ms;
        wrong.extend(undecoded.then_some(Kind::RecvAudioDecodeFailed));
        wrong.extend((came && !undecoded && now.level <= 0.0).then_some(Kind::AudioOutputLevelTooLow));
    }
    wrong.into_iter().map(|kind| (kind, now.stream.uid.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use session::ConnectionState;

    use super::super::{SentAudio, SentStats, SentVideo};
    use super::*;

    fn uid(number: u32) -> Uid {
        Uid::number(number).unwrap()
    }

    /// A call after `seconds` in which all is well: 30 pictures a second, 50 packets of sound.
    fn call(seconds: u64) -> CallStats {
        let video = SentVideo { fps: 30.0, capture_fps: 30.0, max_fps: 30, target_kbps: 1500.0, max_kbps: 2000, ..SentVideo::default() };
        let audio = SentAudio { bitrate_kbps: 40.0, level: 20.0, ..SentAudio::default() };
        let received = ReceivedVideo {
            packets: 150 * seconds,
            frames: 30 * seconds,
            fps: 30.0,
            first_frame: Some(Instant::now()),
            ..ReceivedVideo::default()
        };
        let heard = ReceivedAudio { packets: 50 * seconds, played_ms: 1000.0 * seconds as f64, level: 20.0, ..ReceivedAudio::default() };
        CallStats {
            state: ConnectionState::Connected,
            uid: Some(uid(7)),
            rtt_ms: Some(10.0),
            duration: Duration::from_secs(seconds),
            send: SentStats { video: Some(video), audio: Some(audio), subscribers: 1, loss_percent: Some(0.0), ..SentStats::default() },
            receive: vec![ReceivedStats { stream: StreamId::camera(uid(8)), video: Some(received), audio: Some(heard) }],
            ..CallStats::default()
        }
    }

    fn video(stats: &mut CallStats) -> &mut ReceivedVideo {
        stats.receive[0].video.as_mut().unwrap()
    }

    #[test]
    fn a_good_call_is_excellent_both_ways_and_nothing_is_wrong() {
        let mut judge = Judge::default();
        assert_eq!(judge.look(&call(2)).0.network, NetworkQuality::default());
        for seconds in [4, 6, 8] {
            let (judgement, exceptions) = judge.look(&call(seconds));
            assert_eq!(judgement.network, NetworkQuality { uplink: Quality::Excellent, downlink: Quality::Excellent });
            assert_eq!(judgement.loss.values().next(), Some(&Loss { video: Some(0.0), audio: Some(0.0) }));
            assert_eq!(exceptions, []);
        }
    }

    #[test]
    fn loss_counts_what_was_repaired_and_freezes_count_more() {
        let (mut judge, mut now) = (Judge::default(), call(4));
        judge.look(&call(2));
        let picture = video(&mut now);
        (picture.lost, picture.repaired) = (30, 30);
        let judgement = judge.look(&now).0;
        assert_eq!(judgement.loss.values().next().and_then(|loss| loss.video), Some(10.0));
        assert_eq!(judgement.network.downlink, Quality::Fair);
        let mut later = call(6);
        let picture = video(&mut later);
        (picture.lost, picture.repaired, picture.frozen_ms) = (30, 30, 1200.0);
        assert_eq!(judge.look(&later).0.network.downlink, Quality::VeryBad);
    }

    #[test]
    fn a_direction_without_media_is_unknown_and_one_that_stopped_is_down() {
        let mut judge = Judge::default();
        judge.look(&call(2));
        let mut still = call(2);
        still.send = SentStats::default();
        assert_eq!(judge.look(&still).0.network, NetworkQuality { uplink: Quality::Unknown, downlink: Quality::Down });
        let alone = CallStats { receive: Vec::new(), ..call(6) };
        assert_eq!(judge.look(&alone).0.network.downlink, Quality::Unknown);
    }

    #[test]
    fn a_slow_camera_a_narrow_path_and_an_undecoded_stream_are_exceptions() {
        let mut judge = Judge::default();
        judge.look(&call(2));
        let wrong = |seconds: u64| {
            let mut stats = call(seconds);
            let sent = stats.send.video.as_mut().unwrap();
            (sent.capture_fps, sent.fps, sent.target_kbps) = (5.0, 5.0, 100.0);
            video(&mut stats).frames = 60;
            stats
        };
        judge.look(&wrong(4));
        let told = judge.look(&wrong(6)).1;
        let told: Vec<_> = told.iter().map(|exception| (exception.code(), exception.uid.clone())).collect();
        assert_eq!(told, [(1001, uid(7)), (1003, uid(7)), (1005, uid(8))]);
        let over: Vec<_> = judge.look(&call(8)).1.iter().map(Exception::code).collect();
        assert_eq!(over, [3001, 3003, 3005]);
    }

    #[test]
    fn whoever_is_muted_has_no_exceptions() {
        let mut judge = Judge::default();
        let muted = |seconds: u64| {
            let mut stats = call(seconds);
            let sent = stats.send.video.as_mut().unwrap();
            (sent.capture_fps, sent.fps, sent.muted) = (0.0, 0.0, true);
            let sound = stats.send.audio.as_mut().unwrap();
            (sound.bitrate_kbps, sound.level, sound.muted) = (0.0, 0.0, true);
            let picture = video(&mut stats);
            (picture.frames, picture.muted) = (0, true);
            let sound = stats.receive[0].audio.as_mut().unwrap();
            (sound.played_ms, sound.level, sound.muted) = (0.0, 0.0, true);
            stats
        };
        for seconds in (2..30).step_by(2) {
            assert_eq!(judge.look(&muted(seconds)).1, []);
        }
    }
}
