//! Redundant sound (RFC 2198): a packet carries the ones before it along, so that what is lost comes back with what follows it,
//! without a round trip.
//!
//! Invariant: on a path that loses nothing, packets leave as they are.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

/// Earlier packets carried along at most.
pub const MAX_EARLIER: usize = 3;

/// The loss from which one, two and three earlier packets are carried. With `n` of them what stays lost is the loss to the power of `n + 1`:
/// a hundredth of everything at a tenth lost with one, a thousandth with two.
const STEPS: [f64; MAX_EARLIER] = [0.02, 0.06, 0.16];

/// A step is taken back below this share of what it was taken at.
const STEP_BACK: f64 = 0.75;

/// Redundancy takes no more than one part in this many of what may be sent: on a narrow path, it would make the loss.
const SHARE: u32 = 4;

/// The most that a block's header can say: 14 bits of timestamp, 10 bits of length.
const MAX_OFFSET: u32 = (1 << 14) - 1;
const MAX_BLOCK: usize = (1 << 10) - 1;

/// Packets a second.
const PACKETS: u32 = 50;

/// How many earlier packets to carry along, where `before` are carried now. `loss` is the path's, 0 to 1; `packet` a usual packet's payload
/// in bytes; `target_bps` everything that may be sent.
pub fn depth(loss: f64, before: usize, packet: usize, target_bps: u32) -> usize {
    let counts = |(index, step): (usize, &f64)| loss >= if index < before { step * STEP_BACK } else { *step };
    let wanted = STEPS.iter().enumerate().take_while(|&step| counts(step)).count();
    let copy_bps = u32::try_from(packet * 8).unwrap_or(u32::MAX).saturating_mul(PACKETS).max(1);
    wanted.min((target_bps / SHARE / copy_bps) as usize)
}

/// One track's redundancy.
#[derive(Debug)]
pub struct Red {
    /// The payload type of what is carried.
    inner: u8,
    depth: usize,
    /// Without their padding, with their timestamps, the oldest first.
    earlier: VecDeque<(u32, Bytes)>,
    usual_size: f64,
}

impl Red {
    /// For packets of payload type `inner`.
    pub fn new(inner: u8) -> Self {
        Self { inner: inner & 0x7f, depth: 0, earlier: VecDeque::new(), usual_size: 0.0 }
    }

    /// Follows the path: see [`depth`].
    pub fn adapt(&mut self, loss: f64, target_bps: u32) {
        self.depth = depth(loss, self.depth, self.usual_size as usize, target_bps);
    }

    /// What to send for `packet`: the RED payload, or `None` if it is to be sent as it is.
    pub fn pack(&mut self, timestamp: u32, packet: &Bytes) -> Option<Bytes> {
        let lean = lean(packet);
        self.usual_size += (lean.len() as f64 - self.usual_size) / if self.earlier.is_empty() { 1.0 } else { 32.0 };
        let packed = self.payload(timestamp, packet);
        if self.earlier.len() == MAX_EARLIER {
            self.earlier.pop_front();
        }
        self.earlier.push_back((timestamp, lean));
        packed
    }

    /// RFC 2198 §3: each earlier block has a header of four bytes, the last one of one byte; the data follow in the same order. The blocks are
    /// the packets right before this one without a gap, because the receiver counts their sequence numbers back.
    fn payload(&self, timestamp: u32, packet: &Bytes) -> Option<Bytes> {
        let fits =
            |(at, data): &&(u32, Bytes)| (1..=MAX_OFFSET).contains(&timestamp.wrapping_sub(*at)) && (1..=MAX_BLOCK).contains(&data.len());
        let count = self.earlier.iter().rev().take(self.depth).take_while(fits).count();
        if count == 0 {
            return None;
        }
        let carried = || self.earlier.iter().skip(self.earlier.len() - count);
        let size = carried().map(|(_, data)| 4 + data.len()).sum::<usize>() + 1 + packet.len();
        let mut payload = BytesMut::with_capacity(size);
        for (at, data) in carried() {
            payload.put_u8(0x80 | self.inner);
            payload.put_uint(u64::from(timestamp.wrapping_sub(*at)) << 10 | data.len() as u64, 3);
        }
        payload.put_u8(self.inner);
        carried().for_each(|(_, data)| payload.put_slice(data));
        payload.put_slice(packet);
        Some(payload.freeze())
    }
}

