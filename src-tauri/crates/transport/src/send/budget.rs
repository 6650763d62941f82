//! How what the path carries is shared out among what one connection sends: sound first, then repairs, then pictures.

/// Repairs never take more than this share from the pictures: at heavier loss, each is worth less than what it costs.
const MOST_REPAIRS: f64 = 0.6;

/// Bits a second for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub sound: u32,
    /// Packets sent again and forward error correction.
    pub repairs: u32,
    /// What is left for the picture's encoder.
    pub pictures: u32,
}

impl Budget {
    /// Shares out `target` bits a second. Sound takes what it needs (`sound_bps`). `loss` is the path's and `fec` the share of
    /// the packets that forward error correction adds, both 0 to 1: what it covers need not be sent again.
    pub fn new(target: u32, sound_bps: u32, loss: f64, fec: f64) -> Self {
        let sound = sound_bps.min(target);
        let rest = target - sound;
        let repairs = (f64::from(rest) * loss.max(fec).clamp(0.0, MOST_REPAIRS)) as u32;
        Self { sound, repairs, pictures: rest - repairs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_comes_first() {
        assert_eq!(Budget::new(50_000, 64_000, 0.1, 0.0), Budget { sound: 50_000, repairs: 0, pictures: 0 });
    }

    #[test]
    fn pictures_get_what_sound_and_repairs_leave() {
        assert_eq!(Budget::new(1_064_000, 64_000, 0.1, 0.0), Budget { sound: 64_000, repairs: 100_000, pictures: 900_000 });
    }

    #[test]
    fn error_correction_stands_in_for_what_would_be_sent_again() {
        assert_eq!(Budget::new(1_000_000, 0, 0.1, 0.25).repairs, 250_000);
        assert_eq!(Budget::new(1_000_000, 0, 0.2, 0.05).repairs, 200_000);
        assert_eq!(Budget::new(1_000_000, 0, 0.9, 0.9).pictures, 400_000);
    }
}
