//! Whole calls: a channel service and clients over real sockets.

use crate::support::{Person, Service, frames, number, patiently};
use client::{ConnectionState, Event, LeaveReason, LocalStream, StreamId, StreamSpec, Uid};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_and_hear_each_other_until_one_leaves() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let (_ada_stream, bob_stream) = (ada.publish().await, bob.publish().await);

    let seen_by_ada = ada.watch(2).await;
    let seen_by_bob = bob.watch(1).await;
    let (first, second) = tokio::join!(frames(&seen_by_ada, 20), frames(&seen_by_bob, 20));
    assert!(first.iter().chain(&second).all(|frame| frame.width() > 0 && frame.height() > 0));
    let heard = |event| matches!(event, Event::FirstAudioFrameDecode { .. }).then_some(());
    ada.event("sound", heard).await;
    bob.event("sound", heard).await;
    assert_eq!(ada.client.streams().len(), 1);
    assert_eq!(ada.client.uid(), Some(number(1)));

    patiently("unpublish", bob.client.unpublish(&bob_stream)).await.unwrap();
    let removed = StreamId::camera(number(2));
    ada.event("stream-removed", |event| matches!(event, Event::StreamRemoved { stream } if stream == removed).then_some(())).await;
    assert!(ada.client.streams().is_empty());

    patiently("leave", ada.client.leave()).await.unwrap();
    assert_eq!(ada.client.connection_state(), ConnectionState::Disconnected);
    let reason = bob.event("peer-leave", |event| match event {
        Event::PeerLeave { uid, reason } if uid == number(1) => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, LeaveReason::Quit);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_each_see_the_two_others() {
    let service = Service::start().await;
    let mut people = Vec::new();
    let mut published = Vec::new();
    for uid in 1..=3 {
        let person = Person::joined(&service.url(), uid).await;
        published.push(person.publish().await);
        people.push(person);
    }
    let mut seen = Vec::new();
    for (person, others) in people.iter_mut().zip([[2, 3], [1, 3], [1, 2]]) {
        for uid in others {
            seen.push(person.watch(uid).await);
        }
    }
    for stream in &seen {
        frames(stream, 10).await;
    }
    for person in &people {
        assert_eq!(person.client.streams().len(), 2);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_people_are_watched_at_once() {
    let service = Service::start().await;
    let mut viewer = Person::joined(&service.url(), 100).await;
    let mut publishing = Vec::new();
    for uid in 1..=15 {
        let person = Person::joined(&service.url(), uid).await;
        publishing.push((person.publish_small().await, person));
    }
    let mut added = 0;
    let all_added = |event| {
        added += u32::from(matches!(event, Event::StreamAdded { .. }));
        (added == 15).then_some(())
    };
    viewer.event("fifteen streams", all_added).await;
    // All subscriptions are under way at the same time.
    let client = &viewer.client;
    let subscribe = |uid| async move { client.subscribe(&StreamId::camera(number(uid)), Default::default()).await };
    let all = futures_util::future::join_all((1..=15).map(subscribe));
    let answers = patiently("fifteen subscriptions", all).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let streams = viewer.client.streams();
    let shown = patiently("fifteen pictures", futures_util::future::join_all(streams.iter().map(|stream| frames(stream, 10)))).await;
    assert_eq!(shown.len(), 15);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsubscribed_stream_can_be_subscribed_again() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let _stream = ada.publish().await;
    frames(&bob.watch(1).await, 5).await;
    let stream = StreamId::camera(number(1));
    patiently("unsubscribe", bob.client.unsubscribe(&stream)).await.unwrap();
    assert!(bob.client.streams().is_empty());
    patiently("subscribe", bob.client.subscribe(&stream, Default::default())).await.unwrap();
    frames(&bob.client.streams()[0], 5).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_reaches_the_others() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let stream = ada.publish().await;
    bob.watch(1).await;
    stream.mute_audio(true);
    bob.event("mute-audio", |event| matches!(event, Event::MuteAudio { uid, .. } if uid == number(1)).then_some(())).await;
    stream.mute_audio(false);
    bob.event("unmute-audio", |event| matches!(event, Event::UnmuteAudio { uid, .. } if uid == number(1)).then_some(())).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_loud_everybody_is_oneself_included_is_told_to_who_asks() {
    let service = Service::start().await;
    let (ana, mut ben) = (Person::joined(&service.url(), 1).await, Person::joined(&service.url(), 2).await);
    let _from_ana = ana.publish().await;
    let from_ben = ben.publish().await;
    ben.watch(1).await;
    ben.client.enable_audio_volume_indicator().await.unwrap();
    let levels = |event| match event {
        Event::VolumeIndicator { levels } => Some(levels),
        _ => None,
    };
    let speak = |levels: &Vec<(Uid, u8)>| levels.len() == 2 && levels.iter().all(|(_, level)| *level > 5);
    let both = ben.event("both speak", |event| levels(event).filter(speak)).await;
    assert_eq!(both.iter().map(|(uid, _)| uid.clone()).collect::<Vec<_>>(), [number(1), number(2)]);
    from_ben.mute_audio(true);
    ben.event("a mute", |event| levels(event).filter(|levels| levels.contains(&(number(2), 0)))).await;
    assert!(from_ben.audio_level() > 0.05, "one hears oneself, muted or not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_is_unpublished_and_a_dropped_client_leaves() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let stream = ada.publish().await;
    bob.watch(1).await;
    drop(stream);
    bob.event("stream-removed", |event| matches!(event, Event::StreamRemoved { .. }).then_some(())).await;
    drop(ada);
    bob.event("peer-leave", |event| matches!(event, Event::PeerLeave { reason: LeaveReason::Quit, .. }).then_some(())).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_goes_on_without_the_service_and_membership_comes_back_with_it() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let (ada_stream, _bob_stream) = (ada.publish().await, bob.publish().await);
    let (seen_by_ada, seen_by_bob) = (ada.watch(2).await, bob.watch(1).await);
    tokio::join!(frames(&seen_by_ada, 5), frames(&seen_by_bob, 5));

    let address = service.stop().await;
    for person in [&mut ada, &mut bob] {
        person
            .event("the loss", |event| matches!(event, Event::ConnectionStateChange { cur: ConnectionState::Connecting, .. }).then_some(()))
            .await;
    }
    tokio::join!(frames(&seen_by_ada, 20), frames(&seen_by_bob, 20));

    let service = Service::start_at(address).await;
    for person in [&mut ada, &mut bob] {
        person
            .event("the return", |event| match event {
                Event::ConnectionStateChange { cur: ConnectionState::Connected, .. } => Some(()),
                Event::StreamRemoved { .. } | Event::PeerLeave { .. } | Event::StreamReconnectStart { .. } => {
                    panic!("the call broke: {event:?}")
                }
                _ => None,
            })
            .await;
    }
    tokio::join!(frames(&seen_by_ada, 20), frames(&seen_by_bob, 20));

    // The new service knows everything: messages reach the others, and a newcomer finds both streams.
    ada_stream.mute_video(true);
    bob.event("mute-video", |event| match event {
        Event::MuteVideo { uid, .. } if uid == number(1) => Some(()),
        Event::StreamRemoved { .. } | Event::PeerLeave { .. } | Event::StreamAdded { .. } | Event::PeerOnline { .. } => {
            panic!("told twice: {event:?}")
        }
        _ => None,
    })
    .await;
    ada_stream.mute_video(false);
    let mut eve = Person::joined(&service.url(), 3).await;
    let (ada_again, bob_again) = (eve.watch(1).await, eve.client.subscribe(&StreamId::camera(number(2)), Default::default()).await);
    bob_again.unwrap();
    frames(&ada_again, 5).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_into_a_muted_microphone_is_told_and_nobody_hears_it() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let voice = std::path::absolute("../../../tests/clips/speech_48k.wav").unwrap();
    let microphone_id = Some(format!("file:{}", voice.display()));
    let stream = LocalStream::create(StreamSpec { video: false, microphone_id, ..StreamSpec::default() });
    assert!(patiently("init", stream.init()).await.unwrap().problems.is_empty());
    stream.mute_audio(true);
    patiently("publish", ada.client.publish(&stream)).await.unwrap();
    let seen = bob.watch(1).await;
    let told = ada
        .event("the voice", |event| match event {
            Event::SpeakingWhileMuted { stream } => Some(stream),
            _ => None,
        })
        .await;
    assert_eq!(told, StreamId::camera(number(1)));
    let packets = bob.client.stats().receive[0].audio.as_ref().map(|audio| audio.packets);
    assert_eq!((seen.audio_level(), packets), (0.0, Some(0)));
    service.stop().await;
}
