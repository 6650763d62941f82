//! The desktop around the windows.
//!
//! ```text
//! door       links for the Visavis that is running      pip       the small window on top
//! calls      what the windows are doing (pure)          tray      icon and menu
//! arrivals   when to tell of people who come (pure)     hotkeys   keys outside the windows
//! words      the sentences outside the page (pure)
//! ```

mod arrivals;
mod calls;
pub mod door;
mod hotkeys;
pub mod pip;
mod tray;
mod words;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock},
    time::Instant,
};

use futures_util::FutureExt;
use tauri::{AppHandle, Manager, WebviewWindow};
use tauri_plugin_notification::NotificationExt;
use tokio::sync::watch;

use crate::{
    app::{App, lock},
    call::input::Input,
    events::PageEvent,
    links::OpenedLink,
    nearby::Call,
    settings::{Settings, values::HotkeyReport},
    types::Phase,
};
use arrivals::{Arrivals, Notice};
use calls::{Action, Calls};
use hotkeys::Hotkeys;
use tray::Tray;
use words::Words;

/// How call windows are called, as the configuration has it.
const MAIN: &str = "main";

/// What stands on the desktop. It exists once the app has started.
#[derive(Default)]
pub struct Desktop {
    calls: Mutex<Calls>,
    arrivals: Mutex<HashMap<String, Arrivals>>,
    /// The windows that have the keyboard: one or none. Asking the system instead would have to wait for the main thread.
    focused: Mutex<HashSet<String>>,
    tray: OnceLock<Option<Tray>>,
    hotkeys: OnceLock<Hotkeys>,
    /// The channels that the windows are in.
    channels: watch::Sender<BTreeSet<Call>>,
    /// Whether any window is in a call.
    busy: watch::Sender<bool>,
}

impl Desktop {
    pub fn busy(&self) -> watch::Receiver<bool> {
        self.busy.subscribe()
    }

    pub fn channels(&self) -> watch::Receiver<BTreeSet<Call>> {
        self.channels.subscribe()
    }

    /// What of the desktop is there, in a line.
    pub fn describe(&self) -> String {
        let tray = self.tray.get().is_some_and(Option::is_some);
        format!("tray {tray}, keys {:?}", self.hotkeys())
    }

    /// Something of the calls is another.
    fn summed_up(&self) {
        let calls = lock(&self.calls);
        let (busy, channels) = (calls.total().in_call, calls.channels());
        drop(calls);
        self.busy.send_if_modified(|known| *known != busy && std::mem::replace(known, busy) != busy);
        self.channels.send_if_modified(|known| *known != channels && std::mem::replace(known, channels.clone()) != channels);
    }

    pub fn hotkeys(&self) -> HotkeyReport {
        self.hotkeys.get().map(Hotkeys::report).unwrap_or_default()
    }
}

/// Puts everything up. On the main thread, with the app's state in place.
pub fn start(handle: &AppHandle) {
    let app = handle.state::<App>();
    let settings = app.settings().current();
    if let Err(error) = handle.plugin(tauri_plugin_notification::init()) {
        tracing::info!(%error, "no notices");
    }
    let _ = app.desktop.tray.set(Tray::start(handle, Words::now(settings.language)));
    let hotkeys = Hotkeys::default();
    hotkeys.apply(handle, &settings.hotkeys);
    let _ = app.desktop.hotkeys.set(hotkeys);
    tauri::async_runtime::spawn(follow(handle.clone(), app.settings().changes()));
    if let Some(folder) = app.folders().config.clone() {
        let handle = handle.clone();
        door::answer(folder, move |text| drop(tauri::async_runtime::spawn(link_opened(handle.clone(), text))));
    }
}

/// Goes by the settings as they change.
async fn follow(handle: AppHandle, mut settings: watch::Receiver<Arc<Settings>>) {
    while settings.changed().await.is_ok() {
        let now = settings.borrow_and_update().clone();
        let app = handle.state::<App>();
        if let Some(hotkeys) = app.desktop.hotkeys.get() {
            hotkeys.apply(&handle, &now.hotkeys);
        }
        show_in_tray(&handle);
    }
}

/// Hears what a window's page is told.
pub fn hear(handle: &AppHandle, window: &str, event: &PageEvent) {
    let Some(app) = handle.try_state::<App>() else { return };
    match event {
        PageEvent::CallState { call } => {
            let in_call = call.state == Phase::Call;
            lock(&app.desktop.arrivals).entry(window.to_owned()).or_default().call(in_call, Instant::now());
            if call.state == Phase::Lobby {
                pip::call_ended(handle, window);
            }
            if lock(&app.desktop.calls).hear(window, call) {
                app.desktop.summed_up();
                show_in_tray(handle);
            }
        }
        PageEvent::PeerOnline { uid } if app.settings().current().notifications => {
            let unseen = is_unseen(&app);
            let wait = lock(&app.desktop.arrivals).entry(window.to_owned()).or_default().came(uid, unseen, Instant::now());
            if let Some(wait) = wait {
                drop(tauri::async_runtime::spawn(tell_later(handle.clone(), window.to_owned(), wait)));
            }
        }
        PageEvent::PeerNamed { uid, name } => {
            if let Some(arrivals) = lock(&app.desktop.arrivals).get_mut(window) {
                arrivals.named(uid, name.as_deref());
            }
        }
        _ => {}
    }
}

