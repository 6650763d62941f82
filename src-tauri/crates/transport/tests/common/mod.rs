//! Two ends over the simulated network, and media to send between them.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use transport::runtime::sim::{Link, Sim};
use transport::{Config, Endpoint, Event, Pace, Playout, Publisher, Runtime, Subscriber, Tracks};

pub const BOTH: Tracks = Tracks { audio: true, video: true };

pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// How long a piece is played: a stretched one is a period of a usual voice longer or shorter.
pub fn length(playout: &Playout) -> Duration {
    match playout {
        Playout::Packet { pace: Pace::Faster | Pace::MuchFaster, .. } => ms(14),
        Playout::Packet { pace: Pace::Slower | Pace::MuchSlower, .. } => ms(26),
        Playout::Packet { pace: Pace::Even, .. } | Playout::Lost { .. } => ms(20),
        Playout::Late | Playout::Empty => ms(10),
    }
}

/// What an end was told, and when.
pub type Told = mpsc::UnboundedReceiver<(Instant, Event)>;

/// A subscriber and a publisher whose candidates reach each other.
pub struct Ends {
    pub subscriber: Arc<Subscriber>,
    pub publisher: Arc<Publisher>,
    pub video: Option<transport::VideoReceiver>,
    pub audio: Option<transport::AudioReceiver>,
    pub subscriber_told: Told,
    pub publisher_told: Told,
}

/// An endpoint on `runtime` that binds IPv4 loopback only: one candidate, so that runs are alike.
pub fn endpoint(runtime: &Arc<dyn Runtime>) -> Endpoint {
    let mut config = Config::new(Arc::clone(runtime));
    config.addresses = vec!["127.0.0.1:0".to_owned()];
    config.tcp_addresses = Vec::new();
    Endpoint::new(config)
}

/// A world with two machines and the same link both ways: the runtimes of a subscriber and a publisher.
pub fn world(seed: u64, link: Link) -> (Sim, Arc<dyn Runtime>, Arc<dyn Runtime>) {
    let sim = Sim::new(seed);
    let (subscriber, publisher) = (sim.host(), sim.host());
    sim.set_link(0, 1, link);
    sim.set_link(1, 0, link);
    (sim, subscriber, publisher)
}

/// Subscribes, publishes, answers, and lets candidates trickle in the background.
pub async fn negotiate(subscriber: &Arc<dyn Runtime>, publisher: &Arc<dyn Runtime>, tracks: Tracks) -> Ends {
    negotiate_between(subscriber, &endpoint(subscriber), publisher, &endpoint(publisher), tracks).await
}

pub async fn negotiate_between(
    subscriber_runtime: &Arc<dyn Runtime>,
    subscriber_endpoint: &Endpoint,
    publisher_runtime: &Arc<dyn Runtime>,
    publisher_endpoint: &Endpoint,
    tracks: Tracks,
) -> Ends {
    let (mut subscriber, offer) = subscriber_endpoint.subscribe(tracks).await.expect("an offer");
    let (mut publisher, answer) = publisher_endpoint.publish(&offer, tracks, 1_000_000, 2_500_000).await.expect("an answer");
    let (subscriber_events, publisher_events) =
        (subscriber.take_events().expect("taken once"), publisher.take_events().expect("taken once"));
    let (video, audio) = (subscriber.take_video(), subscriber.take_audio());
    let (subscriber, publisher) = (Arc::new(subscriber), Arc::new(publisher));
    let (to_publisher, to_subscriber) = (Arc::clone(&publisher), Arc::clone(&subscriber));
    let subscriber_told = relay(subscriber_runtime, subscriber_events, move |candidate| {
        let publisher = Arc::clone(&to_publisher);
        async move { publisher.add_candidate(candidate).await.expect("a good candidate") }
    });
    let publisher_told = relay(publisher_runtime, publisher_events, move |candidate| {
        let subscriber = Arc::clone(&to_subscriber);
        async move { subscriber.add_candidate(candidate).await.expect("a good candidate") }
    });
    subscriber.set_answer(&answer).await.expect("a good answer");
    Ends { subscriber, publisher, video, audio, subscriber_told, publisher_told }
}

