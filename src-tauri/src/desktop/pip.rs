//! The small window that stays on top and shows one stream of a call. It is a second page of its owner's call: see [`Pips::owner_of`].

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

use crate::{app::App, error::invalid_parameter, events::PageEvent, origin, signal::Error};

/// How the labels of such windows begin; capabilities/pip.json names them.
const LABEL: &str = "pip";

/// Its size, and the least, in logical pixels; the picture is 16:9.
const SIZE: (f64, f64) = (352.0, 198.0);
const LEAST: (f64, f64) = (208.0, 117.0);

/// The distance to the corner of the monitor, in logical pixels.
const MARGIN: f64 = 24.0;

/// The longest stream id: an account has 255 characters.
const MOST_STREAM: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pip {
    label: String,
    /// The window whose call it belongs to.
    owner: String,
    stream: String,
}

/// There is one small window at most.
#[derive(Default)]
pub struct Pips {
    now: Mutex<Option<Pip>>,
    opened: AtomicU32,
}

impl Pips {
    fn get(&self) -> Option<Pip> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, pip: Option<Pip>) -> Option<Pip> {
        std::mem::replace(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner), pip)
    }

    /// The window whose call a page of this label belongs to: its own, or that of the window it was opened from.
    pub fn owner_of(&self, label: &str) -> String {
        self.get().filter(|pip| pip.label == label).map_or_else(|| label.to_owned(), |pip| pip.owner)
    }

    /// The stream to show in the window of this label.
    pub fn stream_of(&self, label: &str) -> Option<String> {
        self.get().filter(|pip| pip.label == label).map(|pip| pip.stream)
    }
}

/// Shows a stream of `owner`'s call in the small window, opening it if it is not there.
pub async fn open(handle: &AppHandle, owner: &str, stream: String) -> Result<(), Error> {
    let app = handle.state::<App>();
    if stream.is_empty() || stream.len() > MOST_STREAM {
        return Err(invalid_parameter("A stream's id is what the page has it by."));
    }
    let before = app.pips.get();
    let same = before.clone().filter(|pip| pip.owner == owner && handle.get_webview_window(&pip.label).is_some());
    let label = match &same {
        Some(pip) => pip.label.clone(),
        None => format!("{LABEL}-{}", app.pips.opened.fetch_add(1, Ordering::Relaxed) + 1),
    };
    app.pips.replace(Some(Pip { label: label.clone(), owner: owner.to_owned(), stream: stream.clone() }));
    if same.is_none() {
        if let Some(old) = before {
            retire(handle, &old).await;
        }
        if let Err(error) = build(handle, &app, &label) {
            app.pips.replace(None);
            return Err(crate::error::internal("the small window could not be opened", error));
        }
    }
    app.window(owner).call.tell(PageEvent::PipChanged { stream: Some(stream) }).await;
    Ok(())
}

/// Closes the small window, whoever asks.
pub async fn close(handle: &AppHandle) {
    if let Some(pip) = handle.state::<App>().pips.replace(None) {
        retire(handle, &pip).await;
    }
}

/// The call of the window of this label is over: what the small one showed is, too.
pub fn call_ended(handle: &AppHandle, label: &str) {
    if handle.state::<App>().pips.get().is_some_and(|pip| pip.owner == label) {
        let handle = handle.clone();
        tauri::async_runtime::spawn(async move { close(&handle).await });
    }
}

/// A window of this label is gone: a small one, whose owner is told; or an owner, without whom the small one has nothing to show.
pub fn gone(handle: &AppHandle, label: &str) {
    let app = handle.state::<App>();
    let Some(pip) = app.pips.get().filter(|pip| pip.label == label || pip.owner == label) else { return };
    app.pips.replace(None);
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move { retire(&handle, &pip).await });
}

/// Closes what is left of it, and tells its owner if that is still there.
async fn retire(handle: &AppHandle, pip: &Pip) {
    if let Some(window) = handle.get_webview_window(&pip.label)
        && let Err(error) = window.close()
    {
        tracing::debug!(%error, "the small window");
    }
    if handle.get_webview_window(&pip.owner).is_some() {
        handle.state::<App>().window(&pip.owner).call.tell(PageEvent::PipChanged { stream: None }).await;
    }
}

fn build(handle: &AppHandle, app: &App, label: &str) -> tauri::Result<()> {
    let own = origin::own(handle);
    let mut builder = WebviewWindowBuilder::new(handle, label, WebviewUrl::App("pip.html".into()))
        .title("Visavis")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(LEAST.0, LEAST.1)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .maximizable(false)
        .focused(false)
        .initialization_script(app.initialization())
        .on_navigation(move |url| own.contains(&origin::of(url)));
    // In the corner where the least is covered.
    if let Ok(Some(monitor)) = handle.primary_monitor() {
        let (area, scale) = (monitor.work_area(), monitor.scale_factor());
        let end = |from: i32, length: u32| (f64::from(from) + f64::from(length)) / scale;
        let (right, bottom) = (end(area.position.x, area.size.width), end(area.position.y, area.size.height));
        builder = builder.position(right - SIZE.0 - MARGIN, bottom - SIZE.1 - 3.0 * MARGIN);
    }
    builder.build()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_window_is_a_page_of_its_owners_call_and_of_no_other() {
        let pips = Pips::default();
        assert_eq!((pips.owner_of("pip-1").as_str(), pips.stream_of("pip-1")), ("pip-1", None));
        pips.replace(Some(Pip { label: "pip-2".into(), owner: "main-2".into(), stream: "7".into() }));
        assert_eq!(
            (pips.owner_of("pip-2").as_str(), pips.owner_of("pip-1").as_str(), pips.owner_of("main").as_str()),
            ("main-2", "pip-1", "main")
        );
        assert_eq!((pips.stream_of("pip-2").as_deref(), pips.stream_of("main-2")), (Some("7"), None));
    }
}
