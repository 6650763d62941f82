//! RTP packets → H.264 access units that can be decoded (RFC 6184, packetization-mode 1).
//!
//! Invariants:
//! - Frames come out whole, in decode order, and only while every frame they refer to has come out: once one is lost, nothing
//!   comes out until a keyframe does ([`Assembler::needs_keyframe`]).
//! - A hole is waited for until [`Assembler::abandon`] says that it will not be filled, a whole keyframe stands behind it, or
//!   [`MAX_WAIT`] has passed.
//! - What is held is bounded by [`MAX_PACKETS`] and [`MAX_BYTES`], whatever arrives.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::unit::{self, Unit};

/// Packets held at most, and how far ahead of the first missing one a packet may be.
const MAX_PACKETS: u64 = 4096;
const MAX_BYTES: usize = 8 << 20;

/// Frames that wait to be taken at most.
const MAX_READY: usize = 256;

/// Parameter sets that wait for their picture at most, in bytes.
const MAX_PARAMETERS: usize = 4096;

/// How far before the first packet that arrived the stream may have begun.
const MAX_EARLY_START: u64 = 64;

/// A hole older than this is abandoned even if nobody says so.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// One access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Annex B: each NAL unit after a four-byte start code.
    pub data: Vec<u8>,
    pub timestamp: u32,
    /// An IDR picture whose parameter sets are known to the decoder.
    pub keyframe: bool,
    pub first_sequence: u64,
    pub last_sequence: u64,
    /// When the last of its packets arrived.
    pub completed: Instant,
}

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    Fresh,
    Duplicate,
    /// Its place has been passed.
    Old,
}

/// Cumulative counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub frames: u64,
    pub keyframes: u64,
    /// Frames of which something came but which were not handed on.
    pub dropped: u64,
    /// Frames with a payload that is not valid.
    pub malformed: u64,
}

/// One video track's packets on their way to frames.
#[derive(Debug, Default)]
pub struct Assembler {
    slots: BTreeMap<u64, Slot>,
    bytes: usize,
    /// The first packet not handed on or dropped; `None` before the first packet.
    next: Option<u64>,
    /// The first packet at or after `next` that has not come.
    missing: u64,
    /// When something after `missing` first came.
    waiting_since: Option<Instant>,
    /// Whether `next` is known to begin a frame.
    at_boundary: bool,
    /// Whether anything has been handed on or dropped.
    under_way: bool,
    chain: Chain,
    ready: VecDeque<Frame>,
    /// The newest keyframe that has begun to arrive, and when its last packet did.
    keyframe_arriving: Option<(u32, Instant)>,
    stats: Stats,
}

#[derive(Debug)]
struct Slot {
    timestamp: u32,
    marker: bool,
    payload: Bytes,
    arrived: Instant,
}

impl Assembler {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet by its extended sequence number. The payload of a padding packet is empty.
    pub fn push(&mut self, sequence: u64, timestamp: u32, marker: bool, payload: Bytes, now: Instant) -> Push {
        let next = self.first_wanted(sequence);
        if sequence < next {
            return Push::Old;
        }
        if self.slots.contains_key(&sequence) {
            return Push::Duplicate;
        }
        if sequence - next >= MAX_PACKETS || self.bytes + payload.len() > MAX_BYTES {
            self.start_over(sequence);
        }
        self.note_keyframe(timestamp, &payload, now);
        self.bytes += payload.len();
        self.slots.insert(sequence, Slot { timestamp, marker, payload, arrived: now });
        if sequence == self.missing {
            self.advance(now);
        } else {
            self.waiting_since.get_or_insert(now);
            self.jump_to_keyframe(sequence, timestamp, now);
        }
        Push::Fresh
    }

    /// The next frame in decode order.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    /// Nothing at or before `sequence` will come any more.
    pub fn abandon(&mut self, sequence: u64, now: Instant) {
        while self.next.is_some() && self.missing <= sequence {
            let found = self.slots.range(self.missing..).next().map(|(&found, _)| found);
            self.skip_hole(found.unwrap_or(u64::MAX).min(sequence.saturating_add(1)));
            self.advance(now);
        }
    }

    /// Abandons a hole that has been waited for too long; to be called now and then.
    pub fn expire(&mut self, now: Instant) {
        if self.waiting_since.is_some_and(|since| now.saturating_duration_since(since) > MAX_WAIT)
            && let Some((&found, _)) = self.slots.range(self.missing..).next()
        {
            self.abandon(found - 1, now);
        }
    }

