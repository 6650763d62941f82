//! How fast a sound card really runs. Pure.
//!
//! A card of 48,000 samples a second is off by up to 200 ppm of the system's clock, and two cards are by as much of each other: within
//! minutes what one plays and the other hears are apart by more than an echo canceller bears, and a listener's buffer runs dry or full.
//!
//! A delay-locked loop of second order (F. Adriaensen, "Using a DLL to filter time", LAC 2005) follows when samples come, second by
//! second: a second's callbacks count by the mean of their middle half, so that neither their jitter nor a stall is taken for drift.
//! At first its gains are those of a line through all seconds so far (the expanding memory of N. Morrison, "Introduction to Sequential
//! Smoothing and Prediction", 1969), which finds the rate in ten of them; later ones those of a narrow loop, which holds it.

use std::f64::consts::{SQRT_2, TAU};
use std::time::Instant;

/// The loop's bandwidth in hertz: a crystal's warming up takes minutes.
const BANDWIDTH: f64 = 0.003;
/// A second that is this far off its place, in seconds, is no drift: samples were lost or the device stood still.
const GAP: f64 = 0.003;
/// After so many gaps in a row, what was learnt is wrong.
const GAPS: u32 = 8;
/// Seconds after which the rate is known well enough to be used.
const ENOUGH: u32 = 10;
/// No card is further off, as a share of its rate.
const MOST: f64 = 0.001;

/// The rate of one stream of a sound card.
pub struct Drift {
    /// What it says.
    nominal: f64,
    start: Option<Instant>,
    /// Since the start, and when the second that is being collected began.
    samples: u64,
    began: u64,
    /// How much later than its samples say each callback of this second came, in seconds.
    late: Vec<f64>,
    line: Line,
}

/// How much later than its samples say the stream is, second by second.
#[derive(Default)]
struct Line {
    /// Seconds that were learnt from.
    seconds: u32,
    gaps: u32,
    /// The last second's place, and what a second adds, both in seconds.
    place: f64,
    slope: f64,
    /// What the next second adds besides, to come to its place.
    bend: f64,
}

impl Drift {
    /// Of a stream of `nominal` samples of each channel a second.
    pub fn new(nominal: u32) -> Self {
        Self { nominal: f64::from(nominal.max(1)), start: None, samples: 0, began: 0, late: Vec::new(), line: Line::default() }
    }

    /// Takes a callback of `samples` of each channel, the first of which passes the device at `at` as far as that can be told.
    pub fn push(&mut self, samples: usize, at: Instant) {
        let start = *self.start.get_or_insert(at);
        let since = at.saturating_duration_since(start).as_secs_f64() - start.saturating_duration_since(at).as_secs_f64();
        self.late.push(since - self.samples as f64 / self.nominal);
        self.samples += samples as u64;
        let length = (self.samples - self.began) as f64 / self.nominal;
        if length >= 1.0 {
            self.line.push(middle(&mut self.late), length);
            self.late.clear();
            self.began = self.samples;
        }
    }

    /// Samples of each channel that pass in a second of the system's clock.
    pub fn rate(&self) -> f64 {
        self.nominal / (1.0 + self.line.excess())
    }
}

impl Line {
    /// A further second, `length` seconds long by its samples, is at `place`.
    fn push(&mut self, place: f64, length: f64) {
        let expected = self.place + self.slope * length;
        let error = place - expected;
        if self.seconds > 0 && error.abs() > GAP {
            (self.place, self.bend, self.gaps) = (place, 0.0, self.gaps + 1);
            if self.gaps > GAPS {
                *self = Self { place, seconds: 1, ..Self::default() };
            }
            return;
        }
        self.gaps = 0;
        self.seconds = self.seconds.saturating_add(1);
        let (n, omega) = (f64::from(self.seconds), TAU * BANDWIDTH * length);
        let narrow = (SQRT_2 * omega, omega * omega);
        let line = (2.0 * (2.0 * n - 1.0) / (n * (n + 1.0)), if n > 1.0 { 6.0 / (n * (n + 1.0)) } else { 0.0 });
        self.place = expected + line.0.max(narrow.0) * error;
        self.slope += line.1.max(narrow.1).min(1.0) * error / length;
        self.bend = narrow.0 * error / length;
    }

    /// What a second of samples takes longer than a second. With the bend, all samples together never leave their place.
    fn excess(&self) -> f64 {
        if self.seconds < ENOUGH { 0.0 } else { (self.slope + self.bend).clamp(-MOST, MOST) }
    }
}

