//! Names the commands the page may call. A command missing here is refused before it reaches our code, whatever the capability says.

const COMMANDS: &[&str] = &[
    "get_state",
    "get_devices",
    "get_defaults",
    "get_stats",
    "start_preview",
    "stop_preview",
    "join",
    "leave",
    "publish",
    "unpublish",
    "mute",
    "set_camera",
    "set_microphone",
    "set_audio_processing",
    "set_volume",
    "renew_token",
    "frame_socket",
    "subscribe_events",
    "new_window",
    "list_screens",
    "start_screen",
    "stop_screen",
    "set_name",
    "set_speaker",
    "test_speaker",
    "list_projects",
    "create_project",
    "set_certificate",
    "reveal_certificate",
    "set_enabled",
    "make_token",
    "get_settings",
    "set_settings",
    "make_link",
    "read_link",
    "take_link",
    "list_nearby",
    "get_diagnostics",
    "open_logs",
    "open_pip",
    "close_pip",
];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("tauri.conf.json, capabilities and icons are in order");
}
