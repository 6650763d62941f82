//! One connection's own task: what the library, the media and the clock say becomes events for the owner.
//!
//! The task ends when the owner drops its [`Peer`], calls [`Peer::close`], or the connection fails; it always closes
//! the connection, because a dropped one keeps its sockets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use webrtc::peer_connection::{RTCIceConnectionState, RTCPeerConnectionState};

use super::connection::Connection;
use super::event::{Candidate, Event};
use super::handler::Signal;
use super::media::Media;
use super::watchdog::{Limits, Verdict, Watchdog};
use crate::error::{Failure, Phase};
use crate::runtime::{Runtime, Stopped};

/// Events that wait for the owner; beyond them the newest are dropped, except the last one of all.
const EVENTS: usize = 256;
/// The watchdog looks this often.
const TICK: Duration = Duration::from_millis(100);
/// The candidate pair's round trip is read this often.
const RTT_INTERVAL: Duration = Duration::from_secs(1);

/// Orders to the task.
enum Order {
    /// Both descriptions are applied.
    Begin,
    /// The other end may have moved.
    Suspect,
    /// ICE restarts.
    Restart,
    /// End; the sender is dropped when done.
    Close(oneshot::Sender<()>),
}

/// An owner's handle to its connection's task. Dropping it ends the task.
pub(crate) struct Peer {
    orders: mpsc::UnboundedSender<Order>,
    events: Option<mpsc::Receiver<Event>>,
}

/// What the task works with.
pub(crate) struct Parts {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) media: Arc<dyn Media>,
    pub(crate) signals: mpsc::Receiver<Signal>,
    pub(crate) stopped: mpsc::Receiver<Stopped>,
    pub(crate) limits: Limits,
}

impl Peer {
    /// Starts the task.
    pub(crate) fn start(parts: Parts) -> Self {
        // A few orders in a connection's life, each taken at once.
        let (orders, orders_in) = mpsc::unbounded_channel();
        let (events, events_out) = mpsc::channel(EVENTS);
        let runtime = Arc::clone(&parts.runtime);
        let watchdog = Watchdog::new(parts.limits);
        let next_tick = runtime.now() + TICK;
        let task = Task {
            parts,
            events,
            watchdog,
            backlog: VecDeque::new(),
            next_tick,
            next_rtt: None,
            failed: None,
            trouble: None,
            restarts: false,
        };
        runtime.spawn(Box::pin(task.run(orders_in)));
        Self { orders, events: Some(events_out) }
    }

    /// The two ends should find each other from now on.
    pub(crate) fn begin(&self) {
        let _ = self.orders.send(Order::Begin);
    }

    /// There is reason to think that the other end has moved: if nothing comes, [`Event::Disconnected`] does at once.
    pub(crate) fn suspect(&self) {
        let _ = self.orders.send(Order::Suspect);
    }

    /// ICE is about to restart.
    pub(crate) fn restarts(&self) {
        let _ = self.orders.send(Order::Restart);
    }

    /// Ends the connection; returns when its sockets are free.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let _ = self.orders.send(Order::Close(done));
        // An error means the task has ended already.
        let _ = closed.await;
    }

    pub(crate) fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        self.events.take()
    }
}

struct Task {
    parts: Parts,
    events: mpsc::Sender<Event>,
    watchdog: Watchdog,
    backlog: VecDeque<Event>,
    next_tick: Instant,
    next_rtt: Option<Instant>,
    failed: Option<Failure>,
    /// What the owner was told of TURN servers.
    trouble: Option<String>,
    /// ICE restarts and has not found a path yet.
    restarts: bool,
}

/// What the task heard.
enum Heard {
    Order(Option<Order>),
    Signal(Option<Signal>),
    Stopped(Option<Stopped>),
    Raised,
    Tick,
    Room,
}

