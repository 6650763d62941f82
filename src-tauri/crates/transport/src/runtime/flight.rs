//! DTLS flight repair, pure: which handshake datagrams to send again, and when.
//!
//! `rtc-dtls` stops its retransmission timer at the first handshake packet that arrives and does not start it again,
//! so one lost datagram can leave both ends waiting for ever. Invariant kept here: until the other end has answered
//! it, the last flight this end sent is sent again, ever more slowly, a bounded number of times (RFC 6347 §4.2.4 lets
//! the last flight be repeated too). Repeats are the very same datagrams, so a receiver that has them already drops
//! them by its replay window.

use std::time::{Duration, Instant};

/// Waits before the first repeats; the last one holds from then on.
const WAITS: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400)];
/// A flight is given up after this many repeats, about six seconds.
const MAX_REPEATS: usize = 16;
/// A flight of a certificate chain fits well within.
const MAX_DATAGRAMS: usize = 16;

/// DTLS content types (RFC 6347 §4.1 and RFC 5246 §6.2.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const RECORD_HEADER: usize = 13;
const CLIENT_HELLO: u8 = 1;

/// What the flight repair needs to know of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Part of a handshake flight.
    Handshake,
    /// SRTP, SRTCP or DTLS application data: whoever sends it has finished its handshake.
    Media,
    /// STUN, TURN, alerts, anything else.
    Other,
}

