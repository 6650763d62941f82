use super::*;
use crate::folders::scratch::Scratch;
use serde_json::json;

fn scratch(name: &str) -> Scratch {
    let folder = Scratch::new(&format!("settings-{name}"));
    fs::create_dir_all(&folder.0).unwrap();
    folder
}

fn file_in(folder: &Scratch) -> PathBuf {
    folder.0.join("settings.json")
}

fn names_in(folder: &Scratch) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn open(folder: &Scratch) -> Store {
    Store::open(Some(file_in(folder)))
}

#[test]
fn what_is_chosen_is_there_at_the_next_start() {
    let folder = scratch("kept");
    let store = open(&folder);
    assert_eq!((store.problem(), names_in(&folder).len()), (None, 0), "a look writes nothing");
    store.change(&json!({"name": "Ana", "form": {"channel": "demo"}})).unwrap();
    let geometry = Geometry { x: 1, y: 2, width: 800, height: 600, maximized: false };
    store.set_geometry(geometry);
    let again = open(&folder);
    assert_eq!((again.current().name.as_str(), again.current().form.channel.as_str()), ("Ana", "demo"));
    assert_eq!(again.geometry(), Some(geometry));
}

#[test]
fn two_processes_change_the_file_and_neither_loses_what_the_other_chose() {
    let folder = scratch("two");
    let (one, other) = (open(&folder), open(&folder));
    one.change(&json!({"theme": "dark"})).unwrap();
    other.change(&json!({"name": "Bo"})).unwrap();
    one.look_if_changed();
    for store in [one, other, open(&folder)] {
        assert_eq!((serde_json::to_value(store.current().theme).unwrap(), store.current().name.as_str()), (json!("dark"), "Bo"));
    }
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let folder = scratch("many");
    let path = file_in(&folder);
    let writers = ["camera", "microphone", "speaker"].map(|device| {
        let path = path.clone();
        std::thread::spawn(move || {
            for number in 0..20 {
                Store::open(Some(path.clone())).change(&json!({"devices": {device: format!("{device} {number}")}})).unwrap();
            }
        })
    });
    for writer in writers {
        writer.join().unwrap();
    }
    let devices = open(&folder).current().devices.clone();
    assert_eq!(
        (devices.camera.as_deref(), devices.microphone.as_deref(), devices.speaker.as_deref()),
        (Some("camera 19"), Some("microphone 19"), Some("speaker 19"))
    );
    assert_eq!(names_in(&folder), [".settings.json.lock", "settings.json"]);
}

#[test]
fn half_a_file_is_kept_beside_the_new_one_and_the_person_is_told() {
    let folder = scratch("half");
    let half = r#"{"version": 1, "name": "An"#;
    fs::write(file_in(&folder), half).unwrap();
    let store = open(&folder);
    let problem = store.problem().unwrap();
    assert!(problem.code == "SETTINGS_FILE" && problem.message.contains("settings.broken.json"), "{problem:?}");
    assert_eq!(*store.current(), Settings::default());
    store.change(&json!({"name": "Bo"})).unwrap();
    assert!(store.problem().is_some(), "it is told until the end");
    assert_eq!(fs::read_to_string(folder.0.join("settings.broken.json")).unwrap(), half);
    assert_eq!((open(&folder).current().name.as_str(), open(&folder).problem()), ("Bo", None));
}

#[test]
fn a_file_of_a_later_version_stays_as_it_is() {
    let folder = scratch("future");
    let future = r#"{"version": 2, "name": "Ana"}"#;
    fs::write(file_in(&folder), future).unwrap();
    let store = open(&folder);
    store.change(&json!({"name": "Bo"})).unwrap();
    assert_eq!(store.current().name, "Bo", "it counts until the end");
    assert!(store.problem().unwrap().message.contains("later version"));
    assert_eq!((fs::read_to_string(file_in(&folder)).unwrap().as_str(), names_in(&folder).len()), (future, 2));
}

#[test]
fn a_file_that_must_not_be_written_is_not_and_the_choice_counts() {
    let folder = scratch("readonly");
    open(&folder).change(&json!({"name": "Ana"})).unwrap();
    let before = fs::read(file_in(&folder)).unwrap();
    let mut permissions = fs::metadata(file_in(&folder)).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(file_in(&folder), permissions).unwrap();
    let store = open(&folder);
    assert_eq!((store.problem(), store.current().name.as_str()), (None, "Ana"), "to read it is no problem");
    store.change(&json!({"name": "Bo"})).unwrap();
    assert_eq!((store.current().name.as_str(), fs::read(file_in(&folder)).unwrap()), ("Bo", before));
    assert!(store.problem().unwrap().message.contains("cannot be written"));
}

#[test]
fn a_file_too_long_or_no_text_is_broken_and_a_folder_in_its_place_is_told() {
    for (name, bytes) in [("long", vec![b' '; MOST_BYTES as usize + 1]), ("bytes", vec![0xff, 0xfe, 0])] {
        let folder = scratch(name);
        fs::write(file_in(&folder), bytes).unwrap();
        assert!(open(&folder).problem().is_some(), "{name}");
    }
    let folder = scratch("folder");
    fs::create_dir(file_in(&folder)).unwrap();
    let store = open(&folder);
    assert_eq!(store.change(&json!({"name": "Bo"})).unwrap().name, "Bo");
    assert!(store.problem().is_some());
}

#[test]
fn a_refused_change_reaches_neither_disk_nor_windows() {
    let folder = scratch("refused");
    let store = open(&folder);
    let changes = store.changes();
    assert!(store.change(&json!({"theme": "pink"})).is_err());
    assert!(!changes.has_changed().unwrap());
    assert_eq!(names_in(&folder).len(), 0);
}

#[test]
fn without_a_place_the_settings_are_in_memory() {
    let store = Store::open(None);
    assert_eq!(store.change(&json!({"name": "Ana"})).unwrap().name, "Ana");
    assert_eq!((store.problem(), store.path()), (None, None));
}
