//! When a frame is shown.
//!
//! Each frame's delay is its completion less its media time. Frames are shown at the delay that all but a few of the last ones
//! stayed within: early ones wait for it, late ones are shown at once. It rises as soon as several frames are late and falls
//! slowly, so that a path with jitter is smooth and a clean path adds next to nothing.
//!
//! Invariants: render times never go back, are never before completion, and never further after it than [`MAX_WAIT`] and the
//! extra delay.

use std::time::{Duration, Instant};

use super::delay::{Delays, micros, offset};

/// Clock rate of video timestamps.
const RATE: u32 = 90_000;

/// The longest a frame waits to make up for jitter.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// The window that the delay falls by, and the one it rises by.
const LONG: usize = 128;
const LONG_AGE: Duration = Duration::from_secs(6);
const LONG_SHARE: f64 = 0.95;
const SHORT: usize = 24;
const SHORT_SHARE: f64 = 0.88;

/// How fast the delay falls: a twentieth of the time, and a fifth of what is too much each second. Playing a twentieth faster
/// is not noticed.
const FALL: f64 = 0.05;
const FALL_OF_EXCESS: f64 = 0.2;

/// A frame this much faster than any before means that the sender's clock jumped or a long queue drained.
const JUMP_DOWN_MICROS: i64 = 300_000;

/// Frames this much slower than the fastest are stalls, unless several in a row over this time agree: then the clock jumped.
const JUMP_UP_MICROS: i64 = 1_000_000;
const JUMP_UP_FRAMES: u32 = 5;
const JUMP_UP_TIME: Duration = Duration::from_millis(300);

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
        }
    }

    /// Lip sync's extra delay.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra = extra.min(Duration::from_secs(2));
    }

    /// When to show the frame stamped `timestamp` (extended) that was whole at `completed`; frames come in decode order.
    pub fn on_frame(&mut self, timestamp: i64, completed: Instant, keyframe: bool) -> Instant {
        let mut delay = self.delays.delay(timestamp, completed);
        if self.clock_jumped(delay, completed) {
            self.delays.reset();
            self.playout = None;
            delay = self.delays.delay(timestamp, completed);
        }
        let slow = self.slow.is_some();
        if !slow && !self.in_shadow(delay, completed, keyframe) {
            self.delays.push(delay, completed);
        }
        let playout = self.follow(delay, completed);
        let due = offset(completed, playout.saturating_sub(delay)).unwrap_or(completed).clamp(completed, completed + MAX_WAIT);
        let render = (due + self.extra).max(self.last_render.unwrap_or(completed)).min(completed + MAX_WAIT + self.extra);
        let render = self.last_render.map_or(render, |last| render.max(last));
        self.last_render = Some(render);
        render
    }

    /// What is added to the fastest frame's delay, without the extra.
    pub fn added(&self) -> Duration {
        let (Some((playout, _)), Some(fastest)) = (self.playout, self.delays.minimum()) else { return Duration::ZERO };
        Duration::from_micros(playout.saturating_sub(fastest).max(0) as u64).min(MAX_WAIT)
    }

    /// When a frame stamped `timestamp` would be shown if it came in time, without the extra.
    pub fn playout(&self, timestamp: i64) -> Option<Instant> {
        self.delays.instant(timestamp, self.playout?.0)
    }

    /// Moves the playout delay towards what the last frames need.
    fn follow(&mut self, delay: i64, now: Instant) -> i64 {
        let fastest = self.delays.minimum().unwrap_or(delay);
        let slow = self.delays.percentile(LONG_SHARE, LONG).unwrap_or(delay);
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

    fn clock_jumped(&mut self, delay: i64, now: Instant) -> bool {
        let Some(fastest) = self.delays.minimum() else { return false };
        if delay < fastest.saturating_sub(JUMP_DOWN_MICROS) {
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
