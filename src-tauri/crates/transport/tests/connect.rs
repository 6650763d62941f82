//! Connections over the simulated network: every one comes up or says why not.

mod common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{BOTH, ms, negotiate, outcome, spread, world};
use transport::runtime::sim::{Datagram, Link};
use transport::{Event, Failure, Phase};

const LAN: Link =
    Link { delay: Duration::from_millis(5), jitter: Duration::ZERO, loss: 0.0, rate_bps: None, queue: Duration::from_millis(200) };

fn is_handshake(datagram: &Datagram) -> bool {
    matches!(datagram.data.first(), Some(20..=63))
}

/// Connects while the handshake datagrams with the numbers in `lost` are lost; the time from the offer on, and how many
/// handshake datagrams were sent.
fn connect_without(lost: &[usize]) -> (Result<Duration, Event>, usize) {
    let (sim, a, b) = world(1, LAN);
    let sent = Arc::new(AtomicUsize::new(0));
    let (count, lost) = (Arc::clone(&sent), lost.to_vec());
    sim.set_filter(move |datagram| !is_handshake(datagram) || !lost.contains(&count.fetch_add(1, Ordering::Relaxed)));
    let start = sim.now();
    let result = sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        let result = outcome(&mut ends).await;
        ends.subscriber.close().await;
        ends.publisher.close().await;
        result
    });
    (result.map(|at| at - start), sent.load(Ordering::Relaxed))
}

#[test]
fn a_clean_handshake_repeats_nothing() {
    let (result, sent) = connect_without(&[]);
    let time = result.expect("a clean network");
    assert!(time < ms(100), "{time:?}");
    assert!((4..=12).contains(&sent), "{sent} handshake datagrams");
}

#[test]
fn a_connection_comes_up_whichever_handshake_datagram_is_lost() {
    for lost in 0..12 {
        let (result, _) = connect_without(&[lost]);
        let time = result.unwrap_or_else(|event| panic!("without {lost}: {event:?}"));
        assert!(time < ms(400), "without {lost}: {time:?}");
    }
}

#[test]
fn a_connection_comes_up_whichever_two_handshake_datagrams_are_lost() {
    for first in 0..12 {
        for second in first + 1..12 {
            let (result, _) = connect_without(&[first, second]);
            let time = result.unwrap_or_else(|event| panic!("without {first} and {second}: {event:?}"));
            assert!(time < ms(700), "without {first} and {second}: {time:?}");
        }
    }
}

/// Connects over links with `loss` for each seed: the times of the ones that came up, and the failures.
fn connect_many(loss: f64, seeds: u64) -> (VecDeque<Duration>, Vec<Event>) {
    let mut times = VecDeque::new();
    let mut failures = Vec::new();
    for seed in 0..seeds {
        let (sim, a, b) = world(seed, Link { loss, delay: ms(10), ..LAN });
        let start = sim.now();
        let result = sim.run(async {
            let mut ends = negotiate(&a, &b, BOTH).await;
            let result = outcome(&mut ends).await;
            ends.subscriber.close().await;
            ends.publisher.close().await;
            result
        });
        match result {
            Ok(at) => times.push_back(at - start),
            Err(event) => failures.push(event),
        }
    }
    (times, failures)
}

#[test]
fn at_a_tenth_of_loss_every_connection_comes_up() {
    let (times, failures) = connect_many(0.1, 200);
    let (middle, last) = spread(times);
    println!("10 % loss: p50 {middle:?}, p99 {last:?}");
    assert!(failures.is_empty(), "{failures:?}");
    assert!(middle < ms(300) && last < ms(1500), "{middle:?} {last:?}");
}

#[test]
fn at_three_tenths_of_loss_a_connection_comes_up_or_says_why_not() {
    let (times, failures) = connect_many(0.3, 200);
    println!("30 % loss: {} failures {failures:?}", failures.len());
    assert!(failures.len() <= 4, "{failures:?}");
    assert!(failures.iter().all(|event| matches!(event, Event::Failed(_))));
    let (middle, last) = spread(times);
    println!("30 % loss: p50 {middle:?}, p99 {last:?}");
    assert!(middle < ms(600), "{middle:?}");
}

