//! Probes: short bursts above the target that tell whether the path would carry more.
//!
//! A burst that comes out of the path as fast as it went in found room for its rate; one that comes out slower shows the
//! bottleneck's. The idea and most figures are libwebrtc's (probe clusters, `ProbeBitrateEstimator`).
//!
//! Invariant: one probe at a time, and none is long enough to build a queue of more than about 50 ms in a path that carries the
//! target.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Sample;
pub use crate::send::pace::{Probe, Probed};

/// The first burst is this many times the start rate. It and the next are two packets long, which take 80 ms on 250 kb/s: the second
/// because a shaper's bucket lets the first pass whatever comes behind it.
const FIRST_FACTOR: f64 = 3.0;
const FIRST_BYTES: usize = 2_000;
const SMALL_STEPS: u32 = 2;
/// Each further burst of the start is this many times the one before it.
const STEP: f64 = 2.0;
/// How long a burst is: at the start, while little is sent, and else.
const START_LENGTH: Duration = Duration::from_millis(15);
const IDLE_LENGTH: Duration = Duration::from_millis(40);
const LENGTH: Duration = Duration::from_millis(25);
const MIN_BYTES: usize = 2_000;
/// A burst later in the call is this many times the target.
const FACTOR: f64 = 2.0;
/// Nothing above this share of the most is asked for.
const MOST: f64 = 1.2;

/// Time between bursts, at least; doubled by each that found nothing, up to the second.
const INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(32);
/// Room that was found and brought no queue for this long is there.
const PROVEN: Duration = Duration::from_secs(4);
/// A burst of the start that says nothing because of what it lost is sent again, so many times at most.
const MAX_REPEATS: u32 = 4;
/// A burst that was not reported on by now never will be.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What is kept to find a burst in.
const KEPT: Duration = Duration::from_secs(1);
const MAX_KEPT: usize = 2_048;

/// Arrival as slow as this share of sending means that the bottleneck set the pace.
const LIMITED: f64 = 0.85;
/// A burst of which less than this share arrived says nothing.
const SURVIVED: f64 = 0.5;

/// What a burst showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// The path carries this many bits a second, and may carry more.
    Clear(f64),
    /// This is what the path carries, in bits a second.
    Limited(f64),
    /// Too short a burst to tell how much, but it came out slower than it went in.
    Slowed,
}

/// One connection's bursts.
#[derive(Debug)]
pub struct Probes {
    next: Option<Probe>,
    /// The burst under way and since when.
    under_way: Option<(Probe, Instant)>,
    probed: Option<Probed>,
    recent: VecDeque<Sample>,
    starting: bool,
    /// Of the start, done so far.
    steps: u32,
    /// How often a burst of the start said nothing.
    repeats: u32,
    last_at: Option<Instant>,
    interval: Duration,
    /// When a burst found room, until that proves true or false.
    claimed_at: Option<Instant>,
}

impl Probes {
    /// Begins with a burst above `start_bps`, made of the first picture.
    pub fn new(start_bps: f64) -> Self {
        let first = Probe { bps: (start_bps * FIRST_FACTOR) as u32, bytes: FIRST_BYTES };
        Self {
            next: Some(first),
            under_way: None,
            probed: None,
            recent: VecDeque::new(),
            starting: true,
            steps: 0,
            repeats: 0,
            last_at: None,
            interval: INTERVAL,
            claimed_at: None,
        }
    }

    /// The burst to send now. `calm_since`: since when nothing speaks against one; `None` if something does. `idle`: whether much less
    /// than the target is sent.
    pub fn take(&mut self, target: f64, max: f64, calm_since: Option<Instant>, idle: bool, now: Instant) -> Option<Probe> {
        if self.under_way.is_some_and(|(_, since)| now.saturating_duration_since(since) > TIMEOUT) {
            // Its first packet may be yet to come.
            self.under_way = if self.starting { self.under_way } else { None };
        }
        if self.under_way.is_some() {
            return None;
        }
        if self.claimed_at.is_some_and(|at| now.saturating_duration_since(at) > PROVEN) {
            self.claimed_at = None;
            self.interval = INTERVAL;
        }
        let probe = self.next.take().or_else(|| self.further(target, max, calm_since?, idle, now))?;
        self.under_way = Some((probe, now));
        self.last_at = Some(now);
        Some(probe)
    }

    fn further(&self, target: f64, max: f64, calm_since: Instant, idle: bool, now: Instant) -> Option<Probe> {
        let waited = |since: Instant| now.saturating_duration_since(since) >= self.interval;
        let due = waited(calm_since) && self.last_at.is_none_or(waited);
        (due && target < max * 0.95).then(|| burst((target * FACTOR).min(max * MOST), if idle { IDLE_LENGTH } else { LENGTH }))
    }

    /// The pacer has sent the burst.
    pub fn on_probed(&mut self, probed: Probed) {
        self.probed = Some(probed);
    }

