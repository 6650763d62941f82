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

    /// The pixels of a window, or of all that this screen shows (`root`).
    pub fn pixels(&self, window: &str) -> Option<Pixels> {
        // A number that is not hexadecimal is taken for a title, and a title that nobody has for a wish to point at a window.
        let window = window.parse::<u64>().map_or_else(|_| window.to_owned(), |id| format!("{id:#x}"));
        let output = self.command("import").args(["-silent", "-window", &window, "ppm:-"]).output().expect("ImageMagick is installed");
        Pixels::read(&output.stdout)
    }

    /// Saves all that this screen shows.
    ///
    /// # Panics
    /// If it cannot be saved.
    pub fn photograph(&self, name: &str) {
        let path = crate::output().join(format!("{name}.png"));
        let done = self.command("import").args(["-silent", "-window", "root"]).arg(path).status();
        assert!(done.expect("ImageMagick is installed").success(), "a picture of the whole screen");
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
    /// Reads a binary PPM as ImageMagick writes it: a header of four words, then three bytes a pixel.
    fn read(ppm: &[u8]) -> Option<Self> {
        let mut parts = ppm.splitn(4, |byte| byte.is_ascii_whitespace());
        let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<usize>().ok();
        let [width, height] = match number() {
            None => [number()?, number()?],
            Some(_) => return None,
        };
        let rest = parts.next()?.strip_prefix(b"255\n")?;
        (rest.len() == width * height * 3).then(|| Self { width, height, rgb: rest.to_vec() })
    }

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
    fn a_picture_is_read_as_imagemagick_writes_it() {
        let pixels = Pixels::read(b"P6\n2 1\n255\n\x00\x00\x00\xff\xff\xff").expect("a picture");
        assert_eq!((pixels.width, pixels.height, pixels.brightness()), (2, 1, 127.5));
        let other = Pixels::read(b"P6\n2 1\n255\n\x00\x00\x00\x00\x00\x00").expect("a picture");
        assert_eq!(pixels.difference(&other), 0.5);
        assert_eq!(Pixels::read(b"P6\n2 2\n255\n\x00\x00\x00\xff\xff\xff"), None);
        assert_eq!(Pixels::read(b""), None);
    }
}
