//! Congestion control: transport-wide feedback in, target bitrate, pacing rate and probes out.
//!
//! The target grows while the path shows no queue: fast until the path first showed its limit, then slowly, and fast again up to
//! what a probe found room for ([`probe`]). A growing queue cuts it to a little below what arrives, a standing queue lowers what is
//! given out until it has drained, and overdue feedback what leaves ([`flight`]). Loss alone cuts the rate only if that helps
//! ([`loss`]). Without feedback the target falls. Beside downloads that keep a queue full, delay says nothing, and the call keeps to
//! what TCP would send ([`contention`], [`friendly`]).
//!
//! Invariant: the target is always within the configured bounds, and never grows beyond one and a half times what arrives unless a
//! probe found more, so that a sender that sends little does not claim what it has not tried.
//!
//! Sources: draft-ietf-rmcat-gcc-02, libwebrtc's GoogCC (trendline, AIMD, inherent loss, probes), RFC 5348, RFC 8298.

mod acked;
mod burst;
mod contention;
mod coverage;
mod demand;
mod flight;
mod friendly;
mod growth;
mod least;
mod loss;
mod probe;
mod silence;
pub mod simulation;
mod train;
mod trend;

use std::time::{Duration, Instant};

use self::acked::Acked;
use self::burst::Burst;
use self::contention::Contention;
use self::coverage::Coverage;
use self::demand::Demand;
use self::flight::Flight;
use self::friendly::Floor;
use self::growth::{Place, growth};
use self::loss::{Loss, Verdict};
use self::probe::{Finding, Probes};
use self::silence::Silence;
use self::train::Trains;
use self::trend::{Trend, Usage};
use super::budget::Budget;
use super::pace::{Probe, Probed};

/// Windows of the arriving rate: for growth, and for a cut while a queue serves at the bottleneck's pace, the shorter the surer.
const LONG: Duration = Duration::from_millis(500);
const SHORT: Duration = Duration::from_millis(200);
const BRIEF: Duration = Duration::from_millis(100);

/// A cut goes to this share of what arrives; of a sender that sends little, it takes no more than this share off. On a narrow path, in
/// bits a second, what is given up is seen, and a smaller step does.
const BETA: f64 = 0.85;
const NARROW_BETA: f64 = 0.89;
const NARROW: f64 = 350_000.0;
/// What serves less than this share of the target needs no second thought.
const FAR_BELOW: f64 = 0.6;
/// How long a cut takes to show, on top of the round trip: feedback interval and encoder.
const CUT_INTERVAL: Duration = Duration::from_millis(200);
const CAREFUL_INTERVAL: Duration = Duration::from_millis(60);

/// Queues in ms: below the first the path is calm, below the second idle enough for fast growth, above the third nothing grows, the
/// fourth is overuse by itself, the fifth lowers what is given out, the sixth does where the queue may be others'.
const QUEUE_REAL: f64 = 8.0;
const QUEUE_IDLE: f64 = 12.0;
const QUEUE_HOLD: f64 = 30.0;
const QUEUE_OVERUSE: f64 = 80.0;
const QUEUE_DRAIN: f64 = 20.0;
const QUEUE_SHARED: f64 = 50.0;
/// This share of a path's noise may stand in it as if it were a queue: the least of some delays is not the least of all.
const NOISE_STANDS: f64 = 0.25;
/// For this long after the start, what holds is overuse.
const CAREFUL: Duration = Duration::from_secs(2);
/// What each ms of a standing queue takes off what is given out, as a share, and what is left at least.
const DRAIN: f64 = 0.002;
const DRAIN_MIN: f64 = 0.4;

/// The share of the target that may leave while what is under way does not arrive in time. Pictures are left out then, of whatever size
/// they are: a short time is no reason for smaller ones.
const HELD: f64 = 0.05;

/// How fast the target moves to what TCP would send, as a share of it a second.
const COMPETE: f64 = 0.25;

/// The same up to what TCP would send on a path that others may have filled before.
const RISE: f64 = 1.0;

/// The target's bound above what arrives.
const HEADROOM: f64 = 1.5;
const HEADROOM_BPS: f64 = 30_000.0;

/// The share of what a probe measured that the target grows to.
const TRUSTED: f64 = 0.85;
/// A claim that traffic does not prove is at most this many times the target.
const UNPROVEN: f64 = 1.5;
/// For so long after a cut, a claim is at most what the path served then: a shaper's bucket that has filled up meanwhile makes others.
const SERVED_HOLDS: Duration = Duration::from_secs(5);
/// More loss than this makes probes dear: each lost packet of padding is asked for again.
const PROBE_LOSS: f64 = 0.05;

