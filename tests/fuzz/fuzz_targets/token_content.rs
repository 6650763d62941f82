//! Any bytes as what a token of either version holds under its base64 and zlib, so that the fuzzer need not find those first: taken
//! apart or refused, and never access without the certificate.
#![no_main]

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use token::{Claim, Credentials, verify};

const APP_ID: &str = "76697361766973206c6f63616c206170";

fuzz_target!(|content: &[u8]| {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    zlib.write_all(content).expect("writing into memory cannot fail");
    let packed = zlib.finish().expect("writing into memory cannot fail");
    let credentials = Credentials::new(APP_ID, "5cfd2fd1755d40ecb72977518be15d3b").expect("both are hex");
    for token in [format!("006{APP_ID}{}", STANDARD.encode(content)), format!("007{}", STANDARD.encode(packed))] {
        let _ = (token::v006::parse(&token), token::v007::parse(&token));
        for uid in [None, Some("7")] {
            assert!(verify(&token, &credentials, Claim { channel: "call", uid }, 1_800_000_000).is_err());
        }
    }
});
