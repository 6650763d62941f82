//! The app's window, driven by WebDriver.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::{
    display::Display,
    measure::descendants,
    process::{Group, drive, free_port, logged, within},
};

/// One running app with a screen and a driver of its own.
pub struct Window {
    pub page: Client,
    driver: Group,
    place: Place,
}

/// Where the app is started: what it finds there, and what it leaves.
pub struct Place {
    pub display: Display,
    home: Home,
    variables: Vec<(&'static str, String)>,
    has_bus: bool,
}

impl Place {
    /// This screen, a folder with nothing in it, and nothing else that is special.
    pub fn on(display: Display) -> Self {
        Self { display, home: Home::new(), variables: Vec::new(), has_bus: false }
    }

    /// Has the app and its driver find this variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Has the app find this session bus (the value of `DBUS_SESSION_BUS_ADDRESS`) instead of an empty one of its own.
    #[must_use]
    pub fn with_bus(self, address: &str) -> Self {
        Self { has_bus: true, ..self.with("DBUS_SESSION_BUS_ADDRESS", address) }
    }

    /// Where the app keeps its settings.
    pub fn settings(&self) -> PathBuf {
        self.home.0.join("visavis/settings.json")
    }

    /// Has the app find this file of settings.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn set(&self, settings: &str) {
        let file = self.settings();
        let written = std::fs::create_dir_all(file.parent().expect("a folder")).and_then(|()| std::fs::write(file, settings));
        written.expect("the temporary folder is writable");
    }

    /// All that the app has logged so far.
    pub fn logged(&self) -> String {
        let files = std::fs::read_dir(self.home.0.join("visavis/logs")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }

    /// Prepares a command to run here.
    pub fn enter<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let home: &Path = &self.home.0;
        command.env("DISPLAY", self.display.name()).env("NO_AT_BRIDGE", "1").env_remove("WAYLAND_DISPLAY").env("LANG", "en_US.UTF-8");
        command.env("XDG_DATA_HOME", home).env("XDG_STATE_HOME", home).env("XDG_CACHE_HOME", home).env("XDG_CONFIG_HOME", home);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    /// One more start of the app, with the same settings and on the same screen.
    pub fn another(&self, arguments: &[&str]) -> Command {
        let mut command = logged(crate::binary("visavis"), &self.home.0.join("another.log"));
        self.enter(command.args(arguments));
        command
    }
}

/// A folder for what the page keeps, so that no window remembers another's choices.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("visavis-window-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command on a session bus of its own.
fn on_a_bus(program: PathBuf, log: &Path) -> Command {
    let mut command = logged("dbus-run-session", log);
    command.arg("--").arg(program);
    command
}

/// Keeps the text of each toast that is shown, from the first run on.
const REMEMBER_TOASTS: &str = "
    if (!window.visavisToasts) {
        const remember = nodes => nodes.filter(e => e.classList?.contains('toast')).map(e => ({ text: e.textContent, asked: [] }));
        window.visavisToasts = remember([...document.querySelectorAll('.toast')]);
        new MutationObserver(records => visavisToasts.push(...remember(records.flatMap(r => [...r.addedNodes]))))
            .observe(document.querySelector('#toasts'), { childList: true });
    }";

/// What helps to understand a page that does not come to what it should.
const STATE: &str = "
    const { hidden, documentElement: { dataset: { state } } } = document;
    const tiles = visavisFrames.tiles.map(({ number, stream, size, format, owesCredit, resizing, meter }) =>
        ({ number, stream, size, format, owesCredit, resizing, drawn: meter.drawn }));
    return { hidden, state, tiles, toasts: window.visavisToasts?.slice(-5).map(toast => toast.text) };";

/// How long a page may take for anything a person waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Window {
    /// Starts the app with these arguments.
    ///
    /// # Panics
    /// If app, driver or screen do not come up.
    pub async fn open(arguments: &[&str]) -> Self {
        Self::open_on(Display::start(1100, 800), arguments).await
    }

    /// Starts the app with these arguments on that screen.
    ///
    /// # Panics
    /// If app or driver do not come up.
    pub async fn open_on(display: Display, arguments: &[&str]) -> Self {
        Self::open_at(Place::on(display), arguments).await
    }

    /// Starts the app with these arguments in that place.
    ///
    /// # Panics
    /// If app or driver do not come up.
    pub async fn open_at(place: Place, arguments: &[&str]) -> Self {
        let driver_path = std::env::var_os("VISAVIS_TAURI_DRIVER").map(PathBuf::from).expect("VISAVIS_TAURI_DRIVER is set by cargo xtask");
        let (port, native_port) = (free_port(), free_port());
        let log = place.home.0.join("driver.log");
        let mut command = if place.has_bus { logged(driver_path, &log) } else { on_a_bus(driver_path, &log) };
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        let driver = Group::start(place.enter(&mut command));
        let options = json!({"tauri:options": {"application": crate::binary("visavis"), "args": arguments}});
        let page = drive("the app's window opens", port, &options, &log).await;
        let window = Self { page, driver, place };
        let ready = "return window.visavisFrames !== undefined && document.querySelector('[name=appID]').value !== '';";
        window.sees("the page's scripts run and the defaults are filled in", ready).await;
        window.run(REMEMBER_TOASTS, vec![]).await;
        window
    }

