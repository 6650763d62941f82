//! Which picture each subscriber of a stream gets: pure.
//!
//! With dual stream there are two, and with a fallback to sound there may be none. A subscriber who can take far less than another gets
//! the small picture instead of dragging the large one down for all; one who cannot even take that hears the sound alone. A fall needs
//! [`BRIEF`], a raise needs [`PATIENCE`] of a better target, which the connection's probes find; each raise that did not last doubles it.

use std::ops::{Index, IndexMut};
use std::time::{Duration, Instant};

use signal::{Fallback, Layer, StreamType, Want};

/// How long a target has to be too low.
const BRIEF: Duration = Duration::from_millis(1500);
/// A connection that has just begun may still find its bitrate, unless that is less than half of what is needed.
const START: Duration = Duration::from_secs(3);
/// How long a target has to be good enough for the better layer, and the longest that failed raises make it.
const PATIENCE: Duration = Duration::from_secs(4);
const MOST_PATIENCE: Duration = Duration::from_secs(64);
/// A raise that is taken back sooner than this has failed.
const TRIAL: Duration = Duration::from_secs(10);
/// Whoever can take less than this share of the best subscriber's target drags the others down, unless it is this much or more, in bits
/// a second: that makes a picture which nobody complains of.
const FAR_BELOW: u32 = 3;
const DECENT: u32 = 400_000;
/// The large picture is worth it only if it may be so many times as large as the small one.
const WORTH: u32 = 2;
/// A small picture that has to do with less than this share of its bitrate is none, in percent; without dual stream, less than this many
/// bits a second.
const PICTURE: u32 = 80;
const ANY_PICTURE: u32 = 40_000;
/// A connection that has nothing left for pictures says 30 kb/s.
const NOTHING: u32 = 32_000;
/// How much more than a layer needs a target must be for a raise, in percent.
const MARGIN: u32 = 130;

/// One of something for each picture.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Each<T> {
    high: T,
    low: T,
}

impl<T> Index<StreamType> for Each<T> {
    type Output = T;

    fn index(&self, stream_type: StreamType) -> &T {
        match stream_type {
            StreamType::High => &self.high,
            StreamType::Low => &self.low,
        }
    }
}

impl<T> IndexMut<StreamType> for Each<T> {
    fn index_mut(&mut self, stream_type: StreamType) -> &mut T {
        match stream_type {
            StreamType::High => &mut self.high,
            StreamType::Low => &mut self.low,
        }
    }
}

/// What there is to choose by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    /// The small picture's bitrate, in bits per second; `None` without dual stream.
    pub low_bps: Option<u32>,
    /// What the best subscriber of all can take of the large picture, in bits per second.
    pub best_bps: u32,
    /// What this one can take.
    pub target_bps: u32,
}

/// One subscriber's layer.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub want: Want,
    layer: Layer,
    /// When the first choice was made.
    began: Option<Instant>,
    below: Option<Instant>,
    above: Option<Instant>,
    raised: Option<Instant>,
    /// How many raises in a row failed.
    failures: u32,
}

impl Choice {
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// What this subscriber gets from now on.
    pub fn update(&mut self, situation: &Situation, now: Instant) -> Layer {
        let starting = since(&mut self.began, now) < START;
        let layers = self.layers(situation.low_bps.is_some());
        let Some(place) = layers.iter().position(|layer| *layer == self.layer) else {
            // Not to be had any more: the best that is.
            self.become_layer(layers[0]);
            return self.layer;
        };
        let worse = layers.get(place + 1).filter(|_| situation.target_bps < need(self.layer, situation));
        let better = place.checked_sub(1).map(|better| layers[better]);
        let better =
            better.filter(|better| u64::from(situation.target_bps) * 100 >= u64::from(need(*better, situation)) * u64::from(MARGIN));
        match (worse, better) {
            (Some(&worse), _) => {
                self.above = None;
                let finding = starting && situation.target_bps >= need(self.layer, situation) / 2;
                if since(&mut self.below, now) >= BRIEF && !finding {
                    let failed = self.raised.is_some_and(|raised| now.saturating_duration_since(raised) < TRIAL);
                    self.failures = if failed { self.failures + 1 } else { 0 };
                    self.raised = None;
                    self.become_layer(worse);
                }
            }
            (None, Some(better)) => {
                self.below = None;
                if since(&mut self.above, now) >= PATIENCE.saturating_mul(1 << self.failures.min(8)).min(MOST_PATIENCE) {
                    self.raised = Some(now);
                    self.become_layer(better);
                }
            }
            (None, None) => (self.below, self.above) = (None, None),
        }
        self.layer
    }

