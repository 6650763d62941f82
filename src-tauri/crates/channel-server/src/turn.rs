//! Credentials for TURN servers that end by themselves: "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00),
//! which coturn reads with `use-auth-secret`. Pure.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use signal::{IceServer, Uid};

use crate::Config;

/// TURN servers that share a secret with this service.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// `turn:host:port?transport=udp`, `turns:…`
    pub urls: Vec<String>,
    /// What the servers' `static-auth-secret` says.
    pub secret: String,
    /// How long credentials are good for.
    pub ttl: Duration,
}

impl Turn {
    /// How long credentials are good for unless said otherwise: longer than a day's calls.
    pub const TTL: Duration = Duration::from_secs(24 * 3600);
    /// Less would end while a call is being set up.
    pub const LEAST_TTL: Duration = Duration::from_secs(60);

    /// The servers with credentials for `uid` that end a [`ttl`](Self::ttl) after `now_unix` seconds since the epoch.
    pub fn credentials(&self, uid: &Uid, now_unix: u64) -> IceServer {
        let username = format!("{}:{uid}", now_unix.saturating_add(self.ttl.as_secs()));
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(username.as_bytes());
        let credential = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        IceServer { urls: self.urls.clone(), username: Some(username), credential: Some(credential) }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("urls", &self.urls).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// What everyone who joins is handed, at one moment.
#[derive(Clone, Debug)]
pub struct Handout {
    fixed: Arc<[IceServer]>,
    turn: Option<Arc<Turn>>,
    now_unix: u64,
}

impl Handout {
    pub fn new(config: &Config) -> Self {
        Self { fixed: config.ice_servers.clone().into(), turn: config.turn.clone().map(Arc::new), now_unix: 0 }
    }

    /// The same at `now_unix` seconds since the epoch.
    pub fn at(&self, now_unix: u64) -> Self {
        Self { now_unix, ..self.clone() }
    }

    /// The servers for `uid`.
    pub fn servers(&self, uid: &Uid) -> Vec<IceServer> {
        let turn = self.turn.iter().map(|turn| turn.credentials(uid, self.now_unix));
        self.fixed.iter().cloned().chain(turn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> Turn {
        Turn { urls: vec!["turn:turn.example.org:3478".into()], secret: "north".into(), ttl: Duration::from_secs(600) }
    }

    /// The credential was made by `printf 1700000600:7 | openssl dgst -sha1 -hmac north -binary | base64`.
    #[test]
    fn a_credential_is_what_openssl_makes_of_it() {
        let server = turn().credentials(&Uid::number(7).unwrap(), 1_700_000_000);
        assert_eq!(server.urls, ["turn:turn.example.org:3478"]);
        assert_eq!(server.username.as_deref(), Some("1700000600:7"));
        assert_eq!(server.credential.as_deref(), Some("L0yC7/asGQikCAeB+RbDnSboTiI="));
    }

    #[test]
    fn the_secret_is_in_no_debug_text() {
        assert!(!format!("{:?}", turn()).contains("north"));
    }
}
