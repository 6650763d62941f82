//! Which picture size and frame rate a bitrate affords: pure arithmetic.
//!
//! The ladder starts at the camera's picture, bounded by the profile, and goes down by size first, because a call lives from motion;
//! only the smallest size halves the frame rate. A fall is taken at once, over as many steps as it needs. A raise waits until the
//! bitrate has afforded the better step, with a margin, for [`PATIENCE`]; each raise that did not last doubles the wait, because
//! every change costs a keyframe.

use std::time::{Duration, Instant};

use crate::profile::VideoProfile;
use crate::scale::fit;

/// What to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
}

/// How long a better step must be affordable before it is taken.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The longest that failed raises make it wait.
pub const MOST_PATIENCE: Duration = Duration::from_secs(32);
/// A raise that is taken back sooner than this has failed.
const TRIAL: Duration = Duration::from_secs(10);
/// How much more than its need a better step must have, in percent.
const MARGIN: u64 = 130;
/// The sizes, as fractions of the largest: 1, 3/4, 1/2, 3/8, 1/4, 1/8.
const EIGHTHS: [u32; 6] = [8, 6, 4, 3, 2, 1];
/// Pictures do not get smaller than this in either side, in pixels.
const SMALLEST: u32 = 90;
/// At the smallest size, this frame rate is tried before giving up, in frames a second.
const SLOWEST: u32 = 15;

/// The state of the choice for one stream.
#[derive(Debug)]
pub struct Ladder {
    profile: VideoProfile,
    source: (u32, u32),
    steps: Vec<Step>,
    current: usize,
    /// Since when a better step was affordable without a break, and the worst of those.
    waiting: Option<(Instant, usize)>,
    raised: Option<Instant>,
    patience: Duration,
}

impl Ladder {
    /// A ladder under `profile` for a camera of `source` (width, height), which begins with what `bitrate_bps` affords.
    pub fn new(profile: VideoProfile, source: (u32, u32), bitrate_bps: u32) -> Self {
        let steps = steps(profile, source);
        let current = affordable(&steps, bitrate_bps.into());
        Self { profile, source, steps, current, waiting: None, raised: None, patience: PATIENCE }
    }

    /// What to encode from now on.
    pub fn step(&self) -> Step {
        self.steps[self.current]
    }

    /// Takes the current target bitrate and camera size and answers what to encode from now on. To be called a few times a second.
    pub fn update(&mut self, bitrate_bps: u32, source: (u32, u32), now: Instant) -> Step {
        if source != self.source {
            *self = Self { raised: self.raised, patience: self.patience, ..Self::new(self.profile, source, bitrate_bps) };
            return self.step();
        }
        let bitrate = u64::from(bitrate_bps);
        let afforded = affordable(&self.steps, bitrate);
        if afforded > self.current {
            self.fall(afforded, now);
        } else {
            self.consider(affordable(&self.steps, bitrate * 100 / MARGIN), now);
        }
        self.step()
    }

    fn fall(&mut self, to: usize, now: Instant) {
        let failed = self.raised.is_some_and(|raised| now.saturating_duration_since(raised) < TRIAL);
        self.patience = if failed { (self.patience * 2).min(MOST_PATIENCE) } else { PATIENCE };
        self.current = to;
        self.waiting = None;
        self.raised = None;
    }

    fn consider(&mut self, better: usize, now: Instant) {
        if better >= self.current {
            self.waiting = None;
            return;
        }
        let (since, worst) = self.waiting.unwrap_or((now, better));
        let worst = worst.max(better);
        self.waiting = Some((since, worst));
        if now.saturating_duration_since(since) >= self.patience {
            self.current = worst;
            self.waiting = None;
            self.raised = Some(now);
        }
    }
}

/// The steps from the best to the most modest.
fn steps(profile: VideoProfile, source: (u32, u32)) -> Vec<Step> {
    let (width, height) = fit(source, (profile.width, profile.height));
    let step = |eighths: u32, fps: u32| {
        let (width, height) = fit((width, height), (width * eighths / 8, height * eighths / 8));
        Step { width: width.max(16), height: height.max(16), fps }
    };
    let mut steps: Vec<Step> = EIGHTHS.into_iter().map(|eighths| step(eighths, profile.fps)).collect();
    let tiny = |step: &Step| step.width.min(step.height) < SMALLEST;
    let keep = steps.iter().take_while(|step| !tiny(step)).count().max(1);
    steps.truncate(keep);
    if profile.fps > SLOWEST {
        steps.extend(steps.last().map(|&smallest| Step { fps: SLOWEST, ..smallest }));
    }
    steps
}

/// The first step whose need is met; the last if none is.
fn affordable(steps: &[Step], bitrate_bps: u64) -> usize {
    steps.iter().position(|&step| need(step) <= bitrate_bps).unwrap_or(steps.len() - 1)
}

