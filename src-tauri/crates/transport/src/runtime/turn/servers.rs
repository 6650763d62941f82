//! The TURN servers that are reached over a stream: their URLs, the names and addresses that stand for them, and which relays come first.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Nothing on any network is there (RFC 1112 §4 reserves 240.0.0.0/4), and no name ends like that (RFC 6761 §6.4).
const NET: [u8; 3] = [240, 0, 0];
const PREFIX: &str = "turn-";
const SUFFIX: &str = ".invalid";
/// More servers than anybody names in a call's life; the last byte of their addresses.
const MOST: usize = 250;

/// A server's stream begins so much later for each better way that is tried too: an allocation takes two round trips, and a relay is not
/// chosen before half a second is over.
const HEAD_START: Duration = Duration::from_millis(100);

/// How a TURN server is reached, the best way first: on a stream one lost packet delays all that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Udp,
    Tcp,
    Tls,
}

impl Way {
    /// The way of a TURN URL (RFC 7065); `None` for others.
    fn of(url: &str) -> Option<Self> {
        match Server::of(url) {
            Some(server) => Some(server.way()),
            None => {
                let (scheme, _) = url.split_once(':')?;
                ["turn", "turns"].iter().any(|turn| scheme.eq_ignore_ascii_case(turn)).then_some(Self::Udp)
            }
        }
    }

    /// The priority of a relay's candidate (RFC 8445 §5.1.2.1), whose type counts 0: the way is its local preference.
    pub(crate) fn priority(self) -> u32 {
        let local_preference: u32 = match self {
            Self::Udp => 65_535,
            Self::Tcp => 32_767,
            Self::Tls => 16_383,
        };
        const COMPONENT: u32 = 1;
        (local_preference << 8) + (256 - COMPONENT)
    }
}

/// A TURN server over a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) tls: bool,
    /// A name or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "turns" } else { "turn" };
        write!(f, "{scheme}:{}?transport=tcp", self.address())
    }
}

impl Server {
    fn way(&self) -> Way {
        if self.tls { Way::Tls } else { Way::Tcp }
    }

    /// `host:port`, to be resolved.
    pub(super) fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    /// The server of a TURN URL (RFC 7065) if it is to be reached over a stream: `turn:…?transport=tcp`, `turns:…` but over UDP.
    fn of(url: &str) -> Option<Self> {
        let (tls, rest) = match url.split_once(':')? {
            (scheme, rest) if scheme.eq_ignore_ascii_case("turn") => (false, rest),
            (scheme, rest) if scheme.eq_ignore_ascii_case("turns") => (true, rest),
            _ => return None,
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let transport = query.split('&').find_map(|pair| pair.strip_prefix("transport="));
        if !transport.map_or(tls, |transport| transport.eq_ignore_ascii_case("tcp")) {
            return None;
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                (host, after.strip_prefix(':'))
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = port.map_or(Some(if tls { 5349 } else { 3478 }), |port| port.parse().ok().filter(|port| *port != 0))?;
        Some(Self { tls, host: host.to_owned(), port }).filter(|server| !server.host.is_empty())
    }
}

/// The servers that were ever named, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    numbered: Mutex<Vec<Server>>,
    /// The ways that connections try at present.
    tried: Mutex<BTreeSet<Way>>,
}

impl Servers {
    /// The URL for the library: one over UDP to a name of ours if the server is to be reached over a stream, else `url` itself.
    pub(crate) fn over_udp(&self, url: &str) -> String {
        let Some(server) = Server::of(url) else { return url.to_owned() };
        let mut numbered = self.numbered.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbered.iter().position(|known| *known == server).unwrap_or_else(|| {
            numbered.push(server.clone());
            numbered.len() - 1
        });
        if number >= MOST {
            numbered.truncate(MOST);
            tracing::warn!(%server, "left out: no call needs so many TURN servers");
            return url.to_owned();
        }
        format!("turn:{PREFIX}{number}{SUFFIX}:{}?transport=udp", server.port)
    }

