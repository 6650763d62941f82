//! A `webrtc` peer connection, bound to its guard, whose panics are contained.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rtc::interceptor::Registry;
use rtc::statistics::StatsSelector;
use tokio::sync::mpsc;
use webrtc::peer_connection::{PeerConnection, PeerConnectionBuilder, RTCIceCandidateInit, RTCSessionDescription};

use super::event::Candidate;
use super::handler::Handler;
use super::ice::Ice;
use super::last_resort::{LastResort, over_tcp};
use super::settings;
use crate::network::Names;
use crate::runtime::turn::Carrier;
use crate::runtime::{Guard, Stopped};
use crate::{Config, Error, IcePolicy, Runtime, sdp};

/// How often the library panicked on someone's input, over all connections of an endpoint.
pub(crate) type Panics = Arc<AtomicU64>;

/// One peer connection.
pub(crate) struct Connection {
    peer: Arc<dyn PeerConnection>,
    ice: Arc<Ice>,
    carrier: Arc<Carrier>,
    last_resort: Mutex<LastResort>,
    runtime: Arc<dyn Runtime>,
    names: Option<Arc<dyn Names>>,
    /// How many names may still be asked for.
    names_left: AtomicUsize,
    panics: Panics,
}

/// A browser has one for each of its addresses, and new ones at each restart.
const MOST_NAMES: usize = 16;

/// Which side of an exchange a description is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Offer,
    Answer,
}

impl Connection {
    /// Binds sockets and starts the driver. The receiver tells how the driver stopped.
    pub(crate) async fn open(
        config: &Config,
        ice: &Arc<Ice>,
        chain: Registry,
        handler: Handler,
        panics: Panics,
    ) -> Result<(Arc<Self>, mpsc::Receiver<Stopped>), Error> {
        let doing = "opening a connection";
        let (guard, stopped) = Guard::new(Arc::clone(&config.runtime), Arc::clone(ice.over_streams()), config.tls.clone());
        let carrier = Arc::clone(guard.carrier());
        // A listener's address is this machine's, which a relay is there to hide.
        let listens = if ice.policy() == IcePolicy::Relay { Vec::new() } else { config.tcp_addresses.clone() };
        let last_resort = Mutex::new(LastResort::new(&listens));
        let engine = settings::media_engine().map_err(|source| Error::Stack { doing, source })?;
        let build = PeerConnectionBuilder::new()
            .with_configuration(ice.configuration())
            .with_media_engine(engine)
            .with_setting_engine(settings::setting_engine(ice.policy()))
            .with_interceptor_registry(chain)
            .with_runtime(guard)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(config.addresses.clone())
            .with_tcp_addrs(listens)
            .build();
        let peer = contained(&panics, doing, build).await?.map_err(|source| Error::Stack { doing, source })?;
        let connection = Self {
            peer: Arc::new(peer),
            ice: Arc::clone(ice),
            carrier,
            last_resort,
            runtime: Arc::clone(&config.runtime),
            names: config.names.clone(),
            names_left: AtomicUsize::new(MOST_NAMES),
            panics,
        };
        Ok((Arc::new(connection), stopped))
    }

    /// The library's own handle, for adding tracks.
    pub(crate) fn peer(&self) -> &Arc<dyn PeerConnection> {
        &self.peer
    }

    /// Runs an order to the library.
    pub(crate) async fn order<T>(&self, doing: &'static str, order: impl Future<Output = webrtc::error::Result<T>>) -> Result<T, Error> {
        contained(&self.panics, doing, order).await?.map_err(|source| stack(doing, source))
    }

    /// A fresh offer, applied locally; with `restart` one that restarts ICE.
    pub(crate) async fn offer(&self, restart: bool) -> Result<String, Error> {
        if restart {
            self.refresh_servers().await?;
            self.order("restarting ICE", self.peer.restart_ice()).await?;
        }
        let offer = self.order("writing an offer", self.peer.create_offer(None)).await?;
        self.apply_local(offer).await
    }

    /// Takes the endpoint's servers as they are now, for the restart that follows.
    pub(crate) async fn refresh_servers(&self) -> Result<(), Error> {
        self.order("taking the ICE servers", self.peer.set_configuration(self.ice.configuration())).await
    }

    /// Applies the other end's offer.
    pub(crate) async fn set_offer(&self, text: &str) -> Result<(), Error> {
        self.apply_remote(text, Side::Offer).await
    }

    /// Answers the offer applied before.
    pub(crate) async fn answer(&self) -> Result<String, Error> {
        let answer = self.order("writing an answer", self.peer.create_answer(None)).await?;
        self.apply_local(answer).await
    }

    /// Applies the other end's answer.
    pub(crate) async fn set_answer(&self, text: &str) -> Result<(), Error> {
        self.apply_remote(text, Side::Answer).await
    }

