//! What TCP would send under the same loss and round trip (RFC 5348 §3.1), in bytes, so that small packets count for what they weigh.
//!
//! It is what a call keeps to beside downloads that fill a queue ([`super::contention`]), and what it does not go below on a path that
//! may have been full before the call came ([`Floor`]).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A call is worth this many downloads: one that is starved is of no use to anybody.
const WEIGHT: f64 = 1.8;
/// TCP's segment, in bytes.
const SEGMENT: f64 = 1_460.0;
/// RFC 5348 §5.4: the weights of the last loss intervals, the newest first.
const WEIGHTS: [f64; 8] = [1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2];

/// A round trip this long may be a queue that was there before, and a loss this young may be its overflow.
pub const LONG: Duration = Duration::from_millis(100);
const YOUNG: Duration = Duration::from_secs(8);
/// The floor is never above this, in bits a second.
const MOST: f64 = 700_000.0;

/// What delay and loss do not take from a call on a path that takes long and loses packets, without a queue that is seen to grow.
///
/// If the call came to a queue that others keep full, it takes the least delay that it has seen for that of the path, and every loss for
/// a reason to send less, which helps nobody. If the path is a far and lossy one, what TCP would send does no harm.
#[derive(Debug, Default)]
pub struct Floor {
    losses: Intervals,
}

impl Floor {
    /// A packet that feedback covers.
    pub fn on_packet(&mut self, sent: Instant, size: usize, lost: bool, rtt: Duration) {
        self.losses.add(sent, size, lost, rtt);
    }

    /// In bits a second; `None` if nothing speaks for one. `own`: a queue that there is falls when less is sent.
    pub fn bps(&self, rtt: Duration, own: bool, now: Instant) -> Option<f64> {
        let young = self.losses.event_at().is_some_and(|at| now.saturating_duration_since(at) < YOUNG);
        (young && !own && rtt >= LONG).then(|| rate_at(self.losses.mean(), rtt).min(MOST))
    }
}

/// RFC 5348 §3.1 without its term for time-outs, with one loss in `interval` segments.
pub fn rate_at(interval: f64, rtt: Duration) -> f64 {
    WEIGHT * SEGMENT * 8.0 / rtt.as_secs_f64().max(0.01) * (1.5 * interval).sqrt()
}

fn interval_at(bps: f64, rtt: Duration) -> f64 {
    (bps * rtt.as_secs_f64().max(0.01) / (WEIGHT * SEGMENT * 8.0)).powi(2) / 1.5
}

/// Segments between losses; losses within a round trip count once (RFC 5348 §5).
#[derive(Debug, Default)]
pub struct Intervals {
    closed: VecDeque<f64>,
    open: f64,
    event_at: Option<Instant>,
}

impl Intervals {
    /// Of a path that would leave `bps` bits a second.
    pub fn beginning_at(bps: f64, rtt: Duration) -> Self {
        Self { closed: VecDeque::from([interval_at(bps, rtt)]), ..Self::default() }
    }

    /// When the last loss was sent.
    pub fn event_at(&self) -> Option<Instant> {
        self.event_at
    }

    pub fn add(&mut self, sent: Instant, size: usize, lost: bool, rtt: Duration) {
        self.open += size as f64 / SEGMENT;
        let again = self.event_at.is_some_and(|at| sent.saturating_duration_since(at) < rtt);
        if lost && !again {
            self.event_at = Some(sent);
            self.closed.push_front(std::mem::take(&mut self.open));
            self.closed.truncate(WEIGHTS.len());
        }
    }

    /// §5.4: the open interval counts if it makes the mean longer.
    pub fn mean(&self) -> f64 {
        let mean = |intervals: &mut dyn Iterator<Item = f64>| {
            let (sum, weights) =
                intervals.zip(WEIGHTS).fold((0.0, 0.0), |(sum, all), (interval, weight)| (sum + interval * weight, all + weight));
            if weights > 0.0 { sum / weights } else { 0.0 }
        };
        let closed = mean(&mut self.closed.iter().copied());
        closed.max(mean(&mut std::iter::once(self.open).chain(self.closed.iter().copied()))).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const RTT: Duration = Duration::from_millis(100);

    #[test]
    fn what_is_fair_follows_the_loss_and_the_round_trip() {
        // RFC 5348's equation at one loss in a hundred segments and 100 ms: 1.43 Mb/s for one connection.
        let one = rate_at(100.0, RTT) / WEIGHT;
        assert!((one - 1.43e6).abs() < 0.01e6, "{one}");
        assert!((interval_at(rate_at(100.0, RTT), RTT) - 100.0).abs() < 1e-6);
    }

    #[test]
    fn losses_within_a_round_trip_count_once() {
        let (mut intervals, start) = (Intervals::default(), Instant::now());
        for packet in 0..1000u32 {
            intervals.add(start + packet * 10 * MS, 1_460, packet % 100 < 5, RTT);
        }
        assert!((intervals.mean() - 100.0).abs() < 10.0, "{}", intervals.mean());
    }

    #[test]
    fn there_is_a_floor_on_long_paths_that_lose_packets_unless_their_queue_is_ours() {
        let (mut floor, start) = (Floor::default(), Instant::now());
        for packet in 0..500u32 {
            floor.on_packet(start + packet * 10 * MS, 1_460, packet % 100 == 99, RTT);
        }
        let now = start + 5000 * MS;
        assert_eq!(floor.bps(RTT, false, now), Some(MOST));
        let far = floor.bps(RTT * 5, false, now).unwrap();
        assert!((far / 1e6 - 0.5).abs() < 0.05, "{far}");
        assert_eq!(floor.bps(RTT, true, now), None);
        assert_eq!(floor.bps(RTT / 2, false, now), None);
        assert_eq!(floor.bps(RTT, false, now + 10_000 * MS), None);
    }
}
