//! When to ask for a keyframe (PLI).

use std::time::{Duration, Instant};

/// The least time between two requests, on top of the round trip: the encoder and the way need it.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// A keyframe whose packets still come is not asked for again, on a slow path it takes a while; but not for longer than this.
const MAX_PATIENCE: Duration = Duration::from_secs(2);

/// Repeats a request until a keyframe has come.
#[derive(Debug, Default)]
pub struct Requests {
    needed_since: Option<Instant>,
    asked_at: Option<Instant>,
    count: u64,
}

impl Requests {
    /// Whether to ask now. `needed`: nothing can be decoded without a keyframe; `arriving`: when a packet of one last came.
    pub fn poll(&mut self, needed: bool, arriving: Option<Instant>, rtt: Duration, now: Instant) -> bool {
        if !needed {
            self.needed_since = None;
            return false;
        }
        self.needed_since.get_or_insert(now);
        if self.due(arriving, rtt).is_some_and(|due| due > now) {
            return false;
        }
        self.asked_at = Some(now);
        self.count += 1;
        true
    }

    /// When to poll again, if a keyframe is needed.
    pub fn timeout(&self, arriving: Option<Instant>, rtt: Duration) -> Option<Instant> {
        self.needed_since.and_then(|_| self.due(arriving, rtt))
    }

    /// Whether the keyframe asked for last may have been sent by now; so may one that nobody here asked for.
    pub fn may_be_under_way(&self, rtt: Duration, now: Instant) -> bool {
        self.asked_at.is_none_or(|asked| now.saturating_duration_since(asked) >= rtt * 3 / 4)
    }

    /// Requests made so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn due(&self, arriving: Option<Instant>, rtt: Duration) -> Option<Instant> {
        let interval = MIN_INTERVAL + rtt;
        let asked = self.asked_at.map(|asked| asked + interval);
        let since = self.needed_since?;
        let arriving = arriving.map(|at| (at + interval).min(self.asked_at.unwrap_or(since) + MAX_PATIENCE));
        asked.max(arriving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const RTT: Duration = Duration::from_millis(50);

    #[test]
    fn a_need_is_told_at_once_and_repeated_until_it_is_met() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        assert!(!requests.poll(false, None, RTT, now));
        assert!(requests.poll(true, None, RTT, now));
        assert!(!requests.poll(true, None, RTT, now + 100 * MS));
        assert_eq!(requests.timeout(None, RTT), Some(now + 250 * MS));
        assert!(requests.poll(true, None, RTT, now + 250 * MS));
        assert!(!requests.poll(false, None, RTT, now + 300 * MS));
        assert_eq!(requests.timeout(None, RTT), None);
        assert_eq!(requests.count(), 2);
    }

    #[test]
    fn a_new_need_soon_after_waits_for_the_interval() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        assert!(requests.poll(true, None, RTT, now));
        assert!(!requests.poll(false, None, RTT, now + 100 * MS));
        assert!(!requests.poll(true, None, RTT, now + 110 * MS));
        assert!(requests.poll(true, None, RTT, now + 250 * MS));
    }

    #[test]
    fn a_keyframe_on_its_way_over_a_slow_path_is_not_asked_for_again() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        assert!(requests.poll(true, None, RTT, now));
        for step in 1..20 {
            let at = now + step * 100 * MS;
            assert!(!requests.poll(true, Some(at), RTT, at), "{step}");
        }
        let late = now + MAX_PATIENCE;
        assert!(requests.poll(true, Some(late), RTT, late));
    }

    #[test]
    fn a_keyframe_that_stopped_coming_is_asked_for_again() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        assert!(requests.poll(true, None, RTT, now));
        let last = now + 300 * MS;
        assert!(!requests.poll(true, Some(last), RTT, now + 500 * MS));
        assert!(requests.poll(true, Some(last), RTT, now + 550 * MS));
    }
}
