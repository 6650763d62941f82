//! The desktop app: the only crate that knows Tauri.
//!
//! ```text
//! app           what all windows share
//! commands      what the page may ask
//! events        what it is told unasked
//! types, stats  what both carry (ui/types/app.d.ts is generated from them)
//! call/         a window's call: the machine that decides, the task that does
//! devices       what there is to choose from
//! desktop/      around the windows: tray, hotkeys, notices, the small window on top, links for an app that runs
//! frames/       from a newest frame to a tile's picture
//! frame_socket/ from a tile's picture to the page
//! projects/     its projects: App IDs, certificates, tokens
//! settings/     what a person has chosen: one file for all windows and processes
//! links         invitations as links
//! nearby/       calls of the local network
//! logs          the log's files
//! diagnostics/  what somebody who helps wants to know, without secrets
//! folders       where this app keeps its files
//! service/      the channel service: served from here, or shared with who was first
//! options       command line and environment
//! origin        whose pages are ours
//! reload        shows the page anew while it is being written
//! window_memory  where the window was
//! platform      what has to be set before the window system starts
//! error         what goes wrong here, as {code, message}
//! ```

mod app;
mod call;
mod commands;
mod desktop;
mod devices;
mod diagnostics;
mod error;
mod events;
mod folders;
mod frame_socket;
mod frames;
mod links;
mod logs;
mod nearby;
mod options;
mod origin;
#[cfg(test)]
mod page_types;
mod platform;
mod projects;
mod reload;
mod service;
mod settings;
mod stats;
mod types;
mod window_memory;

use std::time::Duration;

use clap::Parser;
use client::{media, signal};
use tauri::{AppHandle, Manager, RunEvent, WindowEvent};
use tracing_subscriber::EnvFilter;

use app::App;
use folders::Folders;
use logs::LogFile;
use options::Options;

/// How long the end of the app waits for calls to be left and the service to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs the app until its last window is closed.
pub fn run() {
    let options = Options::parse();
    platform::prepare();
    let folders = Folders::new(options.config.as_deref());
    if let (Some(link), Some(folder)) = (&options.link, &folders.config)
        && desktop::door::bring(folder, link)
    {
        return;
    }
    if let Some(file) = &options.openh264
        && let Err(error) = media::library::use_binary(file)
    {
        // Who asks for it has reasons not to use the other.
        eprintln!("visavis: {error}");
        std::process::exit(2);
    }
    let log = folders.logs.as_deref().and_then(LogFile::open);
    start_log(log.clone());
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            commands::get_state,
            commands::get_devices,
            commands::get_defaults,
            commands::get_stats,
            commands::start_preview,
            commands::stop_preview,
            commands::join,
            commands::leave,
            commands::publish,
            commands::unpublish,
            commands::mute,
            commands::set_camera,
            commands::set_microphone,
            commands::set_audio_processing,
            commands::set_volume,
            commands::renew_token,
            commands::frame_socket,
            commands::subscribe_events,
            commands::new_window,
            commands::screen::list_screens,
            commands::screen::start_screen,
            commands::screen::stop_screen,
            commands::set_name,
            commands::speaker::set_speaker,
            commands::speaker::test_speaker,
            commands::projects::list_projects,
            commands::projects::create_project,
            commands::projects::set_certificate,
            commands::projects::reveal_certificate,
            commands::projects::set_enabled,
            commands::projects::make_token,
            commands::settings::get_settings,
            commands::settings::set_settings,
            commands::links::make_link,
            commands::links::read_link,
            commands::links::take_link,
            commands::desktop::list_nearby,
            commands::desktop::get_diagnostics,
            commands::desktop::open_logs,
            commands::desktop::open_pip,
            commands::desktop::close_pip,
        ])
        .setup(|tauri| {
            let handle = tauri.handle().clone();
            let app = tauri::async_runtime::block_on(App::start(options, log, handle.clone()))?;
            handle.manage(app);
            handle.state::<App>().open_window(&handle)?;
            desktop::start(&handle);
            tauri::async_runtime::spawn(end_when_told(handle.clone()));
            tauri::async_runtime::spawn(reload::watch(handle));
            Ok(())
        })
        .on_window_event(|window, event| match event {
            WindowEvent::CloseRequested { .. } => window_memory::remember(window, window.state::<App>().settings()),
            WindowEvent::Focused(has) => desktop::focus(window.app_handle(), window.label(), *has),
            WindowEvent::Destroyed => {
                window.state::<App>().close_window(window.label());
                desktop::gone(window.app_handle(), window.label());
            }
            _ => {}
        })
        .build(tauri::generate_context!())
        .expect("the window system is there and the configuration built in is sound");
    app.run(|handle, event| match event {
        RunEvent::Exit => say_goodbye(handle),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            for url in urls {
                drop(tauri::async_runtime::spawn(desktop::link_opened(handle.clone(), url.into())));
            }
        }
        _ => {}
    });
}