/// The bitrate below which a step looks worse than the next smaller one, in bits a second.
///
/// Agora's profiles (140 kb/s for 320×180 at 15 fps, 1,130 for 1280×720, 1,710 at 30 fps) grow with the power 3/4 of the pixels and the
/// power 0.6 of the frame rate. They are for good pictures: the need is 45 % of that.
fn need(step: Step) -> u64 {
    let pixels = f64::from(step.width) * f64::from(step.height) / (320.0 * 180.0);
    (140_000.0 * 0.45 * pixels.powf(0.75) * (f64::from(step.fps) / 15.0).powf(0.6)) as u64
}

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

    const PROFILE: VideoProfile = VideoProfile { width: 1280, height: 720, fps: 30, max_kbps: 2000 };
    const HD: (u32, u32) = (1280, 720);

    fn sizes(ladder: &Ladder) -> Vec<(u32, u32, u32)> {
        ladder.steps.iter().map(|step| (step.width, step.height, step.fps)).collect()
    }

    /// Feeds a bitrate every 100 ms for a while and answers the last step's height.
    fn feed(ladder: &mut Ladder, now: &mut Instant, kbps: u32, seconds: u32) -> u32 {
        for _ in 0..seconds * 10 {
            *now += Duration::from_millis(100);
            ladder.update(kbps * 1000, ladder.source, *now);
        }
        ladder.step().height
    }

    #[test]
    fn the_steps_go_down_by_size_and_end_with_a_slower_rate() {
        let expected = [(1280, 720, 30), (960, 540, 30), (640, 360, 30), (480, 270, 30), (320, 180, 30), (160, 90, 30), (160, 90, 15)];
        assert_eq!(sizes(&Ladder::new(PROFILE, HD, 0)), expected);
        let needs: Vec<u64> = steps(PROFILE, HD).into_iter().map(need).collect();
        assert!(needs.is_sorted_by(|better, worse| better > worse), "{needs:?}");
    }

    #[test]
    fn a_camera_smaller_than_the_profile_is_not_enlarged() {
        assert_eq!(Ladder::new(PROFILE, (640, 480), 10_000_000).step(), Step { width: 640, height: 480, fps: 30 });
        assert_eq!(Ladder::new(VideoProfile::DEFAULT, HD, 10_000_000).step(), Step { width: 640, height: 360, fps: 15 });
        assert_eq!(sizes(&Ladder::new(VideoProfile::named("120p_1").expect("listed"), HD, 0)), [(160, 90, 15)]);
        assert_eq!(sizes(&Ladder::new(PROFILE, (8, 8), 0)), [(16, 16, 30), (16, 16, 15)]);
    }

    #[test]
    fn the_first_step_is_what_the_bitrate_affords() {
        let height = |kbps: u32| Ladder::new(PROFILE, HD, kbps * 1000).step().height;
        assert_eq!([2000, 800, 700, 400, 250, 150, 50, 0].map(height), [720, 720, 540, 360, 270, 180, 90, 90]);
    }

    #[test]
    fn a_fall_is_taken_at_once_over_several_steps() {
        let mut ladder = Ladder::new(PROFILE, HD, 2_000_000);
        assert_eq!(ladder.update(300_000, HD, Instant::now()).height, 360);
    }

    #[test]
    fn a_raise_waits_for_two_good_seconds() {
        let (mut ladder, mut now) = (Ladder::new(PROFILE, HD, 300_000), Instant::now());
        assert_eq!(feed(&mut ladder, &mut now, 2000, 2), 360);
        assert_eq!(feed(&mut ladder, &mut now, 2000, 1), 720);
    }

    #[test]
    fn a_break_starts_the_wait_again() {
        let (mut ladder, mut now) = (Ladder::new(PROFILE, HD, 300_000), Instant::now());
        for _ in 0..10 {
            assert_eq!(feed(&mut ladder, &mut now, 2000, 1), 360);
            ladder.update(300_000, HD, now);
        }
    }

    #[test]
    fn a_raise_goes_only_as_far_as_the_whole_wait_afforded() {
        let (mut ladder, mut now) = (Ladder::new(PROFILE, HD, 150_000), Instant::now());
        feed(&mut ladder, &mut now, 2000, 1);
        feed(&mut ladder, &mut now, 400, 1);
        assert_eq!(feed(&mut ladder, &mut now, 2000, 1), 360);
    }

    #[test]
    fn a_bitrate_just_above_the_need_does_not_raise() {
        let (mut ladder, mut now) = (Ladder::new(PROFILE, HD, 700_000), Instant::now());
        assert_eq!(feed(&mut ladder, &mut now, 800, 60), 540);
    }

    #[test]
    fn failed_raises_wait_longer_and_longer_and_a_lasting_one_forgives() {
        let (mut ladder, mut now) = (Ladder::new(PROFILE, HD, 700_000), Instant::now());
        assert_eq!(feed(&mut ladder, &mut now, 1500, 3), 720);
        assert_eq!(feed(&mut ladder, &mut now, 700, 1), 540);
        assert_eq!(feed(&mut ladder, &mut now, 1500, 4), 540);
        assert_eq!(feed(&mut ladder, &mut now, 1500, 11), 720);
        assert_eq!(feed(&mut ladder, &mut now, 700, 1), 540);
        assert_eq!(feed(&mut ladder, &mut now, 1500, 3), 720);
    }

    #[test]
    fn another_camera_size_makes_another_ladder() {
        let mut ladder = Ladder::new(PROFILE, HD, 2_000_000);
        assert_eq!(ladder.update(2_000_000, (640, 480), Instant::now()), Step { width: 640, height: 480, fps: 30 });
    }

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
