//! Which packets transport-wide feedback has told of. Feedback gets lost too, and what it would have told of is then neither known to have
//! arrived nor known to be lost. And a packet that others overtook is reported as lost first, and as arrived by a later message.

use std::collections::VecDeque;

use super::rtcp::Feedback;

/// Messages remembered: a packet that was lost at the end of one is reported with the next that tells of an arrival.
const MESSAGES: usize = 64;
/// Packets reported as lost that are remembered.
const MISSING: usize = 256;

/// The transport-wide numbers that the last messages covered: from so many on, so many.
#[derive(Debug, Default)]
pub(super) struct Told {
    ranges: VecDeque<(u16, u16)>,
    missing: VecDeque<u16>,
}

impl Told {
    /// A message came; how many packets arrived, by what it says, that counted as lost.
    pub(super) fn add(&mut self, message: &Feedback) -> u32 {
        if self.ranges.len() == MESSAGES {
            self.ranges.pop_front();
        }
        self.ranges.push_back((message.base, message.count));
        let before = self.missing.len();
        self.missing.retain(|number| !message.has(*number));
        (before - self.missing.len()) as u32
    }

    /// A packet counts as lost.
    pub(super) fn on_lost(&mut self, number: u16) {
        if self.missing.len() == MISSING {
            self.missing.pop_front();
        }
        self.missing.push_back(number);
    }

    /// Whether a message has told what became of `number`.
    pub(super) fn has(&self, number: u16) -> bool {
        self.ranges.iter().any(|(base, count)| number.wrapping_sub(*base) < *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(base: u16, count: u16, arrived: &[u16]) -> Feedback {
        Feedback { base, count, arrived: (0..count).map(|offset| arrived.contains(&base.wrapping_add(offset))).collect() }
    }

    #[test]
    fn what_a_lost_message_would_have_told_of_stays_unknown() {
        let mut told = Told::default();
        told.add(&message(65_530, 10, &[]));
        told.add(&message(14, 6, &[]));
        assert!([65_530, 65_535, 0, 3, 14, 19].iter().all(|number| told.has(*number)));
        assert!([65_529, 4, 9, 13, 20].iter().all(|number| !told.has(*number)));
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut told = Told::default();
        (0..1000).for_each(|number| assert_eq!(told.add(&message(number * 10, 10, &[])), 0));
        assert!(told.has(9_999) && !told.has(9_000));
    }

    #[test]
    fn what_was_overtaken_is_told_once() {
        let mut told = Told::default();
        told.add(&message(10, 4, &[10, 13]));
        told.on_lost(11);
        told.on_lost(12);
        assert_eq!(told.add(&message(12, 4, &[12, 13, 14, 15])), 1);
        assert_eq!(told.add(&message(12, 5, &[12, 13, 14, 15, 16])), 0);
    }
}
