//! Three hosts on this machine, in network namespaces: two that see only the third.
//!
//! ```text
//! left 10.78.1.2 ── 10.78.1.1 ┐
//!                             middle, also 10.78.0.1; forwards nothing
//! right 10.78.2.2 ─ 10.78.2.1 ┘
//! ```

use std::process::Command;

use crate::namespace::{Bottleneck, Namespace, ip};

/// Where both sides reach the middle.
pub const MIDDLE: &str = "10.78.0.1";
pub const MIDDLE_IPV6: &str = "fd78::1";

/// The middle's end of the link to a side.
const FAR: [&str; 2] = ["to-left", "to-right"];

/// One of the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Left,
    Middle,
    Right,
}

/// The hosts; dropping them takes them down, after everything that runs on them should have ended.
pub struct Hosts {
    left: Namespace,
    middle: Namespace,
    right: Namespace,
    /// The middle's address.
    address: &'static str,
}

impl Hosts {
    /// Sets the hosts up. The error is why this machine cannot: it takes root, and a kernel with namespaces.
    pub fn up() -> Result<Self, String> {
        let hosts = Self::linked(MIDDLE)?;
        ip(&format!("-n {} addr add {MIDDLE}/32 dev lo", hosts.name(Host::Middle)))?;
        for (side, subnet, far) in [(Host::Left, 1, FAR[0]), (Host::Right, 2, FAR[1])] {
            let (side, middle) = (hosts.name(side), hosts.name(Host::Middle));
            ip(&format!("-n {side} addr add 10.78.{subnet}.2/24 dev eth"))?;
            ip(&format!("-n {middle} addr add 10.78.{subnet}.1/24 dev {far}"))?;
            ip(&format!("-n {side} route add {MIDDLE}/32 via 10.78.{subnet}.1"))?;
        }
        Ok(hosts)
    }

    /// The same without any IPv4, and with a middle that forwards: fd78:0:0:1::2 reaches fd78:0:0:2::2.
    pub fn up_ipv6() -> Result<Self, String> {
        let hosts = Self::linked(MIDDLE_IPV6)?;
        let middle = hosts.name(Host::Middle);
        ip(&format!("netns exec {middle} sysctl -q -w net.ipv6.conf.all.forwarding=1"))?;
        ip(&format!("-n {middle} addr add {MIDDLE_IPV6}/128 dev lo nodad"))?;
        for (side, subnet, far) in [(Host::Left, 1, FAR[0]), (Host::Right, 2, FAR[1])] {
            let side = hosts.name(side);
            // Nobody else is on the link, and an address is of no use while others might have it.
            ip(&format!("-n {side} addr add fd78:0:0:{subnet}::2/64 dev eth nodad"))?;
            ip(&format!("-n {middle} addr add fd78:0:0:{subnet}::1/64 dev {far} nodad"))?;
            ip(&format!("-n {side} route add default via fd78:0:0:{subnet}::1"))?;
        }
        Ok(hosts)
    }

    /// Hosts with links between them and no addresses.
    fn linked(address: &'static str) -> Result<Self, String> {
        let hosts = Self { left: Namespace::add("left")?, middle: Namespace::add("middle")?, right: Namespace::add("right")?, address };
        let [left, middle, right] = [Host::Left, Host::Middle, Host::Right].map(|host| hosts.name(host));
        for (side, far) in [(left, FAR[0]), (right, FAR[1])] {
            ip(&format!("link add eth netns {side} type veth peer name {far} netns {middle}"))?;
            ip(&format!("-n {side} link set eth up"))?;
            ip(&format!("-n {middle} link set {far} up"))?;
        }
        Ok(hosts)
    }

    /// The middle's address and a port there.
    pub fn middle(&self, port: &str) -> String {
        if self.address.contains(':') { format!("[{}]:{port}", self.address) } else { format!("{}:{port}", self.address) }
    }

    /// The same with a middle that forwards, so that both sides reach each other.
    pub fn up_routed() -> Result<Self, String> {
        let hosts = Self::up()?;
        ip(&format!("netns exec {} sysctl -q -w net.ipv4.ip_forward=1", hosts.name(Host::Middle)))?;
        for (side, subnet) in [(Host::Left, 1), (Host::Right, 2)] {
            ip(&format!("-n {} route add default via 10.78.{subnet}.1", hosts.name(side)))?;
        }
        Ok(hosts)
    }

    /// Drops all UDP between the sides and the middle, and through it.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn block_udp(&self) {
        for rule in [
            "add table inet blocked",
            "add chain inet blocked in { type filter hook input priority 0 ; }",
            "add rule inet blocked in iifname != lo meta l4proto udp drop",
            "add chain inet blocked through { type filter hook forward priority 0 ; }",
            "add rule inet blocked through meta l4proto udp drop",
        ] {
            let done = self.command(Host::Middle, "nft").args(rule.split(' ')).status();
            assert!(done.is_ok_and(|status| status.success()), "nft {rule}");
        }
    }

    /// Lets no more than this pass from the middle to a side. The error is what the kernel's tools say.
    pub fn narrow(&self, side: Host, bottleneck: Bottleneck) -> Result<(), String> {
        self.middle.narrow(FAR[usize::from(side == Host::Right)], Some(bottleneck))
    }

    /// Gives a side another address instead of the one it has, as a new lease does: 10.78.1.`host` on the left.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn move_to(&self, side: Host, host: u8) {
        let subnet = if side == Host::Left { 1 } else { 2 };
        let name = self.name(side);
        for change in [
            "addr flush dev eth scope global".to_owned(),
            format!("addr add 10.78.{subnet}.{host}/24 dev eth"),
            format!("route add {MIDDLE}/32 via 10.78.{subnet}.1"),
            format!("route add default via 10.78.{subnet}.1"),
        ] {
            ip(&format!("-n {name} {change}")).expect("a host's address can be changed");
        }
    }

    /// Runs `program` on a host.
    pub fn command(&self, host: Host, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.of(host).command(program)
    }

    /// Waits until a program listens at a host's port: `protocol` is `-t` or `-u`.
    ///
    /// # Panics
    /// If none does within a minute.
    pub async fn until_open(&self, host: Host, protocol: &str, port: &str) {
        self.of(host).until_open(protocol, port).await;
    }

    fn of(&self, host: Host) -> &Namespace {
        match host {
            Host::Left => &self.left,
            Host::Middle => &self.middle,
            Host::Right => &self.right,
        }
    }

    fn name(&self, host: Host) -> &str {
        self.of(host).name()
    }
}
