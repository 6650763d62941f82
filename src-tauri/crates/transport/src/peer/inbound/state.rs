//! What the subscriber's media knows, under its lock.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use rtc::interceptor::{Packet as ChainPacket, StreamInfo};
use rtc::rtp;
use tokio::sync::mpsc;

use crate::peer::event::{Event, Tracks};
use crate::peer::outbox::Outbox;
use crate::peer::rtcp::{self, Message};
use crate::receive::audio::{Audio, Playout};
use crate::receive::video::{self, Video};
use crate::receive::{Packet, report};
use crate::sdp;
use crate::sync::{Extra, Sync};

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// The first sender report is answered soon: the sender takes its round trip from it.
const FIRST_REPORT: Duration = Duration::from_millis(20);
const SYNC_INTERVAL: Duration = Duration::from_millis(200);
/// A timer in the past would make the driver spin.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// A track being received.
pub(super) struct Track<T> {
    pub(super) media: T,
    pub(super) ssrc: Option<u32>,
    /// The SSRC of what is sent again.
    pub(super) rtx: Option<u32>,
    /// When `media` wants to be asked again.
    pub(super) next: Option<Instant>,
    started: bool,
    sender_known: bool,
}

impl<T> Track<T> {
    fn new(media: T) -> Self {
        Self { media, ssrc: None, rtx: None, next: None, started: false, sender_known: false }
    }

    fn has(&self, ssrc: u32) -> bool {
        self.ssrc == Some(ssrc)
    }

    fn repeats(&self, ssrc: u32) -> bool {
        self.ssrc.is_some() && self.rtx == Some(ssrc)
    }

    fn on_first_packet(&mut self, event: Event, outbox: &Outbox) {
        if !std::mem::replace(&mut self.started, true) {
            outbox.raise(event);
        }
    }
}

pub(super) struct State {
    pub(super) video: Option<Track<Video>>,
    pub(super) audio: Option<Track<Audio>>,
    /// The SSRC of the video track's parity.
    pub(super) parity: Option<u32>,
    pub(super) red: Option<sdp::Red>,
    pub(super) frames: Option<mpsc::Sender<video::Frame>>,
    sync: Sync,
    /// What lip sync holds each track back by.
    extra: Extra,
    pub(super) next_sync: Option<Instant>,
    pub(super) audio_floor: Duration,
    pub(super) output_delay: Duration,
    /// The first one goes out with the handshake's end: it tells the other end that the handshake has one.
    pub(super) next_report: Instant,
    pub(super) last_packet: Option<Instant>,
    pub(super) overflows: u64,
    pub(super) rtt: Option<Duration>,
}

impl State {
    pub(super) fn new(tracks: Tracks, frames: mpsc::Sender<video::Frame>, now: Instant) -> Self {
        Self {
            video: tracks.video.then(|| Track::new(Video::new())),
            audio: tracks.audio.then(|| Track::new(Audio::new())),
            parity: None,
            red: None,
            frames: Some(frames),
            sync: Sync::new(),
            extra: Extra::default(),
            next_sync: None,
            audio_floor: Duration::ZERO,
            output_delay: Duration::ZERO,
            next_report: now,
            last_packet: None,
            overflows: 0,
            rtt: None,
        }
    }

    /// The video track's streams: its packets, what is sent again of them, and their parity.
    pub(super) fn on_video(&mut self, info: &StreamInfo) {
        let Some(track) = &mut self.video else { return };
        track.ssrc = Some(info.ssrc);
        if info.ssrc_fec.is_some() && info.ssrc_fec != self.parity {
            track.media.expect_parity(info.payload_type);
        }
        self.parity = info.ssrc_fec;
        track.rtx = info.ssrc_rtx;
    }

    /// The audio track's streams: its packets, and what is sent again of them.
    pub(super) fn on_audio(&mut self, info: &StreamInfo) {
        let Some(track) = &mut self.audio else { return };
        (track.ssrc, track.rtx) = (Some(info.ssrc), info.ssrc_rtx);
    }

    /// Whether a stream repairs another.
    pub(super) fn is_repair(&self, ssrc: u32) -> bool {
        let rtx = [self.video.as_ref().and_then(|track| track.rtx), self.audio.as_ref().and_then(|track| track.rtx)];
        rtx.contains(&Some(ssrc)) || self.parity == Some(ssrc)
    }

