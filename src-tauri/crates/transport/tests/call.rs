//! Whole calls over the simulated network: a minute of sound and picture.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{BOTH, Ends, access_unit, ms, negotiate, number_of, outcome, spawn_media, world};
use transport::runtime::sim::{Datagram, Link};
use transport::{AudioReceiver, Event, Playout, ReceiveStats, Runtime, SendStats, VideoReceiver};

const WAN: Link = Link {
    delay: Duration::from_millis(20),
    jitter: Duration::from_millis(5),
    loss: 0.0,
    rate_bps: None,
    queue: Duration::from_millis(200),
};
/// 30 frames of this size a second are about 0.9 Mb/s.
const FRAME_SIZE: usize = 3_800;

/// What came out of a call.
#[derive(Debug, Default)]
struct Seen {
    frames: Vec<(u32, Instant, Option<Instant>)>,
    sound: u32,
    recoverable: u32,
    concealed: u32,
    /// Pieces of 10 ms made up while a packet could still come.
    late: u32,
    empty: u32,
}

struct Outcome {
    seen: Seen,
    received: ReceiveStats,
    sent: SendStats,
}

/// A call of `length` over `link` both ways.
fn call(seed: u64, link: Link, length: Duration) -> Outcome {
    let (sim, a, b) = world(seed, link);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, video, audio, publisher_told, .. } = ends;
        let seen = Arc::new(Mutex::new(Seen::default()));
        watch(&a, video.expect("asked for"), Arc::clone(&seen));
        listen(&a, audio.expect("asked for"), Arc::clone(&seen));
        spawn_media(&b, &publisher, publisher_told, sim.now() + length, FRAME_SIZE);
        sim.sleep(length + ms(1_000)).await;
        let seen = std::mem::take(&mut *seen.lock().expect("no panic"));
        Outcome { seen, received: subscriber.stats(), sent: publisher.stats() }
    })
}

fn watch(runtime: &Arc<dyn Runtime>, mut video: VideoReceiver, seen: Arc<Mutex<Seen>>) {
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        while let Some(frame) = video.next().await {
            let number = number_of(&frame.data).expect("a whole frame");
            seen.lock().expect("no panic").frames.push((number, clock.now(), frame.captured));
        }
    }));
}

fn listen(runtime: &Arc<dyn Runtime>, mut audio: AudioReceiver, seen: Arc<Mutex<Seen>>) {
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        loop {
            let playout = audio.pull(clock.now());
            let played = common::length(&playout);
            seen.lock().expect("no panic").hear(&playout);
            clock.sleep(played).await;
        }
    }));
}

impl Seen {
    fn hear(&mut self, playout: &Playout) {
        match playout {
            Playout::Packet { .. } => self.sound += 1,
            Playout::Lost { later } if later.first().is_some_and(|next| next.ahead == 960) => self.recoverable += 1,
            Playout::Lost { .. } => self.concealed += 1,
            Playout::Late => self.late += 1,
            Playout::Empty => self.empty += 1,
        }
    }

    /// Packets whose sound was not there in time.
    fn made_up(&self) -> u32 {
        self.recoverable + self.concealed + self.late.div_ceil(2)
    }
}

fn report(name: &str, outcome: &Outcome) {
    let Outcome { seen, received, sent } = outcome;
    println!(
        "{name}: {} frames of {}, video lost {} repaired {} nacks {}, keyframe requests {}; sound {} FEC {} concealed {} \
         empty {}, lost {} repaired {} nacks {}; target {} kb/s, rtt {:?}, resent {}",
        seen.frames.len(),
        sent.video.frames,
        received.video.lost,
        received.video.repaired,
        received.video.nacks,
        received.keyframe_requests,
        seen.sound,
        seen.recoverable,
        seen.concealed,
        seen.empty,
        received.audio.lost,
        received.audio.repaired,
        received.audio.nacks,
        sent.target_bps / 1000,
        sent.rtt,
        sent.video.resent + sent.audio.resent,
    );
}

