//! Whole calls over paths that lose packets: what is shown, how late, how long the picture stands still, what sound is made up.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{BOTH, Ends, length, ms, negotiate, number_of, outcome, spawn_media, world};
use transport::runtime::sim::Link;
use transport::{Playout, ReceiveStats, Runtime, SendStats};

/// The first seconds do not count: loss is learnt, the rate rises.
const RAMP: Duration = Duration::from_secs(12);
const MEASURED: Duration = Duration::from_secs(30);
/// 30 frames of this size a second are about 1.5 Mb/s.
const FRAME_SIZE: usize = 6_300;
/// A picture that stands longer than this is frozen.
const FROZEN: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Seen {
    /// When frames were shown and how long after their capture.
    shown: Vec<(Instant, Duration)>,
    /// In pieces of 10 ms.
    played: u32,
    concealed: u32,
}

impl Seen {
    fn hear(&mut self, playout: &Playout) {
        match playout {
            Playout::Packet { .. } => self.played += 2,
            Playout::Lost { .. } => self.concealed += 2,
            Playout::Late => self.concealed += 1,
            Playout::Empty => {}
        }
    }
}

/// What a viewer got of 30 seconds.
#[derive(Debug)]
struct Quality {
    fps: f64,
    frozen: Duration,
    p50: Duration,
    p95: Duration,
    /// In percent.
    concealed: f64,
    /// What went out as pictures and parity, in kb/s.
    sent: u64,
    received: ReceiveStats,
    sent_stats: SendStats,
}

fn watch(runtime: &Arc<dyn Runtime>, ends: &mut Ends, seen: &Arc<Mutex<Seen>>, from: Instant) {
    let (mut video, mut audio) = (ends.video.take().expect("asked for"), ends.audio.take().expect("asked for"));
    let (clock, seen_video, seen_audio) = (Arc::clone(runtime), Arc::clone(seen), Arc::clone(seen));
    runtime.spawn(Box::pin(async move {
        while let Some(frame) = video.next().await {
            number_of(&frame.data).expect("a whole frame");
            let at = clock.now().max(frame.render_at);
            if let Some(captured) = frame.captured.filter(|_| at >= from) {
                seen_video.lock().expect("no panic").shown.push((at, at.saturating_duration_since(captured)));
            }
        }
    }));
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        loop {
            let (at, playout) = (clock.now(), audio.pull(clock.now()));
            if at >= from {
                seen_audio.lock().expect("no panic").hear(&playout);
            }
            clock.sleep(length(&playout)).await;
        }
    }));
}

/// A call over a path that loses `loss` (0 to 1) both ways and takes `rtt` there and back, with the pacing of a real one.
fn call(seed: u64, rtt: Duration, loss: f64) -> Quality {
    call_over(seed, Link { delay: rtt / 2, jitter: ms(1), loss, ..Link::default() })
}

fn call_over(seed: u64, link: Link) -> Quality {
    let (sim, a, b) = world(seed, link);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (from, to) = (sim.now() + RAMP, sim.now() + RAMP + MEASURED);
        watch(&a, &mut ends, &seen, from);
        let Ends { subscriber, publisher, publisher_told, .. } = ends;
        spawn_media(&b, &publisher, publisher_told, to, FRAME_SIZE);
        sim.sleep(RAMP).await;
        let before = publisher.stats().video.bytes;
        sim.sleep(MEASURED).await;
        let sent = (publisher.stats().video.bytes - before) * 8 / 1000 / MEASURED.as_secs();
        let seen = std::mem::take(&mut *seen.lock().expect("no panic"));
        quality(seen, from, to, sent, subscriber.stats(), publisher.stats())
    })
}

fn quality(seen: Seen, from: Instant, to: Instant, sent: u64, received: ReceiveStats, sent_stats: SendStats) -> Quality {
    let times = [from].into_iter().chain(seen.shown.iter().map(|(at, _)| *at)).chain([to]);
    let gaps = times.clone().zip(times.skip(1)).map(|(one, next)| next.saturating_duration_since(one));
    let frozen = gaps.filter(|gap| *gap > FROZEN).sum();
    let mut delays: Vec<_> = seen.shown.iter().map(|(_, delay)| *delay).collect();
    delays.sort();
    let share = |percent: usize| delays.get(delays.len().saturating_sub(1) * percent / 100).copied().unwrap_or(MEASURED);
    Quality {
        fps: seen.shown.len() as f64 / MEASURED.as_secs_f64(),
        frozen,
        p50: share(50),
        p95: share(95),
        concealed: f64::from(seen.concealed) * 100.0 / f64::from((seen.played + seen.concealed).max(1)),
        sent,
        received,
        sent_stats,
    }
}

