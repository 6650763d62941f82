//! Which picture size and frame rate a bitrate and a processor afford: pure arithmetic.
//!
//! The steps start at the camera's picture, bounded by the profile, and go down by what matters less: a call lives from motion and gives
//! up size first, a screen lives from its letters and gives up frames first. A fall is taken at once where the bitrate is far too low, and
//! after [`BRIEF`] where it is a little: until then pictures get coarser. A raise waits until the bitrate has afforded the better step,
//! with a margin, for [`PATIENCE`], or a quarter of that where the pictures are far too small for it; each raise that did not last
//! doubles the wait, because every change costs a keyframe. A processor that cannot follow makes a fall likewise ([`super::load`]).

use std::time::{Duration, Instant};

use crate::profile::VideoProfile;
use crate::scale::fit;

/// What matters more where not everything can be had: Agora's `optimizationMode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preference {
    /// Smoothness to the end.
    Motion,
    /// Sharpness to the end: for screens.
    Detail,
    /// Smoothness first, but small pictures may come a little slower.
    #[default]
    Balanced,
}

/// What to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub width: u32,
    pub height: u32,
    /// At most so many pictures a second: cameras may give fewer.
    pub fps: u32,
}

/// What there is to choose by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Situation {
    pub bitrate_bps: u32,
    /// The camera's width and height.
    pub source: (u32, u32),
    /// Pictures that the camera gives in a second, once known.
    pub camera_fps: Option<u32>,
    /// The share of the time between two pictures that it takes to make one at the current step, once known.
    pub load: Option<f64>,
}

/// How long a bitrate that is a little too low is put up with.
pub const BRIEF: Duration = Duration::from_millis(500);
/// How long a better step must be affordable before it is taken.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The longest that failed raises make it wait.
pub const MOST_PATIENCE: Duration = Duration::from_secs(32);
/// A raise that is taken back sooner than this has failed.
const TRIAL: Duration = Duration::from_secs(10);
/// A step that needs so many times as much is a leap, which waits for a shorter time.
const LEAP: u64 = 5;
const LEAP_PATIENCE: u32 = 4;
/// How much more than its need a better step must have, in percent.
const MARGIN: u64 = 130;
/// Less than this share of its need is far too low for a step, in percent.
const FAR: u64 = 65;
/// More of the time than this is too much for a processor, and less than this makes a better step possible: there is more to do than
/// to encode, and the work is a guess until it is tried.
const OVERLOAD: f64 = 0.7;
const SPARE: f64 = 0.5;
/// Sizes, in eighths of the largest, and the most frames a second at that size.
type Plan = &'static [(u32, u32)];
const ANY: u32 = u32::MAX;
const MOTION: Plan = &[(8, ANY), (6, ANY), (4, ANY), (3, ANY), (2, ANY), (1, ANY)];
const BALANCED: Plan = &[(8, ANY), (6, ANY), (4, ANY), (3, 24), (2, 24), (1, 24)];
const DETAIL: Plan = &[(8, ANY), (8, 15), (8, 10), (8, 5), (6, 5), (4, 5)];
/// Pictures do not get smaller than this in either side, in pixels.
const SMALLEST: u32 = 90;
/// At the smallest size, this frame rate is tried before giving up, in frames a second.
const SLOWEST: u32 = 15;

/// The state of the choice for one stream.
#[derive(Debug)]
pub struct Ladder {
    profile: VideoProfile,
    preference: Preference,
    source: (u32, u32),
    steps: Vec<Step>,
    current: usize,
    /// The best step that the processor can follow.
    floor: usize,
    /// Since when the bitrate has been a little too low.
    low: Option<Instant>,
    /// Since when a better step was affordable without a break, and the worst of those.
    waiting: Option<(Instant, usize)>,
    raised: Option<Instant>,
    patience: Duration,
    /// Since when the processor could follow a better step, when it last was allowed one, and how long it has to wait for that.
    spare: Option<Instant>,
    relieved: Option<Instant>,
    relief: Duration,
}

impl Ladder {
    /// A ladder under `profile` that begins with what the bitrate affords.
    pub fn new(profile: VideoProfile, preference: Preference, situation: &Situation) -> Self {
        let steps = steps(profile, preference, situation.source);
        let current = affordable(&steps, situation.bitrate_bps.into(), situation.camera_fps);
        Self {
            profile,
            preference,
            source: situation.source,
            steps,
            current,
            floor: 0,
            low: None,
            waiting: None,
            raised: None,
            patience: PATIENCE,
            spare: None,
            relieved: None,
            relief: PATIENCE,
        }
    }