/// The failure of a connection whose datagrams pass `filter`.
fn failure(filter: impl FnMut(&Datagram) -> bool + Send + 'static) -> Event {
    let (sim, a, b) = world(1, LAN);
    sim.set_filter(filter);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        let told = common::told(&mut ends.subscriber_told, |event| matches!(event, Event::Failed(_))).await;
        told.expect("a last word").1
    })
}

#[test]
fn without_a_path_the_failure_names_the_search_for_one() {
    assert_eq!(failure(|_| false), Event::Failed(Failure::Deadline { phase: Phase::Candidates }));
}

#[test]
fn without_a_handshake_the_failure_names_the_handshake() {
    let failure = failure(|datagram| !is_handshake(datagram));
    assert_eq!(failure, Event::Failed(Failure::Deadline { phase: Phase::Dtls }));
}

#[test]
fn without_media_the_failure_names_media() {
    let failure = failure(|datagram| !matches!(datagram.data.first(), Some(128..=191)));
    assert_eq!(failure, Event::Failed(Failure::Deadline { phase: Phase::Media }));
}

#[test]
fn a_dead_publisher_is_noticed() {
    let (sim, a, b) = world(1, LAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("a clean network");
        // One tick of the watchdogs, so that life was seen.
        sim.sleep(ms(300)).await;
        sim.set_filter(|_| false);
        let (gone, _) = common::told(&mut ends.subscriber_told, |event| *event == Event::Disconnected).await.expect("told");
        assert!(gone - sim.now() < ms(2_500));
        let (_, over) = common::told(&mut ends.subscriber_told, |event| matches!(event, Event::Failed(_))).await.expect("told");
        assert!(matches!(over, Event::Failed(Failure::Silence { seconds: 10 })), "{over:?}");
    });
}

#[test]
fn dropping_both_ends_leaves_no_socket_behind() {
    let (sim, a, b) = world(1, LAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("a clean network");
        drop(ends);
        sim.sleep(ms(1_000)).await;
        assert_eq!(sim.sockets(), 0);
    });
}

/// The publisher's host, by a name of the kind that browsers make.
const NAME: &str = "0af1b2c3-1111-4222-8333-444455556666.local";

#[derive(Debug)]
struct KnownName;

#[async_trait::async_trait]
impl transport::network::Names for KnownName {
    async fn resolve(&self, name: &str) -> Vec<std::net::IpAddr> {
        if name == NAME { vec![std::net::IpAddr::from([127, 0, 0, 1])] } else { Vec::new() }
    }
}

/// What becomes of a subscriber whose own candidates get lost, and whose publisher has `name` instead of an address.
fn reach_by_name(name: &str) -> Event {
    let (sim, a, b) = world(1, LAN);
    let mut config = transport::Config::new(Arc::clone(&a));
    (config.addresses, config.tcp_addresses) = (vec!["127.0.0.1:0".to_owned()], Vec::new());
    config.names = Some(Arc::new(KnownName));
    sim.run(async {
        let (mut subscriber, offer) = transport::Endpoint::new(config).subscribe(BOTH).await.expect("an offer");
        let (mut publisher, answer) = common::endpoint(&b).publish(&offer, BOTH, 1_000_000, 2_500_000).await.expect("an answer");
        subscriber.set_answer(&answer).await.expect("a good answer");
        let (mut told, mut candidates) = (subscriber.take_events().expect("taken once"), publisher.take_events().expect("taken once"));
        loop {
            tokio::select! { biased;
                event = told.recv() => if let event @ (Event::Connected | Event::Failed(_)) = event.expect("an end is told") {
                    return event;
                },
                Some(event) = candidates.recv() => if let Event::Candidate(mut candidate) = event {
                    candidate.candidate = candidate.candidate.replace("127.0.0.1", name);
                    subscriber.add_candidate(candidate).await.expect("a good candidate");
                },
            }
        }
    })
}

#[test]
fn a_browser_that_hides_its_address_is_reached_by_its_name() {
    assert_eq!(reach_by_name(NAME), Event::Connected);
}

#[test]
fn a_name_that_no_browser_makes_is_not_asked_for() {
    assert_eq!(reach_by_name("printer.local"), Event::Failed(Failure::Deadline { phase: Phase::Candidates }));
}