    /// These URLs are tried from now on.
    pub(crate) fn on_tried<'a>(&self, urls: impl Iterator<Item = &'a String>) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = urls.filter_map(|url| Way::of(url)).collect();
    }

    /// How long the stream to `server` waits, so that relays over better ways are there first: where two are as good, the first is taken.
    pub(super) fn head_start(&self, server: &Server) -> Duration {
        let better = self.tried.lock().unwrap_or_else(PoisonError::into_inner).range(..server.way()).count();
        HEAD_START * u32::try_from(better).unwrap_or(0)
    }

    /// The way to the server that the library knows by `url`.
    pub(crate) fn way(&self, url: &str) -> Way {
        let place = url.split_once(':').map_or(url, |(_, rest)| rest);
        let address = self.resolve(place.split('?').next().unwrap_or(place));
        address.and_then(|address| self.at(address)).map_or(Way::Udp, |server| server.way())
    }

    /// The address that stands for a `name:port` of ours.
    pub(super) fn resolve(&self, place: &str) -> Option<SocketAddr> {
        let (name, port) = place.rsplit_once(':')?;
        let number: u8 = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()?;
        let address = SocketAddr::from((Ipv4Addr::new(NET[0], NET[1], NET[2], number), port.parse().ok()?));
        self.at(address).map(|_| address)
    }

    /// The server that `address` stands for.
    pub(super) fn at(&self, address: SocketAddr) -> Option<Server> {
        let SocketAddr::V4(address) = address else { return None };
        let [net @ .., number] = address.ip().octets();
        if net != NET {
            return None;
        }
        self.numbered.lock().unwrap_or_else(PoisonError::into_inner).get(usize::from(number)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(tls: bool, host: &str, port: u16) -> Option<Server> {
        Some(Server { tls, host: host.into(), port })
    }

    #[test]
    fn a_url_says_where_its_server_is_and_whether_by_tls() {
        assert_eq!(Server::of("turn:turn.example.org:3479?transport=tcp"), server(false, "turn.example.org", 3479));
        assert_eq!(Server::of("turn:turn.example.org?transport=TCP"), server(false, "turn.example.org", 3478));
        assert_eq!(Server::of("turns:turn.example.org?transport=tcp"), server(true, "turn.example.org", 5349));
        assert_eq!(Server::of("turns:turn.example.org:443"), server(true, "turn.example.org", 443));
        assert_eq!(Server::of("turns:[2001:db8::1]:443?transport=tcp"), server(true, "2001:db8::1", 443));
        assert_eq!(Server::of("turn:[::1]?transport=tcp"), server(false, "::1", 3478));
    }

    #[test]
    fn what_goes_over_udp_or_is_no_url_stays_with_the_library() {
        let urls = [
            "turn:turn.example.org",
            "turn:turn.example.org:3478?transport=udp",
            "turns:turn.example.org?transport=udp",
            "stun:stun.example.org",
            "turn:?transport=tcp",
            "turn:host:0?transport=tcp",
            "turn:host:99999?transport=tcp",
            "turn:[::1?transport=tcp",
            "turn",
            "",
        ];
        let servers = Servers::default();
        for url in urls {
            assert_eq!(servers.over_udp(url), url);
        }
    }

    #[test]
    fn a_server_has_one_name_and_one_address() {
        let servers = Servers::default();
        assert_eq!(servers.over_udp("turn:a:3478?transport=tcp"), "turn:turn-0.invalid:3478?transport=udp");
        assert_eq!(servers.over_udp("turns:b"), "turn:turn-1.invalid:5349?transport=udp");
        assert_eq!(servers.over_udp("turn:a?transport=tcp"), "turn:turn-0.invalid:3478?transport=udp");
        let address = servers.resolve("turn-1.invalid:5349").unwrap();
        assert_eq!(address.to_string(), "240.0.0.1:5349");
        assert_eq!(servers.at(address), server(true, "b", 5349));
    }

    #[test]
    fn other_names_and_addresses_are_not_ours() {
        let servers = Servers::default();
        servers.over_udp("turn:a?transport=tcp");
        for name in ["turn-1.invalid:3478", "turn-0.invalid", "turn-0.example:3478", "turn-999.invalid:1", "example.org:3478", ""] {
            assert_eq!(servers.resolve(name), None, "{name}");
        }
        for address in ["240.0.0.1:3478", "240.0.1.0:3478", "10.0.0.0:3478", "[::1]:3478"] {
            assert_eq!(servers.at(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn a_relay_over_udp_comes_before_one_over_tcp_and_that_before_one_over_tls() {
        let servers = Servers::default();
        let urls = ["turn:a", "turn:a?transport=tcp", "turns:a", "stun:b", "turns:c?transport=udp"];
        let known: Vec<String> = urls.iter().map(|url| servers.over_udp(url)).collect();
        let ways: Vec<Way> = known.iter().map(|url| servers.way(url)).collect();
        assert_eq!(ways, [Way::Udp, Way::Tcp, Way::Tls, Way::Udp, Way::Udp]);
        let [udp, tcp, tls] = [Way::Udp, Way::Tcp, Way::Tls].map(Way::priority);
        assert!(udp > tcp && tcp > tls && tls > 0);
        assert_eq!(udp, 16_777_215, "as the library has it");
    }

    #[test]
    fn a_stream_waits_for_each_better_way_that_is_tried() {
        let servers = Servers::default();
        let (tcp, tls) = (server(false, "a", 3478).unwrap(), server(true, "a", 5349).unwrap());
        let waits = |urls: &[&str]| {
            let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
            servers.on_tried(urls.iter());
            (servers.head_start(&tcp), servers.head_start(&tls))
        };
        let none = Duration::ZERO;
        assert_eq!(waits(&["stun:a", "turn:a", "turn:a?transport=tcp", "turns:a"]), (HEAD_START, 2 * HEAD_START));
        assert_eq!(waits(&["turn:a?transport=tcp", "turns:a"]), (none, HEAD_START));
        assert_eq!(waits(&["stun:a", "turns:a"]), (none, none));
        assert_eq!(waits(&[]), (none, none));
    }

    #[test]
    fn the_number_of_servers_is_bounded() {
        let servers = Servers::default();
        for port in 1..1_000 {
            servers.over_udp(&format!("turn:a:{port}?transport=tcp"));
        }
        assert_eq!(servers.numbered.lock().unwrap().len(), MOST);
    }
}
