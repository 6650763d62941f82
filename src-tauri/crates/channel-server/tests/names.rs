//! Display names over real sockets: who hears of them, what is left of hostile ones, and how often they may change.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use channel_server::Config;
use serde_json::{Value, json};
use support::{Client, Service};

#[tokio::test]
async fn who_is_in_the_channel_and_who_comes_later_read_the_same_name() {
    let service = Service::start(Config::default()).await;
    let mut bob = Client::joined(&service, 2).await;
    let mut ana = Client::connect(&service).await;
    ana.join(json!({"uid": 1, "name": " Ana\u{202e}\n"})).await;
    assert_eq!(bob.event().await, json!({"event": "peer-online", "uid": 1, "name": "Ana"}));
    assert_eq!(ana.ask("set-name", json!({"name": "Ana María"})).await["ok"], json!({}));
    assert_eq!(bob.event().await, json!({"event": "peer-named", "uid": 1, "name": "Ana María"}));
    let mut cleo = Client::connect(&service).await;
    let joined = cleo.join(json!({"uid": 3})).await;
    let names: Vec<&Value> = joined["ok"]["peers"].as_array().unwrap().iter().map(|peer| &peer["name"]).collect();
    assert_eq!(names, [&json!("Ana María"), &Value::Null]);
    assert_eq!(bob.event().await, json!({"event": "peer-online", "uid": 3}), "a client without names reads what it always read");
    assert_eq!(ana.ask("set-name", json!({"name": ""})).await["ok"], json!({}));
    assert_eq!(bob.event().await, json!({"event": "peer-named", "uid": 1}));
}

#[tokio::test]
async fn a_hostile_name_is_cut_and_cleaned_and_never_refused() {
    let service = Service::start(Config::default()).await;
    let mut bob = Client::joined(&service, 2).await;
    let mut ana = Client::connect(&service).await;
    assert_eq!(ana.join(json!({"uid": 1, "name": "😀".repeat(10_000)})).await["ok"]["uid"], 1);
    assert_eq!(bob.event().await["name"], "😀".repeat(64));
    for (name, left) in [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u{2066}a\u{202e}b\u{0}c\u{feff}", "abc"),
        ("\"}],\"uid\":7", "\"}],\"uid\":7"),
    ] {
        assert_eq!(ana.ask("set-name", json!({"name": name})).await["ok"], json!({}), "{name:?}");
        assert_eq!(bob.event().await, json!({"event": "peer-named", "uid": 1, "name": left}));
    }
    assert_eq!(ana.ask("set-name", json!({"name": ["a"]})).await["error"]["code"], "BAD_MESSAGE");
}

#[tokio::test]
async fn a_name_that_changes_all_the_time_is_held_back() {
    let service = Service::start(Config::default()).await;
    let mut bob = Client::joined(&service, 2).await;
    let mut ana = Client::joined(&service, 1).await;
    let mut taken = 0;
    for n in 0..50 {
        let answer = ana.ask("set-name", json!({"name": format!("Ana {n}")})).await;
        match &answer["error"]["code"] {
            Value::Null => taken += 1,
            code => assert_eq!(code, "INVALID_OPERATION"),
        }
    }
    assert!((5..20).contains(&taken), "{taken} of 50 at once");
    assert_eq!(ana.ask("ping", json!({})).await["ok"], json!({}), "the connection goes on");
    assert_eq!(ana.ask("leave", json!({})).await["ok"], json!({}));
    let mut told = 0;
    loop {
        let event = bob.event().await;
        match event["event"].as_str().unwrap() {
            "peer-named" => told += 1,
            "peer-leave" => break,
            other => assert_eq!(other, "peer-online"),
        }
    }
    assert_eq!(told, taken, "each change was told once");
}

#[tokio::test]
async fn who_watches_a_live_channel_is_named_when_it_becomes_a_host() {
    let service = Service::start(Config::default()).await;
    let mut bob = Client::joined(&service, 2).await;
    let mut ana = Client::connect(&service).await;
    ana.join(json!({"uid": 1, "mode": "live", "name": "Ana"})).await;
    assert_eq!(ana.ask("set-name", json!({"name": "Ana María"})).await["ok"], json!({}));
    assert_eq!(ana.ask("set-role", json!({"role": "host"})).await["ok"], json!({}));
    assert_eq!(bob.event().await, json!({"event": "peer-online", "uid": 1, "name": "Ana María"}), "and unseen before");
}
