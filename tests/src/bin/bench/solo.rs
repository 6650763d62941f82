//! One window: how soon it is there, and what it costs while nobody does anything.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    display::Display,
    measure::{Tree, percentile, round},
    process::{Group, free_port, until},
    window::{PATIENCE, Place, Window},
};

use crate::bench::pause;

/// How long a window is left alone before it counts as idle: ten to fifteen seconds after a page has loaded, its engine clears up behind
/// it, once.
const SETTLE: Duration = Duration::from_secs(30);

/// The most that is measured of a lobby before its picture may rest, and how long it may take until it does.
const AWAKE: Duration = Duration::from_secs(20);
const RESTS: Duration = Duration::from_secs(120);

/// How the page shows that its picture rests.
const RESTING: &str = "return document.querySelector('#local_video_panel').dataset.picture === 'resting';";

/// What the app logs when its page has taken over.
const READY: &str = "the page is ready";

/// Starts the app, which serves channels by itself, without a driver and a camera, in a place where it was never before.
fn launch(place: &Place) -> Group {
    let mut command = Command::new("dbus-run-session");
    let listen = format!("127.0.0.1:{}", free_port());
    command.arg("--").arg(tests::binary("visavis")).args(["--listen", &listen, "--camera", "none", "--microphone", "none"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Group::start(place.enter(&mut command))
}

async fn ready(place: &Place) {
    until("the page is ready", PATIENCE, async || place.logged().contains(READY).then_some(())).await;
}

/// From the start of the process to a page that is ready, so many times, each time as at a person's first start.
pub async fn start(times: u64) -> Value {
    let mut taken = Vec::new();
    for _ in 0..times {
        let place = Place::on(Display::start(1280, 800));
        let began = Instant::now();
        let app = launch(&place);
        ready(&place).await;
        taken.push(began.elapsed().as_secs_f64() * 1000.0);
        drop(app);
    }
    let all: Vec<f64> = taken.iter().map(|ms| round(*ms)).collect();
    json!({"bench": "start", "ready_ms": {"p50": percentile(&taken, 0.5).map(round), "max": percentile(&taken, 1.0).map(round), "all": all}})
}

/// A lobby that is left alone: without a camera, and with one, while its picture is shown and once that rests.
pub async fn idle(seconds: u64) -> Value {
    let time = Duration::from_secs(seconds);
    let place = Place::on(Display::start(1280, 800));
    let app = launch(&place);
    ready(&place).await;
    pause(SETTLE).await;
    let none = json!({"camera": "none", "lobby": cost(app.id(), time).await});
    drop(app);
    json!({"bench": "idle", "seconds": seconds, "rows": [none, preview(time).await]})
}

async fn preview(time: Duration) -> Value {
    let display = Display::start(1280, 800);
    // It gives the window the focus: without, the picture rests sooner.
    let _manager = display.manage().await;
    let listen = format!("127.0.0.1:{}", free_port());
    let window = Window::open_on(display, &["--listen", &listen, "--camera", "pattern", "--microphone", "none"]).await;
    pause(SETTLE).await;
    let lobby = cost(window.driver_id(), time.min(AWAKE)).await;
    assert!(!rests(&window).await, "the picture is shown while it is measured");
    until("the picture rests", RESTS, async || rests(&window).await.then_some(())).await;
    pause(SETTLE).await;
    let resting = cost(window.driver_id(), time).await;
    window.close().await;
    json!({"camera": "pattern", "lobby": lobby, "resting": resting})
}

async fn rests(window: &Window) -> bool {
    window.run(RESTING, vec![]).await == Value::Bool(true)
}

/// What the app's processes below `top` cost over so long.
async fn cost(top: u32, time: Duration) -> Value {
    let (before, began) = (Tree::read(top), Instant::now());
    pause(time).await;
    Tree::read(top).since(&before, began.elapsed().as_secs_f64())
}
