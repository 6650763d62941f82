//! Any bytes as what a client writes into its WebSocket, in pieces of any size: the same messages or the same violation as in one piece,
//! and never more in memory than the longest message.
#![no_main]

use fuzz::frames::{Decoder, Message, Violation};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 4096;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    assert_eq!(messages(bytes, usize::from(piece) + 1), messages(bytes, bytes.len().max(1)));
});

fn messages(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<Violation>) {
    let (mut decoder, mut messages) = (Decoder::new(MOST), Vec::new());
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            match decoder.decode(&mut piece) {
                Ok(Some(message)) => {
                    if let Message::Text(text) = &message {
                        assert!(text.len() <= MOST);
                    }
                    messages.push(message);
                }
                Ok(None) => assert!(piece.is_empty()),
                Err(violation) => return (messages, Some(violation)),
            }
        }
    }
    (messages, None)
}
