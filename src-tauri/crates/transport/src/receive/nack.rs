//! Which packets are missing, and when to ask for them (again).
//!
//! A packet is given up once it has missed its playout and so many requests went unanswered that loss explains it no more: on a
//! clean path three, on one that loses three tenths of everything seven. The more is lost, the longer a repair is worth waiting for.
//!
//! Invariants: a packet is asked for until it comes, until it is settled ([`Nack::settle`]) or until tries or time run out,
//! and then never again; what is remembered is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How persistent a [`Nack`] is.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub max_tries: u32,
    /// A packet is not given up sooner than this after it was found missing.
    pub min_age: Duration,
    /// A packet is given up this long after it was found missing, but not before three round trips.
    pub max_age: Duration,
    /// A hole with more packets than this is not repaired.
    pub max_missing: usize,
    /// The same for the hole that an outage leaves: what it holds is too old to be of use.
    pub max_outage: usize,
}

impl Config {
    /// A frame that is late freezes the picture; a keyframe instead costs a round trip and twenty times the bits.
    pub const VIDEO: Self =
        Self { max_tries: 10, min_age: Duration::from_millis(120), max_age: Duration::from_millis(1000), max_missing: 512, max_outage: 30 };
    /// Sound is settled by its playout long before.
    pub const AUDIO: Self =
        Self { max_tries: 4, min_age: Duration::from_millis(400), max_age: Duration::from_millis(400), max_missing: 50, max_outage: 5 };
}

/// A path that delivers nothing for this long while packets are sent is out.
const OUTAGE: Duration = Duration::from_millis(400);

/// The round-trip time before one is measured.
const DEFAULT_RTT: Duration = Duration::from_millis(100);

/// Bounds of the time between two requests for one packet.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
const MAX_INTERVAL: Duration = Duration::from_millis(500);

/// How long a hole may be mere reordering: at first, at least and at most.
const INITIAL_TOLERANCE: Duration = Duration::from_millis(4);
const MIN_TOLERANCE: Duration = Duration::from_millis(1);
const MAX_TOLERANCE: Duration = Duration::from_millis(40);

/// Packets remembered as asked for in vain at most.
const MAX_FORGONE: usize = 64;

/// A packet is hopeless when loss explains that none of its requests was answered no better than this.
const ACCIDENT: f64 = 0.0002;
const MIN_TRIES: f64 = 3.0;
/// Assumed before the first packet: so many lost of so many.
const LOSS_GUESS: (f64, f64) = (1.0, 20.0);

/// Requests due within this time of one another share a message.
const BATCH: Duration = Duration::from_millis(1);

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far, or one that came before it was missed.
    New,
    /// It was missing but not asked for yet.
    Reordered,
    /// It was asked for.
    Repaired,
    /// It was asked for, and settled or given up before it came.
    RepairedTooLate,
    /// It was not expected.
    Late,
}

/// Cumulative counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets missing for longer than reordering explains.
    pub lost: u64,
    /// Of these, came after all.
    pub repaired: u64,
    /// Of these, given up.
    pub abandoned: u64,
    /// Of those given up, came nevertheless.
    pub too_late: u64,
    /// Of the lost, put together from redundancy.
    pub recovered: u64,
    /// Packet numbers asked for, repeats included.
    pub requested: u64,
}

/// One SSRC's missing packets, by extended sequence number.
#[derive(Debug)]
pub struct Nack {
    config: Config,
    highest: Option<u64>,
    /// When the last packet came.
    last: Option<Instant>,
    missing: BTreeMap<u64, Missing>,
    /// Everything below is settled.
    floor: u64,
    abandoned: Option<u64>,
    /// Packets that are no longer asked for but may be on their way.
    forgone: VecDeque<u64>,
    tolerance: Duration,
    round_trip: RoundTrip,
    loss: Loss,
    playout: Duration,
    patience: Duration,
    stats: Stats,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Instant,
    asked_at: Option<Instant>,
    tries: u32,
    due: Instant,
}

