//! A call that can only go through a real TURN server, with the credentials that the channel service makes for it.
#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tests::{
    call::{self, Caller},
    hosts::{Host, Hosts, MIDDLE, MIDDLE_IPV6},
    process::{Group, until, within},
};

/// For two callers to see each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// As long as a connection takes at most; what is not there by then does not come.
const HOPELESS: Duration = Duration::from_secs(12);

const UDP: &str = "turn:10.78.0.1:3478?transport=udp";

const SECRET: &str = "a secret of the service and coturn";

/// Debian's coturn, on the middle host.
fn coturn(hosts: &Hosts, folder: &Path, arguments: &[&str]) -> Group {
    coturn_at(hosts, MIDDLE, folder, arguments)
}

/// The same at another address of it.
fn coturn_at(hosts: &Hosts, address: &str, folder: &Path, arguments: &[&str]) -> Group {
    let mut command = hosts.command(Host::Middle, "turnserver");
    command.args(arguments).args(["-n", "--no-cli", "--no-dtls", "--realm", "visavis", "--simple-log"]);
    command.args(["--listening-ip", address, "--relay-ip", address, "--use-auth-secret", "--static-auth-secret", SECRET]);
    command.arg("--log-file").arg(folder.join("coturn.log"));
    command.arg("--pidfile").arg(folder.join("coturn.pid"));
    command.arg("--userdb").arg(folder.join("coturn.db"));
    Group::start(&mut command)
}

/// The service, which hands out TURN with credentials made of `secret`.
fn service(hosts: &Hosts, port: &str, url: &str, secret: &str) -> Group {
    call::service(hosts, port, &["--turn", url], &[("VISAVIS_TURN_SECRET", secret)])
}

/// A certificate for the middle that is its own authority, and its key.
fn certificate(folder: &Path) -> [PathBuf; 2] {
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([MIDDLE.to_owned()]).expect("a certificate");
    let paths = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    for (path, text) in paths.iter().zip([cert.pem(), signing_key.serialize_pem()]) {
        std::fs::write(path, text).expect("the output folder is writable");
    }
    paths
}

/// How many bytes a host has sent over its connections to coturn.
fn streamed(hosts: &Hosts, host: Host) -> u64 {
    let mut command = hosts.command(host, "ss");
    command.args(["-Htin", "dst", MIDDLE, "and", "( dport = 3478 or dport = 5349 )"]).stdout(Stdio::piped());
    let sockets = String::from_utf8(command.output().expect("ss runs").stdout).expect("numbers are ASCII");
    let sent = sockets.split_ascii_whitespace().filter_map(|word| word.strip_prefix("bytes_sent:")?.parse::<u64>().ok());
    sent.sum()
}

/// The hosts and a folder for what they leave; `None`, with the reason on standard error, where this machine cannot.
fn bench(test: &str) -> Option<(Hosts, PathBuf)> {
    if !tests::live(test) {
        return None;
    }
    if std::process::Command::new("turnserver").arg("--version").output().is_err() {
        eprintln!("skipped: {test} (this machine has no turnserver; apt-get install coturn)");
        return None;
    }
    let hosts = Hosts::up().map_err(|why| eprintln!("skipped: {test} (no network namespaces here: {why})")).ok()?;
    let folder = tests::output().join("turn");
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    Some((hosts, folder))
}

#[tokio::test]
async fn two_callers_without_a_route_to_each_other_see_each_other_through_turn() {
    let Some((hosts, folder)) = bench("a call through coturn") else { return };
    let _coturn = coturn(&hosts, &folder, &["--no-tls"]);
    hosts.until_open(Host::Middle, "-u", "3478").await;

    // Any path will do, and there is only this one; then with a policy that takes no other.
    let _service = service(&hosts, "47880", UDP, SECRET);
    hosts.until_open(Host::Middle, "-t", "47880").await;
    for (left, right) in [("all", "all"), ("relay", "relay")] {
        let callers = [(Host::Left, left), (Host::Right, right)].map(|(host, policy)| {
            let report = folder.join(format!("{host:?}-{policy}.jsonl"));
            Caller::start(&hosts, host, "47880", report, &["--ice-policy", policy])
        });
        for caller in &callers {
            until(&format!("pictures through TURN ({left}, {right})"), PATIENCE, async || (caller.frames() > 20).then_some(())).await;
        }
    }

    // Credentials of another secret open nothing: it was coturn that carried the calls.
    let _stranger = service(&hosts, "47881", UDP, "another secret");
    hosts.until_open(Host::Middle, "-t", "47881").await;
    let callers =
        [Host::Left, Host::Right].map(|host| Caller::start(&hosts, host, "47881", folder.join(format!("{host:?}-refused.jsonl")), &[]));
    let seen = within(HOPELESS, async || callers.iter().any(|caller| caller.frames() > 0).then_some(())).await;
    assert!(seen.is_none(), "there is a way beside TURN");
}