    /// While only a keyframe will do: passes the holes that cannot hold a part of one. `under_way`: the keyframe that was asked for may be.
    pub fn skip_useless(&mut self, under_way: bool, now: Instant) {
        while self.needs_keyframe() {
            let Some((&found, after)) = self.slots.range(self.missing..).next() else { return };
            let before = self.slots.range(..self.missing).next_back().map(|(_, slot)| slot);
            if found == self.missing || self.may_hold_keyframe(before, after, under_way) {
                return;
            }
            self.abandon(found - 1, now);
        }
    }

    /// What comes next does not continue what the decoder has: only a keyframe will do.
    pub fn require_keyframe(&mut self) {
        self.chain = Chain::default();
        self.stats.dropped += self.ready.len() as u64;
        self.ready.clear();
    }

    /// Whether nothing will come out until a keyframe arrives.
    pub fn needs_keyframe(&self) -> bool {
        self.next.is_some() && !self.chain.whole
    }

    /// When a packet of a keyframe that is not whole yet last came.
    pub fn keyframe_arriving(&self) -> Option<Instant> {
        self.keyframe_arriving.map(|(_, at)| at)
    }

    /// Packets before this one need no repair.
    pub fn settled(&self) -> u64 {
        self.next.unwrap_or(0)
    }

    /// Cumulative counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The first packet of use, which `sequence` may be the first to tell: at the start, packets may come out of order.
    fn first_wanted(&mut self, sequence: u64) -> u64 {
        let next = match self.next {
            Some(next) if self.under_way || sequence >= next || next - sequence > MAX_EARLY_START => return next,
            _ => sequence,
        };
        self.next = Some(next);
        self.missing = next;
        next
    }

    /// Finishes every frame that the packet at `missing` completes.
    fn advance(&mut self, now: Instant) {
        while let Some(slot) = self.slots.get(&self.missing) {
            let (timestamp, marker, padding) = (slot.timestamp, slot.marker, slot.payload.is_empty());
            let begun = self.slots.range(..self.missing).next().map(|(_, first)| first.timestamp);
            // RFC 6184 §5.1: a new timestamp ends the frame even without its marker.
            if !padding && begun.is_some_and(|begun| begun != timestamp) {
                self.finish(self.missing);
            }
            self.missing += 1;
            if padding && begun.is_none() {
                self.take_before(self.missing);
            } else if marker && !padding {
                self.finish(self.missing);
            }
        }
        let behind = self.slots.range(self.missing..).next().is_some();
        self.waiting_since = behind.then_some(now);
    }

    /// Hands on, or drops, the frame made of the packets before `end`.
    fn finish(&mut self, end: u64) {
        let packets = self.take_before(end);
        let begins = std::mem::replace(&mut self.at_boundary, true);
        let Some((&(first_sequence, ref first), &(last_sequence, _))) = packets.first().zip(packets.last()) else { return };
        let timestamp = first.timestamp;
        if self.keyframe_arriving.is_some_and(|(arriving, _)| arriving == timestamp) {
            self.keyframe_arriving = None;
        }
        let completed = packets.iter().map(|(_, slot)| slot.arrived).max().unwrap_or(first.arrived);
        let Some(unit) = unit::depacketize(packets.iter().map(|(_, slot)| &slot.payload)) else {
            // The rest of a frame whose beginning is lost is as good as invalid, but nobody's fault.
            self.stats.malformed += u64::from(begins);
            self.stats.dropped += 1;
            self.chain.whole = false;
            return;
        };
        match self.chain.admit(unit, begins) {
            Admitted::Frame { data, keyframe } => {
                self.emit(Frame { data, timestamp, keyframe, first_sequence, last_sequence, completed });
            }
            Admitted::Kept => {}
            Admitted::Useless => self.stats.dropped += 1,
        }
    }

    fn emit(&mut self, frame: Frame) {
        if self.ready.len() == MAX_READY {
            self.require_keyframe();
            return;
        }
        self.stats.frames += 1;
        self.stats.keyframes += u64::from(frame.keyframe);
        self.ready.push_back(frame);
    }

