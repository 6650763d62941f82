//! What crosses between the app and its page, apart from pixels. `ui/types/app.d.ts` is generated from here; a test holds it current.
//!
//! A stream is named on the page by the quick start's id: the uid, with `-screen` behind it for a screen; this window's own is `"local"`.

mod screen;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::signal::{Error, Mode, Role, StreamSource, Uid};
pub use screen::*;

/// The page's name for this window's own stream.
pub const LOCAL: &str = "local";

/// A code of Agora's Web SDK (or ours) and a sentence that says what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Problem {
    pub code: String,
    pub message: String,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { code: error.code.to_string(), message: error.message }
    }
}

/// The devices of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    Camera,
    Microphone,
    Speaker,
}

/// What is wrong with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct DeviceProblem {
    pub device: DeviceKind,
    /// It was open and is gone; a camera or microphone goes on by itself when it is there again.
    pub lost: bool,
    pub code: String,
    pub message: String,
}

impl DeviceProblem {
    /// A device that did not open.
    pub fn new(device: DeviceKind, error: Error) -> Self {
        let Problem { code, message } = error.into();
        Self { device, lost: false, code, message }
    }

    /// A device that was open.
    pub fn lost(device: DeviceKind, error: Error) -> Self {
        Self { lost: true, ..Self::new(device, error) }
    }
}

/// Where a window is between lobby and call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Lobby,
    Joining,
    Call,
    Leaving,
}

/// Agora's connection states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "UPPERCASE")]
pub enum Connection {
    Disconnected,
    Connecting,
    Connected,
    Disconnecting,
}

/// How far a remote stream's media has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum RemoteMedia {
    Connecting,
    Playing,
    Stalled,
    /// So many others are shown that this one has to wait until somebody leaves.
    Waiting,
    /// The network carries the sound alone.
    Sound,
}

/// What is done to the microphone's sound, in Agora's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AudioProcessing {
    /// Echo cancellation.
    #[serde(rename = "AEC")]
    pub aec: bool,
    /// Noise suppression.
    #[serde(rename = "ANS")]
    pub ans: bool,
    /// Gain control.
    #[serde(rename = "AGC")]
    pub agc: bool,
}

impl From<client::AudioProcessing> for AudioProcessing {
    fn from(client::AudioProcessing { aec, ans, agc }: client::AudioProcessing) -> Self {
        Self { aec, ans, agc }
    }
}

impl From<AudioProcessing> for client::AudioProcessing {
    fn from(AudioProcessing { aec, ans, agc }: AudioProcessing) -> Self {
        Self { aec, ans, agc }
    }
}

/// This window's own stream: the lobby's preview, or what is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LocalState {
    /// Always `"local"`.
    pub stream: String,
    /// Whether the stream has a sound track, and a picture track.
    pub audio: bool,
    pub video: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    pub audio_processing: AudioProcessing,
    /// What did not open or was lost. The call goes on without it.
    pub problems: Vec<DeviceProblem>,
}

/// Somebody else's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RemoteState {
    pub stream: String,
    #[ts(type = "number | string")]
    pub uid: Uid,
    /// The name that the user goes by: a claim, not a proof.
    pub name: Option<String>,
    #[ts(type = "\"camera\" | \"screen\"")]
    pub source: StreamSource,
    pub audio: bool,
    pub video: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    pub state: RemoteMedia,
}

/// What a window's call is now. Sent whole after each change, so that a page that was reloaded needs nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CallState {
    /// Grows with every change: an answer that an event has overtaken is known by it.
    pub revision: u32,
    pub state: Phase,
    pub joined: bool,
    pub published: bool,
    pub connection: Connection,
    /// What the call was joined with.
    pub params: Option<JoinParams>,
    #[ts(type = "number | string | null")]
    pub uid: Option<Uid>,
    /// In `rtc` mode everyone is a host.
    #[ts(type = "\"host\" | \"audience\" | null")]
    pub role: Option<Role>,
    /// The name that this user goes by in the call.
    pub name: Option<String>,
    pub local: Option<LocalState>,
    /// The screen that is shared.
    pub screen: Option<ScreenState>,
    pub remote: Vec<RemoteState>,
    /// What stands in the way of any call, such as `PORT_TAKEN`.
    pub problem: Option<Problem>,
}

