//! Telling a queue that others keep full from one of our own making, and what to send beside it.
//!
//! Whoever sends less over a full path of its own sees the queue fall. If it does not fall again and again, somebody else fills it:
//! a download, which stops only at loss. To yield to the delay then is to be left with nothing. What is sent instead is what TCP would
//! send ([`super::friendly`]), up to half of what the path takes where that is known.
//!
//! Two more signs hurry the verdict or take it back: what arrives falls with each cut only if others take what is given up, and whoever
//! still loses most of what he sends is alone.

use std::time::{Duration, Instant};

use super::friendly::{Intervals, rate_at};

/// The queue is compared this long after a cut with that just after it, each over so long.
const LATER: Duration = Duration::from_millis(400);
const SPAN: Duration = Duration::from_millis(100);
/// It has fallen if it is shorter by so many ms, or this short: a download's is long.
const FALLEN: f64 = 20.0;
const SHORT: f64 = 35.0;
/// A fall by so many ms is an answer: a download that yields by itself makes a smaller one.
const ANSWERED: f64 = 20.0;
/// One may be chance; two within the first time are none, for as long as the second.
const ANSWERS_TOGETHER: Duration = Duration::from_secs(10);
const ANSWER_COUNTS: Duration = Duration::from_secs(60);
/// Cuts in vain that prove that somebody else is there; one that leaves less than this share of the target counts twice.
const PROOF: u32 = 3;
const DEEP: f64 = 0.6;
/// What a bottleneck serves of us stays, however much less is sent, as long as our queue lasts. What falls with each cut is our share of
/// somebody else's: after two that take much off, this time apart, further ones leave this share for so long, and one in vain is proof.
const ANEW: Duration = Duration::from_millis(100);
const STEP: f64 = 0.85;
const STEPS: Duration = Duration::from_secs(3);
/// The share that one other leaves us, of what we had alone.
const HALF: f64 = 0.5;
/// Where that bounds it, a call may be worth more than what bounds it alone: one download then keeps its half.
const WITH_HALF: f64 = 1.4;
/// What was sent before the others came is remembered for this long.
const MEMORY: Duration = Duration::from_secs(10);

/// Others that yield to loss do so soon; if more than this share of what is sent is lost over so long, there are none, and none are looked
/// for for a while.
const NOBODY: f64 = 0.5;
const NOBODY_FOR: Duration = Duration::from_millis(1500);
const NOT_AGAIN: Duration = Duration::from_secs(20);

/// Contention is over when the queue was shorter than this, in ms, for this long.
const GONE: f64 = 15.0;
const GONE_FOR: Duration = Duration::from_secs(1);
/// This long after it began, and then each so often, it is tried whether the queue goes when less is sent: for so long, this share.
/// Until somewhat later, a shorter time without a queue proves that it was our own.
const FIRST_TEST: Duration = Duration::from_secs(5);
const TEST_INTERVAL: Duration = Duration::from_secs(20);
const TEST_LENGTH: Duration = Duration::from_millis(700);
const TEST_SEEN: Duration = Duration::from_millis(1300);
const TEST_SHARE: f64 = 0.5;
const GONE_IN_TEST: Duration = Duration::from_millis(150);

/// Who fills the queue.
#[derive(Debug, Default)]
pub struct Contention {
    trial: Option<Trial>,
    /// Cuts in vain.
    proof: u32,
    /// The highest target that was cut lately.
    before: Option<Before>,
    /// When the last two cuts were that took much off.
    far: [Option<Instant>; 2],
    /// When the last two cuts were answered by the queue.
    answers: [Option<Instant>; 2],
    since: Option<Instant>,
    short_since: Option<Instant>,
    losses: Intervals,
    /// Since when these bytes were sent, and lost.
    window: Option<(Instant, usize, usize)>,
    /// When loss showed that nobody else was there.
    refuted_at: Option<Instant>,
}

/// A target before it was cut.
#[derive(Debug, Clone, Copy)]
struct Before {
    /// In bits a second.
    target: f64,
    at: Instant,
    /// It was all that the path takes.
    all: bool,
}

/// What a cut does to the queue, by when packets were sent.
#[derive(Debug, Clone, Copy)]
struct Trial {
    cut_at: Instant,
    /// The target before it, in bits a second.
    from: f64,
    /// It took much off, alone or with those that followed.
    deep: bool,
    /// The shortest queue just after it and later, in ms.
    first: f64,
    later: f64,
}

impl Contention {
    /// Whether somebody else keeps the queue full.
    pub fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The target of so many bits a second is to be cut to `reduced` for a queue; what it may be cut to. `all`: it was all that the path
    /// takes, as far as was seen.
    pub fn on_cut(&mut self, target: f64, reduced: f64, all: bool, now: Instant) -> f64 {
        let remembered = |before: &Before| before.target > target && now.saturating_duration_since(before.at) < MEMORY;
        if !self.before.as_ref().is_some_and(remembered) {
            self.before = Some(Before { target, at: now, all });
        }
        let trial = self.trial.get_or_insert(Trial { cut_at: now, from: target, deep: false, first: f64::INFINITY, later: f64::INFINITY });
        trial.deep |= reduced < trial.from * DEEP;
        if reduced < target * DEEP && self.is_share(now) { target * STEP } else { reduced }
    }

