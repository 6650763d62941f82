//! What share of what is sent feedback tells of at all: its messages get lost like everything else, and what they would have told of is
//! then missing from what is known to arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The share is that of so long a time.
const WINDOW: Duration = Duration::from_secs(1);
const MAX_KEPT: usize = 8_192;

/// Less than this is not made up for: what little is told says too little of the rest.
const LEAST: f64 = 0.25;

/// When packets left, all of them and those that feedback told of.
#[derive(Debug, Default)]
pub struct Coverage {
    sent: VecDeque<Instant>,
    told: VecDeque<Instant>,
}

impl Coverage {
    /// A packet left.
    pub fn on_sent(&mut self, now: Instant) {
        push(&mut self.sent, now);
    }

    /// Feedback told of a packet that left at `sent`, in order of sending.
    pub fn on_told(&mut self, sent: Instant) {
        push(&mut self.told, sent);
    }

    /// The share of the packets that left in the second before the newest that was told of, [`LEAST`] to 1.
    pub fn share(&self) -> f64 {
        let Some(&newest) = self.told.back() else { return 1.0 };
        let within = |times: &VecDeque<Instant>| times.iter().rev().filter(|at| **at <= newest && newest - **at < WINDOW).count() as f64;
        (within(&self.told) / within(&self.sent).max(1.0)).clamp(LEAST, 1.0)
    }
}

fn push(times: &mut VecDeque<Instant>, at: Instant) {
    times.push_back(at);
    // What is told of is behind what is sent by a round trip.
    while times.len() > MAX_KEPT || times.front().is_some_and(|first| at.saturating_duration_since(*first) > 2 * WINDOW) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_lost_messages_would_have_told_of_is_known_to_be_missing() {
        let (mut coverage, start) = (Coverage::default(), Instant::now());
        assert_eq!(coverage.share(), 1.0);
        for packet in 0..300u32 {
            let at = start + packet * 10 * MS;
            coverage.on_sent(at);
            // A message tells of five packets; every third is lost.
            if packet / 5 % 3 > 0 {
                coverage.on_told(at);
            }
        }
        assert!((coverage.share() - 2.0 / 3.0).abs() < 0.05, "{}", coverage.share());
        let later = start + 3_100 * MS;
        coverage.on_sent(later);
        coverage.on_told(later);
        assert!(coverage.share() > 0.6, "{}", coverage.share());
    }

    #[test]
    fn of_a_path_that_loses_no_feedback_all_is_told() {
        let (mut coverage, start) = (Coverage::default(), Instant::now());
        for packet in 0..1_000u32 {
            coverage.on_sent(start + packet * MS);
            if let Some(told) = packet.checked_sub(200) {
                coverage.on_told(start + told * MS);
                assert_eq!(coverage.share(), 1.0, "{packet}");
            }
        }
    }
}
