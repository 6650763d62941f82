//! The settings file's text: read, brought up to date, changed and written. No disk and no clock.
//!
//! Invariants: what this version does not know survives; one bad value costs that value alone; a file of a later version is never
//! written over.

use serde_json::{Map, Value};

use super::{geometry::Geometry, values::Settings};
use crate::{error::invalid_parameter, signal::Error};

/// The version of the file's schema.
pub const VERSION: u64 = 1;

/// The longest file that is read, in bytes.
pub const MOST_BYTES: u64 = 256 * 1024;

/// Why a text cannot be gone by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Half a file, or something else.
    #[error("it is no settings file of Visavis, or only a part of one")]
    Broken,
    #[error("it is of a later version of Visavis (schema {0}, this one knows {VERSION})")]
    Future(u64),
}

/// A settings file, with what this version does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document(Map<String, Value>);

impl Document {
    /// Total: any text is a document or a reason. An empty file is an empty document: a disk that was full leaves such.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let Ok(Value::Object(object)) = serde_json::from_str(text) else { return Err(Unreadable::Broken) };
        match object.get("version") {
            None => Ok(Self(object)),
            Some(version) => match version.as_u64() {
                Some(version) if version > VERSION => Err(Unreadable::Future(version)),
                Some(_) => Ok(Self(object)),
                None => Err(Unreadable::Broken),
            },
        }
    }

    pub fn write(&self) -> String {
        let mut object = self.0.clone();
        object.insert("version".into(), VERSION.into());
        let mut text = serde_json::to_string_pretty(&object).expect("JSON values can be written");
        text.push('\n');
        text
    }

    /// What the page sees of it.
    pub fn settings(&self) -> Settings {
        let mut known = value_of(&Settings::default());
        adopt(&mut known, &mut Vec::new(), &self.0, 0);
        let settings: Settings = serde_json::from_value(known).unwrap_or_default();
        let settings = settings.trimmed();
        settings.clone().checked().unwrap_or(Settings { server: None, ..settings })
    }

    /// Changes what `change` names, a part of [`Settings`] as JSON; objects are changed field by field, and in `sound` null takes a choice
    /// back. Refuses, with a sentence, what is no setting or no value of one.
    pub fn change(&mut self, change: &Value) -> Result<(), Error> {
        let Value::Object(change) = change else { return Err(invalid_parameter("Settings are changed by an object.")) };
        let mut wanted = value_of(&self.settings());
        merge(&mut wanted, change);
        let wanted: Settings =
            serde_json::from_value(wanted).map_err(|error| invalid_parameter(format!("This is no value of a setting: {error}.")))?;
        let wanted = value_of(&wanted.trimmed().checked()?);
        // Only what was chosen is written, so that a later version's better defaults reach who never chose.
        for (key, value) in change {
            match (&wanted[key], value) {
                (Value::Object(wanted), Value::Object(fields)) => set_fields(&mut self.0, key, wanted, fields),
                (wanted, _) => drop(self.0.insert(key.clone(), wanted.clone())),
            }
        }
        Ok(())
    }

    /// Where the window was, if that is known.
    pub fn geometry(&self) -> Option<Geometry> {
        serde_json::from_value(self.0.get("window")?.clone()).ok()
    }

    pub fn set_geometry(&mut self, geometry: Geometry) {
        self.0.insert("window".into(), value_of(&geometry));
    }
}

fn value_of<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("settings are plain data")
}

/// Takes over each value of a file that is one of its field's; `known` is whole before and after.
fn adopt(known: &mut Value, path: &mut Vec<String>, file: &Map<String, Value>, depth: usize) {
    for (key, value) in file {
        path.push(key.clone());
        match (value, depth) {
            (Value::Object(fields), 0) if known.get(key).is_some_and(Value::is_object) => adopt(known, path, fields, depth + 1),
            _ => {
                let mut tried = known.clone();
                let place = path.iter().try_fold(&mut tried, |at, key| {
                    let object = at.as_object_mut()?;
                    Some(object.entry(key.clone()).or_insert(Value::Null))
                });
                if let Some(place) = place {
                    *place = value.clone();
                    // A field that this version does not know is refused, too, and stays in the file.
                    if serde_json::from_value::<Settings>(tried.clone()).is_ok() {
                        *known = tried;
                    }
                }
            }
        }
        path.pop();
    }
}

