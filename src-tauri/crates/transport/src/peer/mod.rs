//! What both ends of a subscription share, and what ties them to `webrtc`.
//!
//! ```text
//! settings      codecs, ICE timing, the interceptor chains
//! connection    a `webrtc` peer connection whose panics are contained
//! handler       its callbacks, forwarded into a queue
//! ice           the servers that help it find paths
//! last_resort   when candidates over TCP have their turn (pure)
//! task          the queue, timers and events of one connection
//! watchdog      when a connection is disconnected or over, and in which phase (pure)
//! media         media as its connection sees it, either end's
//! inbound       the subscriber's media: `receive` behind a lock
//! outbound      the publisher's media: `send` behind a lock
//! interceptor   media on the interceptor chain
//! repairs       parity and retransmissions on the chain
//! nudge         wakes the driver
//! rtcp          reports and requests as RTCP packets
//! outbox        events that media raises, one of a kind
//! wall          the wall clock, read once
//! ```
//!
//! Media never passes through `webrtc`'s track queues, which drop packets when they are full: the interceptors take
//! and give packets in the driver's own task, with its clock.

pub(crate) mod connection;
pub(crate) mod event;
pub(crate) mod handler;
pub(crate) mod ice;
pub(crate) mod inbound;
pub(crate) mod interceptor;
pub(crate) mod last_resort;
pub(crate) mod media;
pub(crate) mod nudge;
pub(crate) mod outbound;
pub(crate) mod outbox;
pub(crate) mod repairs;
pub(crate) mod rtcp;
pub(crate) mod settings;
pub(crate) mod task;
pub(crate) mod wall;
pub(crate) mod watchdog;
