//! Windows without a window: whole calls over a channel service and connections of their own, with made-up devices.

use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::{
    input::Input,
    join::Join,
    output::Answer,
    window::{Setup, Window},
};
use crate::{
    devices::Catalogue,
    error::Error,
    events::PageEvent,
    frames::Streams,
    media::latest::Next,
    projects::Book,
    service::{Place, Service, Status, Target, free_address},
    settings::Store,
    signal::Code,
    types::{CallState, LOCAL, LOCAL_SCREEN, Phase, RemoteMedia, ShareSpec},
};

struct Seat {
    window: Window,
    streams: Streams,
    state: watch::Receiver<Option<CallState>>,
    events: mpsc::UnboundedReceiver<PageEvent>,
}

async fn service() -> Service {
    let service = Service::embedded(free_address(), Book::open(None));
    service.status().wait_for(|status| *status == Status::Serving).await.unwrap();
    service
}

async fn sit(service: &Service) -> Seat {
    let catalogue = Catalogue::empty();
    let target = Target::Named(service.url().to_owned());
    let place = Place { url: service.url().to_owned(), target, status: Status::Serving };
    let setup = Setup {
        ca: None,
        place: watch::channel(place).1,
        nearby: watch::channel(Default::default()).1,
        speaker: Some("none".into()),
        catalogue,
        projects: Book::open(None).changes(),
        settings: Store::open(None).changes(),
        onlooker: std::sync::Arc::new(|_| {}),
    };
    let streams = Streams::default();
    let window = Window::start(setup, streams.clone());
    let (news, events) = mpsc::unbounded_channel();
    let (report, state) = watch::channel(None);
    let page = move |event| match event {
        PageEvent::CallState { call } => report.send(Some(*call)).is_ok(),
        other => news.send(other).is_ok(),
    };
    window.set_page("main", Box::new(page)).await.unwrap();
    Seat { window, streams, state, events }
}

impl Seat {
    async fn join(&self, channel: &str, uid: u32) -> Result<Answer, Error> {
        let form = json!({
            "appId": channel_server::DEFAULT_APP_ID, "channel": channel, "uid": uid,
            "cameraId": "pattern", "microphoneId": "tone", "resolution": "160x120@15:65", "mode": "rtc", "codec": "h264",
        });
        let join = Box::new(Join::new(serde_json::from_value(form).unwrap(), None, None).unwrap());
        self.window.command(|ticket| Input::Join { join, ticket }).await
    }

    async fn leave(&self) -> Result<Answer, Error> {
        self.window.command(|ticket| Input::Leave { ticket }).await
    }

    /// Waits until the page is told of such a state.
    async fn until(&mut self, what: impl Fn(&CallState) -> bool) -> CallState {
        let state = self.state.wait_for(|state| state.as_ref().is_some_and(&what)).await.unwrap();
        state.clone().unwrap()
    }

    /// Waits for a picture of this stream.
    async fn sees(&self, stream: &str) {
        let (streams, stream) = (self.streams.clone(), stream.to_owned());
        let picture = tokio::task::spawn_blocking(move || {
            let mut source = streams.newer(&stream, 0, std::time::Duration::from_secs(20)).unwrap();
            source.frames.next(std::time::Duration::from_secs(20))
        });
        assert!(matches!(picture.await.unwrap(), Next::Value(_)));
    }
}

