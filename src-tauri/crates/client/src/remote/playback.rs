//! The speaker that all remote streams of a client share.
//!
//! Invariant: the speaker belongs to one thread, because opening it may take long; who wants to be heard leaves the voice at the door.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::capture::Kind;
use media::playback::{Event, Speaker, Voice, VoiceHandle};
use tokio::sync::mpsc;

use super::Notice;
use crate::local::problem;

/// The speaker that nobody hears.
const SILENT: &str = "none";
/// How often the speaker is asked for its delay and for news.
const GLANCE: Duration = Duration::from_millis(100);
/// Voices that wait while the speaker opens.
const WAITING: usize = 64;

/// A voice and the place it is to take.
type Arrival = (Box<dyn Voice>, Arc<Seat>);

/// What all remote streams of a client share: the speaker. It closes with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Playback {
    door: SyncSender<Arrival>,
    latency: Arc<AtomicU64>,
}

/// A voice's place in the mix, from before the speaker is open until the voice is not wanted any more.
#[derive(Default)]
pub(super) struct Seat {
    state: Mutex<Seated>,
}

#[derive(Default)]
struct Seated {
    handle: Option<VoiceHandle>,
    volume: Option<f32>,
    left: bool,
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Seated> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, handle: VoiceHandle) {
        let mut seated = self.lock();
        if seated.left {
            return;
        }
        if let Some(volume) = seated.volume {
            handle.set_volume(volume);
        }
        seated.handle = Some(handle);
    }

    /// Is not heard any more.
    pub fn leave(&self) {
        let mut seated = self.lock();
        seated.left = true;
        seated.handle = None;
    }

    pub fn set_volume(&self, volume: f32) {
        let mut seated = self.lock();
        seated.volume = Some(volume);
        if let Some(handle) = &seated.handle {
            handle.set_volume(volume);
        }
    }

    pub fn level(&self) -> f32 {
        self.lock().handle.as_ref().map_or(0.0, VoiceHandle::level)
    }
}

impl Playback {
    /// Opens the speaker ("default", "none" or an id) on a thread of its own and returns at once; streams made before it is open
    /// sound when it is. One that does not open is replaced by the silent one and reported as [`Notice::SpeakerLost`].
    pub fn open(speaker: &str, notices: mpsc::Sender<Notice>) -> Self {
        let (door, arrivals) = sync_channel(WAITING);
        let latency = Arc::new(AtomicU64::new(0));
        let (id, shown) = (speaker.to_owned(), latency.clone());
        if let Err(error) = std::thread::Builder::new().name("speaker".into()).spawn(move || keep(&id, &arrivals, &shown, &notices)) {
            tracing::error!(%error, "no thread for the speaker");
        }
        Self { door, latency }
    }

    /// Lets a voice be heard until its seat is left. Never waits.
    pub(super) fn add(&self, voice: Box<dyn Voice>) -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        if self.door.try_send((voice, seat.clone())).is_err() {
            tracing::error!("a voice is not heard: the speaker takes no more");
        }
        seat
    }

    /// How long a sample takes from being pulled to being heard, in microseconds.
    pub(super) fn latency(&self) -> Arc<AtomicU64> {
        self.latency.clone()
    }
}

/// Keeps the speaker until the last [`Playback`] is dropped.
fn keep(id: &str, arrivals: &Receiver<Arrival>, latency: &AtomicU64, notices: &mpsc::Sender<Notice>) {
    let Some(mut speaker) = open(id, notices) else { return };
    let events = speaker.take_events();
    loop {
        match arrivals.recv_timeout(GLANCE) {
            Ok((voice, seat)) => seat.take(speaker.add(voice)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        latency.store(u64::try_from(speaker.latency().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        for event in events.try_iter() {
            match event {
                Event::Lost(error) => report(&error, notices),
                Event::Reopened(label) => tracing::info!(label, "sound is heard again"),
            }
        }
    }
}

fn open(id: &str, notices: &mpsc::Sender<Notice>) -> Option<Speaker> {
    let error = match Speaker::open(id) {
        Ok(speaker) => return Some(speaker),
        Err(error) => error,
    };
    report(&error, notices);
    Speaker::open(SILENT).inspect_err(|error| tracing::error!(%error, "there is no silent speaker")).ok()
}

fn report(error: &media::playback::Error, notices: &mpsc::Sender<Notice>) {
    // A client that is flooded with notices has other worries; one that is gone has none.
    let _ = notices.try_send(Notice::SpeakerLost(problem::describe(Kind::Speaker, error)));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use media::playback::BLOCK;
    use signal::Code;

    use super::*;

    struct Told(Sender<()>);

    impl Voice for Told {
        fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool {
            out.fill(0.5);
            self.0.send(()).is_ok()
        }
    }

    #[test]
    fn a_voice_is_pulled_until_its_seat_is_left() {
        let (notices, _kept) = mpsc::channel(4);
        let playback = Playback::open("none", notices);
        let (sender, pulls) = channel();
        let seat = playback.add(Box::new(Told(sender)));
        seat.set_volume(0.5);
        assert_eq!(pulls.iter().take(3).count(), 3);
        seat.leave();
        // The voice goes, and with it the sender.
        assert!(pulls.iter().count() < 1000);
        assert_eq!(seat.level(), 0.0);
    }

    #[test]
    fn dropping_the_playback_drops_the_voices() {
        let (notices, _kept) = mpsc::channel(4);
        let playback = Playback::open("none", notices);
        let (sender, pulls) = channel();
        let _seat = playback.add(Box::new(Told(sender)));
        assert!(pulls.recv().is_ok());
        drop(playback);
        assert!(pulls.iter().count() < 1000);
    }

    #[test]
    fn a_speaker_that_does_not_open_is_reported_and_replaced_by_a_silent_one() {
        let (notices, mut told) = mpsc::channel(4);
        let playback = Playback::open("speaker:nowhere", notices);
        let (sender, pulls) = channel();
        let _seat = playback.add(Box::new(Told(sender)));
        assert!(pulls.recv().is_ok());
        let Some(Notice::SpeakerLost(error)) = told.blocking_recv() else { panic!("not told") };
        assert_eq!(error.code, Code::DevicesNotFound);
    }

    #[test]
    fn a_seat_left_before_the_speaker_is_open_stays_empty() {
        let seat = Seat::default();
        seat.leave();
        let (sender, pulls) = channel();
        let speaker = Speaker::open("none").expect("needs no device");
        seat.take(speaker.add(Box::new(Told(sender))));
        assert!(pulls.iter().count() < 1000);
    }
}
