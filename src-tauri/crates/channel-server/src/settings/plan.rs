//! Settings → what to bind, and a [`Config`]. What contradicts itself is refused here, before anything is bound.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use signal::IceServer;

use super::{Error, Log, Settings, layers};
use crate::{AdminKey, Config, Limits, Origins, Proxies, Turn};

/// The most servers' addresses that are handed out, and the longest: the answer to a join has to hold them.
const MOST_URLS: usize = 16;
const LONGEST_URL: usize = 256;

/// What a service needs to start.
#[derive(Clone, Debug)]
pub struct Plan {
    pub doors: Vec<(SocketAddr, Door)>,
    pub config: Config,
    pub log: Log,
    /// The projects file that was named.
    pub projects: Option<PathBuf>,
}

/// What is behind an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    Plain,
    Tls { certificate: String, key: String },
    Private,
}

/// Makes the plan. Reads the file of a secret.
pub fn plan(settings: Settings) -> Result<Plan, Error> {
    let doors = doors(&settings)?;
    let turn = turn(&settings)?;
    let admin_key = admin_key(&settings)?;
    let stun = settings.stun.unwrap_or_default();
    check_urls(&stun, &["stun:", "stuns:"])?;
    let mut config = Config::default();
    let limits = &mut config.limits;
    *limits = Limits {
        connections: settings.max_connections.unwrap_or(limits.connections),
        connections_per_minute: settings.connections_per_minute.unwrap_or(limits.connections_per_minute),
        channels: settings.max_channels.unwrap_or(limits.channels),
        members: settings.max_members.unwrap_or(limits.members),
        subscriptions: settings.max_subscriptions.unwrap_or(limits.subscriptions),
        joins: settings.max_joins.unwrap_or(limits.joins),
        messages: settings.messages_per_second.unwrap_or(limits.messages),
        mistakes: settings.max_mistakes.unwrap_or(limits.mistakes),
        bans: settings.max_bans.unwrap_or(limits.bans),
        queue: settings.max_queue.unwrap_or(limits.queue),
    };
    for (limit, seconds) in [
        (&mut config.handshake_limit, settings.handshake_limit),
        (&mut config.request_limit, settings.request_limit),
        (&mut config.join_limit, settings.join_limit),
        (&mut config.silence_limit, settings.silence_limit),
        (&mut config.drain, settings.drain),
    ] {
        *limit = seconds.map_or(*limit, |seconds| seconds.duration());
    }
    if !stun.is_empty() {
        config.ice_servers.push(IceServer { urls: stun, username: None, credential: None });
    }
    config.turn = turn;
    config.admin_key = admin_key;
    config.origins = settings.allow_origin.unwrap_or_default().into_iter().fold(config.origins, Origins::with);
    config.proxies = Proxies::new(settings.trusted_proxy.unwrap_or_default());
    Ok(Plan { doors, config, log: settings.log.unwrap_or_default(), projects: settings.projects.map(PathBuf::from) })
}

fn doors(settings: &Settings) -> Result<Vec<(SocketAddr, Door)>, Error> {
    let all = |addresses: &Option<Vec<SocketAddr>>| addresses.clone().unwrap_or_default();
    let (mut plain, tls) = (all(&settings.listen), all(&settings.listen_tls));
    if plain.is_empty() && tls.is_empty() {
        plain.push((Ipv4Addr::LOCALHOST, signal::DEFAULT_PORT).into());
    }
    let mut doors: Vec<_> = plain.into_iter().map(|address| (address, Door::Plain)).collect();
    match (&settings.tls_certificate, &settings.tls_key) {
        (Some(certificate), Some(key)) if !tls.is_empty() => {
            let door = Door::Tls { certificate: certificate.clone(), key: key.clone() };
            doors.extend(tls.into_iter().map(|address| (address, door.clone())));
        }
        (None, None) if tls.is_empty() => {}
        (Some(_), Some(_)) => return contradiction("a certificate is named, but no address for it: add listen-tls"),
        _ => return contradiction("TLS takes all three of listen-tls, tls-certificate and tls-key"),
    }
    doors.extend(all(&settings.listen_private).into_iter().map(|address| (address, Door::Private)));
    Ok(doors)
}

fn admin_key(settings: &Settings) -> Result<Option<AdminKey>, Error> {
    let text = match (&settings.admin_key, &settings.admin_key_file) {
        (Some(_), Some(_)) => return contradiction("the admin key is given twice: drop admin-key or admin-key-file"),
        (Some(key), None) => key.reveal().to_owned(),
        (None, Some(path)) => layers::read(path)?.trim().to_owned(),
        (None, None) => return Ok(None),
    };
    AdminKey::new(&text).map(Some).or_else(|weak| contradiction(weak.to_string()))
}

