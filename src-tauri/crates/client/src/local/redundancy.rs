//! Whether packets of sound describe the sound before them (Opus DRED), and how many bits that gets: pure arithmetic.
//!
//! Copies of whole packets (RFC 2198) bridge three of them, where the path has room for copies. What is lost beyond that, or where there
//! is no room, comes back from these descriptions: half a copy's bits describe a fifth of a second.

use std::time::Duration;

/// The loss, in percent, from which they are worth it, and below which they end.
const FROM: u8 = 15;
const UNTIL: u8 = 10;
/// They begin where they take one part in so many of what the path carries, at most, and end where they would take one in so many.
const SHARE: u32 = 8;
const SHARE_AT_END: u32 = 6;
/// How far back they go, as far as their bits do.
const REACH: Duration = Duration::from_millis(500);

/// How many bits a second they need is a matter of how libopus shares out the bitrate (`compute_dred_bitrate`), which goes by steps; a fifth
/// of a second is described by what comes out here, and the voice keeps what it had but for a tenth (`cargo run -p media --example opus`).
/// A voice of up to so many bits a second, with them, is best at so many in all; a better one needs so many more, and so many in all.
const THIN: u32 = 26_000;
const THIN_ALL: u32 = 36_000;
const MORE: u32 = 16_000;
const MORE_ALL: u32 = 46_000;

/// The deep redundancy of a stream's sound.
#[derive(Debug, Default)]
pub(super) struct Redundancy {
    /// Zero while there is none.
    bps: u32,
}

impl Redundancy {
    /// The worst path to anybody who understands it loses so many percent (`None`: nobody does), the slowest path carries `available_bps`
    /// in all, and the voice itself has `voice_bps`. Whether anything changes.
    pub fn update(&mut self, loss: Option<u8>, available_bps: u32, voice_bps: u32) -> bool {
        let (from, share) = if self.bps > 0 { (UNTIL, SHARE_AT_END) } else { (FROM, SHARE) };
        let needed = needed(voice_bps);
        let worth_it = loss.is_some_and(|loss| loss >= from) && needed.saturating_mul(share) <= available_bps;
        let bps = if worth_it { needed } else { 0 };
        std::mem::replace(&mut self.bps, bps) != bps
    }

    /// How far back each packet describes the sound before it.
    pub fn reach(&self) -> Duration {
        if self.bps > 0 { REACH } else { Duration::ZERO }
    }

    /// What it adds to the bitrate, in bits a second.
    pub fn bps(&self) -> u32 {
        self.bps
    }
}

fn needed(voice_bps: u32) -> u32 {
    if voice_bps <= THIN { THIN_ALL - voice_bps } else { MORE_ALL.saturating_sub(voice_bps).max(MORE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: u32 = 2_000_000;
    const VOICE: u32 = 40_000;

    #[test]
    fn a_path_that_loses_little_has_none() {
        let mut redundancy = Redundancy::default();
        assert!([0, 5, 14].iter().all(|loss| !redundancy.update(Some(*loss), WIDE, VOICE)));
        assert_eq!((redundancy.bps(), redundancy.reach()), (0, Duration::ZERO));
    }

    #[test]
    fn heavy_loss_begins_it_and_a_little_less_does_not_end_it() {
        let mut redundancy = Redundancy::default();
        assert_eq!([15, 11, 30, 9, 14].map(|loss| redundancy.update(Some(loss), WIDE, VOICE)), [true, false, false, true, false]);
        assert!(redundancy.update(Some(20), WIDE, VOICE));
        assert_eq!((redundancy.bps(), redundancy.reach()), (16_000, REACH));
    }

    #[test]
    fn who_does_not_understand_it_is_not_sent_it() {
        let mut redundancy = Redundancy::default();
        assert!(!redundancy.update(None, WIDE, VOICE));
        assert!(redundancy.update(Some(20), WIDE, VOICE) && redundancy.update(None, WIDE, VOICE));
        assert_eq!(redundancy.bps(), 0);
    }

    #[test]
    fn a_path_that_has_no_room_for_it_goes_without_and_does_not_go_on_and_off() {
        let mut redundancy = Redundancy::default();
        let changes = [100_000, 120_000, 128_000, 110_000, 128_000, 90_000].map(|available| redundancy.update(Some(30), available, VOICE));
        assert_eq!(changes, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_thin_voice_gets_fewer_bits_for_it_and_all_follow_the_voice() {
        let mut redundancy = Redundancy::default();
        let bits = [24_000, 28_000, 40_000, 128_000].map(|voice| {
            assert!(redundancy.update(Some(20), WIDE, voice) || voice == 128_000);
            redundancy.bps()
        });
        assert_eq!(bits, [12_000, 18_000, 16_000, 16_000]);
    }
}
