//! The time as the service's edges read it: tokio's, which a test can hold and move, and the wall's.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::admission::Moment;

pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// `now` by the wall's clock as well. A wall's clock before 1970 counts as 1970.
pub fn moment(now: Instant) -> Moment {
    Moment { now, wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
}
