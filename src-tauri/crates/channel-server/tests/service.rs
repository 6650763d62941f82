//! The service over real sockets. Every wait is for a message; every time is the service's own, from its configuration.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use channel_server::{
    Config, DEFAULT_APP_ID, Limits,
    projects::{Catalog, Project, Projects},
};
use futures_util::SinkExt;
use serde_json::{Value, json};
use support::{Client, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

fn patient() -> Config {
    Config { silence_limit: NEVER, join_limit: NEVER, drain: NEVER, ..Config::default() }
}

fn camera(uid: u32) -> Value {
    json!({"id": {"uid": uid, "source": "camera"}, "audio": true, "video": true, "audio_muted": false, "video_muted": false})
}

fn code(reply: &Value) -> &str {
    reply["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn two_people_meet_publish_subscribe_and_leave() {
    let service = Service::start(patient()).await;
    let mut ann = Client::joined(&service, 1).await;
    ann.ask("publish", json!({"stream": camera(1)})).await;
    let mut bob = Client::connect(&service).await;
    let joined = bob.join(json!({})).await;
    assert_eq!(joined["ok"]["peers"], json!([{"uid": 1, "streams": [camera(1)]}]));
    let bobs_uid = joined["ok"]["uid"].clone();
    assert_eq!(ann.event().await, json!({"event": "peer-online", "uid": bobs_uid}));

    let subscription = "00112233445566778899aabbccddeeff";
    bob.ask("subscribe", json!({"subscription": subscription, "stream": {"uid": 1}, "offer": "v=0"})).await;
    let asked = ann.event().await;
    assert_eq!((&asked["event"], &asked["subscriber"], &asked["offer"]), (&json!("subscribe"), &bobs_uid, &json!("v=0")));
    ann.ask("answer", json!({"subscription": subscription, "answer": "v=1"})).await;
    ann.ask("candidate", json!({"subscription": subscription, "candidate": {"candidate": "candidate:1"}})).await;
    assert_eq!(bob.event().await, json!({"event": "answer", "subscription": subscription, "answer": "v=1"}));
    assert_eq!(bob.event().await["candidate"]["candidate"], "candidate:1");

    ann.ask("mute", json!({"stream": {"uid": 1}, "audio": true, "video": false})).await;
    assert_eq!(bob.event().await["stream"]["audio_muted"], true);
    ann.ask("leave", json!({})).await;
    assert_eq!(bob.event().await["event"], "unsubscribe");
    assert_eq!(bob.event().await["event"], "stream-removed");
    assert_eq!(bob.event().await, json!({"event": "peer-leave", "uid": 1, "reason": "Quit"}));
    assert_eq!(ann.join(json!({"uid": 1})).await["ok"]["uid"], 1, "a connection may join again");
}

#[tokio::test]
async fn channels_and_their_people_are_apart() {
    let service = Service::start(patient()).await;
    let mut ann = Client::joined(&service, 1).await;
    let mut bob = Client::connect(&service).await;
    let joined = bob.join(json!({"uid": 1, "channel": "other"})).await;
    assert_eq!(joined["ok"]["peers"], json!([]));
    bob.ask("publish", json!({"stream": camera(1)})).await;
    ann.ask("ping", json!({})).await;
    let _cat = Client::joined(&service, 2).await;
    assert_eq!(ann.event().await, json!({"event": "peer-online", "uid": 2}), "the first that ann hears of");
}

#[tokio::test]
async fn a_broken_connection_comes_back_unnoticed() {
    let service = Service::start(patient()).await;
    let mut ann = Client::connect(&service).await;
    let joined = ann.join(json!({"uid": 1})).await;
    ann.ask("publish", json!({"stream": camera(1)})).await;
    let mut bob = Client::joined(&service, 2).await;
    drop(ann);
    let mut ann = Client::connect(&service).await;
    let again = ann.join(json!({"session": joined["ok"]["session"]})).await;
    assert_eq!((&again["ok"]["uid"], &again["ok"]["resumed"]), (&json!(1), &json!(true)));
    ann.ask("unpublish", json!({"stream": {"uid": 1}})).await;
    assert_eq!(bob.event().await, json!({"event": "peer-online", "uid": 1}), "the first that bob hears of: who gave up tries again");
    assert_eq!(bob.event().await["event"], "stream-removed");
}

#[tokio::test]
async fn the_newer_connection_of_a_session_removes_the_older() {
    let service = Service::start(patient()).await;
    let mut old = Client::connect(&service).await;
    let joined = old.join(json!({"uid": 1})).await;
    let mut new = Client::connect(&service).await;
    assert_eq!(new.join(json!({"uid": 1, "session": joined["ok"]["session"]})).await["ok"]["resumed"], true);
    let removed = old.event().await;
    assert_eq!((&removed["event"], &removed["error"]["code"]), (&json!("removed"), &json!("UID_CONFLICT")));
    assert_eq!(old.closed().await.unwrap().code, CloseCode::Policy);
}

#[tokio::test]
async fn the_silent_and_the_broken_are_gone_after_the_limit() {
    let service = Service::start(Config { silence_limit: Duration::from_millis(400), ..patient() }).await;
    let mut silent = Client::joined(&service, 1).await;
    silent.ask("publish", json!({"stream": camera(1)})).await;
    let broken = Client::joined(&service, 2).await;
    let mut watcher = Client::joined(&service, 3).await;
    drop(broken);
    // The watcher's own signs of life pace this loop; it ends when both are gone.
    let mut gone = Vec::new();
    while gone.len() < 3 {
        watcher.ask("ping", json!({})).await;
        gone.extend(watcher.heard());
    }
    gone.sort_by_key(|event| event["uid"].as_u64());
    let left = |uid| json!({"event": "peer-leave", "uid": uid, "reason": "ServerTimeOut"});
    assert_eq!(gone, [json!({"event": "stream-removed", "stream": {"uid": 1, "source": "camera"}}), left(1), left(2)]);
    assert_eq!(silent.closed().await.unwrap().code, CloseCode::Policy);
}

#[tokio::test]
async fn after_a_restart_people_take_their_uids_back() {
    let service = Service::start(patient()).await;
    let address = service.address;
    let mut ann = Client::connect(&service).await;
    let session = ann.join(json!({"uid": 7})).await["ok"]["session"].clone();
    let ended = service.shut_down();
    assert_eq!(ann.event().await, json!({"event": "draining"}));
    drop(ann);
    ended.await.unwrap().unwrap();
    let service = Service::start_at(address, patient()).await;
    let mut ann = Client::connect(&service).await;
    let joined = ann.join(json!({"uid": 7, "session": session})).await;
    assert_eq!((&joined["ok"]["uid"], &joined["ok"]["resumed"]), (&json!(7), &json!(false)));
    assert_ne!(joined["ok"]["session"], session);
}

#[tokio::test]
async fn a_draining_service_tells_everyone_and_takes_nobody() {
    let service = Service::start(patient()).await;
    let mut ann = Client::joined(&service, 1).await;
    let mut bob = Client::connect(&service).await;
    let ended = service.shut_down();
    assert_eq!(ann.event().await, json!({"event": "draining"}));
    assert_eq!(bob.event().await, json!({"event": "draining"}));
    assert_eq!(code(&bob.join(json!({})).await), "K_SERVICE_NOT_READY");
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}), "who is in goes on");
    drop((ann, bob));
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_that_stops_closes_politely() {
    let service = Service::start(Config { drain: Duration::ZERO, ..patient() }).await;
    let mut ann = Client::joined(&service, 1).await;
    let ended = service.shut_down();
    assert_eq!(ann.closed().await.unwrap().code, CloseCode::Away);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn each_wrong_join_has_its_code() {
    let off = Project::open("0".repeat(32).parse().unwrap()).disabled();
    let mut config = Config { projects: Catalog::fixed(Projects::new([Project::local(), off]).unwrap()), ..patient() };
    config.limits = Limits { joins: 100, channels: 1, members: 1, ..config.limits };
    let service = Service::start(config).await;
    let mut client = Client::connect(&service).await;
    let cases = [
        (json!({"version": 99}), "UNSUPPORTED_VERSION"),
        (json!({"app_id": "short"}), "INVALID_VENDOR_KEY"),
        (json!({"app_id": "f".repeat(32)}), "INVALID_VENDOR_KEY"),
        (json!({"app_id": "0".repeat(32)}), "INVALID_VENDOR_KEY"),
        (json!({"channel": "no/slash"}), "INVALID_CHANNEL_NAME"),
        (json!({"uid": -5}), "ERR_INVALID_UID"),
        (json!({"session": 5}), "INVALID_PARAMETER"),
        (json!({"token": "of another project"}), "ERR_STATIC_USE_DYANMIC_KE"),
    ];
    for (fields, expected) in cases {
        let reply = client.join(fields.clone()).await;
        assert_eq!(code(&reply), expected, "{fields}");
        assert!(reply["error"]["message"].as_str().unwrap().len() > 10, "a code comes with a sentence");
    }
    assert_eq!(code(&client.ask("publish", json!({"stream": camera(1)})).await), "INVALID_OPERATION");
    assert_eq!(client.join(json!({"uid": 0, "token": ""})).await["ok"]["resumed"], false);
    assert_eq!(code(&client.join(json!({})).await), "ERR_REPEAT_JOIN");
    let mut other = Client::connect(&service).await;
    assert_eq!(code(&other.join(json!({})).await), "ERR_TOO_MANY_USERS");
    assert_eq!(code(&other.join(json!({"channel": "second"})).await), "K_SERVICE_TOO_HEAVY");
}

#[tokio::test]
async fn too_many_joins_are_told_to_wait() {
    let mut config = patient();
    config.limits.joins = 2;
    let service = Service::start(config).await;
    let mut client = Client::connect(&service).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(code(&client.join(json!({"app_id": "f".repeat(32)})).await).to_owned());
    }
    assert_eq!(codes, ["INVALID_VENDOR_KEY", "INVALID_VENDOR_KEY", "JOIN_TOO_FREQUENT"]);
}

