//! The receiving half of a subscription, without sockets and without a clock: packets and instants in, decisions out.
//!
//! ```text
//! video          a video track whole: unwrap → nack, report, assemble → jitter_video
//! audio          an audio track whole: unwrap → nack, report → jitter_audio
//! assemble       RTP payloads → H.264 access units that can be decoded
//! nack           which packets to ask for again
//! keyframe       when to ask for a keyframe
//! jitter_video   when a frame is shown
//! jitter_audio   what is played next, and how fast
//! fec            pictures' packets restored from parity
//! red            sound that carries earlier sound along
//! clock          RTP timestamp → the sender's capture time
//! report         what a receiver report says
//! unit           what payloads say about the access unit they carry
//! delay          how long packets or frames were on their way
//! unwrap         sequence numbers and timestamps without their wrap
//! seen           duplicates
//! intake         what both kinds of track do with a packet first
//! ```
//!
//! Invariant: everything here is total and bounded whatever arrives. A packet that makes no sense is counted and dropped.
//! The sending half ([`crate::send`]) mirrors it.

pub mod assemble;
pub mod audio;
pub mod clock;
pub mod delay;
pub mod fec;
pub mod intake;
pub mod jitter_audio;
pub mod jitter_video;
pub mod keyframe;
pub mod nack;
pub mod red;
pub mod report;
pub mod seen;
pub mod unit;
pub mod unwrap;
pub mod video;

use bytes::Bytes;

/// One RTP packet as it arrived, stripped of header and padding. The payload of a padding-only packet is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Bytes,
}
