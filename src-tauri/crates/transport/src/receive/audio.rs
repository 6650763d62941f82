//! An audio track whole: packets in; playout, NACKs and reports out.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::Packet;
use super::intake::{Accepted, Intake};
use super::jitter_audio::{JitterAudio, Later, Pace, Pull, RATE};
use super::nack::{self, Arrival};
use super::{red, report};

/// What comes next. The next pull is due when it has been played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playout {
    Packet {
        data: Bytes,
        /// The sender's capture time on our clock, once a sender report told it.
        captured: Option<Instant>,
        pace: Pace,
    },
    /// Conceal 20 ms; the packets that follow can tell what is missing, the nearest first.
    Lost { later: Vec<Later> },
    /// Conceal 10 ms: what is missing may still come.
    Late,
    /// Nothing to play for 10 ms: not started, muted, or the sender pauses.
    Empty,
}

/// Cumulative counters and current delays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    pub packets: u64,
    pub bytes: u64,
    pub duplicates: u64,
    pub lost: u64,
    pub repaired: u64,
    /// Lost packets that later ones brought along.
    pub recovered: u64,
    /// Payloads that were not valid.
    pub malformed: u64,
    pub nacks: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets played.
    pub played: u64,
    /// 20 ms pieces concealed for want of a packet.
    pub concealed: u64,
    /// Packets skipped, or to be played faster, to shorten the delay.
    pub accelerated: u64,
    /// Packets to be played slower to lengthen the delay.
    pub expanded: u64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: Duration,
    /// The delay the buffer aims at.
    pub target_delay: Duration,
    /// The sound buffered now.
    pub delay: Duration,
}

/// One Opus track being received.
#[derive(Debug)]
pub struct Audio {
    intake: Intake,
    jitter: JitterAudio,
    recovered: u64,
    malformed: u64,
}

impl Audio {
    pub fn new() -> Self {
        Self { intake: Intake::new(RATE, nack::Config::AUDIO), jitter: JitterAudio::new(), recovered: 0, malformed: 0 }
    }

    pub fn on_packet(&mut self, packet: Packet, now: Instant) {
        self.jitter.set_redundancy(0);
        let accepted = self.intake.on_packet(&packet, now);
        self.take(accepted, packet.payload, now);
    }

    /// The same for one that was sent again apart from the others, without what it carried along (RFC 4588).
    pub fn on_retransmission(&mut self, packet: Packet, now: Instant) {
        let accepted = self.intake.on_retransmission(&packet, now);
        self.take(accepted, packet.payload, now);
    }

    /// A packet of RFC 2198 whose blocks of payload type `inner` are Opus. What it brings fills holes; what has come is not taken twice.
    pub fn on_red(&mut self, packet: Packet, inner: u8, now: Instant) {
        let size = packet.payload.len();
        let blocks = red::parse(&packet.payload).filter(|blocks| blocks.last().is_some_and(|own| own.payload_type == inner));
        let Some((own, earlier)) = blocks.as_deref().and_then(<[_]>::split_last) else {
            self.malformed += 1;
            return;
        };
        self.jitter.set_redundancy(earlier.len());
        let packet = Packet { payload: own.data.clone(), ..packet };
        let accepted = self.intake.on_packet(&packet, now);
        let Some(Accepted { sequence, timestamp, .. }) = self.take(accepted, packet.payload, now) else { return };
        self.intake.bytes += (size - own.data.len()) as u64;
        // A block tells its time and not its number: the blocks are the packets right before.
        for (block, back) in earlier.iter().rev().zip(1..).filter(|(block, _)| block.payload_type == inner && !block.data.is_empty()) {
            let Some(sequence) = sequence.checked_sub(back) else { return };
            if self.intake.recover(sequence) {
                self.recovered += 1;
                self.jitter.push(sequence, timestamp - i64::from(block.offset), block.data.clone(), true, now);
            }
        }
    }

