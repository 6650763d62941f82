//! A screen without a monitor.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use crate::process::{Group, logged, until};

/// How long a window manager may take to take over.
const PATIENCE: Duration = Duration::from_secs(30);

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

    /// A command for this display.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).stdin(Stdio::null());
        command
    }

    /// A window manager, once it has taken over: a window that comes while it starts may never be shown.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn manage(&self) -> Group {
        let ready = self.file("manager.ready");
        let _ = std::fs::remove_file(&ready);
        let mut command = logged("openbox", &self.file("manager.log"));
        let startup = format!("touch '{}'", ready.display());
        let manager = Group::start(command.arg("--startup").arg(startup).env("DISPLAY", &self.name));
        until("the window manager has started", PATIENCE, async || ready.exists().then_some(())).await;
        let _ = std::fs::remove_file(&ready);
        manager
    }

    /// A file of this display's own, among what tests leave.
    fn file(&self, name: &str) -> PathBuf {
        crate::output().join(format!("display{}-{name}", self.name.replace(':', "-")))
    }

    /// Has xdotool do something, and answers what it says; none if it fails, as it does where there is no such window.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = self.command("xdotool").args(arguments).output().expect("xdotool is installed");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The pixels of a part of what this screen shows: where it begins, and its size.
    pub fn pixels(&self, (x, y): (i32, i32), (width, height): (i32, i32)) -> Option<Pixels> {
        let output = self.grab((x, y), (width, height)).args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output();
        let rgb = output.expect("ffmpeg is installed").stdout;
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        (rgb.len() == width * height * 3).then_some(Pixels { width, height, rgb })
    }

    /// Saves all that this screen shows.
    ///
    /// # Panics
    /// If it cannot be saved.
    pub fn photograph(&self, name: &str) {
        let size = self.xdotool(&["getdisplaygeometry"]).expect("a screen has a size");
        let (width, height) = size.split_once(' ').expect("a width and a height");
        let size = (width.parse().expect("a number"), height.parse().expect("a number"));
        let done = self.grab((0, 0), size).arg("-y").arg(crate::output().join(format!("{name}.png"))).status();
        assert!(done.expect("ffmpeg is installed").success(), "a picture of the whole screen");
    }

    fn grab(&self, (x, y): (i32, i32), (width, height): (i32, i32)) -> Command {
        let mut ffmpeg = self.command("ffmpeg");
        let (size, place) = (format!("{width}x{height}"), format!("{}+{x},{y}", self.name));
        ffmpeg.args(["-v", "error", "-f", "x11grab", "-video_size", &size, "-i", &place, "-frames:v", "1"]);
        ffmpeg
    }
}

/// A picture: rows of red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    /// How bright it is, 0 to 255.
    pub fn brightness(&self) -> f64 {
        self.rgb.iter().map(|value| f64::from(*value)).sum::<f64>() / self.rgb.len().max(1) as f64
    }

    /// The share of pixels that another picture of the same size has otherwise, clearly; 1 where the sizes differ.
    pub fn difference(&self, other: &Self) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 1.0;
        }
        let differs = |(one, other): (&[u8; 3], &[u8; 3])| (0..3).any(|at| one[at].abs_diff(other[at]) > 24);
        let (one, other) = (self.rgb.as_chunks::<3>().0, other.rgb.as_chunks::<3>().0);
        one.iter().zip(other).filter(|pair| differs(*pair)).count() as f64 / one.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_bright_and_differs_as_an_eye_would_say() {
        let picture = |rgb: [u8; 6]| Pixels { width: 2, height: 1, rgb: rgb.to_vec() };
        let half = picture([0, 0, 0, 255, 255, 255]);
        assert_eq!(half.brightness(), 127.5);
        assert_eq!(half.difference(&picture([10, 0, 0, 0, 0, 0])), 0.5);
    }
}
