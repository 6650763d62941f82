//! What others on the network say of their calls, sifted. Pure: every text in it is hostile, and there is room for so many.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::NearbyCall;
use crate::signal::{AppId, ChannelName, is_server};

/// The most that are kept, so that no neighbour fills the list or the memory.
const MOST: usize = 32;

/// The longest name of a machine that is shown, in characters.
const MOST_HOST: usize = 64;

/// One announcement as it came.
#[derive(Clone, Debug, Default)]
pub struct Announcement {
    pub app_id: String,
    pub channel: String,
    /// The machine's name, as it calls itself.
    pub host: String,
    /// The service, where that is not on the machine itself.
    pub server: Option<String>,
    pub addresses: Vec<IpAddr>,
    pub port: u16,
}

impl Announcement {
    /// What is offered to the person; none if any part of it cannot be.
    pub fn call(&self) -> Option<NearbyCall> {
        let app_id: AppId = self.app_id.parse().ok()?;
        let channel: ChannelName = self.channel.parse().ok()?;
        let server = match &self.server {
            Some(server) => Some(server.clone()).filter(|server| is_server(server))?,
            None => format!("ws://{}", std::net::SocketAddr::new(best(&self.addresses)?, Some(self.port).filter(|port| *port != 0)?)),
        };
        Some(NearbyCall { app_id: app_id.into(), channel: channel.into(), host: name(&self.host), server })
    }
}

/// The address to try: IPv4 before IPv6, which home networks route less often; none that only the other machine itself can use.
fn best(addresses: &[IpAddr]) -> Option<IpAddr> {
    let usable = |address: &&IpAddr| match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_unspecified() && !v4.is_multicast() && !v4.is_broadcast(),
        // A link-local address means nothing without its interface.
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unspecified() && !v6.is_multicast() && !v6.is_unicast_link_local(),
    };
    addresses.iter().filter(usable).min_by_key(|address| (address.is_ipv6(), **address)).copied()
}

/// A name that can be shown: one line, without characters that turn text around.
fn name(text: &str) -> String {
    let harmless = |c: &char| c.is_alphanumeric() || " -_.'’()".contains(*c);
    let name: String = text.trim().trim_end_matches(".local.").chars().filter(harmless).take(MOST_HOST).collect();
    name.trim().to_owned()
}

/// All that is announced now, by its full name.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<String, NearbyCall>);

impl Found {
    /// Takes in an announcement; one that cannot be offered takes what it replaces with it.
    pub fn take(&mut self, name: &str, announcement: &Announcement) {
        match announcement.call() {
            Some(call) if self.0.len() < MOST || self.0.contains_key(name) => drop(self.0.insert(name.to_owned(), call)),
            Some(_) => {}
            None => drop(self.0.remove(name)),
        }
    }

    pub fn gone(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Each call once, however many of those in it announce it, and without the own ones.
    pub fn list(&self, own: &BTreeSet<(String, String)>) -> Vec<NearbyCall> {
        let mut seen = BTreeSet::new();
        let mut calls: Vec<NearbyCall> = self.0.values().cloned().collect();
        calls.sort();
        calls.retain(|call| {
            let place = (call.app_id.clone(), call.channel.clone());
            !own.contains(&place) && seen.insert((place, call.server.clone()))
        });
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";

    fn announcement(channel: &str) -> Announcement {
        Announcement {
            app_id: APP_ID.into(),
            channel: channel.into(),
            host: "Ana’s laptop".into(),
            server: None,
            addresses: ["fe80::1", "2001:db8::7", "127.0.0.1", "192.168.1.7"].map(|address| address.parse().unwrap()).into(),
            port: 47880,
        }
    }

    #[test]
    fn a_call_is_offered_at_an_address_that_others_reach() {
        let call = announcement("demo").call().unwrap();
        assert_eq!((call.host.as_str(), call.server.as_str()), ("Ana’s laptop", "ws://192.168.1.7:47880"));
        let v6 = Announcement { addresses: vec!["fe80::1".parse().unwrap(), "2001:db8::7".parse().unwrap()], ..announcement("demo") };
        assert_eq!(v6.call().unwrap().server, "ws://[2001:db8::7]:47880");
        let named = Announcement { server: Some("wss://calls.example".into()), addresses: Vec::new(), ..announcement("demo") };
        assert_eq!(named.call().unwrap().server, "wss://calls.example");
    }

    #[test]
    fn what_cannot_be_joined_is_not_offered() {
        for bad in [
            Announcement { app_id: "x".into(), ..announcement("demo") },
            announcement("<script>\""),
            announcement(""),
            Announcement { server: Some("javascript:alert(1)".into()), ..announcement("demo") },
            Announcement { addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()], ..announcement("demo") },
            Announcement { port: 0, ..announcement("demo") },
        ] {
            assert_eq!(bad.call(), None, "{bad:?}");
        }
    }

    #[test]
    fn a_call_is_listed_once_and_never_ones_own() {
        let mut found = Found::default();
        found.take("a", &announcement("demo"));
        found.take("b", &announcement("demo"));
        found.take("c", &announcement("maths"));
        assert_eq!(found.list(&BTreeSet::new()).len(), 2);
        assert_eq!(found.list(&[(APP_ID.to_owned(), "demo".to_owned())].into()).len(), 1);
        found.take("c", &announcement("\""));
        found.gone("a");
        assert_eq!(found.list(&BTreeSet::new()).len(), 1);
    }

    #[test]
    fn a_neighbour_who_announces_thousands_fills_nothing() {
        let mut found = Found::default();
        for number in 0..10_000 {
            found.take(&number.to_string(), &announcement(&format!("demo{number}")));
        }
        assert_eq!(found.list(&BTreeSet::new()).len(), MOST);
        found.gone("0");
        found.take("new", &announcement("new"));
        assert!(found.list(&BTreeSet::new()).iter().any(|call| call.channel == "new"));
    }

    proptest! {
        #[test]
        fn whatever_is_offered_can_be_shown_and_asked_for(app_id in "\\PC{0,40}", channel in "\\PC{0,70}", host in ".{0,300}", server in ".{0,60}") {
            let hostile = Announcement { app_id, channel, host: host.clone(), server: Some(server), ..announcement("demo") };
            let shown = Announcement { host, ..announcement("demo") }.call().unwrap();
            let bad = |c: char| c.is_control() || "<>&\u{202e}".contains(c);
            prop_assert!(shown.host.chars().count() <= MOST_HOST && !shown.host.chars().any(bad));
            if let Some(call) = hostile.call() {
                prop_assert!(is_server(&call.server));
            }
        }
    }
}