    fn take(&mut self, accepted: Option<Accepted>, payload: Bytes, now: Instant) -> Option<Accepted> {
        let accepted = accepted?;
        let repaired = matches!(accepted.arrival, Arrival::Repaired | Arrival::RepairedTooLate);
        self.jitter.push(accepted.sequence, accepted.timestamp, payload, repaired, now);
        Some(accepted)
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        self.intake.on_sender_report(ntp, timestamp, now, wall);
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        self.intake.set_rtt(rtt);
    }

    /// Lip sync's extra delay ([`crate::sync`]): playout stays at least this far behind what jitter alone asks for.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.jitter.set_extra_delay(delay);
    }

    /// What to play from `now` on; called when what came before has been played.
    pub fn pull(&mut self, now: Instant) -> Playout {
        let pull = self.jitter.pull(now);
        self.intake.nack.settle(self.jitter.settled());
        match pull {
            Pull::Packet { payload, timestamp, pace } => {
                Playout::Packet { data: payload, captured: self.intake.clock.captured(timestamp), pace }
            }
            Pull::Lost { later } => Playout::Lost { later },
            Pull::Late => Playout::Late,
            Pull::Empty => Playout::Empty,
        }
    }

    /// Packets to ask for again, and when to ask this again (`None`: after the next packet).
    pub fn poll_nack(&mut self, now: Instant) -> (Vec<u16>, Option<Instant>) {
        let requests = self.intake.nack.poll(now).into_iter().map(|sequence| sequence as u16).collect();
        (requests, self.intake.nack.timeout())
    }

    /// The next receiver report's block; call once per report sent. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<report::Block> {
        self.intake.reception.block(now)
    }

    pub fn stats(&self) -> Stats {
        let (nack, jitter) = (self.intake.nack.stats(), self.jitter.stats());
        Stats {
            packets: self.intake.packets,
            bytes: self.intake.bytes,
            duplicates: self.intake.duplicates,
            // A packet may be given up by playout before it was ever asked for.
            lost: self.intake.reception.missing() + nack.repaired + nack.too_late,
            repaired: nack.repaired,
            recovered: self.recovered,
            malformed: self.malformed,
            nacks: nack.requested,
            late: jitter.late,
            played: jitter.played,
            concealed: jitter.concealed + jitter.waited.div_ceil(2),
            accelerated: jitter.accelerated,
            expanded: jitter.expanded,
            jitter: self.intake.reception.jitter(),
            target_delay: self.jitter.target(),
            delay: self.jitter.held(),
        }
    }
}

impl Default for Audio {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Two seconds in virtual time: packet `n` leaves at `20 n` ms and arrives as often and as late (in ms) as `path` says; what is
    /// asked for comes 30 ms later if `repairs`.
    fn run(path: impl Fn(u16) -> Vec<u32>, repairs: bool) -> Audio {
        let (mut audio, start) = (Audio::new(), Instant::now());
        // Room for repairs.
        audio.set_minimum_delay(100 * MS);
        let mut arrivals: Vec<(u32, u16)> =
            (0..100).flat_map(|sequence| path(sequence).into_iter().map(move |late| (u32::from(sequence) * 20 + late, sequence))).collect();
        for now in 0..2200 {
            let due: Vec<_> = arrivals.extract_if(.., |(at, _)| *at == now).collect();
            let at = start + now * MS;
            for (_, sequence) in due {
                let timestamp = u32::from(sequence) * 960;
                audio.on_packet(Packet { sequence, timestamp, marker: false, payload: Bytes::from(vec![0xfc; 60]) }, at);
            }
            let (requests, _) = audio.poll_nack(at);
            if repairs {
                arrivals.extend(requests.into_iter().map(|sequence| (now + 30, sequence)));
            }
            if now % 20 == 7 {
                audio.pull(at);
            }
        }
        audio
    }

    #[test]
    fn packets_out_of_order_are_played_and_are_not_lost() {
        let stats = run(|sequence| vec![if sequence % 10 == 5 { 35 } else { 10 }], true).stats();
        // The first one teaches how late a packet may be.
        assert!(stats.lost <= 1 && stats.nacks <= 1 && stats.duplicates == stats.nacks, "{stats:?}");
        assert_eq!((stats.played, stats.late), (100, 0), "{stats:?}");
    }

