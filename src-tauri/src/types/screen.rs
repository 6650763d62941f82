//! Screens and windows that can be shared, what is shared, and devices that come and go.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Device;

/// The page's name for the screen that this window shares.
pub const LOCAL_SCREEN: &str = "local-screen";

/// A whole screen, or one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ScreenKind {
    Screen,
    Window,
}

/// Something that can be shared, as a person chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ScreenSource {
    pub id: String,
    pub kind: ScreenKind,
    pub title: String,
    /// The program a window belongs to, where the system says.
    pub app: Option<String>,
    pub width: u32,
    pub height: u32,
    /// A `data:` URL of a picture of at most 320×180 pixels; none if it could not be made in time.
    pub thumbnail: Option<String>,
}

/// What the shared picture keeps longest where the network does not carry all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum SharePreference {
    /// Sharp letters, up to 15 pictures a second.
    Detail,
    /// 30 pictures a second, for films.
    Motion,
}

/// The largest picture that is sent; never larger than the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
pub enum ShareResolution {
    #[serde(rename = "480p")]
    P480,
    #[serde(rename = "720p")]
    P720,
    #[serde(rename = "1080p")]
    P1080,
    #[serde(rename = "native")]
    Native,
}

/// What to share, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
pub struct ShareSpec {
    /// A `ScreenSource`'s id.
    pub id: String,
    pub preference: SharePreference,
    pub resolution: ShareResolution,
}

/// The screen that this window shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ScreenState {
    /// Always `"local-screen"`.
    pub stream: String,
    /// The screen's or window's title.
    pub label: String,
    /// The window is minimised: what it last showed is sent.
    pub paused: bool,
}

/// Whether a device is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "UPPERCASE")]
pub enum Presence {
    Active,
    Inactive,
}

/// A device that came (`ACTIVE`) or went (`INACTIVE`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct DeviceChange {
    pub state: Presence,
    pub device: Device,
}