/// What the page's form says. Empty texts and a uid of 0 mean "not given".
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct JoinParams {
    pub app_id: String,
    pub channel: String,
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    #[ts(type = "number | string | null")]
    pub uid: Option<UidWish>,
    #[serde(default)]
    pub camera_id: Option<String>,
    #[serde(default)]
    pub microphone_id: Option<String>,
    /// `"default"`, a profile of AGORA's table such as `"720p_2"`, or `WxH@FPS:MAX_KBPS`.
    #[serde(default)]
    pub resolution: Option<String>,
    #[serde(default)]
    #[ts(type = "\"rtc\" | \"live\"")]
    pub mode: Mode,
    #[serde(default)]
    pub codec: Option<String>,
    /// The name to go by, if any. It is cleaned and cut to 64 characters, never refused.
    #[serde(default)]
    pub name: Option<String>,
    /// The channel service for this call, where a link named one; none: the one in the settings.
    #[serde(default)]
    pub server: Option<String>,
}

impl std::fmt::Debug for JoinParams {
    /// Leaves the token out, so that no log can carry it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinParams")
            .field("channel", &self.channel)
            .field("uid", &self.uid)
            .field("camera", &self.camera_id)
            .field("microphone", &self.microphone_id)
            .field("resolution", &self.resolution)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// What the lobby shows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PreviewSpec {
    #[serde(default)]
    pub camera_id: Option<String>,
    #[serde(default)]
    pub microphone_id: Option<String>,
    /// As `JoinParams.resolution`.
    #[serde(default)]
    pub profile: Option<String>,
    /// Whether the camera, or the microphone, is off from the start; without it, as it is.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub camera_off: Option<bool>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub microphone_off: Option<bool>,
}

/// A uid as a form has it: a number, a text, or something that is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UidWish {
    Number(serde_json::Number),
    Account(String),
}

impl Eq for UidWish {}

impl UidWish {
    /// The uid wished for: none if the service is to assign one.
    pub fn uid(&self) -> Result<Option<Uid>, Error> {
        match self {
            Self::Number(number) if number.as_u64() == Some(0) => Ok(None),
            Self::Number(number) => {
                let number = number.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
                Ok(Some(Uid::number(number)?))
            }
            Self::Account(account) if account.trim().is_empty() => Ok(None),
            Self::Account(account) => Ok(Some(Uid::account(account)?)),
        }
    }
}

/// The answer to `join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Joined {
    #[ts(type = "number | string")]
    pub uid: Uid,
}

/// A device as a person chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Device {
    pub id: String,
    pub label: String,
}

/// All devices, the one to start with first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
pub struct Devices {
    pub cameras: Vec<Device>,
    pub microphones: Vec<Device>,
    pub speakers: Vec<Device>,
}

/// What the page fills its form with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Defaults {
    pub app_id: String,
    pub channel: String,
    /// The channel service's address, `ws://…`.
    pub server: String,
    /// Choices for `resolution`.
    pub profiles: Vec<String>,
    /// The devices this app was started with, if any. They come before what a person chose in an earlier run.
    pub camera_id: Option<String>,
    pub microphone_id: Option<String>,
    pub version: String,
}

/// Where the page's frames come from (see `frame_socket`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct FrameSocket {
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn uid_of(wish: serde_json::Value) -> Result<Option<Uid>, Error> {
        serde_json::from_value::<UidWish>(wish).unwrap().uid()
    }

    #[test]
    fn a_form_without_a_uid_lets_the_service_assign_one() {
        for none in [json!(0), json!(""), json!("  ")] {
            assert_eq!(uid_of(none.clone()).unwrap(), None, "{none}");
        }
        let params: JoinParams = serde_json::from_value(json!({"appId": "a", "channel": "b", "uid": null})).unwrap();
        assert_eq!(params.uid, None);
    }

    #[test]
    fn a_uid_is_taken_as_number_or_account_and_refused_out_of_range() {
        assert_eq!(uid_of(json!(7)).unwrap(), Some(Uid::Number(7)));
        assert_eq!(uid_of(json!("ana")).unwrap(), Some(Uid::Account("ana".into())));
        for bad in [json!(-1), json!(4_294_967_296_u64), json!(1.5), json!("é")] {
            assert!(uid_of(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_join_is_logged_without_its_token() {
        let params: JoinParams = serde_json::from_value(json!({"appId": "a", "channel": "b", "token": "006secret"})).unwrap();
        assert!(!format!("{params:?}").contains("secret"));
    }
}
