//! Key combinations that work while another program has the keyboard: mute, and push to talk.

use std::sync::{Mutex, PoisonError, mpsc};

use tauri::AppHandle;
use tauri_plugin_global_shortcut::{Builder, Code, GlobalShortcutExt, Modifiers, Shortcut, ShortcutState};

use super::{Action, act};
use crate::settings::values::{HotkeyReport, HotkeySettings};

/// What is registered, and what came of it.
pub struct Hotkeys(Mutex<State>);

struct State {
    /// Whether the desktop lets programs have such keys at all; if not, why.
    forbidden: Option<String>,
    /// Whether anything listens. It costs a thread that looks twenty times a second, so it begins with the first key that is wanted.
    listens: bool,
    wanted: HotkeySettings,
    report: HotkeyReport,
}

impl Default for Hotkeys {
    /// Finds out whether there are such keys here.
    fn default() -> Self {
        let forbidden = forbidden(|name| std::env::var(name).ok()).map(str::to_owned);
        let report = HotkeyReport { available: forbidden.is_none(), reason: forbidden.clone() };
        Self(Mutex::new(State { forbidden, listens: false, wanted: HotkeySettings::default(), report }))
    }
}

impl Hotkeys {
    pub fn report(&self) -> HotkeyReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).report.clone()
    }

    /// Has these keys from now on, in place of those before.
    pub fn apply(&self, handle: &AppHandle, wanted: &HotkeySettings) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.forbidden.is_some() || state.wanted == *wanted {
            return;
        }
        if !state.listens {
            if let Err(error) = listen(handle) {
                let reason = format!("This system gives Visavis no keys outside its windows ({error}).");
                state.report = HotkeyReport { available: false, reason: Some(reason.clone()) };
                state.forbidden = Some(reason);
                return;
            }
            state.listens = true;
        }
        state.wanted = wanted.clone();
        if let Err(error) = handle.global_shortcut().unregister_all() {
            tracing::debug!(%error, "keys of before");
        }
        let keys = [(wanted.mute.as_deref(), Key::Mute), (wanted.push_to_talk.as_deref(), Key::Talk)];
        let refused: Vec<String> = keys.into_iter().filter_map(|(text, key)| register(handle, text?, key).err()).collect();
        state.report = HotkeyReport { available: true, reason: Some(refused.join(" ")).filter(|reason| !reason.is_empty()) };
    }
}

/// Lets keys be registered. Some systems want that done on the main thread.
fn listen(handle: &AppHandle) -> Result<(), String> {
    let (report, result) = mpsc::channel();
    let plugged = handle.clone();
    let plug = move || {
        // Whoever asked waits for it.
        let _ = report.send(plugged.plugin(Builder::new().build()).map_err(|error| error.to_string()));
    };
    handle.run_on_main_thread(plug).map_err(|error| error.to_string())?;
    result.recv().map_err(|error| error.to_string())?
}

#[derive(Clone, Copy)]
enum Key {
    Mute,
    Talk,
}

fn register(handle: &AppHandle, text: &str, key: Key) -> Result<(), String> {
    let shortcut = parse(text)?;
    let pressed = move |handle: &AppHandle, _: &Shortcut, event: tauri_plugin_global_shortcut::ShortcutEvent| match (key, event.state) {
        (Key::Mute, ShortcutState::Pressed) => act(handle, Action::ToggleMicrophone),
        (Key::Mute, ShortcutState::Released) => {}
        (Key::Talk, state) => act(handle, Action::Talk(state == ShortcutState::Pressed)),
    };
    handle.global_shortcut().on_shortcut(shortcut, pressed).map_err(|error| {
        tracing::info!(%error, text, "a key is refused");
        format!("{text} belongs to another program; choose another combination.")
    })
}

/// A combination that takes no key away that one writes with.
fn parse(text: &str) -> Result<Shortcut, String> {
    let shortcut: Shortcut = text.parse().map_err(|_| format!("“{text}” is no combination of keys, such as Ctrl+Shift+M."))?;
    let strong = shortcut.mods.intersects(Modifiers::CONTROL | Modifiers::ALT | Modifiers::SUPER | Modifiers::META);
    if strong || is_function_key(shortcut.key) {
        Ok(shortcut)
    } else {
        Err(format!("{text} would be taken away from every other program; add Ctrl, Alt or Super, or choose a key from F1 to F24."))
    }
}

fn is_function_key(code: Code) -> bool {
    let name = code.to_string();
    name.strip_prefix('F').is_some_and(|number| number.parse::<u8>().is_ok_and(|number| (1..=24).contains(&number)))
}

/// Why the desktop gives nobody such keys, if that is known.
fn forbidden(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let wayland = set("WAYLAND_DISPLAY") || variable("XDG_SESSION_TYPE").as_deref() == Some("wayland");
    (cfg!(target_os = "linux") && wayland).then_some(
        "On Wayland no program may have keys outside its own windows. Use the keys in the window, the tray, or a session on X11.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_that_one_writes_with_is_refused_with_a_sentence() {
        for good in ["Ctrl+Shift+M", "Alt+Space", "F9", "Super+KeyT", "CommandOrControl+D"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["M", "Shift+M", "Space", "", "Ctrl+", "Ctrl+Nonsense", "<script>", "Ctrl+Shift+M+N"] {
            assert!(parse(bad).unwrap_err().ends_with('.'), "{bad}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_wayland_the_reason_is_named() {
        let with =
            |pairs: &[(&str, &str)]| forbidden(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        assert!(with(&[("WAYLAND_DISPLAY", "wayland-0")]).unwrap().contains("Wayland"));
        assert!(with(&[("XDG_SESSION_TYPE", "wayland")]).is_some());
        assert_eq!(with(&[("DISPLAY", ":0"), ("XDG_SESSION_TYPE", "x11"), ("WAYLAND_DISPLAY", "")]), None);
    }
}
