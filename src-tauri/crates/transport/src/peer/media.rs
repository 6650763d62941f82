//! Media as its connection sees it: the same questions to either end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::interceptor::{Packet, StreamInfo};
use webrtc::media_stream::track_remote::TrackRemote;

use super::outbox::Outbox;

/// The media of one end: on the chain in the driver's task, and for the connection's own task.
pub(crate) trait Media: Send + Sync + 'static {
    /// A stream is negotiated: one that this end sends or one that it receives, never both.
    fn bind(&self, info: &StreamInfo);

    /// A packet of the other end; false takes it off the chain.
    fn on_packet(&self, packet: &Packet, now: Instant) -> bool;

    /// Appends to `out` what is due at `now`.
    fn poll(&self, now: Instant, out: &mut VecDeque<Packet>);

    /// When [`poll`](Self::poll) should be asked at the latest.
    fn next(&self) -> Instant;

    /// Media can flow, for the first time or after a disconnection that was told.
    fn on_connected(&self);

    /// A restart of ICE has found a path: nothing that was learnt of the one before holds.
    fn on_new_path(&self, now: Instant);

    /// The library has a track of the other end.
    fn on_track(&self, track: Arc<dyn TrackRemote>);

    /// The path's round trip by ICE.
    fn set_rtt(&self, rtt: Duration, now: Instant);

    /// When the other end's newest packet came.
    fn last_packet(&self) -> Option<Instant>;

    /// Events for the owner.
    fn outbox(&self) -> &Outbox;

    /// Nothing is taken or handed out any more.
    fn close(&self);
}