#[test]
fn on_a_clean_network_everything_arrives_in_order_and_nothing_is_asked_for_again() {
    let outcome = call(1, WAN, Duration::from_secs(60));
    report("clean", &outcome);
    let Outcome { seen, received, sent } = &outcome;
    assert!(sent.video.frames >= 1_799);
    assert_eq!(seen.frames.len() as u64, sent.video.frames);
    assert!(seen.frames.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
    assert_eq!((received.video.lost, received.video.nacks, received.audio.nacks), (0, 0, 0));
    assert_eq!(sent.video.resent + sent.audio.resent, 0);
    assert!(seen.sound >= 2_990 && seen.made_up() <= 10, "{} {}", seen.sound, seen.concealed);
    let rtt = sent.rtt.expect("reports came");
    assert!((ms(40)..ms(60)).contains(&rtt), "{rtt:?}");
}

#[test]
fn the_capture_time_arrives_with_the_frame() {
    let outcome = call(1, WAN, Duration::from_secs(5));
    let known: Vec<Duration> =
        outcome.seen.frames.iter().filter_map(|(_, at, captured)| Some(at.saturating_duration_since((*captured)?))).collect();
    assert!(known.len() * 10 >= outcome.seen.frames.len() * 9, "{} of {}", known.len(), outcome.seen.frames.len());
    // The mapping of clocks trusts the fastest report; the rest is the path, the pacer and the frame's own packets.
    // The first keyframe leaves with care, and what follows behind it: nothing is known of the path then.
    let (first, rest) = known.split_at(5);
    assert!(first.iter().all(|delay| *delay < ms(150)) && rest.iter().all(|delay| *delay < ms(80)), "{known:?}");
}

#[test]
fn lost_packets_are_repaired_and_each_draws_few_requests() {
    let outcome = call(2, Link { loss: 0.05, ..WAN }, Duration::from_secs(60));
    report("5 % loss", &outcome);
    let Outcome { seen, received, sent } = &outcome;
    assert!(received.video.lost > 100);
    assert!((received.video.repaired + received.video.recovered) * 100 >= received.video.lost * 97, "{received:?}");
    assert!(received.video.nacks <= received.video.lost * 2, "{received:?}");
    assert!(seen.frames.len() as u64 * 100 >= sent.video.frames * 97, "{} of {}", seen.frames.len(), sent.video.frames);
    assert!(seen.made_up() * 100 <= seen.sound * 3, "{seen:?}");
}

/// The share of sound that had to be made up, in percent, from the fifth second on: the sender learns of loss first.
fn concealed(seed: u64, link: Link) -> f64 {
    let outcome = call(seed, link, Duration::from_secs(60));
    report("sound", &outcome);
    let made_up = f64::from(outcome.seen.made_up());
    println!("recovered {}, target {:?}", outcome.received.audio.recovered, outcome.received.audio.target_delay);
    made_up * 100.0 / (f64::from(outcome.seen.sound) + made_up)
}

#[test]
fn sound_survives_loss_on_paths_too_long_to_ask_again() {
    for (seed, one_way, loss, most) in
        [(21, 1, 0.1, 1.0), (22, 1, 0.2, 1.5), (23, 1, 0.3, 2.5), (24, 60, 0.2, 2.0), (25, 100, 0.2, 2.5), (26, 100, 0.3, 4.0)]
    {
        let share = concealed(seed, Link { delay: ms(one_way), jitter: ms(1), loss, ..WAN });
        println!("{loss} lost at {one_way} ms: {share:.2} % concealed");
        assert!(share <= most, "{loss} lost at {one_way} ms: {share:.2} % concealed");
    }
}

#[test]
fn at_heavy_loss_a_call_goes_on() {
    let outcome = call(3, Link { loss: 0.2, ..WAN }, Duration::from_secs(60));
    report("20 % loss", &outcome);
    let Outcome { seen, received, sent } = &outcome;
    assert!(seen.frames.len() as u64 * 2 >= sent.video.frames, "{} of {}", seen.frames.len(), sent.video.frames);
    assert!(received.video.nacks <= received.video.lost * 3, "{received:?}");
    assert!(seen.made_up() * 10 <= seen.sound * 2);
}

/// The payload types that pictures and sound are sent again by.
const RETRANSMISSION: u8 = 103;
const SOUND_AGAIN: u8 = 104;

/// SSRC and sequence number of an RTP packet; its header is readable under SRTP.
fn rtp(datagram: &Datagram) -> Option<(u32, u16)> {
    let data = &datagram.data;
    let is_rtp = matches!(data.first(), Some(128..=191)) && data.len() > 12 && !(64..96).contains(&(data[1] & 0x7f));
    is_rtp.then(|| (u32::from_be_bytes([data[8], data[9], data[10], data[11]]), u16::from_be_bytes([data[2], data[3]])))
}

/// What differs must not be encrypted under one number.
#[test]
fn what_is_sent_again_has_a_number_of_its_own() {
    let (sim, a, b) = world(4, Link { loss: 0.1, ..WAN });
    let seen = Arc::new(Mutex::new((HashSet::new(), 0u32, 0u32)));
    let shared = Arc::clone(&seen);
    sim.set_filter(move |datagram| {
        if let Some(packet) = rtp(datagram) {
            let mut seen = shared.lock().expect("no panic");
            seen.1 += u32::from(!seen.0.insert(packet));
            seen.2 += u32::from(datagram.data[1] & 0x7f == SOUND_AGAIN);
        }
        true
    });
    let repaired = sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, audio, publisher_told, .. } = ends;
        listen(&a, audio.expect("asked for"), Arc::default());
        spawn_media(&b, &publisher, publisher_told, sim.now() + ms(20_000), FRAME_SIZE);
        sim.sleep(ms(21_000)).await;
        subscriber.stats().audio.repaired
    });
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen.1, 0, "numbers were used twice");
    assert!(repaired > 0 && seen.2 > 0, "{repaired} repaired of {}", seen.2);
}

