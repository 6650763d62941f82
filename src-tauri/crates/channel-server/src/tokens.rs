//! Tokens made and examined for whoever runs a project: the command line, the HTTP side and the app's panel ask here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use signal::{AppId, ChannelName, Code, Error, Uid};
use token::{Access, Claim, Credentials, Privilege};
pub use token::{LONGEST, Role, Version};

use crate::{admission, projects::Project};

/// A [`Role`] as the command line and the HTTP side write it.
#[derive(Clone, Copy, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    #[default]
    Publisher,
    Subscriber,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Publisher => Self::Publisher,
            RoleName::Subscriber => Self::Subscriber,
        }
    }
}

/// A [`Version`] as they write it.
#[derive(Clone, Copy, Debug, Default, Deserialize, clap::ValueEnum)]
pub enum VersionName {
    #[serde(rename = "006")]
    #[value(name = "006")]
    V006,
    #[default]
    #[serde(rename = "007")]
    #[value(name = "007")]
    V007,
}

impl From<VersionName> for Version {
    fn from(name: VersionName) -> Self {
        match name {
            VersionName::V006 => Self::V006,
            VersionName::V007 => Self::V007,
        }
    }
}

/// A token as a person asks for it.
#[derive(Clone, Debug)]
pub struct Order {
    pub channel: ChannelName,
    /// `None` is anyone.
    pub uid: Option<Uid>,
    pub role: Role,
    /// Seconds from now. As with Agora, 0 and more than [`LONGEST`] are [`LONGEST`].
    pub expire: u64,
    pub version: Version,
}

/// A token, and when it ends (Unix seconds).
#[derive(Serialize)]
pub struct Issued {
    pub token: String,
    pub expires_at: u64,
}

/// Makes a token at `now_unix` seconds; `salt` is any number, drawn at random by the caller. Fails for a project without a certificate,
/// which needs no tokens, and for a disabled one, where nobody could use it.
pub fn issue(project: &Project, order: &Order, now_unix: u64, salt: u32) -> Result<Issued, Error> {
    if !project.is_enabled() {
        return Err(Error::new(Code::InvalidVendorKey, "This project is disabled; enable it first."));
    }
    let credentials = project.credentials().ok_or_else(|| {
        Error::new(
            Code::StaticUseDynamicKey,
            "This project has no certificate, so joining takes no token; switch its certificate on first.",
        )
    })?;
    issue_with(credentials, order, now_unix, salt)
}

/// The same from App ID and certificate themselves.
pub fn issue_with(credentials: &Credentials, order: &Order, now_unix: u64, salt: u32) -> Result<Issued, Error> {
    let expire = if order.expire == 0 { LONGEST } else { order.expire.min(LONGEST) };
    let uid = order.uid.as_ref().map(Uid::to_string).unwrap_or_default();
    let order = token::Order {
        version: order.version,
        channel: order.channel.as_str(),
        uid: &uid,
        role: order.role,
        expire: expire.try_into().expect("a day's seconds fit into 32 bits"),
    };
    let token = token::issue(credentials, &order, now_unix, salt)
        .map_err(|error| Error::new(Code::InvalidParameter, format!("No token can be made: {error}.")))?;
    Ok(Issued { token, expires_at: now_unix + expire })
}

/// App ID and certificate, checked.
pub fn credentials(app_id: &AppId, certificate: &str) -> Result<Credentials, Error> {
    Credentials::new(app_id.as_str(), certificate)
        .map_err(|error| Error::new(Code::InvalidParameter, format!("Not a certificate: {error}.")))
}

/// When a token says that it ends, in Unix seconds: unverified, for whoever has no certificate. None for what is no token.
pub fn claimed_end(token: &str) -> Option<u64> {
    match Version::split(token).ok()?.0 {
        // Its builders write a day whatever was asked for; what counts is the first privilege to end. 0 is one that lasts as long as the token.
        Version::V006 => {
            let token::v006::Message { ends, privileges, .. } = token::v006::parse(token).ok()?.message;
            privileges.values().copied().filter(|end| *end != 0).chain([ends]).min().map(u64::from)
        }
        Version::V007 => {
            let grant = token::v007::parse(token).ok()?.grant;
            Some(u64::from(grant.issued) + u64::from(grant.expire).min(LONGEST))
        }
    }
}

/// What a token is worth for a claim.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it lets its bearer join now.
    pub valid: bool,
    /// Agora's code for what is wrong with it.
    pub code: Option<Code>,
    /// The same in words.
    pub message: Option<String>,
    /// What its first three characters say.
    #[serde(serialize_with = "version")]
    pub version: Option<Version>,
    /// By Agora's names, with their ends in Unix seconds. Empty unless the token is genuine and for this claim.
    pub privileges: BTreeMap<&'static str, u64>,
    /// When it ends as a whole, in Unix seconds; known as the privileges are.
    pub expires_at: Option<u64>,
}