    /// Moves past the hole at `missing`, with what has come of the frame it is in, up to `end`.
    fn skip_hole(&mut self, end: u64) {
        let before = self.slots.range(..self.missing).next_back().map(|(_, slot)| slot);
        let after = self.slots.get(&end);
        self.chain.whole &= self.hole_is_disposable(before, after, end - self.missing);
        let inside = after.is_some_and(|after| match before {
            Some(before) => before.timestamp == after.timestamp,
            None => unit::is_continuation(&after.payload),
        });
        let partial = before.is_some() || inside;
        self.take_before(end);
        self.missing = end;
        self.at_boundary = false;
        if inside {
            self.drop_rest_of_frame();
        }
        self.stats.dropped += u64::from(partial);
    }

    /// Whether the packets lost between `before` and `after` belong to one frame that no other refers to.
    fn hole_is_disposable(&self, before: Option<&Slot>, after: Option<&Slot>, lost: u64) -> bool {
        let disposable = |slot: &Slot| unit::is_disposable(&slot.payload);
        match (before, after) {
            (Some(before), Some(after)) if before.timestamp == after.timestamp => disposable(before) && disposable(after),
            (Some(before), Some(_)) => lost == 1 && disposable(before),
            (None, Some(after)) => lost == 1 && self.at_boundary && unit::is_continuation(&after.payload) && disposable(after),
            (_, None) => false,
        }
    }

    /// Whether packets of a keyframe may be missing between `before`, of a frame that is not finished, and `after`.
    fn may_hold_keyframe(&self, before: Option<&Slot>, after: &Slot, under_way: bool) -> bool {
        let arriving = self.keyframe_arriving.map(|(timestamp, _)| timestamp);
        let of_keyframe = |slot: &Slot| Some(slot.timestamp) == arriving || unit::is_of_keyframe(&slot.payload);
        let whole_frames = before.is_none() && !unit::is_continuation(&after.payload);
        of_keyframe(after) || before.is_some_and(of_keyframe) || under_way && whole_frames
    }

    /// Drops what has come of the frame at `next`, whose beginning is lost.
    fn drop_rest_of_frame(&mut self) {
        let mut end = self.missing;
        let timestamp = self.slots.get(&end).map(|slot| slot.timestamp);
        while let Some(slot) = self.slots.get(&end).filter(|slot| Some(slot.timestamp) == timestamp) {
            end += 1;
            if slot.marker {
                self.at_boundary = true;
                break;
            }
        }
        self.take_before(end);
        self.missing = end;
    }

    /// A whole keyframe behind a hole makes everything before it useless.
    fn jump_to_keyframe(&mut self, sequence: u64, timestamp: u32, now: Instant) {
        if self.keyframe_arriving.is_none_or(|(arriving, _)| arriving != timestamp) {
            return;
        }
        let Some(start) = self.keyframe_start(sequence, timestamp).filter(|&start| self.frame_is_whole(start, timestamp)) else { return };
        let passed = self.take_before(start);
        self.stats.dropped += u64::from(!passed.is_empty());
        self.missing = start;
        self.at_boundary = true;
        self.chain.whole = false;
        self.advance(now);
    }

    /// Where the keyframe that holds `sequence` begins, if everything from there to `sequence` is here.
    fn keyframe_start(&self, sequence: u64, timestamp: u32) -> Option<u64> {
        let contiguous = self.slots.range(..=sequence).rev().zip((0..=sequence).rev());
        contiguous
            .take_while(|((at, slot), expected)| *at == expected && slot.timestamp == timestamp)
            .filter(|((_, slot), _)| unit::begins_keyframe(&slot.payload))
            .map(|((&at, _), _)| at)
            .last()
    }

    /// Whether everything from `start` to the end of its frame is here.
    fn frame_is_whole(&self, start: u64, timestamp: u32) -> bool {
        self.slots
            .range(start..)
            .zip(start..)
            .take_while(|((at, _), expected)| *at == expected)
            .any(|((_, slot), _)| slot.timestamp != timestamp || slot.marker)
    }

    fn note_keyframe(&mut self, timestamp: u32, payload: &[u8], now: Instant) {
        let known = self.keyframe_arriving.is_some_and(|(arriving, _)| arriving == timestamp);
        if known || unit::begins_keyframe(payload) {
            self.keyframe_arriving = Some((timestamp, now));
        }
    }

