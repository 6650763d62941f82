//! From one picture to one access unit: its size and rate by the bitrate, keyframes by request. The clock comes in as an argument.

use std::time::{Duration, Instant};

use media::VideoFrame;
use media::encode::EncodedVideo;
use media::encode::cadence::{Cadence, FrameRate};
use media::encode::h264::{self, Encoder};
use media::encode::load::Load;
use media::encode::rate::{Ladder, Preference, Situation, Step};
use media::profile::VideoProfile;

/// The shortest time between two keyframes that were asked for.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(300);
/// A request that comes this soon after a keyframe was made before it arrived. Receivers repeat theirs if it is lost.
const UNDER_WAY: Duration = Duration::from_millis(200);
/// Added to the capture time of a picture that is sent twice: two pictures of one time would be taken for one.
const AGAIN: Duration = Duration::from_millis(1);

/// Pictures are left out while those before them wait longer than this to leave: one that is encoded later is newer when it is shown.
/// A keyframe takes up to three times as long, and what is captured meanwhile would be as late as the keyframe itself.
const LONGEST_QUEUE: Duration = Duration::from_millis(100);

/// What the subscribers' connections have room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Afforded {
    /// Bits per second.
    pub target_bps: u32,
    /// How long a picture sent now waits until it may leave.
    pub queued: Duration,
}

/// Which requests for a keyframe are open.
#[derive(Debug, Default)]
pub(super) struct Keyframes {
    wanted: bool,
    first_wanted: bool,
    last: Option<Instant>,
}

impl Keyframes {
    /// Takes a request of somebody who lost the thread, and of somebody new.
    pub fn wish(&mut self, keyframe: bool, first: bool, now: Instant) {
        self.wanted |= keyframe && self.rested(UNDER_WAY, now);
        self.first_wanted |= first;
    }

    /// Whether the next picture is to be one: at once for somebody new, else [`KEYFRAME_INTERVAL`] after the last.
    fn due(&self, now: Instant) -> bool {
        self.first_wanted || self.wanted && self.rested(KEYFRAME_INTERVAL, now)
    }

    fn rested(&self, time: Duration, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= time)
    }

    fn on_keyframe(&mut self, now: Instant) {
        *self = Self { last: Some(now), ..Self::default() };
    }
}

/// From one picture to one access unit.
pub(super) struct Pipeline {
    profile: VideoProfile,
    preference: Preference,
    encoder: Option<Encoder>,
    ladder: Option<Ladder>,
    cadence: Cadence,
    camera: FrameRate,
    /// What pictures of the step at hand cost.
    load: Load,
    step: Option<Step>,
    last_captured: Option<Instant>,
    /// What the encoder aims at, in bits per second.
    pub target_bps: u32,
}

impl Pipeline {
    pub fn new(profile: VideoProfile, preference: Preference) -> Self {
        Self {
            profile,
            preference,
            encoder: None,
            ladder: None,
            cadence: Cadence::default(),
            camera: FrameRate::default(),
            load: Load::default(),
            step: None,
            last_captured: None,
            target_bps: 0,
        }
    }