impl Nack {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            highest: None,
            last: None,
            missing: BTreeMap::new(),
            floor: 0,
            abandoned: None,
            forgone: VecDeque::new(),
            tolerance: INITIAL_TOLERANCE,
            round_trip: RoundTrip::default(),
            loss: Loss::default(),
            playout: Duration::ZERO,
            patience: Duration::ZERO,
            stats: Stats::default(),
        }
    }

    /// A round-trip time measured elsewhere (ICE); repairs refine it.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.round_trip.on_measured(rtt);
    }

    /// How long after its packets came in time a frame is shown.
    pub fn set_playout(&mut self, delay: Duration) {
        self.playout = delay;
    }

    /// Packets found missing from now on are not asked for before this: redundancy may bring them.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    pub fn on_packet(&mut self, sequence: u64, now: Instant) -> Arrival {
        let outage = self.last.replace(now).is_some_and(|last| now.saturating_duration_since(last) >= OUTAGE);
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return Arrival::New;
        };
        if sequence > highest {
            self.highest = Some(sequence);
            self.loss.add(false);
            self.open_hole(highest + 1, sequence, outage, now);
            return Arrival::New;
        }
        match self.missing.remove(&sequence) {
            None if self.forgone.contains(&sequence) => {
                self.stats.too_late += 1;
                Arrival::RepairedTooLate
            }
            None => Arrival::Late,
            Some(Missing { asked_at: None, since, .. }) => {
                self.widen_tolerance(now.saturating_duration_since(since));
                Arrival::Reordered
            }
            Some(Missing { asked_at: Some(asked), tries, since, .. }) => self.on_repair(asked, tries, since, now),
        }
    }

    /// Everything up to `sequence` was sent, as redundancy tells: what has not come by now is missing.
    pub fn on_told(&mut self, sequence: u64, now: Instant) {
        if let Some(highest) = self.highest.filter(|highest| sequence > *highest) {
            self.highest = Some(sequence);
            self.open_hole(highest + 1, sequence + 1, false, now);
        }
    }

    /// Redundancy has brought a packet that has not come.
    pub fn on_recovered(&mut self, sequence: u64) {
        let Some(Missing { asked_at, .. }) = self.missing.remove(&sequence) else { return };
        self.stats.recovered += 1;
        if asked_at.is_none() {
            self.stats.lost += 1;
            self.loss.add(true);
        }
    }

    /// Nothing below `sequence` matters any more: it was played, or a keyframe made it useless.
    pub fn settle(&mut self, sequence: u64) {
        if sequence > self.floor {
            self.floor = sequence;
            let kept = self.missing.split_off(&sequence);
            for (settled, _) in std::mem::replace(&mut self.missing, kept).into_iter().filter(|(_, missing)| missing.asked_at.is_some()) {
                self.stats.abandoned += 1;
                self.forgo(settled);
            }
        }
    }

    /// The packets to ask for now, at most [`Config::max_missing`].
    pub fn poll(&mut self, now: Instant) -> Vec<u64> {
        self.give_up(now);
        if self.missing.values().all(|missing| missing.due > now) {
            return Vec::new();
        }
        let interval = self.round_trip.interval();
        let mut requests = Vec::new();
        for (&sequence, missing) in &mut self.missing {
            if missing.due > now + BATCH {
                continue;
            }
            if missing.asked_at.is_none() {
                self.stats.lost += 1;
                self.loss.add(true);
            }
            missing.tries += 1;
            missing.asked_at = Some(now);
            missing.due = now + interval;
            requests.push(sequence);
        }
        self.stats.requested += requests.len() as u64;
        requests
    }

    /// When to poll again, if anything is missing.
    pub fn timeout(&self) -> Option<Instant> {
        self.missing.values().map(|missing| missing.due.min(missing.since + self.deadline())).min()
    }

    /// The highest packet given up since the last call.
    pub fn take_abandoned(&mut self) -> Option<u64> {
        self.abandoned.take()
    }

    /// Cumulative counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The measured round-trip time, or the default.
    pub fn rtt(&self) -> Duration {
        self.round_trip.smoothed.unwrap_or(DEFAULT_RTT)
    }

    fn open_hole(&mut self, from: u64, to: u64, outage: bool, now: Instant) {
        let from = from.max(self.floor);
        let size = to.saturating_sub(from);
        if size > (if outage { self.config.max_outage } else { self.config.max_missing }) as u64 {
            while !self.missing.is_empty() {
                self.abandon_first();
            }
            self.stats.lost += size;
            self.stats.abandoned += size;
            self.abandoned = Some(to - 1);
            return;
        }
        let due = now + self.tolerance.max(self.patience);
        self.missing.extend((from..to).map(|sequence| (sequence, Missing { since: now, asked_at: None, tries: 0, due })));
        while self.missing.len() > self.config.max_missing {
            self.abandon_first();
        }
    }

    fn on_repair(&mut self, asked: Instant, tries: u32, since: Instant, now: Instant) -> Arrival {
        self.stats.repaired += 1;
        let answered_in = now.saturating_duration_since(asked);
        // An answer quicker than any round trip was on its way already: the packet was late, not lost.
        if tries == 1 && answered_in < self.rtt() / 2 {
            self.widen_tolerance(now.saturating_duration_since(since));
            return Arrival::Repaired;
        }
        self.tolerance = self.narrower();
        if tries == 1 {
            self.round_trip.on_answer(answered_in);
        }
        Arrival::Repaired
    }

    fn give_up(&mut self, now: Instant) {
        let deadline = self.deadline();
        let hopeless = |missing: &Missing| {
            now.saturating_duration_since(missing.since) >= deadline || (missing.tries >= self.config.max_tries && missing.due <= now)
        };
        // Decoding needs every packet, so giving up one gives up all before it.
        if let Some(last) = self.missing.iter().rev().find(|(_, missing)| hopeless(missing)).map(|(&sequence, _)| sequence) {
            while self.missing.first_key_value().is_some_and(|(&first, _)| first <= last) {
                self.abandon_first();
            }
        }
    }

    fn abandon_first(&mut self) {
        if let Some((sequence, missing)) = self.missing.pop_first() {
            self.stats.lost += u64::from(missing.asked_at.is_none());
            self.stats.abandoned += 1;
            self.abandoned = self.abandoned.max(Some(sequence));
            self.forgo(sequence);
        }
    }

    fn forgo(&mut self, sequence: u64) {
        if self.forgone.len() >= MAX_FORGONE {
            self.forgone.pop_front();
        }
        self.forgone.push_back(sequence);
    }

    /// The age at which a packet is given up.
    fn deadline(&self) -> Duration {
        let tries = self.loss.tries().min(f64::from(self.config.max_tries));
        let unanswered = self.tolerance.max(self.patience) + self.round_trip.interval().mul_f64(tries);
        unanswered.max(self.playout).max(self.config.min_age).min(self.config.max_age.max(self.rtt() * 3))
    }

    /// Follows the longest reordering seen; every real loss makes it forget a little.
    fn widen_tolerance(&mut self, late_by: Duration) {
        let wanted = (late_by + late_by / 4).clamp(MIN_TOLERANCE, MAX_TOLERANCE);
        self.tolerance = wanted.max(self.narrower());
    }

    fn narrower(&self) -> Duration {
        (self.tolerance - self.tolerance / 16).max(MIN_TOLERANCE)
    }
}

