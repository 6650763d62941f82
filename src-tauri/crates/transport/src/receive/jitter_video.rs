//! When a frame is shown.
//!
//! Each frame's delay is its completion less its media time. Frames are shown at the delay that all but a few of the last ones
//! stayed within: early ones wait for it, late ones are shown at once. It rises as soon as several frames are late and falls
//! more slowly, so that a path with jitter is smooth and a clean path adds next to nothing. A hold-up counts once, however many
//! frames wait behind it.
//!
//! Invariants: render times never go back and are never before completion; a frame waits at most [`MAX_WAIT`] and the extra
//! delay, or as long as the one before it.

use std::time::{Duration, Instant};

use super::delay::{Delays, micros, offset};

/// Clock rate of video timestamps.
const RATE: u32 = 90_000;

/// The longest a frame waits to make up for jitter.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// The window that the delay falls by, and the one it rises by. The shares leave out what needs a second repair on a lossy path;
/// where jitter is smooth, the last tenth is late by next to nothing.
const LONG: usize = 128;
const LONG_AGE: Duration = Duration::from_secs(6);
const LONG_SHARE: f64 = 0.9;
const SHORT: usize = 24;
const SHORT_SHARE: f64 = 0.8;

/// What all of so many frames stayed within is enough, whatever came before: on a lossy path some of them need a repair.
const CALM: usize = 40;

/// How fast the delay falls: a twentieth of the time, and four fifths of what is too much each second. Playing a twentieth faster
/// is not noticed, and playing a quarter faster for a second is less of a nuisance than a delay that stays.
const FALL: f64 = 0.05;
const FALL_OF_EXCESS: f64 = 0.8;

/// A frame this much faster than any before means that the sender's clock jumped or a long queue drained.
const JUMP_DOWN_MICROS: i64 = 300_000;

/// Frames this much slower than the fastest are stalls, unless several in a row over this time agree: then the clock jumped.
const JUMP_UP_MICROS: i64 = 1_000_000;
const JUMP_UP_FRAMES: u32 = 5;
const JUMP_UP_TIME: Duration = Duration::from_millis(300);

/// A late frame gains at least this on the late frame before it while a hold-up is worked off.
const CATCH_UP_MICROS: i64 = 2_000;

/// While a track starts, its first keyframe drains from the path: frames this much faster than all before start anew.
const START: Duration = Duration::from_secs(1);
const START_STEP_MICROS: i64 = 4_000;

/// Lateness after a keyframe is the keyframe's size, which passes; it is not learnt from for this long at most.
const KEYFRAME_SHADOW: Duration = Duration::from_millis(800);

/// One video track's playout timing.
#[derive(Debug)]
pub struct JitterVideo {
    delays: Delays,
    /// The delay at which frames are shown, without the extra.
    playout: Option<(i64, Instant)>,
    extra: Duration,
    last_render: Option<Instant>,
    shadow_until: Option<Instant>,
    slow: Option<(u32, Instant)>,
    /// The delay of the frame before, if it was late.
    late: Option<i64>,
    started: Option<Instant>,
}

impl JitterVideo {
    pub fn new() -> Self {
        Self {
            delays: Delays::new(RATE, LONG, LONG_AGE),
            playout: None,
            extra: Duration::ZERO,
            last_render: None,
            shadow_until: None,
            slow: None,
            late: None,
            started: None,
        }
    }

