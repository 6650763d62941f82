//! What the publisher's media knows, under its lock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::Packet as ChainPacket;
use rtc::rtp;

use super::OVERHEAD;
use super::protection::{Parity, Protection};
use super::told::Told;
use super::track::{PADDING, Track};
use crate::peer::event::Event;
use crate::peer::outbox::Outbox;
use crate::peer::rtcp::{self, Message};
use crate::peer::wall::Wall;
use crate::receive::report::Block;
use crate::send::pace::{self, Pacer};
use crate::send::rate::{self, Rate, Sample};
use crate::send::red::Red;
use crate::send::report;

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Before the first second of sound is measured: 40 kb/s of Opus in 50 packets a second.
const AUDIO_BPS_GUESS: u32 = 40_000 + 50 * 8 * OVERHEAD as u32;
/// A target that moves by less than this share is not news.
const TARGET_STEP: f64 = 0.02;
/// Each track's repairs may take one part in this many of the target: on a path that loses because it is full, more
/// would only lose more.
const REPAIR_SHARE: u32 = 2;
/// Assumed until the first report, for the spacing of repairs.
const RTT_GUESS: Duration = Duration::from_millis(50);

/// A packet in the pacer.
pub(super) enum Queued {
    Audio {
        timestamp: u32,
        payload: Bytes,
    },
    /// Sound that carries earlier sound along.
    Red {
        timestamp: u32,
        payload: Bytes,
        payload_type: u8,
        /// Its own packet of Opus.
        own: Bytes,
    },
    Video {
        timestamp: u32,
        payload: Bytes,
        marker: bool,
        keyframe: bool,
    },
    Parity(Parity),
    Repair(rtp::Packet),
}

pub(super) struct State {
    pub(super) connected: bool,
    pub(super) video: Option<Track>,
    pub(super) audio: Option<Track>,
    /// The video track's parity, if the other end takes it.
    pub(super) protection: Option<Protection>,
    /// With its payload type, if the other end takes it.
    pub(super) red: Option<(u8, Red)>,
    pub(super) pacer: Pacer<Queued>,
    pub(super) rate: Rate,
    pub(super) told: Told,
    /// What was sent before went over another path.
    pub(super) path_since: Instant,
    /// Bytes of sound since the last report, overhead included.
    pub(super) audio_bytes: u64,
    pub(super) last_packet: Option<Instant>,
    pub(super) keyframe_requests: u64,
    audio_bps: u32,
    next_release: Option<Instant>,
    next_report: Instant,
    /// What the owner was told last.
    target: Option<u32>,
    loss: u8,
}

impl State {
    pub(super) fn new(video: Option<Track>, audio: Option<Track>, config: rate::Config, now: Instant) -> Self {
        let rate = Rate::new(config, now);
        let mut state = Self {
            connected: false,
            audio_bps: if audio.is_some() { AUDIO_BPS_GUESS } else { 0 },
            video,
            audio,
            protection: None,
            red: None,
            pacer: Pacer::new(pace::Config::default(), rate.pacing()),
            rate,
            told: Told::default(),
            path_since: now,
            audio_bytes: 0,
            last_packet: None,
            keyframe_requests: 0,
            next_release: None,
            next_report: now,
            target: None,
            loss: 0,
        };
        state.apply_rate(now);
        state
    }

    pub(super) fn tracks(&mut self) -> impl Iterator<Item = &mut Track> {
        self.video.iter_mut().chain(&mut self.audio)
    }

    pub(super) fn on_rtcp(&mut self, packets: &[rtcp::Packet], now: Instant, wall: &Wall, outbox: &Outbox) {
        self.last_packet = Some(now);
        for message in packets.iter().flat_map(rtcp::read) {
            match message {
                Message::Nack { ssrc, sequences } => self.on_nack(ssrc, &sequences, now),
                Message::Keyframe { ssrc } if self.video.as_ref().is_some_and(|track| track.ssrc == ssrc) => {
                    self.keyframe_requests += 1;
                    outbox.raise(Event::KeyframeRequested);
                }
                Message::Block { ssrc, block } => {
                    if let Some(rtt) = report::round_trip(block.last_sr, block.delay_since, wall.at(now)) {
                        self.rate.on_rtt(rtt, now);
                    }
                    self.on_block(ssrc, &block, now);
                }
                Message::Keyframe { .. } | Message::Sender { .. } => {}
            }
        }
    }

