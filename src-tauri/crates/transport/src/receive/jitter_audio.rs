//! What is played next.
//!
//! The playout delay is how far the sound being played lies behind the fastest packet. It is held between a target and one and
//! a half packets more: below, a piece is concealed without moving on; above, a packet is skipped. The target
//! follows what all but a few packets' delays stayed within, so a clean path adds a packet's length and no more.
//!
//! Invariants: sound is played in order, each packet at most once; what is held is bounded by [`MAX_PACKETS`]; a silence of the
//! sender's (mute, DTX) is not concealed and ends at the right delay.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::delay::{Delays, micros};

/// Opus's timestamps a second, and in one 20 ms packet.
pub const RATE: u32 = 48_000;
const PACKET: i64 = 960;
const PACKET_MICROS: i64 = 20_000;

/// Packets held at most: two seconds.
const MAX_PACKETS: usize = 100;

/// The windows and shares of the delays that the target covers: it rises by the short one and falls by the long one.
const LONG: usize = 400;
const LONG_AGE: Duration = Duration::from_secs(10);
const LONG_SHARE: f64 = 0.97;
const SHORT: usize = 50;
const SHORT_SHARE: f64 = 0.95;

/// The target before enough packets have come to know better.
const INITIAL_TARGET_MICROS: i64 = 10_000;
const ENOUGH: usize = 10;
const MAX_TARGET_MICROS: i64 = 500_000;

/// What all of so many packets (2 s) stayed within is enough, whatever came before.
const CALM: usize = 100;

/// How fast the target falls: a share of time, and one of what is too much each second.
const FALL: f64 = 0.02;
const FALL_OF_EXCESS: f64 = 0.5;

/// With loss on the path, the target leaves room for the packet after a lost one, whose FEC fills the hole.
const LOSS_FOR_FEC: f64 = 0.02;
const FEC_TARGET_MICROS: i64 = 25_000;

/// The same for packets that carry more than one earlier packet along, and how many are waited for at most.
const REDUNDANCY_MARGIN_MICROS: i64 = 5_000;
const MAX_REDUNDANCY: usize = 4;

/// Pulls are not punctual either.
const MARGIN_MICROS: i64 = 3_000;

/// How far above the target the playout delay may be: more than a packet, so that a correction does not call for its opposite.
const SLACK_MICROS: i64 = 30_000;

/// A backlog beyond this is cut at once (a stall has ended); below, packets are skipped one at a time.
const MAX_BACKLOG_MICROS: i64 = 200_000;

/// Waiting longer than this for a packet means that the sender pauses; pulls, 20 ms each.
const MAX_STARVED: u32 = 6;

/// Repairs that took longer than this are not worth waiting for with every packet.
const MAX_REPAIR_MICROS: i64 = 100_000;

/// A delay this far from those before means that the sender's clock jumped.
const JUMP_MICROS: i64 = 2_000_000;

/// The next 20 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    Packet {
        payload: Bytes,
        timestamp: u32,
    },
    /// Conceal; the following packet's FEC can tell what is missing.
    Lost {
        next: Option<Bytes>,
    },
    Empty,
}

/// Cumulative counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub played: u64,
    /// Pieces concealed for want of a packet.
    pub concealed: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets skipped to shorten the delay.
    pub accelerated: u64,
    /// Pieces concealed to lengthen the delay.
    pub expanded: u64,
}

/// One audio track's packets on their way to the decoder.
#[derive(Debug)]
pub struct JitterAudio {
    /// By extended sequence number; all above `last`.
    packets: BTreeMap<u64, Packet>,
    /// The last packet played, skipped or given up.
    last: Option<u64>,
    /// The timestamp (extended) played next; `None` while there is nothing to play.
    position: Option<i64>,
    delays: Delays,
    target: Target,
    extra: Duration,
    /// Pulls since a packet was there.
    starved: u32,
    /// Pulls since the delay was last corrected.
    steady: u32,
    usual_size: f64,
    stats: Stats,
}

#[derive(Debug)]
struct Packet {
    timestamp: i64,
    payload: Bytes,
}

impl JitterAudio {
    pub fn new() -> Self {
        Self {
            packets: BTreeMap::new(),
            last: None,
            position: None,
            delays: Delays::new(RATE, LONG, LONG_AGE),
            target: Target::default(),
            extra: Duration::ZERO,
            starved: 0,
            steady: 0,
            usual_size: 0.0,
            stats: Stats::default(),
        }
    }

