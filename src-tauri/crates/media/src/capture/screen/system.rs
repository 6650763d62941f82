//! How a screen is read: X11, macOS and Windows by xcap. On Wayland a program sees its own windows only.
//!
//! Invariant: a defect of the library under it becomes an error: it indexes into what the desktop answers, and a desktop may answer
//! anything. On X11 it leaves out the pointer, which is drawn here, and shows what covers a window unless the desktop composes its windows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use xcap::{Monitor, Window, XCapError, image};

#[cfg(target_os = "linux")]
use super::pointer::Pointer;
use super::{Grab, Kind, Look, Picture};
use crate::capture::Error;

/// How long a screen may be unreadable before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that can be shared.
pub(super) struct Found {
    pub id: String,
    pub kind: Kind,
    pub title: String,
    pub app: String,
    pub width: u32,
    pub height: u32,
    pub grab: Box<dyn Grab>,
}

/// Why this desktop shows nothing to a program.
#[derive(Debug, thiserror::Error)]
enum Blind {
    #[error("the desktop runs on Wayland, which lets no program see the screen")]
    Wayland,
    #[error("there is no display")]
    NoDisplay,
    #[error("the display cannot be read: {0}")]
    Unreadable(XCapError),
    #[error("a defect in reading the display")]
    Defect,
}

/// Screens first, then windows, those in front first.
pub(super) fn all() -> Result<Vec<Found>, Error> {
    check()?;
    let blind = |error| Error::NoScreens { source: Blind::Unreadable(error).into() };
    let monitors = guarded(Monitor::all)?.map_err(blind)?;
    // Without a window manager there is no list of windows; whole screens there are.
    let windows = guarded(Window::all)?.inspect_err(|error| tracing::debug!(%error, "windows are not listed")).unwrap_or_default();
    let monitors = monitors.into_iter().filter_map(|monitor| guarded(|| of_monitor(monitor)).ok().flatten());
    let windows = windows.into_iter().filter_map(|window| guarded(|| of_window(window)).ok().flatten());
    Ok(monitors.chain(windows).collect())
}

/// What has this id, to be read.
pub(super) fn open(id: &str) -> Result<Box<dyn Grab>, Error> {
    all()?.into_iter().find(|found| found.id == id).map(|found| found.grab).ok_or_else(|| Error::NotFound { device: id.to_owned() })
}

fn of_monitor(monitor: Monitor) -> Option<Found> {
    let id = format!("{}{}", Kind::Screen.prefix(), monitor.id().ok()?);
    let (width, height) = (monitor.width().ok()?, monitor.height().ok()?);
    let title = monitor.friendly_name().or_else(|_| monitor.name()).unwrap_or_default();
    let grab = Box::new(Eye::new(id.clone(), Thing::Monitor(monitor)));
    Some(Found { id, kind: Kind::Screen, title, app: String::new(), width, height, grab })
}

fn of_window(window: Window) -> Option<Found> {
    let id = format!("{}{}", Kind::Window.prefix(), window.id().ok()?);
    let (width, height) = (window.width().ok()?, window.height().ok()?);
    let (title, app) = (window.title().unwrap_or_default(), window.app_name().unwrap_or_default());
    let grab = Box::new(Eye::new(id.clone(), Thing::Window(window)));
    Some(Found { id, kind: Kind::Window, title, app, width, height, grab })
}

/// Whether this desktop lets programs see its screens at all.
fn check() -> Result<(), Error> {
    let is = |name: &str, value: Option<&str>| std::env::var(name).is_ok_and(|text| value.map_or(!text.is_empty(), |value| text == value));
    let blind = if !cfg!(target_os = "linux") {
        None
    } else if is("XDG_SESSION_TYPE", Some("wayland")) || is("WAYLAND_DISPLAY", None) {
        Some(Blind::Wayland)
    } else if !is("DISPLAY", None) {
        Some(Blind::NoDisplay)
    } else {
        None
    };
    blind.map_or(Ok(()), |blind| Err(Error::NoScreens { source: blind.into() }))
}

/// Runs the library; a panic in it is an error.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Error::NoScreens { source: Blind::Defect.into() })
}

