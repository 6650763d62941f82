//! Whose connection this is. Pure: the peer's address and its headers in, the client's address out.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The proxies whose `X-Forwarded-For` is believed; without any, nobody's is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

/// An address, or a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.map(Self).ok_or("a network is an address, or like 10.0.0.0/8")
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl Proxies {
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether connections from `address` are a proxy's, made for others.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }

    /// The client behind `peer`: the last address in `forwarded` (`X-Forwarded-For`'s values in order) that is not a trusted proxy.
    /// Each proxy appends whom it talks to, so what stands before that is the client's own claim.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(peer) {
            return client;
        }
        for entry in forwarded.flat_map(|value| value.split(',')).rev() {
            let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client.to_canonical()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::new(proxies.iter().map(|network| network.parse().unwrap()));
        proxies.client(peer.parse().unwrap(), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_named() {
        assert_eq!(client(&[], "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxys_last_foreign_address_counts_and_claims_before_it_do_not() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9", "198.51.100.1,10.0.0.2"]), "198.51.100.1");
        assert_eq!(client(&["127.0.0.1"], "::ffff:127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn a_proxy_that_names_nobody_or_nonsense_is_the_client() {
        for forwarded in [&[][..], &["unknown"], &[""], &["198.51.100.1, for=me"]] {
            assert_eq!(client(&["10.0.0.1"], "10.0.0.1", forwarded), "10.0.0.1");
        }
    }

    #[test]
    fn a_network_is_an_address_or_cidr() {
        for good in ["127.0.0.1", "::1", "10.0.0.0/8", "2001:db8::/32"] {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
        for bad in ["", "localhost", "10.0.0.0/33"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
