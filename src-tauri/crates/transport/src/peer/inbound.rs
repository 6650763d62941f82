//! The subscriber's media: packets off the chain into [`crate::receive`], requests and reports onto it.
//!
//! Everything happens under one short lock in the driver's task, on the driver's clock; the decoder and the playout
//! threads come to the same lock for what they need.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtc::interceptor::{AttributedPacket, Packet as ChainPacket, StreamInfo, TaggedPacket};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use tokio::sync::mpsc;

use super::event::{Event, Tracks};
use super::nudge::Nudge;
use super::outbox::Outbox;
use super::rtcp::{self, Message};
use super::wall::Wall;
use crate::receive::audio::{self, Audio};
use crate::receive::video::{self, Video};
use crate::receive::{Packet, report};
use crate::sync::Sync;
use crate::{ReceiveStats, ReceivedTrack};

/// Decoded a frame at a time, this is over four seconds of video; a decoder further behind starts over.
pub(crate) const FRAME_QUEUE: usize = 128;
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// The first sender report is answered soon: the sender takes its round trip from it.
const FIRST_REPORT: Duration = Duration::from_millis(20);
const SYNC_INTERVAL: Duration = Duration::from_millis(200);

/// A track being received.
struct Track<T> {
    media: T,
    ssrc: Option<u32>,
    started: bool,
    sender_known: bool,
    next: Option<Instant>,
}

impl<T> Track<T> {
    fn new(media: T) -> Self {
        Self { media, ssrc: None, started: false, sender_known: false, next: None }
    }
}

struct State {
    video: Option<Track<Video>>,
    audio: Option<Track<Audio>>,
    frames: Option<mpsc::Sender<video::Frame>>,
    sync: Sync,
    next_sync: Option<Instant>,
    audio_floor: Duration,
    output_delay: Duration,
    /// The first one goes out with the handshake's end: it tells the other end that the handshake has one.
    next_report: Instant,
    last_packet: Option<Instant>,
    overflows: u64,
    rtt: Option<Duration>,
}

impl From<video::Stats> for ReceivedTrack {
    fn from(stats: video::Stats) -> Self {
        Self {
            packets: stats.packets,
            bytes: stats.bytes,
            lost: stats.lost,
            repaired: stats.repaired,
            duplicates: stats.duplicates,
            nacks: stats.nacks,
            jitter: stats.jitter,
            frames: stats.frames,
            dropped: stats.dropped_frames,
            concealed: 0,
            target_delay: stats.delay,
        }
    }
}

impl From<audio::Stats> for ReceivedTrack {
    fn from(stats: audio::Stats) -> Self {
        Self {
            packets: stats.packets,
            bytes: stats.bytes,
            lost: stats.lost,
            repaired: stats.repaired,
            duplicates: stats.duplicates,
            nacks: stats.nacks,
            jitter: stats.jitter,
            frames: stats.played,
            dropped: stats.late,
            concealed: stats.concealed,
            target_delay: stats.target_delay,
        }
    }
}

/// One subscriber's media.
pub(crate) struct Inbound {
    state: Mutex<State>,
    ssrc: u32,
    wall: Wall,
    pub(crate) outbox: Outbox,
    pub(crate) nudge: Nudge,
}

