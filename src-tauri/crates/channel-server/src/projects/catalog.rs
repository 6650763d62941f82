//! The projects that a running service goes by. They change while it runs: through this, or through the file, which is looked at often.
//! A file with a mistake changes nothing; the log says why.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Mutex, watch},
    time::{MissedTickBehavior, interval},
};

use super::{Projects, Store, StoreError};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A set of projects that clones share.
#[derive(Clone, Debug)]
pub struct Catalog {
    current: watch::Sender<Arc<Projects>>,
    store: Option<Arc<Store>>,
    /// Held by the one clone that looks at the file for all.
    follower: Arc<Mutex<()>>,
}

impl Default for Catalog {
    /// The open default project alone, in memory.
    fn default() -> Self {
        Self::fixed(Projects::local())
    }
}

impl Catalog {
    /// These projects, in memory only.
    pub fn fixed(projects: Projects) -> Self {
        Self { current: watch::Sender::new(Arc::new(projects)), store: None, follower: Arc::default() }
    }

    /// The projects of a file.
    pub fn open(store: Store) -> Result<Self, StoreError> {
        let projects = store.load()?;
        Ok(Self { store: Some(Arc::new(store)), ..Self::fixed(projects) })
    }

    /// The projects of a file; where it cannot be read, `meanwhile` until it can, and why.
    pub fn open_or(store: Store, meanwhile: Projects) -> (Self, Option<StoreError>) {
        let (projects, problem) = match store.load() {
            Ok(projects) => (projects, None),
            Err(problem) => (meanwhile, Some(problem)),
        };
        (Self { store: Some(Arc::new(store)), ..Self::fixed(projects) }, problem)
    }

    /// The projects as they are now.
    pub fn current(&self) -> Arc<Projects> {
        self.current.borrow().clone()
    }

    /// Tells of every change.
    pub fn changes(&self) -> watch::Receiver<Arc<Projects>> {
        self.current.subscribe()
    }

    /// Changes the projects, in the file too if there is one; where `change` fails nothing changes. Blocks for as long as the disk takes.
    pub fn edit<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut Projects) -> Result<T, E>) -> Result<T, E> {
        let (value, projects) = match &self.store {
            Some(store) => store.edit(change)?,
            None => {
                let mut projects = Projects::clone(&self.current());
                (change(&mut projects)?, projects)
            }
        };
        self.put(projects);
        Ok(value)
    }

    /// Reads the file again whenever it has changed, for ever. [`serve_all`](crate::serve_all) does this for the service's own. Of several
    /// clones that follow, one looks, and the next goes on when it is dropped.
    pub async fn follow(&self) {
        let Some(store) = &self.store else { return std::future::pending().await };
        let _follower = self.follower.lock().await;
        let mut watcher = Watcher::default();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let stamp = tokio::fs::metadata(store.path()).await.ok().map(|data| Stamp::of(&data));
            if watcher.look(stamp) {
                self.reload(store.clone()).await;
            }
        }
    }

    async fn reload(&self, store: Arc<Store>) {
        let reading = {
            let store = store.clone();
            tokio::task::spawn_blocking(move || store.read())
        };
        match reading.await {
            Ok(Ok(projects)) => self.put(projects),
            // A stand-in needs no file.
            Ok(Err(StoreError::Missing(_))) if store.load().is_ok_and(|projects| projects == *self.current()) => {}
            Ok(Err(error)) => tracing::error!("the projects stay as they were: {error}"),
            Err(panic) => tracing::error!(%panic, "the projects stay as they were"),
        }
    }

    fn put(&self, projects: Projects) {
        let count = projects.iter().count();
        let changed = self.current.send_if_modified(|current| {
            let changed = **current != projects;
            if changed {
                *current = Arc::new(projects);
            }
            changed
        });
        if changed {
            tracing::info!(count, "the projects have changed");
        }
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(data: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(data);
        #[cfg(not(unix))]
        let inode = 0;
        Self { modified: data.modified().ok(), length: data.len(), inode }
    }
}

/// Says when a file is to be read: once for each of its states, and only when two looks in a row found it the same, since an editor that
/// writes in place leaves half a file, with half the projects, for a moment.
#[derive(Debug, Default)]
struct Watcher {
    read: Option<Stamp>,
    seen: Option<Stamp>,
}

impl Watcher {
    fn look(&mut self, stamp: Option<Stamp>) -> bool {
        let settled = stamp == self.seen;
        self.seen = stamp;
        if !settled || stamp == self.read {
            return false;
        }
        self.read = stamp;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projects::Project;

    fn stamp(length: u64) -> Option<Stamp> {
        Some(Stamp { modified: None, length, inode: 0 })
    }

    #[test]
    fn a_file_is_read_once_for_each_state_that_lasts() {
        let mut watcher = Watcher::default();
        let looks = [stamp(1), stamp(1), stamp(1), stamp(2), stamp(3), stamp(3), None, None, None, stamp(3), stamp(3)];
        assert_eq!(looks.map(|stamp| watcher.look(stamp)), [false, true, false, false, false, true, false, true, false, false, true]);
    }

    #[test]
    fn a_change_is_seen_by_every_clone_and_a_failed_one_by_none() {
        let catalog = Catalog::default();
        let (clone, mut changes) = (catalog.clone(), catalog.changes());
        catalog.edit(|projects| projects.add(Project::fresh("b").unwrap()).map_err(StoreError::from)).unwrap();
        assert!(changes.has_changed().unwrap());
        assert_eq!(changes.borrow_and_update().iter().count(), 2);
        assert_eq!(clone.current().iter().count(), 2);
        let failed = catalog.edit(|projects| {
            projects.add(Project::fresh("c").unwrap()).unwrap();
            projects.add(Project::local()).map_err(StoreError::from)
        });
        assert!(failed.is_err() && !changes.has_changed().unwrap());
    }
}
