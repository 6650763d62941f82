//! What TURN servers make of requests for an allocation, pure: the library says nothing of it, and a call without a path owes a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Message types (RFC 8656 §17): a request for an allocation, its success and its error.
const ALLOCATE: [u8; 2] = [0x00, 0x03];
const ALLOCATED: [u8; 2] = [0x01, 0x03];
const REFUSED: [u8; 2] = [0x01, 0x13];
const ERROR_CODE: u16 = 0x0009;
/// The first request is always answered so: it asks for credentials (RFC 8489 §9.2.4), or for those with a new nonce.
const UNAUTHENTICATED: u16 = 401;
const STALE_NONCE: u16 = 438;
/// Three sendings of a request (RFC 8489 §6.2.1).
const SILENCE: Duration = Duration::from_millis(1500);
/// A connection has a few servers; what a flood of datagrams makes of them is bounded.
const MOST: usize = 16;
/// A server's words, in bytes.
const MOST_WORDS: usize = 80;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    None {
        asked: Instant,
    },
    /// It wants credentials; the next answer is about them.
    Challenge,
    Refusal {
        code: u16,
        words: String,
    },
    Unusable {
        why: String,
    },
    Allocation,
}

impl Answer {
    fn trouble(&self, now: Instant) -> Option<String> {
        match self {
            Self::None { asked } if now.saturating_duration_since(*asked) >= SILENCE => Some("does not answer".to_owned()),
            Self::Refusal { code: UNAUTHENTICATED, .. } => Some("does not accept the credentials (401)".to_owned()),
            Self::Refusal { code, words } => Some(format!("refuses: {words} ({code})")),
            Self::Unusable { why } => Some(format!("cannot be used: {why}")),
            Self::None { .. } | Self::Challenge | Self::Allocation => None,
        }
    }
}

/// The answers to one connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By server and by the number of the socket that asked it.
    answers: BTreeMap<(SocketAddr, u64), Answer>,
}

/// Whether a datagram has a say here; nearly none has.
pub(super) fn concerns(datagram: &[u8]) -> bool {
    datagram.len() >= 20 && [ALLOCATE, ALLOCATED, REFUSED].iter().any(|kind| datagram.starts_with(kind))
}

impl Answers {
    pub(super) fn on_sent(&mut self, socket: u64, server: SocketAddr, datagram: &[u8], now: Instant) {
        if datagram.starts_with(&ALLOCATE) && self.answers.len() < MOST {
            self.answers.entry((server, socket)).or_insert(Answer::None { asked: now });
        }
    }

    pub(super) fn on_received(&mut self, socket: u64, server: SocketAddr, datagram: &[u8]) {
        // Who was not asked has nothing to say.
        let Some(answer) = self.answers.get_mut(&(server, socket)) else { return };
        if datagram.starts_with(&ALLOCATED) {
            *answer = Answer::Allocation;
        } else if datagram.starts_with(&REFUSED)
            && let Some((code, words)) = error(datagram)
        {
            let first = matches!(answer, Answer::None { .. } | Answer::Allocation);
            *answer = match code {
                UNAUTHENTICATED if first => Answer::Challenge,
                STALE_NONCE => Answer::Challenge,
                _ => Answer::Refusal { code, words },
            };
        }
    }

    /// The stream of a socket to `server` did not come about or is over.
    pub(super) fn on_unusable(&mut self, socket: u64, server: SocketAddr, why: String) {
        if let Some(answer) = self.answers.get_mut(&(server, socket)) {
            *answer = Answer::Unusable { why };
        }
    }

    /// The socket is gone, and with it what it was given.
    pub(super) fn on_closed(&mut self, socket: u64) {
        self.answers.retain(|(_, other), _| *other != socket);
    }

    /// The servers that gave no socket an allocation and why, as far as it is known by `now`; `name` says what an address stands for.
    pub(super) fn trouble(&self, now: Instant, name: impl Fn(SocketAddr) -> String) -> Option<String> {
        let servers: BTreeSet<SocketAddr> = self.answers.keys().map(|(server, _)| *server).collect();
        let troubles = servers.into_iter().filter_map(|server| {
            let mut answers = self.answers.range((server, 0)..=(server, u64::MAX)).map(|(_, answer)| answer);
            if answers.clone().any(|answer| *answer == Answer::Allocation) {
                return None;
            }
            // A word says more than silence.
            let (silent, spoken): (Vec<_>, Vec<_>) = answers.by_ref().partition(|answer| matches!(answer, Answer::None { .. }));
            let what = spoken.iter().chain(&silent).find_map(|answer| answer.trouble(now))?;
            Some(format!("the TURN server {} {what}", name(server)))
        });
        let troubles: Vec<String> = troubles.collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }
}

