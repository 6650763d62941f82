//! WebSocket frames as a server reads and writes them (RFC 6455, section 5). Pure: bytes in, messages out. Total: any bytes are messages
//! or a [`Violation`], after which nothing is read any more.
//!
//! It keeps no more than what has come of a message that is not whole yet, and between messages nothing: ten thousand members who are
//! silent most of the time have no buffers.

use std::mem;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Text(String),
    /// Its content is of no interest to anyone here.
    Binary,
    /// To be answered by a pong with the same content.
    Ping(Vec<u8>),
    Pong,
    /// The last message, with the client's reason if it gave one.
    Close(Option<u16>),
}

/// What a client may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Violation {
    Protocol(&'static str),
    TooLong,
    NotUtf8,
}

/// Close codes (RFC 6455, section 7.4.1).
pub mod close {
    pub const AWAY: u16 = 1001;
    pub const PROTOCOL: u16 = 1002;
    pub const NOT_UTF8: u16 = 1007;
    pub const POLICY: u16 = 1008;
    pub const SIZE: u16 = 1009;
}

impl Violation {
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => close::PROTOCOL,
            Self::TooLong => close::SIZE,
            Self::NotUtf8 => close::NOT_UTF8,
        }
    }

    /// The sentence for the close frame.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Protocol(what) => what,
            Self::TooLong => "A message of that size is not read here.",
            Self::NotUtf8 => "A text is UTF-8.",
        }
    }
}

/// The most that a ping, a pong or a close carries, in bytes.
const MOST_CONTROL: usize = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Puts a client's messages together.
pub struct Decoder {
    /// The longest message, in bytes.
    most: usize,
    header: Header,
    frame: Option<Frame>,
    /// The kind of the message whose fragments are coming, if it is not whole yet, and what has come of it.
    begun: Option<u8>,
    message: Vec<u8>,
    control: Vec<u8>,
}

/// A frame whose header has been read.
#[derive(Clone, Copy)]
struct Frame {
    opcode: u8,
    last: bool,
    mask: [u8; 4],
    /// Bytes of its payload that have come, and that are still to come.
    come: usize,
    left: usize,
}

/// What has come of a frame's header.
#[derive(Default)]
struct Header {
    bytes: [u8; 14],
    length: usize,
}

impl Header {
    /// Takes its bytes off `input`; whether it is whole.
    fn fill(&mut self, input: &mut &[u8]) -> bool {
        loop {
            let missing = self.needed() - self.length;
            if missing == 0 {
                return true;
            }
            let taken = missing.min(input.len());
            if taken == 0 {
                return false;
            }
            self.bytes[self.length..self.length + taken].copy_from_slice(&input[..taken]);
            self.length += taken;
            *input = &input[taken..];
        }
    }

    /// How long it is, as far as its first two bytes tell.
    fn needed(&self) -> usize {
        if self.length < 2 {
            return 2;
        }
        let extended = match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + if self.bytes[1] & 0x80 == 0 { 0 } else { 4 }
    }

    /// The frame that a whole header announces.
    fn frame(&self) -> Result<Frame, Violation> {
        let [first, second, rest @ ..] = self.bytes;
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("No extension was agreed upon."));
        }
        if second & 0x80 == 0 {
            return Err(Violation::Protocol("A client masks its frames."));
        }
        let [a, b, c, d, e, f, g, h, ..] = rest;
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            short => u64::from(short),
        };
        let mask = self.bytes[self.length - 4..self.length].try_into().expect("four bytes");
        let left = usize::try_from(length).map_err(|_| Violation::TooLong)?;
        Ok(Frame { opcode: first & 0x0f, last: first & 0x80 != 0, mask, come: 0, left })
    }
}

