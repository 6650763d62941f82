//! Sound made a little shorter or longer without a change of pitch: by one period of what it is like.
//!
//! WSOLA (W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity", ICASSP 1993), as jitter buffers use it: the
//! lag at which the piece resembles itself most is found by normalised correlation, and a period of that length is left out or
//! repeated, with a cross-fade where the two meet. Invariant: the first and the last sample stay, so that neighbours still fit.

/// Lags that are tried, in samples of a channel at 48 kHz: 2.5 ms to 12.5 ms, the periods of 400 to 80 Hz.
const SHORTEST: usize = 120;
const LONGEST: usize = 600;
/// The least that must be left to compare and to fade over: 5 ms.
const OVERLAP: usize = 240;
/// Lags are sought on every fourth sample, then around the best.
const COARSE: usize = 4;

/// How like the piece must be to itself a period later (normalised correlation) for nobody to hear it.
const ALIKE: f32 = 0.85;
/// Below −50 dB of full scale it is background, of which nobody hears a seam.
const QUIET: f32 = 0.003;

/// How much a change of length may be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Only where it is not heard.
    Gentle,
    /// At once, since there is more to lose by waiting.
    Urgent,
}

/// Leaves one period out of `samples` (interleaved); how many samples of a channel went, 0 if there is no place for it.
pub fn shorten(samples: &mut Vec<f32>, channels: usize, care: Care) -> usize {
    let Some(lag) = period(samples, channels, care) else { return 0 };
    let frames = samples.len() / channels;
    let fade = lag.min(frames - lag);
    // 0..fade turns into lag..lag+fade, and what lies between is left out.
    for frame in 0..fade {
        let weight = (frame + 1) as f32 / (fade + 1) as f32;
        for channel in 0..channels {
            let (from, to) = (samples[frame * channels + channel], samples[(lag + frame) * channels + channel]);
            samples[frame * channels + channel] = from + (to - from) * weight;
        }
    }
    samples.drain(fade * channels..(fade + lag) * channels);
    lag
}

/// Repeats one period of `samples` (interleaved); how many samples of a channel came, 0 if there is no place for it.
pub fn lengthen(samples: &mut Vec<f32>, channels: usize, care: Care) -> usize {
    let Some(lag) = period(samples, channels, care) else { return 0 };
    let frames = samples.len() / channels;
    let fade = lag.min(frames - lag);
    let mut seam = Vec::with_capacity(fade * channels);
    // What follows the first period turns into its beginning.
    for frame in 0..fade {
        let weight = (frame + 1) as f32 / (fade + 1) as f32;
        for channel in 0..channels {
            let (from, to) = (samples[(lag + frame) * channels + channel], samples[frame * channels + channel]);
            seam.push(from + (to - from) * weight);
        }
    }
    // Before the seam the first period, after it what follows the seam's end in the original.
    let before = samples[..lag * channels].to_vec();
    samples.splice(..fade * channels, before.into_iter().chain(seam));
    lag
}

/// The lag at which the piece is most like itself, if it is enough.
fn period(samples: &[f32], channels: usize, care: Care) -> Option<usize> {
    let mono: Vec<f32> = samples.chunks_exact(channels.max(1)).map(|frame| frame.iter().sum()).collect();
    let longest = LONGEST.min(mono.len().checked_sub(OVERLAP)?);
    if longest < SHORTEST {
        return None;
    }
    let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
        lags.map(|lag| (likeness(&mono, lag, step), lag)).max_by(|one, other| one.0.total_cmp(&other.0))
    };
    let (_, coarse) = best(&mut (SHORTEST..=longest).step_by(COARSE), COARSE)?;
    let around = coarse.saturating_sub(COARSE).max(SHORTEST)..=(coarse + COARSE).min(longest);
    let (alike, lag) = best(&mut around.into_iter(), 1)?;
    let loudness = (mono.iter().map(|sample| sample * sample).sum::<f32>() / mono.len() as f32).sqrt() / channels.max(1) as f32;
    (care == Care::Urgent || loudness < QUIET || alike >= ALIKE).then_some(lag)
}

