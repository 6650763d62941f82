//! The tray's icon and menu. A desktop without a place for it is no fault: the app goes on without.

use tauri::{
    AppHandle, Wry,
    image::Image,
    include_image,
    menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};

use super::{Action, act, calls::Summary, leave_all, show, words::Words};

const SHOW: &str = "tray-show";
const MICROPHONE: &str = "tray-microphone";
const CAMERA: &str = "tray-camera";
const LEAVE: &str = "tray-leave";
const QUIT: &str = "tray-quit";

/// Black shapes that macOS colours as its menu bar needs; elsewhere the app's own colours stand on any panel.
const ICON: Image<'_> =
    if cfg!(target_os = "macos") { include_image!("../icons/tray-template.png") } else { include_image!("../icons/tray.png") };

/// The icon and what changes in its menu. Dropping it takes the icon away.
pub struct Tray {
    icon: TrayIcon,
    show: MenuItem<Wry>,
    microphone: CheckMenuItem<Wry>,
    camera: CheckMenuItem<Wry>,
    leave: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

impl Tray {
    /// Puts the icon up. None, with a line in the log, where the desktop has no place for it.
    pub fn start(handle: &AppHandle, words: Words) -> Option<Self> {
        if !is_possible() {
            tracing::info!("no tray: neither libayatana-appindicator3 nor libappindicator3 is installed");
            return None;
        }
        Self::build(handle, words).inspect_err(|error| tracing::info!(%error, "no tray")).ok()
    }

    fn build(handle: &AppHandle, words: Words) -> tauri::Result<Self> {
        let item = |id: &str, text: &str, enabled| MenuItem::with_id(handle, id, text, enabled, None::<&str>);
        let check = |id: &str, text: &str| CheckMenuItem::with_id(handle, id, text, false, false, None::<&str>);
        let show = item(SHOW, words.show(), true)?;
        let (microphone, camera) = (check(MICROPHONE, words.microphone())?, check(CAMERA, words.camera())?);
        let (leave, quit) = (item(LEAVE, words.leave(), false)?, item(QUIT, words.quit(), true)?);
        let (above, below) = (PredefinedMenuItem::separator(handle)?, PredefinedMenuItem::separator(handle)?);
        let menu = Menu::with_items(handle, &[&show, &above, &microphone, &camera, &leave, &below, &quit])?;
        let icon = TrayIconBuilder::with_id("visavis")
            .icon(ICON)
            .icon_as_template(true)
            .tooltip("Visavis")
            .menu(&menu)
            .on_menu_event(|handle, event| chosen(handle, event.id().as_ref()))
            .build(handle)?;
        Ok(Self { icon, show, microphone, camera, leave, quit })
    }

    /// Shows what the windows are doing. On the main thread only: elsewhere each step would wait for it.
    pub fn update(&self, summary: Summary, words: Words) -> tauri::Result<()> {
        self.show.set_text(words.show())?;
        self.leave.set_text(words.leave())?;
        self.quit.set_text(words.quit())?;
        self.leave.set_enabled(summary.in_call)?;
        for (item, text, muted) in
            [(&self.microphone, words.microphone(), summary.microphone_muted), (&self.camera, words.camera(), summary.camera_muted)]
        {
            item.set_text(text)?;
            item.set_enabled(muted.is_some())?;
            item.set_checked(muted == Some(true))?;
        }
        self.icon.set_tooltip(Some(words.status(summary)))
    }
}

fn chosen(handle: &AppHandle, id: &str) {
    match id {
        SHOW => show(handle),
        MICROPHONE => act(handle, Action::ToggleMicrophone),
        CAMERA => act(handle, Action::ToggleCamera),
        LEAVE => leave_all(handle),
        QUIT => handle.exit(0),
        _ => {}
    }
}

/// The library that draws the icon is loaded when it is first needed, and ends the program where it is missing: look before.
#[cfg(target_os = "linux")]
fn is_possible() -> bool {
    ["libayatana-appindicator3.so.1", "libappindicator3.so.1"].iter().any(|name| {
        // SAFETY: a library of the system's whose loading does nothing but make its types known; it is loaded again right after.
        unsafe { libloading::Library::new(name) }.is_ok()
    })
}

#[cfg(not(target_os = "linux"))]
fn is_possible() -> bool {
    true
}
