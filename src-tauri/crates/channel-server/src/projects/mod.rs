//! Projects: what the quick start's console calls an App ID, with its certificate. One TOML file holds them.
//!
//! 1. A certificate leaves this module only where [`Project::reveal_certificate`] is called: no `Debug`, error or log carries one.
//! 2. A set is always whole: its App IDs differ, and a file with a mistake is refused as a whole, with its line.
//! 3. The file is replaced, never written in place, and by one writer at a time.
//!
//! ```text
//! project     one project                    text     the file's text: strict to read, plain to write
//! store       the file: lock, replace, mode  catalog  the set a running service goes by, and its reload
//! place       where the file is unless said otherwise
//! ```

mod catalog;
mod place;
mod project;
mod store;
mod text;

pub use catalog::Catalog;
pub use place::default_path;
pub use project::{DEFAULT_APP_ID, Project, fresh_key};
pub use store::{Store, StoreError};
pub use text::Mistake;

use signal::AppId;

/// Several projects in the order of their making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projects(Vec<Project>);

/// Why a project is not found, or not changed. The caller's mistake: asking again does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    #[error("no project's App ID is or begins with \"{0}\"; `channel-server project list` shows all")]
    Unknown(String),
    #[error("\"{prefix}\" is the beginning of {count} App IDs; give more of it")]
    Ambiguous { prefix: String, count: usize },
    #[error("there is a project with the App ID {0} already")]
    Duplicate(AppId),
    #[error("a project's name has at most {} characters, none of them a control character", project::MOST_NAME)]
    Name,
    #[error("a certificate is 32 hexadecimal characters")]
    Certificate,
    #[error("a service knows {MOST_PROJECTS} projects at most")]
    TooMany,
}

/// The most projects of one file.
const MOST_PROJECTS: usize = 10_000;

impl Projects {
    /// What is served without a file: the open project of [`DEFAULT_APP_ID`] alone.
    pub fn local() -> Self {
        Self(vec![Project::local()])
    }

    /// These, whose App IDs must differ.
    pub fn new(projects: impl IntoIterator<Item = Project>) -> Result<Self, ProjectError> {
        let mut all = Self::default();
        projects.into_iter().try_for_each(|project| all.add(project))?;
        Ok(all)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Project> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The project with exactly this App ID.
    pub fn get(&self, app_id: &AppId) -> Option<&Project> {
        self.0.iter().find(|project| project.app_id() == app_id)
    }

    /// The project whose App ID this is, or the only one whose App ID begins so; only in the second case does letter case not count.
    pub fn find(&self, app_id: &str) -> Result<&Project, ProjectError> {
        if let Some(project) = self.0.iter().find(|project| project.app_id().as_str() == app_id) {
            return Ok(project);
        }
        let begins = |project: &&Project| {
            let head = project.app_id().as_str().get(..app_id.len());
            !app_id.is_empty() && head.is_some_and(|head| head.eq_ignore_ascii_case(app_id))
        };
        let mut found = self.0.iter().filter(begins);
        match (found.next(), found.count()) {
            (None, _) => Err(ProjectError::Unknown(app_id.chars().take(64).collect())),
            (Some(project), 0) => Ok(project),
            (Some(_), more) => Err(ProjectError::Ambiguous { prefix: app_id.to_owned(), count: more + 1 }),
        }
    }

    /// The project that [`Self::find`] finds, to be changed. Its App ID stays what it is.
    pub fn edit(&mut self, app_id: &str) -> Result<&mut Project, ProjectError> {
        let app_id = self.find(app_id)?.app_id().clone();
        Ok(self.0.iter_mut().find(|project| *project.app_id() == app_id).expect("it was just found"))
    }

    pub fn add(&mut self, project: Project) -> Result<(), ProjectError> {
        if self.get(project.app_id()).is_some() {
            return Err(ProjectError::Duplicate(project.app_id().clone()));
        }
        if self.0.len() >= MOST_PROJECTS {
            return Err(ProjectError::TooMany);
        }
        self.0.push(project);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(first: &str) -> Project {
        Project::open(format!("{first:0<32}").parse().unwrap())
    }

    #[test]
    fn a_project_is_found_by_its_app_id_or_the_beginning_of_one() {
        let projects = Projects::new([project("abc1"), project("abd2"), project("ABE3")]).unwrap();
        assert_eq!(projects.find(project("abc1").app_id().as_str()), Ok(&project("abc1")));
        assert_eq!(projects.find("abc"), Ok(&project("abc1")));
        assert_eq!(projects.find("abe"), Ok(&project("ABE3")), "case does not count in a beginning");
        assert_eq!(projects.find("ab"), Err(ProjectError::Ambiguous { prefix: "ab".into(), count: 3 }));
        for unknown in ["", "f", "é", &"a".repeat(40)] {
            assert_eq!(projects.find(unknown), Err(ProjectError::Unknown(unknown.into())));
        }
    }

    #[test]
    fn an_app_id_is_taken_once() {
        let mut projects = Projects::new([project("a")]).unwrap();
        assert_eq!(projects.add(project("a")), Err(ProjectError::Duplicate(project("a").app_id().clone())));
        assert!(projects.add(project("A")).is_ok(), "tokens know letter case, so it tells two projects apart");
    }

    #[test]
    fn a_project_is_changed_in_its_place() {
        let mut projects = Projects::new([project("a"), project("b")]).unwrap();
        projects.edit("a").unwrap().set_enabled(false);
        projects.edit("b").unwrap().rename("Lessons").unwrap();
        assert!(projects.edit("c").is_err());
        assert_eq!(
            projects.iter().map(|project| (project.is_enabled(), project.name())).collect::<Vec<_>>(),
            [(false, ""), (true, "Lessons")]
        );
    }
}
