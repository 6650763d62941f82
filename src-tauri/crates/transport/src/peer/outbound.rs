//! The publisher's media: frames into [`crate::send`], packets onto the chain, requests and reports off it.
//!
//! Packets get their sequence numbers when they leave the pacer, in the driver's task; whoever hands in frames only
//! packetizes and queues them. Before the connection is up there is nowhere to send to, and frames are dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{AttributedPacket, BandwidthEstimator, Packet as ChainPacket, PacketReport, StreamInfo, TaggedPacket};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;

use super::event::Event;
use super::nudge::Nudge;
use super::outbox::Outbox;
use super::rtcp::{self, Message};
use super::wall::Wall;
use crate::receive::report::Block;
use crate::send::history::{self, History};
use crate::send::pace::{self, Pacer};
use crate::send::packetize::{self, packetize};
use crate::send::rate::{self, Rate, Sample};
use crate::send::report::{self, MediaClock, Sent};
use crate::{SendStats, SentTrack};

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// RTP header, transport-wide number, SRTP tag, UDP and IP headers: what a payload costs besides itself, in bytes.
const OVERHEAD: usize = 12 + 8 + 16 + 28;
/// Before the first second of sound is measured: 40 kb/s of Opus in 50 packets a second.
const AUDIO_BPS_GUESS: u32 = 40_000 + 50 * 8 * OVERHEAD as u32;
/// A target that moves by less than this share is not news.
const TARGET_STEP: f64 = 0.02;
/// Assumed until the first report, for the spacing of repairs.
const RTT_GUESS: Duration = Duration::from_millis(50);

/// A packet in the pacer.
enum Queued {
    Audio { timestamp: u32, payload: Bytes },
    Video { timestamp: u32, payload: Bytes, marker: bool },
    Repair(rtp::Packet),
}

/// A track being sent.
pub(crate) struct Track {
    ssrc: u32,
    clock: MediaClock,
    rate: u32,
    payload_type: Option<u8>,
    sequence: u16,
    sent: Sent,
    history: History<rtp::Packet>,
    stats: SentTrack,
}

impl Track {
    /// A track of `ssrc` at `rate` Hz; timestamps count from a random number at `now` (RFC 3550 §5.1).
    pub(crate) fn new(ssrc: u32, rate: u32, now: Instant) -> Self {
        Self {
            ssrc,
            clock: MediaClock::new(rate, now, rand::random()),
            rate,
            payload_type: None,
            // Below half, so that early losses cannot hide behind a wrap (RFC 3711 §3.3.1).
            sequence: rand::random::<u16>() >> 1,
            sent: Sent::default(),
            history: History::new(history::Config::default()),
            stats: SentTrack::default(),
        }
    }

    fn packet(&mut self, timestamp: u32, payload: Bytes, marker: bool, now: Instant) -> Option<rtp::Packet> {
        let header = rtp::Header {
            version: 2,
            marker,
            payload_type: self.payload_type?,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..rtp::Header::default()
        };
        let size = payload.len();
        let packet = rtp::Packet { header, payload };
        self.history.push(self.sequence, size + OVERHEAD, packet.clone(), now);
        self.sequence = self.sequence.wrapping_add(1);
        self.count(size);
        Some(packet)
    }

    fn count(&mut self, payload: usize) {
        self.sent.on_packet(payload);
        self.stats.packets += 1;
        self.stats.bytes += payload as u64;
    }

    fn on_block(&mut self, block: &Block) {
        self.stats.loss_percent = f32::from(block.fraction_lost) * 100.0 / 256.0;
        self.stats.jitter = Duration::from_secs_f64(f64::from(block.jitter) / f64::from(self.rate));
    }
}

struct State {
    connected: bool,
    video: Option<Track>,
    audio: Option<Track>,
    pacer: Pacer<Queued>,
    next_release: Option<Instant>,
    rate: Rate,
    target: Option<u32>,
    loss: Option<u8>,
    audio_bps: u32,
    audio_bytes: u64,
    next_report: Instant,
    last_packet: Option<Instant>,
    keyframe_requests: u64,
}