/// Receiver reports count if there was no transport-wide feedback for this long.
const FEEDBACK_TIMEOUT: Duration = Duration::from_secs(2);
const RTT_GUESS: Duration = Duration::from_millis(100);

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
    probes: Probes,
    demand: Demand,
    contention: Contention,
    floor: Floor,
    /// Whether others may have filled the path before.
    shared: bool,
    /// What is given out of the target beside others.
    share: f64,
    rtt: Option<Duration>,
    began: Instant,
    updated_at: Instant,
    feedback_at: Option<Instant>,
    cut_at: Option<Instant>,
    /// What the path served at the last cut for a queue, in bits a second, and when that was.
    served: Option<(f64, Instant)>,
    /// What the path served when it last showed its limit, in bits a second.
    limit: f64,
    /// When the path last showed its limit: by a queue, by loss or at first by a probe.
    limit_at: Option<Instant>,
    /// What the last cut for loss may take back.
    before_loss: Option<Before>,
    silence: Silence,
    flight: Flight,
    coverage: Coverage,
    /// What is under way has been so for too long.
    held: bool,
    /// What a probe found room for, in bits a second; zero if there is nothing to catch up with.
    room: f64,
    burst: Burst,
}

#[derive(Debug, Clone, Copy)]
struct Before {
    target: f64,
    burst: Burst,
    limit_at: Option<Instant>,
}

impl Rate {
    pub fn new(config: Config, now: Instant) -> Self {
        let start = f64::from(config.start_bps);
        let mut rate = Self {
            config,
            target: 0.0,
            acked: Acked::default(),
            trend: Trend::new(),
            loss: Loss::default(),
            trains: Trains::default(),
            probes: Probes::new(start),
            demand: Demand::default(),
            contention: Contention::default(),
            floor: Floor::default(),
            shared: false,
            share: 1.0,
            rtt: None,
            began: now,
            updated_at: now,
            feedback_at: None,
            cut_at: None,
            served: None,
            limit: f64::INFINITY,
            limit_at: None,
            before_loss: None,
            silence: Silence::default(),
            flight: Flight::default(),
            coverage: Coverage::default(),
            held: false,
            room: 0.0,
            burst: Burst::new(),
        };
        rate.set_target(start);
        rate
    }

    /// The start on another path, from what this one carried before it fell silent.
    pub fn on_new_path(&self, now: Instant) -> Self {
        let start_bps = self.silence.before().unwrap_or(self.target) as u32;
        let mut rate = Self::new(Config { start_bps: start_bps.max(self.config.min_bps), ..self.config }, now);
        // The start that the configuration names is a guess about a path that nobody knows.
        rate.config.start_bps = self.config.start_bps;
        rate
    }

    /// A packet left, of `size` bytes.
    pub fn on_sent(&mut self, size: usize, now: Instant) {
        self.demand.add(size, now);
        self.silence.on_sent(now);
        self.flight.on_sent(now);
        self.coverage.on_sent(now);
    }

    /// The pacer has sent a probe of [`take_probe`](Self::take_probe).
    pub fn on_probed(&mut self, probed: Probed) {
        self.probes.on_probed(probed);
    }

    /// A burst to send now, for the pacer.
    pub fn take_probe(&mut self, now: Instant) -> Option<Probe> {
        let max = f64::from(self.config.max_bps);
        let idle = self.demand.is_low(self.target, now);
        self.probes.take(self.target, max, self.calm_since(), idle, now)
    }

    /// What time alone does; to be called whenever something may leave.
    pub fn poll(&mut self, now: Instant) {
        let rtt = self.feedback_at.map(|_| self.rtt.unwrap_or(RTT_GUESS));
        if let Some(reduced) = self.silence.poll(self.target, rtt, now) {
            self.room = 0.0;
            self.burst.end();
            self.set_target(reduced);
        }
        // Beside others that keep a queue full, long is usual.
        self.held =
            self.flight.is_long(self.rtt.unwrap_or(RTT_GUESS), self.loss(), now) && self.feedback_at.is_some() && !self.contention.is_on();
    }

