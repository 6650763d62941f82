//! A folder that is gone when the test is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use channel_server::projects::{Store, fresh_key};

pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(fresh_key());
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn store(&self) -> Store {
        Store::new(self.0.join("projects.toml"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
