//! When candidates over TCP (RFC 6544) have their turn, pure.
//!
//! Invariant: as long as UDP may yet find a path, the other end hears of no candidate over TCP and its own are not tried. A pair that is
//! nominated stays, and on TCP one lost packet delays all that follow it.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::event::Candidate;

/// UDP has had its chance: a dozen checks over any path of a usual round trip, most of which are lost. A relay has its turn later still.
const WAIT: Duration = Duration::from_millis(300);
/// An end has one candidate for each of its addresses.
const MOST_HELD: usize = 16;
/// Connections that the other end may have this one try, restarts included.
const MOST_TRIED: usize = 64;

/// A candidate over TCP, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tcp {
    /// `None` for a name.
    pub(crate) address: Option<SocketAddr>,
    /// It waits for connections.
    pub(crate) passive: bool,
}

/// Reads a candidate line; `None` if it is not over TCP.
pub(crate) fn over_tcp(candidate: &str) -> Option<Tcp> {
    let fields: Vec<&str> = candidate.split_ascii_whitespace().collect();
    if !fields.get(2)?.eq_ignore_ascii_case("tcp") {
        return None;
    }
    let address = fields.get(4).and_then(|ip| ip.parse::<IpAddr>().ok());
    let port = fields.get(5).and_then(|port| port.parse().ok());
    let kind = fields.iter().skip(6).skip_while(|field| **field != "tcptype").nth(1);
    Some(Tcp { address: address.zip(port).map(SocketAddr::from), passive: kind == Some(&"passive") })
}

/// Whether a connection may be tried because somebody else says so: not to the services of this machine or of its network.
fn may_try(address: SocketAddr, loopback: bool) -> bool {
    let port = address.port() >= 1024 || matches!(address.port(), 80 | 443);
    let reserved = match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast() || ip.octets()[0] == 0 || ip.octets()[0] >= 240,
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some(),
    };
    port && !reserved && !address.ip().is_multicast() && (loopback || !address.ip().is_loopback())
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// To be told to the other end, in this order.
    pub(crate) tell: Vec<Candidate>,
    /// The other end's, to be tried.
    pub(crate) attempt: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// UDP looks for a path, since then if both ends know each other's descriptions.
    Udp(Option<Instant>),
    /// TCP's turn has come.
    Tcp,
    /// There is a path.
    Found,
}

/// The candidates over TCP of one connection.
#[derive(Debug)]
pub(crate) struct LastResort {
    stage: Stage,
    /// Neither end's are of any use.
    off: bool,
    /// This end listens on loopback.
    loopback: bool,
    held: Due,
    /// The end of candidates stands behind those that are held.
    end: Option<Candidate>,
    tries_left: usize,
}

impl LastResort {
    /// For an end that listens at `listens`; nowhere: TCP is not used.
    pub(crate) fn new(listens: &[String]) -> Self {
        let loopback = listens.iter().filter_map(|address| address.parse::<SocketAddr>().ok()).any(|address| address.ip().is_loopback());
        Self { stage: Stage::Udp(None), off: listens.is_empty(), loopback, held: Due::default(), end: None, tries_left: MOST_TRIED }
    }

