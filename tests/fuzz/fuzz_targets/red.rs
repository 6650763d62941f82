//! Redundant sound: any payload is judged, its blocks are within it, and what our own sender packs comes out whole.
#![no_main]

use std::time::Instant;

use bytes::Bytes;
use fuzz::receive::{Packet, audio::Audio, red};
use fuzz::send::red::Red;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let payload = Bytes::copy_from_slice(input);
    if let Some(blocks) = red::parse(&payload) {
        let carried: usize = blocks.iter().map(|block| block.data.len()).sum();
        assert_eq!(carried + blocks.len() * 4 - 3, payload.len());
    }
    let (mut audio, now) = (Audio::new(), Instant::now());
    for (sequence, part) in input.split(|byte| *byte == 0xff).enumerate() {
        let packet = Packet { sequence: sequence as u16, timestamp: sequence as u32 * 960, marker: false, payload: Bytes::copy_from_slice(part) };
        audio.on_red(packet, 111, now);
        audio.pull(now);
    }
    let mut sender = Red::new(111);
    for (index, packet) in input.chunks(40).enumerate() {
        sender.adapt(0.3, 1_000_000);
        if let Some(packed) = sender.pack(index as u32 * 960, &Bytes::copy_from_slice(packet)) {
            assert_eq!(red::parse(&packed).expect("our own payload").last().expect("its own block").data, packet);
        }
    }
});