    pub(super) fn on_rtp(&mut self, packet: &rtp::Packet, now: Instant, outbox: &Outbox) {
        self.last_packet = Some(now);
        if let Some(track) = self.video.as_mut().filter(|_| self.parity == Some(packet.header.ssrc)) {
            track.media.on_parity(&packet.payload, now);
            track.next = Some(now);
            return;
        }
        let media = Packet {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload.clone(),
        };
        let ssrc = packet.header.ssrc;
        if let Some(track) = self.video.as_mut().filter(|track| track.repeats(ssrc)) {
            if let Some(original) = original(media) {
                track.media.on_retransmission(original, now);
                track.next = Some(now);
                track.on_first_packet(Event::VideoStarted, outbox);
            }
        } else if let Some(track) = self.video.as_mut().filter(|track| track.has(ssrc)) {
            track.media.on_packet(media, now);
            track.next = Some(now);
            track.on_first_packet(Event::VideoStarted, outbox);
        } else if let Some(track) = self.audio.as_mut().filter(|track| track.repeats(ssrc)) {
            if let Some(original) = original(media) {
                track.media.on_retransmission(original, now);
                track.next = Some(now);
                track.on_first_packet(Event::AudioStarted, outbox);
            }
        } else if let Some(track) = self.audio.as_mut().filter(|track| track.has(ssrc)) {
            match self.red {
                Some(red) if red.payload_type == packet.header.payload_type => track.media.on_red(media, red.inner, now),
                _ => track.media.on_packet(media, now),
            }
            track.next = Some(now);
            track.on_first_packet(Event::AudioStarted, outbox);
        }
    }

    /// `wall` is our wall clock's reading at `now`.
    pub(super) fn on_rtcp(&mut self, packets: &[rtcp::Packet], now: Instant, wall: SystemTime) {
        self.last_packet = Some(now);
        let mut first = false;
        for message in packets.iter().flat_map(rtcp::read) {
            let Message::Sender { ssrc, ntp, timestamp } = message else { continue };
            if let Some(track) = self.video.as_mut().filter(|track| track.has(ssrc)) {
                track.media.on_sender_report(ntp, timestamp, now, wall);
                first |= !std::mem::replace(&mut track.sender_known, true);
            } else if let Some(track) = self.audio.as_mut().filter(|track| track.has(ssrc)) {
                track.media.on_sender_report(ntp, timestamp, now, wall);
                first |= !std::mem::replace(&mut track.sender_known, true);
            }
        }
        if first {
            self.next_report = self.next_report.min(now + FIRST_REPORT);
        }
    }

    /// Appends what is due at `now`, from this end's `ssrc`.
    pub(super) fn poll(&mut self, ssrc: u32, now: Instant, out: &mut VecDeque<ChainPacket>) {
        let mut requests = Vec::new();
        self.poll_video(ssrc, now, &mut requests);
        self.poll_audio(ssrc, now, &mut requests);
        if self.next_report <= now {
            requests.push(rtcp::receiver_report(ssrc, self.blocks(now)));
            self.next_report = now + REPORT_INTERVAL;
        }
        if !requests.is_empty() {
            out.push_back(ChainPacket::Rtcp(requests));
        }
    }

    fn poll_video(&mut self, ssrc: u32, now: Instant, requests: &mut Vec<rtcp::Packet>) {
        let Some(track) = self.video.as_mut().filter(|track| track.next.is_some_and(|next| next <= now)) else { return };
        let Some(media_ssrc) = track.ssrc else { return };
        loop {
            match track.media.poll(now) {
                video::Output::Frame(frame) => {
                    if let Some(captured) = frame.captured {
                        self.sync.on_video(captured, frame.render_at);
                    }
                    let Some(frames) = &self.frames else { continue };
                    if let Err(mpsc::error::TrySendError::Full(_)) = frames.try_send(frame) {
                        self.overflows += 1;
                        track.media.require_keyframe(now);
                    }
                }
                video::Output::Nack(sequences) => requests.push(rtcp::nack(ssrc, media_ssrc, &sequences)),
                video::Output::RequestKeyframe => requests.push(rtcp::keyframe_request(ssrc, media_ssrc)),
                video::Output::Wait(next) => {
                    track.next = next.map(|next| next.max(now + MIN_WAIT));
                    break;
                }
            }
        }
        self.keep_in_step(now);
    }

    fn poll_audio(&mut self, ssrc: u32, now: Instant, requests: &mut Vec<rtcp::Packet>) {
        let Some(track) = self.audio.as_mut().filter(|track| track.next.is_some_and(|next| next <= now)) else { return };
        let Some(media_ssrc) = track.ssrc else { return };
        let (sequences, next) = track.media.poll_nack(now);
        track.next = next.map(|next| next.max(now + MIN_WAIT));
        if !sequences.is_empty() {
            requests.push(rtcp::nack(ssrc, media_ssrc, &sequences));
        }
    }

