//! Which changes of this machine's addresses matter to a call, pure.
//!
//! Invariant: what is told is worth looking for new paths at once. An address that goes takes the paths over it away; one that
//! comes is worth it only after a loss, because machines get addresses all the time that lead nowhere new: a container's
//! bridge, an IPv6 address for privacy.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A lease that moves is an address that goes and one that comes, in this order or the other.
const SETTLE: Duration = Duration::from_millis(50);
/// An IPv6 address cannot be bound before it is known to be nobody else's, which takes a second (RFC 4862 §5.4 and §5.1).
const SETTLE_IPV6: Duration = Duration::from_millis(1200);
/// After a loss the address that replaces it may take its time: another Wi-Fi, a cable.
const RECOVERY: Duration = Duration::from_secs(60);

/// One address came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Up(IpAddr),
    Down(IpAddr),
}

/// A change that matters; this machine has at least one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The addresses that are gone since the last change: what is bound to them is dead.
    pub lost: Vec<IpAddr>,
}

impl Change {
    /// Whether what is bound to `address` is dead.
    pub fn takes(&self, address: IpAddr) -> bool {
        self.lost.contains(&address)
    }
}

/// Collects what happens to the addresses until it is worth telling.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    present: BTreeSet<IpAddr>,
    /// Gone and not told yet.
    lost: BTreeSet<IpAddr>,
    /// The newest loss.
    lost_at: Option<Instant>,
    /// No address was left, and it is not told yet that there is one again.
    was_alone: bool,
    due: Option<Instant>,
}

impl Changes {
    pub(crate) fn on_event(&mut self, event: Event, now: Instant) {
        let (Event::Up(address) | Event::Down(address)) = event;
        if !can_carry(address) {
            return;
        }
        match event {
            Event::Up(address) => self.on_up(address, now),
            Event::Down(address) => self.on_down(address, now),
        }
    }

    fn on_up(&mut self, address: IpAddr, now: Instant) {
        if !self.present.insert(address) {
            return;
        }
        self.lost.remove(&address);
        let after_loss = self.lost_at.is_some_and(|at| now.saturating_duration_since(at) < RECOVERY);
        if self.was_alone || after_loss {
            let usable_without = self.present.iter().any(|other| other.is_ipv4());
            self.due = Some(now + if address.is_ipv4() || usable_without { SETTLE } else { SETTLE_IPV6 });
        }
    }

    fn on_down(&mut self, address: IpAddr, now: Instant) {
        if !self.present.remove(&address) {
            return;
        }
        self.lost.insert(address);
        self.lost_at = Some(now);
        self.was_alone |= self.present.is_empty();
        self.due = Some(now + SETTLE);
    }

    /// When [`poll`](Self::poll) has something to tell.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| !self.present.is_empty())
    }

    /// The change that has settled by `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Change> {
        self.deadline().filter(|due| *due <= now)?;
        self.due = None;
        self.was_alone = false;
        Some(Change { lost: std::mem::take(&mut self.lost).into_iter().collect() })
    }
}

/// Whether a call to another machine could go over this address.
fn can_carry(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !link_local && !address.is_loopback() && !address.is_unspecified() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 7));
    const NEW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));
    const BRIDGE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 17, 0, 1));

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// A machine that had these addresses when the call began.
    fn settled(addresses: &[IpAddr]) -> (Changes, Instant) {
        let start = Instant::now();
        let mut changes = Changes::default();
        addresses.iter().for_each(|address| changes.on_event(Event::Up(*address), start));
        assert_eq!(changes.deadline(), None);
        (changes, start)
    }

    #[test]
    fn the_addresses_at_the_beginning_are_no_change() {
        settled(&[OLD, BRIDGE]);
    }

    #[test]
    fn an_address_for_another_is_one_change_that_names_what_is_gone() {
        for events in [[Event::Down(OLD), Event::Up(NEW)], [Event::Up(NEW), Event::Down(OLD)]] {
            let (mut changes, start) = settled(&[OLD]);
            changes.on_event(events[0], start);
            changes.on_event(events[1], start + ms(20));
            assert_eq!(changes.poll(start + ms(20)), None);
            assert_eq!(changes.poll(start + ms(70)), Some(Change { lost: vec![OLD] }));
            assert_eq!(changes.deadline(), None);
        }
    }

    #[test]
    fn without_any_address_there_is_nothing_to_tell_until_one_comes() {
        let (mut changes, start) = settled(&[OLD]);
        changes.on_event(Event::Down(OLD), start);
        assert_eq!(changes.poll(start + ms(600_000)), None);
        changes.on_event(Event::Up(NEW), start + ms(600_000));
        assert_eq!(changes.poll(start + ms(600_050)), Some(Change { lost: vec![OLD] }));
    }

    #[test]
    fn an_address_that_replaces_a_lost_one_later_matters_though_another_is_left() {
        let (mut changes, start) = settled(&[OLD, BRIDGE]);
        changes.on_event(Event::Down(OLD), start);
        assert_eq!(changes.poll(start + ms(50)), Some(Change { lost: vec![OLD] }));
        changes.on_event(Event::Up(NEW), start + ms(4_000));
        assert_eq!(changes.poll(start + ms(4_050)), Some(Change { lost: vec![] }));
    }

    #[test]
    fn an_address_more_is_no_reason_to_look_for_paths() {
        let (mut changes, start) = settled(&[OLD]);
        changes.on_event(Event::Up(BRIDGE), start + ms(1_000));
        assert_eq!(changes.deadline(), None);
    }

    #[test]
    fn an_address_that_is_back_takes_nothing_away() {
        let (mut changes, start) = settled(&[OLD]);
        changes.on_event(Event::Down(OLD), start);
        changes.on_event(Event::Up(OLD), start + ms(10));
        assert_eq!(changes.poll(start + ms(60)), Some(Change { lost: vec![] }));
    }

    #[test]
    fn a_lone_ipv6_address_waits_until_it_can_be_bound() {
        let (mut changes, start) = settled(&[OLD]);
        changes.on_event(Event::Down(OLD), start);
        changes.on_event(Event::Up("2001:db8::7".parse().unwrap()), start);
        assert_eq!(changes.deadline(), Some(start + SETTLE_IPV6));
    }

    #[test]
    fn addresses_that_lead_to_no_other_machine_do_not_count() {
        for address in ["127.0.0.1", "::1", "169.254.3.4", "fe80::1", "0.0.0.0", "::", "224.0.0.251", "ff02::fb"] {
            let (mut changes, start) = settled(&[OLD]);
            let address = address.parse().unwrap();
            changes.on_event(Event::Up(address), start);
            changes.on_event(Event::Down(address), start);
            assert_eq!(changes.deadline(), None, "{address}");
        }
    }

    proptest! {
        /// Whatever comes and goes: what is told as lost is not there, and nothing is told while nothing is there.
        #[test]
        fn what_is_told_as_lost_is_gone(steps in prop::collection::vec((any::<bool>(), 0u8..4, 0u64..200), 0..60)) {
            let mut now = Instant::now();
            let mut changes = Changes::default();
            let mut present = BTreeSet::new();
            for (up, number, wait) in steps {
                let address = IpAddr::from([10, 0, 0, number]);
                if up { present.insert(address) } else { present.remove(&address) };
                changes.on_event(if up { Event::Up(address) } else { Event::Down(address) }, now);
                now += ms(wait);
                if let Some(change) = changes.poll(now) {
                    prop_assert!(!present.is_empty());
                    prop_assert!(change.lost.iter().all(|lost| !present.contains(lost)));
                }
            }
        }
    }
}
