//! One window without a driver: how soon it is there, and what it costs while nobody does anything.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    display::Display,
    measure::{Tree, percentile, round},
    process::{Group, free_port, until},
    window::{PATIENCE, Place},
};

use crate::bench::pause;

/// How long a window is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(10);

/// What the app logs when its page has taken over.
const READY: &str = "the page is ready";

/// Starts the app, which serves channels by itself, in a place where it was never before.
fn launch(place: &Place, camera: &str) -> Group {
    let mut command = Command::new("dbus-run-session");
    let listen = format!("127.0.0.1:{}", free_port());
    command.arg("--").arg(tests::binary("visavis")).args(["--listen", &listen, "--camera", camera, "--microphone", "none"]);
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
        let app = launch(&place, "none");
        ready(&place).await;
        taken.push(began.elapsed().as_secs_f64() * 1000.0);
        drop(app);
    }
    let all: Vec<f64> = taken.iter().map(|ms| round(*ms)).collect();
    json!({"bench": "start", "ready_ms": {"p50": percentile(&taken, 0.5).map(round), "max": percentile(&taken, 1.0).map(round), "all": all}})
}

/// A lobby that is left alone: without a camera, and with one whose picture it shows.
pub async fn idle(seconds: u64) -> Value {
    let mut rows = Vec::new();
    for camera in ["none", "pattern"] {
        let place = Place::on(Display::start(1280, 800));
        let app = launch(&place, camera);
        ready(&place).await;
        pause(SETTLE).await;
        let (before, began) = (Tree::read(app.id()), Instant::now());
        pause(Duration::from_secs(seconds)).await;
        let cost = Tree::read(app.id()).since(&before, began.elapsed().as_secs_f64());
        rows.push(json!({"camera": camera, "cost": cost}));
    }
    json!({"bench": "idle", "seconds": seconds, "rows": rows})
}