#[tokio::test]
async fn where_udp_is_blocked_two_callers_see_each_other_through_turn_over_tcp_and_tls() {
    let Some((hosts, folder)) = bench("a call through coturn over TCP and TLS") else { return };
    hosts.block_udp();
    let files = certificate(&folder);
    let paths = files.each_ref().map(|path| path.to_str().expect("the checkout's path is UTF-8"));
    let _coturn = coturn(&hosts, &folder, &["--cert", paths[0], "--pkey", paths[1]]);
    hosts.until_open(Host::Middle, "-t", "5349").await;

    for (port, url) in [("47880", "turn:10.78.0.1:3478?transport=tcp"), ("47881", "turns:10.78.0.1:5349?transport=tcp")] {
        let _service = service(&hosts, port, url, SECRET);
        hosts.until_open(Host::Middle, "-t", port).await;
        let callers = [Host::Left, Host::Right]
            .map(|host| Caller::start(&hosts, host, port, folder.join(format!("{host:?}-{port}.jsonl")), &["--ca", paths[0]]));
        for caller in &callers {
            until(&format!("pictures through {url}"), PATIENCE, async || (caller.frames() > 20).then_some(())).await;
        }
    }

    // UDP is blocked, so it was the streams that carried the calls.
    let _service = service(&hosts, "47882", UDP, SECRET);
    hosts.until_open(Host::Middle, "-t", "47882").await;
    let callers =
        [Host::Left, Host::Right].map(|host| Caller::start(&hosts, host, "47882", folder.join(format!("{host:?}-blocked.jsonl")), &[]));
    let seen = within(HOPELESS, async || callers.iter().any(|caller| caller.frames() > 0).then_some(())).await;
    assert!(seen.is_none(), "there is a way over UDP");
}

#[tokio::test]
async fn of_relays_over_udp_tcp_and_tls_the_one_over_udp_is_taken() {
    let Some((hosts, folder)) = bench("a call through coturn over the best of three ways") else { return };
    let files = certificate(&folder);
    let paths = files.each_ref().map(|path| path.to_str().expect("the checkout's path is UTF-8"));
    let _coturn = coturn(&hosts, &folder, &["--cert", paths[0], "--pkey", paths[1]]);
    hosts.until_open(Host::Middle, "-t", "5349").await;
    // The worst first.
    let urls = ["turns:10.78.0.1:5349?transport=tcp", "turn:10.78.0.1:3478?transport=tcp", UDP].join(",");
    let _service = service(&hosts, "47880", &urls, SECRET);
    hosts.until_open(Host::Middle, "-t", "47880").await;
    let callers = [Host::Left, Host::Right].map(|host| {
        let report = folder.join(format!("{host:?}-best.jsonl"));
        Caller::start(&hosts, host, "47880", report, &["--ca", paths[0], "--ice-policy", "relay"])
    });
    let all_have = async |frames: u64| {
        for caller in &callers {
            until("pictures through TURN", PATIENCE, async || (caller.frames() > frames).then_some(())).await;
        }
    };
    all_have(20).await;
    let before = [Host::Left, Host::Right].map(|host| streamed(&hosts, host));
    assert!(before.iter().all(|sent| *sent > 0), "there are relays over streams too");
    all_have(60).await;
    let after = [Host::Left, Host::Right].map(|host| streamed(&hosts, host));
    // Four seconds of pictures are ten times as much.
    assert!(after.iter().zip(before).all(|(after, before)| after - before < 3_000), "media goes over a stream: {before:?}, {after:?}");
}

#[tokio::test]
async fn a_turn_server_on_an_ipv6_address_relays_over_udp_and_tcp() {
    let Some((_, folder)) = bench("a call through coturn over IPv6") else { return };
    let hosts = match Hosts::up_ipv6() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: a call through coturn over IPv6 (no namespaces with IPv6 here: {why})"),
    };
    let _coturn = coturn_at(&hosts, MIDDLE_IPV6, &folder, &["--no-tls", "--allocation-default-address-family=keep"]);
    hosts.until_open(Host::Middle, "-u", "3478").await;
    for (port, way) in [("47880", "udp"), ("47881", "tcp")] {
        let _service = service(&hosts, port, &format!("turn:[{MIDDLE_IPV6}]:3478?transport={way}"), SECRET);
        hosts.until_open(Host::Middle, "-t", port).await;
        let callers = [Host::Left, Host::Right].map(|host| {
            let report = folder.join(format!("{host:?}-ipv6-{way}.jsonl"));
            Caller::start(&hosts, host, port, report, &["--ice-policy", "relay"])
        });
        for caller in &callers {
            until(&format!("pictures through TURN on IPv6 over {way}"), PATIENCE, async || (caller.frames() > 20).then_some(())).await;
        }
    }
}
