//! What is heard while nothing comes: the background of before, which fades.
//!
//! Silence in the middle of a conversation sounds like a broken line. The level is that of the quietest moments of the last seconds,
//! the colour a first-order prediction of them (as the noise of RFC 3389, of the lowest order).

/// The loudest background: louder is no background (−46 dB of full scale).
const LOUDEST: f32 = 0.005;
/// How fast the level rises again after the quietest moment, for each 10 ms: 6 dB in 7 s.
const RISE: f32 = 1.001;
/// How long the background stays and how long it takes to fade, in samples of a channel at 48 kHz.
const HOLD: u32 = 48_000;
const FADE: u32 = 96_000;
/// What is taken for one moment: 10 ms.
const MOMENT: usize = 480;

/// The background of one voice.
#[derive(Debug, Clone)]
pub struct Comfort {
    /// Root mean square of the quietest moments; `None` before anything was heard.
    level: Option<f32>,
    /// How like each sample is to the one before, 0 to 1.
    colour: f32,
    /// Samples of a channel since the sound stopped.
    elapsed: u32,
    random: u32,
    last: f32,
}

impl Default for Comfort {
    fn default() -> Self {
        Self { level: None, colour: 0.0, elapsed: 0, random: 1, last: 0.0 }
    }
}

impl Comfort {
    /// Learns from sound (interleaved) that is played.
    pub fn learn(&mut self, sound: &[f32], channels: usize) {
        self.elapsed = 0;
        for moment in sound.chunks_exact(MOMENT * channels.max(1)) {
            let mono = || moment.iter().step_by(channels.max(1));
            let energy: f32 = mono().map(|sample| sample * sample).sum();
            let level = (energy / MOMENT as f32).sqrt();
            let before = self.level.map_or(f32::INFINITY, |level| level * RISE);
            if level <= before {
                let alike: f32 = mono().zip(mono().skip(1)).map(|(one, next)| one * next).sum();
                self.colour = if energy > 0.0 { (alike / energy).clamp(0.0, 0.98) } else { 0.0 };
            }
            self.level = Some(level.min(before));
        }
    }

    /// Fills `out` (interleaved) with the background; `false` once it has faded, or if none is known.
    pub fn fill(&mut self, out: &mut [f32], channels: usize) -> bool {
        out.fill(0.0);
        let Some(level) = self.level.filter(|_| self.elapsed < HOLD + FADE) else { return false };
        // An even distribution has a third of its square's peak; the filter lets through 1 / (1 − colour²) of it.
        let drive = level.min(LOUDEST) * (3.0 * (1.0 - self.colour * self.colour)).sqrt();
        for frame in out.chunks_exact_mut(channels.max(1)) {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.last = self.last * self.colour + (self.random as f32 / u32::MAX as f32 * 2.0 - 1.0) * drive;
            let faded = self.elapsed.saturating_sub(HOLD) as f32 / FADE as f32;
            frame.fill(self.last * (1.0 - faded).max(0.0));
            self.elapsed = self.elapsed.saturating_add(1);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiss(count: usize, level: f32) -> Vec<f32> {
        let mut source = Comfort { level: Some(level), ..Comfort::default() };
        let mut sound = vec![0.0; count];
        // A moment at a time, so that it does not fade.
        sound.chunks_mut(MOMENT).for_each(|moment| {
            source.elapsed = 0;
            source.fill(moment, 1);
        });
        sound
    }

    fn loudness(sound: &[f32]) -> f32 {
        (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn the_background_goes_on_at_its_level_and_fades_after_a_second() {
        let mut comfort = Comfort::default();
        let background = hiss(48_000, 0.002);
        comfort.learn(&background, 1);
        // Speech above it changes nothing.
        comfort.learn(&hiss(48_000, 0.005).iter().map(|sample| sample * 40.0).collect::<Vec<_>>(), 1);
        let mut sound = vec![0.0; 48_000];
        assert!(comfort.fill(&mut sound, 1));
        let ratio = loudness(&sound) / loudness(&background);
        assert!((0.7..1.4).contains(&ratio), "{ratio}");
        assert!(comfort.fill(&mut sound, 1) && comfort.fill(&mut sound, 1));
        assert!(loudness(&sound[40_000..]) < 0.0004);
        assert!(!comfort.fill(&mut sound, 1) && sound.iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn nothing_is_made_up_before_anything_was_heard_or_after_pure_silence() {
        let mut sound = vec![1.0; 960];
        assert!(!Comfort::default().fill(&mut sound, 2));
        let mut comfort = Comfort::default();
        comfort.learn(&[0.0; 960], 2);
        comfort.fill(&mut sound, 2);
        assert!(sound.iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn a_loud_voice_without_pauses_is_no_background() {
        let mut comfort = Comfort::default();
        comfort.learn(&[0.5; 9600], 1);
        let mut sound = vec![0.0; 960];
        comfort.fill(&mut sound, 1);
        assert!(loudness(&sound) <= LOUDEST * 1.5);
    }

    #[test]
    fn both_channels_hear_the_same() {
        let mut comfort = Comfort::default();
        comfort.learn(&hiss(9600, 0.002), 2);
        let mut sound = vec![0.0; 960];
        assert!(comfort.fill(&mut sound, 2));
        assert!(sound.chunks_exact(2).all(|pair| pair[0] == pair[1]) && loudness(&sound) > 0.0005);
    }
}
