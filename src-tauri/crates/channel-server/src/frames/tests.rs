use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame as Theirs, FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use super::*;

const MOST: usize = 1_000;

/// A client's frame, written by tungstenite.
fn frame(payload: &[u8], opcode: OpCode, last: bool) -> Vec<u8> {
    let header = FrameHeader { is_final: last, opcode, mask: Some([0x12, 0xf4, 0x56, 0x78]), ..FrameHeader::default() };
    let mut bytes = Vec::new();
    Theirs::from_payload(header, payload.to_vec().into()).format(&mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> Vec<u8> {
    frame(text.as_bytes(), OpCode::Data(Data::Text), true)
}

fn control(payload: &[u8], kind: Control) -> Vec<u8> {
    frame(payload, OpCode::Control(kind), true)
}

/// All messages of `bytes`, which come in pieces of at most `piece`.
fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Message>, Violation> {
    let (mut decoder, mut messages) = (Decoder::new(MOST), Vec::new());
    for mut input in bytes.chunks(piece) {
        while let Some(message) = decoder.decode(&mut input)? {
            messages.push(message);
        }
        assert!(input.is_empty());
    }
    if decoder.begun.is_none() && decoder.frame.is_none() {
        assert_eq!((decoder.message.capacity(), decoder.control.capacity()), (0, 0), "nothing is kept between messages");
    }
    Ok(messages)
}

#[test]
fn fragments_make_one_message_and_let_a_ping_pass() {
    let bytes = [
        frame("grü".as_bytes(), OpCode::Data(Data::Text), false),
        control(b"still there?", Control::Ping),
        frame(b"", OpCode::Data(Data::Continue), false),
        frame("ße".as_bytes(), OpCode::Data(Data::Continue), true),
    ];
    let expected = [Message::Ping(b"still there?".to_vec()), Message::Text("grüße".into())];
    assert_eq!(decode(&bytes.concat(), usize::MAX), Ok(expected.into()));
}

#[test]
fn each_kind_of_message_is_told() {
    let kinds = [
        (text(""), Message::Text(String::new())),
        (frame(&[0xff], OpCode::Data(Data::Binary), true), Message::Binary),
        (control(b"", Control::Pong), Message::Pong),
        (control(b"", Control::Close), Message::Close(None)),
        (control(b"\x03\xe9bye", Control::Close), Message::Close(Some(1001))),
    ];
    for (bytes, message) in kinds {
        assert_eq!(decode(&bytes, usize::MAX), Ok(vec![message]));
    }
}

#[test]
fn each_violation_is_told() {
    let with = |at: usize, bits: u8| {
        let mut bytes = text("hello");
        bytes[at] ^= bits;
        bytes
    };
    let protocol = [
        ("a reserved bit", with(0, 0x40)),
        ("no mask", with(1, 0x80)),
        ("an unknown kind", with(0, 0x02)),
        ("a continuation of nothing", frame(b"", OpCode::Data(Data::Continue), true)),
        ("a message within a message", [frame(b"", OpCode::Data(Data::Text), false), text("")].concat()),
        ("a ping in fragments", frame(b"", OpCode::Control(Control::Ping), false)),
        ("a long ping", control(&[0; 126], Control::Ping)),
        ("half a close code", control(&[3], Control::Close)),
    ];
    for (what, bytes) in protocol {
        assert_eq!(decode(&bytes, usize::MAX).map_err(Violation::close_code), Err(close::PROTOCOL), "{what}");
    }
    assert_eq!(decode(&frame(&[0xc3, 0x28], OpCode::Data(Data::Text), true), usize::MAX), Err(Violation::NotUtf8));
}

#[test]
fn a_message_too_long_is_refused_at_the_header_that_makes_it_so() {
    assert!(decode(&text(&"x".repeat(MOST)), usize::MAX).is_ok());
    assert_eq!(decode(&text(&"x".repeat(MOST + 1))[..8], usize::MAX), Err(Violation::TooLong));
    assert_eq!(decode(&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], usize::MAX), Err(Violation::TooLong));
    let half = frame(&[b'x'; MOST / 2 + 1], OpCode::Data(Data::Text), false);
    let other = frame(&[b'x'; MOST / 2 + 1], OpCode::Data(Data::Continue), true);
    assert_eq!(decode(&[&half, &other[..8]].concat(), usize::MAX), Err(Violation::TooLong));
}

#[test]
fn a_reason_is_cut_between_two_characters() {
    let mut out = Vec::new();
    put_close(close::POLICY, &"ü".repeat(100), &mut out);
    assert_eq!(out.len(), 2 + 2 + 122);
    assert!(str::from_utf8(&out[4..]).is_ok());
}

#[test]
fn a_close_is_answered_with_its_code_if_that_may_be_sent() {
    let answer = |code| {
        let mut out = Vec::new();
        put_close_answer(code, &mut out);
        out
    };
    assert_eq!(answer(Some(1000)), [0x88, 2, 3, 0xe8]);
    assert_eq!(answer(Some(1005)), [0x88, 2, 3, 0xea]);
    assert_eq!(answer(None), [0x88, 0]);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_messages_or_a_violation(bytes: Vec<u8>, piece in 1usize..40) {
        prop_assert_eq!(decode(&bytes, piece), decode(&bytes, usize::MAX));
    }

    #[test]
    fn a_masked_header_with_any_content_is_taken_or_refused(first: u8, length in 0u8..=127, rest: Vec<u8>, piece in 1usize..40) {
        let bytes = [&[first, 0x80 | length], &rest[..]].concat();
        prop_assert_eq!(decode(&bytes, piece), decode(&bytes, usize::MAX));
    }

    #[test]
    fn what_tungstenite_writes_is_read(texts in prop::collection::vec(".{0,200}", 0..6), piece in 1usize..300) {
        let bytes: Vec<u8> = texts.iter().flat_map(|content| text(content)).collect();
        prop_assert_eq!(decode(&bytes, piece), Ok(texts.into_iter().map(Message::Text).collect()));
    }

    #[test]
    fn what_is_written_here_tungstenite_reads(length in prop::sample::select(vec![0, 1, 125, 126, 127, 0xffff, 0x10000]), code in 1000u16..1003) {
        use tokio_tungstenite::tungstenite::{Message as Read, WebSocket, protocol::Role};
        let content = "x".repeat(length);
        let mut out = Vec::new();
        put_text(&content, &mut out);
        put_pong(b"pong", &mut out);
        put_close(code, "bye", &mut out);
        let mut theirs = WebSocket::from_raw_socket(std::io::Cursor::new(out), Role::Client, None);
        prop_assert_eq!(theirs.read().unwrap(), Read::text(content));
        prop_assert_eq!(theirs.read().unwrap(), Read::Pong(b"pong".to_vec().into()));
        match theirs.read().unwrap() {
            Read::Close(Some(frame)) => prop_assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::from(code), "bye")),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