/// The share of packets that get lost, over about the last 500.
#[derive(Debug, Default)]
struct Loss {
    packets: f64,
    lost: f64,
}

impl Loss {
    fn add(&mut self, lost: bool) {
        if self.packets >= 500.0 {
            self.packets /= 2.0;
            self.lost /= 2.0;
        }
        self.packets += 1.0;
        self.lost += f64::from(u8::from(lost));
    }

    /// How many requests in a row stay unanswered only by [`ACCIDENT`], when each and each answer may be lost.
    fn tries(&self) -> f64 {
        let answered = (1.0 - (self.lost + LOSS_GUESS.0) / (self.packets + LOSS_GUESS.1)).powi(2);
        let tries = (ACCIDENT.ln() / (1.0 - answered).max(1e-9).ln()).ceil();
        if tries.is_finite() { tries.max(MIN_TRIES) } else { MIN_TRIES }
    }
}

/// How long an answer to a request takes, smoothed as TCP does (RFC 6298): mean and deviation.
#[derive(Debug, Default)]
struct RoundTrip {
    smoothed: Option<Duration>,
    deviation: Duration,
    /// Whether an answer was ever timed.
    answered: bool,
}

impl RoundTrip {
    /// The path alone; answers, once there are any, take that and what the sender's queue adds.
    fn on_measured(&mut self, rtt: Duration) {
        if !self.answered || self.smoothed.is_none_or(|smoothed| rtt > smoothed) {
            self.on_sample(rtt);
        }
    }

    fn on_answer(&mut self, took: Duration) {
        self.answered = true;
        self.on_sample(took);
    }

    fn on_sample(&mut self, sample: Duration) {
        let sample = sample.min(Duration::from_secs(2));
        match &mut self.smoothed {
            None => {
                self.smoothed = Some(sample);
                self.deviation = sample / 4;
            }
            Some(smoothed) => {
                self.deviation = self.deviation * 3 / 4 + smoothed.abs_diff(sample) / 4;
                *smoothed = *smoothed * 7 / 8 + sample / 8;
            }
        }
    }

