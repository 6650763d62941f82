//! The simulated network: sockets, the links between machines, and the datagrams under way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::task::Waker;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A machine's number.
pub type HostId = usize;

/// IPv4 and UDP headers, in bytes: they take a share of a link's rate.
const HEADERS: usize = 28;

/// One direction between two machines.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub delay: Duration,
    /// A random extra delay between zero and this; the order is kept.
    pub jitter: Duration,
    /// The share of datagrams lost, 0 to 1.
    pub loss: f64,
    /// Bits a second; `None` is endless.
    pub rate_bps: Option<u64>,
    /// What a limited link may have waiting, as time at its rate; more is lost.
    pub queue: Duration,
}

impl Default for Link {
    fn default() -> Self {
        Self { delay: Duration::ZERO, jitter: Duration::ZERO, loss: 0.0, rate_bps: None, queue: Duration::from_millis(200) }
    }
}

/// A datagram as the filter sees it, before the link's own losses.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub from: HostId,
    pub to: HostId,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub data: Vec<u8>,
}

type Filter = Box<dyn FnMut(&Datagram) -> bool + Send>;

#[derive(Default)]
struct Inbox {
    host: HostId,
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Way {
    link: Link,
    /// When the link has sent what it was given.
    free: Option<Instant>,
    last_arrival: Option<Instant>,
}

pub(super) struct Network {
    random: StdRng,
    hosts: usize,
    ways: HashMap<(HostId, HostId), Way>,
    inboxes: HashMap<SocketAddr, Inbox>,
    flying: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    filter: Option<Filter>,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            hosts: 0,
            ways: HashMap::new(),
            inboxes: HashMap::new(),
            flying: BTreeMap::new(),
            sent: 0,
            filter: None,
        }
    }

    pub(super) fn add_host(&mut self) -> HostId {
        self.hosts += 1;
        self.hosts - 1
    }

    pub(super) fn set_link(&mut self, from: HostId, to: HostId, link: Link) {
        self.ways.entry((from, to)).or_default().link = link;
    }

    pub(super) fn delay(&self, from: HostId, to: HostId) -> Duration {
        self.ways.get(&(from, to)).map_or(Duration::ZERO, |way| way.link.delay)
    }

    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.filter = Some(filter);
    }

    pub(super) fn bind(&mut self, address: SocketAddr, host: HostId) {
        self.inboxes.insert(address, Inbox { host, ..Inbox::default() });
    }

    pub(super) fn sockets(&self) -> usize {
        self.inboxes.len()
    }

    pub(super) fn unbind(&mut self, address: SocketAddr) {
        self.inboxes.remove(&address);
    }

    /// Sends one datagram; to nowhere it is lost, like UDP's.
    pub(super) fn send(&mut self, from: HostId, source: SocketAddr, destination: SocketAddr, data: &[u8], now: Instant) {
        let Some(to) = self.inboxes.get(&destination).map(|inbox| inbox.host) else { return };
        let datagram = Datagram { from, to, source, destination, data: data.to_vec() };
        if self.filter.as_mut().is_some_and(|filter| !filter(&datagram)) {
            return;
        }
        if let Some(arrival) = self.arrival(from, to, data.len() + HEADERS, now) {
            self.sent += 1;
            self.flying.insert((arrival, self.sent), datagram);
        }
    }

    /// When a datagram of `size` bytes sent now arrives; `None` if it is lost.
    fn arrival(&mut self, from: HostId, to: HostId, size: usize, now: Instant) -> Option<Instant> {
        let way = self.ways.entry((from, to)).or_default();
        let link = way.link;
        // Drawn for every datagram, so that one link's losses do not depend on another property of it.
        let lost = self.random.random_bool(link.loss);
        let extra = link.jitter.mul_f64(self.random.random::<f64>());
        let mut departure = now;
        if let Some(rate) = link.rate_bps {
            let free = way.free.unwrap_or(now).max(now);
            if free - now > link.queue {
                return None;
            }
            departure = free + Duration::from_secs_f64(size as f64 * 8.0 / rate as f64);
            way.free = Some(departure);
        }
        if lost {
            return None;
        }
        let arrival = (departure + link.delay + extra).max(way.last_arrival.unwrap_or(now));
        way.last_arrival = Some(arrival);
        Some(arrival)
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// Puts what has arrived by `now` into its inboxes; their wakers go to `wakers`.
    pub(super) fn deliver(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= now) {
            let datagram = entry.remove();
            if let Some(inbox) = self.inboxes.get_mut(&datagram.destination) {
                inbox.datagrams.push_back((datagram.source, datagram.data));
                wakers.extend(inbox.waker.take());
            }
        }
    }

    /// The next datagram for `address`, or `waker` waits for it.
    pub(super) fn receive(&mut self, address: SocketAddr, waker: &Waker) -> Option<(SocketAddr, Vec<u8>)> {
        let inbox = self.inboxes.get_mut(&address)?;
        let datagram = inbox.datagrams.pop_front();
        if datagram.is_none() {
            inbox.waker = Some(waker.clone());
        }
        datagram
    }
}
