//! Any packets in any order: what comes out is in order, follows a keyframe, and is bounded.
#![no_main]

use std::time::{Duration, Instant};

use fuzz::receive::assemble::Assembler;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Packet { sequence: u16, timestamp: u8, marker: bool, payload: Vec<u8> },
    Abandon(u16),
    Wait(u16),
    RequireKeyframe,
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut assembler, mut now) = (Assembler::new(), Instant::now());
    let (mut last, mut decodable) = (None, false);
    for step in steps {
        match step {
            Step::Packet { sequence, timestamp, marker, payload } => {
                assembler.push(sequence.into(), timestamp.into(), marker, payload.into(), now);
            }
            Step::Abandon(sequence) => assembler.abandon(sequence.into(), now),
            Step::Wait(ms) => {
                now += Duration::from_millis(ms.into());
                assembler.expire(now);
            }
            Step::RequireKeyframe => {
                assembler.require_keyframe();
                decodable = false;
            }
        }
        while let Some(frame) = assembler.next_frame() {
            decodable |= frame.keyframe;
            assert!(decodable, "a frame before any keyframe");
            assert!(last < Some(frame.first_sequence) && frame.first_sequence <= frame.last_sequence);
            assert!(frame.data.starts_with(&[0, 0, 0, 1]));
            last = Some(frame.last_sequence);
        }
    }
});
