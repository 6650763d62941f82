//! Lips in step with the voice.
//!
//! Both tracks of a stream tell when a moment captured by the sender is played. The one that is ahead is told to wait for the
//! other. Sound follows what it is told in pieces of 20 ms and with some slack, so this moves more slowly than sound can follow,
//! and leaves alone what nobody notices.

use std::time::{Duration, Instant};

/// A difference nobody notices (ITU-R BT.1359 puts detection at 45 ms of sound ahead and 125 ms of sound behind).
const TOLERANCE: f64 = 0.025;

/// What is corrected at most; a difference beyond twice that means that the clocks are wrong.
const MAX_EXTRA: f64 = 0.6;

/// How far one update moves, in seconds.
const MAX_STEP: f64 = 0.005;

/// The share of what pictures wait too long that one update takes back: they follow at once, and a delay is worse than a quick picture.
const RELEASE: f64 = 0.15;

/// A track not played for this long is not waited for.
const STALE: Duration = Duration::from_secs(3);

/// The weight of a new measurement.
const WEIGHT: f64 = 0.1;

/// A measurement this far from those before is a jump of the path or of the clock and replaces them.
const JUMP: f64 = 0.15;

/// What each track's playout must wait longer than it would by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extra {
    /// For [`crate::receive::audio::Audio::set_minimum_delay`].
    pub audio: Duration,
    /// For [`crate::receive::video::Video::set_extra_delay`].
    pub video: Duration,
}

/// Keeps the two tracks of one stream in step. At most one of the extra delays is above zero.
#[derive(Debug, Default)]
pub struct Sync {
    audio: Option<Measured>,
    video: Option<Measured>,
    /// How much longer sound waits (above zero) or pictures do (below).
    applied: f64,
}

/// One track's capture → playout in seconds, smoothed; of any sign, since the sender's clock may differ.
#[derive(Debug, Clone, Copy)]
struct Measured {
    delay: f64,
    at: Instant,
}

