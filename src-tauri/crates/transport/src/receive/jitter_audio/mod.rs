//! What is played next, and how fast.
//!
//! The playout delay is how far the sound being played lies behind the fastest packet. It is held between a [`Target`] and a little
//! more ([`SLACK_MICROS`]) by playing packets a little slower or faster, which the listener's side does without a change of pitch: so
//! are jitter, stalls and clocks that drift followed. Only what a long stall has held up is cut.
//!
//! Invariants: sound is played in order, each packet at most once; what is held is bounded by [`MAX_PACKETS`]; a silence of the
//! sender's (mute, DTX) is not concealed and ends at the right delay.

mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::delay::Delays;
use target::Target;

/// Opus's timestamps a second, and in one 20 ms packet.
pub const RATE: u32 = 48_000;
const PACKET: i64 = 960;
const PACKET_MICROS: i64 = 20_000;

/// Packets held at most: two seconds.
const MAX_PACKETS: usize = 100;

/// The arrivals among which the fastest is sought.
const SAMPLES: usize = 400;
const SAMPLES_AGE: Duration = Duration::from_secs(10);

/// How far off the target the playout delay may be before it is changed: start and pull are ten milliseconds coarse.
const LACK_MICROS: i64 = 2_000;
const SLACK_MICROS: i64 = 12_000;
/// How far off it may be before that is done at once, whether it is heard or not.
const GREAT_LACK_MICROS: i64 = 25_000;
const GREAT_SLACK_MICROS: i64 = 80_000;
/// Packets at their own pace between two that are changed, when there is time.
const REST: u32 = 1;

/// A backlog beyond this is cut at once (a stall has ended).
const MAX_BACKLOG_MICROS: i64 = 200_000;

/// What is concealed while a packet may still come, and after how much of it the sender is taken to pause; in timestamps.
const PIECE: i64 = PACKET / 2;
const MAX_WAIT: i64 = 6 * PACKET;

/// Packets that are asked for what is missing before them: what redundancy brings along tells less than the packet that brought it.
const MAX_LATER: usize = 5;
/// What lies further back is described by no packet.
const MAX_AHEAD: i64 = RATE as i64;

/// Repairs that took longer than this are not worth waiting for with every packet.
const MAX_REPAIR_MICROS: i64 = 100_000;

/// A delay this far from those before means that the sender's clock jumped.
const JUMP_MICROS: i64 = 2_000_000;

/// How fast a packet is played, without a change of pitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Even,
    /// Where it is not heard.
    Slower,
    Faster,
    /// At once.
    MuchSlower,
    MuchFaster,
}

/// What comes next. The next pull is due when it has been played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    Packet {
        payload: Bytes,
        timestamp: u32,
        pace: Pace,
    },
    /// Conceal 20 ms; the packets that follow can tell what is missing, the nearest first.
    Lost {
        later: Vec<Later>,
    },
    /// Conceal 10 ms: what is missing may still come.
    Late,
    /// Nothing for 10 ms.
    Empty,
}

/// A packet that is here while an earlier one is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    pub payload: Bytes,
    /// How far after the beginning of what is missing it begins, in timestamps: one packet for the very next.
    pub ahead: u32,
}