    /// When [`poll`](Self::poll) should be asked at the latest.
    pub(super) fn next(&self) -> Instant {
        let video = self.video.as_ref().and_then(|track| track.next);
        let audio = self.audio.as_ref().and_then(|track| track.next);
        [video, audio].into_iter().flatten().fold(self.next_report, Instant::min)
    }

    fn blocks(&mut self, now: Instant) -> Vec<(u32, report::Block)> {
        let video = self.video.as_mut().and_then(|track| Some((track.ssrc?, track.media.report(now)?)));
        let audio = self.audio.as_mut().and_then(|track| Some((track.ssrc?, track.media.report(now)?)));
        video.into_iter().chain(audio).collect()
    }

    /// What to play for the 20 ms after `now`.
    pub(super) fn pull(&mut self, now: Instant) -> Playout {
        let Some(track) = &mut self.audio else { return Playout::Empty };
        let playout = track.media.pull(now);
        if let Playout::Packet { captured: Some(captured), .. } = playout {
            self.sync.on_audio(captured, now + self.output_delay);
        }
        self.keep_in_step(now);
        playout
    }

    /// Applies lip sync, now and then.
    fn keep_in_step(&mut self, now: Instant) {
        if self.next_sync.is_some_and(|next| now < next) {
            return;
        }
        self.next_sync = Some(now + SYNC_INTERVAL);
        self.extra = self.sync.update(now);
        if let Some(track) = &mut self.video {
            track.media.set_extra_delay(self.extra.video);
        }
        if let Some(track) = &mut self.audio {
            track.media.set_minimum_delay(self.audio_floor.max(self.extra.audio));
        }
    }
}

