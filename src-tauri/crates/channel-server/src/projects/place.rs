//! Where the file is unless `--projects` says otherwise: of a machine that has `/etc/visavis`, there; else in the user's own settings.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

const FILE: &str = "projects.toml";

/// The machine's folder, which packages and administrators make.
const MACHINE: &str = "/etc/visavis";

/// The file's usual path; `None` where not even a home folder is known.
pub fn default_path() -> Option<PathBuf> {
    path(Path::new(MACHINE).is_dir(), |name| std::env::var_os(name))
}

fn path(machine: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if machine && cfg!(unix) {
        return Some(Path::new(MACHINE).join(FILE));
    }
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let settings = if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    Some(settings?.join("visavis").join(FILE))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_machines_folder_comes_before_the_users() {
        let said = |machine, variables: &[(&str, &str)]| {
            let found = path(machine, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()));
            found.map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(said(true, &[("HOME", "/home/ann")]).as_deref(), Some("/etc/visavis/projects.toml"));
        assert_eq!(said(false, &[("HOME", "/home/ann")]).as_deref(), Some("/home/ann/.config/visavis/projects.toml"));
        assert_eq!(said(false, &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]).as_deref(), Some("/x/visavis/projects.toml"));
        assert_eq!(
            said(false, &[("HOME", "/h"), ("XDG_CONFIG_HOME", "not/absolute")]).as_deref(),
            Some("/h/.config/visavis/projects.toml")
        );
        assert_eq!(said(false, &[]), None);
    }
}
