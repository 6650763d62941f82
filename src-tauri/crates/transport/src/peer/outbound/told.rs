//! Which packets transport-wide feedback has told of. Feedback gets lost too, and what it would have told of is then neither known to have
//! arrived nor known to be lost.

use std::collections::VecDeque;

/// Messages remembered: a packet that was lost at the end of one is reported with the next that tells of an arrival.
const MESSAGES: usize = 64;

/// The transport-wide numbers that the last messages covered: from so many on, so many.
#[derive(Debug, Default)]
pub(super) struct Told {
    ranges: VecDeque<(u16, u16)>,
}

impl Told {
    /// A message came that covers `count` numbers from `base` on.
    pub(super) fn add(&mut self, base: u16, count: u16) {
        if self.ranges.len() == MESSAGES {
            self.ranges.pop_front();
        }
        self.ranges.push_back((base, count));
    }

    /// Whether a message has told what became of `number`.
    pub(super) fn has(&self, number: u16) -> bool {
        self.ranges.iter().any(|(base, count)| number.wrapping_sub(*base) < *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lost_message_would_have_told_of_stays_unknown() {
        let mut told = Told::default();
        told.add(65_530, 10);
        told.add(14, 6);
        assert!([65_530, 65_535, 0, 3, 14, 19].iter().all(|number| told.has(*number)));
        assert!([65_529, 4, 9, 13, 20].iter().all(|number| !told.has(*number)));
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut told = Told::default();
        (0..1000).for_each(|number| told.add(number * 10, 10));
        assert!(told.has(9_999) && !told.has(9_000));
    }
}
