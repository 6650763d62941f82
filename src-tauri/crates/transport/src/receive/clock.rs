//! RTP timestamp → the sender's capture time, by its sender reports (RFC 3550 §6.4.1).

use std::time::{Duration, Instant, SystemTime};

use super::delay::offset;
use crate::send::report::ntp;

/// A report that disagrees with the earlier ones by more than this means that the sender's clock was set.
const MAX_CORRECTION_MICROS: i64 = 100_000;

/// The weight of a new report against the earlier ones.
const WEIGHT: i64 = 4;

/// Capture times further than this from now are a mistake of someone's clock.
const PLAUSIBLE: Duration = Duration::from_secs(24 * 3600);

/// One SSRC's clock on the sender's side, and ours beside it.
#[derive(Debug)]
pub struct SenderClock {
    /// Timestamp units a second.
    rate: u32,
    anchor: Option<Anchor>,
}

/// One moment on every clock.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// NTP (32.32) by the sender's wall clock, smoothed.
    ntp: u64,
    timestamp: u32,
    /// A moment on our wall clock (NTP) and on our monotonic clock.
    wall: u64,
    now: Instant,
}

impl SenderClock {
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), anchor: None }
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is what our wall clock says at `now`.
    pub fn on_sender_report(&mut self, report: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        let smoothed = match self.anchor {
            Some(anchor) => {
                let expected = anchor.ntp.wrapping_add_signed(from_micros(self.media_micros(anchor, timestamp)));
                let error = to_micros(report.wrapping_sub(expected) as i64);
                if error.abs() > MAX_CORRECTION_MICROS { report } else { expected.wrapping_add_signed(from_micros(error / WEIGHT)) }
            }
            None => report,
        };
        self.anchor = Some(Anchor { ntp: smoothed, timestamp, wall: ntp(wall), now });
    }

    /// When what is stamped `timestamp` was captured, on our monotonic clock, as far as both wall clocks agree. `None` before
    /// the first report or if the clocks are days apart.
    pub fn captured(&self, timestamp: u32) -> Option<Instant> {
        let anchor = self.anchor?;
        let ahead = to_micros(anchor.ntp.wrapping_sub(anchor.wall) as i64);
        let at = ahead.saturating_add(self.media_micros(anchor, timestamp));
        (at.unsigned_abs() < PLAUSIBLE.as_micros() as u64).then(|| offset(anchor.now, at))?
    }

    /// From the anchor to `timestamp`; wraps at half the timestamps' range, some hours.
    fn media_micros(&self, anchor: Anchor, timestamp: u32) -> i64 {
        i64::from(timestamp.wrapping_sub(anchor.timestamp) as i32) * 1_000_000 / i64::from(self.rate)
    }
}

/// A signed 32.32 number of seconds in microseconds.
fn to_micros(fixed: i64) -> i64 {
    ((i128::from(fixed) * 1_000_000) >> 32) as i64
}

fn from_micros(micros: i64) -> i64 {
    ((i128::from(micros) << 32) / 1_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    const MS: Duration = Duration::from_millis(1);

    fn wall() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn close(one: Option<Instant>, other: Instant, within: Duration) -> bool {
        one.is_some_and(|one| one.saturating_duration_since(other) <= within && other.saturating_duration_since(one) <= within)
    }

    #[test]
    fn capture_times_follow_the_report() {
        let (mut clock, now) = (SenderClock::new(90_000), Instant::now() + Duration::from_secs(10));
        assert_eq!(clock.captured(0), None);
        // Sent 30 ms ago by a sender whose wall clock agrees with ours.
        clock.on_sender_report(ntp(wall() - 30 * MS), 90_000, now, wall());
        assert!(close(clock.captured(90_000), now - 30 * MS, MS));
        assert!(close(clock.captured(90_000 + 9000), now + 70 * MS, MS));
        assert!(close(clock.captured(0), now - 1030 * MS, MS));
    }

    #[test]
    fn timestamps_and_ntp_may_wrap() {
        let (mut clock, now) = (SenderClock::new(48_000), Instant::now());
        let rollover = UNIX_EPOCH + Duration::from_secs(2_085_978_496);
        clock.on_sender_report(ntp(rollover - 10 * MS), u32::MAX - 479, now, rollover + 5 * MS);
        assert!(close(clock.captured(480), now + 5 * MS, MS));
    }

    #[test]
    fn noise_in_the_reports_is_smoothed() {
        let (mut clock, mut now, mut wall) = (SenderClock::new(90_000), Instant::now(), wall());
        let mut timestamp = 0u32;
        for report in 0..50 {
            let noise = if report % 2 == 0 { 4 * MS } else { Duration::ZERO };
            clock.on_sender_report(ntp(wall + noise), timestamp, now, wall);
            now += 1000 * MS;
            wall += 1000 * MS;
            timestamp += 90_000;
        }
        assert!(close(clock.captured(timestamp), now + 2 * MS, MS));
    }

    #[test]
    fn a_sender_that_sets_its_clock_is_followed_at_once() {
        let (mut clock, now) = (SenderClock::new(90_000), Instant::now() + Duration::from_secs(100));
        clock.on_sender_report(ntp(wall()), 0, now, wall());
        clock.on_sender_report(ntp(wall() - 5000 * MS), 90_000, now + 1000 * MS, wall() + 1000 * MS);
        assert!(close(clock.captured(90_000), now - 5000 * MS, MS));
    }

    #[test]
    fn clocks_days_apart_give_no_capture_time() {
        let (mut clock, now) = (SenderClock::new(90_000), Instant::now());
        clock.on_sender_report(0, 0, now, wall());
        assert_eq!(clock.captured(0), None);
    }

    proptest! {
        #[test]
        fn any_report_is_survived(reports in proptest::collection::vec(any::<(u64, u32, u32)>(), 0..20), timestamp in any::<u32>()) {
            let (mut clock, now) = (SenderClock::new(90_000), Instant::now());
            for (report, at, step) in reports {
                clock.on_sender_report(report, at, now + Duration::from_micros(step.into()), wall());
                let _ = clock.captured(timestamp);
            }
        }
    }
}