    /// What to encode from now on.
    pub fn step(&self) -> Step {
        self.steps[self.current]
    }

    /// Answers what to encode from now on. To be called a few times a second, or for every picture.
    pub fn update(&mut self, situation: &Situation, now: Instant) -> Step {
        if situation.source != self.source {
            let anew = Self::new(self.profile, self.preference, situation);
            *self = Self { raised: self.raised, patience: self.patience, ..anew };
            return self.step();
        }
        self.heed_load(situation.load, now);
        let (bitrate, fps) = (u64::from(situation.bitrate_bps), situation.camera_fps);
        let afforded = affordable(&self.steps, bitrate, fps);
        if self.floor > self.current {
            self.low = None;
            self.waiting = None;
            self.current = self.floor.max(afforded);
        } else if afforded > self.current {
            let since = *self.low.get_or_insert(now);
            let far = bitrate * 100 < need(self.step(), fps) * FAR;
            self.waiting = None;
            if far || now.saturating_duration_since(since) >= BRIEF {
                self.fall(afforded, now);
            }
        } else {
            self.low = None;
            self.consider(affordable(&self.steps, bitrate * 100 / MARGIN, fps).max(self.floor), fps, now);
        }
        self.step()
    }

    fn fall(&mut self, to: usize, now: Instant) {
        let failed = self.raised.is_some_and(|raised| now.saturating_duration_since(raised) < TRIAL);
        self.patience = if failed { (self.patience * 2).min(MOST_PATIENCE) } else { PATIENCE };
        self.current = to;
        self.low = None;
        self.waiting = None;
        self.raised = None;
    }

    fn consider(&mut self, better: usize, camera_fps: Option<u32>, now: Instant) {
        if better >= self.current {
            self.waiting = None;
            return;
        }
        let (since, worst) = self.waiting.unwrap_or((now, better));
        let worst = worst.max(better);
        self.waiting = Some((since, worst));
        let leaps = need(self.steps[worst], camera_fps) >= need(self.step(), camera_fps) * LEAP;
        let patience = if leaps { self.patience / LEAP_PATIENCE } else { self.patience };
        if now.saturating_duration_since(since) >= patience {
            self.current = worst;
            self.waiting = None;
            self.raised = Some(now);
        }
    }

    /// Moves the floor by what the processor does with the current step.
    fn heed_load(&mut self, load: Option<f64>, now: Instant) {
        let Some(load) = load else { return };
        if load > OVERLOAD {
            let failed = self.relieved.take().is_some_and(|relieved| now.saturating_duration_since(relieved) < TRIAL);
            self.relief = if failed { (self.relief * 2).min(MOST_PATIENCE) } else { PATIENCE };
            self.floor = (self.current + 1).min(self.steps.len() - 1);
            self.spare = None;
            return;
        }
        let Some(better) = self.floor.checked_sub(1) else { return };
        // The work grows with the pixels and the frames.
        let expected = load * work(self.steps[better]) / work(self.step());
        if expected >= SPARE {
            self.spare = None;
        } else if now.saturating_duration_since(*self.spare.get_or_insert(now)) >= self.relief {
            self.floor = better;
            self.spare = None;
            self.relieved = Some(now);
        }
    }
}

/// The steps from the best to the most modest.
fn steps(profile: VideoProfile, preference: Preference, source: (u32, u32)) -> Vec<Step> {
    let (width, height) = fit(source, (profile.width, profile.height));
    let step = |&(eighths, fps): &(u32, u32)| {
        let (width, height) = fit((width, height), (width * eighths / 8, height * eighths / 8));
        Step { width: width.max(16), height: height.max(16), fps: profile.fps.min(fps) }
    };
    let plan = match preference {
        Preference::Motion => MOTION,
        Preference::Detail => DETAIL,
        Preference::Balanced => BALANCED,
    };
    let mut steps: Vec<Step> = plan.iter().map(step).collect();
    let tiny = |step: &Step| step.width.min(step.height) < SMALLEST;
    let keep = steps.iter().take_while(|step| !tiny(step)).count().max(1);
    steps.truncate(keep);
    if preference != Preference::Detail {
        steps.extend(steps.last().map(|&smallest| Step { fps: smallest.fps.min(SLOWEST), ..smallest }));
    }
    steps.dedup();
    steps
}