/// The mean of the middle half.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let quarter = values.len() / 4;
    let half = &values[quarter..values.len() - quarter];
    half.iter().sum::<f64>() / half.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Repeatable, from 0 to 1.
    fn noise(index: u64) -> f64 {
        (index.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A card that is off by `ppm` and calls each `samples`; `late` says by how many seconds call number n at the n-th second is.
    struct Card {
        drift: Drift,
        start: Instant,
        rate: f64,
        samples: usize,
        calls: u64,
    }

    impl Card {
        fn new(ppm: f64, samples: usize) -> Self {
            let start = Instant::now() + Duration::from_secs(10);
            Self { drift: Drift::new(48_000), start, rate: 48_000.0 * (1.0 + ppm / 1e6), samples, calls: 0 }
        }

        fn run(&mut self, seconds: f64, late: impl Fn(u64, f64) -> f64) -> &mut Self {
            let until = self.at() + seconds;
            while self.at() < until {
                let at = self.at() + late(self.calls, self.at());
                let at = if at < 0.0 { self.start - Duration::from_secs_f64(-at) } else { self.start + Duration::from_secs_f64(at) };
                self.drift.push(self.samples, at);
                self.calls += 1;
            }
            self
        }

        fn at(&self) -> f64 {
            self.calls as f64 * self.samples as f64 / self.rate
        }

        /// By how much the estimate is off.
        fn error_ppm(&self) -> f64 {
            ((self.drift.rate() / self.rate - 1.0) * 1e6).abs()
        }
    }

    #[test]
    fn a_punctual_cards_rate_is_known_within_ten_seconds() {
        for ppm in [-200.0, -35.0, 0.0, 200.0, 900.0] {
            let mut card = Card::new(ppm, 480);
            assert_eq!(card.run(9.0, |_, _| 0.0).drift.rate(), 48_000.0, "not a guess before");
            assert!(card.run(3.0, |_, _| 0.0).error_ppm() < 0.5, "{ppm}: {}", card.error_ppm());
        }
    }

    #[test]
    fn callbacks_that_come_late_by_this_or_that_are_no_drift() {
        // Late by up to 5 ms; three at once each 30 ms; buffers of 43 ms that come to the millisecond.
        let jitter = |call: u64, _: f64| noise(call) * 0.005;
        let bursts = |call: u64, _: f64| (2 - call % 3) as f64 * 0.01 + noise(call) * 0.001;
        let coarse = |_: u64, at: f64| (at * 1000.0).ceil() / 1000.0 - at;
        let ways: [&dyn Fn(u64, f64) -> f64; 3] = [&jitter, &bursts, &coarse];
        for (number, (late, samples)) in ways.into_iter().zip([480, 480, 2048]).enumerate() {
            for ppm in [-200.0, 0.0, 200.0] {
                let mut card = Card::new(ppm, samples);
                let mut worst = card.run(40.0, late).error_ppm();
                for _ in 0..600 {
                    worst = worst.max(card.run(1.0, late).error_ppm());
                }
                println!("way {number}, {ppm} ppm: {worst:.1} ppm off at worst");
                assert!(worst < 30.0, "way {number}, {ppm} ppm: {worst}");
            }
        }
    }

    #[test]
    fn a_stall_and_lost_samples_do_not_bend_the_rate() {
        // A fifth of a second without callbacks, then all at once; 50 ms of samples that never come; a minute's pause.
        let stall = |_: u64, at: f64| (100.2 - at).max(0.0) * f64::from(u8::from(at >= 100.0));
        let lost = |_: u64, at: f64| if at >= 100.0 { 0.05 } else { 0.0 };
        let pause = |_: u64, at: f64| if at >= 100.0 { 60.0 } else { 0.0 };
        let ways: [&dyn Fn(u64, f64) -> f64; 3] = [&stall, &lost, &pause];
        for (number, late) in ways.into_iter().enumerate() {
            let mut card = Card::new(150.0, 480);
            card.run(98.0, late);
            for second in 0..20 {
                let error = card.run(1.0, late).error_ppm();
                assert!(error < 2.0, "way {number}, {second} s: {error}");
            }
        }
    }

    #[test]
    fn a_crystal_that_warms_up_is_followed() {
        let mut card = Card::new(0.0, 480);
        // Within five minutes by 30 ppm.
        let late = |_: u64, at: f64| -15e-6 * at.min(300.0).powi(2) / 300.0 - 30e-6 * (at - 300.0).max(0.0);
        card.run(600.0, late);
        card.rate *= 1.00003;
        assert!(card.error_ppm() < 3.0, "{}", card.error_ppm());
    }

    #[test]
    fn a_card_that_changes_its_rate_is_learnt_anew_and_one_that_says_nothing_true_is_left_alone() {
        let mut card = Card::new(0.0, 480);
        card.run(60.0, |_, _| 0.0);
        // From then on a hundredth slower: no card's drift.
        card.run(60.0, |_, at| (at - 60.0).max(0.0) * 0.01);
        assert!((card.drift.rate() / 48_000.0 - 1.0).abs() <= MOST * 1.01, "{}", card.drift.rate());
        let mut wild = Card::new(0.0, 480);
        wild.run(120.0, |call, _| noise(call) * 2.0);
        assert!((wild.drift.rate() / 48_000.0 - 1.0).abs() <= MOST * 1.01, "{}", wild.drift.rate());
    }

    #[test]
    fn all_samples_together_stay_in_their_place() {
        // What a resampler makes of them, an hour long, with callbacks that are late by up to 5 ms.
        let mut card = Card::new(200.0, 480);
        card.run(30.0, |call, _| noise(call) * 0.005);
        let (mut made, start) = (0.0, card.at());
        for _ in 0..3600 {
            let before = card.calls;
            card.run(1.0, |call, _| noise(call) * 0.005);
            made += (card.calls - before) as f64 * 480.0 / card.drift.rate();
        }
        let off = made - (card.at() - start);
        assert!(off.abs() < 0.001, "{off} s");
    }
}
