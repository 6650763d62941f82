//! H.264 access units to RTP payloads (RFC 6184, packetization-mode 1).

use bytes::{BufMut, Bytes, BytesMut};

use super::nal::{self, kind};

/// The largest payload of one packet, in bytes: leaves room for IP, UDP, SRTP, header extensions and the header of a parity packet under
/// 1,280 bytes.
pub const MAX_PAYLOAD: usize = 1180;

/// The shortest limit that is honoured; a smaller one would make fragments of headers.
const MIN_PAYLOAD: usize = 8;

/// One packet's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// A single NAL unit, a STAP-A or an FU-A.
    pub data: Bytes,
    /// Whether it is the access unit's last packet (the RTP marker bit).
    pub marker: bool,
}

/// The payloads of one access unit in Annex B form, each at most `max_payload` bytes (at least 8).
/// Neighbours that fit together share a STAP-A; delimiters and filler are dropped; an input without a usable NAL unit
/// gives no payload.
pub fn packetize(access_unit: &[u8], max_payload: usize) -> Vec<Payload> {
    let mut packets = Packets { limit: max_payload.max(MIN_PAYLOAD), done: Vec::new(), small: Vec::new(), small_size: 1 };
    for unit in nal::units(access_unit).filter(|unit| nal::is_carried(nal::kind_of(unit[0]))) {
        packets.push(unit);
    }
    packets.flush();
    if let Some(last) = packets.done.last_mut() {
        last.marker = true;
    }
    packets.done
}

struct Packets<'a> {
    limit: usize,
    done: Vec<Payload>,
    /// Units waiting for neighbours, and the size of the STAP-A that would hold them.
    small: Vec<&'a [u8]>,
    small_size: usize,
}

impl<'a> Packets<'a> {
    fn push(&mut self, unit: &'a [u8]) {
        let aggregated = 2 + unit.len();
        if self.small_size + aggregated > self.limit {
            self.flush();
        }
        if unit.len() > self.limit {
            self.fragment(unit);
        } else {
            self.small.push(unit);
            self.small_size += aggregated;
        }
    }

    fn flush(&mut self) {
        match self.small.as_slice() {
            [] => {}
            [single] => self.emit(Bytes::copy_from_slice(single)),
            _ => self.emit(stap_a(&self.small, self.small_size)),
        }
        self.small.clear();
        self.small_size = 1;
    }

    /// RFC 6184 §5.8: an indicator with the unit's F and NRI bits, a header with start, end and the unit's type.
    /// Fragments are equally long, so that no packet is tiny.
    fn fragment(&mut self, unit: &[u8]) {
        let (header, body) = (unit[0], &unit[1..]);
        let count = body.len().div_ceil(self.limit - 2);
        for (index, part) in body.chunks(body.len().div_ceil(count)).enumerate() {
            let start = if index == 0 { 0x80 } else { 0 };
            let end = if index + 1 == count { 0x40 } else { 0 };
            let mut data = BytesMut::with_capacity(2 + part.len());
            data.put_u8(header & 0xe0 | kind::FU_A);
            data.put_u8(start | end | nal::kind_of(header));
            data.put_slice(part);
            self.emit(data.freeze());
        }
    }

    fn emit(&mut self, data: Bytes) {
        self.done.push(Payload { data, marker: false });
    }
}

/// RFC 6184 §5.7.1: F is set if any unit's is, NRI is the highest of all; each unit after its 16-bit size.
fn stap_a(units: &[&[u8]], size: usize) -> Bytes {
    let forbidden = units.iter().fold(0, |bits, unit| bits | unit[0] & 0x80);
    let importance = units.iter().map(|unit| unit[0] & 0x60).max().unwrap_or(0);
    let mut data = BytesMut::with_capacity(size);
    data.put_u8(forbidden | importance | kind::STAP_A);
    for unit in units {
        data.put_u16(u16::try_from(unit.len()).expect("a unit in a STAP-A is shorter than a packet"));
        data.put_slice(unit);
    }
    data.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn access_unit(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| nal::START_CODE.iter().chain(*unit)).copied().collect()
    }

    #[test]
    fn a_small_slice_is_one_packet_with_the_marker() {
        let payloads = packetize(&access_unit(&[&[0x61, 1, 2, 3]]), MAX_PAYLOAD);
        assert_eq!(payloads, [Payload { data: Bytes::from_static(&[0x61, 1, 2, 3]), marker: true }]);
    }

    #[test]
    fn parameter_sets_travel_together() {
        let idr = [[0x65].as_slice(), &[9; 2000]].concat();
        let payloads = packetize(&access_unit(&[&[0x67, 1], &[0x68, 2], &idr]), MAX_PAYLOAD);
        assert_eq!(payloads[0].data.as_ref(), [0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2]);
        assert_eq!(payloads.len(), 3);
        assert_eq!(payloads.iter().map(|payload| payload.marker).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_large_slice_becomes_fragments_of_equal_length() {
        let slice = [[0x41].as_slice(), &[7; 2500]].concat();
        let payloads = packetize(&access_unit(&[&slice]), MAX_PAYLOAD);
        let headers: Vec<_> = payloads.iter().map(|payload| (payload.data[0], payload.data[1])).collect();
        assert_eq!(headers, [(0x5c, 0x81), (0x5c, 0x01), (0x5c, 0x41)]);
        let sizes: Vec<_> = payloads.iter().map(|payload| payload.data.len()).collect();
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 2, "{sizes:?}");
    }

    #[test]
    fn delimiters_filler_and_units_that_rtp_cannot_carry_are_dropped() {
        let payloads = packetize(&access_unit(&[&[9, 0xf0], &[12, 0xff, 0x80], &[0x78, 1], &[0x1f, 1], &[0x61, 5]]), MAX_PAYLOAD);
        assert_eq!(payloads.len(), 1);
        assert_eq!(payloads[0].data.as_ref(), [0x61, 5]);
    }

    #[test]
    fn nothing_usable_gives_no_packet() {
        assert!(packetize(&[], MAX_PAYLOAD).is_empty());
        assert!(packetize(&[1, 2, 3, 4], MAX_PAYLOAD).is_empty());
        assert!(packetize(&access_unit(&[&[9, 0xf0]]), MAX_PAYLOAD).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_give_bounded_payloads_and_one_marker(bytes in proptest::collection::vec(0u8..4, 0..4000), limit in 0usize..1500) {
            let payloads = packetize(&bytes, limit);
            prop_assert!(payloads.iter().all(|payload| !payload.data.is_empty() && payload.data.len() <= limit.max(MIN_PAYLOAD)));
            prop_assert_eq!(payloads.iter().filter(|payload| payload.marker).count(), usize::from(!payloads.is_empty()));
        }
    }
}