/// The first step whose need is met; the last if none is.
fn affordable(steps: &[Step], bitrate_bps: u64, camera_fps: Option<u32>) -> usize {
    steps.iter().position(|&step| need(step, camera_fps) <= bitrate_bps).unwrap_or(steps.len() - 1)
}

/// The bitrate below which a step looks worse than the next smaller one, in bits a second, for a camera of that frame rate.
///
/// Agora's profiles (140 kb/s for 320×180 at 15 fps, 1,130 for 1280×720, 1,710 at 30 fps) grow with the power 3/4 of the pixels and the
/// power 0.6 of the frame rate. They are for good pictures: the need is 45 % of that.
fn need(step: Step, camera_fps: Option<u32>) -> u64 {
    let pixels = f64::from(step.width) * f64::from(step.height) / (320.0 * 180.0);
    let fps = camera_fps.map_or(step.fps, |camera| camera.min(step.fps));
    (140_000.0 * 0.45 * pixels.powf(0.75) * (f64::from(fps) / 15.0).powf(0.6)) as u64
}

/// What a step asks of a processor, in pixels a second.
fn work(step: Step) -> f64 {
    f64::from(step.width) * f64::from(step.height) * f64::from(step.fps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROFILE: VideoProfile = VideoProfile { width: 1280, height: 720, fps: 30, max_kbps: 2000 };
    const SMALL: VideoProfile = VideoProfile { width: 640, height: 360, fps: 30, max_kbps: 2000 };
    const HD: (u32, u32) = (1280, 720);
    const MS: Duration = Duration::from_millis(1);

    fn at(kbps: u32) -> Situation {
        Situation { bitrate_bps: kbps * 1000, source: HD, camera_fps: None, load: None }
    }

    fn ladder(kbps: u32) -> Ladder {
        Ladder::new(PROFILE, Preference::Balanced, &at(kbps))
    }

    fn all(profile: VideoProfile, preference: Preference, source: (u32, u32)) -> Vec<(u32, u32, u32)> {
        steps(profile, preference, source).into_iter().map(|step| (step.width, step.height, step.fps)).collect()
    }

    /// Feeds a situation every 100 ms for a while and answers the last step.
    fn feed(ladder: &mut Ladder, now: &mut Instant, situation: Situation, seconds: u32) -> Step {
        for _ in 0..seconds * 10 {
            *now += 100 * MS;
            ladder.update(&situation, *now);
        }
        ladder.step()
    }

    fn height(ladder: &mut Ladder, now: &mut Instant, kbps: u32, seconds: u32) -> u32 {
        feed(ladder, now, at(kbps), seconds).height
    }

    #[test]
    fn a_call_goes_down_by_size_and_ends_with_a_slower_rate() {
        let motion = [(1280, 720, 30), (960, 540, 30), (640, 360, 30), (480, 270, 30), (320, 180, 30), (160, 90, 30), (160, 90, 15)];
        assert_eq!(all(PROFILE, Preference::Motion, HD), motion);
        let balanced = [(1280, 720, 30), (960, 540, 30), (640, 360, 30), (480, 270, 24), (320, 180, 24), (160, 90, 24), (160, 90, 15)];
        assert_eq!(all(PROFILE, Preference::Balanced, HD), balanced);
    }

    #[test]
    fn a_screen_keeps_its_sharpness_and_goes_down_by_rate() {
        let expected = [(1280, 720, 30), (1280, 720, 15), (1280, 720, 10), (1280, 720, 5), (960, 540, 5), (640, 360, 5)];
        assert_eq!(all(PROFILE, Preference::Detail, HD), expected);
        assert_eq!(all(VideoProfile { fps: 5, ..PROFILE }, Preference::Detail, HD), [(1280, 720, 5), (960, 540, 5), (640, 360, 5)]);
        let step = Ladder::new(PROFILE, Preference::Detail, &at(500)).step();
        assert_eq!((step.height, step.fps), (720, 10));
    }

    #[test]
    fn every_step_needs_less_than_the_one_above() {
        for preference in [Preference::Motion, Preference::Balanced, Preference::Detail] {
            for source in [HD, (640, 480), (1920, 1080), (720, 1280)] {
                let needs: Vec<u64> = steps(PROFILE, preference, source).into_iter().map(|step| need(step, None)).collect();
                assert!(needs.is_sorted_by(|better, worse| better > worse), "{needs:?}");
            }
        }
    }

    #[test]
    fn a_camera_smaller_than_the_profile_is_not_enlarged() {
        let best = |profile, source| Ladder::new(profile, Preference::Balanced, &Situation { source, ..at(10_000) }).step();
        assert_eq!(best(PROFILE, (640, 480)), Step { width: 640, height: 480, fps: 30 });
        assert_eq!(best(VideoProfile::DEFAULT, HD), Step { width: 640, height: 360, fps: 15 });
        assert_eq!(all(VideoProfile::named("120p_1").expect("listed"), Preference::Balanced, HD), [(160, 90, 15)]);
        assert_eq!(all(PROFILE, Preference::Motion, (8, 8)), [(16, 16, 30), (16, 16, 15)]);
    }

    #[test]
    fn the_first_step_is_what_the_bitrate_affords() {
        let height = |kbps: u32| ladder(kbps).step().height;
        assert_eq!([2000, 800, 700, 400, 250, 150, 50, 0].map(height), [720, 720, 540, 360, 270, 180, 90, 90]);
    }

    #[test]
    fn narrow_links_keep_their_frame_rate() {
        let (mut ladder, mut now) = (Ladder::new(SMALL, Preference::Balanced, &at(1000)), Instant::now());
        // What is left for the picture of 500 and of 250 kb/s, sound and repair taken off.
        assert_eq!(feed(&mut ladder, &mut now, at(330), 30), Step { width: 640, height: 360, fps: 30 });
        assert!(feed(&mut ladder, &mut now, at(110), 30).fps >= 24);
    }

    #[test]
    fn a_slow_camera_affords_a_larger_picture() {
        let slow = Situation { camera_fps: Some(10), ..at(200) };
        assert_eq!((ladder(200).step().height, Ladder::new(PROFILE, Preference::Balanced, &slow).step().height), (270, 360));
        let (mut ladder, mut now) = (ladder(200), Instant::now());
        assert_eq!(feed(&mut ladder, &mut now, slow, 3).height, 360);
        assert_eq!(feed(&mut ladder, &mut now, Situation { camera_fps: Some(30), ..slow }, 1).height, 270);
    }

    #[test]
    fn a_deep_fall_is_taken_at_once_over_several_steps_and_a_slight_one_after_half_a_second() {
        let mut now = Instant::now();
        assert_eq!(ladder(2000).update(&at(300), now).height, 360);
        let mut slight = ladder(2000);
        for _ in 0..5 {
            assert_eq!(slight.update(&at(600), now).height, 720);
            now += 100 * MS;
        }
        assert_eq!(slight.update(&at(600), now).height, 540);
    }

    #[test]
    fn a_dip_is_forgotten() {
        let (mut ladder, mut now) = (ladder(2000), Instant::now());
        for index in 0..600 {
            now += 100 * MS;
            assert_eq!(ladder.update(&at(if index % 4 == 0 { 800 } else { 600 }), now).height, 720);
        }
    }

    #[test]
    fn a_raise_waits_for_two_good_seconds() {
        let (mut ladder, mut now) = (ladder(300), Instant::now());
        assert_eq!(height(&mut ladder, &mut now, 2000, 2), 360);
        assert_eq!(height(&mut ladder, &mut now, 2000, 1), 720);
    }

    #[test]
    fn pictures_that_are_far_too_small_do_not_wait_that_long() {
        let (mut ladder, mut now) = (ladder(50), Instant::now());
        let mut heights = [0; 7];
        heights.fill_with(|| {
            now += 100 * MS;
            ladder.update(&at(2000), now).height
        });
        assert_eq!(heights, [90, 90, 90, 90, 90, 720, 720]);
    }

    #[test]
    fn a_break_starts_the_wait_again() {
        let (mut ladder, mut now) = (ladder(300), Instant::now());
        for _ in 0..10 {
            assert_eq!(height(&mut ladder, &mut now, 2000, 1), 360);
            ladder.update(&at(300), now);
        }
    }

    #[test]
    fn a_raise_goes_only_as_far_as_the_whole_wait_afforded() {
        let (mut ladder, mut now) = (ladder(150), Instant::now());
        height(&mut ladder, &mut now, 2000, 1);
        height(&mut ladder, &mut now, 400, 1);
        assert_eq!(height(&mut ladder, &mut now, 2000, 1), 360);
    }

    #[test]
    fn a_bitrate_just_above_the_need_does_not_raise() {
        let (mut ladder, mut now) = (ladder(700), Instant::now());
        assert_eq!(height(&mut ladder, &mut now, 800, 60), 540);
    }

    #[test]
    fn failed_raises_wait_longer_and_longer_and_a_lasting_one_forgives() {
        let (mut ladder, mut now) = (ladder(700), Instant::now());
        assert_eq!(height(&mut ladder, &mut now, 1500, 3), 720);
        assert_eq!(height(&mut ladder, &mut now, 700, 1), 540);
        assert_eq!(height(&mut ladder, &mut now, 1500, 4), 540);
        assert_eq!(height(&mut ladder, &mut now, 1500, 11), 720);
        assert_eq!(height(&mut ladder, &mut now, 700, 1), 540);
        assert_eq!(height(&mut ladder, &mut now, 1500, 3), 720);
    }

    #[test]
    fn another_camera_size_makes_another_ladder() {
        let mut ladder = ladder(2000);
        let step = ladder.update(&Situation { source: (640, 480), ..at(2000) }, Instant::now());
        assert_eq!(step, Step { width: 640, height: 480, fps: 30 });
    }

    #[test]
    fn a_processor_that_cannot_follow_is_given_less_and_gets_it_back_when_it_can() {
        let (mut ladder, mut now) = (ladder(2000), Instant::now());
        // Encoding 1280×720 takes `full` of the time, and less the less there is to do; a load is known two thirds of a second later.
        let mut run = |full: f64, seconds: u32| {
            for _ in 0..seconds {
                let load = full * work(ladder.step()) / work(Step { width: 1280, height: 720, fps: 30 });
                now += 1000 * MS;
                ladder.update(&Situation { load: Some(load), ..at(2000) }, now);
            }
            ladder.step().height
        };
        assert_eq!(run(0.65, 30), 720);
        assert_eq!(run(1.5, 30), 360);
        assert_eq!(run(0.6, 30), 540);
        assert_eq!(run(0.3, 30), 720);
        assert_eq!(run(100.0, 30), 90);
    }

    #[test]
    fn a_borderline_processor_does_not_swing() {
        let (mut ladder, mut now, mut changes) = (ladder(2000), Instant::now(), 0);
        for second in 0..600u32 {
            let full = if second % 30 < 15 { 0.9 } else { 0.45 };
            let load = full * work(ladder.step()) / work(Step { width: 1280, height: 720, fps: 30 });
            now += 1000 * MS;
            let before = ladder.step();
            changes += u32::from(ladder.update(&Situation { load: Some(load), ..at(2000) }, now) != before);
        }
        assert!(changes <= 42, "{changes} changes in 20 periods");
    }

    proptest! {
        #[test]
        fn a_noisy_bitrate_makes_no_swing(mean in 60u32..2500, noise in proptest::collection::vec(-120i64..120, 64), preference in 0usize..3) {
            let preference = [Preference::Motion, Preference::Balanced, Preference::Detail][preference];
            let (mut ladder, mut now, mut changes) = (Ladder::new(PROFILE, preference, &at(mean)), Instant::now(), 0);
            for index in 0..3000 {
                now += 100 * MS;
                let before = ladder.step();
                let kbps = i64::from(mean) * (1000 + noise[index % noise.len()]) / 1000;
                changes += u32::from(ladder.update(&at(kbps as u32), now) != before);
            }
            prop_assert!(changes <= 2, "{} changes in five minutes", changes);
        }

        #[test]
        fn a_step_is_always_one_that_can_be_encoded(
            kbps in proptest::collection::vec(0u32..5000, 1..40),
            (width, height, fps) in (16u32..4000, 16u32..4000, 1u32..61),
            load in proptest::option::of(0.0..3.0),
        ) {
            let profile = VideoProfile { fps, ..PROFILE };
            let source = (width & !1, height & !1);
            let situation = |kbps: u32| Situation { source, camera_fps: Some(fps), load, ..at(kbps) };
            let (mut ladder, mut now) = (Ladder::new(profile, Preference::Balanced, &situation(0)), Instant::now());
            for kbps in kbps {
                now += 700 * MS;
                let step = ladder.update(&situation(kbps), now);
                prop_assert!(step.width >= 16 && step.height >= 16 && step.width <= width.max(16) && step.height <= height.max(16));
                prop_assert!(step.fps >= fps.min(SLOWEST) && step.fps <= fps);
            }
        }
    }
}
