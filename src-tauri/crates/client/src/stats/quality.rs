//! How good the network is to a call, on Agora's scale, from what the call's numbers did over two seconds.
//!
//! A direction is as good as its worst sign: what people notice (freezes, made-up sound) and what comes before they do (loss, round trip,
//! a rate far below what the stream asks for).

/// Agora's scale of `network-quality`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Quality {
    /// Nothing is sent, or nothing received.
    #[default]
    Unknown = 0,
    Excellent = 1,
    Good = 2,
    /// Slightly impaired.
    Fair = 3,
    /// Not smooth.
    Poor = 4,
    VeryBad = 5,
    Down = 6,
}

/// What is sent, and what is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkQuality {
    pub uplink: Quality,
    pub downlink: Quality,
}

/// Signs of one direction over the last two seconds; `None` where nothing can be said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Signs {
    /// Round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// Packets lost, in percent.
    pub loss_percent: Option<f64>,
    /// Time for which a picture stood still, in ms.
    pub frozen_ms: Option<f64>,
    /// Sound that was made up, in percent.
    pub concealed_percent: Option<f64>,
    /// What the picture gets of the bitrate that it asks for, in percent.
    pub bitrate_percent: Option<f64>,
    /// Nothing came of what was to come.
    pub silent: bool,
}

/// The most of each sign up to which a direction is still excellent, good, fair, poor; beyond the last it is very bad.
const RTT_MS: [f64; 4] = [150.0, 300.0, 500.0, 1000.0];
const LOSS_PERCENT: [f64; 4] = [2.0, 6.0, 12.0, 25.0];
const FROZEN_MS: [f64; 4] = [0.0, 150.0, 400.0, 1000.0];
const CONCEALED_PERCENT: [f64; 4] = [0.5, 2.0, 5.0, 15.0];
/// The same of what is missing to the whole bitrate.
const MISSING_PERCENT: [f64; 4] = [40.0, 65.0, 80.0, 90.0];

impl Signs {
    pub fn quality(&self) -> Quality {
        if self.silent {
            return Quality::Down;
        }
        let missing = self.bitrate_percent.map(|percent| 100.0 - percent);
        let signs = [
            (self.rtt_ms, RTT_MS),
            (self.loss_percent, LOSS_PERCENT),
            (self.frozen_ms, FROZEN_MS),
            (self.concealed_percent, CONCEALED_PERCENT),
            (missing, MISSING_PERCENT),
        ];
        signs.into_iter().filter_map(|(value, limits)| Some(rate(value?, limits))).max().unwrap_or_default()
    }
}

fn rate(value: f64, limits: [f64; 4]) -> Quality {
    match limits.iter().position(|limit| value <= *limit) {
        Some(0) => Quality::Excellent,
        Some(1) => Quality::Good,
        Some(2) => Quality::Fair,
        Some(_) => Quality::Poor,
        None => Quality::VeryBad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_unknown_and_silence_is_down() {
        assert_eq!(Signs::default().quality(), Quality::Unknown);
        assert_eq!(Signs { silent: true, rtt_ms: Some(1.0), ..Signs::default() }.quality(), Quality::Down);
    }

    #[test]
    fn the_worst_sign_decides() {
        let fine =
            Signs { rtt_ms: Some(20.0), loss_percent: Some(0.0), frozen_ms: Some(0.0), concealed_percent: Some(0.0), ..Signs::default() };
        assert_eq!(fine.quality(), Quality::Excellent);
        assert_eq!(Signs { loss_percent: Some(10.0), ..fine }.quality(), Quality::Fair);
        assert_eq!(Signs { loss_percent: Some(10.0), frozen_ms: Some(900.0), ..fine }.quality(), Quality::Poor);
        assert_eq!(Signs { concealed_percent: Some(40.0), ..fine }.quality(), Quality::VeryBad);
        assert_eq!(Signs { bitrate_percent: Some(100.0), ..fine }.quality(), Quality::Excellent);
        assert_eq!(Signs { bitrate_percent: Some(50.0), ..fine }.quality(), Quality::Good);
    }

    #[test]
    fn it_never_gets_better_when_a_sign_gets_worse() {
        let at = |value: f64| Signs { rtt_ms: Some(value), loss_percent: Some(value / 40.0), ..Signs::default() }.quality();
        let judged: Vec<Quality> = (0..200).map(|step| at(f64::from(step) * 10.0)).collect();
        assert!(judged.is_sorted());
        assert_eq!((judged[0], judged[199]), (Quality::Excellent, Quality::VeryBad));
    }
}
