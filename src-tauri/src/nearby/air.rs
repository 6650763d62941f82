//! Announcing and finding over multicast DNS (RFC 6762, RFC 6763).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};

use super::found::Announcement;

const KIND: &str = "_visavis._tcp.local.";

/// A call by App ID and channel.
pub type Call = (String, String);

/// What happens in the air.
#[derive(Debug)]
pub enum News {
    Found { name: String, announcement: Announcement },
    Gone { name: String },
}

/// How others reach the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On this machine, at this port.
    Here(u16),
    /// Where everybody knows it.
    Elsewhere(String),
}

/// The responder's handle; dropping it takes all announcements back and closes the sockets.
pub struct Air {
    daemon: ServiceDaemon,
    events: mdns_sd::Receiver<ServiceEvent>,
    /// What this process calls itself: a name that no machine has, so that its addresses clash with nobody's.
    own: String,
    announced: BTreeMap<Call, String>,
    /// The addresses to announce; none: those of this machine.
    addresses: Vec<IpAddr>,
}

impl Air {
    /// `own` is any text of letters and digits, drawn at random.
    pub fn open(own: String, addresses: Vec<IpAddr>) -> mdns_sd::Result<Self> {
        let daemon = ServiceDaemon::new()?;
        let events = daemon.browse(KIND)?;
        Ok(Self { daemon, events, own, announced: BTreeMap::new(), addresses })
    }

    /// Announces these calls and no others.
    pub fn announce(&mut self, calls: &BTreeSet<Call>, host: &str, reach: &Reach) {
        self.announced.retain(|call, name| {
            let stays = calls.contains(call);
            if !stays && let Err(error) = self.daemon.unregister(name) {
                tracing::debug!(%error, "an announcement is not taken back");
            }
            stays
        });
        for (number, call) in calls.iter().enumerate() {
            if self.announced.contains_key(call) {
                continue;
            }
            match self.register(call, number, host, reach) {
                Ok(name) => drop(self.announced.insert(call.clone(), name)),
                Err(error) => tracing::warn!(%error, "a call is not announced"),
            }
        }
    }

    fn register(&self, (app_id, channel): &Call, number: usize, host: &str, reach: &Reach) -> mdns_sd::Result<String> {
        let (port, server) = match reach {
            Reach::Here(port) => (*port, None),
            Reach::Elsewhere(server) => (0, Some(("server", server.as_str()))),
        };
        let texts: Vec<(&str, &str)> =
            [("appId", app_id.as_str()), ("channel", channel.as_str()), ("host", host)].into_iter().chain(server).collect();
        let unique = format!("{}-{number}-{:04x}", self.own, rand::random::<u16>());
        let info = ServiceInfo::new(KIND, &unique, &format!("visavis-{}.local.", self.own), &self.addresses[..], port, &texts[..])?;
        let info = if self.addresses.is_empty() { info.enable_addr_auto() } else { info };
        let name = info.get_fullname().to_owned();
        self.daemon.register(info)?;
        Ok(name)
    }

    /// The next news of others; none when the responder has failed.
    pub async fn next(&self) -> Option<News> {
        loop {
            match self.events.recv_async().await.ok()? {
                ServiceEvent::ServiceResolved(service) if !service.fullname.starts_with(&self.own) => {
                    return Some(News::Found { name: service.fullname.clone(), announcement: announcement(&service) });
                }
                ServiceEvent::ServiceRemoved(_, name) => return Some(News::Gone { name }),
                _ => {}
            }
        }
    }
}

impl Drop for Air {
    fn drop(&mut self) {
        for name in self.announced.values() {
            let _ = self.daemon.unregister(name);
        }
        let _ = self.daemon.shutdown();
    }
}

fn announcement(service: &ResolvedService) -> Announcement {
    let text = |key: &str| service.get_property_val_str(key).map(str::to_owned);
    Announcement {
        app_id: text("appId").unwrap_or_default(),
        channel: text("channel").unwrap_or_default(),
        host: text("host").unwrap_or_else(|| service.host.clone()),
        server: text("server"),
        addresses: service.addresses.iter().map(|address| address.to_ip_addr()).collect(),
        port: service.port,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";

    #[tokio::test]
    async fn a_call_that_is_announced_is_found_until_it_is_taken_back() {
        let own = |which: &str| format!("{which}{:08x}", std::process::id());
        let mut one = Air::open(own("one"), vec![[127, 0, 0, 1].into()]).unwrap();
        let other = Air::open(own("other"), vec![[127, 0, 0, 1].into()]).unwrap();
        let call = (APP_ID.to_owned(), "a b".to_owned());
        one.announce(&[call].into(), "Ana’s laptop", &Reach::Elsewhere("wss://calls.example".into()));
        let found = loop {
            match other.next().await.unwrap() {
                News::Found { name, announcement } if name.starts_with(&own("one")) => break announcement.call().unwrap(),
                _ => {}
            }
        };
        assert_eq!((found.channel.as_str(), found.host.as_str(), found.server.as_str()), ("a b", "Ana’s laptop", "wss://calls.example"));
        one.announce(&BTreeSet::new(), "", &Reach::Here(1));
        loop {
            match other.next().await.unwrap() {
                News::Gone { name } if name.starts_with(&own("one")) => break,
                _ => {}
            }
        }
    }
}
