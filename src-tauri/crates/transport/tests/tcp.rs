//! ICE over TCP (RFC 6544): the last resort where UDP is blocked, and nothing anywhere else.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{BOTH, Ends, ms, negotiate_between, number_of, outcome, spawn_media, told, world};
use transport::runtime::sim::Link;
use transport::{Candidate, Config, Endpoint, Event, IcePolicy, IceServer, Runtime, system_runtime};

const WAN: Link =
    Link { delay: Duration::from_millis(20), jitter: Duration::ZERO, loss: 0.0, rate_bps: None, queue: Duration::from_millis(200) };
const FRAME_SIZE: usize = 3_800;

/// An endpoint with one address for UDP and one for TCP.
fn endpoint(runtime: &Arc<dyn Runtime>, policy: IcePolicy) -> Endpoint {
    let mut config = Config::new(Arc::clone(runtime));
    config.addresses = vec!["127.0.0.1:0".to_owned()];
    config.tcp_addresses = config.addresses.clone();
    config.ice_policy = policy;
    if policy == IcePolicy::Relay {
        // Nobody is there.
        let urls = vec!["turn:127.0.0.1:9?transport=udp".to_owned()];
        config.ice_servers = vec![IceServer { urls, username: "7".into(), credential: "secret".into() }];
    }
    Endpoint::new(config)
}

fn is_over_tcp(candidate: &Candidate) -> bool {
    candidate.candidate.contains(" tcp ")
}

/// What two ends tell each other, in their order, until the subscriber is connected or over.
fn attempt(blocked: bool, policies: [IcePolicy; 2]) -> (Event, Vec<Candidate>) {
    let (sim, a, b) = world(1, WAN);
    sim.set_filter(move |_| !blocked);
    sim.run(async {
        let (mut subscriber, offer) = endpoint(&a, policies[0]).subscribe(BOTH).await.expect("an offer");
        let (mut publisher, answer) = endpoint(&b, policies[1]).publish(&offer, BOTH, 1_000_000, 2_500_000).await.expect("an answer");
        subscriber.set_answer(&answer).await.expect("a good answer");
        assert!(!offer.contains(" tcp ") && !answer.contains(" tcp "));
        let (mut from_a, mut from_b) = (subscriber.take_events().expect("once"), publisher.take_events().expect("once"));
        let mut candidates = Vec::new();
        loop {
            tokio::select! { biased;
                event = from_a.recv() => match event.expect("an end is told") {
                    Event::Candidate(candidate) => {
                        publisher.add_candidate(candidate.clone()).await.expect("a good candidate");
                        candidates.push(candidate);
                    }
                    event @ (Event::Connected | Event::Failed(_)) => return (event, candidates),
                    _ => {}
                },
                Some(event) = from_b.recv() => if let Event::Candidate(candidate) = event {
                    subscriber.add_candidate(candidate.clone()).await.expect("a good candidate");
                    candidates.push(candidate);
                },
            }
        }
    })
}

#[test]
fn where_udp_is_blocked_a_connection_comes_up_over_tcp_and_the_end_of_candidates_is_told_last() {
    let (event, candidates) = attempt(true, [IcePolicy::All; 2]);
    assert_eq!(event, Event::Connected);
    let kinds = ["tcptype active", "tcptype passive"];
    for kind in kinds {
        assert_eq!(candidates.iter().filter(|candidate| candidate.candidate.ends_with(kind)).count(), 2, "{candidates:?}");
    }
    let after_the_end = candidates.iter().skip_while(|candidate| !candidate.candidate.is_empty()).filter(|one| is_over_tcp(one));
    assert!(after_the_end.count() <= 2, "each end has its own: {candidates:?}");
    assert_eq!(candidates.iter().filter(|candidate| candidate.candidate.is_empty()).count(), 2);
}

#[test]
fn where_udp_is_open_nobody_hears_of_tcp() {
    let (event, candidates) = attempt(false, [IcePolicy::All; 2]);
    assert_eq!(event, Event::Connected);
    assert!(candidates.iter().all(|candidate| !is_over_tcp(candidate)), "{candidates:?}");
}

#[test]
fn who_hides_behind_a_relay_neither_listens_nor_connects() {
    for policies in [[IcePolicy::Relay, IcePolicy::All], [IcePolicy::All, IcePolicy::Relay]] {
        let (event, candidates) = attempt(true, policies);
        assert!(matches!(event, Event::Failed(_)), "{event:?}");
        let passive = candidates.iter().filter(|candidate| candidate.candidate.ends_with("tcptype passive"));
        assert_eq!(passive.count(), 1, "{candidates:?}");
    }
}

