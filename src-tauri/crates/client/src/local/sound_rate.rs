//! How much of what a path carries goes into sound: pure arithmetic.
//!
//! On a narrow path each bit of sound is a bit less of the picture, and Opus speaks clearly at little more than half of what the profile
//! gives it; what must not be given up is that every word arrives.

use super::outgoing::AUDIO_OVERHEAD_BPS;

/// Of what the path carries, where a picture shares it.
const SHARE: f64 = 0.06;
/// A voice needs so many bits a second to be pleasant, and so many to be understood.
const PLEASANT: f64 = 20_000.0;
const UNDERSTOOD: f64 = 12_000.0;
/// A change by less than this share is not worth being heard.
const STEP: f64 = 0.15;

/// The bitrate of a stream's sound.
#[derive(Debug)]
pub(super) struct SoundRate {
    most: f64,
    picture: bool,
    bps: f64,
}

impl SoundRate {
    /// At most `kbps` (the profile's) thousand bits a second; `picture`: whether there is one beside the sound.
    pub fn new(kbps: u32, picture: bool) -> Self {
        let most = f64::from(kbps) * 1000.0;
        Self { most, picture, bps: most }
    }

    /// The slowest path carries `available_bps` bits a second in all; the encoder's new bitrate, if it is to change.
    pub fn update(&mut self, available_bps: u32) -> Option<u32> {
        let available = f64::from(available_bps);
        let wanted = if self.picture { (available * SHARE).max(PLEASANT) } else { available };
        let room = (available - f64::from(AUDIO_OVERHEAD_BPS)).max(UNDERSTOOD);
        let bps = wanted.min(room).min(self.most);
        let changed = (bps - self.bps).abs() > self.bps * STEP || (bps == self.most) != (self.bps == self.most);
        changed.then(|| {
            self.bps = bps;
            bps as u32
        })
    }

    /// The encoder's bitrate now.
    pub fn bps(&self) -> u32 {
        self.bps as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_path_leaves_the_profile_as_it_is() {
        let mut rate = SoundRate::new(40, true);
        assert_eq!((rate.update(2_000_000), rate.update(700_000)), (None, None));
    }

    #[test]
    fn on_a_narrow_path_the_picture_gets_some_of_it_and_it_comes_back() {
        let mut rate = SoundRate::new(40, true);
        assert_eq!(rate.update(480_000), Some(28_800));
        assert_eq!(rate.update(440_000), None, "hardly a change");
        assert_eq!(rate.update(150_000), Some(20_000));
        assert_eq!(rate.update(1_000_000), Some(40_000));
    }

    #[test]
    fn without_a_picture_sound_has_the_path_to_itself() {
        let mut rate = SoundRate::new(40, false);
        assert_eq!(rate.update(65_600), None);
        assert_eq!(rate.update(50_000), Some(24_400));
    }

    #[test]
    fn nothing_takes_the_last_word() {
        let mut rate = SoundRate::new(128, true);
        assert_eq!(rate.update(0), Some(12_000));
        assert_eq!(rate.update(u32::MAX), Some(128_000));
    }
}
