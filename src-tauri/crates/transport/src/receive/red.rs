//! Redundant sound (RFC 2198): what a packet carries besides its own.

use bytes::Bytes;

/// Blocks in one packet at most; nobody sends more than a few.
const MAX_BLOCKS: usize = 16;

/// One packet within a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub payload_type: u8,
    /// How much earlier than the packet's own timestamp, in its units; zero for the last block, which is the packet's own.
    pub offset: u32,
    pub data: Bytes,
}

/// The blocks of a RED payload, the packet's own last; `None` if it is not valid. Never empty.
pub fn parse(payload: &Bytes) -> Option<Vec<Block>> {
    let mut headers = Vec::new();
    let mut at = 0;
    // §3: the first bit tells whether another header follows.
    while payload.get(at)? & 0x80 != 0 {
        let &[first, high, middle, low] = payload.get(at..at + 4)?.first_chunk()?;
        let bits = u32::from_be_bytes([0, high, middle, low]);
        headers.push((first & 0x7f, bits >> 10, (bits & 0x3ff) as usize));
        at += 4;
        if headers.len() == MAX_BLOCKS {
            return None;
        }
    }
    let own = payload[at] & 0x7f;
    at += 1;
    let mut blocks = Vec::with_capacity(headers.len() + 1);
    for (payload_type, offset, length) in headers {
        let end = at + length;
        if end > payload.len() {
            return None;
        }
        blocks.push(Block { payload_type, offset, data: payload.slice(at..end) });
        at = end;
    }
    blocks.push(Block { payload_type: own, offset: 0, data: payload.slice(at..) });
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_packet_alone_has_a_header_of_one_byte() {
        let blocks = parse(&Bytes::from_static(&[111, 1, 2, 3])).expect("valid");
        assert_eq!(blocks, [Block { payload_type: 111, offset: 0, data: Bytes::from_static(&[1, 2, 3]) }]);
    }

    #[test]
    fn an_earlier_packet_comes_first() {
        // 960 timestamp units and two bytes: 960 << 10 | 2.
        let blocks = parse(&Bytes::from_static(&[0x80 | 111, 0x0f, 0x00, 2, 111, 7, 8, 9])).expect("valid");
        assert_eq!(blocks[0], Block { payload_type: 111, offset: 960, data: Bytes::from_static(&[7, 8]) });
        assert_eq!(blocks[1].data.as_ref(), [9]);
    }

    #[test]
    fn what_ends_too_soon_or_never_is_not_valid() {
        assert_eq!(parse(&Bytes::new()), None);
        assert_eq!(parse(&Bytes::from_static(&[0x80, 0, 0, 1])), None, "no last header");
        assert_eq!(parse(&Bytes::from_static(&[0x80, 0, 0, 2, 111, 7])), None, "a block longer than the packet");
        assert_eq!(parse(&Bytes::from(vec![0x80; 4000])), None, "headers without end");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(blocks) = parse(&Bytes::from(bytes.clone())) {
                prop_assert!(!blocks.is_empty() && blocks.len() <= MAX_BLOCKS);
                let carried: usize = blocks.iter().map(|block| block.data.len()).sum();
                prop_assert_eq!(carried + 4 * (blocks.len() - 1) + 1, bytes.len());
            }
        }
    }
}