#[test]
fn a_hole_that_cannot_be_repaired_draws_a_keyframe() {
    let (sim, a, b) = world(1, WAN);
    let victim = Arc::new(Mutex::new(None));
    let armed = Arc::new(AtomicBool::new(false));
    let (doomed, arm) = (Arc::clone(&victim), Arc::clone(&armed));
    sim.set_filter(move |datagram| {
        let Some(packet) = rtp(datagram).filter(|_| datagram.data.len() > 500) else { return true };
        if datagram.data[1] & 0x7f == RETRANSMISSION {
            return false;
        }
        let mut doomed = doomed.lock().expect("no panic");
        if arm.swap(false, Ordering::Relaxed) {
            *doomed = Some(packet);
        }
        *doomed != Some(packet)
    });
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, mut video, publisher_told, .. } = ends;
        let end = sim.now() + Duration::from_secs(10);
        spawn_media(&b, &publisher, publisher_told, end, FRAME_SIZE);
        let mut video = video.take().expect("asked for");
        let mut last = sim.now();
        let mut longest = Duration::ZERO;
        let mut frames = 0u32;
        let mut keyframes = 0u32;
        while sim.now() + ms(100) < end {
            let frame = video.next().await.expect("the call goes on");
            frames += 1;
            keyframes += u32::from(frame.keyframe);
            if frames == 100 {
                armed.store(true, Ordering::Relaxed);
            }
            longest = longest.max(sim.now() - last);
            last = sim.now();
        }
        println!("hole: {frames} frames, {keyframes} keyframes, longest gap {longest:?}");
        assert_eq!(keyframes, 2);
        assert!(longest < ms(1_200), "{longest:?}");
        let requests = subscriber.stats().keyframe_requests;
        assert!((1..=4).contains(&requests), "{requests}");
        assert_eq!(publisher.stats().keyframe_requests, requests);
    });
}

#[test]
fn the_decoders_request_reaches_the_publisher_at_once() {
    let (sim, a, b) = world(1, WAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let mut video = ends.video.take().expect("asked for");
        common::told(&mut ends.publisher_told, |event| *event == Event::KeyframeRequested).await.expect("at the start");
        ends.publisher.send_video(&access_unit(0, true, 5_000), sim.now(), true);
        video.next().await.expect("the first frame");
        sim.sleep(ms(1_000)).await;
        let asked = sim.now();
        ends.subscriber.request_keyframe();
        let (at, _) = common::told(&mut ends.publisher_told, |event| *event == Event::KeyframeRequested).await.expect("asked");
        assert!(at - asked < ms(40), "{:?}", at - asked);
    });
}

#[test]
fn a_slow_path_lowers_the_target_and_the_call_goes_on() {
    let outcome = call(4, Link { rate_bps: Some(500_000), ..WAN }, Duration::from_secs(30));
    report("500 kb/s", &outcome);
    assert!(outcome.sent.target_bps < 600_000, "{}", outcome.sent.target_bps);
    assert!(outcome.seen.sound > 1_000);
}

#[test]
fn the_owner_learns_what_video_may_use() {
    let (sim, a, b) = world(1, WAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let (_, event) = common::told(&mut ends.publisher_told, |event| matches!(event, Event::TargetBitrate(_))).await.expect("told");
        let Event::TargetBitrate(target) = event else { unreachable!() };
        assert!((500_000..1_000_000).contains(&target), "{target}");
    });
}

#[test]
fn an_ice_restart_keeps_media() {
    let (sim, a, b) = world(1, WAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, video, publisher_told, .. } = ends;
        let end = sim.now() + Duration::from_secs(10);
        spawn_media(&b, &publisher, publisher_told, end, FRAME_SIZE);
        let mut video = video.expect("asked for");
        let mut last = sim.now();
        let mut longest = Duration::ZERO;
        let mut frames = 0;
        while sim.now() + ms(100) < end {
            video.next().await.expect("the call goes on");
            longest = longest.max(sim.now() - last);
            last = sim.now();
            frames += 1;
            if frames == 100 {
                let offer = subscriber.restart().await.expect("an offer");
                sim.sleep(ms(20)).await;
                let answer = publisher.restart(&offer).await.expect("an answer");
                sim.sleep(ms(20)).await;
                subscriber.set_answer(&answer).await.expect("a good answer");
            }
        }
        println!("restart: {frames} frames, longest gap {longest:?}");
        assert!(frames > 250, "{frames}");
        assert!(longest < ms(500), "{longest:?}");
    });
}

