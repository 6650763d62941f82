//! Real sockets on loopback. Times are printed, not asserted.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{BOTH, Ends, negotiate_between, number_of, spawn_media, told};
use transport::{Config, Endpoint, Event, system_runtime};

const FRAME_SIZE: usize = 4_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_crosses_over_every_interface_that_exists() {
    let runtime = system_runtime();
    let endpoint = Endpoint::new(Config::new(Arc::clone(&runtime)));
    let start = Instant::now();
    let ends = negotiate_between(&runtime, &endpoint, &runtime, &endpoint, BOTH).await;
    let Ends { mut subscriber_told, publisher, publisher_told, video, .. } = ends;
    spawn_media(&runtime, &publisher, publisher_told, start + Duration::from_secs(60), FRAME_SIZE);
    let (at, _) = told(&mut subscriber_told, |event| *event == Event::Connected).await.expect("connected");
    println!("offer to connected: {:?}", at - start);
    let frame = video.expect("asked for").next().await.expect("a first frame");
    println!("offer to first frame: {:?}", start.elapsed());
    assert!(frame.keyframe);
    assert!(number_of(&frame.data).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ice_restart_over_fresh_sockets_keeps_media() {
    let runtime = system_runtime();
    let endpoint = Endpoint::new(Config::new(Arc::clone(&runtime)));
    let ends = negotiate_between(&runtime, &endpoint, &runtime, &endpoint, BOTH).await;
    let Ends { subscriber, publisher, publisher_told, video, .. } = ends;
    spawn_media(&runtime, &publisher, publisher_told, Instant::now() + Duration::from_secs(60), FRAME_SIZE);
    let mut video = video.expect("asked for");
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    for count in 0..60 {
        video.next().await.expect("the call goes on");
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if count == 30 {
            let offer = subscriber.restart().await.expect("an offer");
            let answer = publisher.restart(&offer).await.expect("an answer");
            subscriber.set_answer(&answer).await.expect("a good answer");
        }
    }
    println!("longest gap around the restart: {longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_the_frames_and_the_events() {
    let runtime = system_runtime();
    let endpoint = Endpoint::new(Config::new(Arc::clone(&runtime)));
    let mut ends = negotiate_between(&runtime, &endpoint, &runtime, &endpoint, BOTH).await;
    told(&mut ends.subscriber_told, |event| *event == Event::Connected).await.expect("connected");
    ends.subscriber.close().await;
    ends.publisher.close().await;
    assert!(ends.video.expect("asked for").next().await.is_none());
    assert!(told(&mut ends.subscriber_told, |event| matches!(event, Event::Failed(_))).await.is_none());
}
