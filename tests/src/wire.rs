//! Two hosts on this machine with a wire between them, in network namespaces: what crosses it can be lost, or wait.
//!
//! ```text
//! left 10.79.0.1 ──────── right 10.79.0.2
//! ```

use std::process::Command;

use crate::{
    namespace::{Namespace, ip, said},
    process::Group,
};

/// The ends' addresses.
const LEFT: &str = "10.79.0.1";
const RIGHT: &str = "10.79.0.2";

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

/// Where the service of a call listens, at the left.
const PORT: &str = "47880";

/// The hosts and their wire; dropping it takes them down, after everything that runs on them should have ended.
pub struct Wire {
    left: Namespace,
    right: Namespace,
}

impl Wire {
    /// Sets the hosts up. The error is why this machine cannot: it takes root, and a kernel with namespaces.
    pub fn up() -> Result<Self, String> {
        let wire = Self { left: Namespace::add("wire-left")?, right: Namespace::add("wire-right")? };
        ip(&format!("link add eth netns {} type veth peer name eth netns {}", wire.left.name(), wire.right.name()))?;
        for (host, address) in [(&wire.left, LEFT), (&wire.right, RIGHT)] {
            host.ip(&format!("addr add {address}/24 dev eth"))?;
            host.ip("link set eth up")?;
        }
        Ok(wire)
    }

    /// Makes the wire do this and nothing else. The error is what the kernel's tools say.
    pub fn impair(&self, impairment: Impairment) -> Result<(), String> {
        for host in [&self.left, &self.right] {
            let tool = |program: &str, words: &str| said(host.command(program).args(words.split(' ')));
            // What was never set is not missed.
            let _ = tool("tc", "qdisc del dev eth root");
            let _ = tool("nft", "delete table inet wire");
            if let Some(Bottleneck { kbps, queue_ms }) = impairment.bottleneck {
                tool("tc", &format!("qdisc add dev eth root tbf rate {kbps}kbit burst 6kb latency {queue_ms}ms"))?;
            }
            if impairment.loss > 0 {
                tool("nft", "add table inet wire")?;
                tool("nft", "add chain inet wire arriving { type filter hook input priority 0 ; }")?;
                let rule =
                    format!("add rule inet wire arriving iifname eth meta l4proto udp numgen random mod 100 < {} drop", impairment.loss);
                tool("nft", &rule)?;
            }
        }
        Ok(())
    }

    /// A channel service at the left, once it listens.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn service(&self, arguments: &[&str]) -> Group {
        let mut command = self.command(End::Left, crate::binary("channel-server"));
        let service = Group::start(command.args(["--listen", &format!("{LEFT}:{PORT}")]).args(arguments));
        self.left.until_open("-t", PORT).await;
        service
    }

    /// The URL of [`service`](Self::service), for clients at either end.
    pub fn server() -> String {
        format!("ws://{LEFT}:{PORT}")
    }

    /// Runs `program` at an end.
    pub fn command(&self, end: End, program: impl AsRef<std::ffi::OsStr>) -> Command {
        match end {
            End::Left => &self.left,
            End::Right => &self.right,
        }
        .command(program)
    }
}
