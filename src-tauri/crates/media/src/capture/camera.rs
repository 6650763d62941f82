//! An open camera: a thread, the newest frame, and events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::source::{Source, Stop, Worker};
use super::{Error, Event, VideoFormat, clip, nokhwa, pattern, screen};
use crate::{VideoFrame, latest};

/// An open camera. Dropping it stops it.
pub struct Camera {
    format: VideoFormat,
    frames: latest::Reader<VideoFrame>,
    events: Option<mpsc::Receiver<Event>>,
    paused: Arc<AtomicBool>,
    _worker: Worker,
}

impl Camera {
    /// Opens the camera `id` and delivers pictures close to `want`; [`format`](Self::format) says what they really are. The pattern
    /// keeps to `want`; a file has its size but keeps its own rate; a device delivers the nearest it has, never enlarged.
    pub fn open(id: &str, want: VideoFormat) -> Result<Self, Error> {
        if crate::frame::size(want.width, want.height).is_err() || want.fps == 0 {
            return Err(Error::Unsupported { device: id.to_owned(), source: None });
        }
        let source = source(id, want)?;
        let format = source.format();
        let (writer, frames) = latest::slot();
        let (sender, events) = mpsc::channel();
        let paused = Arc::new(AtomicBool::new(false));
        let pauses = paused.clone();
        let worker = Worker::start("camera", id, move |stop| run(source, stop, &pauses, &writer, &sender))?;
        Ok(Self { format, frames, events: Some(events), paused, _worker: worker })
    }

    /// A reader of the newest frame. The slot closes when the camera ends.
    pub fn frames(&self) -> latest::Reader<VideoFrame> {
        self.frames.clone()
    }

    /// What the camera delivers.
    pub fn format(&self) -> VideoFormat {
        self.format
    }

    /// Whether it is a window that shows what it last showed, because it is minimised.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// The camera's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }
}

fn source(id: &str, want: VideoFormat) -> Result<Box<dyn Source>, Error> {
    if id == pattern::ID {
        return Ok(Box::new(pattern::Pattern::new(want, Instant::now())));
    }
    if let Some(path) = id.strip_prefix("file:") {
        return Ok(Box::new(clip::Clip::open(path.as_ref(), want, Instant::now())?));
    }
    if id.starts_with(nokhwa::PREFIX) {
        return Ok(Box::new(nokhwa::Device::open(id, want)?));
    }
    if screen::PREFIXES.iter().any(|prefix| id.starts_with(prefix)) {
        return screen::open(id, want);
    }
    Err(Error::NotFound { device: id.to_owned() })
}

fn run(mut source: Box<dyn Source>, stop: &Stop, paused: &AtomicBool, frames: &latest::Writer<VideoFrame>, events: &mpsc::Sender<Event>) {
    loop {
        let next = source.next_frame(stop);
        paused.store(source.is_paused(), Ordering::Relaxed);
        match next {
            Ok(Some(frame)) => frames.set(frame),
            Ok(None) => return,
            Err(error) => {
                // Nobody may be listening: the closed slot tells the readers all the same.
                let _ = events.send(Event::Lost(error));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::latest::Next;

    const WANT: VideoFormat = VideoFormat { width: 64, height: 48, fps: 100 };
    const LONG: Duration = Duration::from_secs(60);

    /// Yields as many pictures as it is told, then fails.
    struct Short(u32);

    impl Source for Short {
        fn format(&self) -> VideoFormat {
            WANT
        }

        fn next_frame(&mut self, _: &Stop) -> Result<Option<VideoFrame>, Error> {
            if self.0 == 0 {
                return Err(Error::NotFound { device: "short".into() });
            }
            self.0 -= 1;
            Ok(Some(VideoFrame::black(64, 48, Instant::now()).expect("fits")))
        }
    }

    #[test]
    fn the_pattern_delivers_what_was_wanted_until_it_is_dropped() {
        let camera = Camera::open("pattern", WANT).expect("needs no device");
        assert_eq!(camera.format(), WANT);
        let mut frames = camera.frames();
        for _ in 0..3 {
            let Next::Value(frame) = frames.next(LONG) else { panic!("no frame") };
            assert_eq!((frame.width(), frame.height()), (64, 48));
        }
        drop(camera);
        while let Next::Value(_) = frames.next(LONG) {}
        assert!(matches!(frames.next(LONG), Next::Closed));
    }

    #[test]
    fn a_source_that_ends_closes_the_slot_and_says_so_once() {
        let (writer, mut frames) = latest::slot();
        let (sender, events) = mpsc::channel();
        run(Box::new(Short(2)), &Stop::default(), &AtomicBool::new(false), &writer, &sender);
        drop((writer, sender));
        assert!(matches!(frames.next(LONG), Next::Value(_)));
        assert!(matches!(frames.next(LONG), Next::Closed));
        assert!(matches!(events.recv(), Ok(Event::Lost(Error::NotFound { .. }))));
        assert!(events.recv().is_err());
    }

    #[test]
    fn an_unknown_id_is_not_found() {
        for id in ["", "webcam", "camera:none such", "tone"] {
            assert!(matches!(Camera::open(id, WANT), Err(Error::NotFound { .. })), "{id}");
        }
    }

    #[test]
    fn a_format_that_is_no_picture_is_refused() {
        for want in [VideoFormat { width: 0, ..WANT }, VideoFormat { fps: 0, ..WANT }, VideoFormat { height: 100_000, ..WANT }] {
            assert!(matches!(Camera::open("pattern", want), Err(Error::Unsupported { .. })), "{want:?}");
        }
    }

    #[test]
    fn events_are_taken_once() {
        let mut camera = Camera::open("pattern", WANT).expect("needs no device");
        drop(camera.take_events());
        assert!(camera.take_events().recv().is_err());
    }
}
