//! Sound's RTP timestamps: one step a packet, whatever the device says of the time.
//!
//! Capture times of a sound card jitter by milliseconds and drift against the system's clock, while its samples follow
//! each other without a gap. Receivers conceal gaps between timestamps; so timestamps count samples (RFC 7587 §4.1),
//! and what the capture times say goes into the sender reports.

use std::time::Instant;

use crate::send::report::MediaClock;

/// 20 ms at 48 kHz.
pub(super) const STEP: u32 = 960;
/// A capture time this far from its place is a pause, not jitter: 60 ms.
const PAUSE: i32 = 3 * STEP as i32;
/// A new capture time moves the mapping by this share: jitter averages out within a second, drift is followed.
const SHARE: f64 = 1.0 / 32.0;

/// The timestamps of one track of sound.
#[derive(Debug)]
pub(super) struct Beat {
    clock: MediaClock,
    last: Option<u32>,
    /// How far capture times run ahead of the timestamps, smoothed.
    lead: f64,
}

impl Beat {
    pub(super) fn new(clock: MediaClock) -> Self {
        Self { clock, last: None, lead: 0.0 }
    }

    /// The timestamp of the next 20 ms, captured at `captured`.
    pub(super) fn next(&mut self, captured: Instant) -> u32 {
        let ideal = self.clock.timestamp(captured);
        let Some(last) = self.last else {
            self.last = Some(ideal);
            return ideal;
        };
        let expected = last.wrapping_add(STEP);
        let ahead = f64::from(ideal.wrapping_sub(expected) as i32);
        let surprise = ahead - self.lead;
        let mut timestamp = expected;
        if surprise > f64::from(PAUSE) {
            // Whole steps, so that the receiver's count of missing pieces comes out even.
            timestamp = expected.wrapping_add((surprise / f64::from(STEP)).round() as u32 * STEP);
        } else if surprise < -f64::from(PAUSE) {
            // Timestamps never go back: the clock is mapped anew.
            self.lead = ahead;
        } else {
            self.lead += surprise * SHARE;
        }
        self.last = Some(timestamp);
        timestamp
    }

    pub(super) fn clock(&self) -> &MediaClock {
        &self.clock
    }

    /// The timestamp that belongs to the capture time `at`.
    pub(super) fn timestamp(&self, at: Instant) -> u32 {
        self.clock.timestamp(at).wrapping_sub(self.lead.round() as i32 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn beat(origin: Instant) -> Beat {
        Beat::new(MediaClock::new(48_000, origin, u32::MAX - 5_000))
    }

    fn at(origin: Instant, seconds: f64) -> Instant {
        origin + Duration::from_secs_f64(seconds)
    }

    /// The steps between the timestamps of packets captured at `times`.
    fn steps(times: impl IntoIterator<Item = f64>) -> Vec<u32> {
        let origin = Instant::now();
        let mut beat = beat(origin);
        let stamps: Vec<u32> = times.into_iter().map(|time| beat.next(at(origin, time))).collect();
        stamps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect()
    }

    #[test]
    fn jitter_of_capture_times_leaves_no_mark() {
        let jitter = |index: u32| f64::from(index * 7 % 5) * 0.008;
        assert!(steps((0..1_000).map(|index| f64::from(index) * 0.02 + jitter(index))).iter().all(|step| *step == STEP));
    }

    #[test]
    fn a_drifting_device_leaves_no_mark() {
        assert!(steps((0..60_000).map(|index| f64::from(index) * 0.02 * 1.0002)).iter().all(|step| *step == STEP));
        assert!(steps((0..60_000).map(|index| f64::from(index) * 0.02 * 0.9998)).iter().all(|step| *step == STEP));
    }

    #[test]
    fn a_pause_is_a_gap_of_whole_steps() {
        let steps = steps((0..10).map(|index| f64::from(index) * 0.02 + if index < 5 { 0.0 } else { 1.003 }));
        assert_eq!(steps, [STEP, STEP, STEP, STEP, 51 * STEP, STEP, STEP, STEP, STEP]);
    }

    #[test]
    fn capture_times_that_jump_back_do_not_take_timestamps_along() {
        let steps = steps((0..10).map(|index| 10.0 + f64::from(index) * 0.02 - if index < 5 { 0.0 } else { 5.0 }));
        assert!(steps.iter().all(|step| *step == STEP));
    }

    #[test]
    fn reports_tell_the_capture_time_in_spite_of_drift() {
        let origin = Instant::now();
        let mut beat = beat(origin);
        for index in 0..10_000 {
            let captured = at(origin, f64::from(index) * 0.02 * 1.0002);
            let stamp = beat.next(captured);
            let error = beat.timestamp(captured).wrapping_sub(stamp) as i32;
            assert!(error.abs() < 48, "{error}");
        }
    }
}