    /// A packet that feedback covers, in order of sending.
    pub fn add(&mut self, sample: &Sample) {
        self.recent.push_back(*sample);
        let old = |first: &Sample| sample.sent.saturating_duration_since(first.sent) > KEPT;
        while self.recent.len() > MAX_KEPT || self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
    }

    /// What the burst showed, once it is reported on whole. `max`: the most that is of interest, in bits a second.
    pub fn finding(&mut self, max: f64) -> Option<Finding> {
        let probed = self.probed?;
        if self.recent.back().is_none_or(|newest| newest.sent < probed.last) {
            return None;
        }
        self.probed = None;
        let (probe, _) = self.under_way.take()?;
        let samples: Vec<_> = self.recent.iter().filter(|sample| (probed.first..=probed.last).contains(&sample.sent)).collect();
        let found = evaluate(&samples);
        let found = if probe.bytes <= FIRST_BYTES && matches!(found, Some(Finding::Limited(_))) { Some(Finding::Slowed) } else { found };
        if self.starting {
            self.next = match found {
                Some(Finding::Clear(_)) => self.next_step(f64::from(probe.bps), max),
                Some(_) => None,
                None => self.again(probe),
            };
            self.starting = self.next.is_some();
        }
        found
    }

    fn next_step(&mut self, reached: f64, max: f64) -> Option<Probe> {
        self.steps += 1;
        let probe = burst((reached * STEP).min(max * MOST), START_LENGTH);
        let bytes = if self.steps < SMALL_STEPS { FIRST_BYTES } else { probe.bytes };
        (reached < max).then_some(Probe { bytes, ..probe })
    }

    fn again(&mut self, probe: Probe) -> Option<Probe> {
        self.repeats += 1;
        (self.repeats <= MAX_REPEATS).then_some(probe)
    }

    /// The burst found room for more, or found none.
    pub fn on_result(&mut self, more: bool, now: Instant) {
        self.claimed_at = more.then_some(now);
        if !more {
            self.wait_longer();
        }
    }

    /// A queue grew: what a burst claimed lately is not true.
    pub fn on_cut(&mut self) {
        if self.claimed_at.take().is_some() {
            self.wait_longer();
        }
        self.starting = false;
        self.next = None;
    }

    /// Whether the bursts of the start are still going on.
    pub fn starting(&self) -> bool {
        self.starting
    }

    fn wait_longer(&mut self) {
        self.interval = (self.interval * 2).min(MAX_INTERVAL);
    }
}

fn burst(bps: f64, length: Duration) -> Probe {
    Probe { bps: bps as u32, bytes: ((bps / 8.0 * length.as_secs_f64()) as usize).max(MIN_BYTES) }
}

fn evaluate(samples: &[&Sample]) -> Option<Finding> {
    let first = samples.iter().position(|sample| sample.arrival.is_some())?;
    let whole = Span::of(&samples[first..])?;
    // A shaper's bucket hides the bottleneck from what comes first.
    let half = samples.len() / 2;
    let later = (samples.len() - first >= 8).then(|| Span::of(&samples[half.max(first)..])).flatten();
    let span = later.filter(|later| later.limited()).unwrap_or(whole);
    if span.survived < SURVIVED {
        return None;
    }
    Some(if span.limited() { Finding::Limited(span.arrived / span.survived) } else { Finding::Clear(span.sent.min(whole.sent)) })
}

/// How fast packets were sent and how fast they arrived, in bits a second.
#[derive(Debug, Clone, Copy)]
struct Span {
    sent: f64,
    arrived: f64,
    /// The share that arrived.
    survived: f64,
}

impl Span {
    /// The first packet's size is in neither span of time.
    fn of(samples: &[&Sample]) -> Option<Self> {
        let (first, rest) = samples.split_first()?;
        let first_arrival = first.arrival?;
        let last_arrival = rest.iter().filter_map(|sample| sample.arrival).max()?;
        let sent_bytes: usize = rest.iter().map(|sample| sample.size).sum();
        let arrived_bytes: usize = rest.iter().filter(|sample| sample.arrival.is_some()).map(|sample| sample.size).sum();
        let rate = |bytes: usize, span: Duration| bytes as f64 * 8.0 / span.as_secs_f64().max(1e-3);
        Some(Self {
            sent: rate(sent_bytes, rest.last()?.sent.saturating_duration_since(first.sent)),
            arrived: rate(arrived_bytes, last_arrival.saturating_sub(first_arrival)),
            survived: arrived_bytes as f64 / sent_bytes.max(1) as f64,
        })
    }

