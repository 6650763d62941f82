//! When to tell of people who join while nobody looks: the first as soon as it is known what they are called, those who follow closely
//! together. Pure.

use std::time::{Duration, Instant};

use crate::signal::Uid;

/// The shortest time between two notices: a hundred who come one after the other are few of them.
pub const PACE: Duration = Duration::from_secs(5);

/// What a user goes by follows right after the news that they came.
pub const BEAT: Duration = Duration::from_millis(200);

/// Whom one finds in a channel did not join it. They are told of right after one's own join.
const FOUND: Duration = Duration::from_secs(2);

/// Who came first, and how many with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub uid: Uid,
    /// What they go by.
    pub name: Option<String>,
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

    /// Somebody came; `unseen` is whether no window of the app is looked at. Answers after which time to ask [`due`](Self::due), if at all.
    pub fn came(&mut self, uid: &Uid, unseen: bool, now: Instant) -> Option<Duration> {
        if !unseen || self.joined.is_none_or(|joined| now.duration_since(joined) < FOUND) {
            return None;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.others += 1;
            return None;
        }
        self.waiting = Some(Notice { uid: uid.clone(), name: None, others: 0 });
        let pause = self.told.map_or(Duration::ZERO, |told| PACE.saturating_sub(now.duration_since(told)));
        Some(pause.max(BEAT))
    }

    /// Somebody goes by this name, or by none.
    pub fn named(&mut self, uid: &Uid, name: Option<&str>) {
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.uid == *uid) {
            waiting.name = name.map(str::to_owned);
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

    fn notice(uid: u32, name: Option<&str>, others: usize) -> Notice {
        Notice { uid: Uid::Number(uid), name: name.map(str::to_owned), others }
    }

    fn in_call(start: Instant) -> (Arrivals, Instant) {
        let mut arrivals = Arrivals::default();
        arrivals.call(true, start);
        (arrivals, start + FOUND)
    }

    #[test]
    fn a_hundred_at_once_are_one_notice_and_the_next_keeps_its_distance() {
        let (mut arrivals, now) = in_call(Instant::now());
        assert_eq!(arrivals.came(&Uid::Number(7), true, now), Some(BEAT));
        arrivals.named(&Uid::Number(7), Some("Ana"));
        for uid in 8..107 {
            assert_eq!(arrivals.came(&Uid::Number(uid), true, now), None);
            arrivals.named(&Uid::Number(uid), Some("Bo"));
        }
        assert_eq!(arrivals.due(true, now + BEAT), Some(notice(7, Some("Ana"), 99)));
        assert_eq!(arrivals.due(true, now + BEAT), None);
        assert_eq!(arrivals.came(&Uid::Number(200), true, now + BEAT), Some(PACE));
        assert_eq!(arrivals.due(true, now + BEAT + PACE), Some(notice(200, None, 0)));
        assert_eq!(arrivals.came(&Uid::Number(201), true, now + PACE * 3), Some(BEAT));
    }

    #[test]
    fn whom_one_finds_there_and_whoever_comes_while_one_looks_is_not_told() {
        let (start, ana) = (Instant::now(), Uid::Number(7));
        let (mut arrivals, now) = in_call(start);
        assert_eq!(arrivals.came(&ana, true, start), None);
        assert_eq!(arrivals.came(&ana, false, now), None);
        assert_eq!(Arrivals::default().came(&ana, true, now), None, "nobody is told of in the lobby");
    }

    #[test]
    fn what_waits_is_dropped_when_the_call_ends_or_somebody_looks() {
        let (mut arrivals, now) = in_call(Instant::now());
        arrivals.came(&Uid::Number(7), true, now);
        assert_eq!(arrivals.due(false, now + BEAT), None);
        arrivals.came(&Uid::Number(8), true, now + Duration::from_secs(1));
        arrivals.call(false, now);
        assert_eq!(arrivals.due(true, now + PACE), None);
    }
}
