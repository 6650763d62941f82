//! When to tell of people who join while nobody looks: the first at once, those who follow closely together. Pure.

use std::time::{Duration, Instant};

/// The shortest time between two notices: a hundred who come at once are two notices.
pub const PACE: Duration = Duration::from_secs(5);

/// Whom one finds in a channel did not join it. They are told of right after one's own join.
const FOUND: Duration = Duration::from_secs(2);

/// What to do about somebody who came.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    Tell(Notice),
    /// Ask [`Arrivals::due`] after this.
    Wait(Duration),
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Who came first.
    pub who: String,
    /// How many came with them.
    pub others: usize,
}

/// One window's.
#[derive(Debug, Default)]
pub struct Arrivals {
    joined: Option<Instant>,
    told: Option<Instant>,
    waiting: Option<Notice>,
}

impl Arrivals {
    /// The window is in a call, or no longer.
    pub fn call(&mut self, in_call: bool, now: Instant) {
        match (in_call, self.joined) {
            (true, None) => self.joined = Some(now),
            (false, Some(_)) => *self = Self::default(),
            _ => {}
        }
    }

    /// Somebody came; `unseen` is whether no window of the app is looked at.
    pub fn came(&mut self, who: &str, unseen: bool, now: Instant) -> Next {
        if !unseen || self.joined.is_none_or(|joined| now.duration_since(joined) < FOUND) {
            return Next::Nothing;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.others += 1;
            return Next::Nothing;
        }
        let notice = Notice { who: who.to_owned(), others: 0 };
        match self.told.map(|told| PACE.saturating_sub(now.duration_since(told))) {
            Some(wait) if !wait.is_zero() => {
                self.waiting = Some(notice);
                Next::Wait(wait)
            }
            _ => {
                self.told = Some(now);
                Next::Tell(notice)
            }
        }
    }

    /// What has waited; nothing if somebody looks by now.
    pub fn due(&mut self, unseen: bool, now: Instant) -> Option<Notice> {
        let waiting = self.waiting.take().filter(|_| unseen)?;
        self.told = Some(now);
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(who: &str, others: usize) -> Notice {
        Notice { who: who.into(), others }
    }

    fn in_call(start: Instant) -> (Arrivals, Instant) {
        let mut arrivals = Arrivals::default();
        arrivals.call(true, start);
        (arrivals, start + FOUND)
    }

    #[test]
    fn a_hundred_at_once_are_two_notices() {
        let (mut arrivals, now) = in_call(Instant::now());
        assert_eq!(arrivals.came("Ana", true, now), Next::Tell(notice("Ana", 0)));
        assert_eq!(arrivals.came("Bo", true, now), Next::Wait(PACE));
        for _ in 2..100 {
            assert_eq!(arrivals.came("Cleo", true, now), Next::Nothing);
        }
        assert_eq!(arrivals.due(true, now + PACE), Some(notice("Bo", 98)));
        assert_eq!(arrivals.due(true, now + PACE), None);
        assert_eq!(arrivals.came("Dan", true, now + PACE * 2), Next::Tell(notice("Dan", 0)));
    }

    #[test]
    fn whom_one_finds_there_and_whoever_comes_while_one_looks_is_not_told() {
        let start = Instant::now();
        let (mut arrivals, now) = in_call(start);
        assert_eq!(arrivals.came("Ana", true, start), Next::Nothing);
        assert_eq!(arrivals.came("Ana", false, now), Next::Nothing);
        assert_eq!(Arrivals::default().came("Ana", true, now), Next::Nothing, "nobody is told of in the lobby");
    }

    #[test]
    fn what_waits_is_dropped_when_the_call_ends_or_somebody_looks() {
        let (mut arrivals, now) = in_call(Instant::now());
        arrivals.came("Ana", true, now);
        arrivals.came("Bo", true, now);
        assert_eq!(arrivals.due(false, now + PACE), None);
        arrivals.came("Cleo", true, now + Duration::from_secs(1));
        arrivals.call(false, now);
        assert_eq!(arrivals.due(true, now + PACE), None);
    }
}