/// The most time between two frames, and how many there were, of a call of `length` in which ICE restarts at `restart`.
fn call(length: Duration, restart: Option<Duration>) -> (Duration, usize) {
    let (sim, a, b) = world(1, WAN);
    sim.set_filter(|_| false);
    sim.run(async {
        let mut ends = negotiate_between(&a, &endpoint(&a, IcePolicy::All), &b, &endpoint(&b, IcePolicy::All), BOTH).await;
        outcome(&mut ends).await.expect("connected over TCP");
        let Ends { subscriber, publisher, video, publisher_told, subscriber_told: _told, .. } = ends;
        let end = sim.now() + length;
        spawn_media(&b, &publisher, publisher_told, end, FRAME_SIZE);
        let times = Arc::new(Mutex::new(Vec::<Instant>::new()));
        let (seen, clock, mut video) = (Arc::clone(&times), Arc::clone(&a), video.expect("asked for"));
        a.spawn(Box::pin(async move {
            while let Some(frame) = video.next().await {
                assert!(number_of(&frame.data).is_some());
                seen.lock().expect("no panic").push(clock.now());
            }
        }));
        if let Some(after) = restart {
            sim.sleep(after).await;
            let offer = subscriber.restart().await.expect("an offer");
            let answer = publisher.restart(&offer).await.expect("an answer");
            subscriber.set_answer(&answer).await.expect("a good answer");
        }
        sim.sleep(end.saturating_duration_since(sim.now())).await;
        let times = times.lock().expect("no panic");
        let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().expect("frames");
        (longest, times.len())
    })
}

#[test]
fn pictures_flow_over_tcp() {
    let (longest, frames) = call(ms(10_000), None);
    println!("over TCP: {frames} frames, the longest gap {longest:?}");
    assert!(frames > 280 && longest < ms(150), "{frames} {longest:?}");
}

#[test]
fn a_restart_of_ice_finds_its_way_over_tcp_again() {
    let (longest, frames) = call(ms(10_000), Some(ms(5_000)));
    println!("over TCP with a restart: {frames} frames, the longest gap {longest:?}");
    assert!(frames > 230 && longest < ms(1_500), "{frames} {longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_crosses_a_real_tcp_connection() {
    let runtime = system_runtime();
    let (mut subscriber, offer) = endpoint(&runtime, IcePolicy::All).subscribe(BOTH).await.expect("an offer");
    let (mut publisher, answer) = endpoint(&runtime, IcePolicy::All).publish(&offer, BOTH, 1_000_000, 2_500_000).await.expect("an answer");
    let (from_a, from_b) = (subscriber.take_events().expect("once"), publisher.take_events().expect("once"));
    let mut video = subscriber.take_video().expect("asked for");
    subscriber.set_answer(&answer).await.expect("a good answer");
    let (subscriber, publisher) = (Arc::new(subscriber), Arc::new(publisher));
    // Nobody hears of the other's UDP.
    let (to_b, to_a) = (Arc::clone(&publisher), Arc::clone(&subscriber));
    let mut told_a = only_tcp(&runtime, from_a, move |candidate| {
        let publisher = Arc::clone(&to_b);
        async move { publisher.add_candidate(candidate).await.expect("a good candidate") }
    });
    let told_b = only_tcp(&runtime, from_b, move |candidate| {
        let subscriber = Arc::clone(&to_a);
        async move { subscriber.add_candidate(candidate).await.expect("a good candidate") }
    });
    spawn_media(&runtime, &publisher, told_b, runtime.now() + Duration::from_secs(60), FRAME_SIZE);
    told(&mut told_a, |event| *event == Event::Connected).await.expect("connected");
    assert!(video.next().await.expect("a first frame").keyframe);
}

/// Hands the candidates over TCP to `deliver` and collects the other events.
fn only_tcp<F: Future<Output = ()> + Send + 'static>(
    runtime: &Arc<dyn Runtime>,
    mut events: tokio::sync::mpsc::Receiver<Event>,
    deliver: impl Fn(Candidate) -> F + Send + 'static,
) -> common::Told {
    let (told, collected) = tokio::sync::mpsc::unbounded_channel();
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Candidate(candidate) if is_over_tcp(&candidate) => deliver(candidate).await,
                Event::Candidate(_) => {}
                event => drop(told.send((clock.now(), event))),
            }
        }
    }));
    collected
}