fn say_goodbye(handle: &AppHandle) {
    let app = handle.state::<App>();
    for window in handle.webview_windows().values() {
        window_memory::remember(&window.as_ref().window(), app.settings());
    }
    let goodbye = async { tokio::time::timeout(GOODBYE, app.end()).await };
    if tauri::async_runtime::block_on(goodbye).is_err() {
        tracing::warn!("calls were not left in time");
    }
}

/// Ends the app as if its windows were closed when the terminal or the system asks for it, so that nobody is left with a ghost.
async fn end_when_told(handle: AppHandle) {
    platform::told_to_end().await;
    handle.exit(0);
}

/// Logs what `RUST_LOG` names to standard error and to the file; without it, what matters to who runs the app.
fn start_log(file: Option<LogFile>) {
    use tracing_subscriber::{fmt::layer, layer::SubscriberExt, util::SubscriberInitExt};
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("warn,app=info,{}", client::LOG_FILTER)));
    let file = file.map(|file| layer().with_ansi(false).with_writer(file));
    tracing_subscriber::registry().with(filter).with(layer().with_writer(std::io::stderr)).with(file).init();
}

#[cfg(test)]
mod tests {
    /// `build.rs` and the capability name the commands, too; a command missing in one of them could not be called.
    #[test]
    fn every_command_is_declared_and_allowed() {
        let lines = include_str!("lib.rs").lines();
        let commands: Vec<&str> =
            lines.filter_map(|line| line.trim().strip_prefix("commands::")?.strip_suffix(',')?.rsplit("::").next()).collect();
        let declared = include_str!("../build.rs");
        let capability: serde_json::Value = serde_json::from_str(include_str!("../capabilities/page.json")).unwrap();
        let allowed: Vec<&str> = capability["permissions"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        assert!(commands.len() > 10);
        for command in &commands {
            assert!(declared.contains(&format!("\"{command}\"")), "{command} is not in build.rs");
            assert!(allowed.contains(&format!("allow-{}", command.replace('_', "-")).as_str()), "{command} is not allowed");
        }
        assert_eq!((allowed.len(), declared.matches("    \"").count()), (commands.len(), commands.len()));
    }

    fn json(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_page_may_load_nothing_from_elsewhere_and_run_no_text_as_script() {
        let config = json(include_str!("../tauri.conf.json"));
        let csp = config["app"]["security"]["csp"].as_object().unwrap();
        assert_eq!(csp["default-src"], "'self'");
        for (directive, sources) in csp {
            for source in sources.as_str().unwrap().split(' ') {
                let own = ["'self'", "'none'", "data:", "blob:", "ipc:", "http://ipc.localhost", "ws://127.0.0.1:*"].contains(&source);
                assert!(own, "{directive} allows {source}");
                assert!(!(source == "data:" || source == "blob:") || directive == "img-src", "{directive} allows {source}");
            }
        }
        assert!(config["app"]["security"].get("dangerousDisableAssetCspModification").is_none());
    }

    #[test]
    fn each_window_gets_its_own_capability_and_the_small_one_little() {
        let (page, pip) = (json(include_str!("../capabilities/page.json")), json(include_str!("../capabilities/pip.json")));
        assert_eq!((&page["windows"], &pip["windows"]), (&serde_json::json!(["main*"]), &serde_json::json!(["pip*"])));
        let allowed: Vec<&str> = pip["permissions"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        for never in ["join", "leave", "projects", "certificate", "token", "set-settings", "open-logs", "diagnostics"] {
            assert!(!allowed.iter().any(|name| name.contains(never)), "{never}");
        }
    }
}
