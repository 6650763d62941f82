//! The projects' file. A reader sees the old text or the new, never half of one: a new text is written beside the file, flushed to the
//! disk and renamed over it. Writers hold a lock, in a file of its own since the projects' file is another one after each change.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::{Mistake, ProjectError, Projects, fresh_key, text};

/// The longest file that is read, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Why the file is not read or not written. The first two and the last are for whoever wrote the file or asked; the others are the system's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no projects file {}; `channel-server project new --projects {}` makes one", .0.display(), .0.display())]
    Missing(PathBuf),
    #[error("{}, {mistake}", path.display())]
    Mistake { path: PathBuf, mistake: Mistake },
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is longer than a projects file can be ({MOST_BYTES} bytes)", .0.display())]
    TooLong(PathBuf),
    #[error(transparent)]
    Project(#[from] ProjectError),
}

/// Where the projects are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
    stand_in: Option<Projects>,
}

impl Store {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), stand_in: None }
    }

    /// The same, but a file that is not there counts as these projects.
    pub fn or(self, stand_in: Projects) -> Self {
        Self { stand_in: Some(stand_in), ..self }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The projects of the file; of one that is not there, those of [`Self::or`].
    pub fn load(&self) -> Result<Projects, StoreError> {
        match (self.read(), &self.stand_in) {
            (Err(StoreError::Missing(_)), Some(stand_in)) => Ok(stand_in.clone()),
            (read, _) => read,
        }
    }

    /// The projects of the file, which has to be there. Says so in the log when others than its owner can read a certificate in it.
    pub fn read(&self) -> Result<Projects, StoreError> {
        let io_error = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing(self.path.clone()),
            _ => self.failed("read", source),
        };
        let file = File::open(&self.path).map_err(io_error)?;
        let mut bytes = String::new();
        (&file).take(MOST_BYTES + 1).read_to_string(&mut bytes).map_err(io_error)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(StoreError::TooLong(self.path.clone()));
        }
        let projects = text::read(&bytes).map_err(|mistake| StoreError::Mistake { path: self.path.clone(), mistake })?;
        if is_readable_by_all(&file) && projects.iter().any(|project| project.has_certificate()) {
            let path = self.path.display();
            tracing::warn!(%path, "EVERY USER OF THIS MACHINE CAN READ THE CERTIFICATES in the projects file; run: chmod 600 {path}");
        }
        Ok(projects)
    }

    /// Changes the projects; the file is made if it is not there, and stays as it is where `change` fails. Gives back the new set too.
    ///
    /// Waits for another writer, which takes milliseconds.
    pub fn edit<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut Projects) -> Result<T, E>) -> Result<(T, Projects), E> {
        let _lock = self.lock()?;
        let mut projects = match self.load() {
            Err(StoreError::Missing(_)) => Projects::default(),
            loaded => loaded?,
        };
        let value = change(&mut projects)?;
        self.replace(&text::write(&projects))?;
        Ok((value, projects))
    }

    /// Held until dropped. The lock file stays: removing it would let two writers lock two files of the same name.
    fn lock(&self) -> Result<File, StoreError> {
        let folder = self.folder();
        create_folder(&folder).map_err(|source| StoreError::Io { what: "make the folder", path: folder.clone(), source })?;
        let path = self.beside("lock");
        let lock =
            private(OpenOptions::new().create(true).truncate(false).write(true)).open(&path).and_then(|file| file.lock().map(|()| file));
        lock.map_err(|source| StoreError::Io { what: "lock", path, source })
    }

    fn replace(&self, text: &str) -> Result<(), StoreError> {
        // A link is kept, and the file that it names replaced.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let fresh = Self::new(&target).beside(&fresh_key());
        let written = write_new(&fresh, text, &target).and_then(|()| fs::rename(&fresh, &target));
        if written.is_err() {
            // It may not have been made at all.
            let _ = fs::remove_file(&fresh);
        }
        written.and_then(|()| flush_folder(&Self::new(&target).folder())).map_err(|source| self.failed("write", source))
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
    }

    /// A hidden file next to this one.
    fn beside(&self, ending: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.folder().join(format!(".{name}.{ending}"))
    }

    fn failed(&self, what: &'static str, source: io::Error) -> StoreError {
        StoreError::Io { what, path: self.path.clone(), source }
    }
}

/// Writes a file that is not there yet and flushes it; it gets the owner of `like`, or of its folder where there is no `like` yet, so that
/// an administrator's change does not lock the service out.
fn write_new(path: &Path, text: &str, like: &Path) -> io::Result<()> {
    let mut file = private(OpenOptions::new().create_new(true).write(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    inherit(&file, like)?;
    file.sync_all()
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

/// Owner and group of the file before; of its mode only that the group may read, if it may.
#[cfg(unix)]
fn inherit(file: &File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let before = fs::metadata(like);
    let group_reads = before.as_ref().map_or(0, |before| before.mode() & 0o040);
    let owner =
        before.or_else(|_| fs::metadata(like.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))))?;
    let ours = file.metadata()?;
    if (owner.uid(), owner.gid()) != (ours.uid(), ours.gid()) {
        // Only the superuser may give a file away; anyone else keeps it.
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(0o600 | group_reads))
}

/// A rename is only on the disk when its folder is.
#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn is_readable_by_all(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|data| data.mode() & 0o004 != 0)
}

/// Elsewhere a file in a user's own folder is that user's by the folder's rules.
#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn inherit(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &File) -> bool {
    false
}
