//! Restores pictures' packets from parity (FlexFEC, RFC 8627 with flexible masks; [`crate::send::fec`] says which).
//!
//! Each parity packet, less the packets that have come, is an equation between those that have not. The equations are kept solved as far
//! as they go (Gauss–Jordan elimination over XOR), so that a packet is restored as soon as what has come determines it.
//!
//! Invariants: what is held is bounded by [`MAX_SOURCES`] and [`MAX_EQUATIONS`] whatever arrives; every parser is total; a packet is
//! restored at most once and never one that has come.

use std::collections::{BTreeMap, VecDeque};

use super::Packet;
use crate::send::fec::{MAX_SPAN, Parity, Source};

/// Packets remembered at most; parity reaches back less than half of it.
const MAX_SOURCES: usize = 512;

/// Equations held at most.
const MAX_EQUATIONS: usize = 160;

/// A header as short as can be.
const SHORTEST: usize = 12;

/// A payload longer than any that fits a datagram is not restored.
const MAX_PAYLOAD: usize = 1500;

/// What a parity packet covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    pub base: u16,
    /// Bit `i` stands for the packet `base + i`.
    pub mask: u128,
    pub parity: Parity,
}

/// Reads the payload of a parity packet; `None` if it is not valid or not of the kind that we use.
pub fn parse(payload: &[u8]) -> Option<Repair> {
    let (header, mut rest) = payload.split_first_chunk::<SHORTEST>()?;
    let &[kind, second, l0, l1, t0, t1, t2, t3, b0, b1, m0, m1] = header;
    // Retransmissions and fixed masks; packets with padding, extensions or contributing sources are never protected.
    if kind != 0 {
        return None;
    }
    let first = u16::from_be_bytes([m0, m1]);
    let bits = |part: u64, count: u32, from: u32| u128::from((part << (64 - count)).reverse_bits()) << from;
    let mut mask = bits(u64::from(first & 0x7fff), 15, 0);
    if first & 0x8000 != 0 {
        let (part, after) = rest.split_first_chunk()?;
        let part = u32::from_be_bytes(*part);
        mask |= bits(u64::from(part & 0x7fff_ffff), 31, 15);
        rest = after;
        if part & 0x8000_0000 != 0 {
            let (part, after) = rest.split_first_chunk()?;
            mask |= bits(u64::from_be_bytes(*part), 64, 46);
            rest = after;
        }
    }
    if mask == 0 || rest.len() > MAX_PAYLOAD {
        return None;
    }
    let parity =
        Parity { second, length: u16::from_be_bytes([l0, l1]), timestamp: u32::from_be_bytes([t0, t1, t2, t3]), payload: rest.to_vec() };
    Some(Repair { base: u16::from_be_bytes([b0, b1]), mask, parity })
}

/// Cumulative counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub packets: u64,
    pub restored: u64,
    /// Parity packets that made no sense, alone or with the others.
    pub malformed: u64,
}

/// One track's decoder.
#[derive(Debug)]
pub struct Decoder {
    /// Of every packet that is protected.
    payload_type: u8,
    /// Packets that are here, by extended sequence number.
    sources: BTreeMap<u64, Source>,
    /// By the missing packet that each is solved for; no other has that one.
    equations: BTreeMap<u64, Equation>,
    /// Everything below is no longer of interest.
    floor: u64,
    /// The last packet that parity told of.
    told: Option<u64>,
    stats: Stats,
}

/// The XOR of missing packets: at least two, as long as it waits.
#[derive(Debug)]
struct Equation {
    /// Their numbers, ascending.
    missing: Vec<u64>,
    parity: Parity,
}

/// What was restored, by number.
pub type Restored = Vec<(u64, Packet)>;

impl Decoder {
    /// For packets of one payload type.
    pub fn new(payload_type: u8) -> Self {
        Self { payload_type, sources: BTreeMap::new(), equations: BTreeMap::new(), floor: 0, told: None, stats: Stats::default() }
    }

