//! The app's windows as people use them: real processes under WebDriver, each on a screen of its own.
//!
//! ```text
//! start     from nothing to a call             crowd     many people
//! call      two people see each other          failures  what the service refuses, or loses
//! form      the form's words                   devices   cameras and sound devices that are not there, or go
//! looks     sizes and themes, to be looked at  service   no service, or a stranger in its place
//! projects  the Projects panel                 screens   a shared window, read on the other side
//! desktop   settings, links, the small window  told      toasts and banners that no other story raises
//! tray      notices and the tray's icon
//! ```
#![cfg(target_os = "linux")]

mod call;
mod crowd;
mod desktop;
mod devices;
mod failures;
mod form;
mod looks;
mod projects;
mod screens;
mod service;
mod start;
mod told;
mod tray;

use std::sync::{Mutex, MutexGuard, PoisonError};

use client::{Client, Codec, Config, Events, LocalStream, Mode, StreamSpec, Uid};
use tests::{clip, service::Service, window::Window};

/// What Agora's sample says when a join fails.
const JOIN_FAILED: &str = "client join failed, please open console see more detail";

/// Two cores carry one pair of windows at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a scenario with a service of its own.
fn scenario(name: &str, body: impl AsyncFnOnce(Service)) {
    if !tests::live(name) {
        return;
    }
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { body(Service::start().await).await });
}

/// A window that shows the clip and sounds a tone.
async fn open(server: &str) -> Window {
    let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
    let window = Window::open(&["--server", server, "--camera", &camera, "--microphone", "tone", "--speaker", "none"]).await;
    window.run(clip::READ_NUMBER, vec![]).await;
    window
}

async fn join(window: &Window, channel: &str, uid: &str) {
    window.fill("[name=channel]", channel).await;
    window
        .sees(
            "the advanced settings open",
            "const d = document.querySelector('[name=uid]').closest('details'); if (d) d.open = true; return true;",
        )
        .await;
    window.fill("[name=uid]", uid).await;
    window.click("#join").await;
    window.toasts(&format!("join channel: {channel} success, uid: {uid}")).await;
}

/// Somebody else in the channel, in this process: the clip and a tone. Dropping it leaves.
struct Guest {
    _client: Client,
    _events: Events,
    _stream: LocalStream,
}

/// How somebody else is seen.
struct Caller<'a> {
    uid: u32,
    name: &'a str,
    /// Width, height, and frames a second of the clip.
    clip: (u32, u32, u32),
    profile: &'a str,
}

impl Guest {
    async fn join(server: &str, channel: &str, uid: u32) -> Self {
        Self::join_as(server, channel, Caller { uid, name: "", clip: (1280, 720, 30), profile: "720p_2" }).await
    }

    async fn join_as(server: &str, channel: &str, caller: Caller<'_>) -> Self {
        let config =
            Config { server: server.to_owned(), mode: Mode::Live, codec: Codec::H264, speaker: "none".into(), ..Config::default() };
        let (client, events) = Client::with_config(config);
        client.init(channel_server::DEFAULT_APP_ID).await.expect("init");
        client.set_name(caller.name).await.expect("a name");
        client.join(None, channel, Some(Uid::number(caller.uid).expect("a uid"))).await.expect("join");
        let (width, height, fps) = caller.clip;
        let camera = format!("file:{}", clip::y4m(width, height, fps).display());
        let video_profile = caller.profile.parse().expect("a profile");
        let spec = StreamSpec { camera_id: Some(camera), microphone_id: Some("tone".into()), video_profile, ..StreamSpec::default() };
        let stream = LocalStream::create(spec);
        stream.init().await.expect("init");
        client.publish(&stream).await.expect("publish");
        Self { _client: client, _events: events, _stream: stream }
    }
}

/// Presses a button whatever covers it, and forgets the toasts of before, which might be taken for its answer.
async fn press(window: &Window, selector: &str) {
    window.forget_toasts().await;
    window.run(&format!("document.querySelector('{selector}').click();"), vec![]).await;
}

/// Waits until the form says why JOIN failed: a sentence and this code.
async fn refused(window: &Window, code: &str) {
    window.toasts(JOIN_FAILED).await;
    let said = "const e = document.querySelector('#form_problem'); return e.hidden ? null : [e.querySelector('.code').textContent, e.firstChild.textContent.trim()];";
    let said = window.sees("the form says why", said).await;
    assert_eq!(said[0], code, "{said}");
    assert!(said[1].as_str().is_some_and(|sentence| sentence.len() > 20), "{said}");
    window.shows("#join").await;
}

/// Waits until the picture in `selector` has shown several different frame numbers. Whoever looks is there: a lobby's picture rests else.
async fn moves(window: &Window, selector: &str) {
    let body = format!(
        "dispatchEvent(new Event('focus'));
         const number = visavisProbe(document.querySelector('{selector} canvas'));
         const seen = (window.visavisSeen ??= {{}})['{selector}'] ??= new Set();
         if (number !== null) seen.add(number);
         return seen.size >= 5;"
    );
    window.sees(&format!("{selector} moves"), &body).await;
}

/// Waits until this stream's tile has drawn some more pictures, whatever is on them.
async fn draws(window: &Window, stream: &str) {
    window.run("for (const tile of visavisFrames.tiles) tile.visavisFrom = tile.meter.drawn;", vec![]).await;
    let body = format!(
        "const tile = visavisFrames.tiles.find(tile => tile.stream === '{stream}');
         return tile !== undefined && tile.meter.drawn >= (tile.visavisFrom ?? 0) + 5;"
    );
    window.sees(&format!("the picture of {stream} moves"), &body).await;
}
