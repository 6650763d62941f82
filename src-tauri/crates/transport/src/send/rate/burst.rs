//! How fast the packets of one picture may follow each other: as the path has shown that it takes them, and no faster than waiting
//! packets leave.

use super::train::Capacity;

/// Before anything is measured and at least, as factors of the target; after a cut, of what arrives; and at most, in bits a second.
const START: f64 = 0.8;
const LEAST: f64 = 1.15;
const AFTER_CUT: f64 = 1.25;
const MOST: f64 = 20e6;

/// Nothing slower than this share more is tried by trains.
const TRY: f64 = 1.5;

/// The rate of bursts.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    bps: f64,
    /// What the last probe that found room went at.
    clear: f64,
    known: bool,
}

impl Burst {
    /// Before anything is known of the path.
    pub fn new() -> Self {
        Self { bps: 0.0, clear: 0.0, known: false }
    }

    /// A train of packets measured the path.
    pub fn on_train(&mut self, capacity: Capacity) {
        self.bps = if capacity.saturated { capacity.bps } else { self.bps.max(capacity.bps * TRY) }.min(MOST);
    }

    /// A probe went through at `bps`. `more`: another follows. A shaper's bucket lets the first pass whatever comes behind it, so one
    /// that is followed by another is not trusted yet.
    pub fn on_clear(&mut self, bps: f64, more: bool) {
        self.bps = self.bps.max(if more { self.clear } else { bps });
        self.clear = bps;
        self.known = true;
    }

    /// A probe found the path's limit.
    pub fn on_limit(&mut self, bps: f64) {
        self.bps = bps;
    }

    /// A queue grew while `served` bits a second arrived.
    pub fn on_cut(&mut self, served: f64) {
        self.bps = self.bps.min(served * AFTER_CUT);
        self.known = true;
    }

    /// The call has gone on for long enough for the path to have shown what it takes: what the start's caution made wait may leave.
    pub fn on_settled(&mut self) {
        self.known = true;
    }

    /// What comes in bursts is lost at any rate, or nothing is known any more.
    pub fn end(&mut self) {
        self.bps = 0.0;
    }

    /// For the pacer, in bits a second. `starting`: the first probes are still going on. The first that came out slower than it went
    /// in is a warning too: what it means shows in what follows.
    pub fn pacing(&self, target: f64, starting: bool) -> f64 {
        let least = target * if starting || !self.known { START } else { LEAST };
        self.bps.clamp(least, MOST.max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_faster_than_the_target_until_the_path_is_known() {
        let mut burst = Burst::new();
        assert!(burst.pacing(300e3, true) < 300e3);
        burst.on_clear(0.9e6, true);
        assert!(burst.pacing(300e3, true) < 300e3, "a bucket may have let it pass");
        burst.on_clear(1.8e6, true);
        assert_eq!(burst.pacing(300e3, true), 0.9e6);
        burst.on_clear(3e6, false);
        assert_eq!(burst.pacing(300e3, false), 3e6);
    }

    #[test]
    fn caution_ends_even_if_no_probe_came_through() {
        let mut burst = Burst::new();
        burst.on_settled();
        assert!(burst.pacing(300e3, true) < 300e3);
        assert!(burst.pacing(300e3, false) > 300e3);
    }

    #[test]
    fn trains_that_pass_let_faster_ones_follow() {
        let mut burst = Burst::new();
        burst.on_train(Capacity { bps: 4e6, saturated: false });
        assert_eq!(burst.pacing(1e6, false), 6e6);
        burst.on_train(Capacity { bps: 5e6, saturated: true });
        assert_eq!(burst.pacing(1e6, false), 5e6);
    }

    #[test]
    fn what_waits_drains_even_when_bursts_are_bad() {
        let mut burst = Burst::new();
        burst.on_cut(500e3);
        burst.end();
        assert!(burst.pacing(400e3, false) > 400e3);
    }
}