    /// A packet came. What that restores.
    pub fn on_source(&mut self, sequence: u64, packet: &Packet) -> Restored {
        let Packet { sequence: number, timestamp, marker, payload } = packet.clone();
        let source = Source { sequence: number, timestamp, marker, payload_type: self.payload_type, payload };
        let mut entered = self.learn(VecDeque::from([(sequence, source)]));
        // The first is the packet itself, if it was new.
        entered.retain(|(restored, _)| *restored != sequence);
        self.count(entered)
    }

    /// The payload of a parity packet came. What that restores.
    pub fn on_repair(&mut self, payload: &[u8]) -> Restored {
        self.stats.packets += 1;
        let Some(repair) = parse(payload) else {
            self.stats.malformed += 1;
            return Restored::new();
        };
        self.equation(repair).map_or_else(Restored::new, |equation| {
            let known = self.solve(equation).into();
            let restored = self.learn(known);
            self.count(restored)
        })
    }

    /// The last packet that must have been sent, since parity covers it.
    pub fn told(&self) -> Option<u64> {
        self.told
    }

    /// Packets below `sequence` need not be restored any more.
    pub fn settle(&mut self, sequence: u64) {
        self.floor = self.floor.max(sequence);
        let first = |equations: &BTreeMap<u64, Equation>| equations.values().filter_map(|equation| equation.missing.first()).min().copied();
        while let Some(gone) = first(&self.equations).filter(|first| *first < self.floor) {
            self.eliminate(gone);
        }
    }

    /// Cumulative counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn count(&mut self, restored: Restored) -> Restored {
        self.stats.restored += restored.len() as u64;
        restored
    }

    /// What a parity packet says of missing packets; `None` if that is of no use.
    fn equation(&mut self, repair: Repair) -> Option<Equation> {
        // Numbers are near the newest packet's; without one there is nothing to restore from.
        let newest = *self.sources.last_key_value()?.0;
        let base = newest.checked_add_signed(i64::from(repair.base.wrapping_sub(newest as u16) as i16))?;
        let last = base + u64::from(repair.mask.ilog2());
        // Parity follows what it covers, and not by much.
        if last.saturating_sub(newest) < MAX_SPAN as u64 {
            self.told = self.told.max(Some(last));
        }
        let mut equation = Equation { missing: Vec::new(), parity: repair.parity };
        for sequence in (0..MAX_SPAN as u64).filter(|bit| repair.mask >> bit & 1 == 1).map(|bit| base + bit) {
            match self.sources.get(&sequence) {
                Some(source) => equation.parity.add(source),
                // Missing for good: this can never be solved.
                None if sequence < self.floor => return None,
                None => equation.missing.push(sequence),
            }
        }
        (!equation.missing.is_empty()).then_some(equation)
    }

    /// Enters packets, and those that they lead to.
    fn learn(&mut self, mut known: VecDeque<(u64, Source)>) -> Restored {
        let mut entered = Restored::new();
        while let Some((sequence, source)) = known.pop_front() {
            if self.sources.contains_key(&sequence) {
                continue;
            }
            let Source { sequence: number, timestamp, marker, ref payload, .. } = source;
            entered.push((sequence, Packet { sequence: number, timestamp, marker, payload: payload.clone() }));
            let concerned: Vec<u64> = self.telling(sequence);
            let mut loose: Vec<Equation> = concerned.iter().filter_map(|pivot| self.equations.remove(pivot)).collect();
            for equation in &mut loose {
                equation.missing.retain(|missing| *missing != sequence);
                equation.parity.add(&source);
            }
            self.remember(sequence, source);
            for equation in loose {
                known.extend(self.solve(equation));
            }
        }
        entered
    }

    /// Takes an equation in, less what the others are solved for. The packets that are determined by it.
    fn solve(&mut self, mut equation: Equation) -> Vec<(u64, Source)> {
        for pivot in equation.missing.clone() {
            if let Some(solved) = self.equations.get(&pivot) {
                equation.combine(solved);
            }
        }
        // Nothing left: it follows from the others.
        let Some(&pivot) = equation.missing.first() else { return Vec::new() };
        for concerned in self.telling(pivot) {
            self.equations.entry(concerned).and_modify(|other| other.combine(&equation));
        }
        self.equations.insert(pivot, equation);
        let single = |(&pivot, equation): (&u64, &Equation)| (equation.missing.len() == 1).then_some(pivot);
        let singles: Vec<u64> = self.equations.iter().filter_map(single).collect();
        let found = singles.into_iter().filter_map(|pivot| self.restore(pivot)).collect();
        while self.equations.len() > MAX_EQUATIONS {
            self.equations.pop_first();
        }
        found
    }

    /// The packet that an equation is down to.
    fn restore(&mut self, sequence: u64) -> Option<(u64, Source)> {
        let Equation { parity, .. } = self.equations.remove(&sequence)?;
        let length = usize::from(parity.length);
        // A payload longer than the parity, another payload type, something behind the end: someone's mistake.
        if parity.second & 0x7f != self.payload_type || parity.payload.get(length..).is_none_or(|rest| rest.iter().any(|byte| *byte != 0)) {
            self.stats.malformed += 1;
            return None;
        }
        let mut payload = parity.payload;
        payload.truncate(length);
        Some((
            sequence,
            Source {
                sequence: sequence as u16,
                timestamp: parity.timestamp,
                marker: parity.second & 0x80 != 0,
                payload_type: self.payload_type,
                payload: payload.into(),
            },
        ))
    }

    fn remember(&mut self, sequence: u64, source: Source) {
        self.sources.insert(sequence, source);
        if self.sources.len() > MAX_SOURCES
            && let Some((oldest, _)) = self.sources.pop_first()
        {
            self.settle(oldest + 1);
        }
    }

    /// The equations that have `sequence`, by what they are solved for.
    fn telling(&self, sequence: u64) -> Vec<u64> {
        let telling = self.equations.iter().filter(|(_, equation)| equation.missing.binary_search(&sequence).is_ok());
        telling.map(|(&pivot, _)| pivot).collect()
    }

    /// Takes a packet that will not come out of the equations: one of them tells it, and goes. The others keep what they are solved for,
    /// which that one does not have, and get what it was solved for, so that none is down to a single packet.
    fn eliminate(&mut self, sequence: u64) {
        let telling = self.telling(sequence);
        let Some(told) = telling.first().and_then(|pivot| self.equations.remove(pivot)) else { return };
        for pivot in &telling[1..] {
            self.equations.entry(*pivot).and_modify(|other| other.combine(&told));
        }
    }
}

