//! What RTP payloads say about the access unit they carry (RFC 6184 §5).
//!
//! Invariant: every function here is total; a payload that is not valid makes the access unit invalid, never more.

use bytes::Bytes;

use crate::send::nal::{self, kind};

/// An access unit put together from its packets' payloads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Annex B.
    pub data: Vec<u8>,
    pub sps: bool,
    pub pps: bool,
    pub idr: bool,
    /// Whether there is any picture in it.
    pub slices: bool,
}

/// The access unit of these payloads, in order and without a hole; `None` if one of them is not valid.
pub fn depacketize<'a>(payloads: impl IntoIterator<Item = &'a Bytes>) -> Option<Unit> {
    let mut unit = Unit::default();
    // Whether the unit being fragmented is carried; `None` between fragmented units.
    let mut fragment: Option<bool> = None;
    for payload in payloads {
        let (&header, body) = payload.split_first()?;
        if fragment.is_some() && nal::kind_of(header) != kind::FU_A {
            return None;
        }
        match nal::kind_of(header) {
            kind::STAP_A => aggregated(body).try_for_each(|part| part.map(|part| unit.push(part)))?,
            kind::FU_A => fragment = unit.push_fragment(header, body, fragment)?,
            single if (1..kind::STAP_A).contains(&single) => unit.push(payload),
            _ => return None,
        }
    }
    fragment.is_none().then_some(unit)
}

/// Whether a keyframe begins here: with a sequence parameter set.
pub fn begins_keyframe(payload: &[u8]) -> bool {
    let Some((&header, body)) = payload.split_first() else { return false };
    match nal::kind_of(header) {
        kind::SPS => true,
        kind::STAP_A => aggregated(body).flatten().any(|part| nal::kind_of(part[0]) == kind::SPS),
        _ => false,
    }
}

/// Whether this is certainly a part of a keyframe.
pub fn is_of_keyframe(payload: &[u8]) -> bool {
    let Some((&header, body)) = payload.split_first() else { return false };
    match nal::kind_of(header) {
        kind::FU_A => body.first().is_some_and(|&header| nal::kind_of(header) == kind::IDR),
        kind::IDR => true,
        _ => begins_keyframe(payload),
    }
}

/// Whether this is a part of a picture that no other refers to (`nal_ref_idc` is zero, H.264 §7.4.1).
pub fn is_disposable(payload: &[u8]) -> bool {
    let Some((&header, body)) = payload.split_first() else { return false };
    let kind = match nal::kind_of(header) {
        kind::FU_A => body.first().map_or(0, |&header| nal::kind_of(header)),
        single => single,
    };
    nal::is_slice(kind) && header & 0x60 == 0
}

/// Whether this goes on with a unit that began in an earlier packet.
pub fn is_continuation(payload: &[u8]) -> bool {
    matches!(payload, [header, fragment, ..] if nal::kind_of(*header) == kind::FU_A && fragment & 0x80 == 0)
}

/// The units of a STAP-A after its header (§5.7.1). Zero sizes and a single last byte are padding; a size beyond the end is
/// `None`.
fn aggregated(mut body: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        while let [high, low, rest @ ..] = body {
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            if size == 0 {
                body = rest;
                continue;
            }
            let (part, next) = rest.split_at_checked(size).map_or((None, &rest[..0]), |(part, next)| (Some(part), next));
            body = next;
            return Some(part);
        }
        None
    })
}

impl Unit {
    /// Adds a whole NAL unit, unless it is one that does not travel.
    fn push(&mut self, bytes: &[u8]) {
        if self.open(bytes[0]) {
            self.data.extend_from_slice(&bytes[1..]);
        }
    }

    /// Begins a NAL unit; false if it does not travel.
    fn open(&mut self, header: u8) -> bool {
        let kind = nal::kind_of(header);
        if !nal::is_carried(kind) {
            return false;
        }
        self.data.extend_from_slice(&nal::START_CODE);
        self.data.push(header);
        self.sps |= kind == kind::SPS;
        self.pps |= kind == kind::PPS;
        self.idr |= kind == kind::IDR;
        self.slices |= nal::is_slice(kind);
        true
    }