/// What a path has to reach: frames a second, standing still, lateness, sound made up in percent, kb/s.
struct Goal {
    fps: f64,
    frozen: Duration,
    p95: Duration,
    concealed: f64,
    sent: u64,
}

fn reaches(seed: u64, rtt: u64, loss: f64, goal: &Goal) -> Quality {
    let got = call(seed, ms(rtt), loss);
    println!(
        "rtt {rtt} ms, {:.0} % lost: {:.1} fps, frozen {:?}, p50 {:?}, p95 {:?}, concealed {:.2} %, {} kb/s; lost {} repaired {} recovered {} nacks {}, \
         parity {} of {}, keyframes asked {}, target {}",
        loss * 100.0,
        got.fps,
        got.frozen,
        got.p50,
        got.p95,
        got.concealed,
        got.sent,
        got.received.video.lost,
        got.received.video.repaired,
        got.received.video.recovered,
        got.received.video.nacks,
        got.sent_stats.video.parity,
        got.sent_stats.video.packets,
        got.received.keyframe_requests,
        got.sent_stats.target_bps / 1000,
    );
    assert!(got.fps >= goal.fps, "{got:?}");
    assert!(got.frozen <= goal.frozen, "{got:?}");
    assert!(got.p95 <= goal.p95, "{got:?}");
    assert!(got.concealed <= goal.concealed, "{got:?}");
    assert!(got.sent >= goal.sent, "{got:?}");
    got
}

#[test]
fn a_clean_path_sends_nothing_twice_and_delays_nothing() {
    let goal = Goal { fps: 29.5, frozen: Duration::ZERO, p95: ms(45), concealed: 0.0, sent: 1_400 };
    let got = reaches(1, 1, 0.0, &goal);
    assert_eq!((got.sent_stats.video.parity, got.sent_stats.video.resent, got.received.audio.recovered), (0, 0, 0));
    let far = reaches(2, 200, 0.0, &Goal { p95: ms(145), ..goal });
    assert_eq!((far.sent_stats.video.parity, far.sent_stats.video.resent, far.received.audio.recovered), (0, 0, 0));
}

#[test]
fn a_path_that_loses_only_what_it_has_no_room_for_is_not_filled_with_parity() {
    for (seed, rate) in [(11, 500_000), (12, 1_000_000)] {
        let got = call_over(seed, Link { delay: ms(10), jitter: ms(1), rate_bps: Some(rate), ..Link::default() });
        let (packets, parity) = (got.sent_stats.video.packets, got.sent_stats.video.parity);
        println!(
            "{rate} b/s: {:.1} fps, frozen {:?}, p95 {:?}, {} kb/s, parity {parity} of {packets}",
            got.fps, got.frozen, got.p95, got.sent
        );
        assert!(parity * 20 <= packets, "{parity} of {packets}");
    }
}

#[test]
fn a_tenth_lost_nearby() {
    reaches(3, 1, 0.1, &Goal { fps: 29.0, frozen: ms(300), p95: ms(90), concealed: 0.5, sent: 1_200 });
}

#[test]
fn a_fifth_lost_nearby() {
    reaches(4, 1, 0.2, &Goal { fps: 27.0, frozen: ms(1_000), p95: ms(130), concealed: 1.0, sent: 900 });
}

#[test]
fn three_tenths_lost_nearby() {
    reaches(5, 1, 0.3, &Goal { fps: 24.0, frozen: ms(2_000), p95: ms(180), concealed: 2.0, sent: 600 });
}

#[test]
fn a_fifth_lost_far_away() {
    reaches(6, 120, 0.2, &Goal { fps: 27.0, frozen: ms(1_000), p95: ms(500), concealed: 1.0, sent: 900 });
    reaches(7, 200, 0.2, &Goal { fps: 27.0, frozen: ms(2_000), p95: ms(500), concealed: 1.0, sent: 900 });
}

#[test]
fn three_tenths_lost_far_away() {
    reaches(8, 120, 0.3, &Goal { fps: 24.0, frozen: ms(2_000), p95: ms(500), concealed: 2.0, sent: 600 });
    // The rate is still on its way up when this begins: small frames leave parity little to work with.
    reaches(9, 200, 0.3, &Goal { fps: 24.0, frozen: ms(3_000), p95: ms(700), concealed: 2.0, sent: 600 });
}