impl Equation {
    /// The XOR with another one: what both miss falls out.
    fn combine(&mut self, other: &Equation) {
        let mine = std::mem::take(&mut self.missing);
        let (mut left, mut right) = (mine.into_iter().peekable(), other.missing.iter().copied().peekable());
        while let Some(next) = left.peek().into_iter().chain(right.peek()).min().copied() {
            let (in_left, in_right) = (left.next_if_eq(&next).is_some(), right.next_if_eq(&next).is_some());
            if in_left != in_right {
                self.missing.push(next);
            }
        }
        self.parity.combine(&other.parity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::fec::{Encoder, write};
    use bytes::Bytes;
    use proptest::prelude::*;

    const TYPE: u8 = 102;
    const FIRST: u64 = (1 << 32) + 65_500;

    fn source(sequence: u64, frame: u64, last: bool, size: usize) -> Source {
        let payload = (0..size).map(|at| (sequence as usize * 31 + at * 7) as u8).collect::<Vec<_>>().into();
        Source { sequence: sequence as u16, timestamp: 3000 * frame as u32, marker: last, payload_type: TYPE, payload }
    }

    fn packet(source: &Source) -> Packet {
        let Source { sequence, timestamp, marker, payload, .. } = source.clone();
        Packet { sequence, timestamp, marker, payload }
    }

    /// A frame as it leaves: its packets by number, and the parity after it.
    type Frame = (Vec<(u64, Source)>, Vec<Bytes>);

    fn stream(sizes: &[Vec<usize>], wanted: f64) -> Vec<Frame> {
        stream_with_padding(sizes, wanted, 0)
    }

    /// The same with so many packets of padding after every third frame.
    fn stream_with_padding(sizes: &[Vec<usize>], wanted: f64, padding: u64) -> Vec<Frame> {
        let (mut encoder, mut sequence) = (Encoder::new(), FIRST);
        let frame = |(number, sizes): (usize, &Vec<usize>)| {
            let mut parity = Vec::new();
            sequence += if number % 3 == 1 { padding } else { 0 };
            let sources = sizes.iter().enumerate().map(|(place, size)| {
                let source = source(sequence, number as u64, place + 1 == sizes.len(), *size);
                parity.extend(encoder.push(source.clone(), source.marker, |_| wanted));
                sequence += 1;
                (sequence - 1, source)
            });
            (sources.collect(), parity)
        };
        sizes.iter().enumerate().map(frame).collect()
    }

    #[test]
    fn a_header_comes_out_as_it_went_in() {
        for mask in [1, 1 << 14, 1 << 15, 0b1011 << 40, 1 << 45, 1 << 46, 1 << 109, (1 << 110) - 1] {
            let mut parity = Parity::default();
            parity.add(&source(7, 3, true, 40));
            let payload = write(&parity, 65_530, mask);
            assert!(payload.len() <= crate::send::fec::HEADER + 40);
            assert_eq!(parse(&payload), Some(Repair { base: 65_530, mask, parity }), "{mask:x}");
        }
    }

    #[test]
    fn one_lost_packet_comes_back_with_its_frames_parity() {
        for lost in 0..6 {
            let stream = stream(&vec![vec![1000, 1100, 900, 1180, 3, 700]; 2], 1.0);
            let mut decoder = Decoder::new(TYPE);
            let (sources, parity) = &stream[0];
            for (place, (sequence, source)) in sources.iter().enumerate() {
                if place != lost {
                    assert!(decoder.on_source(*sequence, &packet(source)).is_empty());
                }
            }
            assert_eq!(decoder.on_repair(&parity[0]), [(sources[lost].0, packet(&sources[lost].1))]);
        }
    }

    #[test]
    fn what_one_frames_parity_cannot_bring_back_the_next_ones_can() {
        let stream = stream(&vec![vec![1000; 4]; 3], 1.5);
        let mut decoder = Decoder::new(TYPE);
        let mut restored = Vec::new();
        for (number, (sources, parity)) in stream.iter().enumerate() {
            for (place, (sequence, source)) in sources.iter().enumerate() {
                if number > 0 || place > 1 {
                    restored.extend(decoder.on_source(*sequence, &packet(source)));
                }
            }
            restored.extend(parity.iter().flat_map(|parity| decoder.on_repair(parity)));
        }
        restored.sort_by_key(|(sequence, _)| *sequence);
        let lost: Vec<_> = stream[0].0[..2].iter().map(|(sequence, source)| (*sequence, packet(source))).collect();
        assert_eq!(restored, lost);
    }

    #[test]
    fn a_clean_path_costs_nothing() {
        assert!(stream(&vec![vec![1000; 6]; 20], 0.0).iter().all(|(_, parity)| parity.is_empty()));
    }

    #[test]
    fn parity_that_was_tampered_with_restores_nothing_that_is_not_valid() {
        let stream = stream(&[vec![500, 600, 700], vec![100]], 1.0);
        for (byte, value) in [(0, 0x40), (1, 0x55), (2, 0xff), (10, 0x80)] {
            let mut decoder = Decoder::new(TYPE);
            for (sequence, source) in &stream[0].0[1..] {
                decoder.on_source(*sequence, &packet(source));
            }
            let mut parity = stream[0].1[0].to_vec();
            parity[byte] ^= value;
            for (_, packet) in decoder.on_repair(&parity) {
                assert!(packet.payload.len() <= 700);
            }
        }
    }

    /// The share of frames, in percent, that are whole with their own parity, one and two frames later.
    fn whole(packets: usize, wanted: f64, loss: f64) -> [usize; 3] {
        let stream = stream(&vec![vec![1000; packets]; 2000], wanted);
        let (mut decoder, mut random) = (Decoder::new(TYPE), 7u64);
        let mut lost = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((random >> 33) as f64 / f64::from(1u32 << 31)) < loss
        };
        let (mut missing, mut done) = (BTreeMap::new(), [0; 3]);
        for (number, (sources, parity)) in stream.iter().enumerate() {
            let mut restored = Vec::new();
            missing.insert(number, packets);
            for (sequence, source) in sources {
                if !lost() {
                    *missing.get_mut(&number).expect("inserted") -= 1;
                    restored.extend(decoder.on_source(*sequence, &packet(source)));
                }
            }
            parity.iter().filter(|_| !lost()).for_each(|parity| restored.extend(decoder.on_repair(parity)));
            for (sequence, packet) in restored {
                let frame = (sequence - FIRST) as usize / packets;
                assert_eq!(packet, self::packet(&stream[frame].0[(sequence - FIRST) as usize % packets].1));
                if let Some(left) = missing.get_mut(&frame) {
                    *left -= 1;
                }
            }
            missing.iter().filter(|(_, left)| **left == 0).for_each(|(frame, _)| done[(number - frame).min(2)] += 1);
            missing.retain(|frame, left| *left > 0 && frame + 2 > number);
            decoder.settle(FIRST + number.saturating_sub(4) as u64 * packets as u64);
        }
        [done[0], done[0] + done[1], done[0] + done[1] + done[2]].map(|count| count * 100 / 2000)
    }

    #[test]
    fn a_window_of_frames_restores_what_loss_takes() {
        for (packets, wanted, loss, least) in
            [(6, 3.0, 0.1, [92, 97, 98]), (6, 4.0, 0.2, [80, 92, 96]), (6, 6.0, 0.3, [74, 91, 96]), (3, 4.0, 0.3, [80, 93, 97])]
        {
            let whole = whole(packets, wanted, loss);
            assert!(whole.iter().zip(least).all(|(whole, least)| *whole >= least), "{packets} {wanted} {loss}: {whole:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_restored_is_what_was_sent(
            sizes in proptest::collection::vec(proptest::collection::vec(1usize..60, 1..50), 1..12),
            wanted in 0.0f64..20.0,
            lost in proptest::collection::vec(any::<bool>(), 1..97),
            settle in any::<bool>(),
            padding in 0u64..60,
        ) {
            let stream = stream_with_padding(&sizes, wanted, padding);
            let all: BTreeMap<u64, Packet> = stream.iter().flat_map(|(sources, _)| sources).map(|(sequence, source)| (*sequence, packet(source))).collect();
            let mut decoder = Decoder::new(TYPE);
            let mut lost = lost.into_iter().cycle();
            let mut here = std::collections::BTreeSet::new();
            for (sources, parity) in &stream {
                let mut restored = Vec::new();
                for (sequence, source) in sources {
                    if !lost.next().expect("endless") {
                        here.insert(*sequence);
                        restored.extend(decoder.on_source(*sequence, &packet(source)));
                    }
                }
                parity.iter().filter(|_| !lost.next().expect("endless")).for_each(|parity| restored.extend(decoder.on_repair(parity)));
                for (sequence, packet) in restored {
                    prop_assert!(here.insert(sequence), "restored once, and only if it had not come");
                    prop_assert_eq!(Some(&packet), all.get(&sequence));
                }
                if settle {
                    decoder.settle(sources[0].0);
                }
                prop_assert!(decoder.equations.values().all(|equation| equation.missing.len() > 1));
                prop_assert!(decoder.equations.len() <= MAX_EQUATIONS && decoder.sources.len() <= MAX_SOURCES);
            }
            prop_assert_eq!(decoder.stats().malformed, 0);
        }

        #[test]
        fn any_bytes_are_judged(inputs in proptest::collection::vec((any::<bool>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..200)) {
            let mut decoder = Decoder::new(TYPE);
            for (is_source, number, mut bytes) in inputs {
                let sequence = 1000 + u64::from(number);
                if is_source {
                    decoder.on_source(sequence, &Packet { sequence: sequence as u16, timestamp: 0, marker: false, payload: bytes.into() });
                } else {
                    // Near enough to be taken.
                    if bytes.len() > 10 {
                        bytes[0] &= 1;
                        bytes[8..10].copy_from_slice(&(sequence as u16).to_be_bytes());
                    }
                    decoder.on_repair(&bytes);
                }
                prop_assert!(decoder.equations.len() <= MAX_EQUATIONS && decoder.sources.len() <= MAX_SOURCES);
            }
        }
    }
}
