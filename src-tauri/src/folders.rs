//! Where this app keeps its files: in the platform's places, or all in one folder that `--config` names.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    path::{Path, PathBuf},
};

/// The folders; none where not even a home is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// Settings, and which process answers the door.
    pub config: Option<PathBuf>,
    pub logs: Option<PathBuf>,
}

impl Folders {
    /// All in `given`, or else where the platform has such things.
    pub fn new(given: Option<&Path>) -> Self {
        match given {
            Some(folder) => Self { config: Some(folder.to_path_buf()), logs: Some(folder.join("logs")) },
            None => Self::of(|name| std::env::var_os(name)),
        }
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = |below: &str| folder("HOME").map(|home| home.join(below));
        let (config, logs) = if cfg!(windows) {
            (folder("APPDATA"), folder("LOCALAPPDATA").map(|local| local.join("visavis/logs")))
        } else if cfg!(target_os = "macos") {
            (home("Library/Application Support"), home("Library/Logs/visavis"))
        } else {
            let state = folder("XDG_STATE_HOME").or_else(|| home(".local/state"));
            (folder("XDG_CONFIG_HOME").or_else(|| home(".config")), state.map(|state| state.join("visavis/logs")))
        };
        Self { config: config.map(|config| config.join("visavis")), logs }
    }

    pub fn settings(&self) -> Option<PathBuf> {
        Some(self.config.as_ref()?.join("settings.json"))
    }
}

/// The user's own folder.
pub fn home() -> Option<String> {
    let home = std::env::var(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    home.ok().filter(|home| !home.is_empty())
}

/// A file that is made with these is the user's alone.
#[cfg(unix)]
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

/// Elsewhere a file in a user's own folder is that user's by the folder's rules.
#[cfg(not(unix))]
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Folders for tests.
#[cfg(test)]
pub mod scratch {
    use std::{fs, path::PathBuf};

    /// A folder that is not there at first, and gone at the end.
    pub struct Scratch(pub PathBuf);

    impl Scratch {
        /// `name` is no other test's.
        pub fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("visavis-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Folders {
        Folders::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_platform_says_where_and_one_folder_may_hold_all() {
        let usual = of(&[("HOME", "/home/ann")]);
        assert_eq!(usual.settings().unwrap(), Path::new("/home/ann/.config/visavis/settings.json"));
        assert_eq!(usual.logs.unwrap(), Path::new("/home/ann/.local/state/visavis/logs"));
        let own = of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"), ("XDG_STATE_HOME", "relative")]);
        assert_eq!((own.config.unwrap(), own.logs.unwrap()), ("/x/visavis".into(), "/h/.local/state/visavis/logs".into()));
        assert_eq!(of(&[]), Folders::default());
        let given = Folders::new(Some(Path::new("/t")));
        assert_eq!((given.settings().unwrap(), given.logs.unwrap()), ("/t/settings.json".into(), "/t/logs".into()));
    }
}
