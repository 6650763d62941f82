//! The settings' file on the disk. Several windows and several processes share it: each change reads the file anew under a lock, and
//! replaces it in one step, so that nobody sees half of it and nobody's change is lost.
//!
//! A file that is broken is kept beside the new one; one that is of a later version, or that must not be written, stays as it is, and
//! what is chosen lasts as long as the app.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    document::{Document, MOST_BYTES, Unreadable},
    geometry::Geometry,
    values::Settings,
};
use crate::{
    folders::private,
    signal::{Code, Error},
    types::Problem,
};

/// How often the file is asked whether another process changed it.
const LOOK: Duration = Duration::from_secs(1);

/// How many broken files are kept; more than one is a person's experiment.
const MOST_KEPT: u32 = 9;

/// Clones are the same settings. Its methods wait for the disk, which takes milliseconds.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: Option<PathBuf>,
    state: Mutex<State>,
    changes: watch::Sender<Arc<Settings>>,
}

#[derive(Default)]
struct State {
    /// The newest that is known, whether it could be written or not.
    document: Document,
    problem: Option<Problem>,
    stamp: Stamp,
}

/// A file's time and length; none where there is no file.
type Stamp = Option<(SystemTime, u64)>;

/// What the disk holds.
enum Found {
    Nothing,
    Whole(Document),
    Bad(Unreadable),
}

impl Store {
    /// Of the file at `path`; without one, in memory.
    pub fn open(path: Option<PathBuf>) -> Self {
        let (changes, _) = watch::channel(Arc::new(Settings::default()));
        let store = Self { shared: Arc::new(Shared { path, state: Mutex::default(), changes }) };
        store.look();
        store
    }

    pub fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    /// Why the file cannot be used as it is, if so.
    pub fn problem(&self) -> Option<Problem> {
        self.state().problem.clone()
    }

    pub fn current(&self) -> Arc<Settings> {
        self.shared.changes.borrow().clone()
    }

    /// Tells of every change, from whichever process it comes.
    pub fn changes(&self) -> watch::Receiver<Arc<Settings>> {
        self.shared.changes.subscribe()
    }

    /// Changes what `change` names, a part of [`Settings`] as JSON. What cannot be written lasts as long as the app.
    pub fn change(&self, change: &Value) -> Result<Arc<Settings>, Error> {
        self.edit(|document| document.change(change))?;
        Ok(self.current())
    }

    pub fn geometry(&self) -> Option<Geometry> {
        self.state().document.geometry()
    }

    pub fn set_geometry(&self, geometry: Geometry) {
        if self.geometry() == Some(geometry) {
            return;
        }
        let set = self.edit(|document| {
            document.set_geometry(geometry);
            Ok(())
        });
        if let Err(error) = set {
            tracing::debug!(%error, "the window's place is not kept");
        }
    }

    /// Follows what other processes change, as long as the app runs.
    pub async fn follow(self) {
        let mut look = tokio::time::interval(LOOK);
        while self.shared.path.is_some() {
            look.tick().await;
            let store = self.clone();
            let _ = tokio::task::spawn_blocking(move || store.look_if_changed()).await;
        }
    }

    fn look_if_changed(&self) {
        let stamp = self.path().and_then(stamp);
        if stamp.is_some() && stamp != self.state().stamp {
            self.look();
        }
    }

    /// Reads the file.
    fn look(&self) {
        let Some(path) = self.path() else { return };
        let mut state = self.state();
        state.stamp = stamp(path);
        match read(path) {
            Ok(Found::Nothing) => {}
            Ok(Found::Whole(document)) => (state.document, state.problem) = (document, None),
            Ok(Found::Bad(reason)) => state.problem = Some(put_aside(path, reason)),
            Err(error) => state.problem = Some(problem(path, "cannot be read", &error)),
        }
        self.tell(&state);
    }

