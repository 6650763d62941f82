//! Calls on machines whose network changes.
#![cfg(target_os = "linux")]

use std::process::Stdio;
use std::time::Duration;

use tests::{
    call::{self, Caller},
    hosts::{Host, Hosts},
    process::{Group, until},
};

/// For pictures to come, and to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// Frames that come in a few seconds.
const A_FEW: u64 = 30;

async fn pictures_both_ways(what: &str, callers: &[Caller]) {
    let before: Vec<u64> = callers.iter().map(Caller::frames).collect();
    for (caller, before) in callers.iter().zip(before) {
        until(&format!("pictures {what}"), PATIENCE, async || (caller.frames() > before + A_FEW).then_some(())).await;
    }
}

/// A call between the sides, as 7 and 8, with pictures both ways.
async fn call(hosts: &Hosts, name: &str) -> (Group, [Caller; 2]) {
    let folder = tests::output().join("network");
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    let service = call::service(hosts, "47880", &[], &[]);
    hosts.until_open(Host::Middle, "-t", "47880").await;
    let callers = [(Host::Left, "7"), (Host::Right, "8")]
        .map(|(host, uid)| Caller::start(hosts, host, "47880", folder.join(format!("{name}-{host:?}.jsonl")), &["--uid", uid]));
    pictures_both_ways("at first", &callers).await;
    (service, callers)
}

#[tokio::test]
async fn a_call_goes_where_there_is_only_ipv6() {
    if !tests::live("a call over IPv6 alone") {
        return;
    }
    let hosts = match Hosts::up_ipv6() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: a call over IPv6 alone (no namespaces with IPv6 here: {why})"),
    };
    let (_service, _callers) = call(&hosts, "ipv6").await;
}

#[tokio::test]
async fn where_udp_is_blocked_a_call_goes_over_tcp_from_one_to_the_other() {
    if !tests::live("a call over TCP alone") {
        return;
    }
    let hosts = match Hosts::up_routed() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: a call over TCP alone (no network namespaces here: {why})"),
    };
    hosts.block_udp();
    let (_service, _callers) = call(&hosts, "tcp").await;
    let sockets = hosts.command(Host::Left, "ss").args(["-Htn", "state", "established"]).stdout(Stdio::piped()).output();
    let sockets = String::from_utf8(sockets.expect("ss runs").stdout).expect("addresses are ASCII");
    assert!(sockets.contains("10.78.2.2:"), "the callers are connected: {sockets}");
}

#[tokio::test]
async fn a_call_survives_new_addresses_and_nobody_leaves() {
    if !tests::live("a call over a change of address") {
        return;
    }
    let hosts = match Hosts::up_routed() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: a call over a change of address (no network namespaces here: {why})"),
    };
    let (_service, callers) = call(&hosts, "address").await;

    for (round, side) in [Host::Left, Host::Right, Host::Left].into_iter().enumerate() {
        hosts.move_to(side, 10 + round as u8);
        pictures_both_ways(&format!("after a change of address on the {side:?}"), &callers).await;
    }
    // A stream that had gone and come would count its frames anew, and its publisher would have another number.
    assert_eq!(callers.each_ref().map(Caller::streams), [["8"], ["7"]]);
    for caller in &callers {
        assert!(caller.frames() > 4 * A_FEW, "the streams of before go on");
    }
}
