//! The wall clock as the runtime's clock tells it: read once, so that it never jumps.

use std::time::{Instant, SystemTime};

/// Maps the runtime's instants to wall-clock times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall {
    origin: Instant,
    wall: SystemTime,
}

impl Wall {
    /// `wall` is the wall clock's reading at `origin`.
    pub(crate) fn new(origin: Instant, wall: SystemTime) -> Self {
        Self { origin, wall }
    }

    /// The wall-clock time at `now`, which is not before the origin.
    pub(crate) fn at(&self, now: Instant) -> SystemTime {
        self.wall + now.saturating_duration_since(self.origin)
    }
}
