//! Two hosts on this machine with a wire between them, in network namespaces: what crosses it can be lost, or wait.
//!
//! ```text
//! left 10.79.0.1 ──────── right 10.79.0.2
//! ```

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::hosts::ip;

/// The ends' addresses.
pub const LEFT: &str = "10.79.0.1";
pub const RIGHT: &str = "10.79.0.2";

/// One end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Left,
    Right,
}

/// What the wire does to packets, in both directions alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    /// UDP packets lost at random, in percent.
    pub loss: u32,
    /// What passes in kb/s, behind a queue that holds so many ms and drops what comes when it is full.
    pub bottleneck: Option<Bottleneck>,
}

/// A link that is slower than its senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    pub kbps: u32,
    pub queue_ms: u32,
}

/// The hosts and their wire; dropping it takes them down, after everything that runs on them should have ended.
pub struct Wire {
    /// Tells the namespaces of several runs and wires apart.
    run: String,
}

impl Wire {
    /// Sets the hosts up. The error is why this machine cannot: it takes root, and a kernel with namespaces.
    pub fn up() -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let wire = Self { run: format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)) };
        let [left, right] = [End::Left, End::Right].map(|end| wire.name(end));
        for name in [&left, &right] {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        ip(&format!("link add eth netns {left} type veth peer name eth netns {right}"))?;
        for (name, address) in [(&left, LEFT), (&right, RIGHT)] {
            ip(&format!("-n {name} addr add {address}/24 dev eth"))?;
            ip(&format!("-n {name} link set eth up"))?;
        }
        Ok(wire)
    }

    /// Makes the wire do this and nothing else. The error is what the kernel's tools say.
    pub fn impair(&self, impairment: Impairment) -> Result<(), String> {
        for end in [End::Left, End::Right] {
            // What was never set is not missed.
            let _ = self.tool(end, &["tc", "qdisc", "del", "dev", "eth", "root"]);
            let _ = self.tool(end, &["nft", "delete", "table", "inet", "wire"]);
            if let Some(Bottleneck { kbps, queue_ms }) = impairment.bottleneck {
                let (rate, latency) = (format!("{kbps}kbit"), format!("{queue_ms}ms"));
                self.tool(end, &["tc", "qdisc", "add", "dev", "eth", "root", "tbf", "rate", &rate, "burst", "6kb", "latency", &latency])?;
            }
            if impairment.loss > 0 {
                let rules = format!(
                    "add table inet wire; add chain inet wire arriving {{ type filter hook input priority 0; }}; \
                     add rule inet wire arriving iifname eth meta l4proto udp numgen random mod 100 < {} drop",
                    impairment.loss
                );
                self.tool(end, &["nft", &rules])?;
            }
        }
        Ok(())
    }

    /// Runs `program` at an end.
    pub fn command(&self, end: End, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = crate::process::quiet("ip");
        command.args(["netns", "exec", &self.name(end)]).arg(program);
        command
    }

    /// Whether a program at an end listens at this TCP port.
    pub fn listens(&self, end: End, port: u16) -> bool {
        let sockets = self.command(end, "ss").args(["-Hlnt"]).stdout(std::process::Stdio::piped()).output();
        sockets.is_ok_and(|sockets| String::from_utf8_lossy(&sockets.stdout).contains(&format!(":{port} ")))
    }

    fn tool(&self, end: End, words: &[&str]) -> Result<(), String> {
        let mut command = Command::new("ip");
        let output = command.args(["netns", "exec", &self.name(end)]).args(words).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
    }

    fn name(&self, end: End) -> String {
        let end = match end {
            End::Left => "wire-left",
            End::Right => "wire-right",
        };
        format!("visavis-{}-{end}", self.run)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for end in [End::Left, End::Right] {
            // One that was never made is not missed.
            let _ = ip(&format!("netns del {}", self.name(end)));
        }
    }
}
