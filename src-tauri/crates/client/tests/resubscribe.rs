//! What a subscription leaves behind: nothing. Alone in its process, because it counts what the process holds.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

use std::time::Duration;

use channel_server::DEFAULT_APP_ID;
use client::{Client, Config, Event, Events, LocalStream, StreamId, StreamSpec, SubscribeOptions, Uid};
use media::latest::Next;
use tokio::net::TcpListener;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
/// Subscriptions one after another: the first ones fill caches and pools.
const WARM_UP: usize = 15;
/// So many that half a picture left behind each time is more than the allocator's ups and downs, which are some 6 MB.
const ROUNDS: usize = 60;
/// A picture of the default profile, 640x480, in I420.
const PICTURE_KIB: usize = 640 * 480 * 3 / 2 / 1024;

/// What this process holds.
#[derive(Debug)]
struct Held {
    threads: usize,
    files: usize,
    resident_kib: usize,
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Held { threads: figure("Threads:"), files: std::fs::read_dir("/proc/self/fd").unwrap().count(), resident_kib: figure("VmRSS:") }
}

async fn joined(server: &str, uid: u32) -> (Client, Events) {
    let config = Config { server: server.into(), speaker: "none".into(), ..Config::default() };
    let (client, events) = Client::with_config(config);
    client.init(DEFAULT_APP_ID).await.unwrap();
    client.join(None, "again", Some(Uid::number(uid).unwrap())).await.unwrap();
    (client, events)
}

async fn wait_for(events: &mut Events, what: fn(&Event) -> bool) {
    let found = async { while !what(&events.recv().await.expect("the client lives")) {} };
    timeout(PATIENCE, found).await.expect("the event comes");
}

/// Subscribes, sees a picture, unsubscribes.
async fn round(client: &Client, events: &mut Events, stream: &StreamId) {
    timeout(PATIENCE, client.subscribe(stream, SubscribeOptions::default())).await.unwrap().unwrap();
    let mut frames = client.streams()[0].frames();
    tokio::task::spawn_blocking(move || assert!(matches!(frames.next(PATIENCE), Next::Value(_)))).await.unwrap();
    timeout(PATIENCE, client.unsubscribe(stream)).await.unwrap().unwrap();
    assert!(client.streams().is_empty());
    wait_for(events, |event| matches!(event, Event::StreamSubscribed { .. })).await;
}

/// The allocator keeps what a thread freed in that thread's arena, and every connection decodes in a thread of its own: with a single
/// arena, what is freed counts as free.
const ONE_ARENA: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

#[test]
fn subscribing_again_and_again_leaves_nothing_behind() {
    if std::env::var(ONE_ARENA.0).is_ok_and(|value| value == ONE_ARENA.1) {
        return tokio::runtime::Runtime::new().unwrap().block_on(subscribe_again_and_again());
    }
    let this = std::process::Command::new(std::env::current_exe().unwrap()).env(ONE_ARENA.0, ONE_ARENA.1).output().unwrap();
    assert!(this.status.success(), "{}{}", String::from_utf8_lossy(&this.stdout), String::from_utf8_lossy(&this.stderr));
}

async fn subscribe_again_and_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(channel_server::serve(listener, channel_server::Config::default(), std::future::pending()));
    let (ada, _ada_events) = joined(&server, 1).await;
    let (bob, mut events) = joined(&server, 2).await;
    let spec = StreamSpec { camera_id: Some("pattern".into()), microphone_id: Some("tone".into()), ..StreamSpec::default() };
    let published = LocalStream::create(spec);
    published.init().await.unwrap();
    ada.publish(&published).await.unwrap();
    wait_for(&mut events, |event| matches!(event, Event::StreamAdded { .. })).await;
    let stream = StreamId::camera(Uid::number(1).unwrap());
    for _ in 0..WARM_UP {
        round(&bob, &mut events, &stream).await;
    }
    let before = held();
    for _ in 0..ROUNDS {
        round(&bob, &mut events, &stream).await;
    }
    let after = held();
    // The last round's connection may still be closing.
    assert!(after.files <= before.files + 10, "{before:?} {after:?}");
    assert!(after.threads <= before.threads + 4, "{before:?} {after:?}");
    assert!(after.resident_kib <= before.resident_kib + ROUNDS * PICTURE_KIB / 2, "{before:?} {after:?}");
}
