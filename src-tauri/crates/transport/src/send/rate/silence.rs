//! Feedback that does not come: what was sent has not arrived, as far as anybody knows.

use std::time::{Duration, Instant};

/// What was sent and not reported on for this long, and two round trips, has not arrived; for a receiver that has never sent
/// transport-wide feedback it takes longer, since its reports are rare. Then the target falls to this share, again and again.
const PATIENCE: Duration = Duration::from_millis(500);
const PATIENCE_WITH_REPORTS: Duration = Duration::from_secs(6);
const AGAIN: Duration = Duration::from_millis(500);
const FACTOR: f64 = 0.7;

/// Whether the other end is heard.
#[derive(Debug, Default)]
pub struct Silence {
    unanswered_since: Option<Instant>,
    /// The target before it fell, in bits a second.
    before: Option<f64>,
}

impl Silence {
    pub fn on_sent(&mut self, now: Instant) {
        self.unanswered_since.get_or_insert(now);
    }

    /// The target to fall to from `target`, if it is time. `rtt`: of a path that gave feedback before; `None` if none ever came.
    pub fn poll(&mut self, target: f64, rtt: Option<Duration>, now: Instant) -> Option<f64> {
        let patience = rtt.map_or(PATIENCE_WITH_REPORTS, |rtt| PATIENCE + rtt * 2);
        let since = self.unanswered_since.filter(|since| now.saturating_duration_since(*since) >= patience)?;
        // A process that slept has not been silent all the time.
        self.unanswered_since = Some((since + AGAIN).max((now + AGAIN).checked_sub(patience).unwrap_or(now)));
        self.before.get_or_insert(target);
        Some(target * FACTOR)
    }

    /// The other end is heard; the target before a silence, if there was one.
    pub fn on_answer(&mut self) -> Option<f64> {
        self.unanswered_since = None;
        self.before.take()
    }

    /// The target before the silence at hand, in bits a second.
    pub fn before(&self) -> Option<f64> {
        self.before
    }

    pub fn is_on(&self) -> bool {
        self.before.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const RTT: Option<Duration> = Some(Duration::from_millis(50));

    #[test]
    fn the_target_falls_step_by_step_until_an_answer_comes() {
        let (mut silence, start) = (Silence::default(), Instant::now());
        assert_eq!(silence.poll(1e6, RTT, start + 9_000 * MS), None, "nothing was sent");
        silence.on_sent(start);
        let falls = (0..200u32).filter_map(|step| silence.poll(1e6, RTT, start + step * 10 * MS).map(|_| step * 10));
        assert_eq!(falls.collect::<Vec<_>>(), [600, 1100, 1600]);
        assert!(silence.is_on());
        assert_eq!(silence.on_answer(), Some(1e6));
        assert_eq!(silence.poll(1e6, RTT, start + 9_000 * MS), None);
    }

    #[test]
    fn a_receiver_without_transport_feedback_is_given_time() {
        let (mut silence, start) = (Silence::default(), Instant::now());
        silence.on_sent(start);
        assert_eq!(silence.poll(1e6, None, start + 5_000 * MS), None);
        assert_eq!(silence.poll(1e6, None, start + 6_000 * MS), Some(0.7e6));
    }
}
