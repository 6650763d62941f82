//! What a receiver report says about one SSRC (RFC 3550 §6.4.1 and appendix A).

use std::time::{Duration, Instant};

use super::delay::micros;

/// A report block's contents, without the SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; within 24 bits signed.
    pub total_lost: i32,
    /// Highest sequence number, extended by its cycles.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 if none.
    pub last_sr: u32,
    /// Since that report, in 1/65,536 s.
    pub delay_since: u32,
}

/// Counts one SSRC's packets.
#[derive(Debug)]
pub struct Reception {
    /// Timestamp units a second.
    rate: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    last: Option<(Instant, i64)>,
    /// In microseconds, so that it needs no rounding at any clock rate.
    jitter: f64,
    sender_report: Option<(u64, Instant)>,
    /// Expected and received at the last report.
    reported: (u64, u64),
}

impl Reception {
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), first: None, highest: 0, received: 0, last: None, jitter: 0.0, sender_report: None, reported: (0, 0) }
    }

    /// Counts a packet that is no duplicate, by extended sequence number and timestamp; `None` for padding, whose timestamp is that of
    /// another packet.
    pub fn on_packet(&mut self, sequence: u64, timestamp: Option<i64>, now: Instant) {
        let newest = self.first.is_none() || sequence > self.highest;
        self.first = Some(self.first.map_or(sequence, |first| first.min(sequence)));
        self.received += 1;
        if !newest {
            // Repairs and reordered packets say nothing about the path's jitter.
            return;
        }
        self.highest = sequence;
        let Some(timestamp) = timestamp else { return };
        if let Some((at, before)) = self.last {
            // §6.4.1: J += (|D| - J) / 16.
            let media = timestamp.saturating_sub(before) as f64 * 1e6 / f64::from(self.rate);
            let difference = (micros(now, at) as f64 - media).abs();
            self.jitter += (difference.min(10e6) - self.jitter) / 16.0;
        }
        self.last = Some((now, timestamp));
    }

    /// A sender report's NTP time (32.32).
    pub fn on_sender_report(&mut self, ntp: u64, now: Instant) {
        self.sender_report = Some((ntp, now));
    }

    /// The next report's block; `None` before the first packet.
    pub fn block(&mut self, now: Instant) -> Option<Block> {
        let expected = self.highest - self.first? + 1;
        let (expected_before, received_before) = std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_now = expected.saturating_sub(expected_before);
        let lost_now = expected_now.saturating_sub(self.received - received_before);
        let (last_sr, delay_since) = self.sender_report.map_or((0, 0), |(ntp, at)| {
            let held = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            ((ntp >> 16) as u32, u32::try_from(held).unwrap_or(u32::MAX))
        });
        Some(Block {
            fraction_lost: (lost_now.saturating_mul(256) / expected_now.max(1)).min(255) as u8,
            total_lost: (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: self.highest as u32,
            jitter: (self.jitter * f64::from(self.rate) / 1e6) as u32,
            last_sr,
            delay_since,
        })
    }

    /// Packets that have not come so far.
    pub fn missing(&self) -> u64 {
        self.first.map_or(0, |first| (self.highest - first + 1).saturating_sub(self.received))
    }

    /// Interarrival jitter.
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn loss_is_told_since_the_last_report_and_since_the_beginning() {
        let (mut reception, now) = (Reception::new(90_000), Instant::now());
        assert_eq!(reception.block(now), None);
        for sequence in (0..100).filter(|sequence| sequence % 4 != 1) {
            reception.on_packet((1 << 32) + sequence, Some(0), now);
        }
        let block = reception.block(now).unwrap();
        assert_eq!((block.fraction_lost, block.total_lost, block.highest_sequence), (64, 25, 99));
        for sequence in 100..200 {
            reception.on_packet((1 << 32) + sequence, Some(0), now);
        }
        let block = reception.block(now).unwrap();
        assert_eq!((block.fraction_lost, block.total_lost), (0, 25));
    }

    #[test]
    fn a_repair_after_its_report_does_not_make_the_next_negative() {
        let (mut reception, now) = (Reception::new(90_000), Instant::now());
        reception.on_packet(0, Some(0), now);
        reception.on_packet(2, Some(0), now);
        assert_eq!(reception.block(now).unwrap().total_lost, 1);
        reception.on_packet(1, Some(0), now);
        let block = reception.block(now).unwrap();
        assert_eq!((block.fraction_lost, block.total_lost), (0, 0));
    }

    #[test]
    fn jitter_follows_the_variation_of_transit() {
        let (mut reception, start) = (Reception::new(48_000), Instant::now());
        for packet in 0..500u32 {
            let late = if packet % 2 == 0 { Duration::ZERO } else { 4 * MS };
            reception.on_packet(u64::from(packet), Some(i64::from(packet) * 960), start + packet * 20 * MS + late);
        }
        assert!(reception.jitter().abs_diff(4 * MS) < Duration::from_micros(100), "{:?}", reception.jitter());
        assert!(reception.block(start).unwrap().jitter.abs_diff(192) < 5);
    }

    #[test]
    fn a_report_names_the_last_sender_report_and_how_long_it_was_held() {
        let (mut reception, now) = (Reception::new(48_000), Instant::now());
        reception.on_packet(0, Some(0), now);
        reception.on_sender_report(0x1234_5678_9abc_def0, now);
        let block = reception.block(now + 500 * MS).unwrap();
        assert_eq!((block.last_sr, block.delay_since), (0x5678_9abc, 32_768));
    }

    proptest! {
        #[test]
        fn any_numbers_give_a_report(packets in proptest::collection::vec(any::<(u64, i64, u32)>(), 1..50)) {
            let (mut reception, now) = (Reception::new(90_000), Instant::now());
            for (sequence, timestamp, at) in packets {
                let now = now + Duration::from_micros(at.into());
                reception.on_packet(sequence >> 1, Some(timestamp), now);
                prop_assert!(reception.block(now).is_some());
            }
        }
    }
}
