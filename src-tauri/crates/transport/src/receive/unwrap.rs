//! Sequence numbers and timestamps without their wrap.

/// A jump back further than this is the sender starting over, not a late packet: twice what a sender keeps for repair.
const MAX_MISORDER: i16 = 4096;

/// 16-bit sequence numbers, extended. The first one keeps its value in the low bits, so that the low 32 bits count cycles as
/// RFC 3550 wants them; numbers before the first do not underflow.
#[derive(Debug, Default)]
pub struct Sequence {
    highest: Option<u64>,
    /// Where a sender that starts over would go on.
    restart: Option<u16>,
}

impl Sequence {
    /// The extended number nearest to the highest so far. A sender that starts over far below (two numbers in a row) is
    /// taken to have jumped ahead, so that what it sends is new and not late.
    pub fn extend(&mut self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = (1 << 32) | u64::from(sequence);
            self.highest = Some(first);
            return first;
        };
        let step = sequence.wrapping_sub(highest as u16) as i16;
        let mut extended = highest.wrapping_add_signed(i64::from(step));
        if step < -MAX_MISORDER {
            if self.restart == Some(sequence) {
                extended += 1 << 16;
                self.restart = None;
            } else {
                self.restart = Some(sequence.wrapping_add(1));
            }
        }
        self.highest = Some(highest.max(extended));
        extended
    }
}

/// 32-bit timestamps, extended.
#[derive(Debug, Default)]
pub struct Timestamp {
    last: Option<i64>,
}

impl Timestamp {
    /// The extended timestamp nearest to the last one given.
    pub fn extend(&mut self, timestamp: u32) -> i64 {
        let extended = match self.last {
            None => i64::from(timestamp),
            Some(last) => last.saturating_add(i64::from(timestamp.wrapping_sub(last as u32) as i32)),
        };
        self.last = Some(extended);
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequence_numbers_go_on_across_the_wrap_in_both_directions() {
        let mut sequence = Sequence::default();
        let first = sequence.extend(65_534);
        assert_eq!(first as u32, 65_534);
        assert_eq!(sequence.extend(1), first + 3);
        assert_eq!(sequence.extend(65_535), first + 1);
        assert_eq!(sequence.extend(2), first + 4);
    }

    #[test]
    fn packets_before_the_first_are_just_earlier() {
        let mut sequence = Sequence::default();
        let first = sequence.extend(0);
        assert_eq!(sequence.extend(65_535), first - 1);
    }

    #[test]
    fn a_sender_that_starts_over_is_ahead_from_its_second_packet() {
        let mut sequence = Sequence::default();
        let before = sequence.extend(30_000);
        assert!(sequence.extend(5_000) < before);
        let second = sequence.extend(5_001);
        assert!(second > before);
        assert_eq!(sequence.extend(5_002), second + 1);
    }

    #[test]
    fn timestamps_go_on_across_the_wrap_in_both_directions() {
        let mut timestamp = Timestamp::default();
        let first = timestamp.extend(u32::MAX - 10);
        assert_eq!(timestamp.extend(20), first + 31);
        assert_eq!(timestamp.extend(u32::MAX - 5), first + 5);
    }

    proptest! {
        #[test]
        fn extension_is_total_and_keeps_the_low_bits(numbers in proptest::collection::vec(any::<(u16, u32)>(), 0..2000)) {
            let (mut sequence, mut timestamp) = (Sequence::default(), Timestamp::default());
            for (short, long) in numbers {
                prop_assert_eq!(sequence.extend(short) as u16, short);
                prop_assert_eq!(timestamp.extend(long) as u32, long);
            }
        }
    }
}
