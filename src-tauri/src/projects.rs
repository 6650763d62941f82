//! The projects of the channel service that this app brings along: the panel lists, makes and changes them, and makes tokens.
//!
//! ```text
//! projects   the file, and what the panel does with it
//! holder     which process of this user serves, so that the others know that its projects are theirs
//! types      what crosses to the page
//! ```
//!
//! Invariant: a file that cannot be read closes no call: the service goes by the open default project until the file is mended.

mod holder;
mod types;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use channel_server::{
    projects::{Catalog, Project, ProjectError, Projects, Store, StoreError, fresh_key},
    tokens,
};
use tokio::sync::watch;

pub use holder::Holder;
use holder::holder_of;
pub use types::{MadeToken, Place, ProjectList, ProjectRow, TokenOrder};

use crate::signal::{AppId, Code, Error};

/// The projects' file, and the set that a service of this app goes by. Its methods wait for the disk: not for async code.
#[derive(Clone)]
pub struct Book {
    store: Option<Store>,
    catalog: Catalog,
}

impl Book {
    /// Of the file at `path`; without one, in memory.
    pub fn open(path: Option<PathBuf>) -> Self {
        let store = path.map(|path| Store::new(path).or(Projects::local()));
        let catalog = match store.clone() {
            None => Catalog::default(),
            Some(store) => {
                let (catalog, problem) = Catalog::open_or(store, Projects::local());
                if let Some(problem) = problem {
                    tracing::error!("the default project is served meanwhile: {problem}");
                }
                catalog
            }
        };
        Self { store, catalog }
    }

    /// What a service goes by.
    pub fn catalog(&self) -> Catalog {
        self.catalog.clone()
    }

    /// Tells of every change, from wherever it comes.
    pub fn changes(&self) -> watch::Receiver<Arc<Projects>> {
        self.catalog.changes()
    }

    /// Where the projects are kept, if not in memory only.
    pub fn file(&self) -> Option<&Path> {
        self.store.as_ref().map(Store::path)
    }

    /// The projects as the file has them now.
    pub fn list(&self) -> Result<Vec<ProjectRow>, Error> {
        let projects = match &self.store {
            Some(store) => store.load().map_err(refused)?,
            None => Projects::clone(&self.catalog.current()),
        };
        Ok(projects.iter().map(ProjectRow::from).collect())
    }

    pub fn create(&self, name: &str) -> Result<ProjectRow, Error> {
        let made = self.catalog.edit(|projects| {
            let project = Project::fresh(name).map_err(StoreError::from)?;
            let row = ProjectRow::from(&project);
            projects.add(project).map_err(StoreError::from)?;
            Ok::<_, StoreError>(row)
        });
        made.map_err(refused)
    }

    pub fn set_enabled(&self, app_id: &AppId, enabled: bool) -> Result<(), Error> {
        self.change(app_id, |project| {
            project.set_enabled(enabled);
            Ok(())
        })
    }

    /// Switches the certificate on (a fresh one, unless it is on already) or off.
    pub fn set_certificate(&self, app_id: &AppId, on: bool) -> Result<(), Error> {
        self.change(app_id, |project| match (on, project.has_certificate()) {
            (true, true) | (false, false) => Ok(()),
            (true, false) => project.set_certificate(Some(&fresh_key())),
            (false, true) => project.set_certificate(None),
        })
    }

    /// The certificate itself, for whoever runs a token server of their own.
    pub fn reveal_certificate(&self, app_id: &AppId) -> Result<String, Error> {
        let current = self.catalog.current();
        let project = current.get(app_id).ok_or_else(unknown)?;
        project
            .reveal_certificate()
            .map(str::to_owned)
            .ok_or_else(|| Error::new(Code::InvalidOperation, "This project has no certificate."))
    }

    /// Makes a token at `now_unix` seconds; `salt` is any number, drawn at random.
    pub fn make_token(&self, order: &TokenOrder, now_unix: u64, salt: u32) -> Result<MadeToken, Error> {
        let app_id: AppId = order.app_id.parse()?;
        let current = self.catalog.current();
        let project = current.get(&app_id).ok_or_else(unknown)?;
        let made = tokens::issue(project, &order.checked()?, now_unix, salt)?;
        Ok(MadeToken { token: made.token, expires_at: made.expires_at })
    }

    fn change(&self, app_id: &AppId, change: impl FnOnce(&mut Project) -> Result<(), ProjectError>) -> Result<(), Error> {
        let changed = self.catalog.edit(|projects| {
            change(projects.edit(app_id.as_str())?)?;
            Ok::<_, StoreError>(())
        });
        changed.map_err(refused)
    }
}

/// Who runs the service that calls go to.
pub enum Seat {
    Here {
        server: String,
    },
    /// Another program on this computer, on this port.
    Elsewhere {
        server: String,
        port: u16,
    },
    External {
        server: String,
    },
}