    /// Removes the packets before `end`, from where the next frame is looked for; returns those with a payload.
    fn take_before(&mut self, end: u64) -> Vec<(u64, Slot)> {
        let rest = self.slots.split_off(&end);
        let taken = std::mem::replace(&mut self.slots, rest);
        self.bytes -= taken.values().map(|slot| slot.payload.len()).sum::<usize>();
        self.next = Some(end);
        self.under_way = true;
        taken.into_iter().filter(|(_, slot)| !slot.payload.is_empty()).collect()
    }

    fn start_over(&mut self, sequence: u64) {
        self.stats.dropped += u64::from(!self.slots.is_empty());
        self.take_before(u64::MAX);
        self.next = Some(sequence);
        self.missing = sequence;
        self.waiting_since = None;
        self.at_boundary = false;
        self.chain.whole = false;
    }
}

/// What the decoder has been given, and so what it can go on with.
#[derive(Debug, Default)]
struct Chain {
    /// Whether every frame since a keyframe was handed on.
    whole: bool,
    /// Parameter sets handed on so far.
    sps: bool,
    pps: bool,
    /// Parameter sets that came in an access unit of their own, for the next picture.
    parameters: Unit,
}

enum Admitted {
    Frame { data: Vec<u8>, keyframe: bool },
    Kept,
    Useless,
}

impl Chain {
    /// Judges an access unit; `begins` says that nothing of it before its first packet is missing.
    fn admit(&mut self, mut unit: Unit, begins: bool) -> Admitted {
        if !unit.slices {
            return self.keep(unit);
        }
        // After a hole, only a parameter set proves that the picture's beginning is here.
        let begins = begins || unit.sps;
        let parameters = std::mem::take(&mut self.parameters);
        let (sps, pps) = (unit.sps || parameters.sps || self.sps, unit.pps || parameters.pps || self.pps);
        let keyframe = unit.idr && begins && sps && pps;
        if !keyframe && !self.whole {
            return Admitted::Useless;
        }
        (self.whole, self.sps, self.pps) = (true, sps, pps);
        if !parameters.data.is_empty() {
            unit.data.splice(..0, parameters.data);
        }
        Admitted::Frame { data: unit.data, keyframe }
    }

