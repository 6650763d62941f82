//! A screen as a source: pictures come when something changed, a little longer, and once a second at least.
//!
//! An encoder makes the first picture after a change coarse, and better with each one that follows: it is given the same one for
//! [`SETTLE`], so that text that stands still becomes sharp. Then one a second shows that the screen lives.

use std::time::{Duration, Instant};

use super::{Grab, Look, Picture, pixels};
use crate::VideoFrame;
use crate::capture::error::Cause;
use crate::capture::schedule::Schedule;
use crate::capture::source::{Source, Stop};
use crate::capture::{Error, VideoFormat};

/// How long after a change pictures come at the full rate.
const SETTLE: Duration = Duration::from_secs(1);
/// The longest time between two pictures.
const ALIVE: Duration = Duration::from_secs(1);

/// Why a window cannot be shared yet.
#[derive(Debug, thiserror::Error)]
#[error("it is minimised or outside the screen; bring it up first")]
struct Minimised;

/// A screen or window as a source.
pub(super) struct Share {
    grab: Box<dyn Grab>,
    want: VideoFormat,
    schedule: Schedule,
    pace: Pace,
    last: Picture,
    /// What was made of the last picture.
    frame: VideoFrame,
    hidden: bool,
}

impl Share {
    /// Reads the screen once, to know that it can be.
    pub fn new(id: &str, mut grab: Box<dyn Grab>, want: VideoFormat, now: Instant) -> Result<Self, Error> {
        let failed = |source: Cause| Error::Failed { device: id.to_owned(), source };
        let last = match grab.look()? {
            Look::Picture(picture) => picture,
            Look::Hidden => return Err(failed(Minimised.into())),
        };
        let frame = pixels::frame(&last, want, now).map_err(|error| failed(error.into()))?;
        let schedule = Schedule::new(now, want.fps, 1);
        Ok(Self { grab, want, schedule, pace: Pace::new(now), last, frame, hidden: false })
    }

    /// Reads the screen; answers whether it shows something new.
    fn look(&mut self, now: Instant) -> Result<bool, Error> {
        match self.grab.look()? {
            Look::Hidden => {
                self.hidden = true;
                Ok(false)
            }
            Look::Picture(picture) => {
                self.hidden = false;
                let same = (picture.width, picture.height) == (self.last.width, self.last.height) && picture.pixels == self.last.pixels;
                if same {
                    return Ok(false);
                }
                match pixels::frame(&picture, self.want, now) {
                    Ok(frame) => (self.frame, self.last) = (frame, picture),
                    // A window that was made as small as that, or larger than any frame, comes back when it fits again.
                    Err(error) => tracing::debug!(%error, "a picture of the screen is left out"),
                }
                Ok(true)
            }
        }
    }
}

impl Source for Share {
    fn format(&self) -> VideoFormat {
        VideoFormat { width: self.frame.width(), height: self.frame.height(), fps: self.want.fps }
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Option<VideoFrame>, Error> {
        loop {
            let due = self.schedule.take(Instant::now()).due;
            if stop.wait_until(due) {
                return Ok(None);
            }
            let now = Instant::now();
            let changed = self.look(now)?;
            if self.pace.due(changed, now) {
                return Ok(Some(self.frame.clone().with_captured(now)));
            }
        }
    }

    fn is_paused(&self) -> bool {
        self.hidden
    }
}

/// Which looks become pictures.
struct Pace {
    changed: Instant,
    sent: Option<Instant>,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { changed: now, sent: None }
    }

    /// Whether the picture as it is now is to be sent.
    fn due(&mut self, changed: bool, now: Instant) -> bool {
        if changed {
            self.changed = now;
        }
        let settles = now.saturating_duration_since(self.changed) < SETTLE;
        let due = settles || self.sent.is_none_or(|sent| now.saturating_duration_since(sent) >= ALIVE);
        if due {
            self.sent = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const WANT: VideoFormat = VideoFormat { width: 64, height: 64, fps: 1000 };

    /// Shows one thing after the other, then is gone.
    struct Film(VecDeque<Look>);

    impl Grab for Film {
        fn look(&mut self) -> Result<Look, Error> {
            self.0.pop_front().ok_or_else(|| Error::NotFound { device: "window:7".into() })
        }
    }

    fn shows(shade: u8, side: u32) -> Look {
        Look::Picture(Picture { width: side, height: side, pixels: vec![shade; (side * side * 4) as usize] })
    }

    fn share(looks: impl IntoIterator<Item = Look>) -> Result<Share, Error> {
        Share::new("window:7", Box::new(Film(looks.into_iter().collect())), WANT, Instant::now())
    }

    #[test]
    fn a_still_screen_settles_and_then_shows_once_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let sent: Vec<u64> = (0..50).map(|n| n * 100).filter(|ms| pace.due(*ms == 3000, start + Duration::from_millis(*ms))).collect();
        let first = (0..10).map(|n| n * 100).chain([1900, 2900]);
        let after = (30..40).map(|n| n * 100).chain([4900]);
        assert_eq!(sent, first.chain(after).collect::<Vec<_>>());
    }

    #[test]
    fn a_window_that_is_resized_goes_on_in_its_new_size_and_one_that_is_gone_ends() {
        let mut share = share([shows(0, 32), shows(0, 32), shows(9, 48)]).expect("shows something");
        let mut size = || share.next_frame(&Stop::default()).map(|frame| frame.map(|frame| (frame.width(), frame.height())));
        assert_eq!(size().expect("there"), Some((32, 32)));
        assert_eq!(size().expect("there"), Some((48, 48)));
        assert!(matches!(size(), Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_minimised_window_goes_on_with_what_it_showed_last() {
        let mut share = share([shows(0, 32), Look::Hidden, shows(9, 32)]).expect("shows something");
        let luma = |share: &mut Share| share.next_frame(&Stop::default()).expect("there").expect("not stopped").y()[0];
        let black = luma(&mut share);
        assert!(share.is_paused() && black == 16);
        assert!(luma(&mut share) > black && !share.is_paused());
    }

    #[test]
    fn a_window_that_shows_nothing_is_not_shared() {
        let error = share([Look::Hidden]).err().expect("refused");
        assert!(error.to_string().contains("minimised"), "{error}");
        assert!(matches!(share([]), Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_size_that_no_frame_has_is_passed_over() {
        let mut share = share([shows(0, 32), shows(1, 1), shows(2, 32)]).expect("shows something");
        let mut size = || share.next_frame(&Stop::default()).expect("there").map(|frame| frame.width());
        assert_eq!((size(), size()), (Some(32), Some(32)));
    }
}