    /// Takes a packet that is no duplicate, by extended sequence number and timestamp. `repaired`: it was asked for again.
    pub fn push(&mut self, sequence: u64, timestamp: i64, payload: Bytes, repaired: bool, now: Instant) {
        if payload.is_empty() {
            return;
        }
        self.learn(timestamp, repaired, now);
        if self.last.is_some_and(|last| sequence <= last) {
            self.stats.late += 1;
            return;
        }
        self.target.on_packet(repaired);
        self.usual_size += (payload.len() as f64 - self.usual_size) / 32.0;
        self.packets.insert(sequence, Packet { timestamp, payload });
        if self.packets.len() > MAX_PACKETS {
            // Nobody pulls, or the sender floods.
            self.drop_first();
            self.position = None;
        }
    }

    /// What to play for the next 20 ms; to be called as often.
    pub fn pull(&mut self, now: Instant) -> Pull {
        self.target.follow(&mut self.delays, now);
        self.steady = self.steady.saturating_add(1);
        if self.position.is_none() && !self.start(now) {
            return Pull::Empty;
        }
        self.accelerate(now);
        let Some((&sequence, front)) = self.packets.first_key_value() else { return self.starve() };
        let timestamp = front.timestamp;
        let missing = self.last.map_or(0, |last| sequence.saturating_sub(last + 1));
        let position = self.catch_up_with_concealed(timestamp, missing);
        if timestamp < position + PACKET / 2 {
            return self.expand(now).unwrap_or_else(|| self.play());
        }
        if missing == 0 || timestamp - position > i64::from(RATE) {
            // The sender paused: what comes next waits for its own time.
            self.position = None;
            return if self.start(now) { self.play() } else { Pull::Empty };
        }
        self.conceal(sequence, now)
    }