fn playing(count: usize) -> impl Fn(&CallState) -> bool {
    move |state| state.published && state.remote.len() == count && state.remote.iter().all(|remote| remote.state == RemoteMedia::Playing)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_see_each_other_until_one_leaves() {
    let service = service().await;
    let (mut ana, mut ben) = (sit(&service).await, sit(&service).await);
    let joined = tokio::join!(ana.join("demo", 7), ben.join("demo", 8));
    assert!(joined.0.is_ok() && joined.1.is_ok(), "{joined:?}");
    tokio::join!(ana.until(playing(1)), ben.until(playing(1)));
    tokio::join!(ana.sees("8"), ben.sees("7"), ana.sees(LOCAL));
    ana.leave().await.unwrap();
    ben.until(|state| state.remote.is_empty()).await;
    assert_eq!(ana.until(|state| state.state == Phase::Lobby).await.uid, None);
    ben.window.close().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpublishing_removes_the_far_tile_and_publishing_brings_it_back() {
    let service = service().await;
    let (mut ana, mut ben) = (sit(&service).await, sit(&service).await);
    tokio::try_join!(ana.join("demo", 7), ben.join("demo", 8)).unwrap();
    ben.until(playing(1)).await;
    ana.until(|state| state.published).await;
    ana.window.command(|ticket| Input::Publish { wanted: false, ticket }).await.unwrap();
    ben.until(|state| state.remote.is_empty()).await;
    ana.window.command(|ticket| Input::Publish { wanted: true, ticket }).await.unwrap();
    ben.until(playing(1)).await;
    ana.window.close().await;
    ben.until(|state| state.remote.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_shares_a_screen_beside_its_camera_under_its_name() {
    let service = service().await;
    let (mut ana, mut ben) = (sit(&service).await, sit(&service).await);
    tokio::try_join!(ana.join("demo", 7), ben.join("demo", 8)).unwrap();
    ana.window.set_name(" Ana ".into()).await.unwrap();
    let share = json!({"id": "pattern", "preference": "detail", "resolution": "480p"});
    let share = serde_json::from_value::<ShareSpec>(share).unwrap();
    ana.window.command(|ticket| Input::Share { share: Some(share), ticket }).await.unwrap();
    let state = ana.until(|state| state.screen.is_some()).await;
    assert_eq!((state.name.as_deref(), state.screen.map(|screen| screen.label)), (Some("Ana"), Some("pattern".into())));
    let state = ben.until(playing(2)).await;
    let shown: Vec<_> = state.remote.iter().map(|remote| (remote.stream.as_str(), remote.name.as_deref())).collect();
    assert!(shown.contains(&("7", Some("Ana"))) && shown.contains(&("7-screen", Some("Ana"))), "{shown:?}");
    tokio::join!(ben.sees("7-screen"), ana.sees(LOCAL_SCREEN));
    ana.window.command(|ticket| Input::Share { share: None, ticket }).await.unwrap();
    ben.until(playing(1)).await;
    assert!(ana.until(|state| state.screen.is_none()).await.published);
    ana.window.set_speaker("speaker:nowhere".into()).await.unwrap_err();
    ana.window.set_speaker("none".into()).await.unwrap();
    ana.leave().await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_joins_at_once_are_one_client() {
    let service = service().await;
    let (ana, mut ben) = (sit(&service).await, sit(&service).await);
    let (first, second) = tokio::join!(ana.join("demo", 7), ana.join("demo", 7));
    assert_eq!(first.unwrap(), second.unwrap());
    ben.join("demo", 8).await.unwrap();
    ben.until(playing(1)).await;
    assert_eq!(ana.join("other", 7).await.unwrap_err().code, Code::RepeatJoin);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_calls_a_join_off_and_the_next_join_works() {
    let service = service().await;
    let mut ana = sit(&service).await;
    let (joined, left) = tokio::join!(ana.join("demo", 7), ana.leave());
    assert_eq!(joined.unwrap_err().code, Code::RequestAbort);
    assert!(left.is_ok());
    ana.join("demo", 7).await.unwrap();
    let state = ana.until(|state| state.published).await;
    assert!(state.joined && state.local.is_some_and(|local| local.audio && local.video));
    while !matches!(ana.events.recv().await.unwrap(), PageEvent::StreamPublished(_)) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_reloaded_finds_its_call() {
    let service = service().await;
    let mut ana = sit(&service).await;
    ana.join("demo", 7).await.unwrap();
    ana.until(|state| state.published).await;
    let (report, mut first) = mpsc::unbounded_channel();
    ana.window.set_page("main", Box::new(move |event| report.send(event).is_ok())).await.unwrap();
    let Some(PageEvent::CallState { call }) = first.recv().await else { panic!("the state comes first") };
    assert!(call.joined && call.published && call.params.is_some_and(|params| params.channel == "demo"));
    assert_eq!(ana.join("demo", 7).await.unwrap(), Answer::Joined(crate::signal::Uid::Number(7)), "a join under way comes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_the_service_refuses_ends_in_the_lobby_with_its_code() {
    let service = service().await;
    let (ana, mut ben) = (sit(&service).await, sit(&service).await);
    ana.join("demo", 7).await.unwrap();
    assert_eq!(ben.join("demo", 7).await.unwrap_err().code, Code::UidConflict);
    ben.until(|state| state.state == Phase::Lobby && state.local.is_none()).await;
    assert_eq!(ben.join("*", 8).await.unwrap_err().code, Code::InvalidChannelName);
    ben.join("demo", 8).await.unwrap();
}
