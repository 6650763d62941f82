//! The service as a process: its log, its end, and the files it is deployed with.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]
#![cfg(unix)]

mod support;

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
};

use channel_server::settings::Settings;
use serde_json::{Value, json};
use support::Client;

/// A running service; dropping it ends it.
struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
    read: String,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_channel-server"));
        command.args(["--listen", "127.0.0.1:0", "--log", "json", "--drain", "20"]).args(arguments);
        command.env("RUST_LOG", "trace").env("VISAVIS_PROJECTS", "").env("XDG_CONFIG_HOME", "/nowhere");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut process = Self { child, log, address: ([0, 0, 0, 0], 0).into(), read: String::new() };
        process.address = process.line("listening")["address"].as_str().unwrap().parse().unwrap();
        process
    }

    /// The next line of the log with this message.
    fn line(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "the log ended before {message:?}:\n{}", self.read);
            self.read += &line;
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if line["message"] == message {
                return line;
            }
        }
    }

    fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its own end: whether that was a success, and its whole log.
    fn end(&mut self) -> (bool, String) {
        let mut read = std::mem::take(&mut self.read);
        self.log.read_to_string(&mut read).unwrap();
        (self.child.wait().unwrap().success(), read)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn sigterm_tells_everyone_takes_nobody_and_ends_when_they_are_gone() {
    let mut process = Process::start(&[]);
    let mut ann = Client::connect_from(process.address, None).await.unwrap();
    assert_eq!(ann.join(json!({"uid": 1})).await["ok"]["uid"], 1);
    let mut bob = Client::connect_from(process.address, None).await.unwrap();
    process.terminate();
    assert_eq!(ann.event().await, json!({"event": "draining"}));
    assert_eq!(bob.event().await, json!({"event": "draining"}));
    assert_eq!(bob.join(json!({"uid": 2})).await["error"]["code"], "K_SERVICE_NOT_READY");
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}), "who is in goes on");
    drop((ann, bob));
    let (success, _) = process.end();
    assert!(success);
}

#[tokio::test]
async fn neither_tokens_nor_secrets_are_in_the_most_talkative_log() {
    let mut process = Process::start(&["--turn", "turn:turn.example.org:3478", "--turn-secret", "a-secret-of-ours"]);
    let mut ann = Client::connect_from(process.address, None).await.unwrap();
    let refused = ann.join(json!({"uid": 1, "token": "007-a-token-of-ours"})).await;
    assert_eq!(refused["error"]["code"], "ERR_STATIC_USE_DYANMIC_KE");
    let joined = ann.join(json!({"uid": 1})).await;
    let credential = joined["ok"]["ice_servers"][0]["credential"].as_str().unwrap().to_owned();
    drop(ann);
    process.line("joined");
    process.terminate();
    let (success, log) = process.end();
    assert!(success);
    for secret in ["a-secret-of-ours", "007-a-token-of-ours", &credential] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn the_settings_that_result_are_printed_without_secrets() {
    let printed = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_channel-server"));
        let output = command.arg("--print-config").args(arguments).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Settings::from_toml("printed", &String::from_utf8(output.stdout).unwrap()).unwrap()
    };
    let settings = printed(
        &["--max-members", "5", "--turn", "turn:a:3478"],
        &[("VISAVIS_MAX_MEMBERS", "6"), ("VISAVIS_MAX_CHANNELS", "7"), ("VISAVIS_TURN_SECRET", "north")],
    );
    assert_eq!((settings.max_members, settings.max_channels), (Some(5), Some(7)));
    assert_eq!(settings.turn_secret.unwrap().reveal(), "***");
}

#[test]
fn the_settings_that_the_service_is_deployed_with_can_be_used_with_and_without_what_is_commented_out() {
    let example = include_str!("../deploy/channel-server.toml");
    let settings = Settings::from_toml("example", example).unwrap();
    assert!(settings.listen_tls.is_some() && settings.projects.is_some());
    let lines = example.lines().map(|line| line.strip_prefix("# ").filter(|key| key.contains(" = ")).unwrap_or(line));
    let all = Settings::from_toml("example", &lines.collect::<Vec<_>>().join("\n")).unwrap();
    assert!(all.turn_secret_file.is_some() && all.trusted_proxy.is_some());
}