    /// Lip sync's extra delay.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra = extra.min(Duration::from_secs(1));
    }

    /// Packets carry so many earlier ones along: on a path that loses, they are worth waiting for.
    pub fn set_redundancy(&mut self, packets: usize) {
        self.target.redundancy = packets.min(MAX_REDUNDANCY) as i64;
    }

    /// Everything below this sequence number has been played or given up.
    pub fn settled(&self) -> u64 {
        self.last.map_or(0, |last| last + 1)
    }

    /// The playout delay aimed at, behind the fastest packet, without the extra.
    pub fn target(&self) -> Duration {
        Duration::from_micros(self.target.micros as u64)
    }

    /// The sound held now.
    pub fn held(&self) -> Duration {
        let (Some(position), Some((_, last))) = (self.position, self.packets.last_key_value()) else { return Duration::ZERO };
        Duration::from_micros(((last.timestamp - position + PACKET).clamp(0, 100 * PACKET) * 1_000_000 / i64::from(RATE)) as u64)
    }

    /// Cumulative counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn learn(&mut self, timestamp: i64, repaired: bool, now: Instant) {
        let mut delay = self.delays.delay(timestamp, now);
        let Some(fastest) = self.delays.minimum() else {
            self.delays.push(delay, now);
            return;
        };
        if delay.saturating_sub(fastest).abs() > JUMP_MICROS {
            self.delays.reset();
            self.packets.clear();
            self.position = None;
            delay = self.delays.delay(timestamp, now);
        }
        if !repaired || delay - fastest <= MAX_REPAIR_MICROS {
            self.delays.push(delay, now);
        }
    }

    /// How far playing `timestamp` now would be behind the fastest packet.
    fn delay_of(&mut self, timestamp: i64, now: Instant) -> i64 {
        self.delays.delay(timestamp, now).saturating_sub(self.delays.minimum().unwrap_or(0))
    }

    fn wanted(&self) -> i64 {
        self.target.micros + self.extra.as_micros() as i64
    }

    /// Begins to play once the first packet has waited for its time.
    fn start(&mut self, now: Instant) -> bool {
        while let Some(first) = self.packets.first_key_value().map(|(_, packet)| packet.timestamp) {
            let delay = self.delay_of(first, now);
            if delay < self.wanted() {
                return false;
            }
            if self.packets.len() == 1 || delay < self.wanted() + MAX_BACKLOG_MICROS {
                self.position = Some(first);
                self.last = self.packets.first_key_value().map(|(&sequence, _)| sequence.saturating_sub(1));
                self.starved = 0;
                return true;
            }
            self.drop_first();
            self.stats.accelerated += 1;
        }
        false
    }

    /// Skips a packet if the playout delay is too long; a quiet one if it can wait for one.
    fn accelerate(&mut self, now: Instant) {
        let Some(position) = self.position else { return };
        let mut excess = self.delay_of(position, now) - self.wanted();
        while self.packets.len() > 1 && self.may_skip(excess) {
            let skipped = self.packets.first_key_value().map(|(_, packet)| packet.timestamp);
            self.drop_first();
            self.position = skipped.map(|timestamp| timestamp.saturating_add(PACKET));
            self.stats.accelerated += 1;
            self.steady = 0;
            excess -= PACKET_MICROS;
        }
    }

    fn may_skip(&self, excess: i64) -> bool {
        let Some((&sequence, front)) = self.packets.first_key_value() else { return false };
        let in_turn = self.last.is_none_or(|last| sequence == last + 1)
            && self.position.is_some_and(|position| front.timestamp < position + PACKET / 2);
        let patience = match excess {
            _ if excess < SLACK_MICROS || !in_turn => return false,
            MAX_BACKLOG_MICROS.. => return true,
            100_000.. => 5,
            60_000.. => 20,
            _ => 50,
        };
        self.steady > patience || (self.steady > 3 && self.is_quiet(&front.payload))
    }

    /// Waits a piece longer if the playout delay is too short and this is a moment where that is not heard, or has to be.
    fn expand(&mut self, now: Instant) -> Option<Pull> {
        let position = self.position?;
        let short = self.delay_of(position, now) < self.wanted();
        let quiet = self.packets.first_key_value().is_some_and(|(_, front)| self.is_quiet(&front.payload));
        if !short || self.steady < if quiet { 3 } else { 10 } {
            return None;
        }
        self.steady = 0;
        self.stats.expanded += 1;
        Some(Pull::Lost { next: None })
    }

    /// A variable-rate encoder spends little on silence.
    fn is_quiet(&self, payload: &[u8]) -> bool {
        (payload.len() as f64) < self.usual_size * 0.5
    }

    fn play(&mut self) -> Pull {
        let Some((sequence, packet)) = self.packets.pop_first() else { return Pull::Empty };
        self.last = Some(sequence);
        self.position = Some(packet.timestamp.saturating_add(PACKET));
        self.starved = 0;
        self.stats.played += 1;
        Pull::Packet { payload: packet.payload, timestamp: packet.timestamp as u32 }
    }

    /// Nothing is there: it is late, or lost, or the sender pauses. The position stays, so that what is late is still played.
    fn starve(&mut self) -> Pull {
        self.starved += 1;
        if self.starved > MAX_STARVED {
            self.position = None;
            self.starved = 0;
            return Pull::Empty;
        }
        self.stats.concealed += 1;
        Pull::Lost { next: None }
    }

    /// A packet follows a hole: what starvation concealed counts towards the hole. The position afterwards.
    fn catch_up_with_concealed(&mut self, timestamp: i64, missing: u64) -> i64 {
        let position = self.position.unwrap_or(timestamp);
        let hole = (timestamp.saturating_sub(position) / PACKET).min(i64::try_from(missing).unwrap_or(i64::MAX));
        let concealed = hole.clamp(0, i64::from(self.starved));
        self.starved = 0;
        (0..concealed).for_each(|_| self.target.on_lost());
        self.last = self.last.map(|last| last + concealed as u64);
        let position = position.saturating_add(concealed * PACKET);
        self.position = Some(position);
        position
    }

    /// The packet in turn is missing and `sequence` is there. Waits for it while the playout delay allows; else moves on.
    fn conceal(&mut self, sequence: u64, now: Instant) -> Pull {
        let position = self.position.unwrap_or(0);
        if self.delay_of(position, now) < self.wanted() {
            self.stats.expanded += 1;
            self.steady = 0;
            return Pull::Lost { next: None };
        }
        self.stats.concealed += 1;
        self.target.on_lost();
        let position = position.saturating_add(PACKET);
        self.position = Some(position);
        self.last = self.last.map(|last| (last + 1).min(sequence - 1));
        let next = self.packets.get(&sequence).filter(|next| next.timestamp < position + PACKET / 2);
        Pull::Lost { next: next.map(|next| next.payload.clone()) }
    }

    fn drop_first(&mut self) {
        if let Some((sequence, _)) = self.packets.pop_first() {
            self.last = Some(sequence);
        }
    }
}

impl Default for JitterAudio {
    fn default() -> Self {
        Self::new()
    }
}

/// The playout delay aimed at, behind the fastest packet.
#[derive(Debug)]
struct Target {
    micros: i64,
    followed_at: Option<Instant>,
    loss: f64,
    /// Earlier packets that each packet carries along.
    redundancy: i64,
}

