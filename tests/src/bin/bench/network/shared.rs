//! A call that has to share its link.

use std::{path::Path, time::Duration};

use serde_json::json;
use tests::{
    clip,
    download::Download,
    measure::round,
    wire::{End, Wire},
};

use super::{
    Direction, RAMP_UP, TO_LEFT, TO_RIGHT, pair, pair_with,
    span::{direction, reported, spans},
    until_seen,
};
use crate::bench::pause;

const PROFILE: &str = "640x360@30:2000";
/// How long two calls find their shares; the second begins from nothing beside one that has all.
const SETTLE: Duration = Duration::from_secs(30);

/// By what 7 shows of itself and of a screen, on which a film runs.
pub async fn by_camera_and_screen(wire: &Wire, measured: Duration, folder: &Path) -> Vec<Direction> {
    let film = clip::y4m(1280, 720, 15);
    let screen = ["--screen", &film.to_string_lossy(), "--screen-profile", "1280x720@15:2000"];
    let callers = pair_with(wire, "hosts", PROFILE, folder, &screen);
    until_seen(&callers).await;
    pause(RAMP_UP).await;
    let begins = reported(&callers);
    pause(measured).await;
    let [left, right] = spans(&callers, begins);
    let (mut figures, shown) = (direction(&right, &left, "7"), direction(&right, &left, "7-screen"));
    figures["screen_kbps"] = shown["received_kbps"].clone();
    figures["screen_fps"] = shown["fps"].clone();
    vec![
        Direction { name: TO_RIGHT, figures, judged: true },
        Direction { name: TO_LEFT, figures: direction(&left, &right, "8"), judged: false },
    ]
}

/// With a TCP download from 7's host to 8's, which begins when the call has ramped up, and is measured after as long again.
pub async fn with_a_download(wire: &Wire, measured: Duration, folder: &Path) -> Vec<Direction> {
    let callers = pair(wire, "hosts", PROFILE, folder);
    until_seen(&callers).await;
    pause(RAMP_UP).await;
    let download =
        Download::start(wire.host(End::Left), Wire::address(End::Left), wire.host(End::Right)).expect("the hosts reach each other");
    pause(RAMP_UP).await;
    let (begins, before) = (reported(&callers), download.received());
    pause(measured).await;
    let downloaded = download.received() - before;
    let [left, right] = spans(&callers, begins);
    let mut figures = direction(&right, &left, "7");
    figures["download_kbps"] = json!(round(downloaded as f64 * 8.0 / 1000.0 / measured.as_secs_f64()));
    figures["download_control"] = json!(download.control());
    vec![
        Direction { name: TO_RIGHT, figures, judged: true },
        Direction { name: TO_LEFT, figures: direction(&left, &right, "8"), judged: false },
    ]
}

/// By two calls in channels of their own, the second of which joins when the first has ramped up.
pub async fn by_two_calls(wire: &Wire, measured: Duration, folder: &Path) -> Vec<Direction> {
    let first = pair(wire, "first", PROFILE, folder);
    until_seen(&first).await;
    pause(RAMP_UP).await;
    let second = pair(wire, "second", PROFILE, folder);
    until_seen(&second).await;
    pause(SETTLE).await;
    let begins = [reported(&first), reported(&second)];
    pause(measured).await;
    let (first, second) = (spans(&first, begins[0]), spans(&second, begins[1]));
    Direction::both([(0, 1, "8"), (1, 0, "7")].map(|(to, from, stream)| {
        let calls = [&first, &second].map(|spans| direction(&spans[to], &spans[from], stream));
        let [one, other] = calls.each_ref().map(|figures| figures["received_kbps"].as_f64().unwrap_or(0.0));
        json!({"second_percent": round(100.0 * other / (one + other).max(1.0)), "first": calls[0], "second": calls[1]})
    }))
}
