//! The projects file on a real disk, and a service that goes by it.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::fs;

use channel_server::{
    Config,
    projects::{Catalog, Project, Projects, Store, StoreError, fresh_key},
};
use serde_json::json;
use support::{Client, Service, folder::Folder, log::logged};

fn add(store: &Store, name: &str) -> Project {
    let mut project = Project::fresh(name).unwrap();
    project.set_certificate(Some(&fresh_key())).unwrap();
    store.edit(|projects| projects.add(project.clone()).map_err(StoreError::from)).unwrap();
    project
}

#[test]
fn the_file_is_made_changed_and_read() {
    let folder = Folder::new();
    let store = Store::new(folder.0.join("new/projects.toml"));
    assert!(matches!(store.load(), Err(StoreError::Missing(_))));
    assert_eq!(store.clone().or(Projects::local()).load().unwrap(), Projects::local());
    let (first, second) = (add(&store, "one"), add(&store, "two"));
    assert_eq!(store.load().unwrap(), Projects::new([first, second]).unwrap());
    let left: Vec<_> = fs::read_dir(folder.0.join("new")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}

#[test]
fn a_stand_in_is_kept_by_the_first_change() {
    let folder = Folder::new();
    let store = folder.store().or(Projects::local());
    let project = add(&store, "one");
    assert_eq!(folder.store().load().unwrap(), Projects::new([Project::local(), project]).unwrap());
}

#[test]
fn writers_at_once_lose_nothing() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = folder.store();
            scope.spawn(move || (0..5).for_each(|n| drop(add(&store, &format!("{writer}-{n}")))));
        }
    });
    assert_eq!(folder.store().load().unwrap().iter().count(), 40);
}

#[test]
fn a_change_that_fails_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    add(&folder.store(), "one");
    let before = fs::read_to_string(folder.store().path()).unwrap();
    let failed = folder.store().edit(|projects| {
        projects.add(Project::fresh("two").unwrap()).unwrap();
        projects.edit("nobody").map(drop).map_err(StoreError::from)
    });
    assert!(failed.is_err());
    fs::write(folder.store().path(), "no toml").unwrap();
    assert!(
        matches!(folder.store().edit(|_| Ok::<_, StoreError>(())), Err(StoreError::Mistake { .. })),
        "what cannot be read is not written over"
    );
    assert_eq!(fs::read_to_string(folder.store().path()).unwrap(), "no toml");
    fs::write(folder.store().path(), &before).unwrap();
    assert_eq!(folder.store().load().unwrap().iter().count(), 1);
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone_and_others_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = folder.store();
    let mode = || fs::metadata(store.path()).unwrap().permissions().mode() & 0o777;
    let chmod = |mode| fs::set_permissions(store.path(), fs::Permissions::from_mode(mode)).unwrap();
    let project = add(&store, "one");
    assert_eq!(mode(), 0o600);
    let quiet = logged(|| drop(store.load().unwrap()));
    assert_eq!(quiet, "");
    chmod(0o644);
    let warned = logged(|| drop(store.load().unwrap()));
    assert!(warned.contains("CAN READ THE CERTIFICATES") && !warned.contains(project.reveal_certificate().unwrap()), "{warned}");
    add(&store, "two");
    assert_eq!(mode(), 0o640, "the group goes on reading, the rest of the world does not");
}

#[cfg(unix)]
#[test]
fn a_link_goes_on_naming_the_file() {
    let folder = Folder::new();
    let elsewhere = Store::new(folder.0.join("real.toml"));
    add(&elsewhere, "one");
    std::os::unix::fs::symlink(elsewhere.path(), folder.store().path()).unwrap();
    add(&folder.store(), "two");
    assert!(fs::symlink_metadata(folder.store().path()).unwrap().is_symlink());
    assert_eq!(elsewhere.load().unwrap().iter().count(), 2);
}

#[tokio::test]
async fn a_running_service_goes_by_the_file_as_it_changes() {
    let folder = Folder::new();
    let store = folder.store();
    let project = store.edit(|projects| {
        let project = Project::fresh("lessons")?;
        projects.add(project.clone())?;
        Ok::<_, StoreError>(project)
    });
    let app_id = project.unwrap().0.app_id().clone();
    let catalog = Catalog::open(store.clone()).unwrap();
    let mut changes = catalog.changes();
    let service = Service::start(Config { projects: catalog, ..Config::default() }).await;
    let join = async || Client::connect(&service).await.join(json!({"app_id": app_id})).await;
    assert_eq!(join().await["ok"]["resumed"], false);
    assert_eq!(
        Client::connect(&service).await.join(json!({})).await["error"]["code"],
        "INVALID_VENDOR_KEY",
        "with a file its projects are all"
    );

    store.edit(|projects| projects.edit(app_id.as_str()).map(|project| project.set_enabled(false)).map_err(StoreError::from)).unwrap();
    changes.changed().await.unwrap();
    assert_eq!(join().await["error"]["code"], "INVALID_VENDOR_KEY");

    let off = fs::read_to_string(store.path()).unwrap();
    fs::write(store.path(), off.replace("false", "5").replace(app_id.as_str(), "slip")).unwrap();
    assert!(store.load().is_err());
    fs::write(store.path(), off.replace("false", "true")).unwrap();
    changes.changed().await.unwrap();
    assert_eq!(join().await["ok"]["resumed"], false, "a mistake in between does not stop the reading");
}

#[tokio::test]
async fn a_clone_goes_on_looking_when_the_one_that_looked_ends() {
    let folder = Folder::new();
    add(&folder.store(), "one");
    let catalog = Catalog::open(folder.store()).unwrap();
    let [first, second] = [catalog.clone(), catalog.clone()].map(|clone| tokio::spawn(async move { clone.follow().await }));
    let mut changes = catalog.changes();
    for (name, count) in [("two", 2), ("three", 3)] {
        add(&folder.store(), name);
        changes.changed().await.unwrap();
        assert_eq!(changes.borrow_and_update().iter().count(), count);
        first.abort();
    }
    second.abort();
}