impl Seat {
    /// What the panel shows.
    pub fn list(self, book: &Book) -> ProjectList {
        let (place, server, process) = match self {
            Self::Here { server } => (Place::Here, server, None),
            Self::External { server } => (Place::External, server, None),
            Self::Elsewhere { server, port } => match book.file().and_then(|file| holder_of(file, port)) {
                Some(process) => (Place::Shared, server, Some(process).filter(|process| *process != 0)),
                None => (Place::Stranger, server, None),
            },
        };
        let ours = matches!(place, Place::Here | Place::Shared);
        let (projects, problem) = match book.list() {
            _ if !ours => (Vec::new(), None),
            Ok(projects) => (projects, None),
            Err(error) => (Vec::new(), Some(error.into())),
        };
        let file = book.file().filter(|_| ours).map(|file| file.display().to_string());
        ProjectList { place, server, process, file, projects, problem }
    }
}

fn unknown() -> Error {
    Error::new(Code::InvalidVendorKey, "There is no such project any more.")
}

fn refused(error: StoreError) -> Error {
    let code = match &error {
        StoreError::Project(ProjectError::Unknown(_) | ProjectError::Ambiguous { .. }) => Code::InvalidVendorKey,
        StoreError::Project(_) => Code::InvalidParameter,
        _ => Code::ProjectsFile,
    };
    Error::new(code, format!("{error}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{ChannelName, Uid};

    const NOW: u64 = 1_800_000_000;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("visavis-projects-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn order(app_id: &str, role: &str) -> TokenOrder {
        let json = serde_json::json!({"appId": app_id, "channel": "demo", "uid": 7, "role": role, "seconds": 600});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn without_a_file_there_is_the_default_project_and_the_first_change_makes_the_file() {
        let folder = folder("first");
        let book = Book::open(Some(folder.join("projects.toml")));
        let list = book.list().unwrap();
        assert!(list.len() == 1 && list[0].is_default && !list[0].certificate && list[0].enabled);
        book.create("Lessons").unwrap();
        let names: Vec<String> = Book::open(Some(folder.join("projects.toml"))).list().unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["Default", "Lessons"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_certificate_is_needed_for_tokens_and_stays_the_same_while_it_is_on() {
        let book = Book::open(None);
        let row = book.create("Lessons").unwrap();
        let app_id: AppId = row.app_id.parse().unwrap();
        assert_eq!(book.make_token(&order(&row.app_id, "publisher"), NOW, 1).map(drop).unwrap_err().code, Code::StaticUseDynamicKey);
        assert_eq!(book.reveal_certificate(&app_id).unwrap_err().code, Code::InvalidOperation);
        book.set_certificate(&app_id, true).unwrap();
        let certificate = book.reveal_certificate(&app_id).unwrap();
        book.set_certificate(&app_id, true).unwrap();
        assert_eq!(book.reveal_certificate(&app_id).unwrap(), certificate);

        let made = book.make_token(&order(&row.app_id, "subscriber"), NOW, 1).unwrap();
        assert_eq!(made.expires_at, NOW + 600);
        let current = book.catalog().current();
        let credentials = current.get(&app_id).unwrap().credentials().unwrap();
        let channel: ChannelName = "demo".parse().unwrap();
        let report = tokens::inspect(&made.token, credentials, &channel, Some(&Uid::Number(7)), NOW);
        assert!(report.valid && !report.privileges.contains_key("publish_video"));
        book.set_certificate(&app_id, false).unwrap();
        assert!(!book.list().unwrap()[1].certificate);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_code() {
        let book = Book::open(None);
        let app_id: AppId = "970CA35de60c44645bbae8a215061b33".parse().unwrap();
        assert_eq!(book.set_enabled(&app_id, false).unwrap_err().code, Code::InvalidVendorKey);
        assert_eq!(book.create(&"x".repeat(65)).map(drop).unwrap_err().code, Code::InvalidParameter);
        let bad = TokenOrder { channel: "*".into(), ..order(channel_server::DEFAULT_APP_ID, "publisher") };
        assert_eq!(book.make_token(&bad, NOW, 1).map(drop).unwrap_err().code, Code::InvalidChannelName);
    }

    #[test]
    fn a_program_that_is_not_this_users_visavis_has_projects_of_its_own() {
        let folder = folder("seat");
        let book = Book::open(Some(folder.join("projects.toml")));
        let elsewhere = || Seat::Elsewhere { server: "ws://127.0.0.1:9".into(), port: 9 }.list(&book);
        let stranger = elsewhere();
        assert_eq!((stranger.place, stranger.file, stranger.projects.len()), (Place::Stranger, None, 0));
        let held = Holder::hold(book.file().unwrap(), 9).unwrap();
        let shared = elsewhere();
        assert_eq!((shared.place, shared.process, shared.projects.len()), (Place::Shared, Some(std::process::id()), 1));
        drop(held);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_broken_file_is_told_and_nothing_is_written_over_it() {
        let folder = folder("broken");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("projects.toml");
        std::fs::write(&path, "[[project]]\nnam = 1\n").unwrap();
        let book = Book::open(Some(path.clone()));
        assert_eq!(book.list().map(drop).unwrap_err().code, Code::ProjectsFile);
        assert_eq!(book.create("Lessons").map(drop).unwrap_err().code, Code::ProjectsFile);
        assert_eq!(book.catalog().current().iter().count(), 1, "the default project is served");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "[[project]]\nnam = 1\n");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
