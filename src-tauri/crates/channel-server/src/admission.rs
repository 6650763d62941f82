//! May this client join, and what may it publish? Pure: projects and token in, a [`Grant`] or a refusal out.

use std::time::{Duration, Instant};

use signal::{AppId, ChannelName, Code, Error, Uid};

use token::{Credentials, Privilege, Refusal};

use crate::{
    grant::{Grant, Lease},
    projects::{Project, Projects},
};

/// One moment on both clocks: tokens end by the one on the wall, everything else goes by the one that is never set.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Instant,
    /// Since the Unix epoch.
    pub wall: Duration,
}

impl Moment {
    /// When a second of the Unix epoch is over. What ends in it is still good in it, as in Agora's parser.
    fn after(&self, second: u64) -> Instant {
        let left = Duration::from_secs(second.saturating_add(1)).saturating_sub(self.wall);
        // More than the clock can say is as good as no end; an instant a century off is in reach of every platform's.
        self.now + left.min(Duration::from_secs(100 * 365 * 24 * 3600))
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

/// The project of this App ID, if people may join there.
pub fn project<'a>(projects: &'a Projects, app_id: &AppId) -> Result<&'a Project, Error> {
    let project = projects.get(app_id).ok_or_else(|| unknown("is not known to this service"))?;
    if project.is_enabled() { Ok(project) } else { Err(unknown("is disabled")) }
}

/// Checks a claim against the projects. An empty token is none.
pub fn admit(projects: &Projects, claim: Claim, moment: Moment) -> Result<Grant, Error> {
    let project = project(projects, claim.app_id)?;
    match (project.credentials(), claim.token.filter(|token| !token.is_empty())) {
        (None, None) => Ok(Grant::ALL),
        (None, Some(_)) => Err(Error::new(
            Code::StaticUseDynamicKey,
            "This project has no certificate, so it takes no token: leave the token empty, or switch the project's certificate on.",
        )),
        (Some(_), None) => Err(Error::new(
            Code::DynamicUseStaticKey,
            "This project has a certificate, so joining needs a token; ask whoever runs the project for one.",
        )),
        (Some(credentials), Some(token)) => verify(credentials, claim, token, moment),
    }
}

fn verify(credentials: &Credentials, claim: Claim, token: &str, moment: Moment) -> Result<Grant, Error> {
    let uid = claim.uid.map(Uid::to_string);
    let claim = token::Claim { channel: claim.channel.as_str(), uid: uid.as_deref() };
    let access = token::verify(token, credentials, claim, moment.wall.as_secs()).map_err(refused)?;
    let lease = |privilege| access.privileges.get(&privilege).map_or(Lease::Never, |end| Lease::Until(moment.after(*end)));
    // That there is a privilege to join, and that it never outlives the token, is `token`'s to see to.
    let stay = access.privileges.get(&Privilege::Join).map_or(access.expires_at, |end| access.expires_at.min(*end));
    Ok(Grant::of_token(moment.after(stay), lease(Privilege::PublishAudio), lease(Privilege::PublishVideo)))
}

fn unknown(what: &str) -> Error {
    Error::new(Code::InvalidVendorKey, format!("This App ID {what}. Check it for a slip, or ask who runs the service."))
}

/// Agora's code for each refusal, and what to do about it.
pub fn refused(refusal: Refusal) -> Error {
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
        let projects = Projects::new([Project::open("0".repeat(32).parse().unwrap()), project]).unwrap();
        admit(&projects, claim, moment(now)).map_err(|error| error.code)
    }

    fn moment(unix: u64) -> Moment {
        Moment { now: Instant::now(), wall: Duration::from_secs(unix) }
    }

    fn secured() -> Project {
        Project::secured(app_id(), CERTIFICATE).unwrap()
    }

    #[test]
    fn an_open_project_takes_no_token() {
        for none in [None, Some("")] {
            assert_eq!(join(Project::open(app_id()), "demo", None, none, NOW), Ok(Grant::ALL));
        }
        assert_eq!(join(Project::open(app_id()), "demo", None, Some("anything"), NOW), Err(Code::StaticUseDynamicKey));
    }

    #[test]
    fn a_grant_ends_when_the_tokens_last_second_is_over() {
        let (channel, uid) = ("demo".parse().unwrap(), Uid::number(7).unwrap());
        let token = token(&app_id(), Role::Publisher, Version::V007);
        let claim = Claim { app_id: &app_id(), channel: &channel, uid: Some(&uid), token: Some(&token) };
        let moment = Moment { wall: Duration::from_millis(NOW * 1000 + 500), ..moment(0) };
        let grant = admit(&Projects::new([secured()]).unwrap(), claim, moment).unwrap();
        let end = moment.now + Duration::from_millis(60_500);
        let before = end - Duration::from_millis(1);
        assert!(!grant.is_over(before) && grant.is_over(end));
        assert_eq!((grant.may_publish(before), grant.may_publish(end).audio), (signal::MayPublish::ALL, false));
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
            assert!(case("demo", Some(7), Some(&token), NOW + 60).is_ok());
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
        let now = Instant::now();
        assert_eq!(grant.may_publish(now), signal::MayPublish { audio: false, video: false });
        assert_eq!(grant.allow_hosting(now).unwrap_err().code, Code::NoAuthorized);
    }
}