enum Thing {
    Monitor(Monitor),
    Window(Window),
}

impl Thing {
    fn read(&self) -> Result<image::RgbaImage, XCapError> {
        match self {
            Self::Monitor(monitor) => monitor.capture_image(),
            Self::Window(window) => window.capture_image(),
        }
    }

    /// Whether the desktop still has it.
    fn is_there(&self) -> bool {
        match self {
            Self::Monitor(monitor) => {
                let same = |other: &Monitor| other.id().ok() == monitor.id().ok();
                Monitor::all().is_ok_and(|all| all.iter().any(same))
            }
            Self::Window(window) => {
                let same = |other: &Window| other.id().ok() == window.id().ok();
                Window::all().is_ok_and(|all| all.iter().any(same))
            }
        }
    }

    /// A window's X id, or where a screen begins on the desktop.
    #[cfg(target_os = "linux")]
    fn place(&self) -> Option<(Option<u32>, (i32, i32))> {
        match self {
            Self::Window(window) => Some((Some(window.id().ok()?), (0, 0))),
            Self::Monitor(monitor) => {
                // The library divides by what it takes for the scale.
                let scale = monitor.scale_factor().ok()?;
                let physical = |at: i32| (at as f32 * scale).round() as i32;
                Some((None, (physical(monitor.x().ok()?), physical(monitor.y().ok()?))))
            }
        }
    }

    fn is_minimised(&self) -> bool {
        matches!(self, Self::Window(window) if window.is_minimized().unwrap_or(false))
    }
}

/// A screen or window, read again and again.
struct Eye {
    id: String,
    thing: Thing,
    /// Since when it cannot be read.
    unreadable: Option<Instant>,
    #[cfg(target_os = "linux")]
    pointer: Aim,
}

/// The pointer, looked for when something is read for the second time: a list of all there is does without.
#[cfg(target_os = "linux")]
enum Aim {
    Unread,
    Read,
    Found(Option<Box<Pointer>>),
}

impl Eye {
    fn new(id: String, thing: Thing) -> Self {
        Self {
            id,
            thing,
            unreadable: None,
            #[cfg(target_os = "linux")]
            pointer: Aim::Unread,
        }
    }

    #[cfg(target_os = "linux")]
    fn point(&mut self, picture: &mut Picture) {
        let pointer = match &self.pointer {
            Aim::Unread => return self.pointer = Aim::Read,
            Aim::Read => {
                self.pointer = Aim::Found(Pointer::find().map(Box::new));
                return self.point(picture);
            }
            Aim::Found(pointer) => pointer,
        };
        let (Some(pointer), Some((window, origin))) = (pointer, self.thing.place()) else { return };
        pointer.draw(picture, window, origin);
    }

    /// Other systems draw it themselves.
    #[cfg(not(target_os = "linux"))]
    fn point(&mut self, _: &mut Picture) {}
}

impl Grab for Eye {
    fn look(&mut self) -> Result<Look, Error> {
        let error = match guarded(|| self.thing.read())? {
            Ok(image) => {
                self.unreadable = None;
                let (width, height) = image.dimensions();
                let mut picture = Picture { width, height, pixels: image.into_raw() };
                self.point(&mut picture);
                return Ok(Look::Picture(picture));
            }
            Err(error) => error,
        };
        // It is gone, or its window was just resized, minimised or moved out of sight.
        if !guarded(|| self.thing.is_there())? {
            return Err(Error::NotFound { device: self.id.clone() });
        }
        let since = *self.unreadable.get_or_insert_with(Instant::now);
        let is_window = matches!(self.thing, Thing::Window(_));
        if is_window || since.elapsed() < PATIENCE || guarded(|| self.thing.is_minimised())? {
            return Ok(Look::Hidden);
        }
        Err(Error::Failed { device: self.id.clone(), source: error.into() })
    }
}

/// RGBA as a PNG.
pub(super) fn png(width: u32, height: u32, rgba: &[u8]) -> Option<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive);
    encoder.write_image(rgba, width, height, ExtendedColorType::Rgba8).ok()?;
    Some(png)
}