impl Inbound {
    /// Media for `tracks`; frames go to `frames`. `ssrc` is this end's own, for its RTCP.
    pub(crate) fn new(tracks: Tracks, ssrc: u32, wall: Wall, frames: mpsc::Sender<video::Frame>, now: Instant) -> Arc<Self> {
        let state = State {
            video: tracks.video.then(|| Track::new(Video::new())),
            audio: tracks.audio.then(|| Track::new(Audio::new())),
            frames: Some(frames),
            sync: Sync::new(),
            next_sync: None,
            audio_floor: Duration::ZERO,
            output_delay: Duration::ZERO,
            next_report: now,
            last_packet: None,
            overflows: 0,
            rtt: None,
        };
        Arc::new(Self { state: Mutex::new(state), ssrc, wall, outbox: Outbox::default(), nudge: Nudge::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the other end's newest packet came.
    pub(crate) fn last_packet(&self) -> Option<Instant> {
        self.state().last_packet
    }

    /// The path's round trip.
    pub(crate) fn set_rtt(&self, rtt: Duration) {
        let mut state = self.state();
        state.rtt = Some(rtt);
        if let Some(track) = &mut state.video {
            track.media.set_rtt(rtt);
        }
        if let Some(track) = &mut state.audio {
            track.media.set_rtt(rtt);
        }
    }

    /// Hands out nothing more.
    pub(crate) fn close(&self) {
        self.state().frames = None;
    }

    /// What to play for the 20 ms after `now`.
    pub(crate) fn pull(&self, now: Instant) -> audio::Playout {
        let mut state = self.state();
        let Some(track) = &mut state.audio else { return audio::Playout::Empty };
        let playout = track.media.pull(now);
        if let audio::Playout::Packet { captured: Some(captured), .. } = playout {
            let heard = now + state.output_delay;
            state.sync.on_audio(captured, heard);
        }
        state.keep_in_step(now);
        playout
    }

    /// Playout is delayed by at least `floor`.
    pub(crate) fn set_audio_floor(&self, floor: Duration) {
        let mut state = self.state();
        state.audio_floor = floor;
        state.next_sync = None;
    }

    /// What is pulled is heard `delay` later.
    pub(crate) fn set_output_delay(&self, delay: Duration) {
        self.state().output_delay = delay;
    }

    /// The decoder cannot go on without a keyframe.
    pub(crate) fn require_keyframe(&self, now: Instant) {
        if let Some(track) = &mut self.state().video {
            track.media.require_keyframe(now);
            track.next = Some(now);
        }
        self.nudge.wake();
    }

    pub(crate) fn stats(&self) -> ReceiveStats {
        let state = self.state();
        let video = state.video.as_ref().map(|track| track.media.stats()).unwrap_or_default();
        let audio = state.audio.as_ref().map(|track| track.media.stats()).unwrap_or_default();
        let mut stats =
            ReceiveStats { video: video.into(), audio: audio.into(), keyframe_requests: video.keyframe_requests, rtt: state.rtt };
        stats.video.dropped += state.overflows;
        stats
    }

    fn on_rtp(&self, packet: &rtp::Packet, now: Instant) {
        let mut state = self.state();
        state.last_packet = Some(now);
        let ssrc = Some(packet.header.ssrc);
        let media = Packet {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload.clone(),
        };
        if let Some(track) = state.video.as_mut().filter(|track| track.ssrc == ssrc) {
            track.media.on_packet(media, now);
            track.next = Some(now);
            if !std::mem::replace(&mut track.started, true) {
                self.outbox.raise(Event::VideoStarted);
            }
        } else if let Some(track) = state.audio.as_mut().filter(|track| track.ssrc == ssrc) {
            track.media.on_packet(media, now);
            track.next = Some(now);
            if !std::mem::replace(&mut track.started, true) {
                self.outbox.raise(Event::AudioStarted);
            }
        }
    }

    fn on_rtcp(&self, packets: &[rtcp::Packet], now: Instant) {
        let wall = self.wall.at(now);
        let mut state = self.state();
        state.last_packet = Some(now);
        let mut first = false;
        for message in packets.iter().flat_map(rtcp::read) {
            let Message::Sender { ssrc, ntp, timestamp } = message else { continue };
            if let Some(track) = state.video.as_mut().filter(|track| track.ssrc == Some(ssrc)) {
                track.media.on_sender_report(ntp, timestamp, now, wall);
                first |= !std::mem::replace(&mut track.sender_known, true);
            } else if let Some(track) = state.audio.as_mut().filter(|track| track.ssrc == Some(ssrc)) {
                track.media.on_sender_report(ntp, timestamp, now, wall);
                first |= !std::mem::replace(&mut track.sender_known, true);
            }
        }
        if first {
            state.next_report = state.next_report.min(now + FIRST_REPORT);
        }
    }

    /// What is due at `now`, to be sent.
    fn poll(&self, now: Instant) -> Vec<rtcp::Packet> {
        let mut state = self.state();
        let mut out = Vec::new();
        state.poll_video(self.ssrc, now, &mut out);
        if let Some(track) = state.audio.as_mut().filter(|track| track.next.is_some_and(|next| next <= now)) {
            let (sequences, next) = track.media.poll_nack(now);
            track.next = next.map(|next| next.max(now + MIN_WAIT));
            if let (false, Some(ssrc)) = (sequences.is_empty(), track.ssrc) {
                out.push(rtcp::nack(self.ssrc, ssrc, &sequences));
            }
        }
        if state.next_report <= now {
            out.push(rtcp::receiver_report(self.ssrc, state.blocks(now)));
            state.next_report = now + REPORT_INTERVAL;
        }
        out
    }

    fn next(&self) -> Option<Instant> {
        let state = self.state();
        let video = state.video.as_ref().and_then(|track| track.next);
        let audio = state.audio.as_ref().and_then(|track| track.next);
        [video, audio, Some(state.next_report)].into_iter().flatten().min()
    }

    fn bind(&self, info: &StreamInfo) {
        let mut state = self.state();
        if info.mime_type.eq_ignore_ascii_case(MIME_TYPE_H264) {
            if let Some(track) = &mut state.video {
                track.ssrc = Some(info.ssrc);
            }
        } else if info.mime_type.eq_ignore_ascii_case(MIME_TYPE_OPUS)
            && let Some(track) = &mut state.audio
        {
            track.ssrc = Some(info.ssrc);
        }
    }
}

/// A timer in the past would make the driver spin.
const MIN_WAIT: Duration = Duration::from_millis(1);

impl State {
    fn poll_video(&mut self, ssrc: u32, now: Instant, out: &mut Vec<rtcp::Packet>) {
        let Some(track) = self.video.as_mut().filter(|track| track.next.is_some_and(|next| next <= now)) else { return };
        let media_ssrc = track.ssrc.unwrap_or_default();
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
                video::Output::Nack(sequences) => out.push(rtcp::nack(ssrc, media_ssrc, &sequences)),
                video::Output::RequestKeyframe => out.push(rtcp::keyframe_request(ssrc, media_ssrc)),
                video::Output::Wait(next) => {
                    track.next = next.map(|next| next.max(now + MIN_WAIT));
                    break;
                }
            }
        }
        self.keep_in_step(now);
    }

    fn blocks(&mut self, now: Instant) -> Vec<(u32, report::Block)> {
        let video = self.video.as_mut().and_then(|track| Some((track.ssrc?, track.media.report(now)?)));
        let audio = self.audio.as_mut().and_then(|track| Some((track.ssrc?, track.media.report(now)?)));
        video.into_iter().chain(audio).collect()
    }

    fn keep_in_step(&mut self, now: Instant) {
        if self.next_sync.is_some_and(|next| now < next) {
            return;
        }
        self.next_sync = Some(now + SYNC_INTERVAL);
        let extra = self.sync.update(now);
        if let Some(track) = &mut self.video {
            track.media.set_extra_delay(extra.video);
        }
        if let Some(track) = &mut self.audio {
            track.media.set_minimum_delay(self.audio_floor.max(extra.audio));
        }
    }
}

/// [`Inbound`] on the chain: takes every RTP packet off it.
pub(crate) struct Interceptor {
    inbound: Arc<Inbound>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Interceptor {
    pub(crate) fn new(inbound: Arc<Inbound>) -> Self {
        Self { inbound, reads: VecDeque::new(), writes: VecDeque::new() }
    }

    fn pump(&mut self, now: Instant) {
        let packets = self.inbound.poll(now);
        if !packets.is_empty() {
            let message = AttributedPacket::new(ChainPacket::Rtcp(packets));
            self.writes.push_back(TaggedPacket { now, transport: TransportContext::default(), message });
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Interceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = webrtc::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        let now = message.now;
        match &message.message.packet {
            ChainPacket::Rtp(packet) => self.inbound.on_rtp(packet, now),
            ChainPacket::Rtcp(packets) => {
                self.inbound.on_rtcp(packets, now);
                self.reads.push_back(message);
            }
            _ => self.reads.push_back(message),
        }
        self.pump(now);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        match &message.message.packet {
            // A nudge.
            ChainPacket::Rtcp(packets) if packets.is_empty() => self.pump(message.now),
            _ => self.writes.push_back(message),
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.pump(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.inbound.next()
    }
}

impl rtc::interceptor::Interceptor for Interceptor {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.inbound.bind(info);
    }

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