    /// Encodes a picture at what is afforded; `None` if it is left out for its time or for want of room.
    pub fn encode(
        &mut self,
        frame: VideoFrame,
        fresh: bool,
        afforded: Afforded,
        keyframes: &mut Keyframes,
        now: Instant,
    ) -> Result<Option<EncodedVideo>, Unencoded> {
        let target_bps = afforded.target_bps.min(self.profile.max_kbps * 1000);
        self.target_bps = target_bps;
        let step = self.choose(&frame, now);
        let keyframe = keyframes.due(now);
        let last = self.last_captured;
        let again = !fresh || last.is_some_and(|last| frame.captured() <= last);
        if fresh {
            self.camera.add(frame.captured());
        }
        let full = afforded.queued > LONGEST_QUEUE;
        if (again || full || !self.cadence.take(frame.captured(), step.fps)) && !keyframe {
            return Ok(None);
        }
        let captured = last.map_or(frame.captured(), |last| frame.captured().max(last + AGAIN));
        let frame = frame.scaled(step.width, step.height)?.with_captured(captured);
        let fps = self.fps(step);
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            None => {
                let config = h264::Config { width: step.width, height: step.height, fps, bitrate_bps: target_bps };
                self.encoder.insert(Encoder::new(config)?)
            }
        };
        encoder.set_fps(fps)?;
        encoder.set_bitrate(target_bps);
        let encoded = encoder.encode(&frame, keyframe)?;
        self.last_captured = Some(captured);
        if encoded.as_ref().is_some_and(|encoded| encoded.keyframe) {
            keyframes.on_keyframe(now);
        }
        Ok(encoded)
    }

    /// Making a picture of the step at hand took so long.
    pub fn on_made(&mut self, took: Duration) {
        if let Some(step) = self.step {
            self.load.add(took, Duration::from_secs(1) / self.fps(step).max(1));
        }
    }

    /// The size and rate that a picture is made in.
    fn choose(&mut self, frame: &VideoFrame, now: Instant) -> Step {
        let source = (frame.width(), frame.height());
        let situation = Situation { bitrate_bps: self.target_bps, source, camera_fps: self.camera.fps(), load: self.load.share() };
        let ladder = self.ladder.get_or_insert_with(|| Ladder::new(self.profile, self.preference, &situation));
        let step = ladder.update(&situation, now);
        if self.step.replace(step).is_some_and(|before| before != step) {
            self.load = Load::default();
        }
        step
    }

    /// Each picture gets its share of the bitrate: of fewer pictures a second, each may be larger.
    fn fps(&self, step: Step) -> u32 {
        self.camera.fps().map_or(step.fps, |camera| camera.min(step.fps))
    }
}

