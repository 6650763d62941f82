//! One direction of a call: an encoder that follows the target, sound, the pacer and the controller, and the receiver's feedback.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::{Config, Rate, Sample};
use super::network::Network;
use super::random::Random;
use crate::send::pace::{self, Pacer, Poll};

const MS: Duration = Duration::from_millis(1);
const PACKET: usize = 1_250;
/// An Opus packet each 20 ms, overhead included.
const SOUND: usize = 160;
const SOUND_BPS: u32 = 64_000;
const PADDING: usize = 280;
/// The receiver's clock is not the sender's.
const RECEIVER_AHEAD: Duration = Duration::from_secs(1000);
const FEEDBACK_INTERVAL: u32 = 50;
/// A keyframe is as large as so many other pictures.
const KEYFRAME: f64 = 3.0;
/// An encoder adds no picture while those before wait this long.
const FULL: Duration = Duration::from_millis(100);

/// A packet in the pacer.
#[derive(Debug, Clone, Copy)]
struct Packet {
    size: usize,
    /// When sound was captured.
    sound: Option<Instant>,
}

/// What the receiver says, and when the sender hears it.
#[derive(Debug)]
struct Feedback {
    at: Instant,
    samples: Vec<Sample>,
    overtaken: u32,
}

/// What happened in a millisecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tick {
    /// Bits a second.
    pub target: u32,
    /// Bytes.
    pub sent: usize,
    pub delivered: usize,
    pub padding: usize,
    /// How much later than without any queue the newest packet of sound arrived, pacer included.
    pub sound_late: Option<Duration>,
    /// How long a picture that came now would wait for those before it.
    pub waiting: Duration,
}

#[derive(Debug)]
pub struct Call {
    pub rate: Rate,
    /// The most the encoder makes, in bits a second.
    pub encoder_max: u32,
    /// The share of the target taken off for forward error correction, which is then sent too.
    pub fec: f64,
    /// Whether the receiver's feedback comes through.
    pub feedback_lost: bool,
    /// Whether there is sound too.
    pub sounds: bool,
    /// It sends no more.
    pub ended: bool,
    /// Bytes.
    pub sent: u64,
    /// By milliseconds since the world began.
    pub log: Vec<Tick>,
    joins_at: u32,
    pacer: Pacer<Packet>,
    keyframe: bool,
    in_flight: VecDeque<Sample>,
    feedback: VecDeque<Feedback>,
    /// When packets arrive that others overtook, on the receiver's clock.
    overtaken: Vec<Duration>,
    start: Instant,
    random: Random,
}

impl Call {
    /// A call that begins so many milliseconds after `start`, when the world does.
    pub fn new(config: Config, joins_at: u32, random: Random, start: Instant) -> Self {
        let begins = start + joins_at * MS;
        let rate = Rate::new(config, begins);
        Self {
            pacer: Pacer::new(pace::Config::default(), rate.pacing()),
            rate,
            encoder_max: u32::MAX,
            fec: 0.0,
            feedback_lost: false,
            sounds: true,
            ended: false,
            sent: 0,
            log: Vec::new(),
            joins_at,
            keyframe: true,
            in_flight: VecDeque::new(),
            feedback: VecDeque::new(),
            overtaken: Vec::new(),
            start,
            random,
        }
    }

    /// The millisecond `ms` since the world began.
    pub fn step(&mut self, ms: u32, network: &mut Network) {
        let mut tick = Tick::default();
        if let Some(age) = ms.checked_sub(self.joins_at).filter(|_| !self.ended) {
            let now = self.start + ms * MS;
            if matches!(age % 100, 3 | 36 | 70) {
                self.make_frame(now);
            }
            if self.sounds && age.is_multiple_of(20) {
                self.pacer.push_audio(SOUND, Packet { size: SOUND, sound: Some(now) });
            }
            self.take_feedback(now);
            self.rate.poll(now);
            if let Some(probe) = self.rate.take_probe(now) {
                self.pacer.probe(probe);
            }
            self.pacer.set_rate(self.rate.pacing(), now);
            self.release(now, network, &mut tick);
            if ms.is_multiple_of(FEEDBACK_INTERVAL) {
                self.give_feedback(now, network.answer(now));
            }
            self.sent += tick.sent as u64;
            tick.target = self.rate.target();
            tick.waiting = self.pacer.queued();
        }
        self.log.push(tick);
    }