    /// One feedback message: every packet it covers, in order of sending.
    pub fn on_feedback(&mut self, samples: &[Sample], now: Instant) {
        self.feedback_at = Some(now);
        if let Some(newest) = samples.last() {
            self.flight.on_told(newest.sent);
        }
        let after_silence = self.answered();
        for sample in samples {
            // What an outage took says nothing of the loss of a path that delivers.
            if sample.arrival.is_some() || !after_silence {
                self.loss.add(sample.arrival.is_none());
            }
            self.probes.add(sample);
            self.coverage.on_told(sample.sent);
            if let Some(capacity) = self.trains.add(sample) {
                self.burst.on_train(capacity);
            }
            let (lost, rtt) = (sample.arrival.is_none(), self.rtt.unwrap_or(RTT_GUESS));
            if self.contention.on_packet(sample.sent, sample.size, lost, rtt) {
                self.set_target(self.arriving(LONG).unwrap_or(0.0).min(self.target) * BETA);
            }
            self.floor.on_packet(sample.sent, sample.size, lost, rtt);
            if let Some(arrival) = sample.arrival {
                self.acked.add(arrival, sample.size);
                self.trend.add(sample.sent, arrival);
                if self.contention.on_queue(sample.sent, self.trend.queue()) {
                    self.begin_contention();
                }
            }
        }
        if let Some(capacity) = self.trains.finish(now) {
            self.burst.on_train(capacity);
        }
        if let Some(finding) = self.probes.finding(f64::from(self.config.max_bps)) {
            self.on_finding(finding, now);
        }
        self.contention.on_standing(self.trend.standing_queue(), now);
        self.trend.keep_base(self.contention.is_on());
        if self.contention.is_on() {
            self.compete(now);
        } else {
            self.on_delay(now);
        }
        let congested = self.trend.standing_queue() > QUEUE_HOLD;
        let verdict = self.loss.judge(congested, now);
        self.on_loss_verdict(verdict, now);
        self.keep_floor(now);
        if !self.is_careful(now) {
            self.burst.on_settled();
        }
        self.updated_at = now;
    }

    /// So many packets that feedback did not have have come after all: others overtook them.
    pub fn on_overtaken(&mut self, count: u32) {
        self.loss.take_back(count);
    }

    /// A measured round-trip time.
    pub fn on_rtt(&mut self, rtt: Duration, now: Instant) {
        self.flight.on_rtt(rtt, now);
        self.rtt = Some(self.rtt.map_or(rtt, |smoothed| smoothed * 3 / 4 + rtt / 4));
    }

    /// A receiver report's loss (0 to 1); counts only while there is no transport-wide feedback (gcc-02 §6).
    pub fn on_loss(&mut self, fraction: f64, now: Instant) {
        if self.feedback_at.is_some_and(|at| now.saturating_duration_since(at) < FEEDBACK_TIMEOUT) {
            return;
        }
        self.answered();
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
        if self.contention.is_on() {
            return self.bounded(self.target * self.share) as u32;
        }
        let patience = if self.shared { QUEUE_SHARED } else { QUEUE_DRAIN };
        let drain = 1.0 - (self.trend.brief_queue() - patience).max(0.0) * DRAIN;
        self.bounded(self.target * drain.max(DRAIN_MIN)) as u32
    }

    /// What is left for the video encoder once sound (`audio_bps`) and repairs are taken off, at least the minimum; `fec` is the share
    /// of the packets that forward error correction adds, 0 to 1 ([`Budget`]).
    pub fn video_target(&self, audio_bps: u32, fec: f64) -> u32 {
        self.bounded(f64::from(Budget::new(self.target(), audio_bps, self.loss(), fec).pictures)) as u32
    }

    /// The rate for the pacer, which waits rather than the network where something waits already.
    pub fn pacing(&self) -> u32 {
        if self.held {
            return self.bounded(self.target * HELD) as u32;
        }
        if self.trend.brief_queue() > QUEUE_HOLD && !self.contention.is_on() {
            return self.target();
        }
        self.burst.pacing(self.target, self.probes.starting()) as u32
    }

