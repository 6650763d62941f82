//! Which of a camera's pictures are encoded, and how many it gives: pure, by their capture times.

use std::time::{Duration, Instant};

/// Thins out pictures to a frame rate, by their capture times.
#[derive(Debug, Default)]
pub struct Cadence {
    due: Option<Instant>,
}

impl Cadence {
    /// Whether the picture captured then is to be encoded, so that about `fps` a second are. Up to half an interval early counts as due.
    pub fn take(&mut self, captured: Instant, fps: u32) -> bool {
        let interval = Duration::from_secs(1) / fps.max(1);
        match self.due {
            Some(due) if captured + interval / 2 < due => false,
            // The rhythm goes on from where it was, unless the camera paused.
            Some(due) if captured < due + interval => {
                self.due = Some(due + interval);
                true
            }
            _ => {
                self.due = Some(captured + interval);
                true
            }
        }
    }
}

/// How many pictures a second a camera gives, by their capture times: many give fewer in the dark, or than was asked for.
///
/// The answer changes only when a whole window disagrees with it by more than a tolerance, because the encoder's rate control has to
/// follow; a pause begins a new window.
#[derive(Debug, Default)]
pub struct FrameRate {
    last: Option<Instant>,
    /// Intervals of the window, and how long they are in all.
    intervals: u32,
    length: Duration,
    fps: Option<u32>,
}

impl FrameRate {
    /// Windows are at least this long and have at least so many intervals.
    const WINDOW: Duration = Duration::from_secs(1);
    const ENOUGH: u32 = 5;
    /// Longer than this between two pictures is a pause.
    const PAUSE: Duration = Duration::from_secs(1);
    /// What a window may differ by without being news, in percent.
    const TOLERANCE: f64 = 15.0;

    /// The camera gave a picture, captured then.
    pub fn add(&mut self, captured: Instant) {
        let interval = self.last.replace(captured).map(|last| captured.saturating_duration_since(last));
        match interval {
            Some(interval) if interval > Self::PAUSE => (self.intervals, self.length) = (0, Duration::ZERO),
            Some(interval) => (self.intervals, self.length) = (self.intervals + 1, self.length + interval),
            None => {}
        }
        if self.length >= Self::WINDOW && self.intervals >= Self::ENOUGH {
            let fps = f64::from(self.intervals) / self.length.as_secs_f64();
            let known = self.fps.is_some_and(|known| (fps - f64::from(known)).abs() * 100.0 <= f64::from(known) * Self::TOLERANCE);
            if !known {
                self.fps = Some((fps.round() as u32).max(1));
            }
            (self.intervals, self.length) = (0, Duration::ZERO);
        }
    }

    /// Pictures a second; `None` before that is known.
    pub fn fps(&self) -> Option<u32> {
        self.fps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cadence_keeps_a_slower_camera_and_thins_out_a_faster_one() {
        let count = |camera: u32, fps: u32| {
            let (mut cadence, start) = (Cadence::default(), Instant::now());
            (0..camera * 10).filter(|&index| cadence.take(start + Duration::from_secs(1) * index / camera, fps)).count()
        };
        assert_eq!((count(30, 30), count(15, 30)), (300, 150));
        for (camera, fps) in [(30, 15), (60, 30), (30, 20), (25, 15)] {
            assert!(count(camera, fps).abs_diff(fps as usize * 10) <= 1, "{fps} of {camera}");
        }
    }

    #[test]
    fn a_cadence_forgives_jitter_and_pauses() {
        let (mut cadence, start) = (Cadence::default(), Instant::now());
        let taken = (0..300u64).filter(|&index| {
            let jitter = Duration::from_millis(index * 7 % 13);
            cadence.take(start + Duration::from_micros(index * 33_333) + jitter, 30)
        });
        assert_eq!(taken.count(), 300);
        assert!(cadence.take(start + Duration::from_secs(60), 30));
        assert!(!cadence.take(start + Duration::from_secs(60) + Duration::from_millis(5), 30));
        assert!(cadence.take(start + Duration::from_secs(60) + Duration::from_millis(33), 30));
    }

    /// Feeds pictures at a rate for a while, with an unevenness of `jitter` ms, from `now` on.
    fn film(rate: &mut FrameRate, now: &mut Instant, fps: u32, seconds: u32, jitter: u64) {
        for index in 0..fps * seconds {
            *now += Duration::from_secs(1) / fps;
            rate.add(*now + Duration::from_millis(u64::from(index) * 7 % (jitter + 1)));
        }
    }

    #[test]
    fn a_cameras_rate_is_known_after_a_second_and_followed_both_ways() {
        let (mut rate, mut now) = (FrameRate::default(), Instant::now());
        assert_eq!(rate.fps(), None);
        for fps in [30, 15, 8, 24, 60] {
            film(&mut rate, &mut now, fps, 3, 0);
            assert!(rate.fps().is_some_and(|measured| measured.abs_diff(fps) <= 1), "{:?} instead of {fps}", rate.fps());
        }
    }

    #[test]
    fn a_camera_that_is_a_little_uneven_is_no_news() {
        let (mut rate, mut now) = (FrameRate::default(), Instant::now());
        film(&mut rate, &mut now, 30, 2, 0);
        for fps in [29, 31, 27, 33, 30] {
            film(&mut rate, &mut now, fps, 3, 15);
            assert_eq!(rate.fps(), Some(30));
        }
    }

    #[test]
    fn a_pause_is_no_slow_camera() {
        let (mut rate, mut now) = (FrameRate::default(), Instant::now());
        for _ in 0..10 {
            film(&mut rate, &mut now, 30, 2, 0);
            now += Duration::from_secs(5);
        }
        assert_eq!(rate.fps(), Some(30));
    }
}