    #[test]
    fn a_packet_that_comes_twice_is_played_once() {
        let stats = run(|sequence| vec![10; if sequence % 4 == 0 { 2 } else { 1 }], true).stats();
        assert_eq!((stats.packets, stats.duplicates, stats.lost, stats.nacks), (125, 25, 0, 0), "{stats:?}");
        assert!(stats.played <= 100 && stats.bytes == 125 * 60, "{stats:?}");
    }

    fn red(sequence: u16, depth: u16) -> Packet {
        let carried = sequence.saturating_sub(depth)..sequence;
        let mut payload = Vec::new();
        for earlier in carried.clone() {
            payload.extend(((0x80 | 111u32) << 24 | (u32::from(sequence - earlier) * 960) << 10 | 60).to_be_bytes());
        }
        payload.push(111);
        carried.chain([sequence]).for_each(|number| payload.extend([number as u8; 60]));
        Packet { sequence, timestamp: u32::from(sequence) * 960, marker: false, payload: payload.into() }
    }

    /// What is played of 100 packets that carry `depth` earlier ones each, when those that `lost` tells do not come.
    fn played(depth: u16, lost: impl Fn(u16) -> bool) -> (Vec<u8>, Audio) {
        let (mut audio, start, mut played) = (Audio::new(), Instant::now(), Vec::new());
        for now in 0..2200 {
            let at = start + now * MS;
            if now % 20 == 0 && now < 2000 && !lost((now / 20) as u16) {
                audio.on_red(red((now / 20) as u16, depth), 111, at);
            }
            assert!(audio.poll_nack(at).0.len() <= 4);
            if now % 20 == 7
                && let Playout::Packet { data, .. } = audio.pull(at)
            {
                assert_eq!(data.len(), 60);
                played.push(data[0]);
            }
        }
        (played, audio)
    }

    #[test]
    fn what_packets_carry_along_fills_holes_and_is_played_once() {
        let (heard, audio) = played(2, |sequence| sequence >= 20 && sequence % 5 < 2);
        let stats = audio.stats();
        assert!(heard.is_sorted_by(|one, next| one < next), "{heard:?}");
        assert_eq!((heard.iter().filter(|number| **number >= 30).count(), stats.recovered), (70, 32), "{stats:?}");
        assert_eq!((stats.duplicates, stats.malformed, stats.lost), (0, 0, 32), "{stats:?}");
        assert_eq!(stats.nacks, 0, "nothing needs to be asked for again: {stats:?}");
    }

    #[test]
    fn packets_that_carry_others_along_on_a_clean_path_cost_no_delay() {
        let (heard, audio) = played(2, |_| false);
        assert_eq!(heard, (0..100).collect::<Vec<u8>>());
        assert_eq!(audio.stats().recovered, 0);
        assert!(audio.stats().target_delay <= 10 * MS, "{:?}", audio.stats());
    }

    #[test]
    fn a_packet_whose_redundancy_is_not_valid_is_counted_and_dropped() {
        let mut audio = Audio::new();
        let now = Instant::now();
        for payload in [vec![], vec![0x80; 50], vec![0x80 | 111, 0, 0, 9, 111, 1], vec![112, 1, 2]] {
            audio.on_red(Packet { payload: payload.into(), ..red(5, 0) }, 111, now);
        }
        assert_eq!((audio.stats().malformed, audio.stats().packets), (4, 0));
    }

    #[test]
    fn lost_packets_are_counted_once_whether_or_not_they_are_repaired() {
        let path = |sequence: u16| if sequence % 10 == 5 { vec![] } else { vec![10] };
        let (repaired, lost) = (run(path, true).stats(), run(path, false).stats());
        assert_eq!((repaired.lost, lost.lost, lost.repaired), (10, 10, 0), "{repaired:?} {lost:?}");
        assert!(repaired.repaired >= 9 && repaired.nacks <= 12, "{repaired:?}");
        assert!(lost.nacks >= 10 && lost.concealed >= 9 && repaired.concealed <= lost.concealed, "{repaired:?} {lost:?}");
    }
}
