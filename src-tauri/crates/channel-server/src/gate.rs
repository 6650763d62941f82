//! Who may connect: all connections together and those of one address are counted here, before and outside any channel.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use signal::{Code, Error};

use crate::{
    Config, Proxies,
    limiter::{Limiter, Verdict},
};

/// Addresses that are told apart; about 100 bytes each.
const ADDRESSES: usize = 65_536;

/// Connections beyond the limit that are still answered. Above, they are closed without a word.
const ANSWERED: usize = 64;

/// Counts connections and addresses.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    proxies: Proxies,
    open: AtomicUsize,
    addresses: Mutex<Limiter>,
}

/// Counts a connection for as long as it lives, through TLS, HTTP and WebSocket.
#[derive(Debug)]
pub struct Ticket {
    gate: Arc<Gate>,
    /// Why it is served no further than an answer.
    pub refusal: Option<Refusal>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The service has as many connections as it may.
    Full,
    /// The address opens too many.
    Address,
}

impl Refusal {
    pub fn error(self) -> Error {
        match self {
            Self::Full => Error::new(Code::ServiceTooHeavy, "The service has as many connections as it may; try again later."),
            Self::Address => Error::new(Code::JoinTooFrequent, "Too many connections from this address; wait a minute."),
        }
    }

    /// The label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "connections",
            Self::Address => "address",
        }
    }
}

impl Gate {
    pub fn new(config: &Config) -> Self {
        Self {
            most: config.limits.connections,
            proxies: config.proxies.clone(),
            open: AtomicUsize::new(0),
            addresses: Mutex::new(Limiter::new(config.limits.connections_per_minute, ADDRESSES)),
        }
    }

    /// A new connection; the error is one that is not worth an answer. A trusted proxy's counts for whom it is made, which shows later.
    pub fn enter(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Result<Ticket, Refusal> {
        let mut ticket = Ticket { gate: self.clone(), refusal: None };
        let others = self.open.fetch_add(1, Ordering::Relaxed);
        if others >= self.most.saturating_add(ANSWERED) {
            return Err(Refusal::Full);
        }
        if others >= self.most {
            ticket.refusal = Some(Refusal::Full);
        } else if !self.proxies.trust(peer) {
            match self.count(peer, now) {
                Verdict::Serve => {}
                Verdict::Refuse => ticket.refusal = Some(Refusal::Address),
                Verdict::Drop => return Err(Refusal::Address),
            }
        }
        Ok(ticket)
    }

    /// Who is behind `peer`: the address that a trusted proxy names in `X-Forwarded-For`, whose values `forwarded` are.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        self.proxies.client(peer, forwarded)
    }

    /// Counts a request that a proxy makes for `client`.
    pub fn forwarded(&self, peer: IpAddr, client: IpAddr, now: Instant) -> Option<Refusal> {
        let for_another = client != peer.to_canonical();
        (for_another && self.count(client, now) != Verdict::Serve).then_some(Refusal::Address)
    }

    fn count(&self, address: IpAddr, now: Instant) -> Verdict {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).take(address, now)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn gate(connections: usize, connections_per_minute: u32) -> Arc<Gate> {
        let limits = Limits { connections, connections_per_minute, ..Limits::default() };
        let proxies = Proxies::new(["10.0.0.0/8".parse().unwrap()]);
        Arc::new(Gate::new(&Config { limits, proxies, ..Config::default() }))
    }

    #[test]
    fn a_full_service_says_so_until_someone_goes() {
        let (gate, now) = (gate(1, 0), Instant::now());
        let peer = "192.0.2.1".parse().unwrap();
        let first = gate.enter(peer, now).unwrap();
        assert_eq!(first.refusal, None);
        let told: Vec<_> = (0..ANSWERED).map(|_| gate.enter(peer, now).unwrap()).collect();
        assert!(told.iter().all(|ticket| ticket.refusal == Some(Refusal::Full)));
        assert!(gate.enter(peer, now).is_err_and(|refusal| refusal == Refusal::Full));
        drop((first, told));
        assert_eq!(gate.enter(peer, now).unwrap().refusal, None);
    }

    #[test]
    fn an_address_is_told_and_then_dropped() {
        let (gate, now) = (gate(100, 1), Instant::now());
        let peer = "192.0.2.1".parse().unwrap();
        assert_eq!(gate.enter(peer, now).unwrap().refusal, None);
        assert_eq!(gate.enter(peer, now).unwrap().refusal, Some(Refusal::Address));
        assert!(gate.enter(peer, now).is_err_and(|refusal| refusal == Refusal::Address));
        assert_eq!(gate.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_proxys_connections_count_for_whom_they_are_made() {
        let (gate, now) = (gate(100, 1), Instant::now());
        let proxy = "10.0.0.1".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(gate.enter(proxy, now).unwrap().refusal, None);
        }
        let mut asks = |for_whom: &str| gate.forwarded(proxy, gate.client(proxy, [for_whom].into_iter()), now);
        assert_eq!(["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(&mut asks), [None, Some(Refusal::Address), None]);
        let stranger = "192.0.2.9".parse().unwrap();
        assert_eq!(gate.client(stranger, ["192.0.2.1"].into_iter()), stranger);
    }
}
