//! The publisher's media: frames into [`crate::send`], packets onto the chain, requests and reports off it.
//!
//! Packets get their sequence numbers when they leave the pacer, in the driver's task; whoever hands in frames only
//! packetizes and queues them. Before the connection is up there is nowhere to send to, and frames are dropped.

mod beat;
mod protection;
mod rtx;
mod state;
mod told;
mod track;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{BandwidthEstimator, Packet, PacketReport, StreamInfo};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::TrackRemote;

use self::protection::Protection;
use self::rtx::Rtx;
use self::state::{Queued, State};
pub(crate) use self::track::Track;
use super::event::Event;
use super::media::Media;
use super::nudge::Nudge;
use super::outbox::Outbox;
use super::rtcp;
use super::wall::Wall;
use crate::send::packetize::{self, packetize};
use crate::send::rate::{self, Sample};
use crate::send::red::Red;
use crate::send::sharing::Given;
use crate::{SendStats, sdp};

/// RTP header, transport-wide number, SRTP tag, UDP and IP headers: what a payload costs besides itself, in bytes.
const OVERHEAD: usize = 12 + 8 + BELOW_RTP;
/// What the library does not count of a packet: SRTP tag, UDP and IP headers.
const BELOW_RTP: usize = 16 + 28;

/// One publisher's media.
pub(crate) struct Outbound {
    state: Mutex<State>,
    ssrc: u32,
    wall: Wall,
    outbox: Outbox,
    nudge: Nudge,
}

