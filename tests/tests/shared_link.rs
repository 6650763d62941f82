//! Calls that have to share a link, on two hosts of their own.
#![cfg(target_os = "linux")]

use std::time::Duration;

use serde_json::Value;
use tests::{
    call::Caller,
    clip,
    download::Download,
    process::{Group, until},
    wire::{Bottleneck, End, Impairment, Wire},
};

/// For shares to be found, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A share is judged over so many reports, one a second.
const REPORTS: usize = 5;

/// What nobody may be left without, in kb/s and as a share of two that are alike.
const LEAST: f64 = 300.0;
const LEAST_SHARE: f64 = 0.25;

/// The two hosts on a link of so many kb/s, and a channel service; none, which is said, where this is no live run or the machine cannot
/// have them.
async fn link(name: &str, kbps: u32) -> Option<(Wire, Group)> {
    let network = Impairment { bottleneck: Some(Bottleneck { kbps, queue_ms: 200 }), ..Impairment::default() };
    let wire = Wire::live(name, network)?;
    let service = wire.service(&[]).await;
    Some((wire, service))
}

/// 7 shows a film, and what these arguments say, to 8, who shows nothing.
async fn shown(wire: &Wire, channel: &str, arguments: &[&str]) -> [Caller; 2] {
    let join = |end, uid, arguments: &[&str]| {
        let report = tests::output().join(format!("{channel}-{end:?}.jsonl"));
        let arguments = [&["--uid", uid], arguments].concat();
        Caller::join_channel(wire.command(end, tests::binary("headless")), &Wire::server(), channel, report, &arguments)
    };
    let camera = clip::y4m(640, 360, 30);
    let film = ["--profile", "640x360@30:2000", "--camera", &camera.to_string_lossy()];
    let shows = join(End::Left, "7", &[&film, arguments].concat());
    let sees = join(End::Right, "8", &["--camera", "none", "--microphone", "none"]);
    until("pictures come", PATIENCE, async || (sees.frames() > 60).then_some(())).await;
    [shows, sees]
}

/// What came of a stream's pictures lately, in kb/s; `None` before there are enough reports.
fn kbps(caller: &Caller, stream: &str) -> Option<f64> {
    let lines = caller.lines();
    let pointer = format!("/receive/{stream}/video/bitrate_kbps");
    let rates: Vec<_> = lines.iter().rev().take(REPORTS).map_while(|line| line.pointer(&pointer).and_then(Value::as_f64)).collect();
    (rates.len() == REPORTS).then(|| rates.iter().sum::<f64>() / REPORTS as f64)
}

#[tokio::test]
async fn a_call_and_a_download_leave_each_other_room() {
    let Some((wire, _service)) = link("beside-a-download", 2000).await else { return };
    let [_shows, sees] = shown(&wire, "beside-a-download", &[]).await;
    until("the call fills the link", PATIENCE, async || kbps(&sees, "7").filter(|rate| *rate > 1000.0)).await;
    let download =
        Download::start(wire.host(End::Left), Wire::address(End::Left), wire.host(End::Right)).expect("the hosts reach each other");
    // By report, what had been downloaded when it was there.
    let mut downloaded: Vec<(usize, u64)> = Vec::new();
    until("each has its share", PATIENCE, async || {
        let reports = sees.lines().len();
        if downloaded.last().is_none_or(|(last, _)| *last < reports) {
            downloaded.push((reports, download.received()));
        }
        let (last, now) = *downloaded.last()?;
        let (first, before) = *downloaded.iter().rfind(|(report, _)| report + REPORTS <= last)?;
        let rate = (now - before) as f64 * 8.0 / 1000.0 / (last - first) as f64;
        (rate > LEAST && kbps(&sees, "7")? > LEAST).then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_calls_on_one_link_share_it() {
    let Some((wire, _service)) = link("two-calls", 2000).await else { return };
    let [_first_shows, first] = shown(&wire, "first-of-two", &[]).await;
    until("the first fills the link", PATIENCE, async || kbps(&first, "7").filter(|rate| *rate > 1000.0)).await;
    let [_second_shows, second] = shown(&wire, "second-of-two", &[]).await;
    until("they share", PATIENCE, async || {
        let (one, other) = (kbps(&first, "7")?, kbps(&second, "7")?);
        (one.min(other) > LEAST_SHARE * (one + other) && one + other > 2.0 * LEAST).then_some(())
    })
    .await;
}

#[tokio::test]
async fn camera_and_screen_of_one_user_share_what_there_is() {
    let Some((wire, _service)) = link("camera-and-screen", 1000).await else { return };
    let page = clip::y4m(1280, 720, 15);
    let screen = ["--screen", &page.to_string_lossy(), "--screen-profile", "1280x720@15:2000"];
    let [_shows, sees] = shown(&wire, "camera-and-screen", &screen).await;
    until("the screen has the larger share", PATIENCE, async || {
        let (camera, screen) = (kbps(&sees, "7")?, kbps(&sees, "7-screen")?);
        (screen > LEAST && screen > camera && camera > LEAST / 4.0).then_some(())
    })
    .await;
}
