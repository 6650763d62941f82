//! One host on this machine, in a network namespace of its own.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::process::{quiet, until};

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
