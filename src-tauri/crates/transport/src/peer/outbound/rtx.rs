//! Packets sent again as a stream of their own (RFC 4588). Each is a packet like any other: with a number of its own for SRTP, which must not
//! encrypt two packets that differ (in their transport-wide number) as one, and for the other end's count of what is lost.

use bytes::{BufMut, BytesMut};
use rtc::rtp;

/// A track's retransmissions.
pub(super) struct Rtx {
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
}

impl Rtx {
    pub(super) fn new(ssrc: u32, payload_type: u8) -> Self {
        // Below half, for the same reason as a track's.
        Self { ssrc, payload_type, sequence: rand::random::<u16>() >> 1 }
    }

    /// §4: the original with the stream's own SSRC, payload type and number, its own number in front of its payload.
    pub(super) fn packet(&mut self, original: rtp::Packet) -> rtp::Packet {
        let mut payload = BytesMut::with_capacity(2 + original.payload.len());
        payload.put_u16(original.header.sequence_number);
        payload.put_slice(&original.payload);
        let header = rtp::Header {
            ssrc: self.ssrc,
            payload_type: self.payload_type,
            sequence_number: self.sequence,
            // What was padded has no payload, and its retransmission has no padding.
            padding: false,
            ..original.header
        };
        self.sequence = self.sequence.wrapping_add(1);
        rtp::Packet { header, payload: payload.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_packet_is_sent_again_with_its_number_in_front() {
        let mut rtx = Rtx::new(7, 103);
        let header =
            rtp::Header { ssrc: 1, payload_type: 102, sequence_number: 0x1234, timestamp: 9, marker: true, ..rtp::Header::default() };
        let original = rtp::Packet { header, payload: Bytes::from_static(&[5, 6]) };
        let (first, second) = (rtx.packet(original.clone()), rtx.packet(original));
        assert_eq!((first.header.ssrc, first.header.payload_type, first.header.timestamp, first.header.marker), (7, 103, 9, true));
        assert_eq!(first.payload.as_ref(), [0x12, 0x34, 5, 6]);
        assert_eq!(second.header.sequence_number, first.header.sequence_number.wrapping_add(1));
    }
}