fn turn(settings: &Settings) -> Result<Option<Turn>, Error> {
    let urls = settings.turn.clone().unwrap_or_default();
    check_urls(&urls, &["turn:", "turns:"])?;
    let secret = match (&settings.turn_secret, &settings.turn_secret_file) {
        (Some(_), Some(_)) => return contradiction("the TURN secret is given twice: drop turn-secret or turn-secret-file"),
        (Some(secret), None) => secret.reveal().to_owned(),
        (None, Some(path)) => layers::read(path)?.trim().to_owned(),
        (None, None) => String::new(),
    };
    match (urls.is_empty(), secret.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => {
            let ttl = settings.turn_ttl.map_or(Turn::TTL, |seconds| seconds.duration());
            if ttl < Turn::LEAST_TTL {
                return contradiction("turn-ttl is at least 60 seconds, or calls end before they have begun");
            }
            Ok(Some(Turn { urls, secret, ttl }))
        }
        (false, true) => contradiction("TURN servers are named, but not their secret: add turn-secret-file"),
        (true, false) => contradiction("a TURN secret is given, but no server: add turn"),
    }
}

fn check_urls(urls: &[String], schemes: &[&str]) -> Result<(), Error> {
    if urls.len() > MOST_URLS {
        return contradiction(format!("at most {MOST_URLS} servers of a kind are handed out"));
    }
    let good = |url: &String| {
        url.len() <= LONGEST_URL && schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    };
    match urls.iter().find(|url| !good(url)) {
        Some(bad) => contradiction(format!("{bad:?} is not the address of such a server; one begins with {}", schemes.join(" or "))),
        None => Ok(()),
    }
}

fn contradiction<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Contradiction(what.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> Result<Plan, String> {
        let file = Settings::from_toml("server.toml", text).unwrap();
        plan(Settings::layered(Settings::default(), Settings::default(), file)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_settings_it_is_the_default_on_loopback() {
        let plan = planned("").unwrap();
        assert_eq!(plan.doors, [("127.0.0.1:47880".parse().unwrap(), Door::Plain)]);
        assert_eq!(format!("{:?}", plan.config), format!("{:?}", Config::default()));
    }

    #[test]
    fn every_address_has_its_kind() {
        let plan = planned(
            r#"listen-tls = ["0.0.0.0:443", "[::]:443"]
            listen-private = ["127.0.0.1:9090"]
            tls-certificate = "chain.pem"
            tls-key = "key.pem""#,
        );
        let doors = plan.unwrap().doors;
        assert_eq!(doors.iter().filter(|(_, door)| matches!(door, Door::Tls { .. })).count(), 2);
        assert_eq!((doors.len(), &doors[2].1), (3, &Door::Private));
    }

    #[test]
    fn half_of_a_pair_is_refused_with_the_other_half() {
        for (text, expected) in [
            ("listen-tls = [\"[::]:443\"]", "tls-certificate"),
            ("tls-certificate = \"a\"\ntls-key = \"b\"", "listen-tls"),
            ("listen-tls = [\"[::]:443\"]\ntls-key = \"b\"", "tls-certificate"),
            ("turn = [\"turn:a:3478\"]", "turn-secret-file"),
            ("turn-secret = \"s\"", "add turn"),
            ("turn = [\"turn:a:3478\"]\nturn-secret = \"s\"\nturn-secret-file = \"f\"", "twice"),
            ("turn = [\"turn:a:3478\"]\nturn-secret = \"s\"\nturn-ttl = 1", "60 seconds"),
            ("turn = [\"https://a\"]\nturn-secret = \"s\"", "turn:"),
            ("stun = [\"stun:\"]", "stun:"),
            ("admin-key = \"short\"", "at least 16"),
            ("admin-key = \"a\"\nadmin-key-file = \"f\"", "twice"),
            ("turn-secret-file = \"/nowhere/secret\"", "/nowhere/secret"),
        ] {
            let error = planned(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn settings_reach_the_configuration() {
        let plan = planned(
            r#"turn = ["turn:turn.example.org:3478?transport=udp"]
            turn-secret = "north"
            turn-ttl = 3600
            stun = ["stun:stun.example.org:3478"]
            trusted-proxy = ["10.0.0.0/8"]
            allow-origin = ["https://calls.example.org"]
            max-members = 3
            connections-per-minute = 5
            drain = 0.25
            log = "json""#,
        )
        .unwrap();
        let config = plan.config;
        assert_eq!(config.turn.unwrap().secret, "north");
        assert_eq!(config.ice_servers[0].urls, ["stun:stun.example.org:3478"]);
        assert!(config.proxies.trust("10.1.2.3".parse().unwrap()) && config.origins.allow(Some("https://calls.example.org")));
        assert_eq!((config.limits.members, config.limits.connections_per_minute), (3, 5));
        assert_eq!((config.drain.as_millis(), plan.log), (250, Log::Json));
    }
}