impl Sync {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sound captured at `captured` (by the sender's clock on ours) is heard at `playout`, extra delay included.
    pub fn on_audio(&mut self, captured: Instant, playout: Instant) {
        smooth(&mut self.audio, captured, playout);
    }

    /// A frame captured at `captured` is shown at `render_at`, extra delay included.
    pub fn on_video(&mut self, captured: Instant, render_at: Instant) {
        smooth(&mut self.video, captured, render_at);
    }

    /// The extra delays to apply now; to be called about every 200 ms.
    pub fn update(&mut self, now: Instant) -> Extra {
        let played = |track: Option<Measured>| track.filter(|last| now.saturating_duration_since(last.at) < STALE);
        let ahead = played(self.video).zip(played(self.audio)).map(|(video, audio)| video.delay - audio.delay);
        match ahead {
            Some(ahead) if ahead.abs() <= TOLERANCE => {}
            Some(ahead) if ahead.abs() <= 2.0 * MAX_EXTRA => {
                // As far as pictures wait already: beyond that, sound would have to.
                let release = (ahead * RELEASE).min(-self.applied);
                self.applied = (self.applied + ahead.clamp(-MAX_STEP, MAX_STEP).max(release)).clamp(-MAX_EXTRA, MAX_EXTRA);
            }
            // Clocks that are wrong by seconds are no reason to delay anything, and neither is a track that pauses.
            _ => self.applied -= self.applied.clamp(-MAX_STEP, MAX_STEP),
        }
        Extra { audio: Duration::from_secs_f64(self.applied.max(0.0)), video: Duration::from_secs_f64((-self.applied).max(0.0)) }
    }
}

fn smooth(track: &mut Option<Measured>, captured: Instant, playout: Instant) {
    let delay = seconds(playout, captured);
    let delay = match track {
        Some(last) if (delay - last.delay).abs() < JUMP => last.delay + WEIGHT * (delay - last.delay),
        _ => delay,
    };
    *track = Some(Measured { delay, at: playout });
}

fn seconds(later: Instant, earlier: Instant) -> f64 {
    later.saturating_duration_since(earlier).as_secs_f64() - earlier.saturating_duration_since(later).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::delay::offset;

    const MS: Duration = Duration::from_millis(1);

    /// A stream whose tracks take `audio` and `video` (ms) by themselves. Sound follows the extra delay in pieces of 20 ms, a
    /// second apart, with slack.
    struct Stream {
        sync: Sync,
        audio: f64,
        video: f64,
        followed: f64,
        extra: Extra,
        now: Instant,
    }

    impl Stream {
        fn new(audio: f64, video: f64) -> Self {
            let now = Instant::now() + 100_000 * MS;
            Self { sync: Sync::new(), audio, video, followed: 0.0, extra: Extra::default(), now }
        }

        fn run(&mut self, seconds: u32) -> &mut Self {
            for update in 0..seconds * 5 {
                self.now += 200 * MS;
                let captured = |ms: f64| offset(self.now, (-ms * 1e3) as i64).unwrap();
                let (audio, video) = (self.audio + self.followed, self.video + self.extra.video.as_secs_f64() * 1e3);
                (0..10).for_each(|_| self.sync.on_audio(captured(audio), self.now));
                (0..6).for_each(|_| self.sync.on_video(captured(video), self.now));
                self.extra = self.sync.update(self.now);
                let wanted = self.extra.audio.as_secs_f64() * 1e3;
                if update % 5 == 0 && wanted - self.followed > 10.0 {
                    self.followed += 20.0;
                } else if update % 5 == 0 && self.followed - wanted > 30.0 {
                    self.followed -= 20.0;
                }
            }
            self
        }

        fn ahead(&self) -> f64 {
            self.video + self.extra.video.as_secs_f64() * 1e3 - self.audio - self.followed
        }
    }

    #[test]
    fn sound_waits_for_a_picture_that_is_later() {
        let mut stream = Stream::new(60.0, 160.0);
        assert!(stream.run(10).ahead().abs() <= 40.0, "{}", stream.ahead());
        assert!(stream.extra.video.is_zero());
    }

    #[test]
    fn pictures_wait_for_sound_that_is_later() {
        let mut stream = Stream::new(160.0, 60.0);
        assert!(stream.run(10).ahead().abs() <= 26.0, "{}", stream.ahead());
        assert!(stream.extra.audio.is_zero());
    }

    #[test]
    fn once_in_step_nothing_moves() {
        for (audio, video) in [(20.0, 200.0), (200.0, 20.0), (50.0, 95.0)] {
            let mut stream = Stream::new(audio, video);
            let settled = stream.run(20).extra;
            assert_eq!(stream.run(60).extra, settled);
        }
    }

    #[test]
    fn a_difference_nobody_notices_is_left_alone() {
        assert_eq!(Stream::new(50.0, 72.0).run(10).extra, Extra::default());
    }

    #[test]
    fn extra_delay_comes_and_goes_in_small_steps() {
        let mut stream = Stream::new(20.0, 320.0);
        assert!(stream.run(1).extra.audio <= 25 * MS);
        stream.run(30);
        stream.video = 20.0;
        let before = stream.extra.audio;
        assert!(before - stream.run(1).extra.audio <= 25 * MS);
        assert!(stream.run(40).ahead().abs() <= 40.0, "{}", stream.ahead());
    }

    #[test]
    fn clocks_that_differ_do_not_matter_and_absurd_ones_are_ignored() {
        let mut stream = Stream::new(-5000.0, -4900.0);
        assert!(stream.run(10).ahead().abs() <= 40.0, "{}", stream.ahead());
        assert_eq!(Stream::new(-5000.0, 5000.0).run(10).extra, Extra::default());
    }

    #[test]
    fn one_track_alone_is_not_delayed() {
        let mut sync = Sync::new();
        let now = Instant::now();
        sync.on_audio(now, now + 100 * MS);
        assert_eq!(sync.update(now), Extra::default());
    }

    #[test]
    fn pictures_stop_waiting_soon_after_sound_has_caught_up() {
        let mut stream = Stream::new(300.0, 20.0);
        stream.run(20);
        assert!(stream.extra.video >= 250 * MS, "{:?}", stream.extra);
        stream.audio = 20.0;
        assert!(stream.run(5).extra.video <= 30 * MS, "{:?}", stream.extra);
        assert!(stream.ahead() > 0.0 && stream.extra.audio.is_zero());
    }

    #[test]
    fn nobody_waits_for_a_track_that_pauses() {
        let mut stream = Stream::new(200.0, 20.0);
        stream.run(20);
        let (last, now) = (stream.extra.video, stream.now + STALE);
        (1..=20).for_each(|update| {
            stream.extra = stream.sync.update(now + update * 200 * MS);
        });
        assert!(stream.extra.video <= last - 95 * MS, "{:?}", stream.extra);
    }
}