/// An Opus packet without its padding, in which extensions travel: what deep redundancy says of the time before an earlier packet, later ones
/// say better. Padding is in packets of code 3 alone, behind a bit of their second byte, which tells its length in the bytes that follow
/// (RFC 6716 §3.2.5). What is no such packet stays as it is.
fn lean(packet: &Bytes) -> Bytes {
    const PADDED: u8 = 0x40;
    let [toc, count, rest @ ..] = &packet[..] else { return packet.clone() };
    if toc & 3 != 3 || count & PADDED == 0 {
        return packet.clone();
    }
    // 255 stands for 254 bytes of padding and another byte of length.
    let more = rest.iter().take_while(|byte| **byte == 255).count();
    let Some(last) = rest.get(more) else { return packet.clone() };
    let Some(frames) = rest[more + 1..].len().checked_sub(more * 254 + usize::from(*last)) else { return packet.clone() };
    let mut lean = BytesMut::with_capacity(2 + frames);
    lean.put_slice(&[*toc, *count & !PADDED]);
    lean.put_slice(&rest[more + 1..][..frames]);
    lean.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::red::{Block, parse};
    use proptest::prelude::*;

    const OPUS: u8 = 111;
    const PLENTY: u32 = 2_000_000;

    #[test]
    fn a_clean_path_carries_nothing_twice() {
        let mut red = Red::new(OPUS);
        for index in 0..10 {
            red.adapt(0.0, PLENTY);
            assert_eq!(red.pack(index * 960, &Bytes::from_static(&[1; 80])), None);
        }
    }

    #[test]
    fn the_more_is_lost_the_more_is_carried_along() {
        let depths = [0.01, 0.03, 0.1, 0.2, 0.3].map(|loss| depth(loss, 0, 80, PLENTY));
        assert_eq!(depths, [0, 1, 2, 3, 3]);
    }

    #[test]
    fn a_loss_about_a_step_does_not_make_it_go_up_and_down() {
        assert_eq!([0.055, 0.047, 0.03].map(|loss| depth(loss, 2, 80, PLENTY)), [2, 2, 1]);
        assert_eq!(depth(0.0, 3, 80, PLENTY), 0);
    }

    #[test]
    fn a_narrow_path_is_not_filled_with_copies() {
        assert_eq!([1_000_000, 300_000, 100_000, 0].map(|target| depth(0.3, 0, 100, target)), [3, 1, 0, 0]);
    }

    #[test]
    fn a_pause_longer_than_a_header_can_say_ends_what_is_carried() {
        let mut red = Red::new(OPUS);
        let packet = |number: u8| Bytes::from(vec![number; 60]);
        red.pack(0, &packet(0));
        red.adapt(0.3, PLENTY);
        assert!(red.pack(960, &packet(1)).is_some());
        assert_eq!(red.pack(960 + 48_000, &packet(2)), None);
        let payload = red.pack(2 * 960 + 48_000, &packet(3)).expect("its neighbour");
        assert_eq!(parse(&payload).expect("ours").len(), 2);
    }

    #[test]
    fn padding_is_not_carried_along() {
        // One frame of four bytes with 3 and with 254 + 254 + 10 bytes of padding.
        let short = Bytes::from_static(&[0x7b, 0x41, 3, 1, 2, 3, 4, 0, 0, 0]);
        let long = Bytes::from([&[0x7b, 0x41, 255, 255, 10, 1, 2, 3, 4][..], &[9; 518]].concat());
        assert_eq!(lean(&short), Bytes::from_static(&[0x7b, 0x01, 1, 2, 3, 4]));
        assert_eq!(lean(&long), Bytes::from_static(&[0x7b, 0x01, 1, 2, 3, 4]));
        let as_they_are: [&[u8]; 6] = [&[], &[0x7b], &[0x78, 0x41, 3, 1], &[0x7b, 0x01, 1, 2], &[0x7b, 0x41, 255], &[0x7b, 0x41, 9, 1, 2]];
        for packet in as_they_are {
            assert_eq!(lean(&Bytes::copy_from_slice(packet)), packet);
        }
        let mut red = Red::new(OPUS);
        red.pack(0, &long);
        red.adapt(0.03, PLENTY);
        let payload = red.pack(960, &long).expect("one is carried");
        let sizes: Vec<usize> = parse(&payload).expect("ours").iter().map(|block| block.data.len()).collect();
        assert_eq!(sizes, [6, long.len()], "and the packet's own stays whole");
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_whole(sizes in proptest::collection::vec(0usize..1200, 1..12), loss in 0.0..0.4) {
            let mut red = Red::new(OPUS);
            let mut sent: Vec<(u32, Bytes)> = Vec::new();
            for (index, size) in sizes.into_iter().enumerate() {
                let (timestamp, data) = (u32::MAX.wrapping_add(960 * (index as u32 + 1)), Bytes::from(vec![index as u8; size]));
                red.adapt(loss, u32::MAX);
                sent.push((timestamp, data.clone()));
                if let Some(payload) = red.pack(timestamp, &data) {
                    let blocks = parse(&payload).expect("our own payload");
                    prop_assert!(blocks.len() >= 2 && blocks.len() <= MAX_EARLIER + 1);
                    let expected = sent.iter().skip(sent.len() - blocks.len());
                    for (block, (at, data)) in blocks.iter().zip(expected) {
                        prop_assert_eq!(block, &Block { payload_type: OPUS, offset: timestamp.wrapping_sub(*at), data: data.clone() });
                    }
                }
            }
        }
    }
}
