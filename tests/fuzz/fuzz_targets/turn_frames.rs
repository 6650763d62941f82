//! Any bytes as what a TURN server writes onto a stream, in pieces of any size: the same messages or the same end as in one piece, and
//! each message goes onto a stream as it came from one.
#![no_main]

use fuzz::turn_frame::{self, Frames, Garbage};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let (found, end) = messages(bytes, usize::from(piece) + 1);
    assert_eq!((found.clone(), end), messages(bytes, bytes.len().max(1)));
    let mut stream = Vec::new();
    for message in &found {
        turn_frame::put(message, &mut stream).expect("it came from a stream");
    }
    assert_eq!(messages(&stream, stream.len().max(1)), (found, None));
});

fn messages(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<Garbage>) {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        frames.push(piece);
        loop {
            match frames.next() {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(garbage) => return (messages, Some(garbage)),
            }
        }
    }
    (messages, None)
}
