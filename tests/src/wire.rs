//! Two hosts on this machine with a wire between them, in network namespaces: what crosses it can be lost, or wait.
//!
//! ```text
//! left 10.79.0.1 eth ── to-left [bridge] to-right ── eth right 10.79.0.2
//! ```
//!
//! What waits does so in the middle, as in a router: in a host's own queue, the host would see how much of a download waits there, and
//! hold the rest back.

use std::{net::IpAddr, process::Command, time::Duration};

pub use crate::namespace::Bottleneck;
use crate::{
    jitter::Relay,
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
    pub bottleneck: Option<Bottleneck>,
    /// The longest that a packet is held, in ms: each waits for a time of its own, and may be overtaken.
    pub jitter_ms: u32,
}

/// Where the service of a call listens, at the left.
const PORT: &str = "47880";

/// The hosts and their wire; dropping it takes them down, after everything that runs on them should have ended.
pub struct Wire {
    left: Namespace,
    right: Namespace,
    middle: Middle,
}

/// What is between the hosts.
enum Middle {
    Bridge(Namespace),
    /// Packets then wait at the host that sends them.
    Relay {
        _relay: Relay,
    },
}

impl Wire {
    /// Sets the hosts up, with a wire that does this. The error is why this machine cannot: it takes root, and a kernel with namespaces
    /// and queues.
    pub fn up(impairment: Impairment) -> Result<Self, String> {
        let (left, right) = (Namespace::add("wire-left")?, Namespace::add("wire-right")?);
        let middle = if impairment.jitter_ms > 0 {
            Middle::Relay { _relay: Relay::between(&left, &right, Duration::from_millis(impairment.jitter_ms.into()))? }
        } else {
            Middle::Bridge(bridge(&left, &right)?)
        };
        let wire = Self { left, right, middle };
        for (host, address) in [(&wire.left, LEFT), (&wire.right, RIGHT)] {
            host.ip(&format!("addr add {address}/24 dev eth"))?;
            host.ip("link set eth up")?;
        }
        wire.impair(impairment)?;
        Ok(wire)
    }

    /// The same for a test of this name; none, which is said, where this is no live run or the machine cannot have it.
    pub fn live(name: &str, impairment: Impairment) -> Option<Self> {
        if !crate::live(name) {
            return None;
        }
        Self::up(impairment).inspect_err(|why| eprintln!("skipped: {name} (this machine cannot have such a network: {why})")).ok()
    }

    /// Makes the wire lose and hold back this and nothing else from now on; its jitter stays. The error is what the kernel's tools say.
    pub fn impair(&self, impairment: Impairment) -> Result<(), String> {
        for end in [End::Left, End::Right] {
            let (place, interface) = self.queue(end);
            place.narrow(interface, impairment.bottleneck)?;
            let host = self.host(end);
            let tool = |program: &str, words: &str| said(host.command(program).args(words.split(' ')));
            // What was never set is not missed.
            let _ = tool("nft", "delete table inet wire");
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

    /// Where what this end sends waits: a host and its interface.
    pub fn queue(&self, end: End) -> (&Namespace, &'static str) {
        match (&self.middle, end) {
            (Middle::Bridge(bridge), End::Left) => (bridge, "to-right"),
            (Middle::Bridge(bridge), End::Right) => (bridge, "to-left"),
            (Middle::Relay { .. }, _) => (self.host(end), "eth"),
        }
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

    /// The address of an end.
    pub fn address(end: End) -> IpAddr {
        let address = if end == End::Left { LEFT } else { RIGHT };
        address.parse().expect("an address")
    }

    /// The URL of [`service`](Self::service), for clients at either end.
    pub fn server() -> String {
        format!("ws://{LEFT}:{PORT}")
    }

    /// Runs `program` at an end.
    pub fn command(&self, end: End, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.host(end).command(program)
    }

    /// The host at an end.
    pub fn host(&self, end: End) -> &Namespace {
        match end {
            End::Left => &self.left,
            End::Right => &self.right,
        }
    }
}

/// A third host that gives both an `eth` and passes on what comes.
fn bridge(left: &Namespace, right: &Namespace) -> Result<Namespace, String> {
    let bridge = Namespace::add("wire-bridge")?;
    bridge.ip("link add name bridge type bridge")?;
    bridge.ip("link set bridge up")?;
    for (host, port) in [(left, "to-left"), (right, "to-right")] {
        ip(&format!("link add eth netns {} type veth peer name {port} netns {}", host.name(), bridge.name()))?;
        bridge.ip(&format!("link set {port} master bridge up"))?;
    }
    Ok(bridge)
}
