//! STUN and TURN as they are handed out, by real sockets.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use channel_server::{Config, Turn};
use serde_json::{Value, json};
use signal::IceServer;
use support::{Client, Service};

fn expiry(server: &Value, uid: u32) -> u64 {
    let username = server["username"].as_str().unwrap();
    let (expiry, whose) = username.split_once(':').unwrap();
    assert_eq!(whose, uid.to_string());
    expiry.parse().unwrap()
}

#[tokio::test]
async fn everyone_who_joins_gets_credentials_of_their_own() {
    let stun = IceServer { urls: vec!["stun:stun.example.org:3478".into()], username: None, credential: None };
    let turn = Turn { urls: vec!["turn:turn.example.org:3478".into()], secret: "north".into(), ttl: Duration::from_secs(3600) };
    let service = Service::start(Config { ice_servers: vec![stun], turn: Some(turn), ..Config::default() }).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut credentials = Vec::new();
    for uid in [1, 2] {
        let mut client = Client::connect(&service).await;
        let joined = client.join(json!({"uid": uid})).await;
        let servers = &joined["ok"]["ice_servers"];
        assert_eq!(servers[0], json!({"urls": ["stun:stun.example.org:3478"]}));
        assert_eq!(servers[1]["urls"], json!(["turn:turn.example.org:3478"]));
        assert!((now + 3600..now + 3700).contains(&expiry(&servers[1], uid)), "{joined}");
        credentials.push(servers[1]["credential"].clone());
    }
    assert_ne!(credentials[0], credentials[1]);
}

#[tokio::test]
async fn credentials_are_renewed_before_they_end() {
    let turn = Turn { urls: vec!["turn:turn.example.org:3478".into()], secret: "north".into(), ttl: Duration::from_millis(20) };
    let service = Service::start(Config { turn: Some(turn), ..Config::default() }).await;
    let mut ann = Client::joined(&service, 7).await;
    let renewed = ann.event().await;
    assert_eq!(renewed["event"], "ice-servers");
    expiry(&renewed["ice_servers"][0], 7);
}
