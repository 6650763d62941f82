//! A hundred people who join one channel at once, by real sockets: each gets in, under a uid of their own, and learns of all the others,
//! their names and both their streams.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use channel_server::Config;
use serde_json::{Value, json};
use support::{Client, Service};
use tokio::task::JoinSet;

const PEOPLE: usize = 100;

/// What one of them knows: who is there, by what name, with how many streams.
#[derive(Default)]
struct Known {
    names: BTreeMap<u64, Value>,
    streams: BTreeMap<u64, BTreeSet<String>>,
}

impl Known {
    fn is_complete(&self) -> bool {
        self.streams.len() == PEOPLE - 1 && self.streams.values().all(|streams| streams.len() == 2)
    }

    fn peer(&mut self, uid: &Value, name: &Value) {
        self.names.insert(uid.as_u64().unwrap(), name.clone());
    }

    fn stream(&mut self, id: &Value) {
        let source = id["source"].as_str().unwrap().to_owned();
        assert!(self.streams.entry(id["uid"].as_u64().unwrap()).or_default().insert(source), "each stream is told once: {id}");
    }

    fn hear(&mut self, event: &Value) {
        match event["event"].as_str().unwrap() {
            "peer-online" => self.peer(&event["uid"], &event["name"]),
            "stream-added" => self.stream(&event["stream"]["id"]),
            other => panic!("nobody does {other}"),
        }
    }
}

async fn come(address: std::net::SocketAddr, number: usize) -> (u64, Known) {
    let mut client = Client::connect_from(address, None).await.unwrap();
    let joined = client.join(json!({"name": format!("Person {number}")})).await;
    let uid = joined["ok"]["uid"].as_u64().unwrap_or_else(|| panic!("{joined}"));
    let mut known = Known::default();
    for peer in joined["ok"]["peers"].as_array().unwrap() {
        known.peer(&peer["uid"], &peer["name"]);
        peer["streams"].as_array().unwrap().iter().for_each(|stream| known.stream(&stream["id"]));
    }
    for source in ["camera", "screen"] {
        let stream = json!({"id": {"uid": uid, "source": source}, "audio": source == "camera", "video": true});
        assert_eq!(client.ask("publish", json!({"stream": stream})).await["ok"], json!({}));
    }
    while !known.is_complete() {
        known.hear(&client.event().await);
    }
    (uid, known)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_people_who_join_at_once_all_find_each_other() {
    let service = Service::start(Config::default()).await;
    let mut people = JoinSet::new();
    for number in 0..PEOPLE {
        people.spawn(come(service.address, number));
    }
    let arrived = people.join_all().await;
    let uids: BTreeSet<u64> = arrived.iter().map(|(uid, _)| *uid).collect();
    assert_eq!(uids.len(), PEOPLE);
    for (uid, known) in &arrived {
        let others: BTreeSet<u64> = uids.iter().copied().filter(|other| other != uid).collect();
        assert_eq!(known.names.keys().copied().collect::<BTreeSet<_>>(), others);
        assert!(known.names.values().all(|name| name.as_str().is_some_and(|name| name.starts_with("Person "))));
    }
}
