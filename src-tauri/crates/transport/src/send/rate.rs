//! Congestion control: transport-wide feedback in, target bitrate and pacing rate out.

use std::time::{Duration, Instant};

/// The bounds of the target, in bits a second.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub start_bps: u32,
    pub min_bps: u32,
    pub max_bps: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { start_bps: 300_000, min_bps: 30_000, max_bps: 2_500_000 }
    }
}

/// What feedback says about one packet.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub sent: Instant,
    /// On the receiver's clock, from any fixed origin; `None` if the receiver did not get it.
    pub arrival: Option<Duration>,
    /// In bytes.
    pub size: usize,
}

/// One connection's congestion controller.
#[derive(Debug)]
pub struct Rate {
    config: Config,
}

impl Rate {
    pub fn new(config: Config, now: Instant) -> Self {
        let _ = now;
        Self { config }
    }

    /// One feedback message: every packet it covers, in order of sending.
    pub fn on_feedback(&mut self, samples: &[Sample], now: Instant) {
        unimplemented!("{samples:?} {now:?}")
    }

    /// A measured round-trip time.
    pub fn on_rtt(&mut self, rtt: Duration) {
        unimplemented!("{rtt:?}")
    }

    /// A receiver report's loss (0 to 1); counts only while there is no transport-wide feedback.
    pub fn on_loss(&mut self, fraction: f64, now: Instant) {
        unimplemented!("{fraction} {now:?}")
    }

    pub fn set_max(&mut self, max_bps: u32) {
        self.config.max_bps = max_bps;
    }

    /// Everything the connection may send (sound, picture, repairs), in bits a second.
    pub fn target(&self) -> u32 {
        unimplemented!()
    }

    /// What is left for the video encoder once sound (`audio_bps`) and expected repairs are taken off.
    pub fn video_target(&self, audio_bps: u32) -> u32 {
        unimplemented!("{audio_bps}")
    }

    /// The rate for the pacer.
    pub fn pacing(&self) -> u32 {
        unimplemented!()
    }

    /// Smoothed loss of the path, 0 to 1.
    pub fn loss(&self) -> f64 {
        unimplemented!()
    }

    /// The smoothed round-trip time, once known.
    pub fn rtt(&self) -> Option<Duration> {
        unimplemented!()
    }
}