/// One publisher's media.
pub(crate) struct Outbound {
    state: Mutex<State>,
    ssrc: u32,
    wall: Wall,
    pub(crate) outbox: Outbox,
    pub(crate) nudge: Nudge,
}

impl Outbound {
    /// Media for the tracks given, at rates within `config`.
    pub(crate) fn new(video: Option<Track>, audio: Option<Track>, config: rate::Config, wall: Wall, now: Instant) -> Arc<Self> {
        let ssrc = video.as_ref().or(audio.as_ref()).map(|track| track.ssrc).unwrap_or_default();
        let rate = Rate::new(config, now);
        let state = State {
            connected: false,
            audio_bps: if audio.is_some() { AUDIO_BPS_GUESS } else { 0 },
            video,
            audio,
            pacer: Pacer::new(pace::Config::default(), rate.pacing()),
            next_release: None,
            rate,
            target: None,
            loss: None,
            audio_bytes: 0,
            next_report: now,
            last_packet: None,
            keyframe_requests: 0,
        };
        Arc::new(Self { state: Mutex::new(state), ssrc, wall, outbox: Outbox::default(), nudge: Nudge::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handshake is done: from now on there is somewhere to send to.
    pub(crate) fn on_connected(&self) {
        let mut state = self.state();
        state.connected = true;
        state.tell_target(&self.outbox);
    }

    /// When the other end's newest packet came.
    pub(crate) fn last_packet(&self) -> Option<Instant> {
        self.state().last_packet
    }

    /// The path's round trip by ICE, until reports tell it better.
    pub(crate) fn set_rtt(&self, rtt: Duration) {
        let mut state = self.state();
        if state.rate.rtt().is_none() {
            state.rate.on_rtt(rtt);
        }
    }

    pub(crate) fn has_video(&self) -> bool {
        self.state().video.is_some()
    }

    /// Sends nothing more.
    pub(crate) fn close(&self) {
        self.state().connected = false;
    }

    /// Queues a frame; see [`crate::Publisher::send_video`].
    pub(crate) fn send_video(&self, access_unit: &[u8], captured: Instant, keyframe: bool, now: Instant) {
        let payloads = packetize(access_unit, packetize::MAX_PAYLOAD);
        let mut state = self.state();
        let State { video: Some(track), connected, pacer, .. } = &mut *state else { return };
        if !*connected || payloads.is_empty() {
            track.stats.dropped += payloads.len() as u64;
            return;
        }
        let timestamp = track.clock.timestamp(captured);
        let count = payloads.len() as u64;
        let packets = payloads.into_iter().map(|payload| {
            let size = payload.data.len() + OVERHEAD;
            (size, Queued::Video { timestamp, payload: payload.data, marker: payload.marker })
        });
        if pacer.push_video(packets, keyframe, now) {
            track.stats.frames += 1;
        } else {
            track.stats.dropped += count;
        }
        let wanted = pacer.take_keyframe_request(now);
        drop(state);
        if wanted {
            self.outbox.raise(Event::KeyframeRequested);
        }
        self.nudge.wake();
    }

    /// Queues an Opus packet; see [`crate::Publisher::send_audio`].
    pub(crate) fn send_audio(&self, opus: &[u8], captured: Instant) {
        let mut state = self.state();
        let State { audio: Some(track), connected, pacer, audio_bytes, .. } = &mut *state else { return };
        if !*connected || opus.is_empty() {
            track.stats.dropped += 1;
            return;
        }
        track.stats.frames += 1;
        let size = opus.len() + OVERHEAD;
        *audio_bytes += size as u64;
        let timestamp = track.clock.timestamp(captured);
        pacer.push_audio(size, Queued::Audio { timestamp, payload: Bytes::copy_from_slice(opus) });
        drop(state);
        self.nudge.wake();
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

    fn on_rtcp(&self, packets: &[rtcp::Packet], now: Instant) {
        let wall = self.wall.at(now);
        let mut state = self.state();
        state.last_packet = Some(now);
        for message in packets.iter().flat_map(rtcp::read) {
            match message {
                Message::Nack { ssrc, sequences } => state.on_nack(ssrc, &sequences, now),
                Message::Keyframe { ssrc } if state.video.as_ref().is_some_and(|track| track.ssrc == ssrc) => {
                    state.keyframe_requests += 1;
                    self.outbox.raise(Event::KeyframeRequested);
                }
                Message::Block { ssrc, block } => {
                    if let Some(rtt) = report::round_trip(block.last_sr, block.delay_since, wall) {
                        state.rate.on_rtt(rtt);
                    }
                    state.on_block(ssrc, &block, now);
                }
                Message::Keyframe { .. } | Message::Sender { .. } => {}
            }
        }
        state.tell_target(&self.outbox);
    }

    fn on_feedback(&self, reports: &[PacketReport], now: Instant) {
        let samples: Vec<Sample> = reports
            .iter()
            // Arrived, but the receiver does not say when: neither a delay nor a loss.
            .filter(|report| !report.arrived || report.arrival.is_some())
            .map(|report| Sample { sent: report.departure, arrival: report.arrival, size: report.size })
            .collect();
        if samples.is_empty() {
            return;
        }
        let mut state = self.state();
        state.rate.on_feedback(&samples, now);
        let pacing = state.rate.pacing();
        state.pacer.set_rate(pacing);
        state.tell_target(&self.outbox);
    }

    /// What may leave at `now`.
    fn poll(&self, now: Instant, out: &mut VecDeque<ChainPacket>) {
        let mut state = self.state();
        state.release(now, out);
        if state.next_report <= now {
            state.next_report = now + REPORT_INTERVAL;
            state.measure_audio();
            state.tell_loss(&self.outbox);
            state.tell_target(&self.outbox);
            out.push_back(ChainPacket::Rtcp(state.reports(self.ssrc, now, &self.wall)));
        }
    }

    fn next(&self) -> Instant {
        let state = self.state();
        state.next_release.map_or(state.next_report, |next| next.min(state.next_report))
    }

    fn bind(&self, info: &StreamInfo) {
        let mut state = self.state();
        for track in state.tracks().filter(|track| track.ssrc == info.ssrc) {
            track.payload_type = Some(info.payload_type);
        }
    }
}

impl State {
    fn tracks(&mut self) -> impl Iterator<Item = &mut Track> {
        self.video.iter_mut().chain(&mut self.audio)
    }

    fn release(&mut self, now: Instant, out: &mut VecDeque<ChainPacket>) {
        loop {
            let packet = match self.pacer.poll(now) {
                pace::Poll::Send(Queued::Video { timestamp, payload, marker }) => {
                    self.video.as_mut().and_then(|track| track.packet(timestamp, payload, marker, now))
                }
                // No marker: this is no start after silence (RFC 3551 §4.1), the sender does not pause.
                pace::Poll::Send(Queued::Audio { timestamp, payload }) => {
                    self.audio.as_mut().and_then(|track| track.packet(timestamp, payload, false, now))
                }
                pace::Poll::Send(Queued::Repair(packet)) => {
                    let size = packet.payload.len();
                    self.tracks().filter(|track| track.ssrc == packet.header.ssrc).for_each(|track| {
                        track.count(size);
                        track.stats.resent += 1;
                    });
                    Some(packet)
                }
                pace::Poll::Wait(next) => {
                    self.next_release = Some(next);
                    return;
                }
                pace::Poll::Idle => {
                    self.next_release = None;
                    return;
                }
            };
            // The receiver cannot place a track's first packets in time without a report.
            if packet.as_ref().is_some_and(|packet| self.is_first(packet.header.ssrc)) {
                self.next_report = now;
            }
            out.extend(packet.map(ChainPacket::Rtp));
        }
    }

    fn is_first(&mut self, ssrc: u32) -> bool {
        self.tracks().any(|track| track.ssrc == ssrc && track.stats.packets == 1)
    }

    fn on_nack(&mut self, ssrc: u32, sequences: &[u16], now: Instant) {
        let rtt = self.rate.rtt().unwrap_or(RTT_GUESS);
        let State { video, audio, pacer, .. } = self;
        for track in video.iter_mut().chain(audio).filter(|track| track.ssrc == ssrc) {
            track.stats.nacks += sequences.len() as u64;
            for packet in sequences.iter().filter_map(|sequence| track.history.repair(*sequence, rtt, now).ok()) {
                pacer.push_repair(packet.payload.len() + OVERHEAD, Queued::Repair(packet));
            }
        }
    }

    fn on_block(&mut self, ssrc: u32, block: &Block, now: Instant) {
        let mut ours = false;
        for track in self.tracks().filter(|track| track.ssrc == ssrc) {
            track.on_block(block);
            ours = true;
        }
        if ours {
            self.rate.on_loss(f64::from(block.fraction_lost) / 256.0, now);
        }
    }

    fn measure_audio(&mut self) {
        let bps = (std::mem::take(&mut self.audio_bytes) * 8).min(u64::from(u32::MAX)) as u32;
        if self.audio.as_ref().is_some_and(|track| track.stats.packets > 0) {
            self.audio_bps = bps;
        }
    }

    fn tell_target(&mut self, outbox: &Outbox) {
        if !self.connected || self.video.is_none() {
            return;
        }
        let target = self.rate.video_target(self.audio_bps);
        let changed = |told: u32| f64::from(told.abs_diff(target)) > f64::from(told) * TARGET_STEP;
        if self.target.is_none_or(changed) {
            self.target = Some(target);
            outbox.raise(Event::TargetBitrate(target));
        }
    }

    fn tell_loss(&mut self, outbox: &Outbox) {
        let percent = (self.rate.loss() * 100.0).round().clamp(0.0, 100.0) as u8;
        if self.loss.replace(percent).unwrap_or(0) != percent {
            outbox.raise(Event::Loss(percent));
        }
    }

    /// A sender report for each track that has sent; an empty receiver report else, as a sign of life.
    fn reports(&self, ssrc: u32, now: Instant, wall: &Wall) -> Vec<rtcp::Packet> {
        let tracks = self.video.iter().chain(&self.audio).filter(|track| track.stats.packets > 0);
        let reports: Vec<_> =
            tracks.map(|track| rtcp::sender_report(track.ssrc, track.sent.info(&track.clock, now, wall.at(now)))).collect();
        if reports.is_empty() { vec![rtcp::receiver_report(ssrc, [])] } else { reports }
    }
}

/// [`Outbound`] on the chain.
pub(crate) struct Interceptor {
    outbound: Arc<Outbound>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
    released: VecDeque<ChainPacket>,
}

impl Interceptor {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound, reads: VecDeque::new(), writes: VecDeque::new(), released: VecDeque::new() }
    }

    fn pump(&mut self, now: Instant) {
        self.outbound.poll(now, &mut self.released);
        self.writes.extend(self.released.drain(..).map(|packet| TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(packet),
        }));
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Interceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = webrtc::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        if let ChainPacket::Rtcp(packets) = &message.message.packet {
            self.outbound.on_rtcp(packets, message.now);
            self.pump(message.now);
        }
        self.reads.push_back(message);
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
        Some(self.outbound.next())
    }
}

impl rtc::interceptor::Interceptor for Interceptor {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.outbound.bind(info);
    }

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
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
        self.outbound.on_feedback(reports, now);
    }

    fn target_bitrate(&self) -> f64 {
        f64::from(self.outbound.state().rate.target())
    }
}
