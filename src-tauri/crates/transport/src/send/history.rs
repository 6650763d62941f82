//! Packets already sent, kept for repair.
//!
//! Invariant: what is kept is bounded by count, bytes and age, and what is sent again is bounded by a share of the bitrate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::bucket::Bucket;

/// The bounds of a [`History`]; the first one reached evicts the oldest packet.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub max_packets: usize,
    /// The sum of the packets' sizes, in bytes.
    pub max_bytes: usize,
    pub max_age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_packets: 2048, max_bytes: 2 << 20, max_age: Duration::from_secs(2) }
    }
}

/// Why a packet is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Never sent, or evicted.
    Unknown,
    /// Sent again less than a round trip ago: the request crossed the repair.
    TooSoon,
    /// Repairs have used up their share of the bitrate.
    OverBudget,
}

/// What may be sent again at once after a pause, as time at the budget's rate.
const BURST: Duration = Duration::from_millis(300);

/// One SSRC's sent packets by sequence number.
#[derive(Debug)]
pub struct History<P> {
    config: Config,
    /// By extended sequence number.
    packets: BTreeMap<u64, Sent<P>>,
    bytes: usize,
    budget: Option<Bucket>,
}

#[derive(Debug)]
struct Sent<P> {
    packet: P,
    size: usize,
    at: Instant,
    again_at: Option<Instant>,
}

impl<P: Clone> History<P> {
    pub fn new(config: Config) -> Self {
        Self { config, packets: BTreeMap::new(), bytes: 0, budget: None }
    }

    /// Limits repairs to `bps` on average. Without a call there is no limit.
    pub fn set_budget(&mut self, bps: u32, now: Instant) {
        match &mut self.budget {
            Some(bucket) => bucket.set_rate(bps, now),
            None => self.budget = Some(Bucket::new(bps, BURST)),
        }
    }

    /// Keeps a packet at its first sending. `size` in bytes.
    pub fn push(&mut self, sequence: u16, size: usize, packet: P, now: Instant) {
        let extended = self.extend(sequence);
        if let Some(replaced) = self.packets.insert(extended, Sent { packet, size, at: now, again_at: None }) {
            self.bytes -= replaced.size;
        }
        self.bytes += size;
        self.evict(now);
    }

    /// The packet to send again for a NACK of `sequence`.
    pub fn repair(&mut self, sequence: u16, rtt: Duration, now: Instant) -> Result<P, Refused> {
        self.evict(now);
        let extended = self.extend(sequence);
        let sent = self.packets.get_mut(&extended).ok_or(Refused::Unknown)?;
        if sent.again_at.is_some_and(|last| now.saturating_duration_since(last) < rtt) {
            return Err(Refused::TooSoon);
        }
        if self.budget.as_mut().is_some_and(|bucket| !bucket.take(sent.size, now)) {
            return Err(Refused::OverBudget);
        }
        sent.again_at = Some(now);
        Ok(sent.packet.clone())
    }

    fn extend(&self, sequence: u16) -> u64 {
        match self.packets.last_key_value() {
            Some((&newest, _)) => newest.wrapping_add_signed(i64::from(sequence.wrapping_sub(newest as u16) as i16)),
            None => 1 << 32 | u64::from(sequence),
        }
    }

    fn evict(&mut self, now: Instant) {
        while let Some(oldest) = self.packets.first_entry() {
            let expired = now.saturating_duration_since(oldest.get().at) > self.config.max_age;
            if !expired && self.bytes <= self.config.max_bytes {
                break;
            }
            self.bytes -= oldest.remove().size;
        }
        while self.packets.len() > self.config.max_packets {
            let (_, evicted) = self.packets.pop_first().expect("more packets than the bound, so at least one");
            self.bytes -= evicted.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RTT: Duration = Duration::from_millis(50);

    fn filled(count: u16) -> (History<u16>, Instant) {
        let now = Instant::now();
        let mut history = History::new(Config::default());
        for sequence in 0..count {
            history.push(sequence, 1000, sequence, now);
        }
        (history, now)
    }

    #[test]
    fn a_sent_packet_comes_back_once_in_a_round_trip() {
        let (mut history, now) = filled(10);
        assert_eq!(history.repair(4, RTT, now + RTT), Ok(4));
        assert_eq!(history.repair(4, RTT, now + RTT + RTT / 2), Err(Refused::TooSoon));
        assert_eq!(history.repair(4, RTT, now + RTT * 2), Ok(4));
    }

    #[test]
    fn what_was_never_sent_or_is_too_old_is_unknown() {
        let (mut history, now) = filled(10);
        assert_eq!(history.repair(10, RTT, now), Err(Refused::Unknown));
        assert_eq!(history.repair(3, RTT, now + Duration::from_secs(3)), Err(Refused::Unknown));
    }

    #[test]
    fn the_oldest_goes_first_when_packets_or_bytes_run_out() {
        let now = Instant::now();
        let mut history = History::new(Config { max_packets: 3, max_bytes: 2500, ..Config::default() });
        for sequence in 0..3 {
            history.push(sequence, 1000, sequence, now);
        }
        assert_eq!(history.repair(0, RTT, now), Err(Refused::Unknown));
        assert_eq!(history.repair(1, RTT, now), Ok(1));
        for sequence in 3..8 {
            history.push(sequence, 1, sequence, now);
        }
        assert_eq!(history.repair(4, RTT, now), Err(Refused::Unknown));
        assert_eq!(history.repair(5, RTT, now), Ok(5));
    }

    #[test]
    fn numbers_go_on_across_the_wrap() {
        let now = Instant::now();
        let mut history = History::new(Config::default());
        for sequence in [65_534, 65_535, 0, 1] {
            history.push(sequence, 1000, sequence, now);
        }
        assert_eq!(history.repair(65_535, RTT, now), Ok(65_535));
        assert_eq!(history.repair(1, RTT, now), Ok(1));
    }

    #[test]
    fn repairs_stay_within_their_budget_and_recover_with_time() {
        let (mut history, now) = filled(100);
        history.set_budget(800_000, now);
        let sent = (0..100).filter(|&sequence| history.repair(sequence, RTT, now).is_ok()).count();
        assert_eq!(sent, 30, "300 ms at 100 packets a second");
        let later = now + Duration::from_millis(100);
        let sent = (30..100).filter(|&sequence| history.repair(sequence, RTT, later).is_ok()).count();
        assert_eq!(sent, 10);
    }

    proptest! {
        #[test]
        fn any_order_of_calls_stays_bounded(calls in proptest::collection::vec(any::<(bool, u16, u16, u16)>(), 0..500)) {
            let mut now = Instant::now();
            let mut history = History::new(Config { max_packets: 20, max_bytes: 100_000, ..Config::default() });
            history.set_budget(1_000_000, now);
            for (push, sequence, size, step) in calls {
                now += Duration::from_millis(u64::from(step % 100));
                if push {
                    history.push(sequence, usize::from(size), sequence, now);
                } else if let Ok(packet) = history.repair(sequence, RTT, now) {
                    prop_assert_eq!(packet, sequence);
                }
                prop_assert!(history.packets.len() <= 20 && history.bytes <= 100_000);
                prop_assert_eq!(history.bytes, history.packets.values().map(|sent| sent.size).sum::<usize>());
            }
        }
    }
}
