//! Which devices there are, and when that changes.

use std::{path::Path, time::Duration};

use tokio::sync::watch;

use crate::{
    events::PageEvent,
    media::{capture, playback},
    types::{Device, DeviceChange, Devices, Presence},
};

/// How often the system is asked whether devices came or went.
const LOOK: Duration = Duration::from_secs(2);

/// Where devices have no nodes, they are looked up at each so manieth time.
const UNASKED: u32 = 3;

/// The devices of this machine. Clones share one watcher.
#[derive(Clone)]
pub struct Catalogue {
    found: watch::Receiver<Found>,
    /// What this holder was told last; none before the first time.
    known: Option<Found>,
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
        Self { found, known: None }
    }

    /// A catalogue that never changes.
    #[cfg(test)]
    pub fn empty() -> Self {
        Self { found: watch::channel(Found::default()).1, known: None }
    }

    /// Whether there is this speaker, as far as is known.
    pub fn has_speaker(&self, id: &str) -> bool {
        self.found.borrow().speakers.iter().any(|speaker| speaker.id == id)
    }

    /// Waits for the next change, for ever if there can be none; answers which devices came and went.
    pub async fn changed(&mut self) -> Vec<PageEvent> {
        if self.found.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let now = self.found.borrow_and_update().clone();
        let before = self.known.replace(now.clone());
        before.map(|before| changes(&before, &now)).unwrap_or_default()
    }
}

/// What came and went: gone ones first.
fn changes(before: &Found, now: &Found) -> Vec<PageEvent> {
    let of = |before: &[Device], now: &[Device], event: fn(DeviceChange) -> PageEvent| {
        let missing = |from: &[Device], state: Presence| {
            let there = |device: &&Device| !from.iter().any(|other| other.id == device.id);
            let those = if state == Presence::Active { now } else { before };
            those.iter().filter(there).map(|device| event(DeviceChange { state, device: device.clone() })).collect::<Vec<_>>()
        };
        [missing(now, Presence::Inactive), missing(before, Presence::Active)].concat()
    };
    [
        of(&before.cameras, &now.cameras, PageEvent::CameraChanged),
        of(&before.microphones, &now.microphones, PageEvent::RecordingDeviceChanged),
        of(&before.speakers, &now.speakers, PageEvent::PlayoutDeviceChanged),
    ]
    .concat()
}

async fn watch_nodes(report: watch::Sender<Found>) {
    let (mut known, mut round) = (None, 0);
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        round = (round + 1) % UNASKED;
        let now = nodes();
        // A sound server has devices without nodes, and tells them without opening any; other systems have no nodes at all.
        let unasked = playback::has_server() || !cfg!(target_os = "linux") && round == 0;
        if unasked || known.as_ref() != Some(&now) {
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
    fn a_device_that_goes_and_one_that_comes_are_told_each_by_its_kind() {
        let now = Found { cameras: vec![device("camera:B"), device("pattern")], speakers: vec![device("speaker:A")], ..found() };
        let change = |state, id: &str| DeviceChange { state, device: device(id) };
        assert_eq!(
            changes(&found(), &now),
            [
                PageEvent::CameraChanged(change(Presence::Inactive, "camera:A")),
                PageEvent::CameraChanged(change(Presence::Active, "camera:B")),
                PageEvent::PlayoutDeviceChanged(change(Presence::Active, "speaker:A")),
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }

    #[tokio::test]
    async fn what_was_there_from_the_start_is_no_change() {
        let (sender, found_now) = watch::channel(Found::default());
        let mut catalogue = Catalogue { found: found_now, known: None };
        sender.send_replace(found());
        assert_eq!(catalogue.changed().await, []);
        sender.send_replace(Found { speakers: vec![device("speaker:A")], ..found() });
        assert_eq!(catalogue.changed().await.len(), 1);
    }

    #[test]
    fn who_has_no_device_is_not_given_a_made_up_one_unasked() {
        let devices = listed(found(), None, None);
        assert_eq!(ids(&devices.cameras), ["camera:A", "pattern"]);
        assert_eq!(ids(&devices.microphones), ["default", "tone"]);
        assert_eq!(devices.microphones[0].label, "No microphone found");
    }
}