/// Examines a token at `now_unix` seconds, for a user who joins this channel.
pub fn inspect(token: &str, credentials: &Credentials, channel: &ChannelName, uid: Option<&Uid>, now_unix: u64) -> Report {
    let uid = uid.map(Uid::to_string);
    let read = token::read(token, credentials, Claim { channel: channel.as_str(), uid: uid.as_deref() });
    let problem = match &read {
        Ok(access) => access.check(now_unix).err(),
        Err(refusal) => Some(*refusal),
    };
    let problem = problem.map(admission::refused);
    Report {
        valid: problem.is_none(),
        code: problem.as_ref().map(|error| error.code),
        message: problem.map(|error| error.message),
        version: Version::split(token).ok().map(|(version, _)| version),
        privileges: read.as_ref().map(privileges).unwrap_or_default(),
        expires_at: read.as_ref().ok().map(|access| access.expires_at),
    }
}

fn privileges(access: &Access) -> BTreeMap<&'static str, u64> {
    access.privileges.iter().map(|(privilege, end)| (name(*privilege), *end)).collect()
}

/// Agora's names.
fn name(privilege: Privilege) -> &'static str {
    match privilege {
        Privilege::Join => "join_channel",
        Privilege::PublishAudio => "publish_audio",
        Privilege::PublishVideo => "publish_video",
        Privilege::PublishData => "publish_data",
    }
}

fn version<S: Serializer>(version: &Option<Version>, serializer: S) -> Result<S::Ok, S::Error> {
    version.map(Version::as_str).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn project() -> Project {
        Project::secured("970CA35de60c44645bbae8a215061b33".parse().unwrap(), "5CFd2fd1755d40ecb72977518be15d3b").unwrap()
    }

    fn order(uid: Option<u32>, expire: u64, version: Version) -> Order {
        let uid = uid.map(|uid| Uid::number(uid).unwrap());
        Order { channel: "demo".parse().unwrap(), uid, role: Role::Publisher, expire, version }
    }

    fn inspected(token: &str, uid: Option<u32>, now: u64) -> Report {
        let uid = uid.map(|uid| Uid::number(uid).unwrap());
        inspect(token, project().credentials().unwrap(), &"demo".parse().unwrap(), uid.as_ref(), now)
    }

    #[test]
    fn what_is_issued_is_valid_for_its_user_until_it_ends() {
        for version in [Version::V006, Version::V007] {
            let Issued { token, expires_at } = issue(&project(), &order(Some(7), 600, version), NOW, 1).unwrap();
            assert_eq!((expires_at, claimed_end(&token)), (NOW + 600, Some(expires_at)));
            let report = inspected(&token, Some(7), NOW + 600);
            assert!(report.valid && report.code.is_none() && report.version == Some(version));
            assert_eq!(report.privileges["publish_video"], expires_at);
            let late = inspected(&token, Some(7), NOW + 601);
            assert_eq!((late.valid, late.code, late.privileges["join_channel"]), (false, Some(Code::DynamicKeyExpired), expires_at));
            let other = inspected(&token, Some(8), NOW);
            assert_eq!((other.valid, other.code, other.privileges.len(), other.expires_at), (false, Some(Code::NoAuthorized), 0, None));
        }
    }

    #[test]
    fn a_day_is_the_most_and_what_0_stands_for() {
        for expire in [0, LONGEST, LONGEST + 1, u64::MAX] {
            for version in [Version::V006, Version::V007] {
                let issued = issue(&project(), &order(None, expire, version), NOW, 1).unwrap();
                assert_eq!(issued.expires_at, NOW + LONGEST);
                assert!(inspected(&issued.token, Some(1), NOW + LONGEST).valid && !inspected(&issued.token, None, NOW + LONGEST + 1).valid);
            }
        }
    }

    #[test]
    fn a_project_that_takes_no_token_makes_none() {
        let order = order(None, 60, Version::V007);
        let code = |project: Project| issue(&project, &order, NOW, 1).map(drop).unwrap_err().code;
        assert_eq!(code(Project::local()), Code::StaticUseDynamicKey);
        assert_eq!(code(project().disabled()), Code::InvalidVendorKey);
    }

    #[test]
    fn what_is_no_token_is_reported_as_json() {
        let report = serde_json::to_value(inspected("not one", None, NOW)).unwrap();
        assert_eq!(
            (&report["valid"], &report["code"], &report["version"]),
            (&false.into(), &"INVALID_VENDOR_KEY".into(), &serde_json::Value::Null)
        );
    }
}