    fn interval(&self) -> Duration {
        let rtt = self.smoothed.unwrap_or(DEFAULT_RTT);
        (rtt + (self.deviation * 4).max(MIN_INTERVAL)).clamp(MIN_INTERVAL, MAX_INTERVAL.max(rtt + rtt / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);
    const RTT: Duration = Duration::from_millis(40);

    fn nack() -> (Nack, Instant) {
        let mut nack = Nack::new(Config::VIDEO);
        nack.set_rtt(RTT);
        let now = Instant::now();
        assert_eq!(nack.on_packet(100, now), Arrival::New);
        (nack, now)
    }

    /// Polls whenever the detector asks for it, until `end`; what was asked for and when.
    fn run(nack: &mut Nack, start: Instant, end: Instant) -> Vec<(Duration, Vec<u64>)> {
        let mut asked = Vec::new();
        while let Some(at) = nack.timeout().filter(|&at| at <= end) {
            let requests = nack.poll(at);
            if !requests.is_empty() {
                asked.push((at - start, requests));
            }
        }
        asked
    }

    #[test]
    fn a_hole_is_asked_for_once_reordering_no_longer_explains_it() {
        let (mut nack, now) = nack();
        nack.on_packet(103, now);
        assert!(nack.poll(now).is_empty());
        assert_eq!(nack.poll(now + INITIAL_TOLERANCE), [101, 102]);
        assert_eq!(nack.stats().lost, 2);
    }

    #[test]
    fn a_reordered_packet_is_not_asked_for_and_teaches_tolerance() {
        let (mut nack, now) = nack();
        nack.on_packet(102, now);
        assert_eq!(nack.on_packet(101, now + 3 * MS), Arrival::Reordered);
        assert_eq!(nack.timeout(), None);
        nack.on_packet(104, now + 5 * MS);
        assert_eq!(nack.poll(now + 9 * MS), [103]);
        assert_eq!(nack.on_packet(103, now + 15 * MS), Arrival::Repaired);
        nack.on_packet(106, now + 20 * MS);
        assert!(nack.poll(now + 30 * MS).is_empty(), "a packet was 10 ms late before");
        assert_eq!(nack.stats(), Stats { lost: 1, repaired: 1, requested: 1, ..Stats::default() });
    }

    #[test]
    fn requests_repeat_after_a_round_trip_and_end_with_the_repair() {
        let (mut nack, now) = nack();
        nack.on_packet(102, now);
        let asked = run(&mut nack, now, now + 150 * MS);
        let times: Vec<_> = asked.iter().map(|(at, _)| *at).collect();
        assert_eq!(times.len(), 2, "{times:?}");
        assert!(times[1] - times[0] > RTT && times[1] - times[0] <= RTT * 2, "{times:?}");
        assert_eq!(nack.on_packet(101, now + 160 * MS), Arrival::Repaired);
        assert_eq!(nack.timeout(), None);
        assert_eq!(nack.on_packet(101, now + 170 * MS), Arrival::Late);
    }

    #[test]
    fn one_lost_packet_on_a_working_path_draws_one_request() {
        let (mut nack, start) = nack();
        for step in 1..200u32 {
            let now = start + step * 10 * MS;
            if step != 50 {
                nack.on_packet(100 + u64::from(step), now);
            }
            nack.poll(now);
            if step == 55 {
                assert_eq!(nack.on_packet(150, now), Arrival::Repaired);
            }
        }
        assert_eq!(nack.stats(), Stats { lost: 1, repaired: 1, requested: 1, ..Stats::default() });
    }

    #[test]
    fn tries_end_and_the_packet_is_given_up() {
        let (mut nack, now) = nack();
        nack.on_packet(102, now);
        let asked = run(&mut nack, now, now + Duration::from_secs(10));
        assert!(asked.len() <= Config::VIDEO.max_tries as usize);
        assert_eq!(nack.take_abandoned(), Some(101));
        assert_eq!(nack.take_abandoned(), None);
        assert_eq!(nack.stats().abandoned, 1);
    }

    /// Loses one packet in `every`, repairs it a round trip after it was asked for, then loses one for good; how long that is asked for.
    fn patience(every: u64) -> Duration {
        let (mut nack, mut now) = nack();
        for step in 1..400u64 {
            now += 10 * MS;
            if step % every != 0 {
                nack.on_packet(100 + step, now);
            }
            nack.poll(now);
            if step % every == 5 % every && step > 5 {
                nack.on_packet(100 + step - 5, now);
            }
        }
        nack.settle(500);
        nack.on_packet(501, now);
        let since = now;
        while nack.take_abandoned().is_none() {
            now = nack.timeout().expect("it is still missing");
            nack.poll(now);
        }
        now - since
    }

    #[test]
    fn the_more_is_lost_the_longer_a_packet_is_asked_for() {
        let (clean, tenth, third) = (patience(97), patience(10), patience(3));
        assert!(clean >= 120 * MS && clean <= 250 * MS, "{clean:?}");
        assert!(tenth > clean && third > tenth * 3 / 2, "{clean:?} {tenth:?} {third:?}");
    }

    #[test]
    fn a_packet_that_may_still_be_shown_in_time_is_not_given_up() {
        let (mut nack, now) = nack();
        (101..300).for_each(|sequence| assert_eq!(nack.on_packet(sequence, now), Arrival::New));
        nack.set_playout(400 * MS);
        nack.on_packet(301, now);
        run(&mut nack, now, now + 399 * MS);
        assert_eq!(nack.take_abandoned(), None);
        run(&mut nack, now, now + 400 * MS);
        assert_eq!(nack.take_abandoned(), Some(300));
    }

    #[test]
    fn what_redundancy_tells_of_is_missing_although_nothing_followed_it() {
        let (mut nack, now) = nack();
        nack.on_told(102, now);
        assert_eq!(nack.poll(now + INITIAL_TOLERANCE), [101, 102]);
        assert_eq!(nack.on_packet(102, now + 50 * MS), Arrival::Repaired);
        nack.on_recovered(101);
        assert_eq!(nack.timeout(), None);
        assert_eq!(nack.stats(), Stats { lost: 2, repaired: 1, recovered: 1, requested: 2, ..Stats::default() });
    }

    #[test]
    fn what_a_keyframe_settled_is_not_asked_for() {
        let (mut nack, now) = nack();
        nack.on_packet(110, now);
        nack.settle(108);
        assert_eq!(nack.poll(now + 100 * MS), [108, 109]);
        assert_eq!(nack.on_packet(105, now + 100 * MS), Arrival::Late);
        nack.settle(110);
        assert_eq!(nack.on_packet(109, now + 150 * MS), Arrival::RepairedTooLate);
    }

    #[test]
    fn a_huge_hole_is_given_up_at_once() {
        let (mut nack, now) = nack();
        nack.on_packet(5000, now);
        assert_eq!(nack.take_abandoned(), Some(4999));
        assert!(nack.poll(now + 100 * MS).is_empty());
    }

    #[test]
    fn what_an_outage_swallowed_is_given_up_but_not_one_packet_after_a_pause() {
        let (mut nack, now) = nack();
        nack.on_packet(102, now + OUTAGE);
        assert_eq!(nack.take_abandoned(), None);
        assert_eq!(nack.poll(now + OUTAGE + 10 * MS), [101]);
        nack.on_packet(200, now + OUTAGE * 2);
        assert_eq!(nack.take_abandoned(), Some(199));
    }

    #[test]
    fn the_interval_follows_how_long_repairs_take() {
        let (mut nack, mut now) = nack();
        for sequence in (102..302).step_by(2) {
            nack.on_packet(sequence, now);
            now += 5 * MS;
            nack.poll(now);
            now += 80 * MS;
            nack.on_packet(sequence - 1, now);
        }
        assert!(nack.rtt().abs_diff(80 * MS) < 5 * MS, "{:?}", nack.rtt());
    }

    proptest! {
        #[test]
        fn any_arrivals_stay_bounded_and_add_up(events in proptest::collection::vec((0u64..2000, 0u64..30), 0..600)) {
            let mut now = Instant::now();
            let mut nack = Nack::new(Config::VIDEO);
            for (sequence, step) in events {
                now += Duration::from_millis(step);
                if step == 1 {
                    nack.on_recovered(sequence);
                } else {
                    nack.on_packet(sequence, now);
                }
                prop_assert!(nack.poll(now).len() <= Config::VIDEO.max_missing);
                prop_assert!(nack.missing.len() <= Config::VIDEO.max_missing);
                if step == 0 {
                    nack.settle(sequence);
                }
            }
            let stats = nack.stats();
            let open = nack.missing.values().filter(|missing| missing.asked_at.is_some()).count() as u64;
            prop_assert_eq!(stats.lost, stats.repaired + stats.recovered + stats.abandoned + open);
        }
    }
}
