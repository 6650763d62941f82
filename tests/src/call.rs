//! A call between two `headless` on hosts of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::hosts::{Host, Hosts};
use crate::process::Group;

/// The service on the middle host, with further arguments and settings.
pub fn service(hosts: &Hosts, port: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Group {
    let mut command = hosts.command(Host::Middle, crate::binary("channel-server"));
    command.args(["--listen", &hosts.middle(port)]).args(arguments).envs(settings.iter().copied());
    Group::start(&mut command)
}

/// A caller that shows the test pattern and writes a report.
pub struct Caller {
    report: PathBuf,
    process: Group,
}

impl Caller {
    /// # Panics
    /// If it cannot be started.
    pub fn start(hosts: &Hosts, host: Host, port: &str, report: PathBuf, arguments: &[&str]) -> Self {
        let command = hosts.command(host, crate::binary("headless"));
        let arguments = [&["--profile", "160x120@10:65"], arguments].concat();
        Self::join(command, &format!("ws://{}", hosts.middle(port)), report, &arguments)
    }

    /// Joins by a command that starts `headless` on some host.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn join(command: Command, server: &str, report: PathBuf, arguments: &[&str]) -> Self {
        Self::join_channel(command, server, "hosts", report, arguments)
    }

    /// The same in a channel of this name.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn join_channel(mut command: Command, server: &str, channel: &str, report: PathBuf, arguments: &[&str]) -> Self {
        // Nothing of an earlier run counts.
        let _ = std::fs::remove_file(&report);
        command.args(["call", "--server", server, "--app-id", channel_server::DEFAULT_APP_ID, "--channel", channel]);
        command.args(arguments).arg("--report").arg(&report);
        Self { report, process: Group::start(&mut command) }
    }

    /// Its whole report, when it has ended by itself (`--seconds`).
    ///
    /// # Panics
    /// If it fails.
    pub async fn finished(self) -> Vec<Value> {
        let Self { report, mut process } = self;
        let ended = tokio::task::spawn_blocking(move || process.wait()).await.expect("waiting does not panic");
        assert!(ended.success(), "a caller failed: {ended}");
        lines(&report)
    }

    /// Its report so far.
    pub fn lines(&self) -> Vec<Value> {
        lines(&self.report)
    }

    /// The newest line of its report.
    pub fn line(&self) -> Option<Value> {
        self.lines().pop()
    }

    /// What the newest line says; 0 where it says nothing.
    pub fn reads(&self, pointer: &str) -> f64 {
        self.line().and_then(|line| line.pointer(pointer)?.as_f64()).unwrap_or(0.0)
    }

    /// The streams it receives, by their names.
    pub fn streams(&self) -> Vec<String> {
        self.line().iter().filter_map(|line| line["receive"].as_object()).flat_map(|streams| streams.keys().cloned()).collect()
    }

    /// The frames that it has decoded so far.
    pub fn frames(&self) -> u64 {
        let last = self.line();
        let streams = last.iter().flat_map(|line| line["receive"].as_object().into_iter().flatten());
        streams.filter_map(|(_, stream)| stream["video"]["frames"].as_u64()).sum()
    }
}

/// A report, line by line; one that is being written is not there yet.
fn lines(report: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(report).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
