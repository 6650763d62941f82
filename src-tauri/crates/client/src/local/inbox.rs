//! What lies before the encoders: the newest picture, and whether keyframes are wanted.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::VideoFrame;
use signal::StreamType;

use super::layers::Each;
use super::subscribers::Wish;
use crate::stats::Window;

/// A place for one picture: a newer one replaces it, and nobody waits to put one.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    frame: Option<VideoFrame>,
    /// The frame has not been taken yet.
    fresh: bool,
    asked: Each<Asked>,
    /// When somebody new last asked.
    newcomer: Option<Instant>,
    closed: bool,
    /// When pictures came.
    captured: Window,
}

/// Which keyframes are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// By somebody who lost the thread.
    pub keyframe: bool,
    /// By somebody who has seen nothing yet.
    pub first_keyframe: bool,
}

/// A picture to encode.
pub(super) struct Job {
    pub frame: VideoFrame,
    /// It has not been taken before.
    pub fresh: bool,
    pub asked: Each<Asked>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A newer picture; it replaces one that was not taken.
    pub fn put(&self, frame: VideoFrame) {
        let old = {
            let mut waiting = self.lock();
            waiting.fresh = true;
            waiting.captured.add(1.0, Instant::now());
            waiting.frame.replace(frame)
        };
        self.changed.notify_all();
        drop(old);
    }

    /// How many pictures came in the last second, and the size of the last: width and height in pixels, 0 without one.
    pub fn captured(&self, now: Instant) -> (f64, u32, u32) {
        let mut waiting = self.lock();
        let (width, height) = waiting.frame.as_ref().map_or((0, 0), |frame| (frame.width(), frame.height()));
        (waiting.captured.count(now), width, height)
    }

    /// There is no picture any more.
    pub fn empty(&self) {
        let mut waiting = self.lock();
        waiting.fresh = false;
        waiting.frame = None;
    }

    pub fn wish(&self, wish: Wish) {
        let mut waiting = self.lock();
        match wish {
            Wish::Nothing => return,
            Wish::Keyframe(picture) => waiting.asked[picture].keyframe = true,
            Wish::FirstKeyframe(picture) => {
                waiting.asked[picture].first_keyframe = true;
                waiting.newcomer = Some(Instant::now());
            }
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// Whether somebody new has come within that time.
    pub fn has_newcomer(&self, within: Duration) -> bool {
        self.lock().newcomer.is_some_and(|newcomer| newcomer.elapsed() < within)
    }

    /// Nothing more is taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The next picture: a fresh one, or for somebody new the last one again. `None` when closed.
    pub fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            let somebody_new = [StreamType::High, StreamType::Low].into_iter().any(|picture| waiting.asked[picture].first_keyframe);
            if let Some(frame) = waiting.frame.clone().filter(|_| waiting.fresh || somebody_new) {
                let fresh = std::mem::take(&mut waiting.fresh);
                return Some(Job { frame, fresh, asked: std::mem::take(&mut waiting.asked) });
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn frame(start: Instant, ms: u64) -> VideoFrame {
        VideoFrame::black(64, 48, start + Duration::from_millis(ms)).expect("fits")
    }

    #[test]
    fn the_inbox_keeps_the_newest_picture_and_gives_it_once() {
        let (inbox, start) = (Inbox::default(), Instant::now());
        inbox.put(frame(start, 1));
        inbox.put(frame(start, 2));
        let job = inbox.next().expect("open");
        assert_eq!((job.frame.captured(), job.fresh, job.asked), (start + Duration::from_millis(2), true, Each::default()));
        inbox.wish(Wish::Keyframe(StreamType::High));
        assert!(!inbox.has_newcomer(Duration::MAX));
        inbox.wish(Wish::FirstKeyframe(StreamType::High));
        assert!(inbox.has_newcomer(Duration::MAX) && !inbox.has_newcomer(Duration::ZERO));
        inbox.wish(Wish::Keyframe(StreamType::Low));
        let job = inbox.next().expect("open");
        assert!(!job.fresh);
        assert_eq!(job.asked[StreamType::High], Asked { keyframe: true, first_keyframe: true });
        assert_eq!(job.asked[StreamType::Low], Asked { keyframe: true, first_keyframe: false });
        inbox.close();
        inbox.put(frame(start, 3));
        assert!(inbox.next().is_none());
    }

    #[test]
    fn a_keyframe_for_somebody_new_waits_for_a_picture() {
        let (inbox, start) = (Arc::new(Inbox::default()), Instant::now());
        inbox.put(frame(start, 1));
        inbox.empty();
        inbox.wish(Wish::FirstKeyframe(StreamType::Low));
        let waiting = std::thread::spawn({
            let inbox = inbox.clone();
            move || inbox.next().map(|job| job.frame.captured())
        });
        inbox.put(frame(start, 7));
        assert_eq!(waiting.join().expect("no panic"), Some(start + Duration::from_millis(7)));
    }
}