/// Sorts a datagram by its first byte (RFC 7983) and, for DTLS, its first record.
pub fn kind(datagram: &[u8]) -> Kind {
    match datagram.first() {
        Some(&(CHANGE_CIPHER_SPEC | HANDSHAKE)) => Kind::Handshake,
        Some(&(APPLICATION_DATA | 128..=191)) => Kind::Media,
        _ => Kind::Other,
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Poll<R> {
    /// Send these again, each by its route.
    Repeat(Vec<(R, Vec<u8>)>),
    /// Nothing before this instant.
    Wait(Instant),
    /// Nothing until a flight is sent.
    Idle,
    /// The handshake is done or given up; nothing ever again.
    Over,
}

/// Identifies a handshake datagram among the ones of its end: the message number and fragment offset of its first
/// plaintext handshake record; `None` for the encrypted end of a last flight.
type Mark = Option<(u16, u32)>;

#[derive(Debug)]
struct Kept<R> {
    route: R,
    mark: Mark,
    datagram: Vec<u8>,
}

/// One connection's last flight. `R` is how a datagram was sent: socket and destination.
#[derive(Debug)]
pub struct Flight<R> {
    kept: Vec<Kept<R>>,
    /// The other end has sent a handshake datagram since the last one was kept: what comes next is a new flight.
    answered: bool,
    client: bool,
    repeats: usize,
    due: Option<Instant>,
    over: bool,
}

impl<R> Default for Flight<R> {
    fn default() -> Self {
        Self { kept: Vec::new(), answered: false, client: false, repeats: 0, due: None, over: false }
    }
}

impl<R: Clone> Flight<R> {
    /// This end sends `datagram`. True if a flight is to be watched from now on.
    pub fn on_sent(&mut self, route: &R, datagram: &[u8], now: Instant) -> bool {
        match kind(datagram) {
            // A client that sends media has seen the server's last flight. A server has not: its own may be lost.
            Kind::Media if self.client => self.finish(),
            Kind::Handshake if !self.over => return self.keep(route, datagram, now),
            _ => {}
        }
        false
    }

    /// The other end's `datagram` arrives.
    pub fn on_received(&mut self, datagram: &[u8]) {
        match kind(datagram) {
            Kind::Handshake => self.answered = true,
            // Before this end has begun, media is a stranger's.
            Kind::Media if !self.kept.is_empty() => self.finish(),
            _ => {}
        }
    }

    /// What to do at `now`.
    pub fn poll(&mut self, now: Instant) -> Poll<R> {
        if self.over {
            return Poll::Over;
        }
        let Some(due) = self.due else { return Poll::Idle };
        if now < due {
            return Poll::Wait(due);
        }
        if self.repeats == MAX_REPEATS {
            self.finish();
            return Poll::Over;
        }
        self.repeats += 1;
        self.due = Some(now + WAITS[self.repeats.min(WAITS.len() - 1)]);
        Poll::Repeat(self.kept.iter().map(|kept| (kept.route.clone(), kept.datagram.clone())).collect())
    }

    /// Nothing will be repeated any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Ends the repair and forgets the flight.
    pub fn finish(&mut self) {
        self.over = true;
        self.due = None;
        self.kept = Vec::new();
    }

    fn keep(&mut self, route: &R, datagram: &[u8], now: Instant) -> bool {
        let mark = mark(datagram);
        // The library's own retransmission repeats marks; the first copies serve as well.
        if self.kept.iter().any(|kept| kept.mark == mark) {
            return false;
        }
        if self.answered || self.kept.is_empty() {
            self.kept.clear();
            self.answered = false;
            self.repeats = 0;
            self.due = Some(now + WAITS[0]);
        }
        self.client |= datagram.get(RECORD_HEADER) == Some(&CLIENT_HELLO) && datagram[0] == HANDSHAKE;
        if self.kept.len() < MAX_DATAGRAMS {
            self.kept.push(Kept { route: route.clone(), mark, datagram: datagram.to_vec() });
        }
        true
    }
}

/// Record header: type, version (2), epoch (2), sequence (6), length (2). Handshake header: type, length (3), message
/// number (2), fragment offset (3), fragment length (3).
fn mark(datagram: &[u8]) -> Mark {
    let mut rest = datagram;
    while let [kind, _, _, epoch_high, epoch_low, _, _, _, _, _, _, length_high, length_low, body @ ..] = rest {
        let plaintext = *epoch_high == 0 && *epoch_low == 0;
        if let (HANDSHAKE, true, [_, _, _, _, number_high, number_low, a, b, c, ..]) = (*kind, plaintext, body) {
            return Some((u16::from_be_bytes([*number_high, *number_low]), u32::from_be_bytes([0, *a, *b, *c])));
        }
        rest = body.get(usize::from(u16::from_be_bytes([*length_high, *length_low]))..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plaintext handshake record with message `number`.
    fn message(kind: u8, number: u16) -> Vec<u8> {
        let mut datagram = vec![HANDSHAKE, 254, 253, 0, 0, 0, 0, 0, 0, 0, number as u8, 0, 12, kind, 0, 0, 0];
        datagram.extend(number.to_be_bytes());
        datagram.extend([0; 6]);
        datagram
    }

    /// A ChangeCipherSpec and an encrypted Finished.
    fn finished() -> Vec<u8> {
        let mut datagram = vec![CHANGE_CIPHER_SPEC, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1];
        datagram.extend([HANDSHAKE, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 7]);
        datagram
    }

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn repeated(flight: &mut Flight<u8>, now: Instant) -> Vec<Vec<u8>> {
        match flight.poll(now) {
            Poll::Repeat(datagrams) => datagrams.into_iter().map(|(_, datagram)| datagram).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flight_without_an_answer_is_repeated_ever_more_slowly() {
        let start = Instant::now();
        let mut flight = Flight::default();
        assert!(flight.on_sent(&1, &message(CLIENT_HELLO, 0), start));
        let mut repeats = Vec::new();
        for at in 0..1_600 {
            if let Poll::Repeat(_) = flight.poll(start + ms(at)) {
                repeats.push(at);
            }
        }
        assert_eq!(repeats, [50, 150, 350, 750, 1150, 1550]);
    }

    #[test]
    fn all_datagrams_of_a_flight_are_repeated() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_received(&message(CLIENT_HELLO, 0));
        flight.on_sent(&1, &message(2, 1), start);
        flight.on_sent(&1, &message(11, 2), start);
        assert_eq!(repeated(&mut flight, start + ms(50)), [message(2, 1), message(11, 2)]);
    }

    #[test]
    fn a_new_flight_replaces_the_one_it_answers() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_sent(&1, &message(CLIENT_HELLO, 0), start);
        flight.on_received(&message(3, 0));
        flight.on_sent(&1, &message(CLIENT_HELLO, 1), start + ms(10));
        assert_eq!(flight.poll(start + ms(55)), Poll::Wait(start + ms(60)));
        assert_eq!(repeated(&mut flight, start + ms(60)), [message(CLIENT_HELLO, 1)]);
    }

    #[test]
    fn an_answer_of_the_other_end_that_draws_nothing_new_does_not_end_the_repeats() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_sent(&1, &message(CLIENT_HELLO, 1), start);
        flight.on_received(&message(2, 1)); // half of a two-datagram flight
        assert_eq!(repeated(&mut flight, start + ms(50)).len(), 1);
    }

    #[test]
    fn the_librarys_own_retransmission_adds_nothing() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_sent(&1, &message(CLIENT_HELLO, 1), start);
        flight.on_received(&message(2, 1));
        assert!(!flight.on_sent(&1, &message(CLIENT_HELLO, 1), start + ms(20)));
        assert_eq!(repeated(&mut flight, start + ms(50)).len(), 1);
    }

    #[test]
    fn a_client_that_sends_media_is_done() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_sent(&1, &message(CLIENT_HELLO, 0), start);
        flight.on_sent(&1, &[128, 0], start);
        assert_eq!(flight.poll(start + ms(50)), Poll::Over);
    }

    #[test]
    fn a_server_repeats_its_last_flight_until_media_arrives() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_received(&message(CLIENT_HELLO, 0));
        flight.on_sent(&1, &message(2, 1), start);
        flight.on_received(&finished());
        flight.on_sent(&1, &finished(), start);
        flight.on_sent(&1, &[128, 201], start);
        assert_eq!(repeated(&mut flight, start + ms(50)), [finished()]);
        flight.on_received(&[144, 96]);
        assert_eq!(flight.poll(start + ms(200)), Poll::Over);
    }

    #[test]
    fn repeats_are_bounded() {
        let start = Instant::now();
        let mut flight = Flight::default();
        flight.on_sent(&1, &message(CLIENT_HELLO, 0), start);
        let repeats = (0..100_000).filter(|at| matches!(flight.poll(start + ms(*at)), Poll::Repeat(_))).count();
        assert_eq!(repeats, MAX_REPEATS);
        assert!(flight.is_over());
    }

    #[test]
    fn a_flight_keeps_a_bounded_number_of_datagrams() {
        let start = Instant::now();
        let mut flight = Flight::default();
        for number in 0..100 {
            flight.on_sent(&1, &message(11, number), start);
        }
        assert_eq!(repeated(&mut flight, start + ms(50)).len(), MAX_DATAGRAMS);
    }

    #[test]
    fn stun_and_alerts_are_not_repeated() {
        let start = Instant::now();
        let mut flight: Flight<u8> = Flight::default();
        assert!(!flight.on_sent(&1, &[0, 1, 0, 0], start));
        assert!(!flight.on_sent(&1, &[21, 254, 253], start));
        assert!(!flight.on_sent(&1, &[], start));
        assert_eq!(flight.poll(start + ms(50)), Poll::Idle);
    }
}
