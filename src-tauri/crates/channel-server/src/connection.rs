//! One client's WebSocket, one task: reads requests, writes what is queued, and ends for one of the reasons in [`End`].

use std::{
    net::IpAddr,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use signal::{Code, Command, Error, Event, Incoming, MAX_MESSAGE, Request, Success};
use tokio::{
    sync::watch,
    time::{sleep_until, timeout},
};

use crate::{
    channel::Parting,
    clock,
    frames::{self, Message, close},
    handshake::Stream,
    live::Live,
    metrics::Metrics,
    outbox::{self, Outbox, Outgoing, Queue},
    pace::Pace,
    request,
    service::{JoinRequest, Phase, Service},
    socket::{self, Broken},
};

/// What the socket itself still reads. Between [`MAX_MESSAGE`] and this a client is told why it is closed; above, reading
/// stops at the frame's header.
pub const MOST_READ: usize = 4 * MAX_MESSAGE;

/// A message that is relayed may grow a little: the sender's uid is added, defaults are spelled out. It must not become one that the
/// other end has to refuse.
const MOST_RELAYED: usize = MAX_MESSAGE - 1024;

/// How many changes of its name a connection may make at once; one more is allowed a second. Everybody in the channel is told of each.
const MOST_NAMES: u32 = 5;

/// How many bytes of messages that wait together are written at once.
const MOST_AT_ONCE: usize = 16 * 1024;

/// How long a client may take to answer a close frame.
const LINGER: Duration = Duration::from_secs(1);

/// Why a connection ends.
enum End {
    /// The network closed it.
    Gone,
    /// The client closed it, and said so.
    Closed {
        code: Option<u16>,
    },
    /// The client does not read.
    TooSlow,
    Close {
        code: u16,
        reason: &'static str,
    },
}

impl From<Parting> for End {
    fn from(why: Parting) -> Self {
        let reason = match why {
            Parting::Silent => "Nothing was heard for too long.",
            Parting::Replaced => "A newer connection of the same session took over.",
            Parting::Expired => "The token has expired.",
            Parting::Banned => "Kicked or banned by who runs the service.",
            Parting::Dismissed => "This App ID is no longer served.",
        };
        Self::Close { code: close::POLICY, reason }
    }
}

type Socket = socket::Socket<Stream>;

/// Serves a client at `peer` until either side ends it.
pub async fn run(stream: Stream, peer: IpAddr, service: Arc<Service>, mut phase: watch::Receiver<Phase>) {
    let (id, _counted) = service.count_connection();
    let (outbox, mut queue) = outbox::open(id, service.config.limits.queue);
    let mut socket = Socket::new(stream, MOST_READ);
    let write_limit = service.config.silence_limit;
    phase.mark_changed();
    let mut connection = Connection::new(peer, service, outbox.clone(), phase.clone(), clock::now());
    let end = loop {
        tokio::select! {
            incoming = next_at(&mut socket, connection.read_at) => match incoming {
                Ok(Some(Message::Close(code))) => break End::Closed { code },
                Ok(Some(message)) => if let ControlFlow::Break(end) = connection.on_message(message, clock::now()) { break end },
                Ok(None) | Err(Broken::Io(_)) => break End::Gone,
                Err(Broken::Violation(violation)) => break End::Close { code: violation.close_code(), reason: violation.reason() },
            },
            outgoing = queue.next() => {
                let parting = collect(&mut socket, outgoing, &mut queue, &connection.service.metrics);
                if let ControlFlow::Break(end) = write(&mut socket, parting, &outbox, write_limit).await { break end }
            }
            () = outbox.overflow() => break End::TooSlow,
            changed = phase.changed() => {
                let now = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Stopping };
                match now {
                    Phase::Serving => {}
                    Phase::Draining => connection.outbox.send(&Incoming::Event(Event::Draining)),
                    Phase::Stopping => break End::Close { code: close::AWAY, reason: "The service stops." },
                }
            }
            () = sleep_until(connection.join_by.into()), if connection.channel.is_none() => {
                break End::Close { code: close::POLICY, reason: "No channel was joined for too long." };
            }
        }
    };
    connection.on_end(clock::now());
    match end {
        End::Gone => tracing::debug!(connection = id.0, "the network closed it"),
        End::TooSlow => {
            connection.service.metrics.slow_readers.add();
            tracing::warn!(connection = id.0, "dropped: it does not read what it is sent");
        }
        End::Closed { code } => {
            tracing::debug!(connection = id.0, code, "closed by the client");
            socket.put(|out| frames::put_close_answer(code, out));
            // A client that does not read the answer does without.
            let _ = timeout(LINGER, socket.write()).await;
        }
        End::Close { code, reason } => {
            tracing::debug!(connection = id.0, reason, "closed");
            say_goodbye(&mut socket, code, reason).await;
        }
    }
}

/// The next message, not read before `at`. Cancel safe.
async fn next_at(socket: &mut Socket, at: Instant) -> Result<Option<Message>, Broken> {
    sleep_until(at.into()).await;
    socket.next().await
}

/// Puts `outgoing` into what is to be written, and with it what else waits, up to a parting.
fn collect(socket: &mut Socket, outgoing: Outgoing, queue: &mut Queue, metrics: &Metrics) -> Option<Parting> {
    let mut next = Some(outgoing);
    while let Some(outgoing) = next {
        match outgoing {
            Outgoing::Text(text) => socket.put(|out| frames::put_text(&text, out)),
            Outgoing::Close(why) => return Some(why),
        }
        metrics.messages_sent.add();
        next = if socket.to_write() < MOST_AT_ONCE { queue.try_next() } else { None };
    }
    None
}

