//! Any bytes as what somebody writes onto a connection of ICE over TCP, in pieces of any size: the same packets or the same end as in one
//! piece, and each packet goes onto a stream as it came from one.
#![no_main]

use fuzz::ice_tcp_frame::{self, Frames, Garbage};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let (found, end) = packets(bytes, usize::from(piece) + 1);
    assert_eq!((found.clone(), end), packets(bytes, bytes.len().max(1)));
    let mut stream = Vec::new();
    for packet in &found {
        ice_tcp_frame::put(packet, &mut stream).expect("it came from a stream");
    }
    assert_eq!(packets(&stream, stream.len().max(1)), (found, None));
});

fn packets(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<Garbage>) {
    let (mut frames, mut packets) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        frames.push(piece);
        loop {
            match frames.next() {
                Ok(Some(packet)) => packets.push(packet.to_vec()),
                Ok(None) => break,
                Err(garbage) => return (packets, Some(garbage)),
            }
        }
    }
    (packets, None)
}
