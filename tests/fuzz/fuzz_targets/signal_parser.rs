//! Any text as a message of either side: what parses is written and read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signal::{Health, Incoming, Request};

fuzz_target!(|text: &str| {
    if let Ok(request) = serde_json::from_str::<Request>(text) {
        let written = serde_json::to_string(&request).expect("a request can be written");
        assert_eq!(serde_json::from_str::<Request>(&written).expect("and read"), request);
    }
    if let Ok(incoming) = serde_json::from_str::<Incoming>(text) {
        let written = serde_json::to_string(&incoming).expect("a message can be written");
        assert_eq!(serde_json::from_str::<Incoming>(&written).expect("and read"), incoming);
    }
    let _ = serde_json::from_str::<Health>(text);
    let _ = (text.parse::<signal::AppId>(), text.parse::<signal::ChannelName>());
});