/// Cumulative counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub played: u64,
    /// Packets given up.
    pub concealed: u64,
    /// Pieces of 10 ms made up while a packet could still come.
    pub waited: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets skipped, or to be played faster, to shorten the delay.
    pub accelerated: u64,
    /// Packets to be played slower to lengthen the delay.
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
    /// What was made up since the last packet, in timestamps.
    waited: i64,
    /// Packets played since one was stretched.
    steady: u32,
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
            delays: Delays::new(RATE, SAMPLES, SAMPLES_AGE),
            target: Target::default(),
            extra: Duration::ZERO,
            waited: 0,
            steady: 0,
            stats: Stats::default(),
        }
    }

    /// Takes a packet that is no duplicate, by extended sequence number and timestamp. `repaired`: it was asked for again, or came
    /// along with a later one.
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
        self.packets.insert(sequence, Packet { timestamp, payload });
        if self.packets.len() > MAX_PACKETS {
            // Nobody pulls, or the sender floods.
            self.drop_first();
            self.position = None;
        }
    }

    /// What to play from `now` on.
    pub fn pull(&mut self, now: Instant) -> Pull {
        self.target.follow(&mut self.delays, now);
        if self.position.is_none() && !self.start(now) {
            return Pull::Empty;
        }
        self.cut_backlog(now);
        let Some((&sequence, front)) = self.packets.first_key_value() else { return self.wait() };
        let timestamp = front.timestamp;
        let missing = self.last.map_or(0, |last| sequence.saturating_sub(last + 1));
        let position = self.catch_up_with_waited(timestamp, missing);
        if timestamp < position + PACKET / 2 {
            return self.play(now);
        }
        if missing == 0 || timestamp - position > i64::from(RATE) {
            // The sender paused: what comes next waits for its own time.
            self.position = None;
            return if self.start(now) { self.play(now) } else { Pull::Empty };
        }
        self.conceal(sequence, now)
    }

    /// Lip sync's extra delay.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra = extra.min(Duration::from_secs(1));
    }

    /// Packets carry so many earlier ones along: on a path that loses, they are worth waiting for.
    pub fn set_redundancy(&mut self, packets: usize) {
        self.target.set_redundancy(packets);
    }

    /// Everything below this sequence number has been played or given up.
    pub fn settled(&self) -> u64 {
        self.last.map_or(0, |last| last + 1)
    }

    /// The playout delay aimed at, behind the fastest packet, without the extra.
    pub fn target(&self) -> Duration {
        Duration::from_micros(self.target.micros() as u64)
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
            self.target.learn(delay - self.delays.minimum().unwrap_or(delay), now);
        }
    }

    /// How far playing `timestamp` now would be behind the fastest packet.
    fn delay_of(&mut self, timestamp: i64, now: Instant) -> i64 {
        self.delays.delay(timestamp, now).saturating_sub(self.delays.minimum().unwrap_or(0))
    }

    fn wanted(&self) -> i64 {
        self.target.micros() + self.extra.as_micros() as i64
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
                self.waited = 0;
                return true;
            }
            self.drop_first();
            self.stats.accelerated += 1;
        }
        false
    }

    /// Skips packets while the playout delay is longer than can be made up for by playing faster.
    fn cut_backlog(&mut self, now: Instant) {
        while let Some(position) = self.position
            && self.packets.len() > 1
            && self.delay_of(position, now) >= self.wanted() + MAX_BACKLOG_MICROS
            && self.is_in_turn(position)
        {
            let skipped = self.packets.first_key_value().map(|(_, packet)| packet.timestamp);
            self.drop_first();
            self.position = skipped.map(|timestamp| timestamp.saturating_add(PACKET));
            self.stats.accelerated += 1;
        }
    }

    fn is_in_turn(&self, position: i64) -> bool {
        let follows = |sequence: u64| self.last.is_none_or(|last| sequence == last + 1);
        self.packets.first_key_value().is_some_and(|(&sequence, front)| follows(sequence) && front.timestamp < position + PACKET / 2)
    }

    fn play(&mut self, now: Instant) -> Pull {
        let Some((sequence, packet)) = self.packets.pop_first() else { return Pull::Empty };
        let followed = self.packets.first_key_value().is_some_and(|(&next, _)| next == sequence + 1);
        let pace = self.pace(packet.timestamp, followed, now);
        self.last = Some(sequence);
        self.position = Some(packet.timestamp.saturating_add(PACKET));
        self.waited = 0;
        self.stats.played += 1;
        Pull::Packet { payload: packet.payload, timestamp: packet.timestamp as u32, pace }
    }

    /// How fast to play what is stamped `timestamp`; `followed`: the next packet is there.
    fn pace(&mut self, timestamp: i64, followed: bool, now: Instant) -> Pace {
        let pace = match self.delay_of(timestamp, now) - self.wanted() {
            off if off < -GREAT_LACK_MICROS => Pace::MuchSlower,
            // What is not there yet cannot be hurried.
            off if off > GREAT_SLACK_MICROS && followed => Pace::MuchFaster,
            off if off > GREAT_SLACK_MICROS => Pace::Even,
            off if off < -LACK_MICROS && self.steady >= REST => Pace::Slower,
            off if off > SLACK_MICROS && self.steady >= REST => Pace::Faster,
            _ => Pace::Even,
        };
        match pace {
            Pace::Even => self.steady = self.steady.saturating_add(1),
            Pace::Slower | Pace::MuchSlower => (self.steady, self.stats.expanded) = (0, self.stats.expanded + 1),
            Pace::Faster | Pace::MuchFaster => (self.steady, self.stats.accelerated) = (0, self.stats.accelerated + 1),
        }
        pace
    }

    /// Nothing is there: it is late, or lost, or the sender pauses. The position stays, so that what is late is still played.
    fn wait(&mut self) -> Pull {
        self.waited += PIECE;
        if self.waited > MAX_WAIT {
            self.position = None;
            self.waited = 0;
            return Pull::Empty;
        }
        self.stats.waited += 1;
        Pull::Late
    }

    /// A packet follows a hole: whole packets made up meanwhile count towards the hole. The position afterwards.
    fn catch_up_with_waited(&mut self, timestamp: i64, missing: u64) -> i64 {
        let position = self.position.unwrap_or(timestamp);
        let hole = (timestamp.saturating_sub(position) / PACKET).min(i64::try_from(missing).unwrap_or(i64::MAX));
        let given_up = hole.clamp(0, self.waited / PACKET);
        self.waited -= given_up * PACKET;
        (0..given_up).for_each(|_| self.target.on_lost());
        self.last = self.last.map(|last| last + given_up as u64);
        let position = position.saturating_add(given_up * PACKET);
        self.position = Some(position);
        position
    }

    /// The packet in turn is missing and `sequence` is there. Waits for it while the playout delay allows; else moves on.
    fn conceal(&mut self, sequence: u64, now: Instant) -> Pull {
        let position = self.position.unwrap_or(0);
        if self.delay_of(position, now) < self.wanted() - LACK_MICROS {
            self.stats.waited += 1;
            return Pull::Late;
        }
        self.stats.concealed += 1;
        self.waited = 0;
        self.target.on_lost();
        self.position = Some(position.saturating_add(PACKET));
        self.last = self.last.map(|last| (last + 1).min(sequence - 1));
        let ahead = |packet: &Packet| packet.timestamp.saturating_sub(position);
        let later = self.packets.values().take(MAX_LATER).filter(|packet| (1..=MAX_AHEAD).contains(&ahead(packet)));
        Pull::Lost { later: later.map(|packet| Later { payload: packet.payload.clone(), ahead: ahead(packet) as u32 }).collect() }
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