impl Default for Target {
    fn default() -> Self {
        Self { micros: INITIAL_TARGET_MICROS, followed_at: None, loss: 0.0, redundancy: 0 }
    }
}

impl Target {
    /// Repaired packets were lost as far as FEC is concerned.
    fn on_packet(&mut self, repaired: bool) {
        self.loss += (f64::from(u8::from(repaired)) - self.loss) / 128.0;
    }

    fn on_lost(&mut self) {
        self.loss += (1.0 - self.loss) / 128.0;
    }

    fn follow(&mut self, delays: &mut Delays, now: Instant) {
        let elapsed = self.followed_at.map_or(0, |last| micros(now, last)).clamp(0, 1_000_000);
        self.followed_at = Some(now);
        let (Some(fastest), true) = (delays.minimum(), delays.count() >= ENOUGH) else { return };
        let calm = delays.percentile(1.0, CALM).unwrap_or(fastest);
        let slow = delays.percentile(LONG_SHARE, LONG).unwrap_or(fastest).min(calm);
        let fast = delays.percentile(SHORT_SHARE, SHORT).unwrap_or(fastest);
        let repairs = FEC_TARGET_MICROS.max(self.redundancy * PACKET_MICROS + REDUNDANCY_MARGIN_MICROS);
        let floor = if self.loss > LOSS_FOR_FEC { repairs } else { 0 };
        let wanted = (slow.max(fast) - fastest + MARGIN_MICROS).clamp(floor, MAX_TARGET_MICROS);
        let excess = (self.micros - wanted).max(0) as f64 / 1e6;
        let fallen = self.micros - (elapsed as f64 * (FALL + FALL_OF_EXCESS * excess)) as i64;
        self.micros = wanted.max(fallen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    /// A call in virtual time: a packet every 20 ms, each on its way for as long as the path says; pulls every 20 ms.
    struct Call {
        buffer: JitterAudio,
        start: Instant,
        /// Arrival, sequence, whether it is a repair; unsorted.
        way: Vec<(Duration, u64, bool)>,
        pulls: u32,
        /// What was pulled, and how long after its capture it was.
        played: Vec<(u64, Duration)>,
        outputs: Vec<Pull>,
    }

    impl Call {
        fn new() -> Self {
            let start = Instant::now();
            Self { buffer: JitterAudio::new(), start, way: Vec::new(), pulls: 0, played: Vec::new(), outputs: Vec::new() }
        }

        /// Sends packets `range`; the path says how long each takes in ms, or that it is lost.
        fn send(&mut self, range: std::ops::Range<u64>, path: impl Fn(u64) -> Option<f64>) -> &mut Self {
            for sequence in range {
                if let Some(ms) = path(sequence) {
                    self.way.push((sequence as u32 * 20 * MS + Duration::from_secs_f64(ms / 1000.0), sequence, false));
                }
            }
            self
        }

        /// Pulls until `end`; the pulls lie 7 ms after the packets' times.
        fn run(&mut self, end: Duration) -> &mut Self {
            self.way.sort_unstable_by_key(|&(at, ..)| std::cmp::Reverse(at));
            while self.pulls * 20 * MS + 7 * MS < end {
                let at = self.pulls * 20 * MS + 7 * MS;
                while let Some((arrival, sequence, repaired)) = self.way.pop_if(|(arrival, ..)| *arrival <= at) {
                    let payload = Bytes::from(sequence.to_be_bytes().repeat(10));
                    self.buffer.push(1000 + sequence, 5000 + sequence as i64 * PACKET, payload, repaired, self.start + arrival);
                }
                let pull = self.buffer.pull(self.start + at);
                if let Pull::Packet { payload, timestamp } = &pull {
                    let sequence = u64::from_be_bytes(payload[..8].try_into().unwrap());
                    assert_eq!(*timestamp, 5000 + sequence as u32 * 960);
                    self.played.push((sequence, at - sequence as u32 * 20 * MS));
                }
                self.outputs.push(pull);
                self.pulls += 1;
            }
            self
        }

        fn stats(&self) -> Stats {
            self.buffer.stats()
        }

        fn last_delay(&self) -> Duration {
            self.played.last().unwrap().1
        }
    }

    /// A repeatable value from 0 to 1.
    fn noise(index: u64) -> f64 {
        index.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9) as f64 / u64::MAX as f64
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clean_path_is_played_whole_and_at_once() {
        let mut call = Call::new();
        call.send(0..500, |packet| Some(30.0 + noise(packet))).run(10 * SECOND);
        let stats = call.stats();
        assert_eq!((stats.concealed, stats.late, stats.expanded), (0, 0, 0), "{stats:?}");
        assert!(stats.accelerated <= 1, "{stats:?}");
        assert!(call.last_delay() <= 30 * MS + 25 * MS, "{:?}", call.last_delay());
        assert!(call.played.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn jitter_is_covered_after_a_moment() {
        let mut call = Call::new();
        call.send(0..1500, |packet| Some(30.0 + noise(packet) * 60.0)).run(5 * SECOND);
        let before = call.stats();
        call.run(30 * SECOND);
        let after = call.stats();
        let corrected = after.concealed - before.concealed + after.expanded - before.expanded + after.accelerated - before.accelerated;
        assert!(corrected <= 25, "{corrected} of 1250: {before:?} {after:?}");
        assert!(call.last_delay() <= 30 * MS + 100 * MS, "{:?}", call.last_delay());
    }

    #[test]
    fn delay_comes_down_again_when_jitter_ends() {
        let mut call = Call::new();
        call.send(0..500, |packet| Some(30.0 + noise(packet) * 100.0)).send(500..2000, |_| Some(30.0)).run(40 * SECOND);
        assert!(call.last_delay() <= 60 * MS, "{:?}", call.last_delay());
        assert!(call.stats().accelerated <= 12, "{:?}", call.stats());
    }

    #[test]
    fn a_queue_at_the_start_is_forgotten_within_eight_seconds() {
        let mut call = Call::new();
        call.send(0..50, |packet| Some(if packet < 25 { 300.0 } else { 30.0 })).send(50..1000, |_| Some(30.0));
        assert!(call.run(2 * SECOND).last_delay() > 200 * MS, "{:?}", call.last_delay());
        assert!(call.run(8 * SECOND).last_delay() <= 90 * MS, "{:?}", call.last_delay());
        assert_eq!(call.stats().concealed, 0, "{:?}", call.stats());
    }

    #[test]
    fn reordered_packets_are_played_in_order() {
        let mut call = Call::new();
        call.send(0..500, |packet| Some(if packet % 10 == 3 { 55.0 } else { 30.0 })).run(10 * SECOND);
        assert!(call.played.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(call.stats().concealed < 5, "{:?}", call.stats());
    }

    #[test]
    fn each_lost_packet_is_concealed_once_and_mostly_with_fec() {
        let mut call = Call::new();
        let lost = |packet: u64| packet % 10 == 7;
        call.send(0..1500, |packet| (!lost(packet)).then_some(30.0)).run(30 * SECOND);
        let stats = call.stats();
        assert!(stats.concealed.abs_diff(150) <= 4, "{stats:?}");
        assert!(stats.expanded + stats.accelerated <= 4, "{stats:?}");
        let with_fec = call.outputs.iter().filter(|pull| matches!(pull, Pull::Lost { next: Some(_) })).count();
        assert!(with_fec >= 135, "{with_fec} of 150");
    }

    #[test]
    fn repairs_within_a_short_round_trip_are_waited_for() {
        let mut call = Call::new();
        call.send(0..1500, |packet| (packet % 10 != 7).then_some(30.0));
        for sequence in (7..1500).step_by(10) {
            call.way.push((sequence as u32 * 20 * MS + 90 * MS, sequence, true));
        }
        call.run(5 * SECOND);
        let before = call.stats();
        call.run(30 * SECOND);
        assert!(call.stats().concealed - before.concealed <= 2, "{before:?} {:?}", call.stats());
    }

    #[test]
    fn mute_is_not_concealed_and_speech_resumes_at_the_same_delay() {
        let mut call = Call::new();
        call.send(0..200, |_| Some(30.0)).send(700..900, |_| Some(30.0)).run(14 * SECOND);
        let before = call.last_delay();
        call.run(18 * SECOND);
        assert!(call.stats().concealed <= u64::from(MAX_STARVED), "{:?}", call.stats());
        assert!(call.last_delay().abs_diff(before) <= 20 * MS);
        call.run(19 * SECOND);
        assert_eq!(call.stats().played, 400);
    }

    #[test]
    fn a_gap_between_consecutive_packets_is_silence() {
        let mut call = Call::new();
        call.send(0..100, |_| Some(30.0)).run(2 * SECOND + 40 * MS);
        // DTX: the next packets follow in sequence but are stamped 400 ms apart.
        let mut silent = 0;
        for packet in 0..5u64 {
            let at = call.start + Duration::from_millis(2000 + packet * 400 + 30);
            call.buffer.push(1100 + packet, 5000 + (100 + packet as i64 * 20) * PACKET, Bytes::from_static(&[1, 2]), false, at);
            for pull in 0..20 {
                silent += u32::from(call.buffer.pull(at + pull * 20 * MS + 7 * MS) == Pull::Empty);
            }
        }
        assert!(silent >= 5 * 13, "{silent}");
        assert_eq!(call.stats().played, 105);
    }

    #[test]
    fn a_stall_is_caught_up_quickly() {
        let mut call = Call::new();
        let stall = |packet: u64| if (100..150).contains(&packet) { 30.0 + (150 - packet) as f64 * 20.0 } else { 30.0 };
        call.send(0..500, |packet| Some(stall(packet))).run(5 * SECOND);
        assert!(call.last_delay() <= 30 * MS + 120 * MS, "{:?}", call.last_delay());
        call.run(10 * SECOND);
        assert!(call.last_delay() <= 60 * MS, "{:?}", call.last_delay());
    }

    #[test]
    fn the_extra_delay_is_reached_and_left_in_pieces() {
        let mut call = Call::new();
        call.send(0..1500, |_| Some(30.0)).run(2 * SECOND);
        let before = call.last_delay();
        call.buffer.set_extra_delay(100 * MS);
        call.run(8 * SECOND);
        assert!(call.last_delay() >= before + 75 * MS, "{:?}", call.last_delay());
        call.buffer.set_extra_delay(Duration::ZERO);
        call.run(28 * SECOND);
        assert!(call.last_delay() <= before + 20 * MS, "{:?}", call.last_delay());
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        for drift in [-0.004, 0.004] {
            let mut call = Call::new();
            call.send(0..6000, |packet| Some(50.0 + packet as f64 * drift)).run(120 * SECOND);
            let stats = call.stats();
            assert!(stats.expanded + stats.accelerated + stats.concealed <= 6, "{drift} {stats:?}");
            let way = 50.0 + 6000.0 * drift;
            assert!(call.last_delay().as_secs_f64() * 1000.0 - way < 60.0, "{drift} {:?}", call.last_delay());
        }
    }

    #[test]
    fn a_sender_whose_clock_jumps_is_heard_again() {
        let mut call = Call::new();
        call.send(0..100, |_| Some(30.0)).run(2 * SECOND);
        for packet in 100..200u64 {
            let at = call.start + packet as u32 * 20 * MS;
            call.buffer.push(1000 + packet, 900_000_000 + packet as i64 * PACKET, Bytes::from_static(&[0; 80]), false, at);
            call.buffer.pull(at + 7 * MS);
        }
        assert!(call.stats().played >= 190, "{:?}", call.stats());
    }

    #[test]
    fn a_buffer_nobody_pulls_stays_bounded() {
        let mut call = Call::new();
        call.send(0..1000, |_| Some(30.0));
        for sequence in 0..1000u64 {
            let at = call.start + sequence as u32 * 20 * MS;
            call.buffer.push(sequence, sequence as i64 * PACKET, Bytes::from_static(&[0; 80]), false, at);
        }
        assert!(call.buffer.packets.len() <= MAX_PACKETS);
        let at = call.start + 20 * SECOND;
        assert!(matches!(call.buffer.pull(at), Pull::Packet { timestamp, .. } if timestamp > 980 * 960));
    }

    proptest! {
        #[test]
        fn any_packets_at_all_are_survived_within_bounds(
            events in proptest::collection::vec((0u64..3, any::<u64>(), any::<i64>(), 0usize..30, any::<bool>()), 0..500)
        ) {
            let (mut buffer, mut now) = (JitterAudio::new(), Instant::now());
            let mut last = None;
            for (event, sequence, timestamp, size, repaired) in events {
                now += Duration::from_millis(event * 10);
                if event == 0 {
                    buffer.set_extra_delay(Duration::from_millis(size as u64 * 20));
                }
                if event == 1 {
                    buffer.pull(now);
                } else {
                    buffer.push((1 << 32) + sequence % 64, timestamp % (1 + size as i64 * 10_000), vec![0; size].into(), repaired, now);
                }
                prop_assert!(buffer.packets.len() <= MAX_PACKETS && buffer.held() <= 2 * SECOND);
                prop_assert!(buffer.last >= last);
                last = buffer.last;
            }
        }
    }
}
