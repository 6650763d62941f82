//! A service on a free port and clients that speak to it over real sockets.

#![allow(dead_code, reason = "each test file uses its part of this")]

pub mod folder;
pub mod log;

use std::net::SocketAddr;

use channel_server::{Config, Listener};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use signal::{Event, Incoming, Reply, VERSION};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

pub struct Service {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), channel_server::Error>>,
}

impl Service {
    pub async fn start(config: Config) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), config).await
    }

    pub async fn start_at(address: SocketAddr, config: Config) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::start_on(address, vec![listener.into()], config)
    }

    /// Serves on all `listeners`, the main one of which has this address.
    pub fn start_on(address: SocketAddr, listeners: Vec<Listener>, config: Config) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            channel_server::serve_on(listeners, config, async {
                let _ = stopped.await;
            })
            .await
        });
        Self { address, stop, task }
    }

    /// Begins the shutdown; the task ends when it is done.
    pub fn shut_down(self) -> JoinHandle<Result<(), channel_server::Error>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
    events: Vec<Event>,
}

impl Client {
    pub async fn connect(service: &Service) -> Self {
        Self::connect_from(service.address, None).await.unwrap()
    }

    /// Connects as a page of `origin` would.
    pub async fn connect_from(address: SocketAddr, origin: Option<&str>) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{}", signal::PATH).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Self::over(socket))
    }

    /// A client on a WebSocket that is open already.
    pub fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, next_id: 1, events: Vec::new() }
    }

    /// Connects and joins as `uid`.
    pub async fn joined(service: &Service, uid: u32) -> Self {
        let mut client = Self::connect(service).await;
        let joined = client.join(json!({"uid": uid})).await;
        assert_eq!(joined["ok"]["uid"], uid, "{joined}");
        client
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a command and waits for its reply; events that come before it wait for [`Self::event`].
    pub async fn ask(&mut self, op: &str, fields: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let mut request = json!({"id": id, "op": op});
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.send_text(request.to_string()).await;
        serde_json::to_value(self.reply(id).await).unwrap()
    }

    pub async fn join(&mut self, fields: Value) -> Value {
        let mut join = json!({"version": VERSION, "app_id": channel_server::DEFAULT_APP_ID, "channel": "demo"});
        join.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.ask("join", join).await
    }

    pub async fn reply(&mut self, id: u32) -> Reply {
        loop {
            match self.incoming().await {
                Incoming::Reply(reply) if reply.id == id => return reply,
                Incoming::Reply(reply) => panic!("an unexpected reply {reply:?}"),
                Incoming::Event(event) => self.events.push(event),
            }
        }
    }

    /// The next event, as JSON.
    pub async fn event(&mut self) -> Value {
        let event = if self.events.is_empty() {
            match self.incoming().await {
                Incoming::Event(event) => event,
                Incoming::Reply(reply) => panic!("an unexpected reply {reply:?}"),
            }
        } else {
            self.events.remove(0)
        };
        serde_json::to_value(event).unwrap()
    }

    /// The next event of this name, as JSON; others before it are passed over.
    pub async fn event_named(&mut self, name: &str) -> Value {
        loop {
            let event = self.event().await;
            if event["event"] == name {
                return event;
            }
        }
    }

    async fn incoming(&mut self) -> Incoming {
        loop {
            match self.socket.next().await.expect("the connection is open").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The events that came while replies were waited for, as JSON.
    pub fn heard(&mut self) -> Vec<Value> {
        self.events.drain(..).map(|event| serde_json::to_value(event).unwrap()).collect()
    }

    /// How many messages come before the connection ends.
    pub async fn read_all(&mut self) -> usize {
        let mut count = 0;
        while let Some(Ok(_)) = self.socket.next().await {
            count += 1;
        }
        count
    }

    /// Reads on until the service closes the connection.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        let mut closing = None;
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Close(frame) = message {
                closing = frame;
            }
        }
        closing
    }
}

/// Asks over plain HTTP and reads to the end: the status, and the body.
pub async fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}
