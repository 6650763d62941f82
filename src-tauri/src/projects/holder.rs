//! Which process of this user serves on a port: a file beside the projects', locked for as long as its writer serves. A lock goes with
//! its process, however that ends, so that a file left behind means nothing.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Says that this process serves. Dropping it takes that back.
pub struct Holder(#[expect(dead_code, reason = "it is held for its lock")] File);

impl Holder {
    /// For the service on `port`, whose projects are in the file at `projects`.
    pub fn hold(projects: &Path, port: u16) -> io::Result<Self> {
        let path = beside(projects, port);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Self(file))
    }
}

/// The process that serves on `port` by the projects at `projects`, if one does; 0 where its number cannot be read.
pub fn holder_of(projects: &Path, port: u16) -> Option<u32> {
    let path = beside(projects, port);
    let file = OpenOptions::new().write(true).open(&path).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Some(fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn beside(projects: &Path, port: u16) -> PathBuf {
    projects.with_file_name(format!(".serving-{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_while_it_is_held_and_on_its_port_only() {
        let folder = std::env::temp_dir().join(format!("visavis-holder-{}", std::process::id()));
        let projects = folder.join("projects.toml");
        assert_eq!(holder_of(&projects, 1), None);
        let holder = Holder::hold(&projects, 1).unwrap();
        assert_eq!((holder_of(&projects, 1), holder_of(&projects, 2)), (Some(std::process::id()), None));
        assert!(Holder::hold(&projects, 1).is_err());
        drop(holder);
        assert_eq!(holder_of(&projects, 1), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