/// The packet that a retransmission repeats (RFC 4588 §4); `None` for padding.
fn original(packet: Packet) -> Option<Packet> {
    let sequence = u16::from_be_bytes(*packet.payload.first_chunk()?);
    Some(Packet { sequence, payload: packet.payload.slice(2..), ..packet })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::jitter_audio::Pace;
    use crate::send::report::{SenderInfo, ntp};
    use bytes::Bytes;
    use std::time::UNIX_EPOCH;

    const MS: Duration = Duration::from_millis(1);
    const VIDEO: u32 = 1;
    const AUDIO: u32 = 2;

    /// A subscriber in virtual time: a packet of sound every 20 ms and a picture every 40 ms, each on its way for so long.
    struct Call {
        state: State,
        frames: mpsc::Receiver<video::Frame>,
        outbox: Outbox,
        start: Instant,
        /// In steps of 20 ms since the start.
        step: u32,
        /// Until when sound was pulled.
        heard: Instant,
        waits: VecDeque<Duration>,
    }

    impl Call {
        fn new() -> Self {
            let start = Instant::now() + Duration::from_secs(60);
            let (sender, frames) = mpsc::channel(16);
            let mut state = State::new(Tracks { audio: true, video: true }, sender, start);
            state.video.as_mut().expect("asked for").ssrc = Some(VIDEO);
            state.audio.as_mut().expect("asked for").ssrc = Some(AUDIO);
            Self { state, frames, outbox: Outbox::default(), start, step: 0, heard: start, waits: VecDeque::new() }
        }

        fn report(&mut self, ssrc: u32, timestamp: u32, now: Instant) {
            let wall = UNIX_EPOCH + Duration::from_secs(1_800_000_000) + (now - self.start);
            let info = SenderInfo { ntp: ntp(wall), timestamp, packets: 1, octets: 1 };
            self.state.on_rtcp(&[rtcp::sender_report(ssrc, info)], now, wall);
        }

        fn packet(&mut self, ssrc: u32, sequence: u32, timestamp: u32, payload: &[u8], at: Instant) {
            let header = rtp::Header { marker: true, sequence_number: sequence as u16, timestamp, ssrc, ..rtp::Header::default() };
            let payload = Bytes::copy_from_slice(payload);
            self.state.on_rtp(&rtp::Packet { header, payload }, at, &self.outbox);
        }

        /// Sound captured `audio` ago and a picture captured `video` ago (both whole steps) arrive now, for `seconds`.
        fn run(&mut self, seconds: u32, audio: u32, video: u32) {
            for _ in 0..seconds * 50 {
                self.step += 1;
                let now = self.start + self.step * 20 * MS;
                if self.step % 50 == 1 {
                    self.report(AUDIO, self.step * 960, now);
                    self.report(VIDEO, self.step * 1800, now);
                }
                if let Some(sent) = self.step.checked_sub(audio) {
                    self.packet(AUDIO, sent, sent * 960, &[0xfc; 60], now);
                }
                if let Some(sent) = self.step.checked_sub(video).filter(|sent| sent % 2 == 0) {
                    // A keyframe as small as can be: parameter sets and a slice in one packet.
                    self.packet(VIDEO, sent / 2, sent * 1800, &[24, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 1], now);
                }
                while self.heard < now {
                    self.heard += length(&self.state.pull(self.heard));
                }
                self.state.poll(9, now, &mut VecDeque::new());
                while let Ok(frame) = self.frames.try_recv() {
                    self.waits.push_back(frame.render_at - now);
                }
            }
        }
    }

    /// How long a piece is played: a stretched one is a period of a usual voice longer or shorter.
    fn length(playout: &Playout) -> Duration {
        match playout {
            Playout::Packet { pace: Pace::Faster | Pace::MuchFaster, .. } => 14 * MS,
            Playout::Packet { pace: Pace::Slower | Pace::MuchSlower, .. } => 26 * MS,
            Playout::Packet { pace: Pace::Even, .. } | Playout::Lost { .. } => 20 * MS,
            Playout::Late | Playout::Empty => 10 * MS,
        }
    }

    #[test]
    fn a_retransmission_repeats_a_packet_and_padding_none() {
        let packet =
            |sequence, payload: &'static [u8]| Packet { sequence, timestamp: 9, marker: true, payload: Bytes::from_static(payload) };
        assert_eq!(original(packet(1, &[0x12, 0x34, 5, 6])), Some(packet(0x1234, &[5, 6])));
        assert_eq!(original(packet(1, &[0x12, 0x34])), Some(packet(0x1234, &[])));
        assert_eq!(original(packet(1, &[0x12])), None);
    }

    #[test]
    fn what_was_sent_again_apart_is_shown_and_still_reported_lost() {
        let mut call = Call::new();
        call.state.video.as_mut().expect("asked for").rtx = Some(7);
        let mut frames = 0;
        let keyframe = [24, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 1];
        for number in 0..100u32 {
            let now = call.start + number * 33 * MS;
            if number % 10 == 5 {
                let again = [&number.to_be_bytes()[2..], &keyframe].concat();
                call.packet(7, number, number * 3000, &again, now);
            } else {
                call.packet(VIDEO, number, number * 3000, &keyframe, now);
            }
            call.state.poll(9, now, &mut VecDeque::new());
            frames += std::iter::from_fn(|| call.frames.try_recv().ok()).count();
        }
        let (_, block) = call.state.blocks(call.start + 3400 * MS)[0];
        assert_eq!((frames, block.total_lost), (100, 10));
    }

    #[test]
    fn sound_that_was_sent_again_apart_is_played_and_still_reported_lost() {
        let mut call = Call::new();
        call.state.audio.as_mut().expect("asked for").rtx = Some(7);
        let mut made_up = 0;
        for number in 0..200u32 {
            let now = call.start + number * 20 * MS;
            let late = number.checked_sub(1).filter(|late| number > 100 && late % 10 == 5);
            if let Some(late) = late {
                let again = [&late.to_be_bytes()[2..], &[0xfc; 60]].concat();
                call.packet(7, number, late * 960, &again, now);
            }
            if number <= 100 || number % 10 != 5 {
                call.packet(AUDIO, number, number * 960, &[0xfc; 60], now);
            }
            call.state.poll(9, now, &mut VecDeque::new());
            while call.heard < now {
                let playout = call.state.pull(call.heard);
                made_up += u32::from(number > 150 && matches!(playout, Playout::Lost { .. } | Playout::Late));
                call.heard += length(&playout);
            }
        }
        let (_, block) = call.state.blocks(call.start + 4000 * MS)[0];
        assert_eq!((made_up, block.total_lost), (0, 10));
    }

    #[test]
    fn pictures_wait_for_later_sound_and_no_longer() {
        let mut call = Call::new();
        call.run(60, 10, 1);
        // Sound is 180 ms behind, and as long as its buffer takes.
        let wait = call.waits.pop_back().expect("pictures came");
        assert!(wait >= 140 * MS && wait <= 260 * MS, "{wait:?}");
    }

    #[test]
    fn sound_waits_for_later_pictures_and_no_longer() {
        let mut call = Call::new();
        call.run(60, 1, 11);
        assert!(call.state.extra.audio >= 120 * MS && call.state.extra.audio <= 240 * MS, "{:?}", call.state.extra);
    }
}
