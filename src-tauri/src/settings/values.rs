//! What a person has chosen, as the page sees it and as the file holds it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    signal::{Error, Name, is_server},
    types::Problem,
};

/// The longest text in the settings, in characters; a device's id is the longest that there is.
const MOST_TEXT: usize = 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum Language {
    #[default]
    #[serde(rename = "system")]
    System,
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
}

/// How frames are drawn; `auto` measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum VideoPath {
    #[default]
    Auto,
    I420,
    Rgba,
}

/// What the form begins with. A token or a uid is never kept: they belong to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FormSettings {
    pub app_id: String,
    pub channel: String,
    pub resolution: Option<String>,
}

/// The devices chosen last, and whether to join without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeviceSettings {
    pub camera: Option<String>,
    pub microphone: Option<String>,
    pub speaker: Option<String>,
    pub camera_off: bool,
    pub microphone_off: bool,
}

/// What somebody switched on or off of the microphone's processing; what is missing goes by the engine's own judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE", default, deny_unknown_fields)]
pub struct SoundSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aec: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ans: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agc: Option<bool>,
}

/// Key combinations that work while another program has the keyboard, such as `"Ctrl+Shift+M"`; none: no such key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HotkeySettings {
    pub mute: Option<String>,
    pub push_to_talk: Option<String>,
}

/// All that the page keeps. What a file lacks is as in [`Default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    pub theme: Theme,
    pub language: Language,
    /// The display name; empty: none.
    pub name: String,
    pub statistics: bool,
    /// Whether one's own picture is shown as in a mirror.
    pub mirror: bool,
    pub hide_self: bool,
    pub form: FormSettings,
    pub devices: DeviceSettings,
    #[ts(type = "Partial<AudioProcessing>")]
    pub sound: SoundSettings,
    pub video: VideoPath,
    /// The channel service to use, `ws://…` or `wss://…`; none: the app's own.
    pub server: Option<String>,
    /// Whether the own service and its calls are shown to, and reached from, the local network.
    pub nearby: bool,
    pub notifications: bool,
    pub hotkeys: HotkeySettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            language: Language::default(),
            name: String::new(),
            statistics: false,
            mirror: true,
            hide_self: false,
            form: FormSettings::default(),
            devices: DeviceSettings::default(),
            sound: SoundSettings::default(),
            video: VideoPath::default(),
            server: None,
            nearby: false,
            notifications: true,
            hotkeys: HotkeySettings::default(),
        }
    }
}

impl Settings {
    /// Every text cut to what is sensible, and empty choices taken as none.
    pub fn trimmed(mut self) -> Self {
        self.name = Name::clean(&self.name).map(String::from).unwrap_or_default();
        for text in [&mut self.form.app_id, &mut self.form.channel] {
            *text = cut(text, MOST_TEXT);
        }
        let devices = &mut self.devices;
        let hotkeys = &mut self.hotkeys;
        for text in [
            &mut self.form.resolution,
            &mut devices.camera,
            &mut devices.microphone,
            &mut devices.speaker,
            &mut self.server,
            &mut hotkeys.mute,
            &mut hotkeys.push_to_talk,
        ] {
            *text = text.take().map(|text| cut(text.trim(), MOST_TEXT)).filter(|text| !text.is_empty());
        }
        self
    }

    /// What the settings say of the service, refused with a sentence where it is no address.
    pub fn checked(self) -> Result<Self, Error> {
        match &self.server {
            Some(server) if !is_server(server) => Err(crate::error::invalid_parameter(
                "A service's address is ws://HOST:PORT, or wss://HOST:PORT for an encrypted one. Correct it, or leave it empty for the one that Visavis brings along.",
            )),
            _ => Ok(self),
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).filter(|c| !c.is_control()).collect()
}

/// Whether key combinations work outside the app's windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct HotkeyReport {
    pub available: bool,
    /// A sentence that says why not, or which combination is refused and by whom.
    pub reason: Option<String>,
}

/// The settings and what stands in the way of keeping or using them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SettingsReport {
    pub settings: Settings,
    /// Where they are kept; empty where there is no place.
    pub file: String,
    pub problem: Option<Problem>,
    pub hotkeys: HotkeyReport,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_ten_thousand_emoji_is_cut_and_keeps_no_character_that_turns_text_around() {
        let name = |name: &str| Settings { name: name.into(), ..Settings::default() }.trimmed().name;
        assert_eq!(name(&"🦊".repeat(10_000)).chars().count(), 64);
        assert_eq!((name("  Ana\u{202e} ").as_str(), name("\n").as_str()), ("Ana", ""));
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_a_sentence() {
        let at = |server: &str| Settings { server: Some(server.into()), ..Settings::default() }.trimmed().checked();
        assert_eq!(at(" wss://calls.example ").unwrap().server.as_deref(), Some("wss://calls.example"));
        assert_eq!(at("  ").unwrap().server, None);
        assert!(at("https://calls.example").unwrap_err().message.contains("ws://HOST:PORT"));
    }
}