/// Two levels deep, as the settings are.
fn merge(into: &mut Value, change: &Map<String, Value>) {
    let Value::Object(into) = into else { return };
    for (key, value) in change {
        match (into.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.iter().map(|(key, value)| (key.clone(), value.clone()))),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Gives the object at `key` the wanted values of these fields, and takes away those that are no longer wanted.
fn set_fields(file: &mut Map<String, Value>, key: &str, wanted: &Map<String, Value>, fields: &Map<String, Value>) {
    let place = file.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let Value::Object(place) = place else { return };
    for field in fields.keys() {
        match wanted.get(field) {
            Some(value) => drop(place.insert(field.clone(), value.clone())),
            None => drop(place.remove(field)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::values::{Language, Theme};
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: &Value) -> Document {
        Document::read(&value.to_string()).unwrap()
    }

    #[test]
    fn what_a_later_or_another_program_wrote_survives_a_change() {
        let mut document = read(&json!({"version": 1, "later": [1, 2], "form": {"channel": "demo", "colour": "red"}, "theme": "dark"}));
        assert_eq!((document.settings().theme, document.settings().form.channel.as_str()), (Theme::Dark, "demo"));
        document.change(&json!({"theme": "light", "form": {"channel": "b"}})).unwrap();
        let again: Value = serde_json::from_str(&document.write()).unwrap();
        assert_eq!((&again["later"], &again["form"]["colour"], &again["form"]["channel"]), (&json!([1, 2]), &json!("red"), &json!("b")));
        assert_eq!((&again["theme"], &again["version"]), (&json!("light"), &json!(1)));
    }

    #[test]
    fn one_bad_value_costs_that_value_alone() {
        let bad = json!({"theme": "pink", "language": "zh-CN", "mirror": "yes", "statistics": true, "name": 7, "sound": {"AEC": 1, "ANS": false},
            "devices": {"camera": ["x"], "speaker": "card", "cameraOff": true}, "hotkeys": "all", "server": "https://evil"});
        let settings = read(&bad).settings();
        assert_eq!(
            (settings.theme, settings.language, settings.mirror, settings.statistics),
            (Theme::System, Language::Chinese, true, true)
        );
        assert_eq!((settings.sound.aec, settings.sound.ans), (None, Some(false)));
        assert_eq!((settings.devices.camera, settings.devices.speaker.as_deref(), settings.devices.camera_off), (None, Some("card"), true));
        assert_eq!((settings.server, settings.hotkeys.mute), (None, None));
    }

    #[test]
    fn a_file_of_a_later_version_and_half_a_file_are_told_apart() {
        assert_eq!(Document::read(r#"{"version": 2, "theme": "dark"}"#), Err(Unreadable::Future(2)));
        let whole = Document::default().write();
        assert!(whole.contains("\"version\": 1"));
        let whole = {
            let mut d = Document::default();
            d.change(&json!({"name": "Ana"})).unwrap();
            d.write()
        };
        for cut in 1..whole.trim_end().len() {
            assert_eq!(Document::read(&whole[..cut]), Err(Unreadable::Broken), "{cut}");
        }
        for broken in ["[]", "null", "\"x\"", r#"{"version": "1"}"#, r#"{"version": -1}"#, "\u{0}\u{0}"] {
            assert_eq!(Document::read(broken), Err(Unreadable::Broken), "{broken}");
        }
        assert_eq!(Document::read(" \n"), Ok(Document::default()));
    }

    #[test]
    fn a_change_that_is_none_is_refused_and_changes_nothing() {
        let mut document = Document::default();
        for bad in [
            json!(1),
            json!({"colour": "red"}),
            json!({"theme": "pink"}),
            json!({"form": {"x": 1}}),
            json!({"server": "ftp://x"}),
            json!({"mirror": null}),
        ] {
            assert!(document.change(&bad).is_err(), "{bad}");
        }
        assert_eq!(document, Document::default());
    }

    #[test]
    fn a_choice_of_sound_is_taken_back_by_null() {
        let mut document = Document::default();
        document.change(&json!({"sound": {"AEC": false, "AGC": true}})).unwrap();
        document.change(&json!({"sound": {"AEC": null}})).unwrap();
        assert_eq!((document.settings().sound.aec, document.settings().sound.agc), (None, Some(true)));
        assert!(!document.write().contains("AEC"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let keys = prop_oneof![
            Just("theme".to_owned()),
            Just("form".to_owned()),
            Just("devices".to_owned()),
            Just("name".to_owned()),
            Just("sound".to_owned()),
            Just("AEC".to_owned()),
            Just("channel".to_owned()),
            Just("camera".to_owned()),
            Just("server".to_owned()),
            Just("window".to_owned()),
            Just("hotkeys".to_owned()),
            Just("mute".to_owned()),
            "[a-z]{0,6}"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            Just(json!("dark")),
            Just(json!("ws://a"))
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map(keys.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_a_document_or_a_reason(text in "\\PC{0,200}") {
            let _ = Document::read(&text);
        }

        #[test]
        fn any_file_gives_settings_and_loses_nothing(file in any_json(), change in any_json()) {
            if let Ok(mut document) = Document::read(&file.to_string()) {
                let settings = document.settings();
                prop_assert_eq!(read(&value_of(&settings)).settings(), settings);
                let _ = document.geometry();
                let before = document.clone();
                if document.change(&change).is_err() {
                    prop_assert_eq!(&document, &before);
                }
                let again = Document::read(&document.write()).unwrap();
                prop_assert_eq!(again.settings(), document.settings());
                let known = value_of(&Settings::default());
                for (key, value) in &before.0 {
                    if known.get(key).is_none() && key != "version" {
                        prop_assert_eq!(again.0.get(key), Some(value));
                    }
                }
            }
        }
    }
}
