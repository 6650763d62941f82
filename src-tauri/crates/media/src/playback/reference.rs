//! What this process plays, for those who take its echo out of a microphone's sound.
//!
//! All speakers of a process are heard by all its microphones, so that there is one place where they meet. Invariants: a mixing
//! thread never waits for a listener; a listener gets about a block for each 10 ms, however many speakers play.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::BLOCK;

/// 10 ms of mono at 48 kHz: how many samples.
pub const SAMPLES: usize = BLOCK / 2;

/// Blocks that wait for a listener before new ones are dropped: 640 ms.
const QUEUE: usize = 64;
/// Blocks that a speaker may be ahead of the one that sets the pace.
const AHEAD: usize = 8;
/// After so many drains without a block the speaker that sets the pace is taken to be closed.
const PATIENCE: u32 = 20;

/// Where speakers and listeners meet.
struct Place {
    listeners: Mutex<Vec<SyncSender<Played>>>,
}

static PROCESS: Place = Place::new();

impl Place {
    const fn new() -> Self {
        Self { listeners: Mutex::new(Vec::new()) }
    }

    fn listen(&self) -> Listener {
        let (sender, played) = mpsc::sync_channel(QUEUE);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Listener::new(played)
    }
}

#[derive(Clone)]
struct Played {
    speaker: u64,
    samples: Box<[f32; SAMPLES]>,
    latency: Duration,
}

/// A speaker's side.
pub struct Teller {
    speaker: u64,
    place: &'static Place,
}

impl Default for Teller {
    /// For one more speaker of this process.
    fn default() -> Self {
        Self::in_place(&PROCESS)
    }
}

impl Teller {
    fn in_place(place: &'static Place) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { speaker: NEXT.fetch_add(1, Ordering::Relaxed), place }
    }

    /// Tells everyone who listens of a block (interleaved stereo) that will be heard `latency` from now.
    pub fn tell(&self, block: &[f32; BLOCK], latency: Duration) {
        let mut listeners = self.place.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if listeners.is_empty() {
            return;
        }
        let mut samples = Box::new([0.0; SAMPLES]);
        samples.iter_mut().zip(block.as_chunks::<2>().0).for_each(|(mono, [left, right])| *mono = (left + right) * 0.5);
        let played = Played { speaker: self.speaker, samples, latency };
        // Full: the listener is behind, and would find nothing in time.
        listeners.retain(|listener| !matches!(listener.try_send(played.clone()), Err(TrySendError::Disconnected(_))));
    }
}

/// Hears from now on what is played in this process.
pub fn listen() -> Listener {
    PROCESS.listen()
}

/// A listener's side.
pub struct Listener {
    played: Receiver<Played>,
    /// The first sets the pace.
    speakers: VecDeque<Speaker>,
    /// Drains since it told something.
    silent: u32,
}

struct Speaker {
    id: u64,
    blocks: VecDeque<Played>,
}

impl Listener {
    fn new(played: Receiver<Played>) -> Self {
        Self { played, speakers: VecDeque::new(), silent: 0 }
    }

    /// Hands over what was played since the last call, to be made once per 10 ms: blocks of mono, and from when each was told to
    /// when it is heard.
    pub fn drain(&mut self, mut each: impl FnMut(&[f32; SAMPLES], Duration)) {
        for played in self.played.try_iter() {
            match self.speakers.iter_mut().find(|speaker| speaker.id == played.speaker) {
                Some(speaker) => speaker.blocks.push_back(played),
                None => self.speakers.push_back(Speaker { id: played.speaker, blocks: VecDeque::from([played]) }),
            }
        }
        let ready = self.speakers.front().map_or(0, |first| first.blocks.len());
        self.silent = if ready > 0 { 0 } else { self.silent + 1 };
        if self.silent > PATIENCE {
            self.speakers.pop_front();
        }
        for _ in 0..ready {
            let mut sum = [0.0; SAMPLES];
            let mut latency = None;
            for block in self.speakers.iter_mut().filter_map(|speaker| speaker.blocks.pop_front()) {
                sum.iter_mut().zip(block.samples.iter()).for_each(|(sum, sample)| *sum += sample);
                latency.get_or_insert(block.latency);
            }
            each(&sum, latency.unwrap_or_default());
        }
        for speaker in &mut self.speakers {
            let excess = speaker.blocks.len().saturating_sub(AHEAD);
            speaker.blocks.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(speaker: u64, level: f32) -> Played {
        Played { speaker, samples: Box::new([level; SAMPLES]), latency: Duration::from_millis(speaker + 30) }
    }

    fn drained(listener: &mut Listener) -> Vec<(f32, u64)> {
        let mut blocks = Vec::new();
        listener.drain(|samples, latency| blocks.push((samples[0], latency.as_millis() as u64)));
        blocks
    }

    #[test]
    fn what_is_told_is_heard_as_mono_with_its_latency() {
        static PLACE: Place = Place::new();
        let (mut listener, teller) = (PLACE.listen(), Teller::in_place(&PLACE));
        let mut stereo = [0.0; BLOCK];
        stereo.as_chunks_mut::<2>().0.fill([0.25, 0.75]);
        teller.tell(&stereo, Duration::from_millis(17));
        let mut own = Vec::new();
        listener.drain(|samples, latency| own.push((samples.iter().all(|&sample| sample == 0.5), latency)));
        assert_eq!(own, [(true, Duration::from_millis(17))]);
    }

    #[test]
    fn two_speakers_are_summed_at_the_pace_of_the_first() {
        let (sender, played) = mpsc::sync_channel(QUEUE);
        let mut listener = Listener::new(played);
        for told in [block(0, 0.5), block(1, 0.25), block(1, 0.25)] {
            sender.send(told).expect("room");
        }
        assert_eq!(drained(&mut listener), [(0.75, 30)]);
        assert_eq!(drained(&mut listener), []);
        for told in [block(0, 0.5), block(0, 0.5)] {
            sender.send(told).expect("room");
        }
        assert_eq!(drained(&mut listener), [(0.75, 30), (0.5, 30)]);
    }

    #[test]
    fn a_speaker_that_ends_hands_the_pace_on() {
        let (sender, played) = mpsc::sync_channel(QUEUE);
        let mut listener = Listener::new(played);
        sender.send(block(0, 0.5)).expect("room");
        assert_eq!(drained(&mut listener).len(), 1);
        let mut heard = 0;
        for _ in 0..PATIENCE + 20 {
            sender.send(block(1, 0.25)).expect("room");
            heard += drained(&mut listener).len();
        }
        assert!(heard >= 19, "{heard}");
        assert!(listener.speakers.iter().all(|speaker| speaker.blocks.len() <= AHEAD));
    }

    #[test]
    fn a_listener_that_is_behind_or_gone_stops_nobody() {
        static PLACE: Place = Place::new();
        let (listener, teller) = (PLACE.listen(), Teller::in_place(&PLACE));
        (0..2 * QUEUE).for_each(|_| teller.tell(&[0.1; BLOCK], Duration::ZERO));
        assert_eq!(listener.played.try_iter().count(), QUEUE);
        drop(listener);
        teller.tell(&[0.1; BLOCK], Duration::ZERO);
    }
}
