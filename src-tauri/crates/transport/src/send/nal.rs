//! H.264 NAL units as bytes (ITU-T H.264 §7.3.1 and annex B); both halves use it.

/// `nal_unit_type` values that packets and access units are judged by.
pub mod kind {
    pub const IDR: u8 = 5;
    pub const SPS: u8 = 7;
    pub const PPS: u8 = 8;
    pub const DELIMITER: u8 = 9;
    pub const END_OF_SEQUENCE: u8 = 10;
    pub const END_OF_STREAM: u8 = 11;
    pub const FILLER: u8 = 12;
    /// RFC 6184's aggregation and fragmentation units.
    pub const STAP_A: u8 = 24;
    pub const FU_A: u8 = 28;
}

/// The start code written before every NAL unit.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The type of the NAL unit that begins with `header`.
pub fn kind_of(header: u8) -> u8 {
    header & 0x1f
}

/// Whether a NAL unit of this type holds picture data.
pub fn is_slice(kind: u8) -> bool {
    (1..=kind::IDR).contains(&kind)
}

/// Whether a NAL unit of this type may travel: types 0 and 24 up mean something else in RTP, and delimiters, filler and
/// end marks say nothing that packets do not.
pub fn is_carried(kind: u8) -> bool {
    (1..kind::STAP_A).contains(&kind) && !matches!(kind, kind::DELIMITER | kind::END_OF_SEQUENCE | kind::END_OF_STREAM | kind::FILLER)
}

/// The NAL units of an Annex B byte stream, without start codes and trailing zeros; bytes before the first start code
/// are skipped.
pub fn units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(annex_b).map(|(_, rest)| rest);
    std::iter::from_fn(move || {
        loop {
            let here = rest?;
            let unit = match after_start_code(here) {
                Some((end, next)) => {
                    rest = Some(next);
                    &here[..end]
                }
                None => {
                    rest = None;
                    here
                }
            };
            // A NAL unit never ends in a zero byte (§7.4.1): zeros here belong to the next start code or pad the stream.
            let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&unit[..end]);
            }
        }
    })
}

/// Where the next three-byte start code begins, and what follows it.
fn after_start_code(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut at = 0;
    while at + 3 <= bytes.len() {
        match bytes[at + 2] {
            0 => at += 1,
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => return Some((at, &bytes[at + 3..])),
            _ => at += 3,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
        units(bytes).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn three_and_four_byte_start_codes_divide_units() {
        assert_eq!(split(&[0, 0, 0, 1, 7, 1, 0, 0, 1, 8, 2, 0, 0, 0, 1, 5, 3]), [vec![7, 1], vec![8, 2], vec![5, 3]]);
    }

    #[test]
    fn bytes_before_the_first_start_code_are_skipped() {
        assert_eq!(split(&[9, 9, 0, 0, 1, 5]), [vec![5]]);
        assert!(split(&[1, 2, 3]).is_empty());
    }

    #[test]
    fn trailing_zeros_and_empty_units_vanish() {
        assert_eq!(split(&[0, 0, 1, 0, 0, 1, 5, 0, 0, 0]), [vec![5]]);
        assert!(split(&[0, 0, 1]).is_empty());
    }

    #[test]
    fn a_zero_inside_a_unit_is_kept() {
        assert_eq!(split(&[0, 0, 1, 5, 0, 0, 3, 1, 0, 2]), [vec![5, 0, 0, 3, 1, 0, 2]]);
    }
}