    fn make_frame(&mut self, now: Instant) {
        if self.pacer.queued() > FULL && !self.keyframe {
            return;
        }
        let bps = self.rate.video_target(if self.sounds { SOUND_BPS } else { 0 }, self.fec).min(self.encoder_max);
        let factor = if std::mem::take(&mut self.keyframe) { KEYFRAME } else { 0.8 + 0.4 * self.random.share() };
        let keyframe = factor > 2.0;
        let bytes = (f64::from(bps) / 8.0 / 30.0 * factor) as usize;
        let sizes = std::iter::repeat_n(PACKET, bytes / PACKET).chain([bytes % PACKET + 40]);
        self.pacer.push_video(sizes.map(|size| (size, Packet { size, sound: None })), keyframe, now);
        let repairs = (bytes as f64 * self.fec / (1.0 - self.fec)) as usize;
        for size in std::iter::repeat_n(PACKET, repairs / PACKET) {
            self.pacer.push_repair(size, Packet { size, sound: None });
        }
        self.keyframe |= self.pacer.take_keyframe_request(now);
    }

    fn release(&mut self, now: Instant, network: &mut Network, tick: &mut Tick) {
        loop {
            let packet = match self.pacer.poll(now) {
                Poll::Send(packet) => packet,
                Poll::Padding => {
                    self.pacer.on_padding(PADDING, now);
                    tick.padding += PADDING;
                    Packet { size: PADDING, sound: None }
                }
                Poll::Wait(_) | Poll::Idle => break,
            };
            self.transmit(packet, now, network, tick);
        }
        if let Some(window) = self.pacer.take_probed() {
            self.rate.on_probed(window);
        }
    }

    fn transmit(&mut self, Packet { size, sound }: Packet, now: Instant, network: &mut Network, tick: &mut Tick) {
        let arrival = network.send(size, now);
        tick.sent += size;
        tick.delivered += if arrival.is_some() { size } else { 0 };
        if let (Some(captured), Some(arrival)) = (sound, arrival) {
            tick.sound_late = Some(arrival.duration_since(captured).saturating_sub(network.link().one_way));
        }
        self.rate.on_sent(size, now);
        let arrival = arrival.map(|arrival| arrival - self.start + RECEIVER_AHEAD);
        self.in_flight.push_back(Sample { sent: now, arrival, size });
    }

    /// What is lost of feedback is not told later.
    fn give_feedback(&mut self, now: Instant, heard: Option<Instant>) {
        let due = now - self.start + RECEIVER_AHEAD;
        let newest = self.in_flight.iter().rposition(|sample| sample.arrival.is_some_and(|arrival| arrival <= due));
        let Some(newest) = newest else { return };
        let mut samples: Vec<_> = self.in_flight.drain(..=newest).collect();
        let before = self.overtaken.len();
        self.overtaken.retain(|arrival| *arrival > due);
        let overtaken = (before - self.overtaken.len()) as u32;
        self.overtaken.extend(samples.iter().filter_map(|sample| sample.arrival).filter(|arrival| *arrival > due));
        samples.iter_mut().for_each(|sample| sample.arrival = sample.arrival.filter(|arrival| *arrival <= due));
        if let Some(at) = heard.filter(|_| !self.feedback_lost) {
            self.feedback.push_back(Feedback { at, samples, overtaken });
        }
    }

    fn take_feedback(&mut self, now: Instant) {
        while self.feedback.front().is_some_and(|feedback| feedback.at <= now) {
            let Some(Feedback { samples, overtaken, .. }) = self.feedback.pop_front() else { return };
            self.rate.on_overtaken(overtaken);
            if let Some(last) = samples.last() {
                self.rate.on_rtt(now - last.sent, now);
            }
            self.rate.on_feedback(&samples, now);
        }
    }
}