    /// Gives the window's page this size in pixels.
    ///
    /// # Panics
    /// If it does not come to it: the screen must have room for it.
    pub async fn resize(&self, width: u32, height: u32) {
        self.page.set_window_size(width, height).await.expect("a window can be resized");
        let body = format!("return innerWidth === {width} && innerHeight === {height};");
        self.sees(&format!("the window is {width}×{height}"), &body).await;
    }

    pub fn display(&self) -> &Display {
        &self.place.display
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The driver's process group; the app and its web processes are its descendants.
    pub fn driver_id(&self) -> u32 {
        self.driver.id()
    }

    /// Runs a function body on the page; `arguments` is an array there.
    pub async fn run(&self, body: &str, arguments: Vec<Value>) -> Value {
        self.page.execute(body, arguments).await.unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    /// Waits until `body` returns something true on the page, and answers it.
    pub async fn sees(&self, what: &str, body: &str) -> Value {
        let found = async || self.page.execute(body, vec![]).await.ok().filter(|value| !matches!(value, Value::Null | Value::Bool(false)));
        match within(PATIENCE, found).await {
            Some(value) => value,
            None => {
                self.screenshot("failed").await;
                let state = self.page.execute(STATE, vec![]).await.unwrap_or_default();
                panic!("not within {PATIENCE:?}: {what} (the window is in {}/failed.png; {state})", crate::output().display());
            }
        }
    }

    /// Waits until the selector matches something visible.
    pub async fn shows(&self, selector: &str) {
        let body = format!("const e = document.querySelector({selector:?}); return e !== null && e.checkVisibility();");
        self.sees(&format!("{selector} is shown"), &body).await;
    }

    /// Waits until the selector matches nothing.
    pub async fn lacks(&self, selector: &str) {
        self.sees(&format!("{selector} is gone"), &format!("return document.querySelector({selector:?}) === null;")).await;
    }

    /// Clicks as a person would: what is out of sight is scrolled to, the pointer moves, which brings hidden controls back, and the click follows when nothing covers the place.
    pub async fn click(&self, selector: &str) {
        let body = format!(
            "const e = document.querySelector({selector:?});
             document.body.dispatchEvent(new PointerEvent('pointermove', {{ bubbles: true, clientX: 5, clientY: 5 }}));
             if (!e || !e.checkVisibility()) return false;
             e.scrollIntoView({{ block: 'nearest' }});
             const box = e.getBoundingClientRect();
             return e.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));"
        );
        self.sees(&format!("{selector} can be clicked"), &body).await;
        self.page
            .find(Locator::Css(selector))
            .await
            .expect("it is there")
            .click()
            .await
            .unwrap_or_else(|error| panic!("click {selector}: {error}"));
    }

    /// Replaces a field's text. WebKit does not scroll to a field inside a part of the page that scrolls by itself.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.run(&format!("document.querySelector({selector:?})?.scrollIntoView({{ block: 'nearest' }});"), vec![]).await;
        let field = self.page.find(Locator::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        if let Err(error) = field.clear().await {
            self.screenshot("failed").await;
            panic!("{selector} cannot be cleared: {error} (the window is in {}/failed.png)", crate::output().display());
        }
        if !text.is_empty() {
            field.send_keys(text).await.expect("a field takes text");
        }
    }

    /// Waits for a toast with this text in it; waiting for the same text again takes another toast. However late one looks, a toast that
    /// was shown and went by itself counts.
    pub async fn toasts(&self, text: &str) {
        let body = format!(
            "{REMEMBER_TOASTS}
             const toast = visavisToasts.find(toast => toast.text.includes({text:?}) && !toast.asked.includes({text:?}));
             toast?.asked.push({text:?});
             return toast !== undefined;"
        );
        self.sees(&format!("toast {text:?}"), &body).await;
    }

    /// Forgets the toasts so far.
    pub async fn forget_toasts(&self) {
        self.run(&format!("{REMEMBER_TOASTS} visavisToasts.length = 0;"), vec![]).await;
    }

    /// Saves what the window shows. WebKit takes the picture at the next repaint, which in a page at rest never comes: an animation
    /// that nobody can see brings it.
    pub async fn screenshot(&self, name: &str) {
        let body = "document.body.animate([{ opacity: 0.999 }, { opacity: 1 }], { duration: 2000, iterations: 5 });";
        self.run(body, vec![]).await;
        let png = self.page.screenshot().await.expect("a screenshot");
        std::fs::write(crate::output().join(format!("{name}.png")), png).expect("a screenshot can be saved");
    }

    /// Closes the window through the driver, so that the app ends by itself.
    pub async fn close(self) {
        let _ = self.page.close().await;
    }

    /// Tells the app to end as a desktop that is left does, waits until it has, and answers where it was, to be started there again.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn quit(self) -> Place {
        let Self { page, driver, place } = self;
        let apps = || descendants(driver.id()).into_iter().filter(|(_, name)| name == "visavis").map(|(id, _)| id).collect::<Vec<_>>();
        for id in apps() {
            let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status();
        }
        let ended = within(PATIENCE, async || apps().is_empty().then_some(())).await;
        assert!(ended.is_some(), "the app ends when it is told to");
        let _ = page.close().await;
        place
    }
}