/// Hands candidates on and collects everything else.
fn relay<F: Future<Output = ()> + Send + 'static>(
    runtime: &Arc<dyn Runtime>,
    mut events: mpsc::Receiver<Event>,
    deliver: impl Fn(transport::Candidate) -> F + Send + 'static,
) -> Told {
    let (told, collected) = mpsc::unbounded_channel();
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Candidate(candidate) => deliver(candidate).await,
                event => {
                    if told.send((clock.now(), event)).is_err() {
                        return;
                    }
                }
            }
        }
    }));
    collected
}

/// Waits for an event that `wanted` accepts; `None` if the connection ended before.
pub async fn told(events: &mut Told, wanted: impl Fn(&Event) -> bool) -> Option<(Instant, Event)> {
    while let Some((at, event)) = events.recv().await {
        if wanted(&event) {
            return Some((at, event));
        }
    }
    None
}

/// How the subscriber's attempt went: connected with its first packet, or over.
pub async fn outcome(ends: &mut Ends) -> Result<Instant, Event> {
    match told(&mut ends.subscriber_told, |event| matches!(event, Event::Connected | Event::Failed(_))).await {
        Some((at, Event::Connected)) => Ok(at),
        Some((_, event)) => Err(event),
        None => panic!("a connection ended without a word"),
    }
}

/// An access unit of about `size` bytes that carries `number`: SPS, PPS and IDR, or one slice.
pub fn access_unit(number: u32, keyframe: bool, size: usize) -> Vec<u8> {
    let mut unit = Vec::new();
    if keyframe {
        unit.extend([0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0x8c, 0x8d, 0x40]);
        unit.extend([0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    unit.extend([0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }]);
    // Seven bits a byte, so that no start code appears.
    unit.extend((0..5).map(|index| 0x80 | (number >> (7 * index)) as u8));
    unit.extend((unit.len()..size).map(|index| 0x80 | index as u8));
    unit
}

/// The number in an access unit of [`access_unit`].
pub fn number_of(unit: &[u8]) -> Option<u32> {
    let slice = unit.windows(4).rposition(|window| window == [0, 0, 0, 1])? + 5;
    let digits = unit.get(slice..slice + 5)?;
    Some(digits.iter().enumerate().fold(0, |number, (index, digit)| number | u32::from(digit & 0x7f) << (7 * index)))
}

/// Sends 30 frames and 50 Opus packets a second until `end`, a keyframe first and whenever one is asked for; frames
/// of `frame_size` bytes, or smaller ones as the target commands.
pub fn spawn_media(runtime: &Arc<dyn Runtime>, publisher: &Arc<Publisher>, mut told: Told, end: Instant, frame_size: usize) {
    let (clock, publisher) = (Arc::clone(runtime), Arc::clone(publisher));
    runtime.spawn(Box::pin(async move {
        let start = clock.now();
        let mut next_frame = start;
        let mut next_sound = start;
        let (mut frame, mut sound) = (0u32, 0u32);
        let mut keyframe = false;
        let mut wanted = frame_size;
        while clock.now() < end {
            while let Ok((_, event)) = told.try_recv() {
                match event {
                    Event::KeyframeRequested => keyframe = true,
                    Event::TargetBitrate(bps) => wanted = frame_size.min(bps as usize / 8 / 30),
                    _ => {}
                }
            }
            let now = clock.now();
            if next_frame <= now {
                let size = if keyframe { wanted * 6 } else { wanted };
                publisher.send_video(&access_unit(frame, keyframe, size), next_frame, keyframe);
                keyframe = false;
                frame += 1;
                next_frame = start + Duration::from_secs(1) * frame / 30;
            }
            if next_sound <= now {
                publisher.send_audio(&opus(sound), next_sound);
                sound += 1;
                next_sound = start + ms(20) * sound;
            }
            clock.sleep(next_frame.min(next_sound).saturating_duration_since(clock.now())).await;
        }
    }));
}

/// Something of an Opus packet's size that carries `number`.
pub fn opus(number: u32) -> Vec<u8> {
    let mut packet = vec![0xfc];
    packet.extend(number.to_be_bytes());
    packet.resize(100, 0x55);
    packet
}

/// Middle and 99th of 100 of some durations.
pub fn spread(mut values: VecDeque<Duration>) -> (Duration, Duration) {
    let values = values.make_contiguous();
    values.sort();
    (values[values.len() / 2], values[values.len() * 99 / 100])
}