    /// §5.8: the unit's header is the indicator's F and NRI with the fragment header's type. `None` if out of order.
    fn push_fragment(&mut self, indicator: u8, body: &[u8], open: Option<bool>) -> Option<Option<bool>> {
        let (&header, part) = body.split_first()?;
        let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
        let carried = match (start, open) {
            (true, None) => self.open(indicator & 0xe0 | nal::kind_of(header)),
            (false, Some(carried)) => carried,
            _ => return None,
        };
        if carried {
            self.data.extend_from_slice(part);
        }
        Some((!end).then_some(carried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(payloads: &[&[u8]]) -> Option<Unit> {
        let payloads: Vec<_> = payloads.iter().map(|payload| Bytes::copy_from_slice(payload)).collect();
        depacketize(&payloads)
    }

    #[test]
    fn an_aggregate_and_fragments_make_a_keyframe() {
        let unit = whole(&[&[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2], &[0x7c, 0x85, 3], &[0x7c, 0x05, 4], &[0x7c, 0x45, 5]]).unwrap();
        assert!(unit.sps && unit.pps && unit.idr && unit.slices);
        assert_eq!(unit.data, [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 3, 4, 5]);
    }

    #[test]
    fn an_aggregate_may_end_in_padding() {
        let unit = whole(&[&[0x78, 0, 2, 0x67, 1, 0, 0, 9]]).unwrap();
        assert_eq!(unit.data, [0, 0, 0, 1, 0x67, 1]);
    }

    #[test]
    fn an_aggregate_with_a_size_beyond_its_end_is_not_valid() {
        assert_eq!(whole(&[&[0x78, 0, 5, 0x67, 1]]), None);
    }

    #[test]
    fn fragments_out_of_order_are_not_valid() {
        assert_eq!(whole(&[&[0x7c, 0x05, 4]]), None, "no start");
        assert_eq!(whole(&[&[0x7c, 0x85, 4]]), None, "no end");
        assert_eq!(whole(&[&[0x7c, 0x85, 4], &[0x7c, 0x85, 4]]), None, "two starts");
        assert_eq!(whole(&[&[0x7c, 0x85, 4], &[0x41, 4]]), None, "another unit in between");
        assert_eq!(whole(&[&[0x7c]]), None, "no header");
    }

    #[test]
    fn reserved_types_and_empty_payloads_are_not_valid() {
        assert_eq!(whole(&[&[0x60]]), None);
        assert_eq!(whole(&[&[0x7d, 1, 2, 3]]), None);
        assert_eq!(whole(&[&[]]), None);
    }

    #[test]
    fn delimiters_and_filler_leave_no_trace() {
        let unit = whole(&[&[0x09, 0xf0], &[0x0c, 0xff], &[0x41, 7]]).unwrap();
        assert_eq!(unit.data, [0, 0, 0, 1, 0x41, 7]);
    }

    #[test]
    fn a_picture_without_reference_is_disposable() {
        assert!(is_disposable(&[0x01, 1]) && is_disposable(&[0x1c, 0x81, 1]));
        assert!(!is_disposable(&[0x41, 1]) && !is_disposable(&[0x5c, 0x81, 1]));
        assert!(!is_disposable(&[0x06, 1]), "an SEI message is no picture");
    }

    proptest! {
        #[test]
        fn any_payloads_are_judged(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10)) {
            let payloads: Vec<_> = payloads.into_iter().map(Bytes::from).collect();
            let carried: usize = payloads.iter().map(Bytes::len).sum();
            if let Some(unit) = depacketize(&payloads) {
                prop_assert!(unit.data.len() <= carried * 5);
            }
            for payload in &payloads {
                let _ = (begins_keyframe(payload), is_disposable(payload), is_continuation(payload));
            }
        }
    }
}
