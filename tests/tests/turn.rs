//! A call that can only go through a real TURN server, with the credentials that the channel service makes for it.
#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tests::{
    call::{self, Caller},
    hosts::{Host, Hosts, MIDDLE},
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
    let mut command = hosts.command(Host::Middle, "turnserver");
    command.args(arguments).args(["-n", "--no-cli", "--no-dtls", "--realm", "visavis", "--simple-log"]);
    command.args(["--listening-ip", MIDDLE, "--relay-ip", MIDDLE, "--use-auth-secret", "--static-auth-secret", SECRET]);
    command.arg("--log-file").arg(folder.join("coturn.log"));
    command.arg("--pidfile").arg(folder.join("coturn.pid"));
    command.arg("--userdb").arg(folder.join("coturn.db"));
    Group::start(&mut command)
}

/// The service, which hands out TURN with credentials made of `secret`.
fn service(hosts: &Hosts, port: &str, url: &str, secret: &str) -> Group {
    call::service(hosts, port, &["--turn", url], &[("VISAVIS_TURN_SECRET", secret)])
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
    // A certificate that is its own authority.
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([MIDDLE.to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, cert.pem()).expect("the output folder is writable");
    std::fs::write(&key, signing_key.serialize_pem()).expect("the output folder is writable");
    let paths = [&certificate, &key].map(|path| path.to_str().expect("the checkout's path is UTF-8"));
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