    /// Whether a cut that takes much off, like those before it, shows that what arrives is our share of what others fill.
    fn is_share(&mut self, now: Instant) -> bool {
        if let [Some(last), Some(before)] = self.far
            && now.saturating_duration_since(last) < STEPS
            && last.saturating_duration_since(before) < STEPS
        {
            self.proof = self.proof.max(PROOF - 1);
            return true;
        }
        if self.far[0].is_none_or(|last| now.saturating_duration_since(last) >= ANEW) {
            self.far = [Some(now), self.far[0]];
        }
        false
    }

    /// Half of the target before others filled the queue, in bits a second.
    pub fn half(&self) -> f64 {
        self.before.map_or(0.0, |before| before.target * HALF)
    }

    /// A packet met a queue of so many ms; in order of sending. True when contention begins.
    pub fn on_queue(&mut self, sent: Instant, queue: f64) -> bool {
        let Some(trial) = &mut self.trial else { return false };
        let Some(after) = sent.checked_duration_since(trial.cut_at) else { return false };
        if after < SPAN {
            trial.first = trial.first.min(queue);
        } else if after >= LATER && after < LATER + SPAN {
            trial.later = trial.later.min(queue);
        } else if after >= LATER + SPAN {
            return self.conclude(sent);
        }
        false
    }

    /// Whether the queue lately fell again and again because less was sent: then it is our own.
    pub fn answers(&self, now: Instant) -> bool {
        let [Some(last), Some(before)] = self.answers else { return false };
        now.saturating_duration_since(last) < ANSWER_COUNTS && last.saturating_duration_since(before) < ANSWERS_TOGETHER
    }

    fn conclude(&mut self, sent: Instant) -> bool {
        let Some(trial) = self.trial.take() else { return false };
        if trial.first.is_finite() && trial.first - trial.later >= ANSWERED {
            self.answers = [Some(sent), self.answers[0]];
        }
        if trial.later > trial.first - FALLEN && trial.later > SHORT && trial.later.is_finite() {
            self.proof += if trial.deep { 2 } else { 1 };
        } else {
            self.proof = self.proof.saturating_sub(1);
        }
        let refuted = self.refuted_at.is_some_and(|at| sent.saturating_duration_since(at) < NOT_AGAIN);
        let begins = self.proof >= PROOF && self.since.is_none() && !refuted;
        if begins {
            self.since = Some(sent);
            self.short_since = None;
        }
        begins
    }

    /// What waits at least, in ms. True when contention ends.
    pub fn on_standing(&mut self, standing: f64, now: Instant) -> bool {
        if standing >= GONE {
            self.short_since = None;
            return false;
        }
        let short_since = *self.short_since.get_or_insert(now);
        let enough = if self.test_age(now).is_some_and(|age| age < TEST_SEEN) { GONE_IN_TEST } else { GONE_FOR };
        let ends = self.since.is_some() && now.saturating_duration_since(short_since) >= enough;
        if ends {
            *self = Self::default();
        }
        ends
    }

    /// The share of the target to send: less now and then, to see whether the others are still there.
    pub fn share(&self, now: Instant) -> f64 {
        if self.test_age(now).is_some_and(|age| age < TEST_LENGTH) { TEST_SHARE } else { 1.0 }
    }

