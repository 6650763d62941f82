//! How long what is under way has been under way: feedback that waits in a queue of its own cannot tell in time that there is one.
//!
//! When a path becomes slow in both directions, the news of it comes back behind all that fills the other direction. Until then nothing
//! but the age of what was not reported on yet says so (the idea is libwebrtc's congestion window, in time instead of bytes).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::least::Least;

/// Longer than the round trip and this is too long; and longer by the time of as many messages of feedback as may get lost in a row
/// but in so many cases.
const PATIENCE: Duration = Duration::from_millis(170);
const MESSAGE: Duration = Duration::from_millis(50);
const RARE: f64 = 0.002;
/// The round trip counts up to so much more than the least: what it grew to in a queue is no reason for patience.
const GROWN: Duration = Duration::from_millis(150);
/// What leaves within this time counts as one.
const GRAIN: Duration = Duration::from_millis(5);
const MAX_KEPT: usize = 1_024;

/// What has left and was not reported on.
#[derive(Debug, Default)]
pub struct Flight {
    sent: VecDeque<Instant>,
    /// The least round trip.
    least: Least<Duration>,
}

impl Flight {
    pub fn on_sent(&mut self, now: Instant) {
        if self.sent.back().is_none_or(|last| now.saturating_duration_since(*last) >= GRAIN) && self.sent.len() < MAX_KEPT {
            self.sent.push_back(now);
        }
    }

    /// Feedback tells what became of everything that was sent up to then.
    pub fn on_told(&mut self, sent: Instant) {
        while self.sent.front().is_some_and(|first| *first <= sent) {
            self.sent.pop_front();
        }
    }

    /// A measured round trip, not smoothed.
    pub fn on_rtt(&mut self, rtt: Duration, now: Instant) {
        self.least.follow(rtt, now);
    }

    /// The least round trip of late.
    pub fn least(&self) -> Option<Duration> {
        self.least.get()
    }

    /// Whether something has been under way for too long on a path of this round trip and loss (0 to 1).
    pub fn is_long(&self, rtt: Duration, loss: f64, now: Instant) -> bool {
        let Some((least, first)) = self.least.get().zip(self.sent.front()) else { return false };
        let messages = (RARE.ln() / loss.clamp(0.001, 0.5).ln()).ceil() - 1.0;
        let usual = rtt.min(least + GROWN) + PATIENCE + MESSAGE.mul_f64(messages);
        now.saturating_duration_since(*first) > usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_not_reported_on_is_missed() {
        let (mut flight, start) = (Flight::default(), Instant::now());
        let is_long = |flight: &Flight, ms: u32| flight.is_long(40 * MS, 0.0, start + ms * MS);
        flight.on_sent(start);
        assert!(!is_long(&flight, 900), "no round trip is known");
        flight.on_rtt(40 * MS, start);
        assert!(!is_long(&flight, 210) && is_long(&flight, 211));
        flight.on_sent(start + 100 * MS);
        flight.on_told(start);
        assert!(!is_long(&flight, 310) && is_long(&flight, 311));
        flight.on_told(start + 100 * MS);
        assert!(!is_long(&flight, 9_000));
    }

    #[test]
    fn where_messages_get_lost_and_queues_are_usual_it_takes_longer() {
        let (mut flight, start) = (Flight::default(), Instant::now());
        flight.on_sent(start);
        flight.on_rtt(10 * MS, start);
        let patience = |rtt: u32, loss: f64| (0..2000).find(|ms| flight.is_long(rtt * MS, loss, start + *ms * MS));
        assert_eq!([0.0, 0.1, 0.3].map(|loss| patience(10, loss)), [Some(181), Some(281), Some(431)]);
        assert_eq!([60, 500].map(|rtt| patience(rtt, 0.0)), [Some(231), Some(331)]);
    }
}