    fn limited(&self) -> bool {
        self.arrived < LIMITED * self.sent * self.survived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const MAX: f64 = 2.5e6;

    /// Sends `probe` over a path of `capacity` bits a second; what it showed.
    fn send(probes: &mut Probes, probe: Probe, capacity: f64, lost: impl Fn(usize) -> bool, start: Instant) -> Option<Finding> {
        let gap = |bps: f64| Duration::from_secs_f64(1_000.0 * 8.0 / bps);
        let count = probe.bytes.div_ceil(1_000).max(2);
        let (out, through) = (gap(f64::from(probe.bps)), gap(capacity.min(f64::from(probe.bps))));
        for packet in 0..count {
            let arrival = (!lost(packet)).then(|| 5_000 * MS + through * packet as u32);
            probes.add(&Sample { sent: start + out * packet as u32, arrival, size: 1_000 });
        }
        probes.on_probed(Probed { first: start, last: start + out * (count as u32 - 1) });
        probes.finding(MAX)
    }

    fn calm(probes: &mut Probes, target: f64, since: Instant, now: Instant) -> Option<Probe> {
        probes.take(target, MAX, Some(since), false, now)
    }

    /// Past the start, at `now`.
    fn started(now: Instant) -> Probes {
        let mut probes = Probes::new(300e3);
        let probe = probes.take(300e3, MAX, None, false, now).unwrap();
        assert_eq!(send(&mut probes, probe, 500e3, |_| false, now), Some(Finding::Slowed));
        probes
    }

    #[test]
    fn the_start_goes_up_in_steps_to_the_most() {
        let (mut probes, mut now) = (Probes::new(300e3), Instant::now());
        let mut steps = Vec::new();
        while let Some(probe) = probes.take(300e3, MAX, None, false, now) {
            assert_eq!(probes.take(300e3, MAX, None, false, now), None, "one at a time");
            assert!(matches!(send(&mut probes, probe, 10e6, |_| false, now), Some(Finding::Clear(_))));
            steps.push(probe.bps);
            now += 100 * MS;
        }
        assert_eq!(steps, [900_000, 1_800_000, 3_000_000]);
        assert!(!probes.starting());
    }

    #[test]
    fn the_start_stops_at_the_first_step_that_does_not_pass() {
        let now = Instant::now();
        let mut probes = started(now);
        assert!(!probes.starting());
        assert_eq!(probes.take(300e3, MAX, None, false, now + 100 * MS), None);
    }

    #[test]
    fn a_burst_of_the_start_that_was_lost_is_sent_again_a_few_times() {
        let (mut probes, mut now) = (Probes::new(300e3), Instant::now());
        let mut tries = 0;
        while let Some(probe) = probes.take(300e3, MAX, None, false, now) {
            assert_eq!(probe.bps, 900_000);
            assert_eq!(send(&mut probes, probe, 10e6, |packet| packet == 0, now), None);
            tries += 1;
            now += 100 * MS;
        }
        assert_eq!(tries, 1 + MAX_REPEATS);
        assert!(!probes.starting());
        let mut probes = Probes::new(300e3);
        let probe = probes.take(300e3, MAX, None, false, now).unwrap();
        assert_eq!(send(&mut probes, probe, 10e6, |packet| packet == 0, now), None);
        now += 100 * MS;
        let probe = probes.take(300e3, MAX, None, false, now).unwrap();
        assert!(matches!(send(&mut probes, probe, 10e6, |_| false, now), Some(Finding::Clear(_))));
        assert_eq!(probes.take(300e3, MAX, None, false, now).unwrap().bps, 1_800_000);
    }

    #[test]
    fn a_calm_path_is_tried_and_its_limit_measured() {
        let start = Instant::now();
        let mut probes = started(start);
        assert_eq!(calm(&mut probes, 400e3, start, start + 1_900 * MS), None);
        let now = start + 2_100 * MS;
        let probe = calm(&mut probes, 1e6, start, now).unwrap();
        assert_eq!(probe, Probe { bps: 2_000_000, bytes: 6_250 });
        let Some(Finding::Limited(bps)) = send(&mut probes, probe, 1.3e6, |_| false, now) else { panic!("limited") };
        assert!((bps - 1.3e6).abs() < 1e4, "{bps}");
    }

    #[test]
    fn what_found_nothing_or_was_wrong_is_tried_less_often() {
        let start = Instant::now();
        let mut probes = started(start);
        probes.on_result(false, start);
        assert_eq!(calm(&mut probes, 1e6, start, start + 3_900 * MS), None);
        let now = start + 4_100 * MS;
        let probe = calm(&mut probes, 1e6, start, now).unwrap();
        assert!(matches!(send(&mut probes, probe, 10e6, |_| false, now), Some(Finding::Clear(_))));
        probes.on_result(true, now);
        probes.on_cut();
        assert_eq!(calm(&mut probes, 1e6, start, now + 7_900 * MS), None);
        assert!(calm(&mut probes, 1e6, start, now + 8_100 * MS).is_some());
    }

    #[test]
    fn a_burst_of_which_most_is_lost_says_nothing() {
        let start = Instant::now();
        let mut probes = started(start);
        let now = start + 2_100 * MS;
        let probe = calm(&mut probes, 1e6, start, now).unwrap();
        assert_eq!(send(&mut probes, probe, 10e6, |packet| packet % 3 > 0, now), None);
        assert!(calm(&mut probes, 1e6, start, now + 2_100 * MS).is_some());
    }

    #[test]
    fn at_the_most_nothing_is_tried() {
        let start = Instant::now();
        let mut probes = started(start);
        assert_eq!(calm(&mut probes, MAX, start, start + 60_000 * MS), None);
    }
}
