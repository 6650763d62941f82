//! Holds the tree to what README and the design say of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Which crate may depend on which of ours, apart from tests.
const EDGES: &[(&str, &[&str])] = &[
    ("signal", &[]),
    ("token", &[]),
    ("session", &["signal"]),
    ("media", &[]),
    ("transport", &[]),
    ("client", &["signal", "session", "transport", "media"]),
    ("channel-server", &["signal", "token"]),
    ("headless", &["client"]),
    ("app", &["client", "channel-server"]),
    ("xtask", &[]),
];

/// A foreign name, and the only places that may speak it.
const SOLE_SITES: &[(&str, &[&str])] = &[
    ("webrtc::", &["src-tauri/crates/transport/"]),
    (
        "rustls::",
        &["src-tauri/crates/channel-server/src/tls.rs", "src-tauri/crates/channel-server/tests/", "src-tauri/crates/client/src/tls.rs"],
    ),
    ("rtc::", &["src-tauri/crates/transport/"]),
    ("tauri::", &["src-tauri/src/"]),
    ("if_watch::", &["src-tauri/crates/transport/src/network/watch.rs"]),
    ("mdns_sd::", &["src-tauri/crates/transport/src/network/names.rs", "src-tauri/src/nearby/air.rs"]),
    ("tauri_plugin_global_shortcut::", &["src-tauri/src/desktop/hotkeys.rs"]),
    ("tauri_plugin_notification::", &["src-tauri/src/desktop.rs"]),
    ("nokhwa::", &["src-tauri/crates/media/src/capture/"]),
    ("cpal::", &["src-tauri/crates/media/src/capture/", "src-tauri/crates/media/src/playback/"]),
    ("opusic_sys", &["src-tauri/crates/media/src/libopus.rs"]),
    ("sonora::", &["src-tauri/crates/media/src/capture/processing.rs"]),
    ("xcap::", &["src-tauri/crates/media/src/capture/"]),
    (
        "openh264_sys2::",
        &["src-tauri/crates/media/src/encode/", "src-tauri/crates/media/src/decode/", "src-tauri/crates/media/src/library.rs"],
    ),
    ("__TAURI__", &["ui/api.js"]),
];

const TOP_LEVEL: &[&str] = &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "icons", "src-tauri", "tests", "ui"];

/// The most lines a file may have, its unit tests not counted.
const MOST_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the root").to_path_buf()
}

/// Every file that git tracks or would track, by its path from the root with `/` between.
fn files() -> Vec<String> {
    let list = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let text = String::from_utf8(list.stdout).expect("paths are UTF-8");
    let files: Vec<String> = text.lines().filter(|path| root().join(path).exists()).map(str::to_owned).collect();
    assert!(files.len() > 50, "git lists the tree");
    files
}

fn sources(endings: &[&str]) -> Vec<(String, String)> {
    let of_ours = |path: &String| {
        endings.iter().any(|ending| path.ends_with(ending)) && !path.ends_with("tests/tidy.rs") && !path.starts_with("ui/types/")
    };
    files()
        .into_iter()
        .filter(of_ours)
        .map(|path| (fs::read_to_string(root().join(&path)).expect("source is UTF-8"), path))
        .map(|(text, path)| (path, text))
        .collect()
}

fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ").map_or(text, |at| &text[..at])
}

#[test]
fn the_top_level_holds_what_the_owner_drew() {
    for path in files() {
        let first = path.split('/').next().expect("a path has a first part");
        assert!(first.starts_with('.') || TOP_LEVEL.contains(&first), "{path}: nothing but {TOP_LEVEL:?} and dotfiles at the top");
    }
}

#[test]
fn crates_depend_on_each_other_only_along_the_edges() {
    let manifests: Vec<String> = files().into_iter().filter(|path| path.starts_with("src-tauri") && path.ends_with("Cargo.toml")).collect();
    let mut seen = BTreeMap::new();
    for path in manifests {
        let manifest: toml::Table = fs::read_to_string(root().join(&path)).expect("a manifest").parse().expect("a manifest is TOML");
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let ours: Vec<String> = dependencies.keys().filter(|key| EDGES.iter().any(|(krate, _)| krate == key)).cloned().collect();
        seen.insert(name, ours);
    }
    for (krate, allowed) in EDGES {
        let has = seen.remove(*krate).unwrap_or_else(|| panic!("no crate {krate}"));
        for dependency in has {
            assert!(allowed.contains(&dependency.as_str()), "{krate} → {dependency} is not an edge of the design");
        }
    }
    assert!(seen.is_empty(), "crates without a line in EDGES: {seen:?}");
}

#[test]
fn each_foreign_library_has_one_import_site() {
    for (path, text) in sources(&[".rs", ".js", ".html"]) {
        for (name, sites) in SOLE_SITES {
            let speaks =
                text.match_indices(name).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            let in_prose = |line: &str| line.trim_start().starts_with("//");
            let in_code = speaks && text.lines().any(|line| line.contains(name) && !in_prose(line));
            let allowed = sites.iter().any(|site| path.starts_with(site)) || path.starts_with("tests/");
            assert!(!in_code || allowed, "{path} speaks {name}, which belongs to {sites:?}");
        }
    }
}

#[test]
fn no_file_is_longer_than_one_reads() {
    for (path, text) in sources(&[".rs", ".js", ".css", ".html", ".mjs"]) {
        let lines = without_tests(&text).lines().count();
        assert!(lines <= MOST_LINES, "{path} has {lines} lines without its tests; {MOST_LINES} is the most");
    }
}

#[test]
fn tests_wait_for_events_and_never_for_time() {
    for (path, text) in sources(&[".rs", ".mjs"]) {
        let tests = if path.contains("/tests/") { &text[..] } else { &text[without_tests(&text).len()..] };
        for nap in ["thread::sleep(", "time::sleep("] {
            assert!(!tests.contains(nap), "{path}: a test sleeps ({nap})");
        }
    }
}

#[test]
fn readme_names_every_place_and_every_place_it_names_exists() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let table = readme.split("## Layout").nth(1).expect("README has a section Layout").split("\n## ").next().expect("a section");
    let named: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split('`').next()).collect();
    for place in &named {
        assert!(root().join(place).exists(), "README's layout names {place}, which is not there");
    }
    let crates = fs::read_dir(root().join("src-tauri/crates"))
        .expect("crates")
        .map(|e| format!("src-tauri/crates/{}", e.expect("an entry").file_name().to_string_lossy()));
    for place in crates.chain(["src-tauri/src", "src-tauri/xtask", "ui", "tests", "icons"].map(str::to_owned)) {
        assert!(named.iter().any(|n| n.trim_end_matches('/') == place), "README's layout lacks {place}");
    }
    for (at, _) in readme.match_indices("](") {
        let link = readme[at + 2..].split(')').next().expect("a link ends");
        assert!(link.contains("://") || link.starts_with('#') || root().join(link).exists(), "README links to {link}, which is not there");
    }
}
