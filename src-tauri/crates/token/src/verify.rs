//! May the bearer of this token join this channel as this user, and what may they publish?

use std::collections::BTreeMap;

use crate::{Body, Credentials, LONGEST, Privileges, Refusal, Service, Version, v006, v007};

/// What a client says of itself when it joins.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub channel: &'a str,
    /// Decimal or an account; `None` if the client leaves the choice to the service.
    pub uid: Option<&'a str>,
}

/// What one may do in a call; other privileges are none of a call's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    Join = 1,
    PublishAudio = 2,
    PublishVideo = 3,
    PublishData = 4,
}

impl Privilege {
    pub const ALL: [Self; 4] = [Self::Join, Self::PublishAudio, Self::PublishVideo, Self::PublishData];
}

/// What a valid token gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub version: Version,
    /// When the token itself ends, in Unix seconds; of 007, [`LONGEST`] after its issue at most.
    pub expires_at: u64,
    /// When each privilege ends, in Unix seconds: never after the token.
    pub privileges: BTreeMap<Privilege, u64>,
}

impl Access {
    /// Refuses a token that does not allow joining, or no longer does.
    pub fn check(&self, now_unix: u64) -> Result<(), Refusal> {
        let join = *self.privileges.get(&Privilege::Join).ok_or(Refusal::NoJoin)?;
        if now_unix > join { Err(Refusal::Expired { at: join }) } else { Ok(()) }
    }

    /// Whether a privilege is there and not over. What ends now is still good, as in Agora's parser.
    pub fn allows(&self, privilege: Privilege, now_unix: u64) -> bool {
        self.privileges.get(&privilege).is_some_and(|end| now_unix <= *end)
    }
}

/// Checks a token of either version against a project and a claim, at `now_unix` seconds.
pub fn verify(token: &str, credentials: &Credentials, claim: Claim, now_unix: u64) -> Result<Access, Refusal> {
    let access = read(token, credentials, claim)?;
    access.check(now_unix)?;
    Ok(access)
}

/// What a genuine token for this claim gives, whether it is over or not: [`Access::check`] says that.
pub fn read(token: &str, credentials: &Credentials, claim: Claim) -> Result<Access, Refusal> {
    match Version::split(token)?.0 {
        Version::V006 => verify_006(&v006::parse(token)?, credentials, claim),
        Version::V007 => verify_007(&v007::parse(token)?, credentials, claim),
    }
}

fn verify_006(token: &v006::Token, credentials: &Credentials, claim: Claim) -> Result<Access, Refusal> {
    if token.app_id != credentials.app_id() {
        return Err(Refusal::OtherApp);
    }
    // The signature runs channel and uid together ("ab" + "c" = "a" + "bc"); only the checksums say where one ends.
    if !token.names_channel(claim.channel) {
        return Err(Refusal::OtherChannel);
    }
    // An empty uid was signed if the token is for anyone.
    let mut uids = claim.uid.into_iter().chain([""]).filter(|uid| token.names_uid(uid)).peekable();
    if uids.peek().is_none() {
        return Err(Refusal::OtherUid);
    }
    if !uids.any(|uid| token.is_signed_by(credentials, claim.channel, uid)) {
        return Err(Refusal::Forged);
    }
    let ends = u64::from(token.message.ends);
    Ok(Access { version: Version::V006, expires_at: ends, privileges: ends_of(&token.message.privileges, 0, ends) })
}

fn verify_007(token: &v007::Token, credentials: &Credentials, claim: Claim) -> Result<Access, Refusal> {
    if token.app_id != credentials.app_id() {
        return Err(Refusal::OtherApp);
    }
    if !token.is_signed_by(credentials) {
        return Err(Refusal::Forged);
    }
    let service = find(&token.grant.services, claim)?;
    let issued = u64::from(token.grant.issued);
    let expires_at = issued + u64::from(token.grant.expire).min(LONGEST);
    Ok(Access { version: Version::V007, expires_at, privileges: ends_of(&service.privileges, issued, expires_at) })
}

/// The first service that is about this call; else the nearest miss.
fn find<'a>(services: &'a [Service], claim: Claim) -> Result<&'a Service, Refusal> {
    let mut miss = Refusal::NoJoin;
    for service in services {
        let Body::Rtc { channel, uid } = &service.body else { continue };
        if channel != claim.channel && channel != ANY_CHANNEL {
            miss = if miss == Refusal::NoJoin { Refusal::OtherChannel } else { miss };
        } else if !uid.is_empty() && Some(uid.as_str()) != claim.uid {
            miss = Refusal::OtherUid;
        } else {
            return Ok(service);
        }
    }
    Err(miss)
}

/// The channel of a 4.x wildcard token; no channel can be called so.
const ANY_CHANNEL: &str = "*";

/// When each privilege ends; 0 is no limit of its own.
fn ends_of(privileges: &Privileges, from: u64, most: u64) -> BTreeMap<Privilege, u64> {
    let known = |privilege| Some((privilege, *privileges.get(&(privilege as u16))?));
    let end = |(privilege, after): (Privilege, u32)| (privilege, if after == 0 { most } else { most.min(from + u64::from(after)) });
    Privilege::ALL.into_iter().filter_map(known).map(end).collect()
}