/// Why a picture was left out; the next may do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unencoded {
    #[error(transparent)]
    Encoder(#[from] h264::Error),
    #[error(transparent)]
    Frame(#[from] media::frame::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: VideoProfile = VideoProfile { width: 640, height: 360, fps: 30, max_kbps: 600 };

    fn frame(start: Instant, ms: u64) -> VideoFrame {
        VideoFrame::black(640, 360, start + Duration::from_millis(ms)).expect("fits")
    }

    fn room(target_bps: u32) -> Afforded {
        Afforded { target_bps, queued: Duration::ZERO }
    }

    /// A pipeline, and what it makes of a picture every 33 ms.
    struct Test {
        pipeline: Pipeline,
        keyframes: Keyframes,
        start: Instant,
        ms: u64,
    }

    impl Test {
        fn new() -> Self {
            Self { pipeline: Pipeline::new(PROFILE, Preference::default()), keyframes: Keyframes::default(), start: Instant::now(), ms: 0 }
        }

        fn wish(&mut self, keyframe: bool, first: bool) {
            self.keyframes.wish(keyframe, first, self.start + Duration::from_millis(self.ms + 5));
        }

        fn step(&mut self, target_bps: u32) -> Option<EncodedVideo> {
            self.ms += 33;
            let (frame, now) = (frame(self.start, self.ms), self.start + Duration::from_millis(self.ms + 5));
            self.pipeline.encode(frame, true, room(target_bps), &mut self.keyframes, now).expect("encodes")
        }
    }

    #[test]
    fn the_bitrate_decides_the_size_and_the_profile_bounds_it() {
        let mut test = Test::new();
        let size = |encoded: Option<EncodedVideo>| encoded.map(|encoded| (encoded.width, encoded.height, encoded.keyframe));
        assert_eq!(size(test.step(5_000_000)), Some((640, 360, true)));
        assert_eq!(test.pipeline.target_bps, 600_000);
        assert_eq!(size(test.step(5_000_000)), Some((640, 360, false)));
        assert_eq!(size(test.step(40_000)), Some((160, 90, true)));
    }

    #[test]
    fn requests_for_keyframes_are_answered_at_most_every_300_ms() {
        let mut test = Test::new();
        let keyframes = (0..30).filter(|_| {
            test.wish(true, false);
            test.step(600_000).is_some_and(|encoded| encoded.keyframe)
        });
        assert_eq!(keyframes.count(), 3);
    }

    #[test]
    fn a_request_that_crosses_a_keyframe_is_forgotten() {
        let mut test = Test::new();
        assert!(test.step(600_000).is_some_and(|encoded| encoded.keyframe));
        test.wish(true, false);
        assert!((0..30).all(|_| test.step(600_000).is_some_and(|encoded| !encoded.keyframe)));
    }

    #[test]
    fn somebody_new_gets_a_keyframe_at_once() {
        let mut test = Test::new();
        assert!(test.step(600_000).is_some_and(|encoded| encoded.keyframe));
        test.wish(false, true);
        assert!(test.step(600_000).is_some_and(|encoded| encoded.keyframe));
        assert!(test.step(600_000).is_some_and(|encoded| !encoded.keyframe));
    }

    #[test]
    fn a_picture_sent_again_has_a_later_time_and_is_only_sent_for_a_keyframe() {
        let mut test = Test::new();
        let first = test.step(600_000).expect("encoded");
        let again = |test: &mut Test| {
            let frame = frame(test.start, test.ms);
            test.pipeline
                .encode(frame, false, room(600_000), &mut test.keyframes, test.start + Duration::from_millis(test.ms))
                .expect("encodes")
        };
        assert_eq!(again(&mut test), None);
        test.wish(false, true);
        let second = again(&mut test).expect("encoded");
        assert!(second.keyframe && second.captured > first.captured);
        let third = test.step(600_000).expect("encoded");
        assert!(third.captured > second.captured);
    }

    #[test]
    fn while_pictures_queue_none_is_added_but_a_keyframe() {
        let mut test = Test::new();
        let mut step = |queued: u64, keyframe: bool| {
            test.wish(keyframe, keyframe);
            test.ms += 33;
            let (frame, now) = (frame(test.start, test.ms), test.start + Duration::from_millis(test.ms + 5));
            let afforded = Afforded { target_bps: 600_000, queued: Duration::from_millis(queued) };
            test.pipeline.encode(frame, true, afforded, &mut test.keyframes, now).expect("encodes").is_some()
        };
        assert!(step(0, false) && step(100, false));
        assert!(!step(101, false) && !step(300, false));
        assert!(step(300, true));
        assert!(!step(150, false) && step(50, false));
    }

    #[test]
    fn an_encoder_that_takes_too_long_gets_smaller_pictures() {
        let mut test = Test::new();
        let mut height = |took: u64| {
            let mut height = 0;
            for _ in 0..60 {
                height = test.step(600_000).map_or(height, |encoded| encoded.height);
                test.pipeline.on_made(Duration::from_millis(took));
            }
            height
        };
        assert_eq!(height(10), 360);
        assert!(height(30) < 360);
    }

    #[test]
    fn a_slow_camera_gets_the_whole_bitrate() {
        let bits = |every: usize| {
            let mut test = Test::new();
            let noise = |number: usize| {
                let mut data = vec![128; 640 * 360 * 3 / 2];
                let mut random = number as u32 + 1;
                for luma in &mut data[..640 * 360] {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *luma = (random >> 26) as u8 + 96;
                }
                data
            };
            let mut sum = 0;
            for number in 0..360usize {
                test.ms += 33;
                if number % every > 0 {
                    continue;
                }
                let (captured, now) = (test.start + Duration::from_millis(test.ms), test.start + Duration::from_millis(test.ms + 5));
                let frame = VideoFrame::new(640, 360, captured, noise(number)).expect("fits");
                let encoded = test.pipeline.encode(frame, true, room(600_000), &mut test.keyframes, now).expect("encodes");
                sum += encoded.filter(|_| number >= 240).map_or(0, |encoded| encoded.data.len() * 8);
            }
            sum
        };
        let (fast, slow) = (bits(1), bits(3));
        assert!(slow * 10 > fast * 9, "{slow} bits at 10 fps, {fast} at 30");
    }
}