impl Task {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut closed = None;
        while self.failed.is_none() {
            match self.hear(&mut orders).await {
                Heard::Order(Some(Order::Begin)) => {
                    let now = self.parts.runtime.now();
                    self.watchdog.begin(now);
                    self.parts.connection.last_resort().begin(now);
                }
                Heard::Order(Some(Order::Suspect)) => self.watchdog.suspect(self.parts.runtime.now()),
                Heard::Order(Some(Order::Restart)) => self.restarts = true,
                Heard::Order(Some(Order::Close(done))) => {
                    closed = Some(done);
                    break;
                }
                Heard::Order(None) => break,
                Heard::Signal(Some(signal)) => self.on_signal(signal).await,
                Heard::Signal(None) => self.on_stopped(None),
                Heard::Stopped(stopped) => self.on_stopped(stopped),
                Heard::Raised => {
                    let raised = self.parts.media.outbox().take();
                    self.backlog.extend(raised);
                }
                Heard::Tick => self.on_tick().await,
                Heard::Room => {}
            }
            self.flush();
        }
        self.parts.media.close();
        if let Some(failure) = self.failed.take() {
            let failure = self.explained(failure);
            tracing::info!(%failure, "a connection is over");
            self.backlog.push_back(Event::Failed(failure));
            self.flush();
        }
        self.parts.connection.close().await;
        drop(closed);
        // An owner that was behind still learns how it ended.
        while let Some(event) = self.backlog.pop_front() {
            tokio::select! { biased;
                sent = self.events.send(event) => if sent.is_err() { return },
                _ = orders.recv() => return,
            }
        }
    }

    async fn hear(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> Heard {
        let tick = self.parts.runtime.sleep(self.next_tick.saturating_duration_since(self.parts.runtime.now()));
        let full = !self.backlog.is_empty();
        tokio::select! { biased;
            order = orders.recv() => Heard::Order(order),
            signal = self.parts.signals.recv() => Heard::Signal(signal),
            stopped = self.parts.stopped.recv() => Heard::Stopped(stopped),
            _ = self.events.reserve(), if full => Heard::Room,
            () = self.parts.media.outbox().raised() => Heard::Raised,
            () = tick => Heard::Tick,
        }
    }

    async fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::Candidate(candidate) => {
                let told = self.parts.connection.last_resort().on_local(candidate);
                self.tell(told);
            }
            Signal::Ice(RTCIceConnectionState::Connected | RTCIceConnectionState::Completed) => {
                self.watchdog.on_pair();
                let told = self.parts.connection.last_resort().on_path();
                self.tell(told);
                if std::mem::take(&mut self.restarts) {
                    self.parts.media.on_new_path(self.parts.runtime.now());
                }
            }
            Signal::Ice(RTCIceConnectionState::Disconnected) => self.watchdog.on_disconnected(),
            Signal::Ice(RTCIceConnectionState::Failed) => self.failed = Some(self.watchdog.on_failed()),
            Signal::Ice(_) => {}
            Signal::Connection(RTCPeerConnectionState::Connected) => self.on_connected().await,
            Signal::Connection(RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed) => {
                self.failed = Some(self.watchdog.on_failed());
            }
            Signal::Connection(_) => {}
        }
    }

    async fn on_connected(&mut self) {
        if self.watchdog.on_connected() {
            self.backlog.push_back(Event::Connected);
            self.parts.media.on_connected();
        }
        self.read_rtt().await;
    }

    fn on_stopped(&mut self, stopped: Option<Stopped>) {
        let reason = match stopped {
            Some(Stopped::Panicked(text)) => format!("it panicked: {text}"),
            Some(Stopped::Ended) | None => "its driver ended".to_owned(),
        };
        self.failed = Some(Failure::Stack { reason });
    }

    async fn on_tick(&mut self) {
        let now = self.parts.runtime.now();
        self.next_tick = now + TICK;
        if let Some(at) = self.parts.media.last_packet() {
            self.watchdog.on_packet(at);
        }
        let last_resort = self.parts.connection.last_resort().poll(now);
        if let Some(due) = last_resort {
            self.tell(due.tell);
            for candidate in due.attempt {
                self.parts.connection.attempt(candidate).await;
            }
        }
        let trouble = self.parts.connection.turn_trouble();
        if trouble.is_some() && trouble != self.trouble {
            self.trouble = trouble;
            self.backlog.extend(self.trouble.clone().map(Event::TurnTrouble));
        }
        match self.watchdog.poll(now) {
            Verdict::Fine => {}
            Verdict::Disconnected => self.backlog.push_back(Event::Disconnected),
            Verdict::Failed(failure) => self.failed = Some(failure),
        }
        if self.next_rtt.is_some_and(|next| next <= now) {
            self.read_rtt().await;
        }
    }

    fn tell(&mut self, candidates: Vec<Candidate>) {
        self.backlog.extend(candidates.into_iter().map(Event::Candidate));
    }

    /// A failure to find a path has a reason if a TURN server might have made one.
    fn explained(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Deadline { phase: Phase::Candidates } | Failure::Connection { phase: Phase::Candidates } => {
                self.parts.connection.turn_trouble().map_or(failure, |trouble| Failure::Turn { trouble })
            }
            failure => failure,
        }
    }

    async fn read_rtt(&mut self) {
        let now = self.parts.runtime.now();
        self.next_rtt = Some(now + RTT_INTERVAL);
        if let Some(rtt) = self.parts.connection.round_trip(now).await {
            self.parts.media.set_rtt(rtt, now);
        }
    }

    /// Hands on what the owner has room for; what does not fit waits, the newest of it bounded.
    fn flush(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    self.backlog.push_front(event);
                    self.backlog.truncate(EVENTS);
                    return;
                }
                // The owner does not listen.
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
    }
}
