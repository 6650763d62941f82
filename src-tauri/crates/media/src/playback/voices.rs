//! Who is heard: the voices of a [`Speaker`](super::Speaker), as the mixing thread holds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use super::level::Level;
use super::mix::Mixer;
use super::{BLOCK, Voice};

/// The loudest that a voice can be turned up.
const MAX_VOLUME: f32 = 4.0;

/// What a voice's handle and the mixing thread share.
struct Control {
    volume: AtomicU32,
    level: Level,
    removed: AtomicBool,
}

impl Control {
    fn volume(&self) -> f32 {
        f32::from_bits(self.volume.load(Ordering::Relaxed))
    }
}

/// A voice's place in the mix. Dropping it removes the voice.
pub struct VoiceHandle {
    control: Arc<Control>,
}

impl VoiceHandle {
    /// How loud the voice is played: 1.0 is as it comes, 0.0 is silence, 4.0 the loudest.
    pub fn set_volume(&self, volume: f32) {
        let volume = if volume.is_nan() { 0.0 } else { volume.clamp(0.0, MAX_VOLUME) };
        self.control.volume.store(volume.to_bits(), Ordering::Relaxed);
    }

    /// How loud the voice is now, before its volume, 0.0 to 1.0.
    pub fn level(&self) -> f32 {
        self.control.level.get()
    }
}

impl Drop for VoiceHandle {
    fn drop(&mut self) {
        self.control.removed.store(true, Ordering::Relaxed);
    }
}

struct Entry {
    voice: Box<dyn Voice>,
    control: Arc<Control>,
    /// The gain at the end of the last block.
    gain: f32,
}

/// Brings voices to the mixing thread, from any other.
#[derive(Clone)]
pub struct Door(Sender<Entry>);

impl Door {
    /// Lets a voice in; it is pulled from the next block on.
    pub fn add(&self, voice: Box<dyn Voice>) -> VoiceHandle {
        let volume = AtomicU32::new(1.0_f32.to_bits());
        let control = Arc::new(Control { volume, level: Level::default(), removed: AtomicBool::new(false) });
        // A mixing thread that is gone drops the voice, as it would at its end.
        let _ = self.0.send(Entry { voice, control: control.clone(), gain: 1.0 });
        VoiceHandle { control }
    }
}

/// All voices, and their sum.
pub struct Voices {
    arriving: Receiver<Entry>,
    entries: Vec<Entry>,
    mixer: Mixer,
}

/// No voices yet, and the door through which they come.
pub fn voices() -> (Door, Voices) {
    let (sender, arriving) = mpsc::channel();
    (Door(sender), Voices { arriving, entries: Vec::new(), mixer: Mixer::default() })
}

impl Voices {
    /// Pulls every voice once and writes their sum into `out`.
    pub fn mix(&mut self, out: &mut [f32; BLOCK]) {
        self.entries.extend(self.arriving.try_iter());
        self.entries.retain(|entry| !entry.control.removed.load(Ordering::Relaxed));
        for entry in &mut self.entries {
            let mut block = [0.0; BLOCK];
            let heard = entry.voice.pull(&mut block);
            let gain = entry.control.volume();
            if heard {
                entry.control.level.update(&block);
                self.mixer.add(&block, entry.gain, gain);
            } else {
                entry.control.level.update(&[]);
            }
            entry.gain = gain;
        }
        self.mixer.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Constant(Option<f32>, Arc<AtomicUsize>);

    impl Voice for Constant {
        fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            out.fill(self.0.unwrap_or(0.9));
            self.0.is_some()
        }
    }

    fn mixed(voices: &mut Voices) -> [f32; BLOCK] {
        let mut out = [7.0; BLOCK];
        voices.mix(&mut out);
        out
    }

    #[test]
    fn voices_are_summed_from_when_they_are_added_until_their_handle_is_dropped() {
        let (door, mut voices) = voices();
        assert!(mixed(&mut voices).iter().all(|&sample| sample == 0.0));
        let pulls = Arc::new(AtomicUsize::new(0));
        let first = door.add(Box::new(Constant(Some(0.25), pulls.clone())));
        let second = door.add(Box::new(Constant(Some(0.5), Arc::default())));
        assert!(mixed(&mut voices).iter().all(|&sample| sample == 0.75));
        assert_eq!((first.level(), second.level(), pulls.load(Ordering::Relaxed)), (0.25, 0.5, 1));
        drop(first);
        assert!(mixed(&mut voices).iter().all(|&sample| sample == 0.5));
        assert_eq!((pulls.load(Ordering::Relaxed), Arc::strong_count(&pulls)), (1, 1));
    }

    #[test]
    fn a_silent_voice_is_pulled_but_not_heard() {
        let (door, mut voices) = voices();
        let pulls = Arc::new(AtomicUsize::new(0));
        let handle = door.add(Box::new(Constant(None, pulls.clone())));
        assert!(mixed(&mut voices).iter().all(|&sample| sample == 0.0));
        assert_eq!((handle.level(), pulls.load(Ordering::Relaxed)), (0.0, 1));
    }

    #[test]
    fn a_volume_is_moved_to_within_a_block_and_shown_levels_do_not_follow_it() {
        let (door, mut voices) = voices();
        let handle = door.add(Box::new(Constant(Some(0.5), Arc::default())));
        mixed(&mut voices);
        handle.set_volume(0.0);
        let fading = mixed(&mut voices);
        assert!(fading[0] > 0.49 && fading[BLOCK - 1] == 0.0);
        assert!(mixed(&mut voices).iter().all(|&sample| sample == 0.0));
        assert_eq!(handle.level(), 0.5);
    }

    #[test]
    fn a_volume_out_of_range_is_brought_into_it() {
        let (door, mut voices) = voices();
        let handle = door.add(Box::new(Constant(Some(0.1), Arc::default())));
        for (volume, expected) in [(f32::NAN, 0.0), (-3.0, 0.0), (1e9, 0.4)] {
            handle.set_volume(volume);
            mixed(&mut voices);
            assert_eq!(mixed(&mut voices)[0], expected);
        }
    }

    #[test]
    fn a_voice_outlives_neither_the_thread_nor_the_door() {
        let (door, voices) = voices();
        drop(voices);
        let pulls = Arc::new(AtomicUsize::new(0));
        let _handle = door.add(Box::new(Constant(Some(0.1), pulls.clone())));
        assert_eq!(Arc::strong_count(&pulls), 1);
    }
}
