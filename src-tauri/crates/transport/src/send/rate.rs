//! Congestion control: transport-wide feedback in, target bitrate and pacing rate out.
//!
//! The target grows while the path shows no queue: fast until the path first showed its limit, then slowly near it and faster
//! the longer nothing happens. A growing queue cuts it to a little below what arrives, a standing queue lowers what is given out
//! until it has drained. Trains of packets (keyframes) measure the bottleneck and let the target leap. Loss alone cuts the rate
//! only if that helps ([`loss`]).
//!
//! Invariant: the target is always within the configured bounds, and never grows beyond one and a half times what arrives, so
//! that a sender that sends little does not claim what it has not tried.
//!
//! Sources: draft-ietf-rmcat-gcc-02, libwebrtc's GoogCC (trendline, AIMD, inherent loss), RFC 8298.

mod acked;
mod loss;
mod train;
mod trend;

#[cfg(test)]
mod simulation;

use std::time::{Duration, Instant};

use self::acked::Acked;
use self::loss::{Loss, Verdict};
use self::train::{Capacity, Trains};
use self::trend::{Trend, Usage};

/// Windows of the arriving rate: for growth, and for a cut while a queue serves at the bottleneck's pace.
const LONG: Duration = Duration::from_millis(500);
const SHORT: Duration = Duration::from_millis(200);

/// A cut goes to this share of what arrives.
const BETA: f64 = 0.85;
/// How long a cut takes to show, on top of the round trip: feedback interval and encoder.
const CUT_INTERVAL: Duration = Duration::from_millis(200);

/// Queues in ms: below the first the path is idle, above the second nothing grows, the third standing is overuse by itself, the
/// fourth standing lowers what is given out.
const QUEUE_REAL: f64 = 8.0;
const QUEUE_HOLD: f64 = 30.0;
const QUEUE_OVERUSE: f64 = 80.0;
const QUEUE_DRAIN: f64 = 50.0;

/// Growth a second: until the first cut (a doubling in 0.6 s), and after it.
const GROWTH_START: f64 = 1.15;
const GROWTH_NEAR: f64 = 0.04;
const GROWTH_MAX: f64 = 0.7;
/// Growth stays slow for this long after a cut, then doubles in each of the second.
const PATIENCE: Duration = Duration::from_secs(4);
const GROWTH_DOUBLES: f64 = 1.5;

/// The target's bound above what arrives.
const HEADROOM: f64 = 1.5;
const HEADROOM_BPS: f64 = 30_000.0;

/// A leap goes to this share of what a train measured, and at most this far.
const LEAP: f64 = 0.75;
const MAX_LEAP: f64 = 3.0;

/// Pacing: before anything is measured, as a factor of the target, and at most.
const PACING_START: f64 = 8e6;
const PACING_FACTOR: f64 = 2.5;
const PACING_MIN_FACTOR: f64 = 1.3;
const PACING_MAX: f64 = 20e6;

/// Receiver reports count if there was no transport-wide feedback for this long.
const FEEDBACK_TIMEOUT: Duration = Duration::from_secs(2);

/// The bounds of the target, in bits a second.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub start_bps: u32,
    pub min_bps: u32,
    pub max_bps: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { start_bps: 300_000, min_bps: 30_000, max_bps: 2_500_000 }
    }
}

/// What feedback says about one packet.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub sent: Instant,
    /// On the receiver's clock, from any fixed origin; `None` if the receiver did not get it.
    pub arrival: Option<Duration>,
    /// In bytes.
    pub size: usize,
}

/// One connection's congestion controller.
#[derive(Debug)]
pub struct Rate {
    config: Config,
    target: f64,
    acked: Acked,
    trend: Trend,
    loss: Loss,
    trains: Trains,
    rtt: Option<Duration>,
    updated_at: Instant,
    feedback_at: Option<Instant>,
    cut_at: Option<Instant>,
    /// What the last cut for loss may take back.
    before_loss: Option<Before>,
    /// The rate at which frames may leave, by the trains.
    burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Before {
    target: f64,
    burst: f64,
    cut_at: Option<Instant>,
}

impl Rate {
    pub fn new(config: Config, now: Instant) -> Self {
        let mut rate = Self {
            config,
            target: 0.0,
            acked: Acked::default(),
            trend: Trend::new(),
            loss: Loss::default(),
            trains: Trains::default(),
            rtt: None,
            updated_at: now,
            feedback_at: None,
            cut_at: None,
            before_loss: None,
            burst: PACING_START,
        };
        rate.set_target(f64::from(config.start_bps));
        rate
    }

    /// One feedback message: every packet it covers, in order of sending.
    pub fn on_feedback(&mut self, samples: &[Sample], now: Instant) {
        self.feedback_at = Some(now);
        for sample in samples {
            self.loss.add(sample.arrival.is_none());
            if let Some(capacity) = self.trains.add(sample) {
                self.on_train(capacity);
            }
            if let Some(arrival) = sample.arrival {
                self.acked.add(arrival, sample.size);
                self.trend.add(sample.sent, arrival);
            }
        }
        if let Some(capacity) = self.trains.finish(now) {
            self.on_train(capacity);
        }
        self.on_delay(now);
        let congested = self.trend.standing_queue() > QUEUE_HOLD;
        let verdict = self.loss.judge(congested, now);
        self.on_loss_verdict(verdict, now);
        self.updated_at = now;
    }

