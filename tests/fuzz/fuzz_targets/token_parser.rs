//! Any text as a token: a token or a refusal, never access without the certificate.
#![no_main]

use libfuzzer_sys::fuzz_target;
use token::{Claim, Credentials, verify};

fuzz_target!(|text: &str| {
    let credentials = Credentials::new("76697361766973206c6f63616c206170", "5cfd2fd1755d40ecb72977518be15d3b").expect("both are hex");
    let _ = (token::v006::parse(text), token::v007::parse(text));
    for version in ["", "006", "007"] {
        let claim = Claim { channel: "call", uid: Some("7") };
        assert!(verify(&format!("{version}{text}"), &credentials, claim, 1_800_000_000).is_err());
    }
});
