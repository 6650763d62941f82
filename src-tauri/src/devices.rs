//! Which devices there are, and when that changes.

use std::{path::Path, time::Duration};

use tokio::sync::watch;

use crate::{
    media::{capture, playback},
    types::{Device, Devices},
};

/// How often the system is asked whether devices came or went.
const LOOK: Duration = Duration::from_secs(2);

/// The devices of this machine. Clones share one watcher.
#[derive(Clone)]
pub struct Catalogue {
    found: watch::Receiver<Found>,
}

/// What was found the last time anybody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub cameras: Vec<Device>,
    pub microphones: Vec<Device>,
    pub speakers: Vec<Device>,
}

impl Catalogue {
    /// Looks once now, and again whenever the system's device nodes change. Must be called inside a tokio runtime.
    pub fn start() -> Self {
        let (report, found) = watch::channel(Found::default());
        tokio::spawn(watch_nodes(report));
        Self { found }
    }

    /// A catalogue that never changes.
    #[cfg(test)]
    pub fn empty() -> Self {
        Self { found: watch::channel(Found::default()).1 }
    }

    /// Waits for the next change; for ever if there can be none.
    pub async fn changed(&mut self) {
        if self.found.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn watch_nodes(report: watch::Sender<Found>) {
    let mut known = None;
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let now = nodes();
        if known.as_ref() != Some(&now) {
            known = Some(now);
            let found = look_now().await;
            report.send_if_modified(|current| {
                *current != found && {
                    *current = found;
                    true
                }
            });
        }
        if report.is_closed() {
            return;
        }
    }
}

/// The names of the system's device nodes: cheap to read, unlike the devices themselves, which have to be opened. Empty where the
/// system has none (macOS, Windows): there the devices are looked up only when the page asks.
fn nodes() -> Vec<String> {
    let names = |folder: &str, prefix: &str| {
        let entries = std::fs::read_dir(Path::new(folder)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(prefix)).collect::<Vec<_>>()
    };
    let mut all = names("/dev", "video");
    all.extend(names("/dev/snd", ""));
    all.sort_unstable();
    all
}

/// Looks at the devices themselves. This can take a while, so it runs beside everything else.
pub async fn look_now() -> Found {
    let looking = tokio::task::spawn_blocking(|| {
        let list =
            |devices: Vec<capture::Device>| devices.into_iter().map(|device| Device { id: device.id, label: device.label }).collect();
        Found { cameras: list(capture::cameras()), microphones: list(capture::microphones()), speakers: list(playback::speakers()) }
    });
    looking.await.unwrap_or_else(|error| {
        tracing::error!(%error, "listing devices failed");
        Found::default()
    })
}

/// The page's lists: what the app was started with comes first, then what is really there, then what is made up.
pub fn listed(found: Found, camera: Option<&str>, microphone: Option<&str>) -> Devices {
    Devices {
        cameras: with_start(found.cameras, "pattern", camera, "camera"),
        microphones: with_start(found.microphones, "tone", microphone, "microphone"),
        speakers: found.speakers,
    }
}

fn with_start(mut devices: Vec<Device>, made_up: &str, start: Option<&str>, kind: &str) -> Vec<Device> {
    let first = match start {
        Some("none") => Some(Device { id: "none".into(), label: format!("No {kind}") }),
        Some(id) => Some(devices.iter().find(|device| device.id == id).cloned().unwrap_or_else(|| unlisted(id))),
        // Who has no device should learn so, and not send a test picture unasked.
        None if devices.iter().all(|device| device.id == made_up) => {
            Some(Device { id: "default".into(), label: format!("No {kind} found") })
        }
        None => None,
    };
    if let Some(first) = first {
        devices.retain(|device| device.id != first.id);
        devices.insert(0, first);
    }
    devices
}

/// A file, or a device that is not plugged in.
fn unlisted(id: &str) -> Device {
    let name = id.rsplit(['/', '\\', ':']).next().unwrap_or(id);
    Device { id: id.to_owned(), label: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str) -> Device {
        Device { id: id.into(), label: id.into() }
    }

    fn ids(devices: &[Device]) -> Vec<&str> {
        devices.iter().map(|device| device.id.as_str()).collect()
    }

    fn found() -> Found {
        Found { cameras: vec![device("camera:A"), device("pattern")], microphones: vec![device("tone")], speakers: vec![] }
    }

    #[test]
    fn what_the_app_was_started_with_comes_first() {
        let devices = listed(found(), Some("file:/clips/a.y4m"), Some("tone"));
        assert_eq!(ids(&devices.cameras), ["file:/clips/a.y4m", "camera:A", "pattern"]);
        assert_eq!(devices.cameras[0].label, "a.y4m");
        assert_eq!(ids(&devices.microphones), ["tone"]);
        assert_eq!(ids(&listed(found(), Some("pattern"), None).cameras), ["pattern", "camera:A"]);
        assert_eq!(ids(&listed(found(), Some("none"), None).cameras), ["none", "camera:A", "pattern"]);
    }

    #[test]
    fn who_has_no_device_is_not_given_a_made_up_one_unasked() {
        let devices = listed(found(), None, None);
        assert_eq!(ids(&devices.cameras), ["camera:A", "pattern"]);
        assert_eq!(ids(&devices.microphones), ["default", "tone"]);
        assert_eq!(devices.microphones[0].label, "No microphone found");
    }
}
