//! The limits before and around channels, by real sockets: each with its code. Those of a channel are in `service.rs`.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::time::Duration;

use channel_server::{Config, Limits, Listener};
use serde_json::{Value, json};
use support::{Client, Service, get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Error;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn code(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["code"].clone()
}

fn limited(limits: Limits) -> Config {
    Config { limits, proxies: channel_server::Proxies::new(["127.0.0.0/8".parse().unwrap()]), ..Config::default() }
}

#[tokio::test]
async fn an_address_that_connects_too_often_is_told_to_wait() {
    let service = Service::start(limited(Limits { connections_per_minute: 2, ..Limits::default() })).await;
    let from = async |address: &str| get(service.address, signal::HEALTH_PATH, &format!("X-Forwarded-For: {address}\r\n")).await;
    assert_eq!(from("192.0.2.1").await.0, 200);
    assert_eq!(from("6.6.6.6, 192.0.2.1").await.0, 200);
    let (status, body) = from("192.0.2.1").await;
    assert_eq!((status, code(&body)), (429, json!("JOIN_TOO_FREQUENT")));
    assert_eq!(from("192.0.2.2").await.0, 200);
    assert_eq!(from("2001:db8::1").await.0, 200);
    assert_eq!(from("2001:db8::2").await.0, 200);
    assert_eq!(from("2001:db8::3").await.0, 429);
}

#[tokio::test]
async fn a_header_from_whom_nobody_trusts_counts_for_nothing() {
    let limits = Limits { connections_per_minute: 1, ..Limits::default() };
    let service = Service::start(Config { limits, ..Config::default() }).await;
    for _ in 0..3 {
        assert_eq!(get(service.address, signal::HEALTH_PATH, "X-Forwarded-For: 192.0.2.1\r\n").await.0, 200);
    }
}

#[tokio::test]
async fn a_full_service_says_so_until_someone_goes() {
    let service = Service::start(limited(Limits { connections: 1, ..Limits::default() })).await;
    let mut ann = Client::joined(&service, 1).await;
    let (status, body) = get(service.address, signal::HEALTH_PATH, "").await;
    assert_eq!((status, code(&body)), (503, json!("K_SERVICE_TOO_HEAVY")));
    match Client::connect_from(service.address, None).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("let in: {:?}", other.map(|_| ())),
    }
    assert_eq!(ann.ask("leave", json!({})).await["ok"], json!({}));
    ann.socket.close(None).await.unwrap();
    ann.closed().await;
    timeout(PATIENCE, async { while get(service.address, signal::HEALTH_PATH, "").await.0 != 200 {} }).await.expect("there is room again");
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let service = Service::start(Config { request_limit: Duration::from_millis(200), ..Config::default() }).await;
    let mut ann = Client::joined(&service, 1).await;
    for beginning in [&b""[..], b"GET /v1/health HTT", b"GET /v1/health HTTP/1.1\r\nX-A: b\r\n"] {
        let mut slow = TcpStream::connect(service.address).await.unwrap();
        slow.write_all(beginning).await.unwrap();
        let mut answer = String::new();
        let _ = timeout(PATIENCE, slow.read_to_string(&mut answer)).await.expect("the service ends it");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    let mut long = TcpStream::connect(service.address).await.unwrap();
    let head = format!("GET /v1/health HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(64 * 1024));
    let _ = long.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, long.read_to_end(&mut answer)).await.expect("the service ends it");
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}), "who is in goes on");
}

#[tokio::test]
async fn metrics_are_read_at_the_private_address_only() {
    let (public, private) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (public_at, private_at) = (public.local_addr().unwrap(), private.local_addr().unwrap());
    let service =
        Service::start_on(public_at, vec![public.into(), Listener::private(private)], Config { drain: PATIENCE, ..Config::default() });
    let mut ann = Client::joined(&service, 1).await;
    assert!(ann.join(json!({"uid": 1})).await["error"].is_object());
    let mut bob = Client::connect(&service).await;
    assert_eq!(bob.join(json!({"uid": 1})).await["error"]["code"], "UID_CONFLICT");
    let (status, page) = get(private_at, "/metrics", "").await;
    assert_eq!(status, 200);
    for expected in [
        "visavis_connections 2",
        "visavis_channels 1",
        "visavis_members 1",
        "visavis_draining 0",
        "visavis_joins_total{code=\"OK\"} 1",
        "visavis_joins_total{code=\"UID_CONFLICT\"} 1",
        "visavis_messages_received_total 3",
    ] {
        assert!(page.lines().any(|line| line == expected), "{expected} is not in\n{page}");
    }
    assert_eq!(get(public_at, "/metrics", "").await.0, 404);
    assert_eq!(get(private_at, signal::PATH, "").await.0, 404);
    assert_eq!(get(private_at, signal::HEALTH_PATH, "").await.0, 200);

    let ended = service.shut_down();
    assert_eq!(ann.event().await, json!({"event": "draining"}));
    assert_eq!(get(public_at, signal::HEALTH_PATH, "").await.0, 503, "a load balancer sends nobody new");
    assert!(get(private_at, "/metrics", "").await.1.contains("visavis_draining 1"));
    drop((ann, bob));
    ended.await.unwrap().unwrap();
}