#[test]
fn media_is_back_within_two_seconds_of_a_change_of_address_that_only_its_silence_tells() {
    let (sim, a, b) = world(1, WAN);
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, video, publisher_told, mut subscriber_told, .. } = ends;
        let (mut video, moved) = (video.expect("asked for"), Arc::new(AtomicBool::new(false)));
        let (has_moved, mut gone) = (Arc::clone(&moved), HashSet::new());
        sim.set_filter(move |datagram| {
            let (from_old, to_old) = (gone.contains(&datagram.source), gone.contains(&datagram.destination));
            match has_moved.load(Ordering::Relaxed) {
                true => !from_old && !to_old,
                false => from_old || datagram.from == 1 || gone.insert(datagram.source),
            }
        });
        spawn_media(&b, &publisher, publisher_told, sim.now() + Duration::from_secs(20), FRAME_SIZE);
        for _ in 0..300 {
            video.next().await.expect("the call goes on");
        }
        let (last, before) = (sim.now(), publisher.stats().target_bps);
        moved.store(true, Ordering::Relaxed);
        common::told(&mut subscriber_told, |event| *event == Event::Disconnected).await.expect("noticed");
        println!("noticed after {:?}", sim.now() - last);
        let offer = subscriber.restart().await.expect("an offer");
        sim.sleep(ms(40)).await;
        let answer = publisher.restart(&offer).await.expect("an answer");
        sim.sleep(ms(40)).await;
        subscriber.set_answer(&answer).await.expect("a good answer");
        // What had arrived before is played still.
        while video.next().await.expect("the call goes on").captured.is_none_or(|captured| captured < last) {}
        println!("back after {:?}", sim.now() - last);
        assert!(sim.now() - last < ms(2_000));
        // What the outage took says nothing of the new path.
        sim.sleep(ms(1_000)).await;
        assert!(publisher.stats().target_bps > before * 3 / 4);
    });
}

/// The target before an ICE restart of a call over a path of `before_bps`, and each quarter of a second after it, over one of `after_bps`.
fn targets_around_a_restart(before_bps: u64, after_bps: u64) -> (u32, Vec<u32>) {
    let narrow = |rate| Link { rate_bps: Some(rate), ..WAN };
    let (sim, a, b) = world(1, narrow(before_bps));
    sim.run(async {
        let mut ends = negotiate(&a, &b, BOTH).await;
        outcome(&mut ends).await.expect("connected");
        let Ends { subscriber, publisher, video: _video, publisher_told, .. } = ends;
        spawn_media(&b, &publisher, publisher_told, sim.now() + Duration::from_secs(40), 4 * FRAME_SIZE);
        sim.sleep(ms(15_000)).await;
        let before = publisher.stats().target_bps;
        let offer = subscriber.restart().await.expect("an offer");
        sim.set_link(1, 0, narrow(after_bps));
        sim.sleep(ms(40)).await;
        let answer = publisher.restart(&offer).await.expect("an answer");
        sim.sleep(ms(40)).await;
        subscriber.set_answer(&answer).await.expect("a good answer");
        let mut targets = Vec::new();
        for _ in 0..20 {
            sim.sleep(ms(250)).await;
            targets.push(publisher.stats().target_bps);
        }
        (before, targets)
    })
}

#[test]
fn an_ice_restart_goes_on_with_the_rate_that_was_learnt_and_learns_anew() {
    let (before, same) = targets_around_a_restart(1_200_000, 1_200_000);
    println!("1.2 Mb/s and again: {before}, {same:?}");
    assert!((700_000..1_300_000).contains(&before), "{before}");
    assert!(same.iter().all(|target| *target > before / 2), "it does not begin at the bottom: {same:?}");
    assert!(same[8..].iter().all(|target| (700_000..1_500_000).contains(target)), "{same:?}");

    let (before, narrower) = targets_around_a_restart(1_200_000, 400_000);
    println!("1.2 Mb/s, then 400 kb/s: {before}, {narrower:?}");
    assert!(narrower[12..].iter().all(|target| (150_000..450_000).contains(target)), "{narrower:?}");

    let (before, wider) = targets_around_a_restart(400_000, 2_400_000);
    println!("400 kb/s, then 2.4 Mb/s: {before}, {wider:?}");
    assert!(wider[19] > 1_000_000, "{wider:?}");
}
