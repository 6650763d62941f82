//! A video track whole: packets in; frames with their time, NACKs and keyframe requests out.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::assemble::{self, Assembler};
use super::fec;
use super::intake::{Accepted, Intake};
use super::jitter_video::JitterVideo;
use super::nack;
use super::report;
use super::unwrap::Timestamp;
use super::{Packet, keyframe};

/// While parity comes, what is missing is asked for only when the next frame's parity has not brought it either, or half a round trip later.
const PARITY_WAIT: Duration = Duration::from_millis(40);

/// Parity comes if it has come within this time.
const PARITY_PAUSE: Duration = Duration::from_millis(500);

/// Clock rate of video timestamps (RFC 6184 §8.1).
const RATE: u32 = 90_000;

/// A frame ready for the decoder, in decode order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// An access unit in Annex B form.
    pub data: Vec<u8>,
    pub timestamp: u32,
    pub keyframe: bool,
    /// The sender's capture time on our clock, once a sender report told it.
    pub captured: Option<Instant>,
    pub render_at: Instant,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Frame(Frame),
    /// Ask for these packets again.
    Nack(Vec<u16>),
    /// Send a PLI.
    RequestKeyframe,
    /// Nothing until the next packet, or until this instant.
    Wait(Option<Instant>),
}

/// Cumulative counters and current delays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub packets: u64,
    pub bytes: u64,
    pub duplicates: u64,
    /// Packets found missing, whether or not they came later.
    pub lost: u64,
    /// Packets that came after they were asked for.
    pub repaired: u64,
    /// Lost packets restored from parity.
    pub recovered: u64,
    /// Packets given up.
    pub abandoned: u64,
    /// Packet numbers asked for.
    pub nacks: u64,
    pub keyframe_requests: u64,
    /// Frames handed on.
    pub frames: u64,
    pub keyframes: u64,
    /// Frames that came but could not be decoded.
    pub dropped_frames: u64,
    /// Payloads that were not valid.
    pub malformed: u64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: Duration,
    /// What the jitter buffer adds to the fastest frame.
    pub delay: Duration,
}

/// One video track being received.
#[derive(Debug)]
pub struct Video {
    /// Frames' timestamps; they leave in an order of their own.
    frame_timestamp: Timestamp,
    intake: Intake,
    assembler: Assembler,
    keyframes: keyframe::Requests,
    jitter: JitterVideo,
    fec: Option<fec::Decoder>,
    parity_at: Option<Instant>,
    ready: VecDeque<Frame>,
}

impl Video {
    pub fn new() -> Self {
        Self {
            frame_timestamp: Timestamp::default(),
            intake: Intake::new(RATE, nack::Config::VIDEO),
            assembler: Assembler::new(),
            keyframes: keyframe::Requests::default(),
            jitter: JitterVideo::new(),
            fec: None,
            parity_at: None,
            ready: VecDeque::new(),
        }
    }

    /// The sender protects packets of `payload_type` with parity.
    pub fn expect_parity(&mut self, payload_type: u8) {
        self.fec = Some(fec::Decoder::new(payload_type));
    }

    pub fn on_packet(&mut self, packet: Packet, now: Instant) {
        self.intake.nack.set_patience(self.patience(now));
        let accepted = self.intake.on_packet(&packet, now);
        self.take(accepted, packet, now);
    }

    /// A packet that was sent again, by a stream of its own.
    pub fn on_retransmission(&mut self, packet: Packet, now: Instant) {
        let accepted = self.intake.on_retransmission(&packet, now);
        self.take(accepted, packet, now);
    }

    fn take(&mut self, accepted: Option<Accepted>, packet: Packet, now: Instant) {
        let Some(Accepted { sequence, .. }) = accepted else { return };
        let restored = self.fec.as_mut().map(|fec| fec.on_source(sequence, &packet));
        self.assembler.push(sequence, packet.timestamp, packet.marker, packet.payload, now);
        self.take_restored(restored.unwrap_or_default(), now);
    }

    /// The payload of a parity packet.
    pub fn on_parity(&mut self, payload: &[u8], now: Instant) {
        let Some(fec) = &mut self.fec else { return };
        self.parity_at = Some(now);
        self.intake.nack.set_patience(PARITY_WAIT.min(self.intake.nack.rtt() / 2));
        let restored = fec.on_repair(payload);
        if let Some(told) = fec.told() {
            self.intake.nack.on_told(told, now);
        }
        self.take_restored(restored, now);
    }

