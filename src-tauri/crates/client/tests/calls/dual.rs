//! Dual stream: one publisher, two pictures, each subscriber its own.

use crate::support::{Person, Service, frames, number, patiently};
use client::{Code, Event, Fallback, LocalStream, LowStream, RemoteStream, StreamId, StreamSpec, StreamType, VideoProfile};

/// The test pattern at 640×360.
async fn wide(person: &Person) -> LocalStream {
    let video_profile = VideoProfile { width: 640, height: 360, fps: 30, max_kbps: 800 };
    let spec = StreamSpec { camera_id: Some("pattern".into()), microphone_id: Some("tone".into()), video_profile, ..StreamSpec::default() };
    let stream = LocalStream::create(spec);
    assert!(patiently("init", stream.init()).await.unwrap().problems.is_empty());
    patiently("publish", person.client.publish(&stream)).await.unwrap();
    stream
}

/// Waits for pictures of that height.
async fn height(stream: &RemoteStream, height: u32) {
    patiently("the picture", async { while frames(stream, 1).await[0].height() != height {} }).await;
}

async fn stream_type(person: &mut Person) -> StreamType {
    person
        .event("stream-type-changed", |event| match event {
            Event::StreamTypeChanged { uid, stream_type, .. } if uid == number(1) => Some(stream_type),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_subscriber_gets_the_picture_that_it_wants() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let mut eve = Person::joined(&service.url(), 3).await;
    ada.client.set_low_stream_parameter(LowStream { size: Some((160, 120)), ..LowStream::default() }).await.unwrap();
    ada.client.enable_dual_stream().await.unwrap();
    let _stream = wide(&ada).await;
    let (seen_by_bob, seen_by_eve) = (bob.watch(1).await, eve.watch(1).await);
    frames(&seen_by_bob, 1).await;

    let stream = StreamId::camera(number(1));
    bob.client.set_remote_video_stream_type(&stream, StreamType::Low).await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::Low);
    height(&seen_by_bob, 90).await;
    assert!(frames(&seen_by_eve, 3).await.iter().all(|frame| frame.height() > 90), "the other keeps the large picture");

    bob.client.set_remote_video_stream_type(&stream, StreamType::High).await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::High);
    patiently("the large picture", async { while frames(&seen_by_bob, 1).await[0].height() <= 90 {} }).await;

    // Without dual stream there is one picture, whatever is wanted.
    bob.client.set_remote_video_stream_type(&stream, StreamType::Low).await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::Low);
    ada.client.disable_dual_stream().await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::High);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_made_before_the_picture_comes_counts_for_every_connection() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    ada.client.enable_dual_stream().await.unwrap();
    let _stream = wide(&ada).await;
    let seen = bob.watch(1).await;
    let stream = StreamId::camera(number(1));
    bob.client.set_remote_video_stream_type(&stream, StreamType::Low).await.unwrap();
    bob.client.set_stream_fallback_option(&stream, Fallback::Sound).await.unwrap();
    height(&seen, 90).await;
    // Other tracks take another connection.
    let picture_only = client::SubscribeOptions { audio: false, video: true };
    patiently("subscribe", bob.client.subscribe(&stream, picture_only)).await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::Low);
    height(&seen, 90).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_service_wishes_are_heard_on_the_connections_of_before() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    ada.client.enable_dual_stream().await.unwrap();
    let _stream = wide(&ada).await;
    let seen = bob.watch(1).await;
    frames(&seen, 1).await;

    let _service = Service::start_at(service.stop().await).await;
    for person in [&mut ada, &mut bob] {
        person.connected_again().await;
    }
    let stream = StreamId::camera(number(1));
    bob.client.set_remote_video_stream_type(&stream, StreamType::Low).await.unwrap();
    assert_eq!(stream_type(&mut bob).await, StreamType::Low);
    height(&seen, 90).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_make_no_sense_are_refused_with_agoras_codes() {
    let service = Service::start().await;
    let ada = Person::new(&service.url());
    let code = |result: Result<(), client::Error>| result.map_err(|error| error.code);
    assert_eq!(code(ada.client.set_low_stream_parameter(LowStream::default()).await), Err(Code::InvalidOperation));
    assert_eq!(code(ada.client.disable_dual_stream().await), Err(Code::DisableDualStreamFailed));
    ada.client.enable_dual_stream().await.unwrap();
    assert_eq!(code(ada.client.enable_dual_stream().await), Err(Code::EnableDualStreamFailed));
    ada.join(1).await.unwrap();
    let low = LowStream { kbps: 0, ..LowStream::default() };
    assert_eq!(code(ada.client.set_low_stream_parameter(low).await), Err(Code::InvalidParameter));
    let _stream = ada.publish().await;
    assert_eq!(code(ada.client.set_low_stream_parameter(LowStream::default()).await), Err(Code::InvalidOperation));
    let nobody = StreamId::camera(number(9));
    assert_eq!(code(ada.client.set_remote_video_stream_type(&nobody, StreamType::Low).await), Err(Code::NoSuchRemoteStream));
    assert_eq!(code(ada.client.set_stream_fallback_option(&nobody, Fallback::Sound).await), Err(Code::NoSuchRemoteStream));
    service.stop().await;
}
