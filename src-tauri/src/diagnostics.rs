//! What somebody who helps wants to know, as text to copy: it names no secret, no address and nobody.

mod redact;

use std::fmt::Write;

use tauri::{AppHandle, Manager};

use crate::{app::App, devices, folders, logs::LogFile, settings::Settings};
pub use redact::redact;

/// How many of the log's last lines go along.
const LINES: usize = 200;

/// Collects everything; looks at the devices, which takes a moment.
pub async fn collect(handle: &AppHandle) -> String {
    let app = handle.state::<App>();
    let found = devices::look_now().await;
    let mut text = String::new();
    let line = |text: &mut String, name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "{name}: {value}");
    };
    line(
        &mut text,
        "Visavis",
        &format_args!("{} ({})", env!("CARGO_PKG_VERSION"), if cfg!(debug_assertions) { "debug" } else { "release" }),
    );
    line(&mut text, "System", &format_args!("{}, {}, {} cores", system(), std::env::consts::ARCH, cores()));
    line(&mut text, "Desktop", &desktop());
    line(&mut text, "Webview", &tauri::webview_version().unwrap_or_else(|error| error.to_string()));
    line(&mut text, "Language", &sys_locale::get_locale().unwrap_or_default());
    line(&mut text, "Service", &format_args!("{:?}", app.place()));
    line(&mut text, "Desktop parts", &app.desktop.describe());
    for (kind, list) in [("Cameras", &found.cameras), ("Microphones", &found.microphones), ("Speakers", &found.speakers)] {
        line(&mut text, kind, &list.iter().map(|device| device.label.as_str()).collect::<Vec<_>>().join(" | "));
    }
    if let Some(problem) = app.settings().problem() {
        line(&mut text, "Settings", &problem.message);
    }
    line(&mut text, "Settings", &settings(Settings::clone(&app.settings().current())));
    let lines = app.log().map(|log: &LogFile| log.tail(LINES)).unwrap_or_default();
    let _ = write!(text, "Log:\n{}\n", lines.join("\n"));
    redact(&text, folders::home().as_deref())
}

/// Without what a person typed: a name, a channel, ids.
fn settings(mut settings: Settings) -> String {
    for said in [&mut settings.name, &mut settings.form.app_id, &mut settings.form.channel] {
        if !said.is_empty() {
            *said = "‹hidden›".into();
        }
    }
    serde_json::to_string(&settings).expect("settings are plain data")
}

fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"').to_owned());
    name.unwrap_or_else(|| std::env::consts::OS.to_owned())
}

fn desktop() -> String {
    let said = ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"].map(|name| std::env::var(name).unwrap_or_default());
    said.join(" ").trim().to_owned()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_shown_without_what_a_person_typed() {
        let mut chosen = Settings { name: "Ana".into(), server: Some("wss://calls.example:1".into()), ..Settings::default() };
        (chosen.form.app_id, chosen.form.channel) = ("970CA35de60c44645bbae8a215061b33".into(), "our secret".into());
        let text = redact(&settings(chosen), None);
        for secret in ["Ana", "970CA35", "our secret", "calls.example"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("\"mirror\":true"), "{text}");
    }
}