    fn take_restored(&mut self, restored: fec::Restored, now: Instant) {
        for (sequence, packet) in restored {
            if self.intake.recover(sequence) {
                self.assembler.push(sequence, packet.timestamp, packet.marker, packet.payload, now);
            }
        }
        self.take_frames(now);
    }

    fn patience(&self, now: Instant) -> Duration {
        let comes = self.parity_at.is_some_and(|at| now.saturating_duration_since(at) < PARITY_PAUSE);
        if comes { PARITY_WAIT.min(self.intake.nack.rtt() / 2) } else { Duration::ZERO }
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        self.intake.on_sender_report(ntp, timestamp, now, wall);
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        self.intake.set_rtt(rtt);
    }

    /// Lip sync's extra delay ([`crate::sync`]).
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.jitter.set_extra_delay(extra);
    }

    /// The decoder failed or was replaced: nothing is handed on until the next keyframe, which is asked for.
    pub fn require_keyframe(&mut self, now: Instant) {
        self.take_frames(now);
        self.ready.clear();
        self.assembler.require_keyframe();
    }

    /// Poll until [`Output::Wait`].
    pub fn poll(&mut self, now: Instant) -> Output {
        self.intake.nack.set_playout(self.jitter.added());
        self.skip_useless(now);
        let requests = self.intake.nack.poll(now);
        if let Some(sequence) = self.intake.nack.take_abandoned() {
            self.assembler.abandon(sequence, now);
        }
        self.assembler.expire(now);
        self.take_frames(now);
        if !requests.is_empty() {
            return Output::Nack(requests.into_iter().map(|sequence| sequence as u16).collect());
        }
        if let Some(frame) = self.ready.pop_front() {
            return Output::Frame(frame);
        }
        let (arriving, rtt) = (self.assembler.keyframe_arriving(), self.intake.nack.rtt());
        if self.keyframes.poll(self.assembler.needs_keyframe(), arriving, rtt, now) {
            return Output::RequestKeyframe;
        }
        Output::Wait([self.intake.nack.timeout(), self.keyframes.timeout(arriving, rtt)].into_iter().flatten().min())
    }

    /// The next receiver report's block; call once per report sent. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<report::Block> {
        self.intake.reception.block(now)
    }

    pub fn stats(&self) -> Stats {
        let (nack, frames) = (self.intake.nack.stats(), self.assembler.stats());
        Stats {
            packets: self.intake.packets,
            bytes: self.intake.bytes,
            duplicates: self.intake.duplicates,
            lost: nack.lost,
            repaired: nack.repaired,
            recovered: nack.recovered,
            abandoned: nack.abandoned,
            nacks: nack.requested,
            keyframe_requests: self.keyframes.count(),
            frames: frames.frames,
            keyframes: frames.keyframes,
            dropped_frames: frames.dropped,
            malformed: frames.malformed,
            jitter: self.intake.reception.jitter(),
            delay: self.jitter.added(),
        }
    }

    /// What cannot be decoded for want of a keyframe needs no repair.
    fn skip_useless(&mut self, now: Instant) {
        let under_way = self.keyframes.may_be_under_way(self.intake.nack.rtt(), now);
        self.assembler.skip_useless(under_way, now);
        self.take_frames(now);
    }

    /// Times the frames that can be decoded by now.
    fn take_frames(&mut self, now: Instant) {
        while let Some(frame) = self.assembler.next_frame() {
            let assemble::Frame { data, timestamp, keyframe, .. } = frame;
            let render_at = self.jitter.on_frame(self.frame_timestamp.extend(timestamp), now, keyframe);
            let captured = self.intake.clock.captured(timestamp);
            self.ready.push_back(Frame { data, timestamp, keyframe, captured, render_at });
        }
        self.intake.nack.settle(self.assembler.settled());
        if let Some(fec) = &mut self.fec {
            fec.settle(self.assembler.settled());
        }
    }
}

impl Default for Video {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::history::{self, History};
    use crate::send::nal;
    use crate::send::packetize::{MAX_PAYLOAD, packetize};
    use std::collections::BTreeMap;

    const MS: Duration = Duration::from_millis(1);

    /// A call in virtual time: 30 frames a second over a path with delay and loss, repairs and keyframe requests answered.
    struct Call {
        video: Video,
        history: History<Packet>,
        start: Instant,
        now: Instant,
        /// What is on its way to either side, by arrival and order of sending.
        arrivals: BTreeMap<(Instant, u64), Packet>,
        requests: BTreeMap<(Instant, u64), Output>,
        sent: u64,
        frame: u32,
        sequence: u16,
        keyframe_wanted: bool,
        one_way: Duration,
        loss: f64,
        random: u64,
        shown: Vec<(u32, bool, Duration)>,
    }

