//! Messages of TURN on a stream, pure: STUN by the length in its header (RFC 8489 §6.2.2), ChannelData padded to a multiple of four
//! (RFC 8656 §12.5).

use std::fmt;

const STUN_HEADER: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const CHANNEL_HEADER: usize = 4;
/// Beyond the first channels, numbers are reserved (RFC 8656 §12).
const LAST_CHANNEL: u8 = 0x4f;

/// The bytes are no message of TURN, so nobody can tell where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbage;

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what came is no message of TURN")
    }
}

impl std::error::Error for Garbage {}

/// The size of a message and the room it takes on a stream, both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    message: usize,
    room: usize,
}

/// The size of the message that begins with `head`; `None` if these are too few bytes to tell.
fn size(head: &[u8]) -> Result<Option<Size>, Garbage> {
    let Some(first) = head.first() else { return Ok(None) };
    let length = |at: usize| head.get(at..at + 2).map(|bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
    match first >> 6 {
        0 => {
            let Some(cookie) = head.get(4..8) else { return Ok(None) };
            let Some(length) = length(2).filter(|length| length % 4 == 0 && cookie == STUN_COOKIE) else { return Err(Garbage) };
            Ok(Some(Size { message: STUN_HEADER + length, room: STUN_HEADER + length }))
        }
        1 if *first <= LAST_CHANNEL => Ok(length(2).map(|length| {
            let message = CHANNEL_HEADER + length;
            Size { message, room: message.next_multiple_of(4) }
        })),
        _ => Err(Garbage),
    }
}

/// Appends the one message that `datagram` is to what goes onto a stream.
pub fn put(datagram: &[u8], stream: &mut Vec<u8>) -> Result<(), Garbage> {
    let size = size(datagram)?.filter(|size| (size.message..=size.room).contains(&datagram.len())).ok_or(Garbage)?;
    stream.extend_from_slice(&datagram[..size.message]);
    stream.resize(stream.len() + size.room - size.message, 0);
    Ok(())
}

/// Finds the messages in what comes from a stream.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
}

impl Frames {
    /// Takes in what came. Between [`next`](Self::next)s that answer `None`, at most one message of 64 KiB is kept.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, without padding; `None` if more has to come. After [`Garbage`] the stream is of no use any more.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot go on after its end")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, Garbage> {
        let rest = &self.buffer[self.start..];
        let Some(size) = size(rest)?.filter(|size| size.room <= rest.len()) else { return Ok(None) };
        let from = self.start;
        self.start += size.room;
        Ok(Some(&self.buffer[from..from + size.message]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stun(body: usize) -> Vec<u8> {
        let mut message = vec![0x01, 0x13];
        message.extend((body as u16 * 4).to_be_bytes());
        message.extend(STUN_COOKIE);
        message.resize(STUN_HEADER + body * 4, 0x5a);
        message
    }

    fn channel(number: u8, body: usize) -> Vec<u8> {
        let mut message = vec![0x40 | number, 7];
        message.extend((body as u16).to_be_bytes());
        message.resize(CHANNEL_HEADER + body, 0xa5);
        message
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![(0usize..400).prop_map(stun), (0u8..16, 0usize..1_500).prop_map(|(number, body)| channel(number, body))]
    }

    fn all(frames: &mut Frames) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some(message) = frames.next().unwrap() {
            messages.push(message.to_vec());
        }
        messages
    }

    #[test]
    fn channel_data_is_padded_on_a_stream_and_stun_is_not() {
        let mut stream = Vec::new();
        put(&channel(0, 5), &mut stream).unwrap();
        assert_eq!(stream.len(), 12);
        put(&stun(3), &mut stream).unwrap();
        assert_eq!(stream.len(), 12 + 32);
    }

    #[test]
    fn channel_data_that_is_padded_already_is_padded_once() {
        let (mut padded, mut stream) = (channel(0, 5), Vec::new());
        padded.resize(12, 0);
        put(&padded, &mut stream).unwrap();
        assert_eq!(stream.len(), 12);
    }

    #[test]
    fn what_is_no_message_is_not_sent() {
        let mut stream = Vec::new();
        for datagram in [&[][..], &[0x80, 0x60], &[0x50, 0, 0, 0], &stun(2)[..20], &[&stun(0)[..], &[0]].concat(), &[0x40, 0, 0, 9, 1]] {
            assert_eq!(put(datagram, &mut stream), Err(Garbage), "{datagram:?}");
        }
        assert!(stream.is_empty());
    }

    #[test]
    fn a_server_that_speaks_something_else_is_known_at_once() {
        for answer in [&[0x16, 3, 3, 0, 74, 2, 0, 0][..], &[0x80, 0x60], &[0x50, 0], &[0x00, 0x01, 0, 3, 0x21, 0x12, 0xa4, 0x42]] {
            let mut frames = Frames::default();
            frames.push(answer);
            assert_eq!(frames.next(), Err(Garbage), "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn messages_come_out_of_a_stream_as_they_went_in(
            messages in prop::collection::vec(message(), 0..20),
            pieces in prop::collection::vec(1usize..2_000, 1..50),
        ) {
            let mut stream = Vec::new();
            for message in &messages {
                put(message, &mut stream).unwrap();
            }
            let (mut frames, mut seen, mut rest) = (Frames::default(), Vec::new(), &stream[..]);
            for piece in pieces.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*piece));
                frames.push(now);
                seen.extend(all(&mut frames));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(seen, messages);
            prop_assert_eq!(frames.start, frames.buffer.len());
        }

        #[test]
        fn any_bytes_are_messages_or_garbage_and_little_is_kept(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..60)) {
            let mut frames = Frames::default();
            'stream: for piece in pieces {
                frames.push(&piece);
                loop {
                    match frames.next() {
                        Ok(Some(message)) => prop_assert!(!message.is_empty()),
                        Ok(None) => break,
                        Err(Garbage) => break 'stream,
                    }
                }
                prop_assert!(frames.buffer.len() - frames.start <= 65_535 + STUN_HEADER);
            }
        }
    }
}
