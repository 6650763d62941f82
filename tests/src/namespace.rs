//! One host on this machine, in a network namespace of its own.

use std::{
    fs, io,
    os::fd::AsFd,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::{quiet, until};

/// A link that is slower than its senders: what passes in kb/s, behind a queue that holds so many ms and drops what comes when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    pub kbps: u32,
    pub queue_ms: u32,
}

/// A host; dropping it takes it down, after everything that runs on it should have ended.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Sets up a host that has nothing but its loopback; `role` is a part of its name. The error is why this machine cannot: it takes
    /// root, and a kernel with namespaces.
    pub fn add(role: &str) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Told apart from those of other tests and runs.
        let name = format!("visavis-{}-{}-{role}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let host = Self { name };
        ip(&format!("netns add {}", host.name))?;
        host.ip("link set lo up")?;
        Ok(host)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` with these words on the host; the error is what it says.
    pub fn ip(&self, arguments: &str) -> Result<(), String> {
        ip(&format!("-n {} {arguments}", self.name))
    }

    /// Runs `program` on the host.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = quiet("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs `work` as on the host: the sockets that it opens and the programs that it starts are there.
    ///
    /// # Errors
    /// If this process may not go there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let there = || enter(&self.name).map(|()| work());
        std::thread::scope(|scope| scope.spawn(there).join()).expect("work on a host does not panic")
    }

    /// Lets no more than this out of an interface from now on; what waits there goes on waiting. The error is what the kernel's tools say.
    pub fn narrow(&self, interface: &str, bottleneck: Option<Bottleneck>) -> Result<(), String> {
        let tc = |words: &str| said(self.command("tc").args(words.split(' ')));
        let Some(Bottleneck { kbps, queue_ms }) = bottleneck else {
            // One that was never narrow is wide already.
            let _ = tc(&format!("qdisc del dev {interface} root"));
            return Ok(());
        };
        // Under the same handle it is changed, else made.
        tc(&format!("qdisc replace dev {interface} root handle 1: tbf rate {kbps}kbit burst 6kb latency {queue_ms}ms"))
    }

    /// Waits until a program listens at a port: `protocol` is `-t` or `-u`.
    ///
    /// # Panics
    /// If none does within a minute.
    pub async fn until_open(&self, protocol: &str, port: &str) {
        until(&format!("port {port} is open"), Duration::from_secs(60), async || {
            let sockets = self.command("ss").args(["-Hln", protocol]).stdout(Stdio::piped()).output();
            let listed = String::from_utf8(sockets.expect("ss runs").stdout).expect("addresses are ASCII");
            listed.contains(&format!(":{port} ")).then_some(())
        })
        .await;
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // One that was never made is not missed.
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// Makes this thread one of a host's, for good.
///
/// # Errors
/// If this process may not.
pub fn enter(name: &str) -> io::Result<()> {
    let host = fs::File::open(format!("/run/netns/{name}"))?;
    Ok(move_into_link_name_space(host.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Runs `ip` with these words; the error is what it says.
pub fn ip(arguments: &str) -> Result<(), String> {
    said(Command::new("ip").args(arguments.split(' ')))
}

/// Runs a command to its end; the error is what it says.
pub fn said(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
