//! Three hosts on this machine, in network namespaces: two that see only the third.
//!
//! ```text
//! left 10.78.1.2 ── 10.78.1.1 ┐
//!                             middle, also 10.78.0.1; forwards nothing
//! right 10.78.2.2 ─ 10.78.2.1 ┘
//! ```

use std::process::Command;

/// Where both sides reach the middle.
pub const MIDDLE: &str = "10.78.0.1";

/// One of the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Left,
    Middle,
    Right,
}

/// The hosts; dropping them takes them down, after everything that runs on them should have ended.
pub struct Hosts {
    /// Tells the namespaces of several test runs apart.
    run: u32,
}

impl Hosts {
    /// Sets the hosts up. The error is why this machine cannot: it takes root, and a kernel with namespaces.
    pub fn up() -> Result<Self, String> {
        let hosts = Self { run: std::process::id() };
        let [left, middle, right] = [Host::Left, Host::Middle, Host::Right].map(|host| hosts.name(host));
        for name in [&left, &middle, &right] {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        ip(&format!("-n {middle} addr add {MIDDLE}/32 dev lo"))?;
        for (side, subnet, far) in [(&left, 1, "to-left"), (&right, 2, "to-right")] {
            ip(&format!("link add eth netns {side} type veth peer name {far} netns {middle}"))?;
            ip(&format!("-n {side} addr add 10.78.{subnet}.2/24 dev eth"))?;
            ip(&format!("-n {middle} addr add 10.78.{subnet}.1/24 dev {far}"))?;
            ip(&format!("-n {side} link set eth up"))?;
            ip(&format!("-n {middle} link set {far} up"))?;
            ip(&format!("-n {side} route add {MIDDLE}/32 via 10.78.{subnet}.1"))?;
        }
        Ok(hosts)
    }

    /// Runs `program` on a host.
    pub fn command(&self, host: Host, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = crate::process::quiet("ip");
        command.args(["netns", "exec", &self.name(host)]).arg(program);
        command
    }

    fn name(&self, host: Host) -> String {
        let host = match host {
            Host::Left => "left",
            Host::Middle => "middle",
            Host::Right => "right",
        };
        format!("visavis-{}-{host}", self.run)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in [Host::Left, Host::Middle, Host::Right] {
            // One that was never made is not missed.
            let _ = ip(&format!("netns del {}", self.name(host)));
        }
    }
}

/// Runs `ip` with these words; the error is what it says.
pub(crate) fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
