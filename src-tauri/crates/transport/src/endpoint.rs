//! Makes the two ends of a subscription.

use std::sync::Arc;
use std::time::Duration;

use crate::peer::event::Tracks;
use crate::{Error, Publisher, Runtime, Subscriber};

/// A STUN or TURN server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: String,
    pub credential: String,
}

/// What every connection of an [`Endpoint`] shares.
#[derive(Clone, Debug)]
pub struct Config {
    pub runtime: Arc<dyn Runtime>,
    pub ice_servers: Vec<IceServer>,
    /// Local addresses to bind; an unspecified address stands for every interface.
    pub addresses: Vec<String>,
    /// From the answer until the first packet; after it the connection fails.
    pub connect_deadline: Duration,
    /// Time without any packet after which a subscriber's connection fails.
    pub silence_deadline: Duration,
}

impl Config {
    /// Every interface, loopback included, no servers, 3 s to connect, 10 s of silence.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            ice_servers: Vec::new(),
            addresses: ["0.0.0.0:0", "127.0.0.1:0", "[::]:0"].map(String::from).to_vec(),
            connect_deadline: Duration::from_secs(3),
            silence_deadline: Duration::from_secs(10),
        }
    }
}

/// Makes connections; cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    _config: Arc<Config>,
}

impl Endpoint {
    /// An endpoint without connections.
    pub fn new(config: Config) -> Self {
        Self { _config: Arc::new(config) }
    }

    /// Begins to receive a stream: a subscriber, and its SDP offer for the publisher.
    pub async fn subscribe(&self, _tracks: Tracks) -> Result<(Subscriber, String), Error> {
        unimplemented!()
    }

    /// Begins to send a stream to who made `offer`: a publisher, and its SDP answer. Bitrates are in bits per
    /// second and count video and audio together. A track is sent if `tracks` and the offer both have it.
    pub async fn publish(
        &self,
        _offer: &str,
        _tracks: Tracks,
        _start_bitrate_bps: u32,
        _max_bitrate_bps: u32,
    ) -> Result<(Publisher, String), Error> {
        unimplemented!()
    }
}
