//! Somebody speaks into a microphone that is muted, pure.
//!
//! Invariant: what is said is measured and forgotten; nothing of it leaves the microphone's thread.

use std::time::{Duration, Instant};

/// The length of what is taken at a time.
const PIECE: Duration = Duration::from_millis(10);
/// How loud a voice near the microphone is at least, in dB of full scale, and how far it may fall between its syllables.
const VOICE_DB: f32 = -42.0;
const SYLLABLES_DB: f32 = 6.0;
/// How far a voice stands out of what is heard without it.
const ABOVE_NOISE_DB: f32 = 12.0;
/// How fast something that goes on becomes what is heard anyway, in dB a second: a fan, a tone, the street.
const NOISE_RISE_DB: f32 = 2.0;
/// Below this there is silence.
const SILENCE_DB: f32 = -90.0;
/// So much of a voice within a moment is speech; a cough or a door is less.
const SPEECH: Duration = Duration::from_millis(400);
/// The most that is counted, so that silence soon undoes it.
const MOST: Duration = Duration::from_millis(600);
/// Who has just muted the microphone finishes the sentence.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Once told, a person knows for a while.
const REST: Duration = Duration::from_secs(10);

/// Listens to one microphone.
#[derive(Debug, Default)]
pub(super) struct Speaking {
    /// What is heard without anybody, in dB; `None` before the first piece.
    noise_db: Option<f32>,
    voiced: bool,
    /// How much of a voice was heard lately.
    heard: Duration,
    muted_at: Option<Instant>,
    told_at: Option<Instant>,
}

impl Speaking {
    /// Takes the next 10 ms, as they would be sent. True if the speaker should be told that nobody hears it.
    pub fn on_sound(&mut self, samples: &[f32], muted: bool, now: Instant) -> bool {
        let level = level_db(samples);
        let noise = self.noise_db.map_or(level, |noise| level.min(noise + NOISE_RISE_DB * PIECE.as_secs_f32()));
        self.noise_db = Some(noise);
        let threshold = VOICE_DB.max(noise + ABOVE_NOISE_DB) - if self.voiced { SYLLABLES_DB } else { 0.0 };
        self.voiced = level >= threshold;
        if !muted {
            (self.muted_at, self.heard) = (None, Duration::ZERO);
            return false;
        }
        let since = *self.muted_at.get_or_insert(now);
        let may_count = now.saturating_duration_since(since) >= LAST_WORDS;
        self.heard = match self.voiced && may_count {
            true => (self.heard + PIECE).min(MOST),
            false => self.heard.saturating_sub(PIECE / 2),
        };
        let rested = self.told_at.is_none_or(|at| now.saturating_duration_since(at) >= REST);
        if self.heard < SPEECH || !rested {
            return false;
        }
        (self.told_at, self.heard) = (Some(now), Duration::ZERO);
        true
    }
}

/// How loud a piece is, in dB of full scale.
fn level_db(samples: &[f32]) -> f32 {
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    let db = 10.0 * (energy / samples.len().max(1) as f32).log10();
    // What is no number is no voice.
    if db.is_finite() { db.clamp(SILENCE_DB, 0.0) } else { SILENCE_DB }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: [u32; 0] = [];

    /// A microphone and a clock.
    struct Bench {
        speaking: Speaking,
        start: Instant,
        pieces: u32,
    }

    impl Bench {
        /// A quiet room, muted for longer than anybody's last words.
        fn muted() -> Self {
            let mut bench = Self { speaking: Speaking::default(), start: Instant::now(), pieces: 0 };
            assert_eq!(bench.hear(-65.0, 2_000, true), NEVER);
            bench
        }

        /// Hears something as loud as this for so long; when it was told, in ms since then.
        fn hear(&mut self, db: f32, ms: u32, muted: bool) -> Vec<u32> {
            let samples = [10.0f32.powf(db / 20.0); 480];
            let pieces = 1..=ms / 10;
            pieces
                .filter(|_| {
                    self.pieces += 1;
                    self.speaking.on_sound(&samples, muted, self.start + PIECE * self.pieces)
                })
                .map(|piece| piece * 10)
                .collect()
        }
    }

    #[test]
    fn a_voice_is_told_after_less_than_half_a_second_and_then_for_ten_seconds_no_more() {
        let mut bench = Bench::muted();
        assert_eq!(bench.hear(-25.0, 450, true), [400]);
        let mut told = 0;
        for _ in 0..20 {
            // Words and the gaps between them.
            told += bench.hear(-25.0, 300, true).len();
            told += bench.hear(-60.0, 100, true).len();
        }
        assert_eq!(told, 0);
        assert_eq!(bench.hear(-60.0, 2_500, true), NEVER);
        assert_eq!(bench.hear(-25.0, 450, true).len(), 1);
    }

    #[test]
    fn who_is_heard_by_the_others_is_told_nothing() {
        let mut bench = Bench::muted();
        assert_eq!(bench.hear(-25.0, 5_000, false), NEVER);
    }

    #[test]
    fn the_last_words_before_the_mute_are_not_held_against_anybody() {
        let mut bench = Bench::muted();
        bench.hear(-60.0, 500, false);
        bench.hear(-25.0, 2_000, false);
        assert_eq!(bench.hear(-25.0, 900, true), NEVER);
        assert_eq!(bench.hear(-60.0, 5_000, true), NEVER);
    }

    #[test]
    fn a_cough_a_door_and_typing_are_no_speech() {
        let mut bench = Bench::muted();
        assert_eq!(bench.hear(-15.0, 250, true), NEVER);
        assert_eq!(bench.hear(-65.0, 1_000, true), NEVER);
        for _ in 0..50 {
            assert_eq!(bench.hear(-20.0, 30, true), NEVER);
            assert_eq!(bench.hear(-65.0, 120, true), NEVER);
        }
    }

    #[test]
    fn what_goes_on_is_no_speech_and_a_voice_over_it_is() {
        let mut bench = Bench { speaking: Speaking::default(), start: Instant::now(), pieces: 0 };
        assert_eq!(bench.hear(-35.0, 20_000, true), NEVER);
        assert_eq!(bench.hear(-18.0, 450, true), [400]);
        // A tone of full scale that was there from the start.
        let mut bench = Bench { speaking: Speaking::default(), start: Instant::now(), pieces: 0 };
        assert_eq!(bench.hear(0.0, 20_000, true), NEVER);
    }

    #[test]
    fn a_whisper_across_the_room_and_what_is_no_number_are_no_speech() {
        let mut bench = Bench::muted();
        assert_eq!(bench.hear(-48.0, 3_000, true), NEVER);
        assert_eq!(bench.hear(f32::NAN, 3_000, true), NEVER);
        assert!(!Speaking::default().on_sound(&[], true, Instant::now()));
    }
}
