//! A call that can only go through a real TURN server, with the credentials that the channel service makes for it.
#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tests::{
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

fn service(hosts: &Hosts, port: &str, secret: &str) -> Group {
    let mut command = hosts.command(Host::Middle, tests::binary("channel-server"));
    command.args(["--listen", &format!("{MIDDLE}:{port}"), "--turn", &format!("turn:{MIDDLE}:3478?transport=udp")]);
    Group::start(command.env("VISAVIS_TURN_SECRET", secret))
}

struct Caller {
    report: PathBuf,
    _process: Group,
}

impl Caller {
    fn start(hosts: &Hosts, host: Host, port: &str, policy: &str, report: PathBuf) -> Self {
        let _ = std::fs::remove_file(&report);
        let mut command = hosts.command(host, tests::binary("headless"));
        command.args(["call", "--server", &format!("ws://{MIDDLE}:{port}"), "--app-id", channel_server::DEFAULT_APP_ID]);
        command.args(["--channel", "turn", "--ice-policy", policy, "--profile", "160x120@10:65", "--report"]).arg(&report);
        Self { report, _process: Group::start(&mut command) }
    }

    /// The frames that it has decoded so far.
    fn frames(&self) -> u64 {
        let text = std::fs::read_to_string(&self.report).unwrap_or_default();
        let last: Option<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back();
        let streams = last.iter().flat_map(|line| line["receive"].as_object().into_iter().flatten());
        streams.filter_map(|(_, stream)| stream["video"]["frames"].as_u64()).sum()
    }
}

async fn listens(hosts: &Hosts, protocol: &str, port: &str) {
    until(&format!("port {port} is open"), PATIENCE, async || {
        let sockets = hosts.command(Host::Middle, "ss").args(["-Hln", protocol]).stdout(std::process::Stdio::piped()).output();
        let listed = String::from_utf8(sockets.expect("ss runs").stdout).expect("addresses are ASCII");
        listed.contains(&format!("{MIDDLE}:{port} ")).then_some(())
    })
    .await;
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
    listens(&hosts, "-u", "3478").await;

    // Any path will do, and there is only this one; then with a policy that takes no other.
    let _service = service(&hosts, "47880", SECRET);
    listens(&hosts, "-t", "47880").await;
    for (left, right) in [("all", "all"), ("relay", "relay")] {
        let callers = [(Host::Left, left), (Host::Right, right)]
            .map(|(host, policy)| Caller::start(&hosts, host, "47880", policy, folder.join(format!("{host:?}-{policy}.jsonl"))));
        for caller in &callers {
            until(&format!("pictures through TURN ({left}, {right})"), PATIENCE, async || (caller.frames() > 20).then_some(())).await;
        }
    }

    // Credentials of another secret open nothing: it was coturn that carried the calls.
    let _stranger = service(&hosts, "47881", "another secret");
    listens(&hosts, "-t", "47881").await;
    let callers =
        [Host::Left, Host::Right].map(|host| Caller::start(&hosts, host, "47881", "all", folder.join(format!("{host:?}-refused.jsonl"))));
    let seen = within(HOPELESS, async || callers.iter().any(|caller| caller.frames() > 0).then_some(())).await;
    assert!(seen.is_none(), "there is a way beside TURN");
}
