//! A call that can only go through a real TURN server, with the credentials that the channel service makes for it.
#![cfg(target_os = "linux")]

use std::{path::Path, time::Duration};

use tests::{
    call::{self, Caller},
    hosts::{Host, Hosts, MIDDLE},
    process::{Group, until, within},
};

/// For two callers to see each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// As long as a connection takes at most; what is not there by then does not come.
const HOPELESS: Duration = Duration::from_secs(12);

const SECRET: &str = "a secret of the service and coturn";

/// Debian's coturn, on the middle host.
fn coturn(hosts: &Hosts, folder: &Path) -> Group {
    let mut command = hosts.command(Host::Middle, "turnserver");
    command.args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--realm", "visavis", "--simple-log"]);
    command.args(["--listening-ip", MIDDLE, "--relay-ip", MIDDLE, "--use-auth-secret", "--static-auth-secret", SECRET]);
    command.arg("--log-file").arg(folder.join("coturn.log"));
    command.arg("--pidfile").arg(folder.join("coturn.pid"));
    command.arg("--userdb").arg(folder.join("coturn.db"));
    Group::start(&mut command)
}

/// The service, which hands out TURN with credentials made of `secret`.
fn service(hosts: &Hosts, port: &str, secret: &str) -> Group {
    call::service(hosts, port, &["--turn", &format!("turn:{MIDDLE}:3478?transport=udp")], &[("VISAVIS_TURN_SECRET", secret)])
}

#[tokio::test]
async fn two_callers_without_a_route_to_each_other_see_each_other_through_turn() {
    if !tests::live("a call through coturn") {
        return;
    }
    if std::process::Command::new("turnserver").arg("--version").output().is_err() {
        eprintln!("skipped: a call through coturn (this machine has no turnserver; apt-get install coturn)");
        return;
    }
    let hosts = match Hosts::up() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: a call through coturn (no network namespaces here: {why})"),
    };
    let folder = tests::output().join("turn");
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    let _coturn = coturn(&hosts, &folder);
    hosts.until_open(Host::Middle, "-u", "3478").await;

    // Any path will do, and there is only this one; then with a policy that takes no other.
    let _service = service(&hosts, "47880", SECRET);
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
    let _stranger = service(&hosts, "47881", "another secret");
    hosts.until_open(Host::Middle, "-t", "47881").await;
    let callers =
        [Host::Left, Host::Right].map(|host| Caller::start(&hosts, host, "47881", folder.join(format!("{host:?}-refused.jsonl")), &[]));
    let seen = within(HOPELESS, async || callers.iter().any(|caller| caller.frames() > 0).then_some(())).await;
    assert!(seen.is_none(), "there is a way beside TURN");
}
