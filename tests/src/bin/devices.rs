//! A call that real drivers carry: run inside the VM of `tests/devices/in-vm`, by `cargo xtask devices`.
//!
//! Ana shows the kernel's `vivid` camera. Ben's tone goes out of Ana's speaker, which is one end of an `snd-aloop` card, and comes
//! back through her microphone, which is the other: what Ben hears has crossed cpal twice and the network twice.

#[cfg(target_os = "linux")]
mod devices {
    use std::{collections::BTreeSet, time::Duration};

    use client::{Client, Config, Event, Events, LocalStream, RemoteStream, StreamSpec, SubscribeOptions, media};
    use media::{capture, playback};
    use tests::{process::until, service::Service};

    /// The machine is emulated: everything takes ten times as long.
    const PATIENCE: Duration = Duration::from_secs(120);
    const FRAMES: usize = 30;

    pub async fn run() {
        let cameras: Vec<_> = capture::cameras().into_iter().filter(|device| device.id.starts_with("camera:")).collect();
        println!("cameras: {cameras:?}");
        let camera = cameras.first().expect("vivid's capture node is listed").id.clone();
        let end = |device: &&capture::Device, number: &str| {
            device.id.contains("hw:") && device.id.contains("Loopback") && device.id.contains(number)
        };
        let (speakers, microphones) = (playback::speakers(), capture::microphones());
        println!("speakers: {speakers:?}\nmicrophones: {microphones:?}");
        let speaker = speakers.iter().find(|device| end(device, "DEV=0")).expect("the card's first end plays").id.clone();
        let microphone = microphones.iter().find(|device| end(device, "DEV=1")).expect("the card's second end records").id.clone();

        let service = Service::start().await;
        let (ana, mut ana_events) = join(&service, &speaker).await;
        let (ben, mut ben_events) = join(&service, "none").await;
        // What comes back from her own speaker is an echo, which is what has to be heard here.
        let shown = LocalStream::create(StreamSpec {
            camera_id: Some(camera),
            microphone_id: Some(microphone),
            audio_processing: Some(capture::processing::Switches::NONE),
            ..StreamSpec::default()
        });
        let sounded = LocalStream::create(StreamSpec { video: false, microphone_id: Some("tone".into()), ..StreamSpec::default() });
        for (client, stream) in [(&ana, &shown), (&ben, &sounded)] {
            let report = stream.init().await.expect("a stream by these devices");
            assert!(report.problems.is_empty(), "{:?}", report.problems);
            client.publish(stream).await.expect("it can be published");
        }
        let (_heard, seen) = tokio::join!(subscribe(&ana, &mut ana_events), subscribe(&ben, &mut ben_events));

        let reader = seen.frames();
        let mut times = BTreeSet::new();
        until("Ben sees Ana's camera move", PATIENCE, async || {
            times.extend(reader.peek().map(|frame| frame.captured()));
            (times.len() >= FRAMES).then_some(())
        })
        .await;
        until("Ben hears his tone come back from Ana's card", PATIENCE, async || (seen.audio_level() > 0.02).then_some(())).await;
        println!("a call over vivid and snd-aloop: {FRAMES} frames, level {:.3}", seen.audio_level());
        ana.leave().await.expect("leave");
        ben.leave().await.expect("leave");
    }

    async fn join(service: &Service, speaker: &str) -> (Client, Events) {
        let (client, events) = Client::with_config(Config { server: service.url(), speaker: speaker.into(), ..Config::default() });
        client.init(channel_server::DEFAULT_APP_ID).await.expect("init");
        client.join(None, "devices", None).await.expect("join");
        (client, events)
    }

    async fn subscribe(client: &Client, events: &mut Events) -> RemoteStream {
        loop {
            match tokio::time::timeout(PATIENCE, events.recv()).await.expect("the other's stream comes").expect("the client lives") {
                Event::StreamAdded { stream } => client.subscribe(&stream.id, SubscribeOptions::default()).await.expect("subscribe"),
                Event::StreamSubscribed { stream } => return stream,
                _ => {}
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() {
    devices::run().await;
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("vivid and snd-aloop are Linux drivers");
    std::process::exit(1);
}