    fn keep(&mut self, unit: Unit) -> Admitted {
        if (unit.sps || unit.pps) && self.parameters.data.len() + unit.data.len() <= MAX_PARAMETERS {
            self.parameters.data.extend_from_slice(&unit.data);
            self.parameters.sps |= unit.sps;
            self.parameters.pps |= unit.pps;
        }
        Admitted::Kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::nal;
    use crate::send::packetize::packetize;
    use proptest::prelude::*;

    const SPS: [u8; 4] = [0x67, 0x42, 0xc0, 0x1f];
    const PPS: [u8; 3] = [0x68, 0xce, 0x3c];

    /// An access unit like openh264's: parameter sets before an IDR picture, or one slice.
    fn access_unit(keyframe: bool, size: usize) -> Vec<u8> {
        let slice = [vec![if keyframe { 0x65 } else { 0x61 }], vec![0x55; size]].concat();
        let units: Vec<&[u8]> = if keyframe { vec![&SPS, &PPS, &slice] } else { vec![&slice] };
        units.iter().flat_map(|unit| nal::START_CODE.iter().chain(*unit)).copied().collect()
    }

    #[derive(Debug, Clone)]
    struct Packet {
        sequence: u64,
        timestamp: u32,
        marker: bool,
        payload: Bytes,
    }

    /// The packets of frames of these sizes; keyframes are negative.
    fn stream(sizes: &[i32]) -> Vec<Packet> {
        let mut packets = Vec::new();
        for (frame, &size) in sizes.iter().enumerate() {
            for payload in packetize(&access_unit(size < 0, size.unsigned_abs() as usize), 1000) {
                let sequence = 1000 + packets.len() as u64;
                let timestamp = frame as u32 * 3000;
                packets.push(Packet { sequence, timestamp, marker: payload.marker, payload: payload.data });
            }
        }
        packets
    }

    fn push(assembler: &mut Assembler, packet: &Packet, now: Instant) -> Push {
        assembler.push(packet.sequence, packet.timestamp, packet.marker, packet.payload.clone(), now)
    }

    fn frames(assembler: &mut Assembler) -> Vec<u32> {
        std::iter::from_fn(|| assembler.next_frame()).map(|frame| frame.timestamp / 3000).collect()
    }

    fn assemble(packets: &[Packet]) -> (Assembler, Vec<u32>) {
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in packets {
            push(&mut assembler, packet, now);
        }
        let frames = frames(&mut assembler);
        (assembler, frames)
    }

    #[test]
    fn what_was_packetized_comes_back_byte_for_byte() {
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in stream(&[-5000, 800, 2500]) {
            push(&mut assembler, &packet, now);
        }
        let key = assembler.next_frame().unwrap();
        assert_eq!((key.keyframe, key.data, key.first_sequence, key.last_sequence), (true, access_unit(true, 5000), 1000, 1006));
        let frame = assembler.next_frame().unwrap();
        assert_eq!((frame.keyframe, frame.data), (false, access_unit(false, 800)));
        assert_eq!(assembler.next_frame().unwrap().data, access_unit(false, 2500));
        assert_eq!(assembler.next_frame(), None);
        assert_eq!(assembler.stats(), Stats { frames: 3, keyframes: 1, dropped: 0, malformed: 0 });
    }

    #[test]
    fn nothing_comes_out_before_the_first_keyframe() {
        let (assembler, frames) = assemble(&stream(&[500, 500]));
        assert!(frames.is_empty() && assembler.needs_keyframe());
        let (assembler, frames) = assemble(&stream(&[500, -500, 500]));
        assert!(!assembler.needs_keyframe());
        assert_eq!(frames, [1, 2]);
    }

    #[test]
    fn a_stream_that_starts_inside_a_keyframe_waits_for_the_next() {
        let (_, frames) = assemble(&stream(&[-5000, 500, -500, 500])[1..]);
        assert_eq!(frames, [2, 3]);
    }

    #[test]
    fn packets_out_of_order_at_the_very_start_are_not_late() {
        let mut packets = stream(&[-5000, 500]);
        packets.swap(0, 1);
        packets.swap(1, 3);
        assert_eq!(assemble(&packets).1, [0, 1]);
    }

    #[test]
    fn frames_behind_a_hole_wait_for_its_repair() {
        let packets = stream(&[-500, 2500, 500]);
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in packets.iter().filter(|packet| packet.sequence != 1003) {
            push(&mut assembler, packet, now);
        }
        assert_eq!(frames(&mut assembler), [0]);
        assert!(!assembler.needs_keyframe());
        push(&mut assembler, &packets[3], now + Duration::from_millis(50));
        let frame = assembler.next_frame().unwrap();
        assert_eq!(frame.completed, now + Duration::from_millis(50));
        assert_eq!(frames(&mut assembler), [2]);
    }

    #[test]
    fn without_a_keyframe_only_holes_that_may_hold_one_are_waited_for() {
        // Frames of 1, 3, 3, 6 (a keyframe) and 1 packets.
        let packets = stream(&[-500, 2500, 2500, -4500, 500]);
        let after = |lost: &[u64], under_way: bool| {
            let (mut assembler, now) = (Assembler::new(), Instant::now());
            for packet in packets.iter().filter(|packet| !lost.contains(&packet.sequence)) {
                push(&mut assembler, packet, now);
                assembler.require_keyframe();
            }
            assembler.skip_useless(under_way, now);
            assembler.settled()
        };
        let keyframe = packets.iter().filter(|packet| packet.timestamp == 9000).map(|packet| packet.sequence).collect::<Vec<_>>();
        let end = packets.last().unwrap().sequence + 1;
        assert_eq!(after(&[1003], true), end, "the rest of a picture");
        assert_eq!(after(&[1001, 1002], true), end, "the beginning of a picture");
        assert!(after(&keyframe[..1], true) <= keyframe[0], "the beginning of a keyframe");
        assert!(after(&keyframe[2..3], false) <= keyframe[2], "the middle of a keyframe");
        assert!(after(&keyframe, true) <= keyframe[0], "a whole keyframe");
        assert_eq!(after(&keyframe, false), end, "nobody can have sent a keyframe");
    }

    #[test]
    fn after_an_abandoned_hole_only_a_keyframe_comes_out() {
        for lost in [1, 2, 3] {
            let packets: Vec<_> = stream(&[-500, 2500, 500, 500, -500, 500]);
            let (mut assembler, now) = (Assembler::new(), Instant::now());
            for packet in packets.iter().filter(|packet| packet.timestamp < 12_000 && packet.sequence != 1000 + lost) {
                push(&mut assembler, packet, now);
            }
            assembler.abandon(1000 + lost, now);
            assert_eq!(frames(&mut assembler), [0]);
            assert!(assembler.needs_keyframe());
            for packet in packets.iter().filter(|packet| packet.timestamp >= 12_000) {
                push(&mut assembler, packet, now);
            }
            assert_eq!(frames(&mut assembler), [4, 5]);
            assert!(!assembler.needs_keyframe());
        }
    }

    #[test]
    fn a_whole_keyframe_behind_a_hole_is_not_kept_waiting() {
        let packets: Vec<_> = stream(&[-500, 2500, 500, -3000, 500]);
        let (assembler, frames) = assemble(&packets.iter().filter(|packet| packet.sequence != 1003).cloned().collect::<Vec<_>>());
        assert_eq!(frames, [0, 3, 4]);
        assert!(assembler.settled() > 1003);
    }

    #[test]
    fn a_keyframe_without_its_beginning_is_no_keyframe() {
        let packets = stream(&[-500, 500, -3000, 500]);
        let sps = packets.iter().find(|packet| packet.timestamp == 6000).unwrap().sequence;
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in packets.iter().filter(|packet| packet.sequence != sps) {
            push(&mut assembler, packet, now);
        }
        assembler.abandon(sps, now);
        assert_eq!(frames(&mut assembler), [0, 1]);
        assert!(assembler.needs_keyframe());
    }

    #[test]
    fn a_lost_picture_without_reference_breaks_nothing() {
        let mut packets = stream(&[-500, 2500, 500]);
        for packet in packets.iter_mut().filter(|packet| packet.timestamp == 3000) {
            let mut payload = packet.payload.to_vec();
            payload[0] &= !0x60;
            packet.payload = payload.into();
        }
        for lost in 1..4 {
            let (mut assembler, now) = (Assembler::new(), Instant::now());
            for packet in packets.iter().filter(|packet| packet.sequence != 1000 + lost) {
                push(&mut assembler, packet, now);
            }
            assembler.abandon(1000 + lost, now);
            assert_eq!(frames(&mut assembler), [0, 2], "lost {lost}");
        }
    }

    #[test]
    fn padding_between_frames_is_passed_over() {
        let mut packets = Vec::new();
        for packet in stream(&[-500, 2500, 500]) {
            let sequence = 1000 + packets.len() as u64;
            packets.push(Packet { sequence, ..packet.clone() });
            if packet.marker {
                packets.push(Packet { sequence: sequence + 1, marker: false, payload: Bytes::new(), ..packet });
            }
        }
        assert_eq!(assemble(&packets).1, [0, 1, 2]);
    }

    #[test]
    fn a_new_timestamp_ends_a_frame_without_its_marker() {
        let mut packets = stream(&[-3000, 500, 500]);
        packets.iter_mut().for_each(|packet| packet.marker = false);
        assert_eq!(assemble(&packets).1, [0, 1]);
    }

    #[test]
    fn parameter_sets_of_their_own_belong_to_the_next_picture() {
        let now = Instant::now();
        let mut assembler = Assembler::new();
        for (sequence, unit) in [SPS.to_vec(), PPS.to_vec(), vec![0x65, 1, 2]].into_iter().enumerate() {
            assembler.push(sequence as u64, sequence as u32, true, unit.into(), now);
        }
        let frame = assembler.next_frame().unwrap();
        assert!(frame.keyframe);
        assert_eq!(nal::units(&frame.data).count(), 3);
    }

    #[test]
    fn a_malformed_frame_is_counted_and_asks_for_a_keyframe() {
        let mut packets = stream(&[-500, 500, 500]);
        packets[1].payload = Bytes::from_static(&[0x78, 0xff, 0xff, 1]);
        let (assembler, frames) = assemble(&packets);
        assert_eq!(frames, [0]);
        assert!(assembler.needs_keyframe());
        assert_eq!((assembler.stats().malformed, assembler.stats().dropped), (1, 2));
    }

    #[test]
    fn an_unfilled_hole_expires() {
        let packets = stream(&[-500, 500, 500]);
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in packets.iter().filter(|packet| packet.timestamp != 3000) {
            push(&mut assembler, packet, now);
        }
        assembler.expire(now + MAX_WAIT);
        assert!(!assembler.needs_keyframe());
        assembler.expire(now + MAX_WAIT + Duration::from_millis(1));
        assert!(assembler.needs_keyframe());
    }

    #[test]
    fn a_jump_far_ahead_starts_over() {
        let (mut assembler, now) = (Assembler::new(), Instant::now());
        for packet in stream(&[-500, 500]) {
            push(&mut assembler, &packet, now);
        }
        for packet in stream(&[-500, 500]) {
            push(&mut assembler, &Packet { sequence: packet.sequence + 1_000_000, timestamp: packet.timestamp + 6000, ..packet }, now);
        }
        assert_eq!(frames(&mut assembler), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn any_loss_reordering_and_duplication_yields_only_decodable_runs(
            sizes in proptest::collection::vec(prop_oneof![4 => 1i32..4000, 1 => -6000i32..-1], 1..40),
            fates in proptest::collection::vec((0u8..100, 0usize..12), 300),
            give_up in any::<bool>(),
        ) {
            let packets = stream(&sizes);
            let mut arrivals: Vec<(usize, &Packet)> = Vec::new();
            for ((place, packet), &(fate, shift)) in packets.iter().enumerate().zip(fates.iter().cycle()) {
                if fate >= 10 {
                    arrivals.push((place + if fate < 30 { shift } else { 0 }, packet));
                }
                if fate >= 90 {
                    arrivals.push((place + shift, packet));
                }
            }
            arrivals.sort_by_key(|&(place, _)| place);
            let (mut assembler, now) = (Assembler::new(), Instant::now());
            let mut out = Vec::new();
            for &(place, packet) in &arrivals {
                push(&mut assembler, packet, now);
                if give_up && place > 30 {
                    assembler.abandon(970 + place as u64, now);
                }
                out.extend(std::iter::from_fn(|| assembler.next_frame()));
            }
            let mut previous: Option<u32> = None;
            for frame in out {
                let index = frame.timestamp / 3000;
                let size = sizes[index as usize];
                prop_assert_eq!(frame.keyframe, size < 0);
                prop_assert_eq!(&frame.data, &access_unit(size < 0, size.unsigned_abs() as usize));
                prop_assert!(frame.keyframe || previous == Some(index - 1), "frame {} after {:?}", index, previous);
                prop_assert!(previous.is_none_or(|previous| previous < index));
                previous = Some(index);
            }
        }

        #[test]
        fn with_every_packet_repaired_in_the_end_every_frame_comes_out(
            sizes in proptest::collection::vec(prop_oneof![6 => 1i32..4000, 1 => -6000i32..-1], 1..30),
            order in proptest::collection::vec(0usize..20, 300),
        ) {
            let sizes = [&[-3000], sizes.as_slice()].concat();
            let packets = stream(&sizes);
            let mut arrivals: Vec<_> = packets.iter().enumerate().zip(order.iter().cycle())
                .map(|((place, packet), shift)| (if place == 0 { 0 } else { place + shift }, packet)).collect();
            arrivals.sort_by_key(|&(place, _)| place);
            let (mut assembler, now) = (Assembler::new(), Instant::now());
            for (_, packet) in arrivals {
                push(&mut assembler, packet, now);
            }
            let out = frames(&mut assembler);
            prop_assert_eq!(out.last().copied(), Some(sizes.len() as u32 - 1));
        }

        #[test]
        fn any_packets_at_all_are_survived_within_bounds(
            packets in proptest::collection::vec((any::<u16>(), 0u32..5, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..400)
        ) {
            let (mut assembler, mut now) = (Assembler::new(), Instant::now());
            for (sequence, timestamp, marker, payload) in packets {
                now += Duration::from_millis(u64::from(timestamp) * 20);
                assembler.push(u64::from(sequence) % 600, timestamp, marker, payload.into(), now);
                if sequence % 50 == 0 {
                    assembler.abandon(u64::from(sequence) / 50, now);
                }
                assembler.expire(now);
                let held: usize = assembler.slots.values().map(|slot| slot.payload.len()).sum();
                prop_assert_eq!(held, assembler.bytes);
                prop_assert!(assembler.slots.len() as u64 <= MAX_PACKETS && assembler.ready.len() <= MAX_READY);
            }
        }
    }
}
