//! The subscriber's media: packets off the chain into [`crate::receive`], requests and reports onto it.
//!
//! Everything happens under one short lock in the driver's task, on the driver's clock; the decoder and the playout
//! threads come to the same lock for what they need.

mod state;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtc::interceptor::{Packet, StreamInfo};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS};
use tokio::sync::mpsc;
use webrtc::media_stream::track_remote::TrackRemote;

use self::state::State;
use super::event::Tracks;
use super::media::Media;
use super::nudge::Nudge;
use super::outbox::Outbox;
use super::settings::MIME_TYPE_RED;
use super::wall::Wall;
use crate::receive::{audio, video};
use crate::{ReceiveStats, ReceivedTrack, sdp};

/// Over four seconds of video; a decoder further behind starts over with a keyframe.
pub(crate) const FRAME_QUEUE: usize = 128;

/// One subscriber's media.
pub(crate) struct Inbound {
    state: Mutex<State>,
    ssrc: u32,
    wall: Wall,
    outbox: Outbox,
    nudge: Nudge,
}

impl Inbound {
    /// Media for `tracks`; frames go to `frames`. `ssrc` is this end's own, for its RTCP.
    pub(crate) fn new(tracks: Tracks, ssrc: u32, wall: Wall, frames: mpsc::Sender<video::Frame>, now: Instant) -> Arc<Self> {
        let state = Mutex::new(State::new(tracks, frames, now));
        Arc::new(Self { state, ssrc, wall, outbox: Outbox::default(), nudge: Nudge::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What both ends have agreed on beyond what the library tells.
    pub(crate) fn on_negotiated(&self, red: Option<sdp::Red>) {
        self.state().red = red;
    }

    /// What to play for the 20 ms after `now`.
    pub(crate) fn pull(&self, now: Instant) -> audio::Playout {
        self.state().pull(now)
    }

    /// Playout is held back by at least `floor` beyond what the network asks for.
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
}

impl Media for Inbound {
    fn bind(&self, info: &StreamInfo) {
        let mut state = self.state();
        if state.is_repair(info.ssrc) {
            // Told once more, by itself and under the name of what it repairs.
        } else if info.mime_type.eq_ignore_ascii_case(MIME_TYPE_H264) {
            state.on_video(info);
        } else if [MIME_TYPE_OPUS, MIME_TYPE_RED].iter().any(|sound| info.mime_type.eq_ignore_ascii_case(sound)) {
            state.on_audio(info);
        }
    }

    fn on_packet(&self, packet: &Packet, now: Instant) -> bool {
        match packet {
            // Off the chain: behind it waits a queue that drops packets.
            Packet::Rtp(packet) => {
                self.state().on_rtp(packet, now, &self.outbox);
                false
            }
            Packet::Rtcp(packets) => {
                self.state().on_rtcp(packets, now, self.wall.at(now));
                true
            }
            _ => true,
        }
    }

    fn poll(&self, now: Instant, out: &mut VecDeque<Packet>) {
        self.state().poll(self.ssrc, now, out);
    }

    fn next(&self) -> Instant {
        self.state().next()
    }

    /// The first packets tell by themselves.
    fn on_connected(&self) {}

    /// Buffers follow the packets, whichever way they come.
    fn on_new_path(&self, _: Instant) {}

    fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.nudge.set_remote(track);
    }

    fn set_rtt(&self, rtt: Duration, _: Instant) {
        let mut state = self.state();
        state.rtt = Some(rtt);
        state.video.iter_mut().for_each(|track| track.media.set_rtt(rtt));
        state.audio.iter_mut().for_each(|track| track.media.set_rtt(rtt));
    }

    fn last_packet(&self) -> Option<Instant> {
        self.state().last_packet
    }

    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn close(&self) {
        self.state().frames = None;
    }
}

impl From<video::Stats> for ReceivedTrack {
    fn from(stats: video::Stats) -> Self {
        Self {
            packets: stats.packets,
            bytes: stats.bytes,
            lost: stats.lost,
            repaired: stats.repaired,
            recovered: stats.recovered,
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
            recovered: stats.recovered,
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
