//! What becomes of every packet of a track, sound or picture, before it is played: numbered, told from its duplicates, counted
//! and reported.

use std::time::{Duration, Instant, SystemTime};

use super::Packet;
use super::clock::SenderClock;
use super::nack::{self, Arrival, Nack};
use super::report::Reception;
use super::seen::Seen;
use super::unwrap::{Sequence, Timestamp};

/// One track's packets, as they come in.
#[derive(Debug)]
pub struct Intake {
    sequence: Sequence,
    timestamp: Timestamp,
    seen: Seen,
    pub reception: Reception,
    pub nack: Nack,
    pub clock: SenderClock,
    pub packets: u64,
    pub bytes: u64,
    pub duplicates: u64,
}

/// A packet that was not here before.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// Its extended sequence number and timestamp.
    pub sequence: u64,
    pub timestamp: i64,
    pub arrival: Arrival,
}

impl Intake {
    /// For timestamps of `rate` units a second.
    pub fn new(rate: u32, nack: nack::Config) -> Self {
        Self {
            sequence: Sequence::default(),
            timestamp: Timestamp::default(),
            seen: Seen::default(),
            reception: Reception::new(rate),
            nack: Nack::new(nack),
            clock: SenderClock::new(rate),
            packets: 0,
            bytes: 0,
            duplicates: 0,
        }
    }

    /// Counts a packet; `None` for a duplicate.
    pub fn on_packet(&mut self, packet: &Packet, now: Instant) -> Option<Accepted> {
        let accepted = self.accept(packet, now)?;
        self.reception.on_packet(accepted.sequence, (!packet.payload.is_empty()).then_some(accepted.timestamp), now);
        Some(accepted)
    }

    /// The same for one that was sent again apart from the others: reports tell that it was lost (RFC 4588 §4).
    pub fn on_retransmission(&mut self, packet: &Packet, now: Instant) -> Option<Accepted> {
        self.accept(packet, now)
    }

    fn accept(&mut self, packet: &Packet, now: Instant) -> Option<Accepted> {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        let sequence = self.sequence.extend(packet.sequence);
        if !self.seen.insert(sequence) {
            self.duplicates += 1;
            return None;
        }
        let timestamp = self.timestamp.extend(packet.timestamp);
        Some(Accepted { sequence, timestamp, arrival: self.nack.on_packet(sequence, now) })
    }

    /// Whether a packet that redundancy brings is still of use: it has not come and is not asked for from now on. It is lost all the same,
    /// as far as reports are concerned.
    pub fn recover(&mut self, sequence: u64) -> bool {
        let fresh = self.seen.insert(sequence);
        if fresh {
            self.nack.on_recovered(sequence);
        }
        fresh
    }

    /// A sender report: its NTP time (32.32) and RTP timestamp; `wall` is our clock's reading at `now`.
    pub fn on_sender_report(&mut self, ntp: u64, timestamp: u32, now: Instant, wall: SystemTime) {
        self.reception.on_sender_report(ntp, now);
        self.clock.on_sender_report(ntp, timestamp, now, wall);
    }

    pub fn set_rtt(&mut self, rtt: Duration) {
        self.nack.set_rtt(rtt);
    }
}
