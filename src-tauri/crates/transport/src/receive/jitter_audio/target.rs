//! How far behind the fastest packet to play.
//!
//! A histogram of how late packets were, which forgets, tells what a delay costs: itself, and the packets that would still be late.
//! The target is where both together are least, as in NetEq's delay manager. So one stall in a minute is not waited for ever after,
//! and jitter is covered to its end. What arrives in one burst counts once, by its slowest: a stall is one event.

use std::time::{Duration, Instant};

use super::PACKET_MICROS;
use crate::receive::delay::{Delays, micros};

/// What a packet in a hundred that comes late is worth, in microseconds of delay for all.
const MICROS_PER_PERCENT: f32 = 40_000.0;

/// The histogram's resolution in microseconds and its size.
const BIN_MICROS: i64 = 2_000;
const BINS: usize = 250;
/// What a packet's weight is when the next has come: 10 s of packets count.
const MEMORY: f32 = 0.998;

/// Arrivals closer than this came in one burst.
const BURST: Duration = Duration::from_millis(8);

/// The target before enough packets have come to know better.
const INITIAL_MICROS: i64 = 10_000;
const ENOUGH: u32 = 10;
const MAX_MICROS: i64 = 500_000;

/// What all of so many arrivals (6 s) stayed within is enough, whatever came before.
const CALM: usize = 300;

/// How fast the target falls: a share of time, and one of what is too much each second.
const FALL: f64 = 0.02;
const FALL_OF_EXCESS: f64 = 0.5;

/// With loss on the path, the target leaves room for the packet after a lost one, whose FEC fills the hole.
const LOSS_FOR_FEC: f64 = 0.02;
const FEC_MICROS: i64 = 25_000;
/// The same for packets that carry more than one earlier packet along, and how many are waited for at most.
const REDUNDANCY_MARGIN_MICROS: i64 = 5_000;
const MAX_REDUNDANCY: usize = 4;

/// Pulls are not punctual either.
const MARGIN_MICROS: i64 = 3_000;

/// The playout delay aimed at, behind the fastest packet.
#[derive(Debug)]
pub struct Target {
    micros: i64,
    followed_at: Option<Instant>,
    histogram: Histogram,
    /// When the last burst began, and its slowest.
    burst: Option<(Instant, i64)>,
    loss: f64,
    /// Earlier packets that each packet carries along.
    redundancy: i64,
}

impl Default for Target {
    fn default() -> Self {
        let histogram = Histogram::default();
        Self { micros: INITIAL_MICROS, followed_at: None, histogram, burst: None, loss: 0.0, redundancy: 0 }
    }
}

impl Target {
    /// In microseconds.
    pub fn micros(&self) -> i64 {
        self.micros
    }

    /// A packet was `late` microseconds behind the fastest.
    pub fn learn(&mut self, late: i64, now: Instant) {
        match &mut self.burst {
            Some((began, slowest)) if now.saturating_duration_since(*began) < BURST => *slowest = late.max(*slowest),
            burst => {
                if let Some((_, slowest)) = burst.replace((now, late)) {
                    self.histogram.add(slowest);
                }
            }
        }
    }

    /// A packet is there in time. Repaired packets were lost as far as FEC is concerned.
    pub fn on_packet(&mut self, repaired: bool) {
        self.loss += (f64::from(u8::from(repaired)) - self.loss) / 128.0;
    }

    pub fn on_lost(&mut self) {
        self.loss += (1.0 - self.loss) / 128.0;
    }

    /// Packets carry so many earlier ones along.
    pub fn set_redundancy(&mut self, packets: usize) {
        self.redundancy = packets.min(MAX_REDUNDANCY) as i64;
    }

    /// Rises at once, falls slowly.
    pub fn follow(&mut self, delays: &mut Delays, now: Instant) {
        let elapsed = self.followed_at.map_or(0, |last| micros(now, last)).clamp(0, 1_000_000);
        self.followed_at = Some(now);
        let (Some(fastest), true) = (delays.minimum(), self.histogram.packets >= ENOUGH) else { return };
        let calm = delays.percentile(1.0, CALM).map_or(0, |slowest| slowest - fastest);
        let repairs = FEC_MICROS.max(self.redundancy * PACKET_MICROS + REDUNDANCY_MARGIN_MICROS);
        let floor = if self.loss > LOSS_FOR_FEC { repairs } else { 0 };
        let wanted = (self.histogram.cheapest().min(calm) + MARGIN_MICROS).clamp(floor, MAX_MICROS);
        let excess = (self.micros - wanted).max(0) as f64 / 1e6;
        let fallen = self.micros - (elapsed as f64 * (FALL + FALL_OF_EXCESS * excess)) as i64;
        self.micros = wanted.max(fallen);
    }
}

/// Which share of the packets was how late, newer ones counting more.
#[derive(Debug)]
struct Histogram {
    shares: [f32; BINS],
    packets: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { shares: [0.0; BINS], packets: 0 }
    }
}

impl Histogram {
    fn add(&mut self, late: i64) {
        self.packets = self.packets.saturating_add(1);
        // At first all count alike.
        let kept = MEMORY.min(1.0 - 1.0 / self.packets as f32);
        self.shares.iter_mut().for_each(|share| *share *= kept);
        let bin = (late / BIN_MICROS).clamp(0, BINS as i64 - 1) as usize;
        self.shares[bin] += 1.0 - kept;
    }

    /// The delay, in microseconds, that costs least together with what comes later than that.
    fn cheapest(&self) -> i64 {
        let mut beyond: f32 = self.shares.iter().sum();
        let mut best = (f32::INFINITY, 0);
        for (share, bound) in self.shares.iter().zip((1..).map(|bin: i64| bin * BIN_MICROS)) {
            beyond -= share;
            let cost = bound as f32 + MICROS_PER_PERCENT * 100.0 * beyond.max(0.0);
            if cost < best.0 {
                best = (cost, bound);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheapest(late: impl IntoIterator<Item = i64>) -> i64 {
        let mut histogram = Histogram::default();
        late.into_iter().for_each(|late| histogram.add(late));
        histogram.cheapest()
    }

    #[test]
    fn a_clean_path_asks_for_next_to_nothing() {
        assert!(cheapest((0..500).map(|packet| packet % 900)) <= 2_000);
    }

    #[test]
    fn even_jitter_is_covered_to_its_end() {
        let target = cheapest((0..2000).map(|packet| packet * 7919 % 50_000));
        assert!((48_000..=52_000).contains(&target), "{target}");
    }

    #[test]
    fn a_rare_stall_is_not_waited_for() {
        let stall = |packet: i64| if packet % 500 < 10 { 200_000 - packet % 500 * 20_000 } else { 1_000 };
        assert!(cheapest((0..2000).map(stall)) <= 25_000);
    }

    #[test]
    fn frequent_stalls_are() {
        let stall = |packet: i64| if packet % 50 < 3 { 60_000 - packet % 50 * 20_000 } else { 1_000 };
        assert!(cheapest((0..2000).map(stall)) >= 58_000);
    }

    #[test]
    fn what_was_half_a_minute_ago_is_forgotten() {
        let late = (0..1000).map(|packet| packet * 7919 % 100_000).chain((0..2500).map(|_| 500));
        assert!(cheapest(late) <= 4_000);
    }
}
