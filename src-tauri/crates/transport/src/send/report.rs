//! Capture time → RTP timestamp, what a sender report says (RFC 3550 §6.4.1), and the round-trip time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds from 1900, where NTP counts from, to 1970.
const UNIX_IN_NTP: u64 = 2_208_988_800;

/// A longer round trip is a mistake of someone's clock.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);

/// A moment of capture as an RTP timestamp; a sender report says which wall-clock time that was.
#[derive(Debug, Clone, Copy)]
pub struct MediaClock {
    rate: u32,
    origin: Instant,
    offset: u32,
}

impl MediaClock {
    /// `rate` in Hz (90,000 for video, 48,000 for Opus); `offset` is the timestamp of `origin` (random, RFC 3550 §5.1).
    pub fn new(rate: u32, origin: Instant, offset: u32) -> Self {
        Self { rate, origin, offset }
    }

    /// The RTP timestamp of `at`, which may lie before the origin.
    pub fn timestamp(&self, at: Instant) -> u32 {
        match at.checked_duration_since(self.origin) {
            Some(after) => self.offset.wrapping_add(self.ticks(after)),
            None => self.offset.wrapping_sub(self.ticks(self.origin - at)),
        }
    }

    fn ticks(&self, time: Duration) -> u32 {
        ((time.as_nanos() * u128::from(self.rate) + 500_000_000) / 1_000_000_000) as u32
    }
}

/// The sender information of an SR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// 32.32 fixed point, seconds since 1900.
    pub ntp: u64,
    /// The RTP timestamp of the same moment.
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// Counts what was sent on one SSRC. Repairs count too: they are packets sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    packets: u64,
    octets: u64,
}

impl Sent {
    /// `payload` in bytes, without header and padding.
    pub fn on_packet(&mut self, payload: usize) {
        self.packets += 1;
        self.octets += payload as u64;
    }

    /// The report for `now`, which our wall clock calls `wall`. The counts wrap (§6.4.1).
    pub fn info(&self, clock: &MediaClock, now: Instant, wall: SystemTime) -> SenderInfo {
        SenderInfo { ntp: ntp(wall), timestamp: clock.timestamp(now), packets: self.packets as u32, octets: self.octets as u32 }
    }
}

/// A wall-clock time as an NTP timestamp (32.32, seconds since 1900, wrapping in 2036). Times before 1970 read as 1970.
pub fn ntp(wall: SystemTime) -> u64 {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    (since.as_secs().wrapping_add(UNIX_IN_NTP) << 32) | fraction
}

/// The round-trip time from a report block's LSR and DLSR (units of 1/65,536 s) received at `wall`; `None` before the
/// receiver has seen a sender report or if the values contradict each other.
pub fn round_trip(last_sr: u32, delay_since: u32, wall: SystemTime) -> Option<Duration> {
    if last_sr == 0 {
        return None;
    }
    let received = (ntp(wall) >> 16) as u32;
    let units = received.wrapping_sub(last_sr).wrapping_sub(delay_since);
    // RTTs under the units' rounding come out as -1.
    let units = if units as i32 == -1 { 0 } else { units };
    let rtt = Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536);
    (rtt <= MAX_ROUND_TRIP).then_some(rtt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_follow_capture_time_across_the_wrap() {
        let origin = Instant::now() + Duration::from_secs(100);
        let clock = MediaClock::new(90_000, origin, u32::MAX - 89_999);
        assert_eq!(clock.timestamp(origin), u32::MAX - 89_999);
        assert_eq!(clock.timestamp(origin + Duration::from_secs(1)), 0);
        assert_eq!(clock.timestamp(origin + Duration::from_nanos(1_033_333_333)), 3000);
        assert_eq!(clock.timestamp(origin - Duration::from_millis(10)), u32::MAX - 90_899);
    }

    #[test]
    fn a_report_names_one_moment_on_both_clocks() {
        let origin = Instant::now();
        let clock = MediaClock::new(48_000, origin, 7);
        let mut sent = Sent::default();
        sent.on_packet(100);
        sent.on_packet(60);
        let info = sent.info(&clock, origin + Duration::from_millis(20), UNIX_EPOCH + Duration::from_millis(1500));
        assert_eq!(info, SenderInfo { ntp: (2_208_988_801 << 32) | (1 << 31), timestamp: 967, packets: 2, octets: 160 });
    }

    #[test]
    fn the_round_trip_is_the_time_the_receiver_did_not_hold_the_report() {
        let sent = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let last_sr = (ntp(sent) >> 16) as u32;
        let rtt = round_trip(last_sr, 65_536 / 2, sent + Duration::from_millis(580)).unwrap();
        assert!(rtt.abs_diff(Duration::from_millis(80)) < Duration::from_micros(50), "{rtt:?}");
    }

    #[test]
    fn impossible_round_trips_are_not_believed() {
        let sent = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let last_sr = (ntp(sent) >> 16) as u32;
        assert_eq!(round_trip(0, 0, sent), None);
        assert_eq!(round_trip(last_sr, 65_536, sent), None);
        assert_eq!(round_trip(last_sr, 1, sent), Some(Duration::ZERO));
    }
}