    /// Smoothed loss of the path, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.loss.smoothed()
    }

    /// Whether a queue of ours stands in the path: loss is its overflow then.
    pub fn congested(&self) -> bool {
        self.trend.standing_queue() > QUEUE_HOLD && !self.contention.is_on()
    }

    /// Whether others keep the queue full: it overflows now and then, whatever is lost on average.
    pub fn is_contended(&self) -> bool {
        self.contention.is_on()
    }

    /// The smoothed round-trip time, once known.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// The other end is heard; whether after a silence. Then the target goes back to near what it was.
    fn answered(&mut self) -> bool {
        let before = self.silence.on_answer();
        self.room = self.room.max(before.unwrap_or(0.0) * BETA);
        before.is_some()
    }

    /// Since when nothing speaks against a probe; `None` if something does.
    fn calm_since(&self) -> Option<Instant> {
        let calm = self.feedback_at.is_some()
            && !self.silence.is_on()
            && self.trend.standing_queue() < QUEUE_REAL
            && self.trend.usage() != Usage::Over
            && self.target >= self.room
            && self.loss() < PROBE_LOSS
            && !self.loss.testing();
        calm.then_some(self.limit_at.unwrap_or(self.began))
    }

    fn on_finding(&mut self, finding: Finding, now: Instant) {
        match finding {
            Finding::Clear(bps) => {
                self.burst.on_clear(bps, self.probes.starting());
                self.catch_up(bps * TRUSTED, now);
            }
            Finding::Limited(bps) => {
                self.burst.on_limit(bps);
                self.limit = bps;
                // A burst says more than the guess that the start is.
                if self.limit_at.is_none() && bps * TRUSTED < self.target {
                    self.set_target(bps * TRUSTED);
                }
                self.limit_at.get_or_insert(now);
                self.catch_up(bps * TRUSTED, now);
            }
            Finding::Slowed => {
                self.limit_at.get_or_insert(now);
                self.probes.on_result(false, now);
            }
        }
    }

    fn catch_up(&mut self, bps: f64, now: Instant) {
        // Where little is sent, what follows will not prove the claim: a shaper's bucket may have made it.
        let most = if self.demand.is_low(self.target, now) { self.target * UNPROVEN } else { f64::INFINITY };
        let served = self.served.filter(|(_, at)| now.saturating_duration_since(*at) < SERVED_HOLDS);
        let bps = bps.min(most).min(served.map_or(f64::INFINITY, |(bps, _)| bps));
        let more = bps > self.target * 1.1 && self.trend.brief_queue() < QUEUE_HOLD;
        if more {
            self.room = bps;
        }
        self.probes.on_result(more, now);
    }

    /// Others fill the queue: what was cut in vain is taken back, as far as two may share the path.
    fn begin_contention(&mut self) {
        self.room = 0.0;
        let start = f64::from(self.config.start_bps);
        self.set_target(self.target.max(self.contention.half()).max(start));
        self.contention.begin_at(self.target, self.rtt.unwrap_or(RTT_GUESS));
    }

    /// Beside others that fill the queue, loss is what says how much to send.
    fn compete(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.updated_at).as_secs_f64().min(0.2);
        let step = (COMPETE * elapsed).exp();
        let fair = self.contention.fair(self.rtt.unwrap_or(RTT_GUESS));
        let tried = self.arriving(LONG).unwrap_or(self.target) * HEADROOM + HEADROOM_BPS;
        let most = (self.target * step).min(tried.max(self.target));
        self.set_target(fair.clamp(self.target / step, most));
        self.share = self.contention.share(now);
    }

    fn on_delay(&mut self, now: Instant) {
        let (queue, standing) = (self.trend.queue(), self.trend.standing_queue());
        let brief = self.trend.brief_queue();
        let there = standing > QUEUE_REAL / 2.0 + self.trend.noise() * NOISE_STANDS || brief > QUEUE_HOLD;
        let growing = self.trend.usage() == Usage::Over && queue > QUEUE_REAL && there;
        // At first any queue may be the first sign of the path's limit.
        if growing || brief > if self.is_careful(now) { QUEUE_HOLD } else { QUEUE_OVERUSE } {
            self.cut(now);
        } else if self.trend.usage() != Usage::Over && standing < QUEUE_HOLD && !self.loss.testing() {
            self.grow(now);
        }
    }

    /// A queue grows, so what arrives is what the bottleneck serves.
    fn cut(&mut self, now: Instant) {
        let long = self.arriving(LONG);
        let short = self.arriving(SHORT).filter(|_| self.trend.standing_queue() > QUEUE_HOLD);
        let brief = self.acked.pace(BRIEF).filter(|_| self.trend.brief_queue() > QUEUE_HOLD);
        let served = [long, short, brief].into_iter().flatten().reduce(f64::min).unwrap_or(self.target);
        if !self.may_cut(served, now) {
            return;
        }
        let beta = if served < NARROW { NARROW_BETA } else { BETA };
        let low = self.demand.is_low(self.target, now);
        let reduced = if low { (served * beta).max(self.target * beta) } else { served * beta };
        // What TCP would keep is given up in small steps: they show as well whether the queue is ours.
        let reduced = self.kept(now).map_or(reduced, |kept| reduced.max((self.target * BETA).min(kept)));
        let reduced = self.contention.on_cut(self.target, reduced, !low && self.is_limited(), now);
        self.cut_at = Some(now);
        self.limit = served;
        if served < self.target * FAR_BELOW {
            self.served = Some((served, now));
        }
        self.limit_at = Some(now);
        self.room = 0.0;
        self.probes.on_cut();
        self.burst.on_cut(served);
        self.set_target(self.target.min(reduced));
    }

    /// Whether the path has shown its limit, on its own as far as can be seen, and the target is that.
    fn is_limited(&self) -> bool {
        let alone = self.flight.least().is_some_and(|least| least < friendly::LONG);
        alone && self.limit < self.target * HEADROOM
    }

    /// What arrives, as far as feedback tells, and as much of what it does not tell of.
    fn arriving(&self, window: Duration) -> Option<f64> {
        self.acked.rate(window).map(|told| told / self.coverage.share())
    }

    fn is_careful(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) < CAREFUL
    }

    /// The last cut has shown what it did, or was too small by far.
    fn may_cut(&self, served: f64, now: Instant) -> bool {
        let interval = if self.is_careful(now) { CAREFUL_INTERVAL } else { CUT_INTERVAL } + self.rtt.unwrap_or_default().min(CUT_INTERVAL);
        served < self.target * FAR_BELOW || self.cut_at.is_none_or(|at| now.saturating_duration_since(at) >= interval)
    }

    fn grow(&mut self, now: Instant) {
        let Some(acked) = self.arriving(LONG).or(self.arriving(SHORT)) else { return };
        let limit = ((acked / (1.0 - self.loss.inherent().min(0.5))) * HEADROOM + HEADROOM_BPS).max(self.room);
        if self.target >= limit {
            return;
        }
        let elapsed = now.saturating_duration_since(self.updated_at).as_secs_f64().min(0.2);
        let idle = self.trend.brief_queue() < QUEUE_IDLE;
        let place = Place { target: self.target, room: self.room, limit_at: self.limit_at, idle };
        self.set_target((self.target * (growth(place, now) * elapsed).exp()).min(limit));
        if self.target >= self.room {
            self.room = 0.0;
        }
    }

    /// What others may have filled before is not yielded to without end.
    fn keep_floor(&mut self, now: Instant) {
        let kept = self.kept(now);
        self.shared = kept.is_some();
        let Some(floor) = kept else { return };
        if self.target < floor && !self.contention.is_on() {
            let elapsed = now.saturating_duration_since(self.updated_at).as_secs_f64().min(0.2);
            self.set_target(floor.min(self.target * (RISE * elapsed).exp()));
        }
    }

    /// What is kept for that reason, in bits a second.
    fn kept(&self, now: Instant) -> Option<f64> {
        if self.trend.standing_queue() > QUEUE_HOLD || self.trend.brief_queue() > QUEUE_OVERUSE {
            return None;
        }
        self.floor.bps(self.rtt.unwrap_or(RTT_GUESS), self.contention.answers(now), now)
    }

    fn on_loss_verdict(&mut self, verdict: Verdict, now: Instant) {
        let reduced = match verdict {
            Verdict::Keep => return,
            Verdict::Restore => {
                if let Some(before) = self.before_loss.take() {
                    (self.burst, self.limit_at) = (before.burst, before.limit_at);
                    self.set_target(self.target.max(before.target));
                }
                return;
            }
            Verdict::Cut(factor) => self.target * factor,
            Verdict::CutToAcked => self.arriving(LONG).unwrap_or(0.0).clamp(self.target * 0.5, self.target),
        };
        self.before_loss = Some(Before { target: self.target, burst: self.burst, limit_at: self.limit_at });
        self.cut_at = Some(now);
        self.limit_at = Some(now);
        // A shallow buffer loses what comes in bursts, at any rate.
        self.burst.end();
        self.set_target(reduced);
    }

    fn set_target(&mut self, bps: f64) {
        self.target = self.bounded(bps);
    }

    fn bounded(&self, bps: f64) -> f64 {
        bps.clamp(f64::from(self.config.min_bps.min(self.config.max_bps)), f64::from(self.config.max_bps))
    }
}