    /// Both descriptions are known.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.stage == Stage::Udp(None) {
            self.stage = Stage::Udp(Some(now));
        }
    }

    /// ICE restarts: new candidates come, and UDP has another chance.
    pub(crate) fn restart(&mut self) {
        self.stage = Stage::Udp(None);
        self.held = Due::default();
        self.end = None;
    }

    /// A candidate of this end, or the end of them: what may be told now.
    pub(crate) fn on_local(&mut self, candidate: Candidate) -> Vec<Candidate> {
        let tcp = over_tcp(&candidate.candidate);
        let usable = |tcp: &Tcp| !self.off && tcp.address.is_some_and(|address| !address.ip().is_unspecified());
        if tcp.as_ref().is_some_and(|tcp| !usable(tcp)) {
            return Vec::new();
        }
        match self.stage {
            Stage::Udp(_) if tcp.is_some() => {
                if self.held.tell.len() < MOST_HELD {
                    self.held.tell.push(candidate);
                }
                Vec::new()
            }
            Stage::Udp(_) if candidate.candidate.is_empty() && !self.held.tell.is_empty() => {
                self.end = Some(candidate);
                Vec::new()
            }
            Stage::Found if tcp.is_some() => Vec::new(),
            Stage::Udp(_) | Stage::Tcp | Stage::Found => vec![candidate],
        }
    }

    /// A candidate over TCP of the other end: whether to try it now. One that connects itself needs nothing.
    pub(crate) fn on_remote(&mut self, candidate: &str, tcp: Tcp) -> bool {
        let wanted = !self.off && tcp.passive && tcp.address.is_some_and(|address| may_try(address, self.loopback));
        if !wanted || self.tries_left == 0 {
            return false;
        }
        match self.stage {
            Stage::Udp(_) => {
                if self.held.attempt.len() < MOST_HELD {
                    self.tries_left -= 1;
                    self.held.attempt.push(candidate.to_owned());
                }
                false
            }
            Stage::Tcp => {
                self.tries_left -= 1;
                true
            }
            Stage::Found => false,
        }
    }

    /// There is a path: what is left to tell.
    pub(crate) fn on_path(&mut self) -> Vec<Candidate> {
        self.stage = Stage::Found;
        self.held = Due::default();
        self.end.take().into_iter().collect()
    }

    /// What is due when TCP's turn has come by `now`; once.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Due> {
        let Stage::Udp(Some(since)) = self.stage else { return None };
        if now.saturating_duration_since(since) < WAIT {
            return None;
        }
        self.stage = Stage::Tcp;
        let mut due = std::mem::take(&mut self.held);
        due.tell.extend(self.end.take());
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSIVE: &str = "candidate:1 1 tcp 2120000000 192.0.2.7 41000 typ host tcptype passive";

    fn candidate(text: &str) -> Candidate {
        Candidate { candidate: text.into(), sdp_mid: None, sdp_mline_index: Some(0), username_fragment: None }
    }

    fn begun() -> (LastResort, Instant) {
        let (mut resort, now) = (LastResort::new(&["0.0.0.0:0".into()]), Instant::now());
        resort.begin(now);
        (resort, now)
    }

    fn remote(resort: &mut LastResort, text: &str) -> bool {
        resort.on_remote(text, over_tcp(text).unwrap())
    }

    #[test]
    fn candidates_over_tcp_are_told_apart() {
        let address = Some("192.0.2.7:41000".parse().unwrap());
        assert_eq!(over_tcp(PASSIVE), Some(Tcp { address, passive: true }));
        let active = "candidate:1 1 TCP 1518280447 192.0.2.7 9 typ host tcptype active generation 0 ufrag x network-id 1";
        assert_eq!(over_tcp(active), Some(Tcp { address: Some("192.0.2.7:9".parse().unwrap()), passive: false }));
        let hidden = "candidate:1 1 tcp 1518280447 0af1b2c3-1111-4222-8333-444455556666.local 9 typ host tcptype active";
        assert_eq!(over_tcp(hidden), Some(Tcp { address: None, passive: false }));
        assert_eq!(over_tcp("candidate:1 1 udp 2130706431 192.0.2.7 41000 typ host"), None);
        for text in ["", "tcp", "a b tcp", "a b tcp c d e tcptype"] {
            assert!(!over_tcp(text).is_some_and(|tcp| tcp.passive || tcp.address.is_some()), "{text}");
        }
    }

    #[test]
    fn udp_has_its_chance_first_and_the_end_of_candidates_waits_for_those_that_do() {
        let (mut resort, now) = begun();
        let (udp, tcp, end) = (candidate("candidate:1 1 udp 1 192.0.2.7 5 typ host"), candidate(PASSIVE), candidate(""));
        assert_eq!(resort.on_local(udp.clone()), std::slice::from_ref(&udp));
        assert_eq!(resort.on_local(tcp.clone()), []);
        assert!(!remote(&mut resort, PASSIVE));
        assert_eq!(resort.on_local(end.clone()), []);
        assert_eq!(resort.poll(now + WAIT / 2), None);
        let due = resort.poll(now + WAIT).unwrap();
        assert_eq!(due, Due { tell: vec![tcp.clone(), end], attempt: vec![PASSIVE.into()] });
        // From then on nothing waits.
        assert_eq!(resort.poll(now + WAIT), None);
        assert_eq!(resort.on_local(tcp.clone()), [tcp]);
        assert!(remote(&mut resort, PASSIVE));
    }

    #[test]
    fn with_a_path_nobody_hears_of_tcp() {
        let (mut resort, now) = begun();
        resort.on_local(candidate(PASSIVE));
        resort.on_local(candidate(""));
        remote(&mut resort, PASSIVE);
        assert_eq!(resort.on_path(), [candidate("")]);
        assert_eq!(resort.poll(now + WAIT), None);
        assert_eq!(resort.on_local(candidate(PASSIVE)), []);
        assert!(!remote(&mut resort, PASSIVE));
    }

    #[test]
    fn a_restart_begins_anew_when_both_descriptions_are_known() {
        let (mut resort, now) = begun();
        resort.on_path();
        resort.restart();
        resort.on_local(candidate(PASSIVE));
        assert_eq!(resort.poll(now + WAIT * 9), None);
        resort.begin(now + WAIT * 9);
        assert_eq!(resort.poll(now + WAIT * 10).unwrap().tell, [candidate(PASSIVE)]);
    }

    #[test]
    fn an_end_that_does_not_listen_neither_tells_nor_tries() {
        let mut resort = LastResort::new(&[]);
        resort.begin(Instant::now());
        assert_eq!(resort.on_local(candidate(PASSIVE)), []);
        assert_eq!(resort.on_local(candidate("")), [candidate("")]);
        assert!(!remote(&mut resort, PASSIVE));
        assert_eq!(resort.poll(Instant::now() + WAIT), Some(Due::default()));
    }

    #[test]
    fn nobody_has_this_machine_connect_to_its_own_services() {
        let (mut resort, now) = begun();
        resort.poll(now + WAIT);
        let to = |address: &str, port: u16| format!("candidate:1 1 tcp 1 {address} {port} typ host tcptype passive");
        for (address, port) in [
            ("127.0.0.1", 41000),
            ("::1", 41000),
            ("192.0.2.7", 22),
            ("0.0.0.0", 41000),
            ("::", 41000),
            ("169.254.169.254", 80),
            ("255.255.255.255", 41000),
            ("224.0.0.1", 41000),
            ("240.0.0.1", 3478),
            ("fe80::1", 41000),
            ("::ffff:127.0.0.1", 41000),
            ("printer.local", 41000),
        ] {
            assert!(!remote(&mut resort, &to(address, port)), "{address} {port}");
        }
        for (address, port) in [("192.0.2.7", 443), ("10.0.0.1", 1024), ("2001:db8::7", 41000)] {
            assert!(remote(&mut resort, &to(address, port)), "{address} {port}");
        }
        assert!(!remote(&mut resort, &PASSIVE.replace("passive", "active")));
    }

    #[test]
    fn how_many_connections_are_tried_is_bounded_over_all_restarts() {
        let (mut resort, now) = begun();
        let mut tried = 0;
        for round in 1..100 {
            (0..100).for_each(|_| assert!(!remote(&mut resort, PASSIVE)));
            tried += resort.poll(now + WAIT * 2 * round).unwrap().attempt.len();
            resort.restart();
            resort.begin(now + WAIT * (2 * round + 1));
        }
        assert_eq!(tried, MOST_TRIED);
    }
}
