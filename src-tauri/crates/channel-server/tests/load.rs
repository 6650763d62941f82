//! The load generator of `cargo xtask bench service`, with a small crowd against this build's program: what is counted, not how fast.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

#[path = "../benches/load/mod.rs"]
mod load;

use std::{path::Path, time::Duration};

#[test]
fn a_crowd_hears_everything_that_is_meant_for_it_once_and_in_order() {
    let plan = load::Plan {
        channels: 40,
        seats: 5,
        in_flight: 32,
        sdp_bytes: 3_000,
        time: Duration::from_millis(500),
        relayed_per_second: 2_000,
        returns: 100,
    };
    let report = load::run(plan, Path::new(env!("CARGO_BIN_EXE_channel-server"))).unwrap();
    let heard = report.heard;
    let pairs = 40 * 5 * 4;
    assert_eq!((heard.joined, heard.left), (200 + 100, 100 + 200));
    assert_eq!((heard.peers_named, heard.peers_online), (pairs / 2 + 100 * 4, pairs / 2 + 100 * 4), "who was there, and who came later");
    assert_eq!((heard.published, heard.streams_added), (200, pairs));
    assert_eq!(heard.subscriptions_answered, pairs);
    assert_eq!((heard.candidates_sent, heard.candidates_received, heard.candidates_acknowledged), (1_000, 1_000, 1_000));
    assert_eq!(heard.candidates_out_of_order, 0);
}