/// Normalised correlation of the piece with itself `lag` samples later, by every `step`-th sample.
fn likeness(mono: &[f32], lag: usize, step: usize) -> f32 {
    let (mut product, mut first, mut second) = (0.0_f32, 1e-9_f32, 1e-9_f32);
    for (one, other) in mono.iter().zip(&mono[lag..]).step_by(step) {
        product += one * other;
        first += one * one;
        second += other * other;
    }
    product / (first * second).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hum(hertz: f32, frames: usize, channels: usize) -> Vec<f32> {
        let tone = |at: usize, overtone: f32| (at as f32 * hertz * overtone * std::f32::consts::TAU / 48_000.0).sin() / overtone;
        let sample = |at: usize| (tone(at, 1.0) + tone(at, 2.0) + tone(at, 3.0)) * 0.2;
        (0..frames).flat_map(|at| std::iter::repeat_n(sample(at), channels)).collect()
    }

    fn noise(frames: usize, level: f32) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        };
        (0..frames).map(|_| next() * level).collect()
    }

    fn steepest(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_voice_loses_or_gains_whole_periods_and_no_click() {
        for hertz in [85.0, 120.0, 210.0, 390.0] {
            let original = hum(hertz, 960, 1);
            let (mut short, mut long) = (original.clone(), original.clone());
            let (went, came) = (shorten(&mut short, 1, Care::Gentle), lengthen(&mut long, 1, Care::Gentle));
            assert_eq!((short.len(), long.len()), (960 - went, 960 + came));
            for changed in [went, came] {
                let periods = changed as f32 * hertz / 48_000.0;
                assert!(changed >= SHORTEST && (periods - periods.round()).abs() < 0.05, "{hertz} Hz: {periods} periods");
            }
            assert!(steepest(&short) < steepest(&original) * 1.2 && steepest(&long) < steepest(&original) * 1.2);
        }
    }

    #[test]
    fn neighbours_still_fit() {
        let original = hum(150.0, 960, 1);
        for change in [shorten, lengthen] {
            let mut changed = original.clone();
            change(&mut changed, 1, Care::Urgent);
            assert!((changed[0] - original[0]).abs() < 0.01 && changed.last() == original.last());
        }
    }

    #[test]
    fn a_hiss_is_kept_unless_it_has_to_change_or_is_too_quiet_to_tell() {
        let loud = noise(960, 0.5);
        for change in [shorten, lengthen] {
            assert_eq!(change(&mut loud.clone(), 1, Care::Gentle), 0);
            assert!(change(&mut loud.clone(), 1, Care::Urgent) >= SHORTEST);
            assert!(change(&mut noise(960, 0.001), 1, Care::Gentle) >= SHORTEST);
            assert!(change(&mut vec![0.0; 960], 1, Care::Gentle) >= SHORTEST);
        }
    }

    #[test]
    fn channels_stay_together() {
        let mut stereo = hum(150.0, 960, 2);
        stereo.iter_mut().skip(1).step_by(2).for_each(|right| *right *= -0.5);
        for change in [shorten, lengthen] {
            let mut changed = stereo.clone();
            assert!(change(&mut changed, 2, Care::Gentle) > 0);
            assert!(changed.chunks_exact(2).all(|pair| (pair[0] * -0.5 - pair[1]).abs() < 1e-6));
        }
    }

    #[test]
    fn a_piece_too_short_for_a_period_stays() {
        for frames in [0, 1, 240, 359] {
            let mut piece = vec![0.0; frames];
            assert_eq!((shorten(&mut piece, 1, Care::Urgent), lengthen(&mut piece, 1, Care::Urgent)), (0, 0));
        }
    }

    proptest! {
        #[test]
        fn any_sound_stays_within_its_bounds(seed in any::<u32>(), frames in 0usize..3000, channels in 1usize..3, level in 0.0f32..1.0) {
            let mut sound = noise(frames * channels, level);
            sound.rotate_left(seed as usize % (frames * channels).max(1));
            for change in [shorten, lengthen] {
                let mut changed = sound.clone();
                let by = change(&mut changed, channels, Care::Urgent);
                prop_assert_eq!(changed.len().abs_diff(sound.len()), by * channels);
                prop_assert!(changed.iter().all(|sample| sample.abs() <= level));
            }
        }
    }
}
