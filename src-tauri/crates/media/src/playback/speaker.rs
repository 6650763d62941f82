//! An open speaker: a thread that mixes, and the device it feeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::card::{Card, Waker};
use super::reference::Teller;
use super::voices::{Door, VoiceHandle, Voices, voices};
use super::{BLOCK, Error, Event, Voice, host};
use crate::capture::schedule::Schedule;

/// The id of the speaker that nobody hears.
pub const NONE: &str = "none";

/// How often a lost device, or one in its place, is tried.
const RETRY: Duration = Duration::from_secs(2);
/// How long the thread sleeps when nothing wakes it.
const NAP: Duration = Duration::from_millis(10);
/// Blocks of 10 ms that may be made up for after a pause; a longer pause is skipped.
const PATIENCE: u64 = 20;

/// What a [`Speaker`] and its thread share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// In microseconds.
    latency: AtomicU64,
}

/// An open speaker. Dropping it stops it.
///
/// One that is lost is waited for: the system's default takes its place, and it goes on when it is there again.
pub struct Speaker {
    door: Door,
    waker: Waker,
    orders: Sender<Order>,
    shared: Arc<Shared>,
    events: Option<Receiver<Event>>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Opens the speaker `id`: `default`, `none` (heard by nobody, at the pace of the clock), or an id of [`speakers`](super::speakers).
    pub fn open(id: &str) -> Result<Self, Error> {
        let waker = Waker::default();
        let output = Output::open(id, &waker)?;
        Self::start(id, output, None, waker)
    }

    /// The speaker `id`, which did not open: waited for as one that is lost.
    pub fn waiting_for(id: &str) -> Result<Self, Error> {
        let reopening = Some(Reopening::Since(Instant::now()));
        Self::start(id, Output::Clock(clock(Instant::now())), reopening, Waker::default())
    }

    fn start(id: &str, output: Output, reopening: Option<Reopening>, waker: Waker) -> Result<Self, Error> {
        let (door, voices) = voices();
        let (sender, events) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let reference = Teller::default();
        let (orders, given) = mpsc::channel();
        let (wish, waking, sharing) = (id.to_owned(), waker.clone(), shared.clone());
        let mut mixing =
            Mixing { voices, output, wish, reference, waker: waking, shared: sharing, orders: given, events: sender, reopening };
        let thread = std::thread::Builder::new()
            .name("mixing".into())
            .spawn(move || mixing.run())
            .map_err(|source| Error::Failed { device: id.to_owned(), source: source.into() })?;
        Ok(Self { door, waker, orders, shared, events: Some(events), thread: Some(thread) })
    }

    /// Lets a voice be heard until its handle is dropped.
    pub fn add(&self, voice: Box<dyn Voice>) -> VoiceHandle {
        self.door.add(voice)
    }

    /// Goes on at another speaker, without a voice missing anything; if it does not open, at the one before. Opening takes a while: not
    /// for async code.
    pub fn switch(&self, id: &str) -> Result<(), Error> {
        let output = Output::open(id, &self.waker)?;
        // A thread that is gone has been reported by the panic hook.
        let _ = self.orders.send(Order { wish: id.to_owned(), output });
        Ok(())
    }

    /// How long a sample takes from being mixed to being heard.
    pub fn latency(&self) -> Duration {
        Duration::from_micros(self.shared.latency.load(Ordering::Relaxed))
    }

    /// The speaker's events, for the first who asks; a later caller gets a receiver without a sender.
    pub fn take_events(&mut self) -> mpsc::Receiver<Event> {
        self.events.take().unwrap_or_else(|| mpsc::channel().1)
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in the thread has been reported by the panic hook; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

fn clock(now: Instant) -> Schedule {
    Schedule::new(now, 100, 1).with_patience(PATIENCE)
}

/// Go on there.
struct Order {
    wish: String,
    output: Output,
}

/// Where the sound goes.
enum Output {
    Card(Box<Card>),
    /// Nowhere, a block each time the schedule says so.
    Clock(Schedule),
}

impl Output {
    fn open(id: &str, waker: &Waker) -> Result<Self, Error> {
        Ok(match id {
            NONE => Self::Clock(clock(Instant::now())),
            _ => Self::Card(Box::new(Card::open(id, waker)?)),
        })
    }
}

/// What an attempt came to: an output, and whether it is the one that is wished for.
type Found = Option<(Box<Card>, bool)>;

/// The attempts to find a lost device's successor.
enum Reopening {
    Since(Instant),
    /// In a thread of its own, because opening takes longer than a block lasts.
    Trying(Receiver<Found>),
}

/// The mixing thread.
struct Mixing {
    voices: Voices,
    output: Output,
    /// The id of the speaker that was chosen.
    wish: String,
    /// Who takes the echo out hears of what a device plays; what goes nowhere has none.
    reference: Teller,
    waker: Waker,
    shared: Arc<Shared>,
    orders: Receiver<Order>,
    events: Sender<Event>,
    /// Set while the sound does not go where it is wished.
    reopening: Option<Reopening>,
}

impl Mixing {
    fn run(&mut self) {
        // The waker is this thread's alone.
        let _ = self.waker.set(std::thread::current());
        let mut block = [0.0; BLOCK];
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.step(&mut block);
        }
    }

    /// Feeds the output until it has enough, then sleeps until it may want more.
    fn step(&mut self, block: &mut [f32; BLOCK]) {
        for Order { wish, output } in self.orders.try_iter() {
            (self.wish, self.output, self.reopening) = (wish, output, None);
            self.shared.latency.store(0, Ordering::Relaxed);
        }
        match &mut self.output {
            Output::Card(card) => {
                if let Err(error) = card.observe(Instant::now()) {
                    return self.lose(error);
                }
                while card.wants() {
                    self.voices.mix(block);
                    self.reference.tell(block, card.latency());
                    card.push(block);
                }
                self.shared.latency.store(card.latency().as_micros() as u64, Ordering::Relaxed);
                self.reopen();
                std::thread::park_timeout(NAP);
            }
            Output::Clock(schedule) => {
                let due = schedule.take(Instant::now()).due;
                self.wait(due);
                self.voices.mix(block);
                self.reopen();
            }
        }
    }

    fn wait(&self, due: Instant) {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || self.shared.stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::park_timeout(left);
        }
    }

