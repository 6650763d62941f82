//! An open microphone: 10 ms frames, a level, and events.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::time::Instant;

use super::card::Card;
use super::framer::FRAME_SAMPLES;
use super::schedule::Schedule;
use super::source::Worker;
use super::tone::{self, Tone};
use super::wav::Wav;
use super::{Error, Event};
use crate::AudioFrame;
use crate::playback::Level;
use crate::playback::host::{DEFAULT, Direction};

/// Frames that wait for a reader before new ones are dropped: 320 ms, more than what is ever made up for at once.
const QUEUE: usize = 32;
/// Frames that a file or the tone may make up for after a pause; a longer pause is skipped.
const PATIENCE: u64 = 20;

/// An open microphone. Dropping it stops it.
pub struct Microphone {
    frames: Option<Receiver<AudioFrame>>,
    events: Option<Receiver<Event>>,
    level: Arc<Level>,
    /// Runs for as long as it lives.
    _origin: Origin,
}

/// Where the frames come from.
enum Origin {
    Card { _card: Card },
    Thread { _worker: Worker },
}

impl Microphone {
    /// Opens the microphone `id` and delivers frames of `channels` channels (1 or 2).
    pub fn open(id: &str, channels: u8) -> Result<Self, Error> {
        let channels = channels.clamp(1, 2);
        let (sender, frames) = mpsc::sync_channel(QUEUE);
        let (events_sender, events) = mpsc::channel();
        let level = Arc::new(Level::default());
        let outlet = Outlet { frames: sender, level: level.clone() };
        let origin = if id == DEFAULT || id.starts_with(Direction::Input.prefix()) {
            Origin::Card { _card: Card::open(id, channels, outlet, events_sender)? }
        } else {
            let sound = Sound::open(id, channels)?;
            Origin::Thread { _worker: pace(sound, channels, outlet, events_sender)? }
        };
        Ok(Self { frames: Some(frames), events: Some(events), level, _origin: origin })
    }

    /// The frames, for the first who asks; a later caller gets a receiver without a sender. The queue holds 320 ms: what does not fit
    /// is dropped. It ends when the microphone does.
    pub fn take_frames(&mut self) -> mpsc::Receiver<AudioFrame> {
        self.frames.take().unwrap_or_else(|| mpsc::channel().1)
    }

    /// The microphone's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }

    /// How loud it is now, 0.0 to 1.0.
    pub fn level(&self) -> f32 {
        self.level.get()
    }
}

/// Where a microphone's frames go.
pub struct Outlet {
    pub(super) frames: SyncSender<AudioFrame>,
    pub(super) level: Arc<Level>,
}

impl Outlet {
    /// Never waits: a frame for which there is no room is dropped.
    pub fn send(&mut self, frame: AudioFrame) {
        self.level.update(&frame.samples);
        // Full: the reader is behind and would rather lose sound than hear it late. Disconnected: only the level is wanted.
        let _ = self.frames.try_send(frame);
    }
}

/// Sound that has no clock of its own.
enum Sound {
    Tone(Tone),
    File(Box<Wav>),
}

impl Sound {
    fn open(id: &str, channels: u8) -> Result<Self, Error> {
        if id == tone::ID {
            return Ok(Self::Tone(Tone::default()));
        }
        match id.strip_prefix("file:") {
            Some(path) => Ok(Self::File(Box::new(Wav::open(path.as_ref(), channels.into())?))),
            None => Err(Error::NotFound { device: id.to_owned() }),
        }
    }

    fn fill(&mut self, samples: &mut [f32], channels: u8) -> Result<(), Error> {
        match self {
            Self::Tone(tone) => tone.fill(samples, channels.into()),
            Self::File(wav) => wav.fill(samples)?,
        }
        Ok(())
    }
}

/// Delivers such sound at the clock's pace, in a thread of its own.
fn pace(mut sound: Sound, channels: u8, mut outlet: Outlet, events: Sender<Event>) -> Result<Worker, Error> {
    Worker::start("microphone", "microphone", move |stop| {
        let mut schedule = Schedule::new(Instant::now(), 100, 1).with_patience(PATIENCE);
        loop {
            let captured = schedule.take(Instant::now()).due;
            let mut samples = vec![0.0; FRAME_SAMPLES * usize::from(channels)];
            if let Err(error) = sound.fill(&mut samples, channels) {
                // Nobody may be listening: the queue's end tells the reader all the same.
                let _ = events.send(Event::Lost(error));
                return;
            }
            if stop.wait_until(captured) {
                return;
            }
            outlet.send(AudioFrame { samples, channels, captured });
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_tone_delivers_frames_that_follow_each_other_until_it_is_dropped() {
        let mut microphone = Microphone::open("tone", 2).expect("needs no device");
        let frames = microphone.take_frames();
        let first = frames.recv().expect("a frame");
        let second = frames.recv().expect("a frame");
        assert_eq!((first.samples.len(), first.channels), (960, 2));
        assert!(second.captured >= first.captured + Duration::from_millis(10));
        assert!(microphone.level() > 0.05);
        drop(microphone);
        assert!(frames.iter().count() <= QUEUE);
    }

    #[test]
    fn a_slow_reader_loses_frames_but_stops_nothing() {
        let (sender, frames) = mpsc::sync_channel(QUEUE);
        let mut outlet = Outlet { frames: sender, level: Arc::default() };
        let start = Instant::now();
        for n in 0..50 {
            outlet.send(AudioFrame { samples: vec![0.5], channels: 1, captured: start + Duration::from_millis(10 * n) });
        }
        assert_eq!(outlet.level.get(), 0.5);
        drop(outlet);
        assert_eq!(frames.iter().count(), QUEUE);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for id in ["", "pattern", "microphone:nowhere", "microphone:alsa:hw:CARD=none such"] {
            assert!(matches!(Microphone::open(id, 1), Err(Error::NotFound { .. })), "{id}");
        }
        assert!(matches!(Microphone::open("file:/no/such.wav", 1), Err(Error::File { .. })));
    }

    #[test]
    fn frames_and_events_are_taken_once() {
        let mut microphone = Microphone::open("tone", 1).expect("needs no device");
        drop((microphone.take_frames(), microphone.take_events()));
        assert!(microphone.take_frames().recv().is_err());
        assert!(microphone.take_events().recv().is_err());
    }
}
