//! Wakes a connection's driver, which else sleeps until its next timer or datagram.
//!
//! An empty RTCP packet written to a track is an event for the driver and nothing else: our interceptor takes it off
//! the chain. Full queue or closed connection: the driver is awake or gone, and the nudge is not needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::TrackRemote;

enum Track {
    Local(Arc<dyn TrackLocal>),
    Remote(Arc<dyn TrackRemote>),
}

/// Wakes one connection's driver, once a track is known.
#[derive(Default)]
pub(crate) struct Nudge {
    track: OnceLock<Track>,
}

impl Nudge {
    pub(crate) fn set_local(&self, track: Arc<dyn TrackLocal>) {
        let _ = self.track.set(Track::Local(track));
    }

    pub(crate) fn set_remote(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.track.set(Track::Remote(track));
    }

    /// Wakes the driver; never blocks.
    pub(crate) fn wake(&self) {
        // The first poll either queues the event or finds the queue full.
        let _ = match self.track.get() {
            Some(Track::Local(track)) => track.write_rtcp(Vec::new()).now_or_never(),
            Some(Track::Remote(track)) => track.write_rtcp(Vec::new()).now_or_never(),
            None => None,
        };
    }
}

impl fmt::Debug for Nudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nudge").field("set", &self.track.get().is_some()).finish()
    }
}
