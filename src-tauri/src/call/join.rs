//! What the page's form asks for, checked.

use client::Codec;

use crate::{
    error::invalid_parameter,
    media::profile::VideoProfile,
    signal::{Error, Name, Uid, is_server},
    types::JoinParams,
};

/// The app's own default: a picture that fills a tile. Agora's 480p_1 is `"480p"`.
const DEFAULT_PROFILE: &str = "720p_2";

/// The choices the page offers for `resolution`.
pub const PROFILES: [&str; 4] = ["default", "480p", "720p", "1080p"];

/// Which device to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// None: the stream goes without that track.
    Nothing,
    /// Whichever the system has.
    Any,
    Id(String),
}

impl Choice {
    /// What the page says, or else what the app was started with, or else any.
    pub fn new(page: Option<&str>, start: Option<&str>) -> Self {
        let given = |text: &&str| !text.is_empty();
        match page.filter(given).or(start.filter(given)) {
            None | Some("default") => Self::Any,
            Some("none") => Self::Nothing,
            Some(id) => Self::Id(id.to_owned()),
        }
    }
}

/// The devices of a stream and the picture it aims at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices {
    pub camera: Choice,
    pub microphone: Choice,
    pub profile: VideoProfile,
}

impl Devices {
    /// The changes by which an open stream gets from here to `wish` without being opened anew; none if it must be.
    pub fn switch_to(&self, wish: &Self) -> Option<(Option<Choice>, Option<Choice>)> {
        let change = |from: &Choice, to: &Choice| match to {
            to if to == from => Some(None),
            Choice::Id(_) => Some(Some(to.clone())),
            Choice::Nothing | Choice::Any => None,
        };
        if self.profile != wish.profile {
            return None;
        }
        Some((change(&self.camera, &wish.camera)?, change(&self.microphone, &wish.microphone)?))
    }
}

/// The picture that `resolution` names.
pub fn profile(resolution: Option<&str>) -> Result<VideoProfile, Error> {
    let name = match resolution {
        None | Some("" | "default") => DEFAULT_PROFILE,
        Some(name) => name,
    };
    name.parse().map_err(|error| invalid_parameter(format!("{error}.")))
}

/// A form that can be joined with. App ID and channel are checked by the client, whose codes the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub params: JoinParams,
    pub devices: Devices,
    pub uid: Option<Uid>,
    pub codec: Codec,
}

impl Join {
    /// Checks the form; `camera` and `microphone` are what the app was started with.
    pub fn new(mut params: JoinParams, camera: Option<&str>, microphone: Option<&str>) -> Result<Self, Error> {
        let codec = params.codec.as_deref().filter(|codec| !codec.is_empty()).map_or(Ok(Codec::default()), str::parse)?;
        params.name = params.name.as_deref().and_then(Name::clean).map(String::from);
        params.server = params.server.filter(|server| !server.is_empty());
        if params.server.as_deref().is_some_and(|server| !is_server(server)) {
            return Err(invalid_parameter("A service's address is ws://HOST:PORT or wss://HOST:PORT."));
        }
        let uid = params.uid.as_ref().map_or(Ok(None), |wish| wish.uid())?;
        let devices = Devices {
            camera: Choice::new(params.camera_id.as_deref(), camera),
            microphone: Choice::new(params.microphone_id.as_deref(), microphone),
            profile: profile(params.resolution.as_deref())?,
        };
        Ok(Self { params, devices, uid, codec })
    }

    /// The token, if the form has one.
    pub fn token(&self) -> Option<&str> {
        self.params.token.as_deref().filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Code;
    use serde_json::json;

    fn join(form: serde_json::Value) -> Result<Join, Error> {
        Join::new(serde_json::from_value(form).unwrap(), Some("pattern"), None)
    }

    #[test]
    fn an_empty_form_takes_what_the_app_was_started_with() {
        let join = join(json!({"appId": "", "channel": "", "token": "", "uid": "", "cameraId": "", "resolution": "default", "codec": ""}))
            .unwrap();
        assert_eq!((join.token(), &join.uid, join.codec), (None, &None, Codec::H264));
        assert_eq!(join.devices.camera, Choice::Id("pattern".into()));
        assert_eq!(join.devices.microphone, Choice::Any);
        assert_eq!((join.devices.profile.width, join.devices.profile.fps), (1280, 30));
    }

    #[test]
    fn a_form_is_refused_with_the_code_of_what_is_wrong() {
        let code = |form| join(form).unwrap_err().code;
        assert_eq!(code(json!({"appId": "a", "channel": "c", "uid": 4_294_967_296_u64})), Code::InvalidUid);
        assert_eq!(code(json!({"appId": "a", "channel": "c", "codec": "vp8"})), Code::NotSupported);
        assert_eq!(code(json!({"appId": "a", "channel": "c", "server": "https://a"})), Code::InvalidParameter);
        assert_eq!(code(json!({"appId": "a", "channel": "c", "resolution": "9000p"})), Code::InvalidParameter);
    }

    #[test]
    fn a_resolution_is_agoras_profile() {
        assert_eq!(profile(Some("480p")).unwrap(), VideoProfile::DEFAULT);
        assert!(PROFILES.iter().all(|name| profile(Some(name)).is_ok()));
    }

    #[test]
    fn another_device_is_switched_to_and_another_profile_is_not() {
        let from = Devices { camera: Choice::Any, microphone: Choice::Nothing, profile: VideoProfile::DEFAULT };
        let other = |camera: Choice, profile| Devices { camera, profile, ..from.clone() };
        let pattern = Choice::Id("pattern".into());
        assert_eq!(from.switch_to(&other(pattern.clone(), from.profile)), Some((Some(pattern), None)));
        assert_eq!(from.switch_to(&other(Choice::Nothing, from.profile)), None);
        assert_eq!(from.switch_to(&other(Choice::Any, profile(Some("1080p")).unwrap())), None);
    }
}
