//! Roles and the ends of tokens over real sockets. Time is tokio's: held while people join, then it runs from timer to timer.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use channel_server::{
    Config, DEFAULT_APP_ID,
    projects::{Catalog, Project, Projects},
};
use serde_json::{Value, json};
use support::{Client, Service};

const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

/// A service with one project, which has a certificate, and nobody is gone for being silent.
async fn service() -> Service {
    let never = Duration::from_secs(3600);
    let project = Project::secured(DEFAULT_APP_ID.parse().unwrap(), CERTIFICATE).unwrap();
    let projects = Catalog::fixed(Projects::new([project]).unwrap());
    Service::start(Config { projects, silence_limit: never, join_limit: never, ..Config::default() }).await
}

fn token(uid: &str, role: token::Role, expire: u32) -> String {
    let credentials = token::Credentials::new(DEFAULT_APP_ID, CERTIFICATE).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    token::issue(&credentials, &token::Order { version: token::Version::V007, channel: "demo", uid, role, expire }, now, 1).unwrap()
}

async fn joined(service: &Service, fields: Value) -> (Client, Value) {
    let mut client = Client::connect(service).await;
    let joined = client.join(fields).await;
    assert!(joined["ok"].is_object(), "{joined}");
    (client, joined)
}

fn camera(uid: u32) -> Value {
    json!({"stream": {"id": {"uid": uid}, "audio": true, "video": true}})
}

fn code(reply: &Value) -> &str {
    reply["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn a_token_is_announced_to_end_and_ends_unless_it_is_renewed() {
    let service = service().await;
    let (mut ann, _) = joined(&service, json!({"uid": 1, "token": token("1", token::Role::Publisher, 60)})).await;
    let (mut bob, _) = joined(&service, json!({"uid": 2, "token": token("2", token::Role::Publisher, 60)})).await;
    ann.ask("publish", camera(1)).await;
    tokio::time::pause();
    let announced = bob.event().await;
    assert_eq!(announced["event"], "stream-added");
    for client in [&mut ann, &mut bob] {
        let event = loop {
            let event = client.event().await;
            if event["event"] != "peer-online" {
                break event;
            }
        };
        assert_eq!(event["event"], "token-will-expire");
        let ms = event["ms"].as_u64().unwrap();
        assert!((29_000..=30_000).contains(&ms), "told {ms} ms before");
    }

    assert_eq!(code(&ann.ask("renew-token", json!({"token": token("2", token::Role::Publisher, 3600)})).await), "NO_AUTHORIZED");
    assert_eq!(code(&ann.ask("renew-token", json!({"token": ""})).await), "ERR_DYNAMIC_USE_STATIC_KE");
    assert!(bob.ask("renew-token", json!({"token": token("2", token::Role::Publisher, 3600)})).await["ok"].is_object());

    let removed = ann.event().await;
    assert_eq!((removed["event"].as_str(), removed["error"]["code"].as_str()), (Some("removed"), Some("DYNAMIC_KEY_EXPIRED")));
    assert_eq!(ann.closed().await.unwrap().reason.as_str(), "The token has expired.");
    assert_eq!(bob.event().await["event"], "stream-removed");
    assert_eq!(bob.event().await, json!({"event": "peer-leave", "uid": 1, "reason": "Quit"}));
    assert!(bob.ask("ping", json!({})).await["ok"].is_object(), "who renewed stays");
}

#[tokio::test]
async fn a_session_does_not_stand_in_for_a_token() {
    let service = service().await;
    let (ann, joined) = joined(&service, json!({"uid": 1, "token": token("1", token::Role::Publisher, 60)})).await;
    drop(ann);
    let mut again = Client::connect(&service).await;
    let session = &joined["ok"]["session"];
    assert_eq!(code(&again.join(json!({"uid": 1, "session": session})).await), "ERR_DYNAMIC_USE_STATIC_KE");
    assert_eq!(
        code(&again.join(json!({"uid": 1, "session": session, "token": token("2", token::Role::Publisher, 60)})).await),
        "NO_AUTHORIZED"
    );
    let back = again.join(json!({"uid": 1, "session": session, "token": token("1", token::Role::Subscriber, 60)})).await;
    assert_eq!((&back["ok"]["resumed"], &back["ok"]["uid"]), (&json!(true), &json!(1)));
    assert_eq!(code(&again.ask("publish", camera(1)).await), "NO_AUTHORIZED", "the newer token counts");
}

#[tokio::test]
async fn in_live_mode_only_hosts_are_seen_and_only_publishers_become_hosts() {
    let service = service().await;
    let live = |uid: u32, role| json!({"uid": uid, "mode": "live", "token": token(&uid.to_string(), role, 600)});
    let (mut watcher, entered) = joined(&service, live(1, token::Role::Subscriber)).await;
    let (mut host, _) = joined(&service, live(2, token::Role::Publisher)).await;
    assert_eq!((&entered["ok"]["role"], &entered["ok"]["may_publish"]["audio"]), (&json!("audience"), &json!(false)));
    assert_eq!(code(&watcher.ask("set-role", json!({"role": "host"})).await), "NO_AUTHORIZED");
    host.ask("set-role", json!({"role": "host"})).await;
    assert_eq!(host.heard(), [json!({"event": "role-changed", "role": "host"})]);
    assert_eq!(watcher.event().await, json!({"event": "peer-online", "uid": 2}));
    host.ask("publish", camera(2)).await;
    host.ask("set-role", json!({"role": "audience"})).await;
    let heard = [watcher.event().await, watcher.event().await, watcher.event().await];
    assert_eq!(heard.each_ref().map(|event| event["event"].as_str().unwrap()), ["stream-added", "stream-removed", "peer-leave"]);
    assert_eq!(heard[2]["reason"], "BecomeAudience");
}