/// The code and the words of an error response (RFC 8489 §14.8).
fn error(message: &[u8]) -> Option<(u16, String)> {
    let mut rest = message.get(20..)?;
    while let Some((header, after)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let value = after.get(..length)?;
        if u16::from_be_bytes([header[0], header[1]]) == ERROR_CODE {
            let code = u16::from(value.get(2)? & 7) * 100 + u16::from(*value.get(3)? % 100);
            let words = value[4..].iter().take(MOST_WORDS).map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' });
            return Some((code, words.collect::<String>().trim().to_owned()));
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 3478);

    fn message(kind: [u8; 2], attributes: &[u8]) -> Vec<u8> {
        let mut message = [&kind[..], &(attributes.len() as u16).to_be_bytes(), &[0x21, 0x12, 0xa4, 0x42], &[7; 12], attributes].concat();
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    fn refusal(code: u16, words: &str) -> Vec<u8> {
        let realm = [0, 0x14, 0, 3, b'a', b'.', b'b', 0];
        let length = (4 + words.len() as u16).to_be_bytes();
        let error = [0, 9, length[0], length[1], 0, 0, (code / 100) as u8, (code % 100) as u8];
        message(REFUSED, &[&realm[..], &error, words.as_bytes()].concat())
    }

    fn asked() -> (Answers, Instant) {
        let (mut answers, now) = (Answers::default(), Instant::now());
        answers.on_sent(0, SERVER, &message(ALLOCATE, &[]), now);
        (answers, now)
    }

    fn trouble(answers: &Answers, now: Instant) -> Option<String> {
        answers.trouble(now, |server| format!("turn:{server}"))
    }

    #[test]
    fn a_server_that_gives_an_allocation_is_no_trouble() {
        let (mut answers, now) = asked();
        answers.on_received(0, SERVER, &refusal(401, "Unauthorized"));
        assert_eq!(trouble(&answers, now + SILENCE), None);
        answers.on_received(0, SERVER, &message(ALLOCATED, &[]));
        assert_eq!(trouble(&answers, now + SILENCE), None);
    }

    #[test]
    fn credentials_that_are_not_accepted_are_named() {
        let (mut answers, now) = asked();
        answers.on_received(0, SERVER, &refusal(401, "Unauthorized"));
        answers.on_received(0, SERVER, &refusal(401, "Unauthorized"));
        let expected = "the TURN server turn:192.0.2.1:3478 does not accept the credentials (401)";
        assert_eq!(trouble(&answers, now).as_deref(), Some(expected));
    }

    #[test]
    fn another_refusal_is_told_in_the_servers_words_without_what_a_terminal_would_obey() {
        let (mut answers, now) = asked();
        answers.on_received(0, SERVER, &refusal(486, "Quota\u{1b} reached"));
        assert_eq!(trouble(&answers, now).as_deref(), Some("the TURN server turn:192.0.2.1:3478 refuses: Quota  reached (486)"));
    }

    #[test]
    fn silence_is_named_once_it_is_one() {
        let (answers, now) = asked();
        assert_eq!(trouble(&answers, now + SILENCE / 2), None);
        assert_eq!(trouble(&answers, now + SILENCE).as_deref(), Some("the TURN server turn:192.0.2.1:3478 does not answer"));
    }

    #[test]
    fn a_stale_nonce_is_a_challenge() {
        let (mut answers, now) = asked();
        answers.on_received(0, SERVER, &refusal(401, ""));
        answers.on_received(0, SERVER, &refusal(438, "Stale Nonce"));
        assert_eq!(trouble(&answers, now + SILENCE), None);
    }

    #[test]
    fn two_sockets_are_challenged_each_and_one_allocation_is_enough() {
        let (mut answers, now) = asked();
        answers.on_sent(1, SERVER, &message(ALLOCATE, &[]), now);
        answers.on_received(0, SERVER, &refusal(401, ""));
        answers.on_received(1, SERVER, &refusal(401, ""));
        assert_eq!(trouble(&answers, now), None);
        answers.on_received(1, SERVER, &message(ALLOCATED, &[]));
        answers.on_unusable(0, SERVER, "it closed the connection".into());
        assert_eq!(trouble(&answers, now + SILENCE), None);
        answers.on_closed(1);
        assert!(trouble(&answers, now).is_some_and(|trouble| trouble.ends_with("cannot be used: it closed the connection")));
    }

    #[test]
    fn who_was_not_asked_is_not_listened_to() {
        let (mut answers, now) = asked();
        let stranger = SocketAddr::from(([192, 0, 2, 9], 1));
        answers.on_received(0, stranger, &refusal(486, "Quota reached"));
        assert_eq!(trouble(&answers, now), None);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_not(kind in prop_oneof![Just(ALLOCATED), Just(REFUSED)], rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let (mut answers, now) = asked();
            answers.on_received(0, SERVER, &[&kind[..], &rest].concat());
            let _ = trouble(&answers, now);
        }
    }
}
