//! Any text as an invitation: what is read is written and read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signal::Link;

fuzz_target!(|text: &str| {
    if let Ok(link) = Link::read(text) {
        assert_eq!(Link::read(&link.write()), Ok(link));
    }
    let _ = (signal::is_server(text), signal::is_token(text));
});