    fn become_layer(&mut self, layer: Layer) {
        (self.layer, self.below, self.above) = (layer, None, None);
    }

    /// The layers that this subscriber may have, best first.
    fn layers(&self, dual: bool) -> Vec<Layer> {
        let Want { stream_type, fallback } = self.want;
        let mut layers = vec![if dual { stream_type.into() } else { Layer::High }];
        if dual && fallback >= Fallback::Low && layers[0] == Layer::High {
            layers.push(Layer::Low);
        }
        if fallback == Fallback::Sound {
            layers.push(Layer::Sound);
        }
        layers
    }
}

fn since(start: &mut Option<Instant>, now: Instant) -> Duration {
    now.saturating_duration_since(*start.get_or_insert(now))
}

/// The target below which the next worse layer is better, in bits a second.
fn need(layer: Layer, situation: &Situation) -> u32 {
    let picture = situation.low_bps.map_or(ANY_PICTURE, |low| (u64::from(low) * u64::from(PICTURE) / 100) as u32).max(NOTHING);
    match (layer, situation.low_bps) {
        (Layer::High, Some(low)) => (situation.best_bps / FAR_BELOW).min(DECENT).max(low.saturating_mul(WORTH)),
        (Layer::High | Layer::Low, _) => picture,
        (Layer::Sound, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DUAL: Situation = Situation { low_bps: Some(50_000), best_bps: 900_000, target_bps: 900_000 };
    const SINGLE: Situation = Situation { low_bps: None, ..DUAL };

    fn choice(stream_type: StreamType, fallback: Fallback) -> Choice {
        Choice { want: Want { stream_type, fallback }, ..Choice::default() }
    }

    /// What a subscriber has after so many seconds with this target.
    fn run(choice: &mut Choice, now: &mut Instant, situation: Situation, kbps: u32, seconds: u32) -> Layer {
        for _ in 0..seconds * 10 {
            *now += Duration::from_millis(100);
            choice.update(&Situation { target_bps: kbps * 1000, ..situation }, *now);
        }
        choice.layer()
    }

    #[test]
    fn a_weak_subscriber_gets_the_small_picture_and_the_large_one_again_when_it_can() {
        let (mut weak, mut now) = (choice(StreamType::High, Fallback::Low), Instant::now());
        assert_eq!(run(&mut weak, &mut now, DUAL, 310, 60), Layer::High);
        assert_eq!(run(&mut weak, &mut now, DUAL, 250, 1), Layer::High);
        assert_eq!(run(&mut weak, &mut now, DUAL, 250, 1), Layer::Low);
        assert_eq!(run(&mut weak, &mut now, DUAL, 310, 60), Layer::Low);
        assert_eq!(run(&mut weak, &mut now, DUAL, 400, 3), Layer::Low);
        assert_eq!(run(&mut weak, &mut now, DUAL, 400, 2), Layer::High);
        assert_eq!(run(&mut weak, &mut now, DUAL, 10, 60), Layer::Low);
    }

    #[test]
    fn a_newcomer_has_three_seconds_to_find_its_bitrate_unless_it_is_far_off() {
        let (mut newcomer, mut now) = (choice(StreamType::High, Fallback::Low), Instant::now());
        assert_eq!(run(&mut newcomer, &mut now, DUAL, 200, 2), Layer::High);
        assert_eq!(run(&mut newcomer, &mut now, DUAL, 200, 2), Layer::Low);
        let mut poor = choice(StreamType::High, Fallback::Low);
        assert_eq!(run(&mut poor, &mut now, DUAL, 140, 2), Layer::Low);
    }

    #[test]
    fn alone_or_decent_a_subscriber_keeps_the_large_picture() {
        let (mut alone, mut now) = (choice(StreamType::High, Fallback::Low), Instant::now());
        assert_eq!(run(&mut alone, &mut now, Situation { best_bps: 150_000, ..DUAL }, 150, 60), Layer::High);
        assert_eq!(run(&mut alone, &mut now, Situation { best_bps: 90_000, ..DUAL }, 90, 60), Layer::Low);
        let mut decent = choice(StreamType::High, Fallback::Low);
        assert_eq!(run(&mut decent, &mut now, Situation { best_bps: 9_000_000, ..DUAL }, 450, 60), Layer::High);
    }

    #[test]
    fn sound_alone_is_the_last_resort_with_or_without_dual_stream() {
        for (situation, back) in [(DUAL, Layer::Low), (SINGLE, Layer::High)] {
            let (mut poor, mut now) = (choice(StreamType::High, Fallback::Sound), Instant::now());
            assert_eq!(run(&mut poor, &mut now, situation, 30, 5), Layer::Sound);
            assert_eq!(run(&mut poor, &mut now, situation, 45, 60), Layer::Sound);
            assert_eq!(run(&mut poor, &mut now, situation, 60, 5), back);
        }
    }

    #[test]
    fn who_allows_no_fallback_keeps_what_it_wants() {
        for (stream_type, layer) in [(StreamType::High, Layer::High), (StreamType::Low, Layer::Low)] {
            let (mut stubborn, mut now) = (choice(stream_type, Fallback::Off), Instant::now());
            assert_eq!(run(&mut stubborn, &mut now, DUAL, 30, 60), layer);
            assert_eq!(run(&mut stubborn, &mut now, DUAL, 900, 60), layer);
        }
    }

    #[test]
    fn a_wish_counts_at_once_and_without_dual_stream_there_is_one_picture() {
        let (mut choice, now) = (choice(StreamType::Low, Fallback::Low), Instant::now());
        assert_eq!(choice.update(&DUAL, now), Layer::Low);
        assert_eq!(choice.update(&SINGLE, now), Layer::High);
        choice.want.stream_type = StreamType::High;
        assert_eq!(choice.update(&DUAL, now), Layer::High);
    }

    #[test]
    fn a_raise_that_does_not_last_is_tried_more_and_more_seldom() {
        let (mut choice, mut now) = (choice(StreamType::High, Fallback::Low), Instant::now());
        let mut changes = 0;
        for _ in 0..6000 {
            now += Duration::from_millis(100);
            let before = choice.layer();
            let target_bps = if before == Layer::High { 200_000 } else { 900_000 };
            changes += u32::from(choice.update(&Situation { target_bps, ..DUAL }, now) != before);
        }
        assert!(changes <= 26, "{changes} changes in ten minutes");
    }

    proptest! {
        #[test]
        fn noise_makes_no_swing(mean in 20u32..900, noise in proptest::collection::vec(-120i64..120, 64), fallback in 0u8..3) {
            let (mut choice, mut now) = (choice(StreamType::High, Fallback::try_from(fallback).expect("a fallback")), Instant::now());
            let mut changes = 0;
            for index in 0..6000 {
                now += Duration::from_millis(100);
                let before = choice.layer();
                let target_bps = (i64::from(mean) * (1000 + noise[index % noise.len()])) as u32;
                changes += u32::from(choice.update(&Situation { target_bps, ..DUAL }, now) != before);
            }
            prop_assert!(changes <= 2, "{} changes in ten minutes", changes);
        }
    }
}
