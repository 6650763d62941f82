//! The WebSocket to the channel service: a task between the engine's requests and the service's messages.
//!
//! Invariants: requests go out in order, and those given before the handle is dropped still go out before the connection
//! is closed; after the handle is dropped nothing is reported. A message that is not of this protocol is dropped with a
//! warning; one that is too long ends the connection.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use signal::{Code, Error, Incoming, Request};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use crate::{error, tls};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the connection reports.
#[derive(Debug, PartialEq)]
pub(crate) enum Report {
    Opened,
    /// It could not be opened.
    Failed(Error),
    /// It was open and is not any more.
    Closed(Error),
    Message(Incoming),
}

/// A connection that is open or being opened. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Signalling {
    requests: mpsc::Sender<Request>,
    reports: mpsc::Receiver<Report>,
    local: Arc<OnceLock<IpAddr>>,
}

/// The longest that a check takes.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// The queue to a service that does not read is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stuck;

impl Signalling {
    /// Requests that wait to be written; a join with many candidates needs a few dozen.
    const QUEUE: usize = 1024;
    const WRITE_LIMIT: Duration = Duration::from_millis(signal::SILENCE_LIMIT_MS);
    const CLOSE_LIMIT: Duration = Duration::from_secs(1);

    /// Connects to the service at `server` (`ws://host:port`, `wss://host:port`), trusting the authorities in the file `ca` or else
    /// the system's. Inside a tokio runtime only.
    pub fn open(server: &str, ca: Option<&Path>) -> Self {
        let (requests, queue) = mpsc::channel(Self::QUEUE);
        let (reporter, reports) = mpsc::channel(Self::QUEUE);
        let url = url_of(server);
        let local = Arc::default();
        tokio::spawn(run(url, ca.map(Path::to_owned), queue, reporter, Arc::clone(&local)));
        Self { requests, reports, local }
    }

    /// The address of this machine that the connection is bound to, once it is open.
    pub fn local_address(&self) -> Option<IpAddr> {
        self.local.get().copied()
    }

    /// Queues a request; never waits.
    pub fn send(&self, request: Request) -> Result<(), Stuck> {
        match self.requests.try_send(request) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(Stuck),
            // A task that is over has reported why.
            Err(mpsc::error::TrySendError::Closed(_)) | Ok(()) => Ok(()),
        }
    }

    /// The next report; `None` after `Failed` or `Closed`. Cancel safe.
    pub async fn recv(&mut self) -> Option<Report> {
        self.reports.recv().await
    }
}

async fn run(
    url: String,
    ca: Option<PathBuf>,
    queue: mpsc::Receiver<Request>,
    reports: mpsc::Sender<Report>,
    local: Arc<OnceLock<IpAddr>>,
) {
    let opened = tokio::select! {
        opened = connect(&url, ca) => opened,
        () = reports.closed() => return,
    };
    // A report that nobody waits for any more is not missed.
    let _ = match opened {
        Err(error) => reports.send(Report::Failed(error)).await,
        Ok(socket) => {
            if let Some(address) = bound_to(&socket) {
                let _ = local.set(address);
            }
            let _ = reports.send(Report::Opened).await;
            let error = carry(socket, queue, &reports).await;
            match error {
                Some(error) => reports.send(Report::Closed(error)).await,
                None => Ok(()),
            }
        }
    };
}

/// Whether the service at `server` can be reached: opens a connection, and closes it without a word. The error is why not.
pub async fn check_service(server: &str, ca: Option<&Path>) -> Result<(), Error> {
    let url = url_of(server);
    let checked = timeout(CHECK_LIMIT, connect(&url, ca.map(Path::to_owned))).await;
    let mut socket = checked.map_err(|_| error::silent(&url))??;
    // It was reached, however it takes the goodbye.
    let _ = timeout(Signalling::CLOSE_LIMIT, socket.close(None)).await;
    Ok(())
}

