//! A real window on a real (virtual) screen, shared: what the other side sees of its letters, and what becomes of it when the window is
//! resized, minimised and closed.

#![cfg(target_os = "linux")]

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use client::{Client, Config, Event, Events, StreamId, StreamSource, SubscribeOptions, Uid, VideoFrame};
use serde_json::Value;
use tests::{
    display::Display,
    letters::{self, HEIGHT, TITLE, WIDTH, colour_error, compare, seen, wrong_around},
    live,
    process::{Group, until},
    service::Service,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn headless(display: &Display) -> Command {
    let mut command = Command::new(tests::binary("headless"));
    command.env("DISPLAY", display.name()).env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE").stdin(Stdio::null());
    command
}

/// What can be shared on that display.
fn screens(display: &Display) -> Vec<Value> {
    let output = headless(display).arg("screens").output().expect("headless runs");
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// Somebody who watches, without a window.
async fn viewer(service: &Service) -> (Client, Events) {
    let (client, events) = Client::with_config(Config { server: service.url(), speaker: "none".into(), ..Config::default() });
    client.init(channel_server::DEFAULT_APP_ID).await.expect("an App ID");
    client.join(None, "screen", Some(Uid::Number(2))).await.expect("joins");
    (client, events)
}

async fn event<T>(events: &mut Events, what: &str, find: impl Fn(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = find(events.recv().await.expect("the client lives")) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_window_is_readable_follows_its_size_and_ends_with_it() {
    if !live("a_shared_window_is_readable_follows_its_size_and_ends_with_it") {
        return;
    }
    let display = Display::start(1280, 900);
    let _manager = display.manage().await;
    let window = letters::show(&display);
    let size = |screen: &Value| (screen["width"].as_u64(), screen["height"].as_u64());
    let whole = (Some(WIDTH as u64), Some(HEIGHT as u64));
    let id = until("the window is there", PATIENCE, async || {
        let listed = screens(&display);
        let window = |screen: &&Value| screen["id"].as_str().is_some_and(|id| id.starts_with("window:"));
        let found = listed.iter().filter(window).find(|screen| size(screen) == whole)?;
        found["id"].as_str().map(str::to_owned)
    })
    .await;
    letters::entitle(&display, id.trim_start_matches("window:"));
    until("the window is listed by its title", PATIENCE, async || {
        let listed = screens(&display);
        listed.iter().any(|screen| screen["id"] == id && screen["title"] == TITLE && size(screen) == whole).then_some(())
    })
    .await;
    assert!(screens(&display)[0]["id"].as_str().is_some_and(|id| id.starts_with("screen:")), "whole screens come first");

    let service = Service::start().await;
    let (client, mut events) = viewer(&service).await;
    let (server, report) = (service.url(), tests::output().join("screen.jsonl"));
    let mut publisher = headless(&display);
    publisher.args(["call", "--server", &server, "--app-id", channel_server::DEFAULT_APP_ID, "--channel", "screen", "--uid", "1"]);
    publisher.args(["--camera", "none", "--microphone", "none", "--no-subscribe", "--screen", &id, "--report"]).arg(&report);
    let _publisher = Group::start(&mut publisher);
    let screen = StreamId { uid: Uid::Number(1), source: StreamSource::Screen };
    event(&mut events, "the screen is published", |event| match event {
        Event::StreamAdded { stream } => (stream.id.source == StreamSource::Screen).then_some(()),
        _ => None,
    })
    .await;
    client.subscribe(&screen, SubscribeOptions::default()).await.expect("subscribes");
    let stream = client.streams().into_iter().next().expect("it is subscribed to");

    let is_page = |frame: &VideoFrame| (frame.width() as usize, frame.height() as usize) == (WIDTH, HEIGHT);
    let picture = seen("sharp letters", &stream, move |frame| is_page(frame) && compare(frame).0 > 32.0 && compare(frame).1 < 0.001).await;
    let (psnr, wrong) = compare(&picture);
    println!("letters: {psnr:.1} dB, {:.4} % of the pixels on the wrong side", wrong * 100.0);
    assert!(colour_error(&picture) < 8.0, "the bars are off their colours by {}", colour_error(&picture));

    let number = id.trim_start_matches("window:");
    // The letters around which the pointer stands are covered, and are there again when it goes.
    let (pointed, elsewhere) = ((200, 100), (600, 300));
    for (at, away) in [(pointed, elsewhere), (elsewhere, pointed)] {
        display.xdotool(&["mousemove", "--window", number, &at.0.to_string(), &at.1.to_string()]).expect("the window is there");
        let there = move |frame: &VideoFrame| is_page(frame) && wrong_around(frame, at) > 20 && wrong_around(frame, away) < 3;
        seen("the pointer", &stream, there).await;
    }
    display.xdotool(&["windowsize", number, "640", "480"]).expect("the window is there");
    seen("the window's new size", &stream, |frame| (frame.width(), frame.height()) == (640, 480)).await;
    display.xdotool(&["windowminimize", number]).expect("the window is there");
    for _ in 0..3 {
        seen("a minimised window lives on", &stream, |frame| frame.width() == 640).await;
    }
    drop(window);
    event(&mut events, "the screen's end", |event| match event {
        Event::StreamRemoved { stream } => (stream == screen).then_some(()),
        _ => None,
    })
    .await;
    until("the publisher goes on without", PATIENCE, async || {
        let last = fs::read_to_string(&report).ok()?.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok())?;
        (last["screen"].is_null() && last["state"] == "CONNECTED").then_some(())
    })
    .await;
    client.leave().await.expect("leaves");
}

#[test]
fn where_no_screen_can_be_seen_a_sentence_says_why() {
    if !live("where_no_screen_can_be_seen_a_sentence_says_why") {
        return;
    }
    for (name, value, why) in
        [("WAYLAND_DISPLAY", "wayland-0", "Wayland"), ("XDG_SESSION_TYPE", "wayland", "Wayland"), ("DISPLAY", "", "no display")]
    {
        let mut command = Command::new(tests::binary("headless"));
        command.arg("screens").env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE").env("DISPLAY", ":0").env(name, value);
        let output = command.output().expect("headless runs");
        let told: Value = serde_json::from_slice(&output.stdout).expect("a line {code, message}");
        assert_eq!((output.status.code(), &told["code"]), (Some(1), &Value::from("SHARING_SCREEN_NOT_SUPPORT")));
        assert!(told["message"].as_str().is_some_and(|message| message.contains(why)), "{told}");
    }
}