/// Writes what was collected; a parting comes after it.
async fn write(socket: &mut Socket, parting: Option<Parting>, outbox: &Outbox, limit: Duration) -> ControlFlow<End> {
    tokio::select! {
        written = timeout(limit, socket.write()) => match (written, parting) {
            (Ok(Ok(())), None) => ControlFlow::Continue(()),
            (Ok(Ok(())), Some(why)) => ControlFlow::Break(why.into()),
            (Ok(Err(_)), _) => ControlFlow::Break(End::Gone),
            (Err(_), _) => ControlFlow::Break(End::TooSlow),
        },
        () = outbox.overflow() => ControlFlow::Break(End::TooSlow),
    }
}

/// Sends a close frame and reads on until the client's: a socket closed with bytes unread resets the connection, and the frame is lost.
async fn say_goodbye(socket: &mut Socket, code: u16, reason: &'static str) {
    let goodbye = async {
        socket.put(|out| frames::put_close(code, reason, out));
        if socket.write().await.is_ok() {
            socket.read_to_end().await;
        }
    };
    // A client that does not answer is left behind.
    let _ = timeout(LINGER, goodbye).await;
}

/// A connection's state between two frames.
struct Connection {
    /// Where the client is, as far as its network shows; what bans go by.
    peer: IpAddr,
    service: Arc<Service>,
    outbox: Outbox,
    phase: watch::Receiver<Phase>,
    channel: Option<Arc<Live>>,
    join_by: Instant,
    read_at: Instant,
    messages: Pace,
    joins: Pace,
    names: Pace,
    mistakes: u32,
}

impl Connection {
    fn new(peer: IpAddr, service: Arc<Service>, outbox: Outbox, phase: watch::Receiver<Phase>, now: Instant) -> Self {
        let limits = service.config.limits;
        Self {
            peer: peer.to_canonical(),
            join_by: now + service.config.join_limit,
            messages: Pace::new(limits.messages, limits.messages, now),
            joins: Pace::new(limits.joins, 1, now),
            names: Pace::new(MOST_NAMES, 1, now),
            service,
            outbox,
            phase,
            channel: None,
            read_at: now,
            mistakes: 0,
        }
    }

    fn on_message(&mut self, message: Message, now: Instant) -> ControlFlow<End> {
        self.service.metrics.messages_received.add();
        self.messages.take(now);
        self.read_at = self.messages.next(now);
        match message {
            Message::Text(text) if text.as_str().len() > MAX_MESSAGE => {
                ControlFlow::Break(End::Close { code: close::SIZE, reason: "A message has at most 131072 bytes." })
            }
            Message::Text(text) if text.as_str().len() > MOST_RELAYED => self
                .on_mistake(request::Refusal { id: 0, error: Error::new(Code::BadMessage, "This message is too long to be passed on.") }),
            Message::Text(text) => match request::parse(text.as_str()) {
                Ok(request) => {
                    self.on_request(request, now);
                    ControlFlow::Continue(())
                }
                Err(refusal) => self.on_mistake(refusal),
            },
            Message::Binary => {
                let error = Error::new(Code::BadMessage, "Messages of this protocol are JSON texts, not binary.");
                self.on_mistake(request::Refusal { id: 0, error })
            }
            // The socket answers these by itself.
            Message::Ping(_) | Message::Pong | Message::Close(_) => ControlFlow::Continue(()),
        }
    }

    fn on_mistake(&mut self, refusal: request::Refusal) -> ControlFlow<End> {
        self.outbox.reply(refusal.id, Err(refusal.error));
        self.mistakes += 1;
        self.service.metrics.mistakes.add();
        if self.mistakes > self.service.config.limits.mistakes {
            return ControlFlow::Break(End::Close { code: close::POLICY, reason: "Too many messages out of protocol." });
        }
        ControlFlow::Continue(())
    }

    fn on_request(&mut self, Request { id, command }: Request, now: Instant) {
        if let Some(channel) = &self.channel {
            let connection = self.outbox.id();
            let stays = match command {
                Command::SetName { .. } if !self.names.take(now) => {
                    let error = Error::new(Code::InvalidOperation, "The name was changed too often; wait some seconds.");
                    return self.outbox.reply(id, Err(error));
                }
                Command::RenewToken { token } => self.service.renew(channel, connection, id, &token, now),
                command => channel.request(connection, id, command, now),
            };
            if !stays {
                self.service.drop_if_empty(channel);
                self.channel = None;
                self.join_by = now + self.service.config.join_limit;
            }
            return;
        }
        match command {
            Command::Join { version, app_id, channel, token, uid, mode, session, name } => {
                let peer = self.peer;
                self.on_join(JoinRequest { id, peer, version, app_id, channel, token, uid, mode, session, name }, now);
            }
            Command::Ping => self.outbox.reply(id, Ok(Success::Done {})),
            _ => self.outbox.reply(id, Err(Error::new(Code::InvalidOperation, "This connection is in no channel; join first."))),
        }
    }

    fn on_join(&mut self, request: JoinRequest, now: Instant) {
        let refused = if *self.phase.borrow() != Phase::Serving {
            Some(Error::new(Code::ServiceNotReady, "The service is about to stop; try again in some seconds."))
        } else if !self.joins.take(now) {
            Some(Error::new(Code::JoinTooFrequent, "Too many joins on one connection; wait a second."))
        } else {
            None
        };
        match refused {
            Some(error) => self.outbox.reply(request.id, Err(error)),
            None => self.channel = self.service.join(&self.outbox, request, now),
        }
    }

    fn on_end(&mut self, now: Instant) {
        if let Some(channel) = self.channel.take() {
            channel.disconnected(self.outbox.id(), now);
        }
    }
}
