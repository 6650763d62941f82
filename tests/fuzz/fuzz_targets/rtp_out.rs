//! Any bytes as an access unit: payloads are bounded, and the receiver puts together the NAL units that went in.
#![no_main]

use fuzz::receive::unit;
use fuzz::send::{nal, packetize::packetize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (limit, access_unit) = input;
    let payloads = packetize(access_unit, limit.into());
    assert!(payloads.iter().all(|payload| payload.data.len() <= usize::from(limit).max(8)));
    let sent: Vec<_> = nal::units(access_unit).filter(|unit| nal::is_carried(nal::kind_of(unit[0]))).collect();
    let unit = unit::depacketize(payloads.iter().map(|payload| &payload.data)).expect("our own payloads are valid");
    let received: Vec<_> = nal::units(&unit.data).collect();
    assert_eq!(sent, received);
});
