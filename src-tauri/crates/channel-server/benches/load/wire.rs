//! WebSocket frames by hand (RFC 6455, section 5): a generator that is busy with a library's buffers measures itself.

use std::{fmt::Write, str};

use super::Failure;

/// What a service sends. Its frames are never fragmented and never masked.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    Text(&'a str),
    Close,
    /// A ping or a pong.
    Other,
}

/// The request that opens a WebSocket.
pub fn upgrade() -> String {
    let mut request = String::new();
    write!(request, "GET {} HTTP/1.1\r\nHost: load\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", signal::PATH)
        .expect("a String takes any text");
    request.push_str("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    request
}

/// The length of the answer to [`upgrade`], once it is whole.
pub fn take_upgrade(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    if bytes.starts_with(b"HTTP/1.1 101") {
        return Ok(Some(end + 4));
    }
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(Failure::Unexpected(String::from_utf8_lossy(line).into_owned()))
}

/// Appends a text as a client's frame. The mask is zero, so the text stays as it is; the service takes it off all the same.
pub fn put_text(text: &str, into: &mut Vec<u8>) {
    put(0x1, text.as_bytes(), into);
}

/// Appends a close frame.
pub fn put_close(into: &mut Vec<u8>) {
    put(0x8, &1000u16.to_be_bytes(), into);
}

fn put(opcode: u8, payload: &[u8], into: &mut Vec<u8>) {
    into.push(0x80 | opcode);
    match payload.len() {
        short @ 0..=125 => into.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            into.push(0x80 | 126);
            into.extend((medium as u16).to_be_bytes());
        }
        long => {
            into.push(0x80 | 127);
            into.extend((long as u64).to_be_bytes());
        }
    }
    into.extend([0; 4]);
    into.extend(payload);
}

/// The first frame and its length, once it is whole.
pub fn take(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Failure> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    let (header, length) = match second {
        0..=125 => (2, usize::from(second)),
        126 => match bytes.get(2..4) {
            Some(two) => (4, usize::from(u16::from_be_bytes(two.try_into().expect("two bytes")))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10) {
            Some(eight) => (10, u64::from_be_bytes(eight.try_into().expect("eight bytes")) as usize),
            None => return Ok(None),
        },
        128.. => return Err(Failure::Unexpected("a masked frame".into())),
    };
    let end = header + length.min(signal::MAX_MESSAGE + 1);
    if length > signal::MAX_MESSAGE {
        return Err(Failure::Unexpected(format!("a frame of {length} bytes")));
    }
    let Some(payload) = bytes.get(header..end) else { return Ok(None) };
    let frame = match first {
        0x81 => Frame::Text(str::from_utf8(payload).map_err(|error| Failure::Unexpected(error.to_string()))?),
        0x88 => Frame::Close,
        0x89 | 0x8a => Frame::Other,
        other => return Err(Failure::Unexpected(format!("a frame that begins with {other:#x}"))),
    };
    Ok(Some((frame, end)))
}
