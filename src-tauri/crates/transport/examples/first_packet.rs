//! How long a subscription takes over loopback, from the offer to the first packet of media.
//!
//! `cargo run --release -p transport --example first_packet -- [RUNS]` prints one line of JSON with milliseconds.

use std::time::{Duration, Instant};

use transport::{Candidate, Config, Endpoint, Event, Publisher, Subscriber, Tracks, system_runtime};

/// One subscription: the times from the offer to the connection and to the first packet.
async fn run(endpoint: &Endpoint) -> Result<(Duration, Duration), transport::Error> {
    let tracks = Tracks { audio: true, video: false };
    let start = Instant::now();
    let (mut subscriber, offer) = endpoint.subscribe(tracks).await?;
    let (mut publisher, answer) = endpoint.publish(&offer, tracks, 1_000_000, 2_000_000).await?;
    let mut subscriber_events = subscriber.take_events().expect("taken once");
    let mut publisher_events = publisher.take_events().expect("taken once");
    subscriber.set_answer(&answer).await?;
    let mut connected = None;
    loop {
        tokio::select! {
            Some(event) = subscriber_events.recv() => match event {
                Event::Candidate(candidate) => to_publisher(&publisher, candidate).await,
                Event::Connected => connected = Some(start.elapsed()),
                Event::AudioStarted => {
                    let first = start.elapsed();
                    subscriber.close().await;
                    publisher.close().await;
                    return Ok((connected.unwrap_or(first), first));
                }
                _ => {}
            },
            Some(event) = publisher_events.recv() => match event {
                Event::Candidate(candidate) => to_subscriber(&subscriber, candidate).await,
                Event::Connected => publisher.send_audio(&[0xfc; 80], Instant::now()),
                _ => {}
            },
        }
    }
}

async fn to_publisher(publisher: &Publisher, candidate: Candidate) {
    // Another candidate may do.
    let _ = publisher.add_candidate(candidate).await;
}

async fn to_subscriber(subscriber: &Subscriber, candidate: Candidate) {
    let _ = subscriber.add_candidate(candidate).await;
}

fn print(name: &str, times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    format!("\"{name}\":{{\"p50\":{:.1},\"p95\":{:.1},\"max\":{:.1}}}", at(50), at(95), at(100))
}

#[tokio::main]
async fn main() -> Result<(), transport::Error> {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).filter(|runs| *runs > 0).unwrap_or(20);
    let endpoint = Endpoint::new(Config::new(system_runtime()));
    let mut connected = Vec::new();
    let mut first = Vec::new();
    for _ in 0..runs {
        let (one, other) = run(&endpoint).await?;
        connected.push(one);
        first.push(other);
    }
    println!("{{\"runs\":{runs},{},{}}}", print("connected_ms", &mut connected), print("first_packet_ms", &mut first));
    Ok(())
}