    /// Lip sync's extra delay.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra = extra.min(Duration::from_secs(2));
    }

    /// When to show the frame stamped `timestamp` (extended) that could be decoded from `completed` on; frames come in decode
    /// order.
    pub fn on_frame(&mut self, timestamp: i64, completed: Instant, keyframe: bool) -> Instant {
        let mut delay = self.delays.delay(timestamp, completed);
        if self.starts_anew(delay, completed) {
            self.delays.reset();
            self.playout = None;
            delay = self.delays.delay(timestamp, completed);
        }
        let passing = self.slow.is_some() || self.in_shadow(delay, completed, keyframe);
        if !self.is_catching_up(delay) && !passing {
            self.delays.push(delay, completed);
        }
        let playout = self.follow(delay, completed);
        let due = offset(completed, playout.saturating_sub(delay)).unwrap_or(completed).clamp(completed, completed + MAX_WAIT);
        let render = self.last_render.map_or(completed, |last| last.max(completed)).max(due + self.extra);
        self.last_render = Some(render);
        render
    }

    /// What is added to the fastest frame's delay, without the extra.
    pub fn added(&self) -> Duration {
        let (Some((playout, _)), Some(fastest)) = (self.playout, self.delays.minimum()) else { return Duration::ZERO };
        Duration::from_micros(playout.saturating_sub(fastest).max(0) as u64).min(MAX_WAIT)
    }

    /// Moves the playout delay towards what the last frames need.
    fn follow(&mut self, delay: i64, now: Instant) -> i64 {
        let fastest = self.delays.minimum().unwrap_or(delay);
        let calm = self.delays.percentile(1.0, CALM).unwrap_or(delay);
        let slow = self.delays.percentile(LONG_SHARE, LONG).unwrap_or(delay).min(calm);
        let wanted = self.delays.percentile(SHORT_SHARE, SHORT).unwrap_or(delay).max(slow);
        let wanted = wanted.min(fastest.saturating_add(MAX_WAIT.as_micros() as i64));
        let playout = match self.playout {
            Some((current, since)) if wanted < current => {
                let elapsed = micros(now, since).clamp(0, 1_000_000) as f64;
                let excess = (current - wanted) as f64;
                let fall = elapsed * (FALL + FALL_OF_EXCESS * excess / 1e6);
                (current - fall as i64).max(wanted)
            }
            _ => wanted,
        };
        self.playout = Some((playout, now));
        playout
    }

    /// Whether this frame is late only because the one before it was: one hold-up is one event, however many frames wait behind it.
    fn is_catching_up(&mut self, delay: i64) -> bool {
        let late = self.playout.is_some_and(|(playout, _)| delay > playout);
        let before = std::mem::replace(&mut self.late, late.then_some(delay));
        late && before.is_some_and(|before| delay < before.saturating_sub(CATCH_UP_MICROS))
    }

    /// A large frame takes longer on a slow path and holds up those behind it; that ends once a frame is in time again.
    fn in_shadow(&mut self, delay: i64, now: Instant, keyframe: bool) -> bool {
        let Some((playout, _)) = self.playout else { return false };
        let late = delay > playout;
        if keyframe && late {
            self.shadow_until = Some(now + KEYFRAME_SHADOW);
        } else if !late {
            self.shadow_until = None;
        }
        self.shadow_until.is_some_and(|until| now < until)
    }

    /// Whether the delays so far say nothing about those to come.
    fn starts_anew(&mut self, delay: i64, now: Instant) -> bool {
        let started = *self.started.get_or_insert(now);
        let Some(fastest) = self.delays.minimum() else { return false };
        let starting = now.saturating_duration_since(started) < START;
        if delay < fastest.saturating_sub(if starting { START_STEP_MICROS } else { JUMP_DOWN_MICROS }) {
            self.slow = None;
            return true;
        }
        if delay < fastest.saturating_add(JUMP_UP_MICROS) {
            self.slow = None;
            return false;
        }
        let (count, since) = self.slow.unwrap_or((0, now));
        self.slow = Some((count + 1, since));
        let jumped = count + 1 >= JUMP_UP_FRAMES && now.saturating_duration_since(since) >= JUMP_UP_TIME;
        if jumped {
            self.slow = None;
        }
        jumped
    }
}

