//! Packets on a TCP connection of ICE, pure: each behind its length in two bytes (RFC 4571 §2, RFC 6544 §3).

use std::fmt;

const HEADER: usize = 2;
/// Nothing that belongs to a call is larger than what an Ethernet carries; some leave themselves room.
const MOST: usize = 4096;
/// The header of a STUN message, and where in it the magic cookie is (RFC 8489 §5).
const STUN_HEADER: usize = 20;
const COOKIE: (usize, [u8; 4]) = (4, [0x21, 0x12, 0xa4, 0x42]);

/// Whoever sends this does not speak ICE over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    TooLong {
        bytes: usize,
    },
    /// The first packet of a connection is a check or the answer to one.
    NoCheck,
}

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "a packet of {bytes} bytes is too long"),
            Self::NoCheck => f.write_str("it does not begin with a check of ICE"),
        }
    }
}

impl std::error::Error for Garbage {}

/// Appends `packet` to what goes onto a stream.
pub fn put(packet: &[u8], stream: &mut Vec<u8>) -> Result<(), Garbage> {
    let length = u16::try_from(packet.len()).ok().filter(|length| usize::from(*length) <= MOST);
    let length = length.ok_or(Garbage::TooLong { bytes: packet.len() })?;
    stream.extend_from_slice(&length.to_be_bytes());
    stream.extend_from_slice(packet);
    Ok(())
}

/// Finds the packets in what comes from a stream.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    /// A first packet has come.
    opened: bool,
}

impl Frames {
    /// Takes in what came. Between [`next`](Self::next)s that answer `None`, less than one packet is kept.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a first packet has come.
    pub fn opened(&self) -> bool {
        self.opened
    }

    /// The next whole packet, never an empty one; `None` if more has to come. After [`Garbage`] the stream is of no use any more.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot go on after its end")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, Garbage> {
        loop {
            let rest = &self.buffer[self.start..];
            let Some((header, rest)) = rest.split_at_checked(HEADER) else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes([header[0], header[1]]));
            if length > MOST {
                return Err(Garbage::TooLong { bytes: length });
            }
            let packet = &rest[..length.min(rest.len())];
            // Empty ones keep a connection alive and mean nothing.
            if length > 0 && !self.opened && !may_be_check(length, packet) {
                return Err(Garbage::NoCheck);
            }
            if packet.len() < length {
                return Ok(None);
            }
            let from = self.start + HEADER;
            self.start = from + length;
            if length > 0 {
                self.opened = true;
                return Ok(Some(&self.buffer[from..from + length]));
            }
        }
    }
}

/// Whether a packet of `length` bytes that begins like this can be a message of STUN (RFC 7983 §7 has its first byte).
fn may_be_check(length: usize, beginning: &[u8]) -> bool {
    let (at, cookie) = COOKIE;
    let cookie_fits = beginning.iter().skip(at).zip(cookie).all(|(byte, expected)| *byte == expected);
    length >= STUN_HEADER && beginning.first().is_none_or(|first| *first < 4) && cookie_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check() -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.resize(STUN_HEADER, 7);
        message
    }

    fn framed(packets: &[&[u8]]) -> Vec<u8> {
        let mut stream = Vec::new();
        packets.iter().for_each(|packet| put(packet, &mut stream).unwrap());
        stream
    }

    fn all(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<Garbage>) {
        let (mut frames, mut packets) = (Frames::default(), Vec::new());
        for piece in stream.chunks(piece) {
            frames.push(piece);
            loop {
                match frames.next() {
                    Ok(Some(packet)) => packets.push(packet.to_vec()),
                    Ok(None) => break,
                    Err(garbage) => return (packets, Some(garbage)),
                }
            }
            assert!(frames.buffer.len() - frames.start < HEADER + MOST);
        }
        (packets, None)
    }

    #[test]
    fn a_packet_stands_behind_its_length() {
        assert_eq!(framed(&[b"abc"]), [0, 3, b'a', b'b', b'c']);
    }

    #[test]
    fn a_packet_that_is_too_long_goes_neither_way() {
        let mut stream = Vec::new();
        for bytes in [MOST + 1, 70_000] {
            assert_eq!(put(&vec![0; bytes], &mut stream), Err(Garbage::TooLong { bytes }));
        }
        assert!(stream.is_empty());
        assert_eq!(all(&[0x10, 0x01], 1), (vec![], Some(Garbage::TooLong { bytes: MOST + 1 })));
    }

    #[test]
    fn empty_packets_are_left_out() {
        let check = check();
        let stream = [&[0, 0], &framed(&[&check])[..], &[0, 0, 0, 0], &framed(&[b"media"])].concat();
        assert_eq!(all(&stream, 3), (vec![check, b"media".to_vec()], None));
    }

    #[test]
    fn who_does_not_begin_with_a_check_is_known_at_once() {
        for beginning in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01\x02\x00\x01", &[0, 100, 0x80], &[0, 19], &[0, 20, 0, 1, 0, 0, 9]] {
            assert!(all(beginning, 1).1.is_some(), "{beginning:?}");
        }
        // Later anything goes, and the beginning of a check is none yet.
        assert_eq!(all(&framed(&[&check(), b"\x80 media"]), 1).1, None);
        assert_eq!(all(&framed(&[&check()])[..12], 1), (vec![], None));
    }

    proptest! {
        #[test]
        fn packets_come_out_of_a_stream_as_they_went_in(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..1_500), 0..20),
            piece in 1usize..3_000,
        ) {
            let first = check();
            let packets: Vec<&[u8]> = std::iter::once(&first[..]).chain(packets.iter().map(|packet| &packet[..])).collect();
            let (seen, garbage) = all(&framed(&packets), piece);
            prop_assert_eq!(garbage, None);
            prop_assert_eq!(seen, packets);
        }

        #[test]
        fn any_bytes_are_packets_or_garbage_however_they_are_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..9_000),
            piece in 1usize..1_000,
            opened in any::<bool>(),
        ) {
            let stream = if opened { [framed(&[&check()]), bytes].concat() } else { bytes };
            prop_assert_eq!(all(&stream, piece), all(&stream, stream.len().max(1)));
        }
    }
}