    /// A measured round-trip time.
    pub fn on_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(rtt, |smoothed| smoothed * 3 / 4 + rtt / 4));
    }

    /// A receiver report's loss (0 to 1); counts only while there is no transport-wide feedback (gcc-02 §6).
    pub fn on_loss(&mut self, fraction: f64, now: Instant) {
        if self.feedback_at.is_some_and(|at| now.saturating_duration_since(at) < FEEDBACK_TIMEOUT) {
            return;
        }
        let fraction = fraction.clamp(0.0, 1.0);
        if fraction > 0.1 {
            self.set_target(self.target * (1.0 - fraction / 2.0));
        } else if fraction < 0.02 {
            self.set_target(self.target * 1.05);
        }
    }

    /// Changes the upper bound.
    pub fn set_max(&mut self, max_bps: u32) {
        self.config.max_bps = max_bps;
        self.set_target(self.target);
    }

    /// Everything the connection may send (sound, pictures, repairs), in bits a second.
    pub fn target(&self) -> u32 {
        let drain = 1.0 - (self.trend.standing_queue() - QUEUE_DRAIN).max(0.0) * 0.002;
        self.bounded(self.target * drain.max(0.5)) as u32
    }

    /// What is left for the video encoder once sound (`audio_bps`) and expected repairs are taken off; at least the minimum.
    pub fn video_target(&self, audio_bps: u32) -> u32 {
        let left = f64::from(self.target()) * (1.0 - self.loss().min(0.4)) - f64::from(audio_bps);
        self.bounded(left) as u32
    }

    /// The rate for the pacer.
    pub fn pacing(&self) -> u32 {
        let least = self.target * PACING_MIN_FACTOR;
        self.burst.clamp(least, PACING_MAX.max(least)) as u32
    }

    /// Smoothed loss of the path, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.loss.smoothed()
    }

    /// The smoothed round-trip time, once known.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    fn on_delay(&mut self, now: Instant) {
        let (queue, standing) = (self.trend.queue(), self.trend.standing_queue());
        let growing = self.trend.usage() == Usage::Over && queue > QUEUE_REAL && standing > QUEUE_REAL / 2.0;
        if (growing || standing > QUEUE_OVERUSE) && self.may_cut(now) {
            self.cut(standing, now);
        } else if self.trend.usage() != Usage::Over && standing < QUEUE_HOLD && !self.loss.testing() {
            self.grow(now);
        }
    }

    fn may_cut(&self, now: Instant) -> bool {
        let interval = CUT_INTERVAL + self.rtt.unwrap_or_default();
        self.cut_at.is_none_or(|at| now.saturating_duration_since(at) >= interval)
    }

    /// A queue grows, so what arrives is what the bottleneck serves.
    fn cut(&mut self, standing: f64, now: Instant) {
        let long = self.acked.rate(LONG);
        let short = self.acked.rate(SHORT).filter(|_| standing > QUEUE_HOLD);
        let served = [long, short].into_iter().flatten().reduce(f64::min).unwrap_or(self.target);
        self.cut_at = Some(now);
        self.burst = self.burst.min(served * PACING_FACTOR);
        self.set_target(self.target.min(served * BETA));
    }

    fn grow(&mut self, now: Instant) {
        let Some(acked) = self.acked.rate(LONG).or(self.acked.rate(SHORT)) else { return };
        let limit = (acked / (1.0 - self.loss.inherent().min(0.5))) * HEADROOM + HEADROOM_BPS;
        if self.target >= limit {
            return;
        }
        let elapsed = now.saturating_duration_since(self.updated_at).as_secs_f64().min(0.2);
        self.set_target((self.target * (self.growth(now) * elapsed).exp()).min(limit));
    }

    fn growth(&self, now: Instant) -> f64 {
        let Some(cut_at) = self.cut_at else { return GROWTH_START };
        let quiet = now.saturating_duration_since(cut_at).saturating_sub(PATIENCE).as_secs_f64();
        (GROWTH_NEAR * (quiet / GROWTH_DOUBLES).exp2()).min(GROWTH_MAX)
    }

    fn on_train(&mut self, capacity: Capacity) {
        if capacity.saturated {
            self.burst = capacity.bps.min(PACING_MAX);
        } else {
            self.burst = self.burst.max(capacity.bps * 1.5).min(PACING_MAX);
        }
        if self.cut_at.is_none() {
            let leap = (capacity.bps * LEAP).min(self.target * MAX_LEAP);
            self.set_target(self.target.max(leap));
        }
    }

    fn on_loss_verdict(&mut self, verdict: Verdict, now: Instant) {
        let reduced = match verdict {
            Verdict::Keep => return,
            Verdict::Restore => {
                if let Some(before) = self.before_loss.take() {
                    (self.burst, self.cut_at) = (before.burst, before.cut_at);
                    self.set_target(self.target.max(before.target));
                }
                return;
            }
            Verdict::Cut(factor) => self.target * factor,
            Verdict::CutToAcked => self.acked.rate(LONG).unwrap_or(0.0).clamp(self.target * 0.5, self.target),
        };
        self.before_loss = Some(Before { target: self.target, burst: self.burst, cut_at: self.cut_at });
        self.cut_at = Some(now);
        // A shallow buffer loses what comes in bursts, at any rate.
        self.burst = 0.0;
        self.set_target(reduced);
    }

    fn set_target(&mut self, bps: f64) {
        self.target = self.bounded(bps);
    }

    fn bounded(&self, bps: f64) -> f64 {
        bps.clamp(f64::from(self.config.min_bps.min(self.config.max_bps)), f64::from(self.config.max_bps))
    }
}