impl Default for JitterVideo {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);
    const FRAME: i64 = 3000;

    /// Frames 33 ms apart; each is whole at its delay, but not before the one ahead of it.
    struct Run {
        jitter: JitterVideo,
        start: Instant,
        frame: i64,
        completed: Option<Instant>,
    }

    impl Run {
        fn new() -> Self {
            Self { jitter: JitterVideo::new(), start: Instant::now() + Duration::from_secs(60), frame: 0, completed: None }
        }

        fn at(&self, frame: i64, delay: f64) -> Instant {
            offset(self.start, (frame * FRAME * 100 / 9) + (delay * 1000.0) as i64).unwrap()
        }

        /// How long the frame waits after completion, and how long after its media time it is shown, in ms.
        fn feed(&mut self, delay: f64, keyframe: bool) -> (f64, f64) {
            let completed = self.completed.max(Some(self.at(self.frame, delay))).unwrap();
            self.completed = Some(completed);
            let render = self.jitter.on_frame(self.frame * FRAME, completed, keyframe);
            let shown = micros(render, self.at(self.frame, 0.0)) as f64 / 1000.0;
            self.frame += 1;
            (micros(render, completed) as f64 / 1000.0, shown)
        }

        fn feed_all(&mut self, delays: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
            delays.into_iter().map(|delay| self.feed(delay, false)).collect()
        }
    }

    /// A repeatable value from 0 to 1.
    fn noise(index: usize) -> f64 {
        (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9) as f64 / u64::MAX as f64
    }

    #[test]
    fn a_clean_path_adds_next_to_nothing() {
        let mut run = Run::new();
        run.feed(60.0, true);
        let waits = run.feed_all((0..300).map(|index| 20.0 + noise(index) * 2.0));
        assert!(waits[60..].iter().all(|(wait, _)| *wait < 3.0));
        assert!(run.jitter.added() < 3 * MS);
    }

    #[test]
    fn a_jittery_path_is_shown_smoothly() {
        let mut run = Run::new();
        let shown = run.feed_all((0..600).map(|index| 20.0 + noise(index) * 40.0));
        let late = shown[100..].iter().filter(|(wait, _)| *wait == 0.0).count();
        assert!(late < 65, "{late} of 500 frames late");
        let times: Vec<f64> = shown[100..].iter().map(|(_, shown)| *shown).collect();
        let steps = times.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > 5.0).count();
        assert!(steps < 60, "{steps} uneven frames");
        assert!(run.jitter.added() < 45 * MS, "{:?}", run.jitter.added());
    }

    #[test]
    fn delay_rises_once_a_fifth_is_late_and_falls_slowly() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        run.feed_all([80.0, 20.0, 20.0, 20.0].repeat(3));
        assert!(run.jitter.added() < MS);
        run.feed_all([80.0, 20.0, 20.0, 20.0].repeat(2));
        assert!(run.jitter.added() >= 59 * MS, "{:?}", run.jitter.added());
        run.feed_all([20.0; 10]);
        assert!(run.jitter.added() >= 59 * MS, "{:?}", run.jitter.added());
        let shown = run.feed_all([20.0; 60]);
        assert!(run.jitter.added() < MS);
        let fastest_fall = shown.windows(2).map(|pair| pair[0].1 - pair[1].1).fold(0.0, f64::max);
        assert!(fastest_fall < 4.0, "{fastest_fall} ms in one frame");
    }

    #[test]
    fn one_stall_does_not_make_everyone_wait() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        let stall = run.feed_all((0..15).map(|held| 520.0 - f64::from(held) * 33.3));
        assert!(stall.iter().all(|(wait, _)| *wait < 40.0));
        let after = run.feed_all([20.0; 30]);
        assert!(after[2..].iter().all(|(wait, _)| *wait < 5.0), "{after:?}");
    }

    /// `stalls` hold-ups of 300 ms, `every` so many frames; those held up then take `work` ms each.
    fn stalled(run: &mut Run, stalls: usize, every: usize, work: f64) -> Vec<(f64, f64)> {
        let held = |frame: usize| 20.0 + (300.0 - (frame % every) as f64 * (100.0 / 3.0 - work)).max(0.0);
        run.feed_all((0..stalls * every).map(held))
    }

    #[test]
    fn a_second_of_stalls_is_forgotten_at_once() {
        for work in [0.0, 5.0, 15.0, 25.0] {
            let mut run = Run::new();
            run.feed_all([20.0; 150]);
            stalled(&mut run, 3, 10, work);
            let after = run.feed_all([20.0; 60]);
            assert!(after[30..].iter().all(|(_, shown)| *shown < 25.0), "{work} {after:?}");
        }
    }

    #[test]
    fn after_a_busy_while_the_delay_is_back_within_three_seconds() {
        for work in [0.0, 5.0, 15.0] {
            let mut run = Run::new();
            run.feed_all([20.0; 150]);
            stalled(&mut run, 20, 18, work);
            assert!(run.jitter.added() >= 200 * MS, "{work} {:?}", run.jitter.added());
            let after = run.feed_all([20.0; 120]);
            assert!(after[91..].iter().all(|(_, shown)| *shown < 25.0), "{work} {after:?}");
        }
    }

    #[test]
    fn a_keyframe_on_a_slow_path_is_late_but_adds_no_delay() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        assert_eq!(run.feed(200.0, true).0, 0.0);
        run.feed_all((0..8).map(|behind| 180.0 - f64::from(behind) * 20.0));
        assert!(run.jitter.added() < MS, "{:?}", run.jitter.added());
        assert!(run.feed_all([20.0; 10]).iter().all(|(wait, _)| *wait < 2.0));
    }

    #[test]
    fn a_slow_first_keyframe_is_forgotten() {
        let mut run = Run::new();
        run.feed(250.0, true);
        run.feed_all((0..6).map(|behind| 200.0 - f64::from(behind) * 30.0));
        let waits = run.feed_all([20.0; 60]);
        assert!(waits.last().unwrap().0 < 5.0, "{waits:?}");
    }

    #[test]
    fn clock_drift_is_followed_both_ways() {
        for drift in [-0.01, 0.01] {
            let mut run = Run::new();
            let waits = run.feed_all((0..9000).map(|frame| 50.0 + f64::from(frame) * drift));
            assert!(waits.iter().all(|(wait, _)| *wait < 3.0), "{drift}");
        }
    }

    #[test]
    fn a_pause_changes_nothing() {
        let mut run = Run::new();
        run.feed_all((0..60).map(|index| 20.0 + noise(index) * 10.0));
        let added = run.jitter.added();
        run.frame += 30 * 60;
        let (wait, _) = run.feed(20.0, true);
        assert!(wait <= 11.0, "{wait}");
        assert!(run.jitter.added() <= added);
    }

    #[test]
    fn a_pause_that_stops_the_senders_clock_is_noticed() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        let waits = run.feed_all([10_020.0; 60]);
        assert!(waits.iter().all(|(wait, _)| *wait < 1.0), "{waits:?}");
        assert!(run.jitter.added() < MS);
    }

    #[test]
    fn a_timestamp_jump_ahead_holds_nothing_up() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        for frame in 60..90 {
            let completed = run.at(frame, 20.0);
            assert!(run.jitter.on_frame((frame + 150) * FRAME, completed, false) < completed + MS);
        }
    }

    #[test]
    fn a_new_frame_rate_changes_nothing() {
        let mut run = Run::new();
        run.feed_all([20.0; 60]);
        for _ in 0..30 {
            run.frame += 2;
            assert!(run.feed(20.0, false).0 < 1.0);
        }
    }

    #[test]
    fn the_extra_delay_comes_on_top() {
        let mut run = Run::new();
        run.feed_all([20.0; 30]);
        run.jitter.set_extra_delay(70 * MS);
        assert!((run.feed(20.0, false).0 - 70.0).abs() < 1.0);
        run.jitter.set_extra_delay(Duration::ZERO);
        run.feed_all([20.0; 5]);
        assert!(run.feed(20.0, false).0 < 1.0);
    }

    proptest! {
        #[test]
        fn render_times_never_go_back_and_stay_near(frames in proptest::collection::vec((any::<i64>(), 0u64..5000, any::<bool>()), 1..200)) {
            let (mut jitter, mut now) = (JitterVideo::new(), Instant::now());
            let mut last = None;
            for (timestamp, step, keyframe) in frames {
                now += Duration::from_millis(step);
                let render = jitter.on_frame(timestamp % (step as i64 * 100_000 + 1), now, keyframe);
                prop_assert!(render >= now && last.is_none_or(|last| render >= last));
                prop_assert!(render <= now + MAX_WAIT);
                last = Some(render);
            }
        }
    }
}