    /// Adds a candidate of the other end. The end of candidates is nothing to add, and one over TCP waits for its turn. A name that a browser hides its address behind is
    /// asked for meanwhile; other names of mDNS are not: the other end's checks reach us and tell where it is.
    pub(crate) async fn add_candidate(&self, candidate: &Candidate) -> Result<(), Error> {
        let text = &candidate.candidate;
        if text.is_empty() {
            return Ok(());
        }
        sdp::check_candidate(text)?;
        if let Some(tcp) = over_tcp(text)
            && !self.last_resort().on_remote(text, tcp)
        {
            return Ok(());
        }
        if sdp::is_mdns(text) {
            self.add_hidden(text);
            return Ok(());
        }
        add(&self.peer, &self.panics, text.clone()).await
    }

    /// Tries a candidate of the other end that has waited for its turn.
    pub(crate) async fn attempt(&self, candidate: String) {
        if let Err(error) = add(&self.peer, &self.panics, candidate).await {
            tracing::debug!(%error, "a candidate over TCP is dropped");
        }
    }

    /// The candidates over TCP.
    pub(crate) fn last_resort(&self) -> MutexGuard<'_, LastResort> {
        self.last_resort.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_hidden(&self, candidate: &str) {
        let (Some(name), Some(names)) = (sdp::hidden_name(candidate), &self.names) else { return };
        let left = self.names_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return;
        }
        let (name, names, candidate) = (name.to_owned(), Arc::clone(names), candidate.to_owned());
        let (peer, panics) = (Arc::clone(&self.peer), Arc::clone(&self.panics));
        self.runtime.spawn(Box::pin(async move {
            for address in names.resolve(&name).await {
                if let Err(error) = add(&peer, &panics, sdp::with_address(&candidate, address)).await {
                    tracing::debug!(%error, "a candidate behind a name is dropped");
                }
            }
        }));
    }

    /// Why TURN servers are of no use, if it is known by now.
    pub(crate) fn turn_trouble(&self) -> Option<String> {
        self.carrier.trouble()
    }

    /// The round trip of the selected candidate pair, once measured.
    pub(crate) async fn round_trip(&self, now: Instant) -> Option<Duration> {
        let report = contained(&self.panics, "reading statistics", self.peer.get_stats(now, StatsSelector::None)).await.ok()?;
        let selected = &report.transport()?.selected_candidate_pair_id;
        let pair = report.candidate_pairs().find(|pair| pair.stats.id == *selected)?;
        Duration::try_from_secs_f64(pair.current_round_trip_time).ok().filter(|rtt| !rtt.is_zero())
    }

    /// Tells the other end good-bye and frees the sockets.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.order("closing", self.peer.close()).await {
            tracing::debug!(%error, "a connection closed with an error");
        }
    }

    async fn apply_local(&self, description: RTCSessionDescription) -> Result<String, Error> {
        let text = description.sdp.clone();
        self.order("applying our description", self.peer.set_local_description(description)).await?;
        Ok(text)
    }

    async fn apply_remote(&self, text: &str, side: Side) -> Result<(), Error> {
        sdp::check(text)?;
        let parse = async {
            match side {
                Side::Offer => RTCSessionDescription::offer(text.to_owned()),
                Side::Answer => RTCSessionDescription::answer(text.to_owned()),
            }
        };
        let description = contained(&self.panics, "reading a description", parse).await?;
        let description = description.map_err(|source| Error::Description(source.to_string()))?;
        let applied = contained(&self.panics, "applying a description", self.peer.set_remote_description(description)).await?;
        applied.map_err(|source| match source {
            webrtc::error::Error::ErrConnectionClosed => Error::Closed,
            webrtc::error::Error::ErrIncorrectSignalingState => Error::State("this description was not expected now"),
            source => Error::Description(source.to_string()),
        })
    }
}

async fn add(peer: &Arc<dyn PeerConnection>, panics: &Panics, candidate: String) -> Result<(), Error> {
    let init = RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() };
    contained(panics, "adding a candidate", peer.add_ice_candidate(init)).await?.map_err(|source| match source {
        webrtc::error::Error::ErrConnectionClosed => Error::Closed,
        source => Error::Candidate(source.to_string()),
    })
}

fn stack(doing: &'static str, source: webrtc::error::Error) -> Error {
    match source {
        webrtc::error::Error::ErrConnectionClosed => Error::Closed,
        source => Error::Stack { doing, source },
    }
}

/// Runs what may panic on someone's input.
async fn contained<T>(panics: &Panics, doing: &'static str, future: impl Future<Output = T>) -> Result<T, Error> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|_| {
        panics.fetch_add(1, Ordering::Relaxed);
        Error::Panicked(doing)
    })
}