#[tokio::test]
async fn garbage_is_answered_and_too_much_of_it_closes() {
    let mut config = patient();
    config.limits.mistakes = 3;
    let service = Service::start(config).await;
    let mut client = Client::joined(&service, 1).await;
    client.send_text("what?").await;
    client.send_text(r#"{"id": 77, "op": "dance"}"#).await;
    client.socket.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    for id in [0, 77, 0] {
        assert_eq!(client.reply(id).await.into_result().unwrap_err().code, signal::Code::BadMessage);
    }
    assert_eq!(client.ask("ping", json!({})).await["ok"], json!({}), "small mistakes are forgiven");
    client.send_text("[]").await;
    assert_eq!(client.closed().await.unwrap().code, CloseCode::Policy);
}

#[tokio::test]
async fn an_oversized_message_closes_with_a_reason() {
    let service = Service::start(patient()).await;
    let mut watcher = Client::joined(&service, 1).await;
    for size in [signal::MAX_MESSAGE + 1, 4 * signal::MAX_MESSAGE] {
        let mut client = Client::connect(&service).await;
        client.send_text("x".repeat(size)).await;
        let frame = client.closed().await.unwrap();
        assert_eq!(frame.code, CloseCode::Size);
        assert!(frame.reason.contains("131072"));
    }
    // Larger still is not read at all: the connection ends, with a frame or by a reset.
    let mut client = Client::connect(&service).await;
    let _ = client.socket.send(Message::text("x".repeat(16 * signal::MAX_MESSAGE))).await;
    client.closed().await;
    assert_eq!(watcher.ask("ping", json!({})).await["ok"], json!({}));
}

#[tokio::test]
async fn no_message_grows_too_long_on_its_way() {
    let service = Service::start(patient()).await;
    let mut ann = Client::joined(&service, 1).await;
    ann.ask("publish", json!({"stream": camera(1)})).await;
    let mut bob = Client::joined(&service, 2).await;
    let subscription = "00112233445566778899aabbccddeeff";
    bob.ask("subscribe", json!({"subscription": subscription, "stream": {"uid": 1}, "offer": ""})).await;
    let candidate = |length| {
        json!({"id": 99, "op": "candidate", "subscription": subscription, "candidate": {"candidate": "x".repeat(length)}}).to_string()
    };
    let longest = signal::MAX_MESSAGE - 1024 - candidate(0).len();
    bob.send_text(candidate(longest)).await;
    assert!(bob.reply(99).await.into_result().is_ok());
    bob.send_text(candidate(longest + 1)).await;
    assert_eq!(bob.reply(0).await.into_result().unwrap_err().code, signal::Code::BadMessage);
    assert_eq!(ann.event().await["event"], "peer-online");
    assert_eq!(ann.event().await["event"], "subscribe");
    assert!(ann.event().await.to_string().len() < signal::MAX_MESSAGE);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_blocks_nobody() {
    let mut config = patient();
    config.limits.queue = 256 * 1024;
    config.limits.messages = 1_000_000;
    let service = Service::start(config).await;
    let mut ann = Client::joined(&service, 1).await;
    ann.ask("publish", json!({"stream": camera(1)})).await;
    let mut deaf = Client::joined(&service, 2).await;
    let subscription = "00112233445566778899aabbccddeeff";
    deaf.ask("subscribe", json!({"subscription": subscription, "stream": {"uid": 1}, "offer": ""})).await;
    // The deaf client's socket buffers take some megabytes; what comes after fills its queue. It is then away, which a resume shows.
    let answer = "x".repeat(60 * 1024);
    for _ in 0..400 {
        assert_eq!(ann.ask("answer", json!({"subscription": subscription, "answer": answer})).await["ok"], json!({}));
    }
    assert!(matches!(deaf.read_all().await, 1..400), "it got what fitted, and then an end");
}

#[tokio::test]
async fn a_faster_client_is_read_at_the_allowed_pace() {
    let mut config = patient();
    config.limits.messages = 50;
    let service = Service::start(config).await;
    let mut client = Client::joined(&service, 1).await;
    for _ in 0..80 {
        assert_eq!(client.ask("ping", json!({})).await["ok"], json!({}), "nothing is lost, only later");
    }
}

#[tokio::test]
async fn who_never_joins_is_closed() {
    let service = Service::start(Config { join_limit: Duration::from_millis(50), ..patient() }).await;
    let mut client = Client::connect(&service).await;
    assert_eq!(client.closed().await.unwrap().code, CloseCode::Policy);
}

#[tokio::test]
async fn pages_from_elsewhere_are_turned_away() {
    let service = Service::start(patient()).await;
    for ours in [None, Some("tauri://localhost"), Some("http://localhost:1420")] {
        assert!(Client::connect_from(service.address, ours).await.is_ok(), "{ours:?}");
    }
    match Client::connect_from(service.address, Some("https://example.org")).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("let in: {:?}", other.map(|_| ())),
    }
}

#[tokio::test]
async fn health_tells_what_this_is() {
    let service = Service::start(patient()).await;
    let mut stream = tokio::net::TcpStream::connect(service.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", signal::HEALTH_PATH);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let body = response.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(serde_json::from_str::<signal::Health>(body).unwrap(), signal::Health::ours());
}

#[tokio::test]
async fn a_project_with_a_certificate_needs_a_token() {
    let certificate = "5CFd2fd1755d40ecb72977518be15d3b";
    let project = Project::secured(DEFAULT_APP_ID.parse().unwrap(), certificate).unwrap();
    let service = Service::start(Config { projects: Catalog::fixed(Projects::new([project]).unwrap()), ..patient() }).await;
    let mut client = Client::connect(&service).await;
    assert_eq!(code(&client.join(json!({"uid": 1})).await), "ERR_DYNAMIC_USE_STATIC_KE");
    assert_eq!(code(&client.join(json!({"uid": 1, "token": "007nonsense"})).await), "INVALID_VENDOR_KEY");
    let credentials = token::Credentials::new(DEFAULT_APP_ID, certificate).unwrap();
    let order = token::Order { version: token::Version::V007, channel: "demo", uid: "1", role: token::Role::Subscriber, expire: 3600 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = token::issue(&credentials, &order, now, 1).unwrap();
    assert_eq!(code(&client.join(json!({"uid": 2, "token": token})).await), "NO_AUTHORIZED");
    assert_eq!(client.join(json!({"uid": 1, "token": token})).await["ok"]["uid"], 1);
    assert_eq!(code(&client.ask("publish", json!({"stream": camera(1)})).await), "NO_AUTHORIZED");
}

#[tokio::test]
async fn no_address_is_an_error() {
    let ended = channel_server::serve_all(vec![], patient(), std::future::pending()).await;
    assert!(matches!(ended, Err(channel_server::Error::NoListener)));
}