impl Decoder {
    /// A decoder of messages of at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, header: Header::default(), frame: None, begun: None, message: Vec::new(), control: Vec::new() }
    }

    /// The next message that ends within `input`, which is advanced behind it; without one, all of `input` is taken in.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            let mut frame = match self.frame {
                Some(frame) => frame,
                None if self.header.fill(input) => {
                    let frame = mem::take(&mut self.header).frame()?;
                    self.check(&frame)?;
                    frame
                }
                None => return Ok(None),
            };
            let (here, rest) = input.split_at(frame.left.min(input.len()));
            *input = rest;
            let into = if frame.is_control() { &mut self.control } else { &mut self.message };
            let start = into.len();
            into.extend_from_slice(here);
            unmask(&mut into[start..], frame.mask, frame.come);
            frame.come += here.len();
            frame.left -= here.len();
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            self.frame = None;
            if let Some(message) = self.end(frame)? {
                return Ok(Some(message));
            }
        }
    }

    /// Whether a frame may come now, and may be so long.
    fn check(&mut self, frame: &Frame) -> Result<(), Violation> {
        match (frame.opcode, self.begun) {
            (CLOSE | PING | PONG, _) if frame.last && frame.left <= MOST_CONTROL => return Ok(()),
            (CLOSE | PING | PONG, _) => return Err(Violation::Protocol("A control frame is short and whole.")),
            (TEXT | BINARY, None) => self.begun = Some(frame.opcode),
            (CONTINUATION, Some(_)) => {}
            (TEXT | BINARY, Some(_)) => return Err(Violation::Protocol("A message began within another.")),
            (CONTINUATION, None) => return Err(Violation::Protocol("Nothing is to be continued.")),
            _ => return Err(Violation::Protocol("There is no such kind of frame.")),
        }
        if frame.left > self.most - self.message.len() { Err(Violation::TooLong) } else { Ok(()) }
    }

    /// The message that a frame completes.
    fn end(&mut self, frame: Frame) -> Result<Option<Message>, Violation> {
        let message = match frame.opcode {
            PING => Message::Ping(mem::take(&mut self.control)),
            PONG => {
                self.control = Vec::new();
                Message::Pong
            }
            CLOSE => match mem::take(&mut self.control)[..] {
                [] => Message::Close(None),
                [high, low, ..] => Message::Close(Some(u16::from_be_bytes([high, low]))),
                [_] => return Err(Violation::Protocol("A close code has two bytes.")),
            },
            _ if !frame.last => return Ok(None),
            _ => {
                let message = mem::take(&mut self.message);
                match self.begun.take() {
                    Some(TEXT) => Message::Text(String::from_utf8(message).map_err(|_| Violation::NotUtf8)?),
                    _ => Message::Binary,
                }
            }
        };
        Ok(Some(message))
    }
}

impl Frame {
    fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }
}

/// Takes the mask off bytes that begin `come` bytes behind the payload's start.
fn unmask(bytes: &mut [u8], mut mask: [u8; 4], come: usize) {
    mask.rotate_left(come % 4);
    let [a, b, c, d] = mask;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut eights = bytes.chunks_exact_mut(8);
    for eight in &mut eights {
        let word = u64::from_ne_bytes((&*eight).try_into().expect("eight bytes")) ^ twice;
        eight.copy_from_slice(&word.to_ne_bytes());
    }
    for (byte, mask) in eights.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Appends a text in one frame.
pub fn put_text(text: &str, out: &mut Vec<u8>) {
    put(TEXT, text.as_bytes(), out);
}

/// Appends the answer to a ping.
pub fn put_pong(content: &[u8], out: &mut Vec<u8>) {
    put(PONG, content, out);
}

/// Appends a close frame with a reason; what of the reason does not fit is left out.
pub fn put_close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let mut end = reason.len().min(MOST_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    put(CLOSE, &[&code.to_be_bytes(), &reason.as_bytes()[..end]].concat(), out);
}

/// Appends the answer to a close: the same code where it is one that may be sent (RFC 6455, section 7.4).
pub fn put_close_answer(code: Option<u16>, out: &mut Vec<u8>) {
    match code {
        Some(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => put(CLOSE, &code.to_be_bytes(), out),
        Some(_) => put(CLOSE, &close::PROTOCOL.to_be_bytes(), out),
        None => put(CLOSE, &[], out),
    }
}

fn put(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(10 + payload.len());
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..=125 => out.push(short as u8),
        medium @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests;
