//! How much parity a path needs: none where nothing is lost; one or two packets to a frame where what is lost is asked for and comes again
//! before it is missed; more where that takes too long.

use std::time::{Duration, Instant};

/// Loss below the first needs no parity, above the second all that the round trip asks for: nearby, and where each loss that is repaired on
/// request freezes the picture.
const LOSS_FROM: (f64, f64) = (0.01, 0.003);
const LOSS_FULL: (f64, f64) = (0.03, 0.01);

/// Between these, each frame gets a second parity packet even nearby: what is asked for may get lost again.
const HEAVY_FROM: f64 = 0.10;
const HEAVY_FULL: f64 = 0.18;

/// Frames of fewer packets have that less often: on a narrow path, a parity packet to each would be as much as the picture.
const FEW: f64 = 4.0;

/// Heavier loss is not protected against: more parity would leave no room for pictures.
const MAX_LOSS: f64 = 0.35;

/// Repairs on request that take shorter than the first go unnoticed; longer than the second they freeze the picture.
const QUICK: f64 = 0.030;
const SLOW: f64 = 0.080;

/// What a request takes besides the round trip: the wait for reordering, timers, the pacer.
const REQUEST: f64 = 0.012;

/// Assumed before the round trip is known.
const RTT_GUESS: Duration = Duration::from_millis(50);

/// Spread of the loss that is covered, in standard deviations, of a frame and of a keyframe: everything waits for that one.
const SPREAD: f64 = 1.6;
const SPREAD_KEYFRAME: f64 = 2.5;

/// Parity packets that XOR needs beyond the packets that are lost, on average: not every set of them can be solved.
const SURPLUS: f64 = 0.5;

/// Parity takes no more than this share of pictures and parity.
const MAX_SHARE: f64 = 0.6;

/// After a queue stood in the path, its overflow stays in the smoothed loss for so long.
const AFTERMATH: Duration = Duration::from_secs(3);

/// The loss that parity helps against. What a full queue drops is not: parity would fill it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accident {
    loss: f64,
    congested_at: Option<Instant>,
}

impl Accident {
    /// The path's smoothed loss is `loss` and a queue stands in it or not. What part of it is to be protected against, 0 to 1.
    pub fn update(&mut self, loss: f64, congested: bool, now: Instant) -> f64 {
        if congested {
            self.congested_at = Some(now);
        }
        let explained = self.congested_at.is_some_and(|at| now.saturating_duration_since(at) < AFTERMATH);
        self.loss = if explained { self.loss.min(loss) } else { loss };
        self.loss
    }
}

/// How strongly a path is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Strength {
    loss: f64,
    /// Of what the loss calls for, 0 to 1.
    part: f64,
    /// Parity packets that each frame of [`FEW`] packets or more has at least: the last packet of a frame is missed only when something follows it, which otherwise is
    /// the next frame.
    least: f64,
}

impl Strength {
    /// For a path that loses `loss` (0 to 1) of everything and whose round trip takes `rtt`.
    pub fn new(loss: f64, rtt: Option<Duration>) -> Self {
        let loss = loss.clamp(0.0, MAX_LOSS);
        // Request and answer may both be lost, and are then repeated.
        let repair = (rtt.unwrap_or(RTT_GUESS).as_secs_f64() + REQUEST) / (1.0 - loss).powi(2);
        let slow = ((repair - QUICK) / (SLOW - QUICK)).clamp(0.0, 1.0);
        let between = |(near, far): (f64, f64)| near + (far - near) * slow;
        let (from, full) = (between(LOSS_FROM), between(LOSS_FULL));
        let lossy = ((loss - from) / (full - from)).clamp(0.0, 1.0);
        let heavy = ((loss - HEAVY_FROM) / (HEAVY_FULL - HEAVY_FROM)).clamp(0.0, 1.0);
        Self { loss, part: slow * lossy, least: lossy + heavy }
    }

    /// Parity packets for a group of `packets`, on average.
    pub fn packets(&self, packets: usize, keyframe: bool) -> f64 {
        self.wanted(packets as f64, if keyframe { SPREAD_KEYFRAME } else { SPREAD })
    }

    /// The share of parity in pictures and parity together, for groups of `usual` packets, 0 to 1.
    pub fn share(&self, usual: f64) -> f64 {
        let parity = self.wanted(usual, SPREAD);
        parity / (usual + parity).max(1.0)
    }

    fn wanted(&self, packets: f64, spread: f64) -> f64 {
        let lost = packets * self.loss;
        let covered = lost + spread * (lost * (1.0 - self.loss)).sqrt() + SURPLUS;
        // Parity gets lost like everything else.
        let wanted = self.part * covered / (1.0 - self.loss);
        let least = self.least * (packets / FEW).min(1.0);
        wanted.max(least).min(packets * MAX_SHARE / (1.0 - MAX_SHARE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(loss: f64, rtt: u64, packets: f64) -> f64 {
        Strength::new(loss, Some(Duration::from_millis(rtt))).share(packets)
    }

    #[test]
    fn a_path_without_loss_has_no_parity_however_long_it_is() {
        assert_eq!([1, 50, 300].map(|rtt| share(0.0, rtt, 6.0)), [0.0; 3]);
    }

    #[test]
    fn one_in_a_hundred_is_left_to_requests_nearby_and_far_away_to_parity() {
        assert_eq!(share(0.01, 1, 6.0), 0.0);
        assert!((0.1..0.2).contains(&share(0.01, 300, 6.0)), "{}", share(0.01, 300, 6.0));
    }

    #[test]
    fn a_short_path_repairs_on_request_and_has_a_parity_packet_or_two_to_a_frame() {
        let packets = [0.05, 0.1, 0.2].map(|loss| Strength::new(loss, Some(Duration::from_millis(1))).packets(6, false));
        assert_eq!(packets, [1.0, 1.0, 2.0]);
        assert_eq!(Strength::new(0.1, Some(Duration::from_millis(1))).packets(1, false), 0.25);
    }

    #[test]
    fn the_longer_the_path_and_the_more_it_loses_the_more_parity_there_is() {
        let rising = [share(0.05, 60, 6.0), share(0.1, 60, 6.0), share(0.1, 120, 6.0), share(0.2, 120, 6.0), share(0.3, 120, 6.0)];
        assert!(rising.is_sorted_by(|less, more| less <= more) && rising[0] > 0.0, "{rising:?}");
        assert!(rising[4] <= MAX_SHARE, "{rising:?}");
    }

    #[test]
    fn what_a_full_queue_drops_is_not_protected_against() {
        let (mut accident, now) = (Accident::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(accident.update(0.05, false, now), 0.05);
        assert_eq!(accident.update(0.2, true, now + second), 0.05);
        assert_eq!(accident.update(0.1, false, now + 3 * second), 0.05);
        assert_eq!(accident.update(0.02, false, now + 3 * second), 0.02);
        assert_eq!(accident.update(0.1, false, now + 5 * second), 0.1, "no queue explains it any more");
    }

    #[test]
    fn a_keyframe_is_protected_more() {
        let strength = Strength::new(0.1, Some(Duration::from_millis(120)));
        assert!(strength.packets(30, true) > strength.packets(30, false) + 1.0);
    }

    #[test]
    fn parity_grows_with_the_frame_and_weighs_more_on_small_ones() {
        let strength = Strength::new(0.2, Some(Duration::from_millis(120)));
        assert!(strength.packets(12, false) > strength.packets(6, false));
        assert!(strength.share(3.0) > strength.share(12.0));
    }
}
