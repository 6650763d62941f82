//! A window that one shares, as the others see it.

use client::{Client, Config, Event, Events, StreamId, StreamSource, SubscribeOptions, Uid};
use tests::{
    display::Display,
    letters::{self, HEIGHT, WIDTH, compare, seen},
    process::until,
    service::Service,
    window::{PATIENCE, Place, Window},
};

use crate::{join, open, scenario};

/// Where the window of letters stands: beside the app's, since a window is shared with what covers it.
const BESIDE: &str = "1180";

/// The window of letters, once the window manager has it; its X id.
async fn letters_at(display: &Display) -> String {
    let find =
        async || display.xdotool(&["search", "--onlyvisible", "--name", "letters"]).filter(|id| !id.is_empty() && !id.contains('\n'));
    let id = until("the window of letters", PATIENCE, find).await;
    letters::entitle(display, &id);
    let place = async || {
        display.xdotool(&["windowmove", &id, BESIDE, "60"])?;
        let geometry = display.xdotool(&["getwindowgeometry", "--shell", &id])?;
        let x: u32 = geometry.lines().find_map(|line| line.strip_prefix("X="))?.parse().ok()?;
        (x >= 1100).then_some(())
    };
    until("the window of letters stands beside", PATIENCE, place).await;
    id
}

/// Chooses the window of letters in the picker and shares it.
async fn share(window: &Window, picture: &str) {
    window.click("#screen_toggle").await;
    window.shows("#screens_list .screen-card").await;
    window.click("#tab_windows").await;
    let choose = format!(
        "const card = [...document.querySelectorAll('#screens_list .screen-card')].find(card => card.textContent.includes('{}'));
         card?.querySelector('input').click();
         return card?.querySelector('img')?.complete === true;",
        letters::TITLE
    );
    window.sees("the window is offered with a small picture", &choose).await;
    window.screenshot(picture).await;
    window.click("#screens_share").await;
    window.shows("#local_screen_panel.drawn").await;
}

/// Somebody who watches, without a window.
async fn viewer(service: &Service) -> (Client, Events) {
    let (client, events) = Client::with_config(Config { server: service.url(), speaker: "none".into(), ..Config::default() });
    client.init(channel_server::DEFAULT_APP_ID).await.expect("an App ID");
    client.join(None, "screens", Some(Uid::Number(9))).await.expect("joins");
    (client, events)
}

async fn event(events: &mut Events, what: &str, is: impl Fn(&Event) -> bool) {
    let wait = async { while !is(&events.recv().await.expect("the client lives")) {} };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}

#[test]
fn a_shared_window_is_read_on_the_other_side_and_stops_by_its_button() {
    scenario("a shared window", async |service| {
        let url = service.url();
        let display = Display::start(2000, 900);
        let _manager = display.manage().await;
        let shown = letters::show(&display);
        letters_at(&display).await;
        let arguments = ["--server", &url, "--camera", "none", "--microphone", "none", "--speaker", "none"];
        let (ana, ben) = tokio::join!(Window::open_at(Place::on(display), &arguments), open(&url));
        let (client, mut events) = viewer(&service).await;
        join(&ana, "screens", "7").await;
        join(&ben, "screens", "8").await;
        share(&ana, "screens-picker").await;
        ana.screenshot("screens-own").await;

        let screen = StreamId { uid: Uid::Number(7), source: StreamSource::Screen };
        let is_screen = |event: &Event| matches!(event, Event::StreamAdded { stream } if stream.id.source == StreamSource::Screen);
        event(&mut events, "the screen is published", is_screen).await;
        client.subscribe(&screen, SubscribeOptions::default()).await.expect("subscribes");
        let stream = client.streams().into_iter().find(|stream| stream.id() == screen).expect("it is subscribed to");
        let readable = |frame: &client::VideoFrame| {
            let whole = (frame.width() as usize, frame.height() as usize) == (WIDTH, HEIGHT);
            whole && compare(frame).0 > 32.0 && compare(frame).1 < 0.001
        };
        let (psnr, wrong) = compare(&seen("sharp letters", &stream, readable).await);
        println!("letters: {psnr:.1} dB, {:.4} % of the pixels on the wrong side", wrong * 100.0);
        ben.shows("#remote_video_7-screen canvas").await;
        let large =
            "const box = document.querySelector('[id=\"remote_video_panel_7-screen\"]').getBoundingClientRect(); return box.width > 700;";
        ben.sees("the screen is large", large).await;
        ben.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        ben.screenshot("screens-other").await;

        ana.click("#local_screen_panel .stop-screen").await;
        ana.lacks("#local_screen_panel").await;
        ben.lacks("#remote_video_panel_7-screen").await;

        share(&ana, "screens-picker-again").await;
        ben.shows("#remote_video_panel_7-screen").await;
        // The window is closed by whoever owns it.
        drop(shown);
        ana.toasts("You no longer share your screen").await;
        ana.screenshot("screens-ended").await;
        ana.lacks("#local_screen_panel").await;
        ben.lacks("#remote_video_panel_7-screen").await;
        ana.sees("one is still in the call", "return document.documentElement.dataset.state === 'call';").await;
        client.leave().await.expect("leaves");
        ana.close().await;
        ben.close().await;
    });
}