    fn on_nack(&mut self, ssrc: u32, sequences: &[u16], now: Instant) {
        let rtt = self.rate.rtt().unwrap_or(RTT_GUESS);
        let State { video, audio, pacer, .. } = self;
        for track in video.iter_mut().chain(audio).filter(|track| track.ssrc == ssrc) {
            track.stats.nacks += sequences.len() as u64;
            for sequence in sequences {
                // Still in the pacer: the request crossed it.
                if track.is_waiting(*sequence, now) {
                    continue;
                }
                if let Ok(packet) = track.history.repair(*sequence, rtt, now) {
                    track.wait(*sequence, now);
                    pacer.push_repair(packet.payload.len() + OVERHEAD, Queued::Repair(packet));
                }
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

    /// Transport-wide feedback.
    pub(super) fn on_feedback(&mut self, samples: &[Sample], now: Instant) {
        self.rate.on_feedback(samples, now);
        if let Some(protection) = &mut self.protection {
            protection.adapt(&self.rate, now);
        }
        self.apply_rate(now);
    }

    pub(super) fn on_new_path(&mut self, now: Instant) {
        self.path_since = now;
        self.rate = self.rate.on_new_path(now);
        self.apply_rate(now);
    }

    fn apply_rate(&mut self, now: Instant) {
        self.pacer.set_rate(self.rate.pacing(), now);
        let repairs = self.rate.target() / REPAIR_SHARE;
        self.tracks().for_each(|track| track.history.set_budget(repairs, now));
        if let Some((_, red)) = &mut self.red {
            red.adapt(self.rate.loss(), self.rate.target());
        }
    }

    /// Appends what may leave at `now`; reports are this end's `ssrc`'s.
    pub(super) fn poll(&mut self, ssrc: u32, now: Instant, wall: &Wall, out: &mut VecDeque<ChainPacket>) {
        self.rate.poll(now);
        self.apply_rate(now);
        self.begin_probe(now);
        self.next_release = loop {
            match self.pacer.poll(now) {
                pace::Poll::Send(queued) => out.extend(self.release(queued, now).map(ChainPacket::Rtp)),
                pace::Poll::Padding => out.extend(self.pad(now).map(ChainPacket::Rtp)),
                pace::Poll::Wait(next) => break Some(next),
                pace::Poll::Idle => break None,
            }
        };
        if let Some(probed) = self.pacer.take_probed() {
            self.rate.on_probed(probed);
        }
        if self.next_report <= now {
            self.next_report = now + REPORT_INTERVAL;
            self.measure_audio();
            out.push_back(ChainPacket::Rtcp(self.reports(ssrc, now, wall)));
        }
    }

    /// When [`poll`](Self::poll) should be asked at the latest.
    pub(super) fn next(&self) -> Instant {
        self.next_release.map_or(self.next_report, |next| next.min(self.next_report))
    }

    /// Only pictures have use for more than is sent, and only their track can carry padding.
    fn begin_probe(&mut self, now: Instant) {
        if self.connected
            && self.video.is_some()
            && let Some(probe) = self.rate.take_probe(now)
        {
            self.pacer.probe(probe);
        }
    }

    fn pad(&mut self, now: Instant) -> Option<rtp::Packet> {
        let packet = self.video.as_mut().and_then(|track| track.padding(now));
        self.pacer.on_padding(if packet.is_some() { PADDING } else { 0 }, now);
        self.rate.on_sent(PADDING, now);
        packet
    }

    fn release(&mut self, queued: Queued, now: Instant) -> Option<rtp::Packet> {
        let (track, packet) = match queued {
            Queued::Video { timestamp, payload, marker, keyframe } => {
                let track = self.video.as_mut()?;
                let packet = track.packet(timestamp, payload, marker, now)?;
                let parity = self.protection.as_mut().map(|protection| protection.on_packet(&packet, keyframe));
                for parity in parity.unwrap_or_default() {
                    self.pacer.push_parity(parity.payload.len() + OVERHEAD, Queued::Parity(parity));
                }
                (track, packet)
            }
            Queued::Parity(parity) => {
                let track = self.video.as_mut()?;
                let packet = self.protection.as_mut()?.packet(parity, track.ssrc);
                track.on_parity(&packet);
                self.rate.on_sent(packet.payload.len() + OVERHEAD, now);
                return Some(packet);
            }
            // No marker: this is no start after silence (RFC 3551 §4.1), the sender does not pause.
            Queued::Audio { timestamp, payload } => {
                let track = self.audio.as_mut()?;
                let packet = track.packet(timestamp, payload, false, now)?;
                (track, packet)
            }
            Queued::Red { timestamp, payload, payload_type, own } => {
                let track = self.audio.as_mut()?;
                let packet = track.packet_of(payload_type, timestamp, payload, false, now);
                track.repair_without_red(&packet, own, now);
                (track, packet)
            }
            Queued::Repair(packet) => {
                let size = packet.payload.len() + OVERHEAD;
                let track = self.tracks().find(|track| track.ssrc == packet.header.ssrc)?;
                let packet = track.repair(packet);
                self.rate.on_sent(size, now);
                return Some(packet);
            }
        };
        self.rate.on_sent(packet.payload.len() + OVERHEAD, now);
        if track.stats.packets == 1 {
            // The receiver cannot place a track's first packets in time without a report.
            self.next_report = now;
        }
        Some(packet)
    }

    fn measure_audio(&mut self) {
        let bits = std::mem::take(&mut self.audio_bytes) * 8;
        if self.audio.as_ref().is_some_and(|track| track.stats.packets > 0) {
            self.audio_bps = bits.min(u64::from(u32::MAX)) as u32;
        }
    }

    /// A sender report for each track that has sent; an empty receiver report else, as a sign of life.
    fn reports(&self, ssrc: u32, now: Instant, wall: &Wall) -> Vec<rtcp::Packet> {
        let tracks = self.video.iter().chain(&self.audio).filter(|track| track.stats.packets > 0);
        let reports: Vec<_> = tracks.map(|track| rtcp::sender_report(track.ssrc, track.info(now, wall.at(now)))).collect();
        if reports.is_empty() { vec![rtcp::receiver_report(ssrc, [])] } else { reports }
    }

    /// Raises the target and the loss if they have changed.
    pub(super) fn tell(&mut self, outbox: &Outbox) {
        if !self.connected {
            return;
        }
        let target = self.rate.video_target(self.audio_bps, self.protection.as_ref().map_or(0.0, Protection::share));
        let changed = |told: u32| f64::from(told.abs_diff(target)) > f64::from(told) * TARGET_STEP;
        if self.video.is_some() && self.target.is_none_or(changed) {
            self.target = Some(target);
            outbox.raise(Event::TargetBitrate(target));
        }
        let loss = (self.rate.loss() * 100.0).round().clamp(0.0, 100.0) as u8;
        if std::mem::replace(&mut self.loss, loss) != loss {
            outbox.raise(Event::Loss(loss));
        }
    }
}