/// A window is closed.
pub fn gone(handle: &AppHandle, label: &str) {
    let app = handle.state::<App>();
    pip::gone(handle, label);
    focus(handle, label, false);
    lock(&app.desktop.arrivals).remove(label);
    if lock(&app.desktop.calls).gone(label) {
        app.desktop.summed_up();
        show_in_tray(handle);
    }
}

/// A window gets the keyboard, or loses it.
pub fn focus(handle: &AppHandle, label: &str, has: bool) {
    let app = handle.state::<App>();
    let mut focused = lock(&app.desktop.focused);
    let _ = if has { focused.insert(label.to_owned()) } else { focused.remove(label) };
}

fn is_unseen(app: &App) -> bool {
    lock(&app.desktop.focused).is_empty()
}

async fn tell_later(handle: AppHandle, window: String, wait: std::time::Duration) {
    tokio::time::sleep(wait).await;
    let app = handle.state::<App>();
    let unseen = is_unseen(&app);
    let due = lock(&app.desktop.arrivals).get_mut(&window).and_then(|arrivals| arrivals.due(unseen, Instant::now()));
    if let Some(notice) = due {
        tell(&handle, &notice);
    }
}

/// A desktop without notices is no fault.
fn tell(handle: &AppHandle, notice: &Notice) {
    let words = Words::now(handle.state::<App>().settings().current().language);
    if let Err(error) = handle.notification().builder().title("Visavis").body(words.came(notice)).show() {
        tracing::debug!(%error, "a notice");
    }
}

/// Posted, not waited for: at the app's end the main thread waits for the calls, and they must not wait for it.
fn show_in_tray(handle: &AppHandle) {
    let own = handle.clone();
    let posted = handle.run_on_main_thread(move || {
        let app = own.state::<App>();
        let (summary, words) = (lock(&app.desktop.calls).total(), Words::now(app.settings().current().language));
        if let Some(Some(tray)) = app.desktop.tray.get()
            && let Err(error) = tray.update(summary, words)
        {
            tracing::debug!(%error, "the tray");
        }
    });
    if let Err(error) = posted {
        tracing::debug!(%error, "the tray");
    }
}

/// Mutes or unmutes all windows, as the action asks.
fn act(handle: &AppHandle, action: Action) {
    let app = handle.state::<App>();
    let Some(mute) = lock(&app.desktop.calls).act(action) else { return };
    for label in main_windows(handle) {
        let call = app.window(&label);
        let mut muting = Box::pin(async move {
            let muted = call.call.command(move |ticket| Input::Mute { audio: mute.audio, video: mute.video, ticket }).await;
            if let Err(error) = muted {
                tracing::debug!(%error, "mute");
            }
        });
        // Asked now, before the next key is: tasks begin in any order, and one who lets go at once would go on being heard.
        if (&mut muting).now_or_never().is_none() {
            tauri::async_runtime::spawn(muting);
        }
    }
}

fn leave_all(handle: &AppHandle) {
    let app = handle.state::<App>();
    for label in main_windows(handle) {
        if lock(&app.desktop.calls).in_call(&label) {
            let call = app.window(&label);
            tauri::async_runtime::spawn(async move {
                if let Err(error) = call.call.command(|ticket| Input::Leave { ticket }).await {
                    tracing::warn!(%error, "leave");
                }
            });
        }
    }
}

fn main_windows(handle: &AppHandle) -> Vec<String> {
    let mut labels: Vec<String> = handle.webview_windows().into_keys().filter(|label| label.starts_with(MAIN)).collect();
    labels.sort();
    labels
}

/// Brings the app to the front.
fn show(handle: &AppHandle) {
    let first = main_windows(handle).into_iter().next();
    if let Some(window) = first.and_then(|label| handle.get_webview_window(&label)) {
        raise(&window);
    }
}

fn raise(window: &WebviewWindow) {
    for done in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = done {
            tracing::debug!(%error, "raising a window");
        }
    }
}

/// A link was opened while the app runs: the window whose form can be filled in comes to the front and gets it. Nobody joins by it.
pub async fn link_opened(handle: AppHandle, text: String) {
    let app = handle.state::<App>();
    let opened = OpenedLink::of(&text);
    let mut labels = main_windows(&handle);
    // A form is in the lobby; of several, the one in front is meant.
    labels.sort_by_key(|label| (lock(&app.desktop.calls).in_call(label), !lock(&app.desktop.focused).contains(label)));
    let window = labels.first().and_then(|label| Some((label, handle.get_webview_window(label)?)));
    let heard = match &window {
        Some((label, window)) => {
            raise(window);
            app.window(label).call.tell(PageEvent::LinkOpened(opened.clone())).await
        }
        None => false,
    };
    if !heard {
        app.link.put(opened);
    }
}
