//! How many connections an address may open a minute. Pure: addresses and times in, a [`Verdict`] out, in bounded memory.
//!
//! Each address has a bucket of a minute's connections that refills evenly: the generic cell rate algorithm (ITU-T I.371, annex A),
//! which keeps one time an address.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What to do with a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Serve,
    /// One too many: tell the client so.
    Refuse,
    /// The address goes on though it was told so for a whole minute's worth: not worth an answer.
    Drop,
}

/// Counts by address, an IPv6 one by its /64, which is what one subscriber gets. Of more addresses than it has room for it forgets those
/// it has known longest, so a flood from everywhere is left to the limit of all connections together.
#[derive(Debug)]
pub struct Limiter {
    per_minute: u32,
    room: usize,
    known: HashMap<IpAddr, Bucket>,
    /// The known addresses, the longest known first; each once.
    order: VecDeque<IpAddr>,
}

#[derive(Debug)]
struct Bucket {
    /// When the bucket is full again.
    full_at: Instant,
    refused: u32,
}

impl Limiter {
    /// At most `per_minute` connections (0: any number) for each of `room` addresses.
    pub fn new(per_minute: u32, room: usize) -> Self {
        Self { per_minute, room: room.max(1), known: HashMap::new(), order: VecDeque::new() }
    }

    /// Counts a connection from `address`. This machine's own are not counted: its app's, and those of a proxy that names nobody.
    pub fn take(&mut self, address: IpAddr, now: Instant) -> Verdict {
        let address = address.to_canonical();
        if self.per_minute == 0 || address.is_loopback() {
            return Verdict::Serve;
        }
        let (most, cost) = (self.per_minute, MINUTE / self.per_minute);
        let bucket = self.bucket(subscriber(address), now);
        let full_at = bucket.full_at.max(now) + cost;
        if full_at <= now + MINUTE {
            *bucket = Bucket { full_at, refused: 0 };
            return Verdict::Serve;
        }
        bucket.refused = bucket.refused.saturating_add(1);
        if bucket.refused <= most { Verdict::Refuse } else { Verdict::Drop }
    }

    fn bucket(&mut self, address: IpAddr, now: Instant) -> &mut Bucket {
        if !self.known.contains_key(&address) {
            while self.known.len() >= self.room
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
            self.order.push_back(address);
        }
        self.known.entry(address).or_insert(Bucket { full_at: now, refused: 0 })
    }
}

/// What stands for everyone behind an address.
fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_one_at_a_time() {
        let (mut limiter, start) = (Limiter::new(3, 8), Instant::now());
        let ana = address("192.0.2.1");
        let verdicts = [0; 7].map(|_| limiter.take(ana, start));
        use Verdict::{Drop, Refuse, Serve};
        assert_eq!(verdicts, [Serve, Serve, Serve, Refuse, Refuse, Refuse, Drop]);
        assert_eq!(limiter.take(address("192.0.2.2"), start), Serve);
        let third = start + Duration::from_secs(20);
        assert_eq!([0; 2].map(|_| limiter.take(ana, third)), [Serve, Refuse]);
    }

    #[test]
    fn an_ipv6_subscriber_counts_as_one_and_a_mapped_address_as_ipv4() {
        let (mut limiter, now) = (Limiter::new(1, 8), Instant::now());
        assert_eq!(limiter.take(address("2001:db8:0:1::1"), now), Verdict::Serve);
        assert_eq!(limiter.take(address("2001:db8:0:1:ffff::2"), now), Verdict::Refuse);
        assert_eq!(limiter.take(address("2001:db8:0:2::1"), now), Verdict::Serve);
        assert_eq!(limiter.take(address("192.0.2.1"), now), Verdict::Serve);
        assert_eq!(limiter.take(address("::ffff:192.0.2.1"), now), Verdict::Refuse);
    }

    #[test]
    fn this_machine_is_not_counted_and_zero_is_no_limit() {
        let now = Instant::now();
        let (mut one, mut any) = (Limiter::new(1, 8), Limiter::new(0, 8));
        for _ in 0..10 {
            assert_eq!(one.take(address("127.0.0.1"), now), Verdict::Serve);
            assert_eq!(one.take(address("::1"), now), Verdict::Serve);
            assert_eq!(any.take(address("192.0.2.1"), now), Verdict::Serve);
        }
    }

    proptest! {
        #[test]
        fn memory_is_bounded_whoever_comes(hosts in proptest::collection::vec(any::<u32>(), 1..300)) {
            let (mut limiter, now) = (Limiter::new(5, 8), Instant::now());
            for host in hosts {
                limiter.take(IpAddr::from(host.to_be_bytes()), now);
                prop_assert!(limiter.known.len() <= 8 && limiter.order.len() == limiter.known.len());
            }
        }

        #[test]
        fn no_minute_has_more_than_two_minutes_worth(waits in proptest::collection::vec(0u64..8_000, 1..200)) {
            let (mut limiter, mut now) = (Limiter::new(5, 8), Instant::now());
            let mut served: Vec<Instant> = Vec::new();
            for wait in waits {
                now += Duration::from_millis(wait);
                if limiter.take(address("192.0.2.1"), now) == Verdict::Serve {
                    served.push(now);
                }
                prop_assert!(served.iter().filter(|&&at| at > now - MINUTE).count() <= 10);
            }
        }
    }
}
