//! The engine's peer connections: one task a connection, which takes its orders one after another.
//!
//! Invariants: a connection's orders are carried out in the order they were given; a closed connection's task ends by closing it,
//! whatever it was doing; everything that the session must know comes back as its [`Input`].

mod receiving;
mod sending;
mod sharing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use session::Input;
use signal::{Code, Error, IceServer, Sdp, SubscriptionId, Uid, Want};
use tokio::sync::mpsc;
use transport::{Endpoint, Tracks};

use crate::error;
use crate::local::Outgoing;
use crate::tls::ForTurn;
use crate::{Config, RemoteStream};
use sharing::Cameras;

/// What a connection is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    SetAnswer(Sdp),
    AddCandidate(signal::Candidate),
    RestartIce,
    CheckPath,
    AcceptRestart(Sdp),
    Want(Want),
}

/// A connection's two ways to the engine: the orders it is given, and the inputs it reports.
struct Line {
    id: SubscriptionId,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Input>,
}

/// All connections, by their subscriptions.
#[derive(Debug)]
pub(crate) struct Peers {
    endpoint: Endpoint,
    open: HashMap<SubscriptionId, mpsc::Sender<Order>>,
    cameras: Cameras,
    reports: mpsc::Sender<Input>,
}

impl Peers {
    /// More orders than a connection needs in its life; a flood of candidates beyond is dropped.
    const ORDERS: usize = 256;
    /// The session's own deadlines are shorter; this one is the last resort.
    const CONNECT_DEADLINE: Duration = Duration::from_secs(15);

    pub fn new(config: &Config, reports: mpsc::Sender<Input>) -> Self {
        let config = transport::Config {
            ice_policy: config.ice_policy,
            tls: Some(Arc::new(ForTurn { ca: config.ca.clone() })),
            names: Some(transport::network::multicast_names()),
            connect_deadline: Self::CONNECT_DEADLINE,
            ..transport::Config::new(transport::system_runtime())
        };
        Self { endpoint: Endpoint::new(config), open: HashMap::new(), cameras: Cameras::default(), reports }
    }

    /// For the connections made from now on, and those that exist when they restart.
    pub fn use_ice_servers(&self, servers: Vec<IceServer>) {
        self.endpoint.use_ice_servers(servers.into_iter().map(to_transport_server).collect());
    }

    /// Makes the receiving end of a subscription; it feeds `stream`.
    pub fn receive(&mut self, id: SubscriptionId, tracks: Tracks, stream: RemoteStream) {
        let line = self.line(id);
        tokio::spawn(receiving::run(self.endpoint.clone(), tracks, stream, line));
    }

    /// Makes the sending end of a subscription of `subscriber`; `stream` feeds it.
    pub fn send(&mut self, id: SubscriptionId, subscriber: Uid, offer: Sdp, stream: Outgoing) {
        let line = self.line(id);
        tokio::spawn(sending::run(self.endpoint.clone(), self.cameras.clone(), subscriber, offer, stream, line));
    }

    fn line(&mut self, id: SubscriptionId) -> Line {
        let (sender, orders) = mpsc::channel(Self::ORDERS);
        self.open.insert(id.clone(), sender);
        Line { id, orders, reports: self.reports.clone() }
    }

    /// Never waits.
    pub fn order(&self, id: &SubscriptionId, order: Order) {
        if let Some(orders) = self.open.get(id)
            && let Err(mpsc::error::TrySendError::Full(order)) = orders.try_send(order)
        {
            tracing::warn!(%id, ?order, "dropped an order: the connection is flooded");
        }
    }

    /// Closes a connection, whatever it is doing.
    pub fn close(&mut self, id: &SubscriptionId) {
        self.open.remove(id);
    }
}

fn to_transport_server(server: IceServer) -> transport::IceServer {
    let IceServer { urls, username, credential } = server;
    transport::IceServer { urls, username: username.unwrap_or_default(), credential: credential.unwrap_or_default() }
}

impl Line {
    async fn report(&self, input: Input) {
        // Without an engine there is nobody who misses it.
        let _ = self.reports.send(input).await;
    }

    async fn failed(&self, error: Error) {
        self.report(Input::Failed { subscription: self.id.clone(), error }).await;
    }

    /// Hands a description made by `transport` on by `input`.
    async fn described(&self, description: Result<String, transport::Error>, input: fn(SubscriptionId, Sdp) -> Input) {
        let sdp = description.map_err(|cause| error::transport(&cause)).and_then(|text| {
            Sdp::try_from(text).map_err(|why| Error::new(Code::PeerConnectionFailed, format!("Its description is too long: {why}.")))
        });
        match sdp {
            Ok(sdp) => self.report(input(self.id.clone(), sdp)).await,
            Err(error) => self.failed(error).await,
        }
    }

    /// Passes on what the session must know of a connection's event; `None` is the end of its events.
    async fn event(&self, event: Option<transport::Event>) {
        let subscription = self.id.clone();
        match event {
            Some(transport::Event::Candidate(candidate)) => {
                self.report(Input::Candidate { subscription, candidate: from_transport(candidate) }).await
            }
            Some(transport::Event::Connected) => self.report(Input::Connected { subscription }).await,
            Some(transport::Event::Disconnected) => self.report(Input::Disconnected { subscription }).await,
            Some(transport::Event::TurnTrouble(trouble)) => self.report(Input::PathTrouble { subscription, trouble }).await,
            Some(transport::Event::Failed(failure)) => self.failed(error::failure(&failure)).await,
            None => self.failed(Error::new(Code::PeerConnectionFailed, "The connection ended.")).await,
            Some(
                transport::Event::AudioStarted
                | transport::Event::VideoStarted
                | transport::Event::KeyframeRequested
                | transport::Event::TargetBitrate(_)
                | transport::Event::Loss(_),
            ) => {}
        }
    }
}

fn from_transport(candidate: transport::Candidate) -> signal::Candidate {
    let transport::Candidate { candidate, sdp_mid, sdp_mline_index, username_fragment } = candidate;
    signal::Candidate { candidate, sdp_mid, sdp_mline_index, username_fragment }
}

fn to_transport(candidate: signal::Candidate) -> transport::Candidate {
    let signal::Candidate { candidate, sdp_mid, sdp_mline_index, username_fragment } = candidate;
    transport::Candidate { candidate, sdp_mid, sdp_mline_index, username_fragment }
}

/// The next event of a connection whose events may have ended: an end is told once, then nothing.
async fn next_event(events: &mut Option<mpsc::Receiver<transport::Event>>) -> Option<transport::Event> {
    let Some(receiver) = events else { return std::future::pending().await };
    let event = receiver.recv().await;
    if matches!(event, None | Some(transport::Event::Failed(_))) {
        *events = None;
    }
    event
}
