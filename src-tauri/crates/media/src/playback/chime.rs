//! A short chime, by which a person hears whether a speaker is the right one: three notes that ring out, made here.

use std::f32::consts::TAU;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::{BLOCK, Error, Event, Speaker, Voice};
use crate::capture::SAMPLE_RATE;

/// The notes in hertz (a major triad on A) and when each begins, in seconds.
const NOTES: [(f32, f32); 3] = [(440.0, 0.0), (554.37, 0.18), (659.26, 0.36)];
/// How long the whole lasts, in seconds.
const LENGTH: f32 = 1.1;
/// A note begins softly within this time and has lost two thirds of its loudness after that, in seconds.
const ATTACK: f32 = 0.006;
const DECAY: f32 = 0.22;
/// The loudness of a note; all three together stay below full scale.
const AMPLITUDE: f32 = 0.22;
/// A speaker that has not played the chime by then is silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// The speaker opened and asked for no sound.
#[derive(Debug, thiserror::Error)]
#[error("it takes no sound")]
struct Mute;

/// The chime as a voice. It says when all of it was pulled.
pub struct Chime {
    position: u32,
    done: Option<Sender<()>>,
}

/// A chime, and what hears of its end; an end without a word says that the voice was dropped before.
pub fn chime() -> (Chime, Receiver<()>) {
    let (done, end) = mpsc::channel();
    (Chime { position: 0, done: Some(done) }, end)
}

impl Voice for Chime {
    fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool {
        if self.position as f32 >= LENGTH * SAMPLE_RATE as f32 {
            if let Some(done) = self.done.take() {
                // Nobody may be waiting.
                let _ = done.send(());
            }
            return false;
        }
        for frame in out.chunks_exact_mut(2) {
            frame.fill(sample(self.position as f32 / SAMPLE_RATE as f32));
            self.position += 1;
        }
        true
    }
}

/// The chime at this time since its beginning, in seconds.
fn sample(time: f32) -> f32 {
    let note = |&(pitch, begin): &(f32, f32)| {
        let since = time - begin;
        if since < 0.0 {
            return 0.0;
        }
        let envelope = (since / ATTACK).min(1.0) * (-since / DECAY).exp();
        // An overtone makes it a bell rather than a beep.
        let tone = (TAU * pitch * since).sin() + 0.25 * (TAU * 2.0 * pitch * since).sin() * (-since / DECAY).exp();
        AMPLITUDE * envelope * tone
    };
    // The end fades, so that it does not click.
    let fade = ((LENGTH - time) / 0.05).clamp(0.0, 1.0);
    NOTES.iter().map(note).sum::<f32>() * fade
}

/// Plays the chime at the speaker `id` and waits until it was heard out: not for async code.
pub fn play(id: &str) -> Result<(), Error> {
    let mut speaker = Speaker::open(id)?;
    let events = speaker.take_events();
    let (chime, end) = chime();
    let _voice = speaker.add(Box::new(chime));
    let late = Instant::now() + PATIENCE;
    loop {
        match end.recv_timeout(Duration::from_millis(20)) {
            Ok(()) => break,
            Err(RecvTimeoutError::Timeout) if Instant::now() < late => {}
            Err(_) => return Err(Error::Failed { device: id.to_owned(), source: Mute.into() }),
        }
        if let Ok(Event::Lost(error)) = events.try_recv() {
            return Err(error);
        }
    }
    // What was mixed has yet to be heard.
    match events.recv_timeout(speaker.latency()) {
        Ok(Event::Lost(error)) => Err(error),
        Ok(Event::Reopened(_)) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chime_is_heard_begins_and_ends_softly_and_stays_within_full_scale() {
        let samples: Vec<f32> = (0..(LENGTH * SAMPLE_RATE as f32) as u32).map(|n| sample(n as f32 / SAMPLE_RATE as f32)).collect();
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.2..0.8).contains(&peak), "{peak}");
        assert!(samples.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.1), "nothing clicks");
        assert!(samples[0].abs() < 0.01 && samples[samples.len() - 1].abs() < 0.001);
    }

    #[test]
    fn a_chime_says_that_it_was_pulled_to_its_end_once() {
        let (mut chime, end) = chime();
        let mut out = [0.0; BLOCK];
        assert_eq!(std::iter::from_fn(|| chime.pull(&mut out).then_some(())).count(), 110);
        assert!(!chime.pull(&mut out));
        assert_eq!(end.iter().count(), 1, "then the sender is gone");
    }

    #[test]
    fn a_speaker_that_is_not_there_is_told() {
        assert!(play("none").is_ok());
        assert!(matches!(play("speaker:nowhere"), Err(Error::NotFound { .. })));
    }
}
