//! A channel service and clients in one process, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use channel_server::{DEFAULT_APP_ID, Listener};
use client::{
    Client, Config, ConnectionState, Error, Event, Events, LocalStream, Mode, RemoteStream, StreamId, StreamSpec, SubscribeOptions, Uid,
};
use media::VideoFrame;
use media::latest::{Next, Reader};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take before a test is lost. Nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A channel service on this machine.
pub struct Service {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Service {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        Self::start_on(address, Self::config(), Listener::plain).await
    }

    pub async fn start_with(config: channel_server::Config) -> Self {
        Self::start_on("127.0.0.1:0".parse().unwrap(), config, Listener::plain).await
    }

    /// A configuration that stops at once.
    pub fn config() -> channel_server::Config {
        channel_server::Config { drain: Duration::ZERO, ..channel_server::Config::default() }
    }

    /// Starts what `door` makes of the bound address.
    pub async fn start_on(address: SocketAddr, config: channel_server::Config, door: impl FnOnce(TcpListener) -> Listener) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let listener = door(socket);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            channel_server::serve_on(vec![listener], config, async { drop(stopped.await) }).await.unwrap();
        });
        Self { address, stop, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops the service; answers where it was.
    pub async fn stop(self) -> SocketAddr {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        self.address
    }
}

/// A client, its events, and the streams that they have told of.
pub struct Person {
    pub client: Client,
    events: Events,
    added: Vec<StreamId>,
}

impl Person {
    pub fn new(server: &str) -> Self {
        Self::in_mode(server, Mode::default())
    }

    pub fn in_mode(server: &str, mode: Mode) -> Self {
        Self::with_config(Config { server: server.into(), mode, ..Config::default() })
    }

    pub fn with_config(config: Config) -> Self {
        let (client, events) = Client::with_config(Config { speaker: "none".into(), ..config });
        Self { client, events, added: Vec::new() }
    }

    pub async fn joined(server: &str, uid: u32) -> Self {
        let person = Self::new(server);
        person.join(uid).await.unwrap();
        person
    }

    pub async fn join(&self, uid: u32) -> Result<Uid, Error> {
        self.client.init(DEFAULT_APP_ID).await?;
        patiently("join", self.client.join(None, "demo", Some(number(uid)))).await
    }

    /// Publishes the test pattern and tone.
    pub async fn publish(&self) -> LocalStream {
        let stream = pattern();
        let report = patiently("init", stream.init()).await.unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
        patiently("publish", self.client.publish(&stream)).await.unwrap();
        stream
    }

    /// Publishes a small test pattern and the tone.
    pub async fn publish_small(&self) -> LocalStream {
        let video_profile = "160x120@15:65".parse().unwrap();
        let (camera_id, microphone_id) = (Some("pattern".into()), Some("tone".into()));
        let stream = LocalStream::create(StreamSpec { camera_id, microphone_id, video_profile, ..StreamSpec::default() });
        patiently("init", stream.init()).await.unwrap();
        patiently("publish", self.client.publish(&stream)).await.unwrap();
        stream
    }

    /// Waits for an event; others are passed over.
    pub async fn event<T>(&mut self, what: &str, mut find: impl FnMut(Event) -> Option<T>) -> T {
        patiently(what, async {
            loop {
                let event = self.events.recv().await.expect("the client lives");
                if let Event::StreamAdded { stream } = &event {
                    self.added.push(stream.id.clone());
                }
                if let Some(found) = find(event) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits until the service is lost and back.
    pub async fn connected_again(&mut self) {
        for wanted in [ConnectionState::Connecting, ConnectionState::Connected] {
            let is_wanted = |event| matches!(event, Event::ConnectionStateChange { cur, .. } if cur == wanted).then_some(());
            self.event("the service's loss and return", is_wanted).await;
        }
    }

    /// Waits for `uid`'s camera and subscribes to it; its media flows when this returns.
    pub async fn watch(&mut self, uid: u32) -> RemoteStream {
        self.watch_stream(StreamId::camera(number(uid))).await
    }

    /// The same with any stream.
    pub async fn watch_stream(&mut self, wanted: StreamId) -> RemoteStream {
        while !self.added.contains(&wanted) {
            self.event("stream-added", |event| matches!(event, Event::StreamAdded { .. }).then_some(())).await;
        }
        patiently("subscribe", self.client.subscribe(&wanted, SubscribeOptions::default())).await.unwrap();
        self.event("stream-subscribed", |event| match event {
            Event::StreamSubscribed { stream } if stream.id() == wanted => Some(stream),
            _ => None,
        })
        .await
    }
}

/// A stream of the test pattern and the tone.
pub fn pattern() -> LocalStream {
    LocalStream::create(StreamSpec {
        audio: true,
        video: true,
        camera_id: Some("pattern".into()),
        microphone_id: Some("tone".into()),
        ..StreamSpec::default()
    })
}

pub fn number(uid: u32) -> Uid {
    Uid::number(uid).unwrap()
}

pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took more than {PATIENCE:?}"))
}

/// Waits for `count` frames that come from now on.
pub async fn frames(stream: &RemoteStream, count: usize) -> Vec<VideoFrame> {
    let reader = stream.frames();
    tokio::task::spawn_blocking(move || read(reader, count)).await.unwrap()
}

fn read(mut reader: Reader<VideoFrame>, count: usize) -> Vec<VideoFrame> {
    // What is there already is not new.
    let _ = reader.next(Duration::ZERO);
    (0..count)
        .map(|n| match reader.next(PATIENCE) {
            Next::Value(frame) => frame,
            Next::Timeout => panic!("no frame {n} in {PATIENCE:?}"),
            Next::Closed => panic!("the stream ended before frame {n}"),
        })
        .collect()
}
