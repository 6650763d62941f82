//! Makes the two ends of a subscription.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::network::Names;
use crate::peer::connection::Panics;
use crate::peer::event::Tracks;
use crate::peer::ice::Ice;
use crate::peer::wall::Wall;
use crate::runtime::Tls;
use crate::{Error, Publisher, Runtime, Subscriber, publisher, subscriber};

/// A STUN or TURN server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: String,
    pub credential: String,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// Which paths a connection may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IcePolicy {
    /// The best there is.
    #[default]
    All,
    /// Through a TURN server only, which hides this machine's addresses from the other end.
    Relay,
}

/// What every connection of an [`Endpoint`] shares.
#[derive(Clone, Debug)]
pub struct Config {
    pub runtime: Arc<dyn Runtime>,
    pub ice_servers: Vec<IceServer>,
    pub ice_policy: IcePolicy,
    /// For `turns:` servers; without it they are not used.
    pub tls: Option<Arc<dyn Tls>>,
    /// For browsers that hide their addresses; without it, only their own checks tell where they are.
    pub names: Option<Arc<dyn Names>>,
    /// Local addresses to bind; an unspecified address stands for every interface of its family but loopback.
    pub addresses: Vec<String>,
    /// The same for candidates over TCP (RFC 6544), which are tried where UDP finds no path; none: TCP is not used.
    pub tcp_addresses: Vec<String>,
    /// From the answer until the first packet arrives; after it the connection fails. A publisher, whose answer has
    /// yet to travel, waits twice as long.
    pub connect_deadline: Duration,
    /// Time without any packet after which a connection fails.
    pub silence_deadline: Duration,
}

impl Config {
    /// Every interface, loopback included, no servers, 3 s to connect, 10 s of silence.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            ice_servers: Vec::new(),
            ice_policy: IcePolicy::All,
            tls: None,
            names: None,
            addresses: ["0.0.0.0:0", "127.0.0.1:0", "[::]:0"].map(String::from).to_vec(),
            // On loopback nobody blocks UDP.
            tcp_addresses: ["0.0.0.0:0", "[::]:0"].map(String::from).to_vec(),
            connect_deadline: Duration::from_secs(3),
            silence_deadline: Duration::from_secs(10),
        }
    }
}

/// Makes connections; cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

/// What the connections of an endpoint share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) ice: Arc<Ice>,
    pub(crate) wall: Wall,
    pub(crate) panics: Panics,
}

impl Endpoint {
    /// An endpoint without connections.
    pub fn new(config: Config) -> Self {
        let wall = Wall::new(config.runtime.now(), SystemTime::now());
        let ice = Arc::new(Ice::new(config.ice_servers.clone(), config.ice_policy));
        Self { shared: Arc::new(Shared { config, ice, wall, panics: Arc::new(AtomicU64::new(0)) }) }
    }

    /// Replaces the servers: for connections made from now on, and for those that exist at their next restart.
    pub fn use_ice_servers(&self, servers: Vec<IceServer>) {
        self.shared.ice.set_servers(servers);
    }

    /// Begins to receive a stream: a subscriber, and its SDP offer for the publisher.
    pub async fn subscribe(&self, tracks: Tracks) -> Result<(Subscriber, String), Error> {
        subscriber::open(&self.shared, tracks).await
    }

    /// Begins to send a stream to who made `offer`: a publisher, and its SDP answer. Bitrates are in bits per
    /// second and count video and audio together. A track is sent if `tracks` and the offer both have it.
    pub async fn publish(
        &self,
        offer: &str,
        tracks: Tracks,
        start_bitrate_bps: u32,
        max_bitrate_bps: u32,
    ) -> Result<(Publisher, String), Error> {
        publisher::open(&self.shared, offer, tracks, start_bitrate_bps, max_bitrate_bps).await
    }

    /// How often the network stack panicked on someone's input so far; each time the order failed with
    /// [`Error::Panicked`].
    pub fn contained_panics(&self) -> u64 {
        self.shared.panics.load(Ordering::Relaxed)
    }
}