fn url_of(server: &str) -> String {
    format!("{}{}", server.trim_end_matches('/'), signal::PATH)
}

async fn connect(url: &str, ca: Option<PathBuf>) -> Result<Socket, Error> {
    let connector = if url.starts_with("wss://") { tls::connector(ca).await? } else { Connector::Plain };
    let config = WebSocketConfig::default().max_message_size(Some(signal::MAX_MESSAGE)).max_frame_size(Some(signal::MAX_MESSAGE));
    let connected = tokio_tungstenite::connect_async_tls_with_config(url, Some(config), true, Some(connector)).await;
    connected.map(|(socket, _)| socket).map_err(|cause| error::connect(url, &cause))
}

fn bound_to(socket: &Socket) -> Option<IpAddr> {
    let stream = match socket.get_ref() {
        MaybeTlsStream::Plain(stream) => stream,
        MaybeTlsStream::Rustls(stream) => stream.get_ref().0,
        _ => return None,
    };
    stream.local_addr().ok().map(|address| address.ip().to_canonical())
}

/// Carries messages both ways until the handle is dropped (`None`) or the connection breaks.
async fn carry(socket: Socket, mut queue: mpsc::Receiver<Request>, reports: &mpsc::Sender<Report>) -> Option<Error> {
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            request = queue.recv() => match request {
                Some(request) => {
                    if let Err(error) = write(&mut sink, &request).await {
                        return Some(error);
                    }
                }
                None => {
                    say_goodbye(sink, stream).await;
                    return None;
                }
            },
            message = stream.next() => match take(message) {
                Ok(Some(incoming)) => {
                    let _ = reports.send(Report::Message(incoming)).await;
                }
                Ok(None) => {}
                Err(error) => return Some(error),
            },
        }
    }
}

async fn write(sink: &mut SplitSink<Socket, Message>, request: &Request) -> Result<(), Error> {
    let text = serde_json::to_string(request).expect("a request has no map with keys that are not texts");
    match timeout(Signalling::WRITE_LIMIT, sink.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(cause)) => Err(error::broken(&cause)),
        Err(_) => Err(Error::new(Code::SocketDisconnected, "The channel service does not read.")),
    }
}

/// The message of this protocol in a WebSocket message, if it is one.
fn take(message: Option<Result<Message, tungstenite::Error>>) -> Result<Option<Incoming>, Error> {
    match message {
        Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
            Ok(incoming) => Ok(Some(incoming)),
            Err(cause) => {
                tracing::warn!(%cause, "dropped a message that is not of this protocol");
                Ok(None)
            }
        },
        Some(Ok(Message::Close(frame))) => {
            let reason = frame.map(|frame| frame.reason.to_string()).filter(|reason| !reason.is_empty());
            Err(Error::new(Code::SocketDisconnected, reason.unwrap_or_else(|| "The channel service closed the connection.".into())))
        }
        // The WebSocket layer answers pings; nothing else has a meaning here.
        Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Err(cause)) => Err(error::broken(&cause)),
        None => Err(Error::new(Code::SocketDisconnected, "The channel service closed the connection.")),
    }
}

