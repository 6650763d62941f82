//! A screen without a monitor.

use std::process::{Command, Stdio};

use crate::process::Group;

/// An X server of its own; a window on it is neither covered nor throttled.
pub struct Display {
    _server: Group,
    name: String,
}

impl Display {
    /// Starts Xvfb with a screen of this size in pixels.
    ///
    /// # Panics
    /// If Xvfb does not come up.
    pub fn start(width: u32, height: u32) -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"]);
        let mut server = Group::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
        let number = server.lines().next().expect("Xvfb says its display");
        Self { _server: server, name: format!(":{}", number.trim()) }
    }

    /// The value of `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
