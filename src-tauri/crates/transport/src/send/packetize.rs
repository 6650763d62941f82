//! H.264 access units to RTP payloads (RFC 6184, packetization-mode 1).

use bytes::Bytes;

/// The largest payload of one packet, in bytes: leaves room for IP, UDP, SRTP and header extensions under 1,280 bytes.
pub const MAX_PAYLOAD: usize = 1200;

/// One packet's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// A single NAL unit, a STAP-A or an FU-A.
    pub data: Bytes,
    /// Whether it is the access unit's last packet (the RTP marker bit).
    pub marker: bool,
}

/// The payloads of one access unit in Annex B form, each at most `max_payload` bytes (at least 8).
/// Delimiters and filler are dropped; an input without a usable NAL unit gives no payload.
pub fn packetize(access_unit: &[u8], max_payload: usize) -> Vec<Payload> {
    unimplemented!("{} {max_payload}", access_unit.len())
}
