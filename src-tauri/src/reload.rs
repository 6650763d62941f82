//! In development the windows reload when a file of the page changes, however the editor saves it.
//!
//! The Tauri CLI's own server misses files that are written in place: it asks only what happened first, and that is their opening.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tauri::{AppHandle, Manager};

/// How often the files are looked at. The page has some fifty, so a look costs next to nothing.
const LOOK: Duration = Duration::from_millis(300);

/// Where the page's files are while the app is developed.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui");

/// Each file with when it was last written, and its length.
type Looks = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Watches for as long as the app runs; does nothing outside `cargo tauri dev`.
pub async fn watch(handle: AppHandle) {
    if !tauri::is_dev() || handle.config().build.dev_url.is_none() {
        return;
    }
    let (mut seen, mut look) = (looks(Path::new(PAGE)), tokio::time::interval(LOOK));
    loop {
        look.tick().await;
        let now = looks(Path::new(PAGE));
        if now == seen {
            continue;
        }
        seen = now;
        for (label, window) in handle.webview_windows() {
            if let Err(error) = window.reload() {
                tracing::warn!(%error, label, "a window does not reload");
            }
        }
    }
}

/// What lies in a folder and below it; what cannot be read right now is not there.
fn looks(folder: &Path) -> Looks {
    let mut looks = Looks::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => looks.extend(self::looks(&entry.path())),
            Ok(about) => _ = looks.insert(entry.path(), (about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len())),
            Err(_) => {}
        }
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_in_place_renamed_or_removed_looks_different() {
        let folder = std::env::temp_dir().join(format!("visavis-reload-{}", std::process::id()));
        fs::create_dir_all(folder.join("css")).unwrap();
        let file = folder.join("css/a.css");
        let mut before = looks(&folder);
        let changes: [&dyn Fn(); 4] = [
            &|| fs::write(&file, "one").unwrap(),
            &|| fs::write(&file, "longer").unwrap(),
            &|| fs::rename(&file, folder.join("b.css")).unwrap(),
            &|| fs::remove_file(folder.join("b.css")).unwrap(),
        ];
        for change in changes {
            change();
            let after = looks(&folder);
            assert_ne!(before, after);
            assert_eq!(looks(&folder), after);
            before = after;
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_page_is_where_it_is_looked_for() {
        assert!(looks(Path::new(PAGE)).keys().any(|file| file.ends_with("index.html")));
    }
}
