//! The speaker that all remote streams of a client share.
//!
//! Invariant: the speaker belongs to one thread, because opening it may take long; who wants to be heard leaves the voice at the door.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::capture::Kind;
use media::playback::chime::{self, chime};
use media::playback::{Event, Speaker, Voice, VoiceHandle};
use signal::{Code, Error};
use tokio::sync::{mpsc, oneshot};

use super::Notice;
use crate::local::problem;

/// How often the speaker is asked for its delay and for news.
const GLANCE: Duration = Duration::from_millis(100);
/// Voices that wait while the speaker opens.
const WAITING: usize = 64;

type Reply = oneshot::Sender<Result<(), Error>>;

/// What is left at the door.
enum Arrival {
    /// A voice and the place it is to take.
    Voice(Box<dyn Voice>, Arc<Seat>),
    /// Go on at this speaker.
    Switch(String, Reply),
    /// Play the chime at this speaker.
    Chime(String, Reply),
}

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
    /// sound when it is. One that does not open is reported as [`Notice::SpeakerLost`], and waited for.
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
        if self.door.try_send(Arrival::Voice(voice, seat.clone())).is_err() {
            tracing::error!("a voice is not heard: the speaker takes no more");
        }
        seat
    }

    /// Goes on at another speaker; if that does not open, at the one before.
    pub fn switch(&self, id: String, reply: Reply) {
        self.ask(Arrival::Switch(id, reply));
    }

    /// Plays the chime, and answers when it was heard out.
    pub fn chime(&self, id: String, reply: Reply) {
        self.ask(Arrival::Chime(id, reply));
    }

    fn ask(&self, arrival: Arrival) {
        let busy = || Err(Error::new(Code::InvalidOperation, "The speaker is busy; try again in a moment."));
        if let Err(
            TrySendError::Full(Arrival::Switch(_, reply) | Arrival::Chime(_, reply))
            | TrySendError::Disconnected(Arrival::Switch(_, reply) | Arrival::Chime(_, reply)),
        ) = self.door.try_send(arrival)
        {
            // Whoever asked may have gone.
            let _ = reply.send(busy());
        }
    }

    /// How long a sample takes from being pulled to being heard, in microseconds.
    pub(super) fn latency(&self) -> Arc<AtomicU64> {
        self.latency.clone()
    }
}

/// Keeps the speaker until the last [`Playback`] is dropped.
fn keep(id: &str, arrivals: &Receiver<Arrival>, latency: &AtomicU64, notices: &mpsc::Sender<Notice>) {
    let Some(mut speaker) = open(id, notices) else { return };
    let mut keeper = Keeper { id: id.to_owned(), events: speaker.take_events(), speaker, chimes: Vec::new() };
    loop {
        match arrivals.recv_timeout(GLANCE) {
            Ok(arrival) => keeper.take(arrival),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        latency.store(u64::try_from(keeper.speaker.latency().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        keeper.glance(notices);
    }
}

/// A chime that is being played, and who waits for its end.
struct Ringing {
    end: Receiver<()>,
    reply: Option<Reply>,
    _handle: VoiceHandle,
}

/// The speaker, as its thread keeps it.
struct Keeper {
    id: String,
    speaker: Speaker,
    events: Receiver<Event>,
    chimes: Vec<Ringing>,
}

impl Keeper {
    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Voice(voice, seat) => seat.take(self.speaker.add(voice)),
            Arrival::Switch(id, reply) => {
                let result = self.speaker.switch(&id).map_err(|error| problem::describe(Kind::Speaker, &error));
                if result.is_ok() {
                    self.id = id;
                }
                // Whoever asked may have gone.
                let _ = reply.send(result);
            }
            Arrival::Chime(id, reply) if id == self.id => {
                let (voice, end) = chime();
                self.chimes.push(Ringing { end, reply: Some(reply), _handle: self.speaker.add(Box::new(voice)) });
            }
            Arrival::Chime(id, reply) => {
                let play = move || drop(reply.send(ring(&id)));
                if let Err(error) = std::thread::Builder::new().name("chime".into()).spawn(play) {
                    tracing::error!(%error, "no thread for a chime");
                }
            }
        }
    }

    /// Passes on what became of the speaker and of the chimes.
    fn glance(&mut self, notices: &mpsc::Sender<Notice>) {
        for event in self.events.try_iter() {
            match event {
                Event::Lost(error) => {
                    let lost = problem::describe(Kind::Speaker, &error);
                    for reply in self.chimes.drain(..).filter_map(|mut chime| chime.reply.take()) {
                        let _ = reply.send(Err(lost.clone()));
                    }
                    report(&error, notices);
                }
                Event::Reopened(label) => {
                    tracing::info!(label, "sound is heard again");
                    let _ = notices.try_send(Notice::SpeakerBack);
                }
            }
        }
        self.chimes.retain_mut(|chime| match chime.end.try_recv() {
            Err(TryRecvError::Empty) => true,
            Ok(()) | Err(TryRecvError::Disconnected) => {
                // Whoever asked may have gone.
                let _ = chime.reply.take().map(|reply| reply.send(Ok(())));
                false
            }
        });
    }
}

/// Plays the chime at a speaker that is opened for it. Waits: not for async code.
pub(crate) fn ring(id: &str) -> Result<(), Error> {
    chime::play(id).map_err(|error| problem::describe(Kind::Speaker, &error))
}

/// One that does not open is waited for.
fn open(id: &str, notices: &mpsc::Sender<Notice>) -> Option<Speaker> {
    let error = match Speaker::open(id) {
        Ok(speaker) => return Some(speaker),
        Err(error) => error,
    };
    report(&error, notices);
    Speaker::waiting_for(id).inspect_err(|error| tracing::error!(%error, "there is no silent speaker")).ok()
}

fn report(error: &media::playback::Error, notices: &mpsc::Sender<Notice>) {
    // A client that is flooded with notices has other worries; one that is gone has none.
    let _ = notices.try_send(Notice::SpeakerLost(problem::describe(Kind::Speaker, error)));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use media::playback::BLOCK;

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

    #[tokio::test]
    async fn another_speaker_is_gone_on_at_and_one_that_is_not_there_is_told() {
        let (notices, _kept) = mpsc::channel(4);
        let playback = Playback::open("none", notices);
        let (sender, pulls) = channel();
        let _seat = playback.add(Box::new(Told(sender)));
        let switch = async |id: &str| {
            let (reply, answer) = oneshot::channel();
            playback.switch(id.into(), reply);
            answer.await.expect("answered")
        };
        assert_eq!(switch("none").await, Ok(()));
        assert_eq!(switch("speaker:nowhere").await.map_err(|error| error.code), Err(Code::DevicesNotFound));
        assert_eq!(pulls.iter().take(3).count(), 3);
    }

    #[tokio::test]
    async fn a_chime_is_answered_when_it_was_heard_out() {
        let (notices, _kept) = mpsc::channel(4);
        let playback = Playback::open("none", notices);
        for (id, code) in [("none", None), ("speaker:nowhere", Some(Code::DevicesNotFound))] {
            let (reply, answer) = oneshot::channel();
            playback.chime(id.into(), reply);
            assert_eq!(answer.await.expect("answered").err().map(|error| error.code), code);
        }
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