    /// Since when the last test goes on or is over; `None` before the first.
    fn test_age(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.since?).checked_sub(FIRST_TEST)?;
        Some(Duration::from_millis((age.as_millis() % TEST_INTERVAL.as_millis()) as u64))
    }

    /// A packet that feedback covers. True when contention ends because it shows that nobody else is there.
    pub fn on_packet(&mut self, sent: Instant, size: usize, lost: bool, rtt: Duration) -> bool {
        if self.since.is_none() {
            return false;
        }
        self.losses.add(sent, size, lost, rtt);
        let (since, all, gone) = self.window.get_or_insert((sent, 0, 0));
        *all += size;
        *gone += if lost { size } else { 0 };
        if sent.saturating_duration_since(*since) < NOBODY_FOR {
            return false;
        }
        let refuted = *gone as f64 > *all as f64 * NOBODY;
        self.window = None;
        if refuted {
            *self = Self { refuted_at: Some(sent), ..Self::default() };
        }
        refuted
    }

    /// Begins with the loss that would leave `bps` bits a second.
    pub fn begin_at(&mut self, bps: f64, rtt: Duration) {
        self.losses = Intervals::beginning_at(bps, rtt);
    }

    /// What TCP would send, in bits a second; no more than half of what the path takes, where that is known: some downloads are content
    /// with little in the queue, whatever that leaves of them.
    pub fn fair(&self, rtt: Duration) -> f64 {
        let fair = rate_at(self.losses.mean(), rtt);
        if self.before.is_some_and(|before| before.all) { (fair * WITH_HALF).min(self.half()) } else { fair }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A cut each second, of which the queue is `later` ms 400 ms on; whether contention began.
    fn cut(contention: &mut Contention, start: Instant, cuts: u32, later: f64) -> bool {
        let mut began = false;
        for ms in 0..cuts * 1000 {
            let now = start + ms * MS;
            if ms % 1000 == 0 {
                contention.on_cut(1e6, 0.85e6, true, now);
            }
            began |= contention.on_queue(now, if ms % 1000 < 300 { 150.0 } else { later });
        }
        began
    }

    #[test]
    fn a_queue_that_falls_after_each_cut_is_our_own() {
        assert!(!cut(&mut Contention::default(), Instant::now(), 20, 100.0));
    }

    #[test]
    fn a_queue_that_three_cuts_leave_as_it_is_belongs_to_others() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        assert!(!cut(&mut contention, start, 2, 150.0));
        assert!(cut(&mut contention, start + 2000 * MS, 1, 150.0));
        assert!(contention.is_on());
        assert_eq!(contention.half(), 0.5e6);
    }

    #[test]
    fn what_falls_with_each_cut_is_a_share_of_what_others_fill() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        let cuts =
            [(0, 2e6, 1e6), (50, 1e6, 0.5e6), (200, 0.5e6, 0.2e6), (300, 0.2e6, 0.1e6), (400, 0.17e6, 0.15e6), (4000, 0.15e6, 0.05e6)];
        let left = cuts.map(|(ms, target, reduced)| contention.on_cut(target, reduced, true, start + ms * MS));
        assert_eq!(left, [1e6, 0.5e6, 0.2e6, 0.17e6, 0.15e6, 0.05e6]);
        let began = (0..600u32).any(|ms| contention.on_queue(start + ms * MS, 150.0));
        assert!(began, "one trial in vain is enough then");
    }

    #[test]
    fn no_more_than_half_of_what_the_path_takes_is_taken() {
        for all in [false, true] {
            let (mut contention, start) = (Contention::default(), Instant::now());
            contention.on_cut(2e6, 1.5e6, all, start);
            contention.begin_at(3e6, 100 * MS);
            assert_eq!(contention.fair(100 * MS) > 1.01e6, !all);
        }
    }

    #[test]
    fn others_that_do_not_yield_to_loss_are_not_there() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        assert!(cut(&mut contention, start, 3, 150.0));
        let sent = |first: u32| (first..first + 400).map(move |step| (start + (3000 + step * 10) * MS, step));
        assert!(!sent(0).any(|(at, step)| contention.on_packet(at, 1000, step % 3 == 0, 100 * MS)));
        assert!(sent(400).any(|(at, step)| contention.on_packet(at, 1000, step % 3 != 0, 100 * MS)));
        assert!(!contention.is_on() && !cut(&mut contention, start + 8000 * MS, 10, 150.0));
        assert!(cut(&mut contention, start + 30_000 * MS, 10, 150.0));
    }

    #[test]
    fn it_ends_when_the_queue_is_gone_for_a_second() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        assert!(cut(&mut contention, start, 4, 150.0));
        let end = start + 4000 * MS;
        assert!(!contention.on_standing(5.0, end));
        assert!(!contention.on_standing(50.0, end + 900 * MS));
        assert!(!contention.on_standing(5.0, end + 1000 * MS));
        assert!(contention.on_standing(5.0, end + 2000 * MS));
        assert!(!contention.is_on());
    }

    #[test]
    fn it_ends_when_the_queue_goes_because_less_is_sent() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        assert!(cut(&mut contention, start, 4, 150.0));
        let test = (0..100u32).map(|step| start + step * 100 * MS).find(|now| contention.share(*now) < 1.0).unwrap();
        assert!(!contention.on_standing(5.0, test + 400 * MS));
        assert!(contention.on_standing(5.0, test + 600 * MS));
    }

    #[test]
    fn now_and_then_less_is_sent_to_see_whether_the_others_are_there() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        assert!(cut(&mut contention, start, 4, 150.0));
        let shares: Vec<f64> = (0..600u32).map(|step| contention.share(start + step * 100 * MS)).collect();
        let less = shares.iter().filter(|share| **share < 1.0).count();
        assert!((15..=24).contains(&less), "{less}");
    }

    #[test]
    fn two_cuts_that_the_queue_answers_make_it_our_own_for_a_while() {
        let (mut contention, start) = (Contention::default(), Instant::now());
        cut(&mut contention, start, 1, 100.0);
        assert!(!contention.answers(start + 1000 * MS));
        cut(&mut contention, start + 1000 * MS, 1, 100.0);
        assert!(contention.answers(start + 2000 * MS));
        assert!(!contention.answers(start + 70_000 * MS));
    }
}
