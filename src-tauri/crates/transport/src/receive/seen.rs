//! Which packets have come: tells duplicates from late packets.

/// How far back a packet is remembered; further back it counts as seen.
const WINDOW: u64 = 4096;
const WORDS: usize = (WINDOW / 64) as usize;

/// The last [`WINDOW`] extended sequence numbers, a bit each.
#[derive(Debug)]
pub struct Seen {
    bits: [u64; WORDS],
    highest: Option<u64>,
}

impl Seen {
    /// True the first time for each number.
    pub fn insert(&mut self, sequence: u64) -> bool {
        let highest = self.highest.unwrap_or(sequence);
        if sequence > highest {
            for passed in (highest + 1..=sequence).rev().take(WINDOW as usize) {
                self.clear(passed);
            }
        } else if highest - sequence >= WINDOW {
            return false;
        }
        self.highest = Some(highest.max(sequence));
        let (word, bit) = place(sequence);
        let fresh = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        fresh
    }

    fn clear(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.bits[word] &= !bit;
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self { bits: [0; WORDS], highest: None }
    }
}

fn place(sequence: u64) -> (usize, u64) {
    ((sequence % WINDOW / 64) as usize, 1 << (sequence % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn what_is_too_far_back_counts_as_seen() {
        let mut seen = Seen::default();
        assert!(seen.insert(10_000));
        assert!(!seen.insert(10_000 - WINDOW));
        assert!(seen.insert(10_001 - WINDOW));
    }

    #[test]
    fn a_jump_forgets_everything() {
        let mut seen = Seen::default();
        assert!(seen.insert(5));
        assert!(seen.insert(u64::MAX - 1));
        assert!(seen.insert(u64::MAX - 2));
    }

    proptest! {
        #[test]
        fn within_the_window_it_is_a_set(numbers in proptest::collection::vec(0u64..WINDOW, 0..500)) {
            let (mut seen, mut set) = (Seen::default(), HashSet::new());
            for number in numbers {
                prop_assert_eq!(seen.insert(number), set.insert(number));
            }
        }
    }
}
