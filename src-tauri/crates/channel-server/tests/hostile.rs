//! Clients that mean harm, over real sockets: each is bounded, and none is noticed by the others.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::time::Duration;

use channel_server::Config;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use support::{Client, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

fn patient() -> Config {
    Config { silence_limit: NEVER, join_limit: NEVER, drain: Duration::ZERO, ..Config::default() }
}

fn fragment(length: usize, kind: Data, last: bool) -> Message {
    Message::Frame(Frame::message(vec![b'x'; length], OpCode::Data(kind), last))
}

#[tokio::test]
async fn a_message_that_never_ends_is_cut_off_at_its_bound() {
    let service = Service::start(patient()).await;
    let mut watcher = Client::joined(&service, 1).await;
    let mut endless = Client::joined(&service, 2).await;
    endless.socket.send(fragment(16 * 1024, Data::Text, false)).await.unwrap();
    let (mut sink, mut stream) = endless.socket.split();
    let send = async {
        // Ends with the connection.
        while sink.send(fragment(16 * 1024, Data::Continue, false)).await.is_ok() {}
    };
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code);
            }
        }
        None
    };
    let (_, code) = tokio::join!(send, read);
    // The close frame is there unless a reset overtakes it.
    assert!(code.is_none_or(|code| code == CloseCode::Size), "{code:?}");
    assert_eq!(watcher.ask("ping", json!({})).await["ok"], json!({}));
}

#[tokio::test]
async fn who_floods_with_pings_and_reads_nothing_is_gone_after_the_silence() {
    let mut config = Config { silence_limit: Duration::from_secs(1), ..patient() };
    config.limits.messages = 1_000_000;
    let service = Service::start(config).await;
    let mut watcher = Client::joined(&service, 1).await;
    let mut flood = Client::joined(&service, 2).await;
    let flooding = async { while flood.socket.feed(Message::Ping(vec![0; 125].into())).await.is_ok() {} };
    let watching = async {
        // The watcher's own signs of life pace this loop.
        while !watcher.heard().contains(&json!({"event": "peer-leave", "uid": 2, "reason": "ServerTimeOut"})) {
            assert_eq!(watcher.ask("ping", json!({})).await["ok"], json!({}));
        }
    };
    tokio::select! {
        () = watching => {}
        () = async { flooding.await; std::future::pending().await } => {}
    }
}

#[tokio::test]
async fn a_thousand_connections_that_say_nothing_are_not_in_the_way() {
    let limits = Config { request_limit: Duration::from_millis(500), join_limit: Duration::from_millis(500), ..patient() };
    let service = Service::start(limits).await;
    let mut mute = Vec::new();
    for number in 0..1_000 {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        // Some say nothing at all, some begin a request, and some open a WebSocket and join nothing.
        let said: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /v1/channel HTTP/1.1\r\nHost: x\r\n",
            _ => {
                b"GET /v1/channel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            }
        };
        stream.write_all(said).await.unwrap();
        mute.push(stream);
    }
    let mut ann = Client::joined(&service, 1).await;
    for mut stream in mute {
        let mut rest = Vec::new();
        // Closed or reset: either is an end.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() < 512);
    }
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}), "who joined stays");
}