    impl Call {
        fn new(one_way: Duration, loss: f64) -> Self {
            let start = Instant::now();
            Self {
                video: Video::new(),
                history: History::new(history::Config::default()),
                start,
                now: start,
                arrivals: BTreeMap::new(),
                requests: BTreeMap::new(),
                sent: 0,
                frame: 0,
                sequence: 65_000,
                keyframe_wanted: true,
                one_way,
                loss,
                random: 42,
                shown: Vec::new(),
            }
        }

        fn lost(&mut self) -> bool {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((self.random >> 33) as f64 / f64::from(1u32 << 31)) < self.loss
        }

        fn transmit(&mut self, packet: Packet) {
            self.sent += 1;
            if !self.lost() {
                self.arrivals.insert((self.now + self.one_way, self.sent), packet);
            }
        }

        fn send_frame(&mut self) {
            let keyframe = std::mem::take(&mut self.keyframe_wanted);
            let slice = [vec![if keyframe { 0x65 } else { 0x61 }], vec![0x55; if keyframe { 12_000 } else { 3500 }]].concat();
            let units: &[&[u8]] = if keyframe { &[&[0x67, 1], &[0x68, 1], &slice] } else { &[&slice] };
            let data: Vec<u8> = units.iter().flat_map(|unit| nal::START_CODE.iter().chain(*unit)).copied().collect();
            for payload in packetize(&data, MAX_PAYLOAD) {
                let timestamp = (self.frame * 3000).wrapping_sub(90_000);
                let packet = Packet { sequence: self.sequence, timestamp, marker: payload.marker, payload: payload.data };
                self.history.push(self.sequence, packet.payload.len(), packet.clone(), self.now);
                self.sequence = self.sequence.wrapping_add(1);
                self.transmit(packet);
            }
            self.frame += 1;
        }

        fn answer(&mut self, request: Output) {
            match request {
                Output::Nack(sequences) => {
                    for sequence in sequences {
                        if let Ok(packet) = self.history.repair(sequence, self.one_way * 2, self.now) {
                            self.transmit(packet);
                        }
                    }
                }
                _ => self.keyframe_wanted = true,
            }
        }

        fn receive(&mut self) -> Option<Instant> {
            loop {
                match self.video.poll(self.now) {
                    Output::Frame(frame) => {
                        let index = frame.timestamp.wrapping_add(90_000) / 3000;
                        let captured = self.start + index * 100 * MS / 3;
                        self.shown.push((index, frame.keyframe, frame.render_at - captured));
                    }
                    Output::Wait(at) => return at,
                    request => {
                        self.sent += 1;
                        if !self.lost() {
                            self.requests.insert((self.now + self.one_way, self.sent), request);
                        }
                    }
                }
            }
        }

        fn run(&mut self, seconds: u32) -> &mut Self {
            let end = self.now + seconds * 1000 * MS;
            while self.now < end {
                let mut next = self.start + self.frame * 100 * MS / 3;
                if next <= self.now {
                    self.send_frame();
                    continue;
                }
                if let Some(wake) = self.receive() {
                    next = next.min(wake.max(self.now + MS / 10));
                }
                next = next.min(self.arrivals.first_key_value().map_or(next, |(key, _)| key.0));
                self.now = next.min(self.requests.first_key_value().map_or(next, |(key, _)| key.0));
                while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= self.now) {
                    let packet = entry.remove();
                    self.video.on_packet(packet, self.now);
                }
                while let Some(entry) = self.requests.first_entry().filter(|entry| entry.key().0 <= self.now) {
                    let request = entry.remove();
                    self.answer(request);
                }
            }
            self
        }

