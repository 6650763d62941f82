//! Parity for pictures: any payload is judged, and among any losses what is restored is what was sent, once.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fuzz::receive::{Packet, fec};
use fuzz::send::fec::{Encoder, Source};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const TYPE: u8 = 102;

#[derive(Arbitrary, Debug)]
enum Step {
    /// A packet of our own sender, which may get lost, as may the parity after it.
    Packet { size: u8, last: bool, parity: u8, lost: bool, parity_lost: bool },
    /// What someone else makes up.
    Parity(Vec<u8>),
    Settle(u8),
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut encoder, mut decoder, mut sequence) = (Encoder::new(), fec::Decoder::new(TYPE), (1u64 << 32) + 65_000);
    let (mut sent, mut here, mut honest) = (BTreeMap::new(), BTreeSet::new(), true);
    for step in steps {
        let restored = match step {
            Step::Packet { size, last, parity, lost, parity_lost } => {
                let payload = Bytes::from(vec![size ^ sequence as u8; size.into()]);
                let packet = Packet { sequence: sequence as u16, timestamp: size.into(), marker: last, payload };
                let Packet { timestamp, marker, payload, .. } = packet.clone();
                let source = Source { sequence: sequence as u16, timestamp, marker, payload_type: TYPE, payload };
                let parity = encoder.push(source, last, |_| f64::from(parity) / 16.0);
                sent.insert(sequence, packet.clone());
                let mut restored = Vec::new();
                if !lost {
                    here.insert(sequence);
                    restored.extend(decoder.on_source(sequence, &packet));
                }
                for parity in parity.iter().filter(|_| !parity_lost) {
                    restored.extend(decoder.on_repair(parity));
                }
                sequence += 1;
                restored
            }
            Step::Parity(payload) => {
                honest = false;
                decoder.on_repair(&payload)
            }
            Step::Settle(back) => {
                decoder.settle(sequence - u64::from(back));
                Vec::new()
            }
        };
        for (sequence, packet) in restored {
            assert!(here.insert(sequence), "restored once, and only if it had not come");
            assert!(!honest || sent.get(&sequence) == Some(&packet));
        }
    }
});
