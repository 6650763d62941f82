//! Agora's quick start, step by step, without a window: joins a channel, publishes the test pattern and tone, subscribes to
//! everyone else and reports what arrives.
//!
//! ```text
//! cargo run -p channel-server
//! cargo run -p client --example quick_start -- [ws://host:port] [channel] [seconds]
//! ```
//! Run it twice to see two people in a call.

use std::time::{Duration, Instant};

use client::{Client, Config, Event, LocalStream, RemoteStream, StreamSpec, SubscribeOptions};
use media::latest::Next;

/// The project that a channel service without configuration knows.
const APP_ID: &str = "76697361766973206c6f63616c206170";

#[tokio::main]
async fn main() -> Result<(), client::Error> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| Config::default().server);
    let channel = arguments.next().unwrap_or_else(|| "demo".into());
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(10);

    // 1. Create a client. Its events come through a queue of their own.
    let (client, mut events) = Client::with_config(Config { server, speaker: "none".into(), ..Config::default() });

    // 2. Initialise it with the App ID and join a channel. Without a token for a project without a certificate, and without a uid: the
    //    service assigns one.
    client.init(APP_ID).await?;
    let begin = Instant::now();
    let uid = client.join(None, &channel, None).await?;
    println!("join channel: {channel} success, uid: {uid}");

    // 3. Create a local stream and initialise it, which opens the devices. Each that does not open is reported; the rest goes on.
    let local = LocalStream::create(StreamSpec {
        audio: true,
        video: true,
        camera_id: Some("pattern".into()),
        microphone_id: Some("tone".into()),
        ..StreamSpec::default()
    });
    for problem in local.init().await?.problems {
        println!("{}", problem.error);
    }

    // 4. Publish it.
    client.publish(&local).await?;

    // 5. Subscribe to whoever publishes, and play what arrives.
    let end = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(end);
    loop {
        tokio::select! {
            Some(event) = events.recv() => on_event(event, &client, begin),
            () = &mut end => break,
        }
    }

    // 6. Leave. Dropping the local stream closes its devices.
    client.leave().await?;
    println!("leave success");
    Ok(())
}

fn on_event(event: Event, client: &Client, begin: Instant) {
    match event {
        Event::StreamAdded { stream } => {
            println!("stream-added uid: {}", stream.id);
            // The answer comes when media flows; events are not held up meanwhile.
            let client = client.clone();
            tokio::spawn(async move {
                if let Err(error) = client.subscribe(&stream.id, SubscribeOptions::default()).await {
                    println!("stream-subscribe failed: {error}");
                }
            });
        }
        Event::StreamSubscribed { stream } => {
            println!("stream-subscribed remote-uid: {}", stream.id());
            std::thread::spawn(move || play(&stream));
        }
        Event::FirstVideoFrameDecode { stream } => {
            println!("first-video-frame-decode uid: {stream}, {} ms after the join", begin.elapsed().as_millis())
        }
        Event::ConnectionStateChange { prev, cur } => println!("connection-state-change {} -> {}", prev.as_str(), cur.as_str()),
        Event::StreamRemoved { stream } => println!("stream-removed uid: {stream}"),
        Event::PeerLeave { uid, reason } => println!("peer-leave uid: {uid} {reason:?}"),
        Event::Error { error } => println!("error: {error}"),
        other => println!("{}", other.name()),
    }
}

/// Stands in for a tile: counts the frames of each second until the stream ends.
fn play(stream: &RemoteStream) {
    let mut frames = stream.frames();
    let mut shown = 0;
    let mut second = Instant::now();
    loop {
        match frames.next(Duration::from_secs(1)) {
            Next::Value(frame) => {
                shown += 1;
                if second.elapsed() >= Duration::from_secs(1) {
                    println!("{}: {shown} frames of {}x{}", stream.id(), frame.width(), frame.height());
                    (shown, second) = (0, Instant::now());
                }
            }
            Next::Timeout => {}
            Next::Closed => return,
        }
    }
}