    fn lose(&mut self, error: Error) {
        tracing::warn!(%error, "the speaker is lost");
        self.output = Output::Clock(clock(Instant::now()));
        self.shared.latency.store(0, Ordering::Relaxed);
        self.reopening = Some(self.attempt());
        // Nobody may be listening.
        let _ = self.events.send(Event::Lost(error));
    }

    /// Goes on with finding a successor, if one is wanted.
    fn reopen(&mut self) {
        let now = Instant::now();
        let next = match self.reopening.take() {
            None => None,
            Some(Reopening::Since(since)) if now.saturating_duration_since(since) < RETRY => Some(Reopening::Since(since)),
            Some(Reopening::Since(_)) => Some(self.attempt()),
            Some(Reopening::Trying(answer)) => match answer.try_recv() {
                Ok(Some((card, wished))) => {
                    // Nobody may be listening.
                    let _ = self.events.send(Event::Reopened(card.label().to_owned()));
                    self.output = Output::Card(card);
                    (!wished).then_some(Reopening::Since(now))
                }
                Ok(None) | Err(TryRecvError::Disconnected) => Some(Reopening::Since(now)),
                Err(TryRecvError::Empty) => Some(Reopening::Trying(answer)),
            },
        };
        self.reopening = next;
    }

    /// Tries the speaker that is wished for and, while there is no other, the default.
    fn attempt(&self) -> Reopening {
        let (sender, answer) = mpsc::channel();
        let (waker, wish) = (self.waker.clone(), self.wish.clone());
        let silent = matches!(self.output, Output::Clock(_));
        let open = move || {
            let try_one = |id: &str| Card::open(id, &waker).map(Box::new).ok();
            let wished = try_one(&wish).map(|card| (card, true));
            // The mixing thread may have ended meanwhile.
            let _ = sender.send(wished.or_else(|| if silent { try_one(host::DEFAULT).map(|card| (card, false)) } else { None }));
        };
        // Without a thread the answer's end is seen, and it is tried again later.
        let _ = std::thread::Builder::new().name("speaker".into()).spawn(open);
        Reopening::Trying(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells each pull.
    struct Told(Sender<()>);

    impl Voice for Told {
        fn pull(&mut self, _: &mut [f32; BLOCK]) -> bool {
            self.0.send(()).is_ok()
        }
    }

    #[test]
    fn without_a_sound_card_voices_are_pulled_all_the_same() {
        let speaker = Speaker::open("none").expect("needs no device");
        let (sender, pulls) = mpsc::channel();
        let handle = speaker.add(Box::new(Told(sender)));
        assert_eq!(pulls.iter().take(30).count(), 30);
        assert_eq!(speaker.latency(), Duration::ZERO);
        drop(handle);
        // The voice goes, and with it the sender.
        assert!(pulls.iter().count() < 1000);
    }

    #[test]
    fn a_voice_is_pulled_on_while_the_speaker_changes() {
        let speaker = Speaker::waiting_for("speaker:nowhere").expect("needs no device");
        let (sender, pulls) = mpsc::channel();
        let _handle = speaker.add(Box::new(Told(sender)));
        assert_eq!(pulls.iter().take(3).count(), 3);
        speaker.switch("none").expect("needs no device");
        assert_eq!(pulls.iter().take(3).count(), 3);
        assert!(matches!(speaker.switch("speaker:nowhere"), Err(Error::NotFound { .. })));
        assert_eq!(pulls.iter().take(3).count(), 3, "the one before goes on");
    }

    #[test]
    fn a_dropped_speaker_drops_its_voices() {
        let speaker = Speaker::open("none").expect("needs no device");
        let (sender, pulls) = mpsc::channel();
        let _handle = speaker.add(Box::new(Told(sender)));
        drop(speaker);
        assert!(pulls.iter().count() < 1000);
    }

    #[test]
    fn a_speaker_that_is_not_there_is_not_found() {
        assert!(matches!(Speaker::open("speaker:nowhere"), Err(Error::NotFound { .. })));
        assert!(matches!(Speaker::open(""), Err(Error::NotFound { .. })));
    }
}
