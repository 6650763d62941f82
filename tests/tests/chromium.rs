//! A real Chromium as the other side of a call, in both directions.
#![cfg(target_os = "linux")]

use std::time::Duration;

use client::{Client, Codec, Config, Event, Events, LocalStream, Mode, StreamSpec, SubscribeOptions};
use serde_json::{Value, json};
use tests::{browser::Browser, clip, process::until, service::Service};

/// Our client in a channel, sending the test pattern and a tone.
async fn publishing(service: &Service, channel: &str) -> (Client, Events, LocalStream) {
    let (client, events) = Client::with_config(Config {
        server: service.url(),
        mode: Mode::Rtc,
        codec: Codec::H264,
        speaker: "none".into(),
        ..Config::default()
    });
    client.init(channel_server::DEFAULT_APP_ID).await.expect("init");
    client.join(None, channel, None).await.expect("join");
    let ours =
        LocalStream::create(StreamSpec { camera_id: Some("pattern".into()), microphone_id: Some("tone".into()), ..StreamSpec::default() });
    ours.init().await.expect("init");
    client.publish(&ours).await.expect("publish");
    (client, events, ours)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chromium_that_hides_its_addresses_sees_us() {
    if !tests::live("a call with a Chromium that hides") || !tests::browser::available() {
        return;
    }
    let service = Service::start().await;
    let (client, _events, _ours) = publishing(&service, "hidden").await;
    let browser = Browser::open_hidden().await;
    browser.call("joinChannel", vec![json!(service.url()), json!(channel_server::DEFAULT_APP_ID), json!("hidden"), json!(null)]).await;
    until("Chromium decodes our frames", Duration::from_secs(60), async || {
        let statistics = browser.call("statistics", vec![]).await;
        (statistics["framesDecoded"].as_u64()? > 60).then_some(())
    })
    .await;
    let addresses = browser.page.execute("return window.addresses;", vec![]).await.expect("addresses");
    let names: Vec<&str> = addresses.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    if names.is_empty() {
        return eprintln!("skipped: the names of a Chromium that hides (this machine is in no network)");
    }
    assert!(names.iter().all(|name| name.ends_with(".local")), "{names:?}");
    assert_eq!(browser.page.execute("return window.problems;", vec![]).await.expect("problems"), json!([]));
    client.leave().await.expect("leave");
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_and_our_client_see_and_hear_each_other() {
    if !tests::live("a call with Chromium") || !tests::browser::available() {
        return;
    }
    let service = Service::start().await;
    let (client, mut events, _ours) = publishing(&service, "browser").await;

    let browser = Browser::open(&clip::y4m(1280, 720, 30), &clip::speech()).await;
    browser.call("joinChannel", vec![json!(service.url()), json!(channel_server::DEFAULT_APP_ID), json!("browser")]).await;

    let theirs = loop {
        match tokio::time::timeout(Duration::from_secs(30), events.recv())
            .await
            .expect("the browser's stream comes")
            .expect("the client lives")
        {
            Event::StreamAdded { stream } => client.subscribe(&stream.id, SubscribeOptions::default()).await.expect("subscribe"),
            Event::StreamSubscribed { stream } => break stream,
            _ => {}
        }
    };
    let limit = Duration::from_secs(60);
    let frames = theirs.frames();
    until("we show Chromium's picture, and its frame number is readable", limit, async || {
        let frame = frames.peek()?;
        media::frame_number::read(&frame, 1280)
    })
    .await;
    until("we hear Chromium's voice", limit, async || (theirs.audio_level() > 0.01).then_some(())).await;
    let statistics = until("Chromium decodes our frames and plays our sound", limit, async || {
        let statistics = browser.call("statistics", vec![]).await;
        let enough = statistics["framesDecoded"].as_u64()? > 60
            && statistics["audioSamples"].as_u64()? > 96_000
            && statistics["audioEnergy"].as_f64()? > 0.0;
        enough.then_some(statistics)
    })
    .await;
    let codecs = statistics["codecs"].to_string();
    assert!(codecs.contains("H264") && codecs.contains("opus"), "{codecs}");
    assert_eq!(browser.page.execute("return window.problems;", vec![]).await.expect("problems"), json!([]));
    client.leave().await.expect("leave");
}
