//! `webrtc`'s callbacks. They are awaited inside the driver's loop, so they only put what they hear into a queue.

use std::sync::Arc;

use rtc::peer_connection::transport::RTCIceCandidateType;
use tokio::sync::mpsc;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
};

use super::event::Candidate;
use super::media::Media;
use crate::runtime::turn::Servers;

/// More than a connection says before its task runs: a candidate for each address, a few states.
pub(crate) const QUEUE: usize = 256;

/// What a connection says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Candidate(Candidate),
    Ice(RTCIceConnectionState),
    Connection(RTCPeerConnectionState),
}

/// Forwards callbacks.
pub(crate) struct Handler {
    signals: mpsc::Sender<Signal>,
    media: Arc<dyn Media>,
    turn: Arc<Servers>,
}

impl Handler {
    pub(crate) fn new(signals: mpsc::Sender<Signal>, media: Arc<dyn Media>, turn: Arc<Servers>) -> Self {
        Self { signals, media, turn }
    }

    fn forward(&self, signal: Signal) {
        if let Err(error) = self.signals.try_send(signal) {
            tracing::warn!(%error, "a connection's signal is lost");
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let mut candidate = event.candidate;
        if candidate.typ == RTCIceCandidateType::Relay {
            candidate.priority = self.turn.way(&event.url).priority();
        }
        match candidate.to_json() {
            Ok(init) => self.forward(Signal::Candidate(Candidate {
                candidate: init.candidate,
                // The library does not know the mid here; with BUNDLE the first section stands for all.
                sdp_mid: None,
                sdp_mline_index: Some(0),
                username_fragment: init.username_fragment,
            })),
            Err(error) => tracing::debug!(%error, "a local candidate cannot be written"),
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let end = Candidate { candidate: String::new(), sdp_mid: None, sdp_mline_index: Some(0), username_fragment: None };
            self.forward(Signal::Candidate(end));
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.forward(Signal::Ice(state));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.forward(Signal::Connection(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.media.on_track(track);
    }
}
