//! The sending half of a subscription, without sockets and without a clock: bytes and instants in, decisions out.
//!
//! ```text
//! packetize   an H.264 access unit → RTP payloads
//! pace        what may leave now, and when to ask again
//! history     packets already sent, for repair
//! rate        feedback → target bitrate, pacing rate and probes
//! budget      a target shared out: sound, repairs, pictures
//! sharing     a camera's connection beside a screen's to the same user
//! fec         parity packets for pictures
//! protect     how much parity a path needs
//! red         sound that carries earlier sound along
//! report      capture time → RTP timestamp, sender reports, round-trip time
//! nal         H.264 NAL units as bytes
//! bucket      what a rate allows
//! ```
//!
//! The receiving half ([`crate::receive`]) mirrors it.

mod bucket;
pub mod budget;
pub mod fec;
pub mod history;
pub mod nal;
pub mod pace;
pub mod packetize;
pub mod protect;
pub mod rate;
pub mod red;
pub mod report;
pub mod sharing;