    fn edit(&self, edit: impl Fn(&mut Document) -> Result<(), Error>) -> Result<(), Error> {
        let mut state = self.state();
        // Refused changes must not reach the disk, and what cannot reach it must count all the same.
        edit(&mut state.document)?;
        if let Some(path) = self.path() {
            match write(path, &edit) {
                Ok(Written::New(document)) => (state.document, state.problem) = (document, state.problem.take().filter(is_of_the_past)),
                Ok(Written::NotOurs(reason)) => {
                    state.problem = Some(put_aside(path, reason));
                    // Once a broken file is out of the way there is room for a new one.
                    if let (Unreadable::Broken, Ok(Written::New(document))) = (reason, write(path, &edit)) {
                        state.document = document;
                    }
                }
                Err(error) => state.problem = Some(problem(path, "cannot be written", &error)),
            }
            state.stamp = stamp(path);
        }
        self.tell(&state);
        Ok(())
    }

    fn tell(&self, state: &State) {
        let settings = Arc::new(state.document.settings());
        self.shared.changes.send_if_modified(|current| {
            let other = **current != *settings;
            *current = settings;
            other
        });
    }

    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person should still know after the file could be written again: that their broken one lies beside it.
fn is_of_the_past(problem: &Problem) -> bool {
    problem.message.contains(KEPT)
}

const KEPT: &str = "It is kept as";

enum Written {
    New(Document),
    /// The file must stay as it is.
    NotOurs(Unreadable),
}

fn stamp(path: &Path) -> Stamp {
    fs::metadata(path).ok().and_then(|about| Some((about.modified().ok()?, about.len())))
}

fn read(path: &Path) -> io::Result<Found> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MOST_BYTES);
    Ok(match text.map_or(Err(Unreadable::Broken), |text| Document::read(&text)) {
        Ok(document) => Found::Whole(document),
        Err(reason) => Found::Bad(reason),
    })
}

/// Changes the file as it is now, whoever wrote it last.
fn write(path: &Path, edit: impl Fn(&mut Document) -> Result<(), Error>) -> io::Result<Written> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(beside(path, "lock"))?;
    lock.lock()?;
    // A link is kept, and the file that it names replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&target).is_ok_and(|about| about.permissions().readonly()) {
        return Err(io::ErrorKind::ReadOnlyFilesystem.into());
    }
    let mut document = match read(&target)? {
        Found::Nothing => Document::default(),
        Found::Whole(document) => document,
        Found::Bad(reason) => return Ok(Written::NotOurs(reason)),
    };
    // It was good for what this process knows; a file that makes it bad is another process's, and stays.
    if edit(&mut document).is_ok() {
        let fresh = beside(&target, &format!("{:08x}", rand::random::<u32>()));
        let replaced = write_new(&fresh, &document.write()).and_then(|()| fs::rename(&fresh, &target));
        if replaced.is_err() {
            // It may not have been made at all.
            let _ = fs::remove_file(&fresh);
        }
        replaced?;
    }
    Ok(Written::New(document))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private(OpenOptions::new().create_new(true).write(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A hidden file next to this one.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

/// Makes room for a new file where the old one is broken; one of a later version stays where it is.
fn put_aside(path: &Path, reason: Unreadable) -> Problem {
    let file = path.display();
    let message = match reason {
        Unreadable::Future(_) => format!(
            "The settings in {file} are not used: {reason}. They stay as they are, and what you choose now lasts until Visavis ends. \
             Update Visavis, or move the file away."
        ),
        Unreadable::Broken => match keep(path) {
            Ok(kept) => {
                format!("The settings in {file} were not used: {reason}. {KEPT} {}, and Visavis has begun a new one.", kept.display())
            }
            Err(error) => format!("The settings in {file} are not used: {reason}, and it cannot be renamed ({error}). Move it away."),
        },
    };
    tracing::warn!("{message}");
    Problem { code: Code::SettingsFile.to_string(), message }
}

fn keep(path: &Path) -> io::Result<PathBuf> {
    let name = |number: u32| path.with_extension(if number == 1 { "broken.json".to_owned() } else { format!("broken-{number}.json") });
    // Where all are taken, the last one is replaced.
    let kept = (1..MOST_KEPT).map(name).find(|kept| !kept.exists()).unwrap_or_else(|| name(MOST_KEPT));
    fs::rename(path, &kept)?;
    Ok(kept)
}

fn problem(path: &Path, what: &str, error: &io::Error) -> Problem {
    let message = format!(
        "The settings' file {} {what} ({error}). What you choose lasts until Visavis ends. See to it that you may write this file.",
        path.display()
    );
    tracing::warn!("{message}");
    Problem { code: Code::SettingsFile.to_string(), message }
}

#[cfg(test)]
mod tests;