/// Sends a close frame and reads on until the service's, so that nothing sent before is lost to a reset.
async fn say_goodbye(mut sink: SplitSink<Socket, Message>, mut stream: SplitStream<Socket>) {
    let goodbye = async {
        if sink.close().await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A service that does not answer is left behind.
    let _ = timeout(Signalling::CLOSE_LIMIT, goodbye).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::{Command, Event, Outcome, Reply, Success};
    use tokio::net::TcpListener;

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("ws://{}", listener.local_addr().unwrap());
        (listener, server)
    }

    /// A service that accepts one connection and hands it out raw.
    async fn accepted(listener: &TcpListener) -> WebSocketStream<TcpStream> {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    }

    fn ping(id: u32) -> Request {
        Request { id, command: Command::Ping }
    }

    #[tokio::test]
    async fn requests_go_out_in_order_even_when_the_handle_is_dropped() {
        let (listener, server) = listener().await;
        let mut signalling = Signalling::open(&server, None);
        let mut service = accepted(&listener).await;
        assert_eq!(signalling.recv().await, Some(Report::Opened));
        assert_eq!(signalling.local_address(), Some(IpAddr::from([127, 0, 0, 1])));
        for id in 0..10 {
            signalling.send(ping(id)).unwrap();
        }
        drop(signalling);
        for id in 0..10 {
            let Some(Ok(Message::Text(text))) = service.next().await else { panic!("{id} is missing") };
            assert_eq!(serde_json::from_str::<Request>(text.as_str()).unwrap(), ping(id));
        }
        assert!(matches!(service.next().await, Some(Ok(Message::Close(_)))));
    }

    #[tokio::test]
    async fn messages_are_reported_and_garbage_is_dropped() {
        let (listener, server) = listener().await;
        let mut signalling = Signalling::open(&server, None);
        let mut service = accepted(&listener).await;
        assert_eq!(signalling.recv().await, Some(Report::Opened));
        service.send(Message::text("{\"event\":\"dance\"}")).await.unwrap();
        service.send(Message::text("[")).await.unwrap();
        service.send(Message::binary(vec![0, 1, 2])).await.unwrap();
        service.send(Message::text("{\"event\":\"draining\"}")).await.unwrap();
        service.send(Message::text("{\"id\":1,\"ok\":{}}")).await.unwrap();
        assert_eq!(signalling.recv().await, Some(Report::Message(Incoming::Event(Event::Draining))));
        let reply = Reply { id: 1, result: Outcome::Ok(Success::Done {}) };
        assert_eq!(signalling.recv().await, Some(Report::Message(Incoming::Reply(reply))));
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_ends_the_connection() {
        let (listener, server) = listener().await;
        let mut signalling = Signalling::open(&server, None);
        let mut service = accepted(&listener).await;
        assert_eq!(signalling.recv().await, Some(Report::Opened));
        service.send(Message::text("x".repeat(signal::MAX_MESSAGE + 1))).await.unwrap();
        let Some(Report::Closed(error)) = signalling.recv().await else { panic!("still open") };
        assert_eq!(error.code, Code::BadMessage);
        assert_eq!(signalling.recv().await, None);
    }

    #[tokio::test]
    async fn a_service_that_goes_away_is_reported_with_its_reason() {
        let (listener, server) = listener().await;
        let mut signalling = Signalling::open(&server, None);
        let mut service = accepted(&listener).await;
        assert_eq!(signalling.recv().await, Some(Report::Opened));
        let frame = tungstenite::protocol::CloseFrame {
            code: tungstenite::protocol::frame::coding::CloseCode::Away,
            reason: "The service stops.".into(),
        };
        service.close(Some(frame)).await.unwrap();
        let Some(Report::Closed(error)) = signalling.recv().await else { panic!("still open") };
        assert_eq!((error.code, error.message.as_str()), (Code::SocketDisconnected, "The service stops."));
    }

    #[tokio::test]
    async fn what_is_not_a_channel_service_is_told_apart() {
        use tokio::io::AsyncWriteExt;
        let (listener, server) = listener().await;
        let mut signalling = Signalling::open(&server, None);
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let Some(Report::Failed(error)) = signalling.recv().await else { panic!("opened") };
        assert_eq!(error.code, Code::PortTaken);
        // Bound, and not listened at: nobody answers there, and nobody else takes the port meanwhile.
        let nobody = tokio::net::TcpSocket::new_v4().unwrap();
        nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let server = format!("ws://{}", nobody.local_addr().unwrap());
        let Some(Report::Failed(error)) = Signalling::open(&server, None).recv().await else { panic!("opened") };
        assert_eq!(error.code, Code::SocketError);
        let Some(Report::Failed(error)) = Signalling::open("nonsense", None).recv().await else { panic!("opened") };
        assert_eq!(error.code, Code::InvalidParameter);
    }
}