        /// How late after capture frames are shown: the share of `percent`.
        fn delay(&self, percent: usize) -> Duration {
            let mut delays: Vec<_> = self.shown.iter().map(|shown| shown.2).collect();
            delays.sort();
            delays[(delays.len() - 1) * percent / 100]
        }
    }

    #[test]
    fn a_clean_path_shows_every_frame_at_once() {
        let mut call = Call::new(20 * MS, 0.0);
        call.run(20);
        assert!(call.shown.len() >= 599, "{}", call.shown.len());
        assert!(call.delay(95) <= 30 * MS, "{:?}", call.delay(95));
        let stats = call.video.stats();
        assert_eq!((stats.nacks, stats.keyframe_requests, stats.duplicates), (0, 0, 0));
    }

    #[test]
    fn a_tenth_lost_is_repaired_without_a_keyframe_or_waste() {
        let mut call = Call::new(25 * MS, 0.1);
        call.run(60);
        let stats = call.video.stats();
        assert!(call.shown.len() >= 1785, "{} frames, {stats:?}", call.shown.len());
        assert!(stats.keyframe_requests <= 3, "{stats:?}");
        assert!(stats.nacks as f64 <= stats.lost as f64 * 1.5, "{stats:?}");
        assert!(stats.duplicates * 20 <= stats.lost, "{stats:?}");
        assert!(call.delay(50) <= 120 * MS && call.delay(95) <= 200 * MS, "{:?} {:?}", call.delay(50), call.delay(95));
    }

    #[test]
    fn three_tenths_lost_still_shows_most_frames() {
        let mut call = Call::new(25 * MS, 0.3);
        call.run(60);
        let stats = call.video.stats();
        assert!(call.shown.len() >= 1700, "{} frames, {stats:?}", call.shown.len());
        assert!(call.delay(95) <= 500 * MS, "{:?}", call.delay(95));
    }

    #[test]
    fn a_hole_that_nobody_fills_brings_a_keyframe_within_a_quarter_second() {
        let mut call = Call::new(20 * MS, 0.0);
        for _ in 0..10 {
            call.video.set_rtt(40 * MS);
            call.run(1);
        }
        call.loss = 1.0;
        call.send_frame();
        call.loss = 0.0;
        call.history = History::new(history::Config::default());
        let lost = call.frame - 1;
        let before = call.shown.len();
        call.run(1);
        let (keyframe, is_keyframe, _) = call.shown[before];
        assert!(is_keyframe && keyframe - lost <= 8, "frame {lost} lost, next keyframe {keyframe}");
        let stats = call.video.stats();
        assert!(stats.keyframe_requests == 1 && stats.nacks <= 4 * 3, "{stats:?}");
    }

    #[test]
    fn what_a_keyframe_makes_useless_is_not_asked_for() {
        let mut call = Call::new(20 * MS, 0.0);
        call.run(5);
        call.video.require_keyframe(call.now);
        call.loss = 0.5;
        // Less than a round trip: no keyframe can have been sent.
        let asked = call.video.stats().nacks;
        let end = call.now + 30 * MS;
        while call.now < end {
            call.send_frame();
            call.now += 8 * MS;
            while let Some(entry) = call.arrivals.first_entry().filter(|entry| entry.key().0 <= call.now) {
                let packet = entry.remove();
                call.video.on_packet(packet, call.now);
            }
            call.receive();
        }
        assert_eq!(call.video.stats().nacks, asked);
    }

    #[test]
    fn after_an_outage_a_keyframe_brings_the_picture_back() {
        let mut call = Call::new(25 * MS, 0.0);
        call.run(5);
        call.loss = 1.0;
        call.run(3);
        call.loss = 0.0;
        let before = call.shown.len();
        call.run(1);
        assert!(call.shown.len() >= before + 20, "{} {:?}", call.shown.len() - before, call.video.stats());
        call.run(3);
        assert!(call.shown.last().unwrap().2 <= 60 * MS, "{:?}", call.shown.last());
    }

    #[test]
    fn a_failed_decoder_gets_a_keyframe_and_nothing_before_it() {
        let mut call = Call::new(20 * MS, 0.0);
        call.run(5);
        call.video.require_keyframe(call.now);
        let before = call.shown.len();
        call.run(1);
        assert!(call.shown[before].1, "a keyframe comes first");
        assert_eq!(call.video.stats().keyframe_requests, 1);
    }

    #[test]
    fn capture_time_is_told_once_a_report_has_come() {
        let mut call = Call::new(20 * MS, 0.0);
        call.run(1);
        let wall = SystemTime::now();
        call.video.on_sender_report(crate::send::report::ntp(wall), (call.frame * 3000).wrapping_sub(90_000), call.now, wall);
        call.send_frame();
        let due = call.now + 25 * MS;
        call.arrivals.values().for_each(|packet| call.video.on_packet(packet.clone(), due));
        let captured = std::iter::from_fn(|| match call.video.poll(due) {
            Output::Frame(frame) => Some(frame.captured),
            _ => None,
        });
        let captured = captured.last().unwrap().unwrap();
        assert!(captured.saturating_duration_since(call.now) < MS && call.now.saturating_duration_since(captured) < MS);
    }
}
