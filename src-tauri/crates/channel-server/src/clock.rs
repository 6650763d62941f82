//! The time as the service's edges read it: tokio's, which a test can hold and move, and the wall's.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::admission::Moment;

pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// `now` by the wall's clock as well.
pub fn moment(now: Instant) -> Moment {
    Moment { now, wall: wall() }
}

/// Seconds since 1970.
pub fn unix_now() -> u64 {
    wall().as_secs()
}

/// Since 1970; a clock before it counts as 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
