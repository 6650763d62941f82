//! A screen beside the camera: two streams of one user. A test pattern and files stand for screens.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use crate::support::{Person, Service, frames, number, patiently};
use client::{Code, ConnectionState, Event, LocalStream, Mode, Preference, StreamId, StreamSource, StreamSpec, VideoProfile};

const PROFILE: VideoProfile = VideoProfile { width: 320, height: 180, fps: 15, max_kbps: 500 };

fn screen(uid: u32) -> StreamId {
    StreamId { uid: number(uid), source: StreamSource::Screen }
}

/// Publishes what stands for a screen.
async fn share(person: &Person, id: &str) -> LocalStream {
    let stream = LocalStream::create(StreamSpec::screen(id, PROFILE, Preference::Detail));
    let report = patiently("init", stream.init()).await.unwrap();
    assert!(report.problems.is_empty() && !report.audio, "{report:?}");
    patiently("publish", person.client.publish(&stream)).await.unwrap();
    stream
}

fn removed(stream: StreamId) -> impl FnMut(Event) -> Option<()> {
    move |event| matches!(event, Event::StreamRemoved { stream: removed } if removed == stream).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_and_a_camera_of_one_user_come_and_go_each_by_itself() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let _camera = ada.publish().await;
    let shared = share(&ada, "pattern").await;
    let (face, desk) = (bob.watch(1).await, bob.watch_stream(screen(1)).await);
    let (faces, desks) = tokio::join!(frames(&face, 10), frames(&desk, 10));
    assert_eq!((faces[0].width(), desks[0].width()), (640, 320));
    assert!(!desk.info().audio);
    let stats = ada.client.stats();
    let sent = stats.screen.and_then(|screen| screen.video).expect("the screen has numbers of its own");
    assert_eq!((sent.width, stats.send.video.map(|video| video.width)), (320, Some(640)));

    let again = LocalStream::create(StreamSpec::screen("pattern", PROFILE, Preference::Detail));
    patiently("init", again.init()).await.unwrap();
    let refused = patiently("publish", ada.client.publish(&again)).await.unwrap_err();
    assert_eq!(refused.code, Code::StreamAlreadyPublished, "one screen a user");

    patiently("unpublish", ada.client.unpublish(&shared)).await.unwrap();
    bob.event("the screen's end", removed(screen(1))).await;
    frames(&face, 10).await;
    assert_eq!((bob.client.streams().len(), ada.client.stats().screen), (1, None));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_streams_outlive_a_restart_of_the_service() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let _streams = (ada.publish().await, share(&ada, "pattern").await);
    let (face, desk) = (bob.watch(1).await, bob.watch_stream(screen(1)).await);
    let address = service.stop().await;
    tokio::join!(frames(&face, 20), frames(&desk, 20));
    let service = Service::start_at(address).await;
    for person in [&mut ada, &mut bob] {
        person
            .event("the return", |event| match event {
                Event::ConnectionStateChange { cur: ConnectionState::Connected, .. } => Some(()),
                Event::StreamRemoved { .. } | Event::PeerLeave { .. } => panic!("the call broke: {event:?}"),
                _ => None,
            })
            .await;
    }
    let mut eve = Person::joined(&service.url(), 3).await;
    let (face, desk) = (eve.watch(1).await, eve.watch_stream(screen(1)).await);
    tokio::join!(frames(&face, 5), frames(&desk, 5));
    service.stop().await;
}

/// A clip in the system's temporary folder, removed when dropped.
struct Clip(PathBuf);

impl Clip {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("visavis-{}-{name}.y4m", std::process::id()));
        let mut bytes = b"YUV4MPEG2 W320 H180 F30:1 C420jpeg\n".to_vec();
        for shade in 0..30 {
            bytes.extend_from_slice(b"FRAME\n");
            bytes.extend_from_slice(&vec![shade * 8; 320 * 180 * 3 / 2]);
        }
        File::create(&path).and_then(|mut file| file.write_all(&bytes)).unwrap();
        Self(path)
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_closed_ends_its_stream_and_the_call_goes_on() {
    let service = Service::start().await;
    let mut ada = Person::joined(&service.url(), 1).await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let _camera = ada.publish().await;
    let clip = Clip::new("closed");
    let _shared = share(&ada, &format!("file:{}", clip.0.display())).await;
    let (face, desk) = (bob.watch(1).await, bob.watch_stream(screen(1)).await);
    frames(&desk, 3).await;
    File::options().write(true).open(&clip.0).unwrap().set_len(40).unwrap();
    let stopped = ada.event("stopScreenSharing", |event| match event {
        Event::StopScreenSharing { stream, error } => Some((stream, error)),
        Event::DeviceLost { .. } => panic!("{event:?}"),
        _ => None,
    });
    let (stream, error) = stopped.await;
    assert_eq!((stream, error.code), (screen(1), Code::MediaOptionInvalid));
    bob.event("the screen's end", removed(screen(1))).await;
    frames(&face, 10).await;
    share(&ada, "pattern").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shares_a_screen_is_a_host_until_the_last_stream_is_taken_back() {
    let service = Service::start().await;
    let mut ada = Person::in_mode(&service.url(), Mode::Live);
    ada.join(1).await.unwrap();
    let shared = share(&ada, "pattern").await;
    let camera = ada.publish().await;
    let role = |event| match event {
        Event::ClientRoleChanged { role } => Some(role),
        _ => None,
    };
    assert_eq!(ada.event("host", role).await, client::Role::Host);
    patiently("unpublish", ada.client.unpublish(&camera)).await.unwrap();
    patiently("unpublish", ada.client.unpublish(&shared)).await.unwrap();
    let mut cameras = 0;
    let last = ada.event("audience", |event| {
        let camera = StreamId::camera(number(1));
        cameras += u32::from(matches!(&event, Event::StreamUnpublished { stream, .. } if *stream == camera));
        role(event)
    });
    assert_eq!(last.await, client::Role::Audience);
    assert_eq!(cameras, 1, "the camera's end alone changed nothing");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_reach_the_others_clean_and_change_in_a_call() {
    let service = Service::start().await;
    let mut bob = Person::joined(&service.url(), 2).await;
    let ada = Person::new(&service.url());
    ada.client.set_name(&"😀".repeat(10_000)).await.unwrap();
    ada.join(1).await.unwrap();
    let named = |event| match event {
        Event::PeerNamed { uid, name } if uid == number(1) => Some(name.map(String::from)),
        _ => None,
    };
    assert_eq!(bob.event("a name", named).await, Some("😀".repeat(64)));
    ada.client.set_name("<b>Ada</b>\u{202e}").await.unwrap();
    assert_eq!(bob.event("another name", named).await.as_deref(), Some("<b>Ada</b>"));
    ada.client.set_name("").await.unwrap();
    assert_eq!(bob.event("no name", named).await, None);
    service.stop().await;
}