impl Outbound {
    /// Media for the tracks given, at rates within `config`.
    pub(crate) fn new(video: Option<Track>, audio: Option<Track>, config: rate::Config, wall: Wall, now: Instant) -> Arc<Self> {
        let ssrc = video.as_ref().or(audio.as_ref()).map(|track| track.ssrc).unwrap_or_default();
        let state = Mutex::new(State::new(video, audio, config, now));
        Arc::new(Self { state, ssrc, wall, outbox: Outbox::default(), nudge: Nudge::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The library has a track of ours.
    pub(crate) fn on_local_track(&self, track: Arc<dyn TrackLocal>) {
        self.nudge.set_local(track);
    }

    /// The SSRC of what is sent again of a stream: the library knows pictures' alone.
    pub(crate) fn rtx_of(&self, info: &StreamInfo) -> Option<u32> {
        let ours = || self.state().tracks().find(|track| track.ssrc == info.ssrc)?.ssrc_rtx;
        info.ssrc_rtx.or_else(ours).filter(|_| info.payload_type_rtx.is_some())
    }

    /// What both ends have agreed on beyond what the library tells.
    pub(crate) fn on_negotiated(&self, red: Option<sdp::Red>) {
        self.state().red = red.map(|agreed| (agreed.payload_type, Red::new(agreed.inner)));
    }

    /// Transport-wide feedback came, before its reports do.
    pub(crate) fn before_reports(&self, packets: &[rtcp::Packet]) {
        let messages = packets.iter().filter_map(rtcp::feedback);
        let mut state = self.state();
        let overtaken = messages.map(|message| state.told.add(&message)).sum();
        state.rate.on_overtaken(overtaken);
    }

    /// Queues a frame; see [`crate::Publisher::send_video`].
    pub(crate) fn send_video(&self, access_unit: &[u8], captured: Instant, keyframe: bool, now: Instant) {
        let payloads = packetize(access_unit, packetize::MAX_PAYLOAD);
        let count = payloads.len() as u64;
        let mut state = self.state();
        let State { video: Some(track), connected, pacer, .. } = &mut *state else { return };
        if !*connected || payloads.is_empty() {
            track.stats.dropped += count;
            return;
        }
        let timestamp = track.clock.next(captured);
        let packets = payloads.into_iter().map(|payload| {
            let size = payload.data.len() + OVERHEAD;
            (size, Queued::Video { timestamp, payload: payload.data, marker: payload.marker, keyframe })
        });
        if pacer.push_video(packets, keyframe, now) {
            track.stats.frames += 1;
        } else {
            track.stats.dropped += count;
        }
        if pacer.take_keyframe_request(now) {
            self.outbox.raise(Event::KeyframeRequested);
        }
        drop(state);
        self.nudge.wake();
    }

    /// Queues an Opus packet; see [`crate::Publisher::send_audio`].
    pub(crate) fn send_audio(&self, opus: &[u8], captured: Instant) {
        let mut state = self.state();
        let State { audio: Some(track), red, connected, pacer, audio_bytes, .. } = &mut *state else { return };
        if !*connected || opus.is_empty() {
            track.stats.dropped += 1;
            return;
        }
        track.stats.frames += 1;
        let (timestamp, opus) = (track.clock.next(captured), Bytes::copy_from_slice(opus));
        let packed = red.as_mut().and_then(|(payload_type, red)| Some((*payload_type, red.pack(timestamp, &opus)?)));
        let (size, queued) = match packed {
            Some((payload_type, payload)) => (payload.len() + OVERHEAD, Queued::Red { timestamp, payload, payload_type, own: opus }),
            None => (opus.len() + OVERHEAD, Queued::Audio { timestamp, payload: opus }),
        };
        *audio_bytes += size as u64;
        pacer.push_audio(size, queued);
        drop(state);
        self.nudge.wake();
    }

    /// How long a frame queued now waits until it may leave.
    pub(crate) fn queued(&self) -> Duration {
        self.state().pacer.queued()
    }

    /// See [`crate::Publisher::set_max`].
    pub(crate) fn set_max(&self, max_bps: u32) {
        let mut state = self.state();
        state.rate.set_max(max_bps);
        state.tell(&self.outbox);
    }

    pub(crate) fn given(&self) -> Given {
        let state = self.state();
        let sent = [&state.video, &state.audio].into_iter().flatten().map(|track| track.stats.bytes).sum();
        Given { target_bps: state.rate.target(), sent }
    }

    pub(crate) fn stats(&self) -> SendStats {
        let state = self.state();
        SendStats {
            video: state.video.as_ref().map(|track| track.stats.clone()).unwrap_or_default(),
            audio: state.audio.as_ref().map(|track| track.stats.clone()).unwrap_or_default(),
            keyframe_requests: state.keyframe_requests,
            target_bps: state.rate.target(),
            rtt: state.rate.rtt(),
            pacer_delay: state.pacer.queued(),
        }
    }
}

impl Media for Outbound {
    fn bind(&self, info: &StreamInfo) {
        let mut state = self.state();
        state.tracks().filter(|track| track.ssrc == info.ssrc).for_each(|track| {
            track.payload_type = Some(info.payload_type);
            let ssrc = info.ssrc_rtx.or(track.ssrc_rtx);
            track.rtx = ssrc.zip(info.payload_type_rtx).map(|(ssrc, payload_type)| Rtx::new(ssrc, payload_type));
        });
        if state.video.as_ref().is_some_and(|track| track.ssrc == info.ssrc) {
            state.protection = info.ssrc_fec.zip(info.payload_type_fec).map(|(ssrc, payload_type)| Protection::new(ssrc, payload_type));
        }
    }

    fn on_packet(&self, packet: &Packet, now: Instant) -> bool {
        if let Packet::Rtcp(packets) = packet {
            let mut state = self.state();
            state.on_rtcp(packets, now, &self.wall, &self.outbox);
            state.tell(&self.outbox);
        }
        true
    }

    fn poll(&self, now: Instant, out: &mut VecDeque<Packet>) {
        let mut state = self.state();
        state.poll(self.ssrc, now, &self.wall, out);
        state.tell(&self.outbox);
    }

    fn next(&self) -> Instant {
        self.state().next()
    }

    /// From now on there is somewhere to send to; what was sent before, if anything, is of no use to the other end.
    fn on_connected(&self) {
        let mut state = self.state();
        state.connected = true;
        state.tell(&self.outbox);
        if state.video.is_some() {
            self.outbox.raise(Event::KeyframeRequested);
        }
    }

    fn on_new_path(&self, now: Instant) {
        let mut state = self.state();
        state.on_new_path(now);
        state.tell(&self.outbox);
    }

    /// The other end sends nothing that we take.
    fn on_track(&self, _: Arc<dyn TrackRemote>) {}

    /// Until reports tell it better.
    fn set_rtt(&self, rtt: Duration, now: Instant) {
        let mut state = self.state();
        if state.rate.rtt().is_none() {
            state.rate.on_rtt(rtt, now);
        }
    }

    fn last_packet(&self) -> Option<Instant> {
        self.state().last_packet
    }

    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn close(&self) {
        self.state().connected = false;
    }
}

/// The library's seam for congestion control: transport-wide feedback, already joined with what was sent.
pub(crate) struct Estimator {
    outbound: Arc<Outbound>,
}

impl Estimator {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound }
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let mut state = self.outbound.state();
        let (told, path_since) = (&state.told, state.path_since);
        let samples: Vec<Sample> = reports
            .iter()
            .filter(|report| report.departure >= path_since)
            // Arrived, but the receiver does not say when; not arrived, but the feedback that would tell is lost: neither a delay nor a loss.
            .filter(|report| if report.arrived { report.arrival.is_some() } else { told.has(report.twcc_sequence_number) })
            .map(|report| Sample { sent: report.departure, arrival: report.arrival, size: report.size + BELOW_RTP })
            .collect();
        if samples.is_empty() {
            return;
        }
        reports.iter().filter(|report| !report.arrived).for_each(|report| state.told.on_lost(report.twcc_sequence_number));
        state.on_feedback(&samples, now);
        state.tell(&self.outbound.outbox);
    }

    fn target_bitrate(&self) -> f64 {
        f64::from(self.outbound.state().rate.target())
    }
}
