//! Lips in step with the voice.

use std::time::{Duration, Instant};

/// What each track's playout must wait longer than it would by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extra {
    /// For [`crate::receive::audio::Audio::set_minimum_delay`], added to the sound's own delay.
    pub audio: Duration,
    /// For [`crate::receive::video::Video::set_extra_delay`].
    pub video: Duration,
}

/// Keeps the two tracks of one stream in step. At most one of the extra delays is above zero.
#[derive(Debug, Default)]
pub struct Sync {
    extra: Extra,
}

impl Sync {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sound captured at `captured` (sender's clock on ours) is heard at `playout`.
    pub fn on_audio(&mut self, captured: Instant, playout: Instant) {
        unimplemented!("{captured:?} {playout:?}")
    }

    /// A frame captured at `captured` is shown at `render_at`.
    pub fn on_video(&mut self, captured: Instant, render_at: Instant) {
        unimplemented!("{captured:?} {render_at:?}")
    }

    /// The extra delays to apply now; call about every 200 ms.
    pub fn update(&mut self, now: Instant) -> Extra {
        let _ = now;
        self.extra
    }
}
