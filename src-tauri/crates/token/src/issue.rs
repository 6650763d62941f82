//! A token for a call, from what a person would ask for.

use crate::{Body, BuildError, Credentials, LONGEST, Privileges, Service, Version, v006, v007};

/// What the bearer may do in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Join and publish.
    Publisher,
    /// Join only.
    Subscriber,
}

#[derive(Clone, Debug)]
pub struct Order<'a> {
    pub version: Version,
    pub channel: &'a str,
    /// Decimal, an account, or empty for anyone.
    pub uid: &'a str,
    pub role: Role,
    /// Seconds from now.
    pub expire: u32,
}

/// Makes a token at `now_unix` seconds. The salt is any number, drawn at random by the caller.
pub fn issue(credentials: &Credentials, order: &Order, now_unix: u64, salt: u32) -> Result<String, BuildError> {
    let time = |seconds: u64| u32::try_from(seconds).map_err(|_| BuildError::Time);
    match order.version {
        Version::V006 => {
            let privileges = privileges(order.role, time(now_unix + u64::from(order.expire))?);
            v006::build(credentials, order.channel, order.uid, &v006::Message { salt, ends: time(now_unix + LONGEST)?, privileges })
        }
        Version::V007 => {
            let body = Body::Rtc { channel: order.channel.to_owned(), uid: order.uid.to_owned() };
            let services = vec![Service { privileges: privileges(order.role, order.expire), body }];
            v007::build(credentials, &v007::Grant { issued: time(now_unix)?, expire: order.expire, salt, services })
        }
    }
}

fn privileges(role: Role, end: u32) -> Privileges {
    let last = match role {
        Role::Publisher => 4,
        Role::Subscriber => 1,
    };
    (1..=last).map(|privilege| (privilege, end)).collect()
}
