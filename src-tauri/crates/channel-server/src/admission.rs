//! May this client join, and what may it publish? Pure: projects and token in, a [`Grant`] or a refusal out.

use signal::{AppId, ChannelName, Code, Error, StreamInfo, Uid};

use token::{Credentials, Privilege, Refusal};

use crate::Project;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub audio: bool,
    pub video: bool,
}

impl Grant {
    pub const ALL: Self = Self { audio: true, video: true };

    /// Whether a stream with these tracks may be published.
    pub fn allow_publishing(&self, stream: &StreamInfo) -> Result<(), Error> {
        for (wanted, allowed, track) in [(stream.audio, self.audio, "sound"), (stream.video, self.video, "video")] {
            if wanted && !allowed {
                return Err(Error::new(
                    Code::NoAuthorized,
                    format!("Your token does not allow you to publish {track}; ask for one that does."),
                ));
            }
        }
        Ok(())
    }
}

impl From<Grant> for signal::MayPublish {
    fn from(grant: Grant) -> Self {
        Self { audio: grant.audio, video: grant.video }
    }
}

/// What a client says of itself when it joins.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    pub app_id: &'a AppId,
    pub channel: &'a ChannelName,
    pub uid: Option<&'a Uid>,
    pub token: Option<&'a str>,
}

/// Checks a claim against the projects, at `now_unix` seconds since the epoch. A project without a certificate takes no notice of a token.
pub fn admit(projects: &[Project], claim: Claim, now_unix: u64) -> Result<Grant, Error> {
    let project =
        projects.iter().find(|project| project.app_id() == claim.app_id).ok_or_else(|| unknown("is not known to this service"))?;
    if !project.is_enabled() {
        return Err(unknown("is disabled"));
    }
    match project.credentials() {
        None => Ok(Grant::ALL),
        Some(credentials) => verify(credentials, claim, now_unix),
    }
}

fn verify(credentials: &Credentials, claim: Claim, now_unix: u64) -> Result<Grant, Error> {
    let Some(token) = claim.token.filter(|token| !token.is_empty()) else {
        let message = "This project has a certificate, so joining needs a token; ask whoever runs the project for one.";
        return Err(Error::new(Code::DynamicUseStaticKey, message));
    };
    let uid = claim.uid.map(Uid::to_string);
    let claim = token::Claim { channel: claim.channel.as_str(), uid: uid.as_deref() };
    let access = token::verify(token, credentials, claim, now_unix).map_err(refused)?;
    let may = |privilege| access.allows(privilege, now_unix);
    Ok(Grant { audio: may(Privilege::PublishAudio), video: may(Privilege::PublishVideo) })
}

fn unknown(what: &str) -> Error {
    Error::new(Code::InvalidVendorKey, format!("This App ID {what}. Check it for a slip, or ask who runs the service."))
}

/// Agora's code for each refusal, and what to do about it.
fn refused(refusal: Refusal) -> Error {
    let (code, remedy) = match refusal {
        Refusal::Malformed(_) => (Code::InvalidVendorKey, "copy the whole token again"),
        Refusal::Forged => (Code::InvalidVendorKey, "make it with this project's App ID and certificate"),
        Refusal::OtherApp => (Code::NoAuthorized, "join with the App ID that it was made for"),
        Refusal::OtherChannel => (Code::NoAuthorized, "join the channel that it was made for"),
        Refusal::OtherUid => (Code::NoAuthorized, "join with the uid that it was made for"),
        Refusal::NoJoin => (Code::NoAuthorized, "ask for one with the privilege to join"),
        Refusal::Expired { .. } => (Code::DynamicKeyExpired, "ask for a new one"),
    };
    let refusal = refusal.to_string().replacen("the token", "The token", 1);
    Error::new(code, format!("{refusal}; {remedy}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::StreamId;
    use token::{Order, Role, Version};

    const NOW: u64 = 1_700_000_000;
    const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

    fn app_id() -> AppId {
        "970CA35de60c44645bbae8a215061b33".parse().unwrap()
    }

    fn token(app_id: &AppId, role: Role, version: Version) -> String {
        let credentials = Credentials::new(app_id.as_str(), CERTIFICATE).unwrap();
        token::issue(&credentials, &Order { version, channel: "demo", uid: "7", role, expire: 60 }, NOW, 1).unwrap()
    }

    fn join(project: Project, channel: &str, uid: Option<u32>, token: Option<&str>, now: u64) -> Result<Grant, Code> {
        let (channel, uid) = (channel.parse().unwrap(), uid.map(|uid| Uid::number(uid).unwrap()));
        let claim = Claim { app_id: &app_id(), channel: &channel, uid: uid.as_ref(), token };
        admit(&[Project::local(), project], claim, now).map_err(|error| error.code)
    }

    fn secured() -> Project {
        Project::secured(app_id(), CERTIFICATE).unwrap()
    }

    #[test]
    fn an_open_project_takes_no_notice_of_a_token() {
        for token in [None, Some("anything")] {
            assert_eq!(join(Project::open(app_id()), "demo", None, token, NOW), Ok(Grant::ALL));
        }
    }

    #[test]
    fn an_unknown_and_a_disabled_project_let_nobody_in() {
        assert_eq!(join(Project::local(), "demo", None, None, NOW), Err(Code::InvalidVendorKey));
        assert_eq!(join(Project::open(app_id()).disabled(), "demo", None, None, NOW), Err(Code::InvalidVendorKey));
    }

    #[test]
    fn each_refusal_of_a_token_has_its_code() {
        for version in [Version::V006, Version::V007] {
            let token = token(&app_id(), Role::Publisher, version);
            let case = |channel, uid, token, now| join(secured(), channel, uid, token, now);
            assert_eq!(case("demo", Some(7), Some(&token), NOW + 60), Ok(Grant::ALL));
            assert_eq!(case("demo", Some(7), Some(&token), NOW + 61), Err(Code::DynamicKeyExpired));
            assert_eq!(case("other", Some(7), Some(&token), NOW), Err(Code::NoAuthorized));
            assert_eq!(case("demo", Some(8), Some(&token), NOW), Err(Code::NoAuthorized));
            assert_eq!(case("demo", None, Some(&token), NOW), Err(Code::NoAuthorized));
            assert_eq!(case("demo", Some(7), Some(&token[..50]), NOW), Err(Code::InvalidVendorKey));
            let elsewhere = self::token(&Project::local().app_id().clone(), Role::Publisher, version);
            assert_eq!(case("demo", Some(7), Some(&elsewhere), NOW), Err(Code::NoAuthorized));
        }
        for none in [None, Some("")] {
            assert_eq!(join(secured(), "demo", Some(7), none, NOW), Err(Code::DynamicUseStaticKey));
        }
        let forged = Project::secured(app_id(), &CERTIFICATE.replace('5', "6")).unwrap();
        assert_eq!(
            join(forged, "demo", Some(7), Some(&token(&app_id(), Role::Publisher, Version::V007)), NOW),
            Err(Code::InvalidVendorKey)
        );
    }

    #[test]
    fn a_subscribers_token_does_not_publish() {
        let grant = join(secured(), "demo", Some(7), Some(&token(&app_id(), Role::Subscriber, Version::V007)), NOW).unwrap();
        assert_eq!(grant, Grant { audio: false, video: false });
        let id = StreamId::camera(Uid::number(7).unwrap());
        let stream = StreamInfo { id, audio: true, video: false, audio_muted: false, video_muted: false };
        assert_eq!(grant.allow_publishing(&stream).unwrap_err().code, Code::NoAuthorized);
    }
}
