//! The same table for Chromium to Chromium: what there is to beat, on the same machine, clip and networks.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    browser::Browser,
    clip,
    measure::{percentile, round},
    wire::{End, Wire},
};

use crate::{bench::pause, network::RAMP_UP};

/// A call of two browsers over the wire, both directions.
pub async fn row(wire: &Wire, measured: Duration) -> Value {
    let video = clip::y4m(640, 360, 30);
    let browsers = [
        Browser::open_at(wire, End::Left, &video, &clip::speech()).await,
        Browser::open_at(wire, End::Right, &video, &clip::speech()).await,
    ];
    for browser in &browsers {
        browser.page.execute(clip::READ_NUMBER, vec![]).await.expect("the page runs scripts");
        let arguments = vec![json!(Wire::server()), json!(channel_server::DEFAULT_APP_ID), json!("chromium"), json!([640, 360])];
        browser.call("joinChannel", arguments).await;
    }
    pause(RAMP_UP).await;
    let before = read(&browsers).await;
    pause(measured).await;
    let after = read(&browsers).await;
    let seconds = measured.as_secs_f64();
    let directions: Vec<Value> = [(0, 1), (1, 0)].map(|(to, from)| direction(&before, &after, to, from, seconds)).into();
    json!(directions)
}

/// Each page's counters and what it has shown since the last reading.
async fn read(browsers: &[Browser; 2]) -> Vec<Value> {
    let mut readings = Vec::new();
    for browser in browsers {
        readings.push(browser.call("measure", vec![]).await);
    }
    readings
}

fn direction(before: &[Value], after: &[Value], to: usize, from: usize, seconds: f64) -> Value {
    let grown = |name: &str| after[to][name].as_f64().unwrap_or(0.0) - before[to][name].as_f64().unwrap_or(0.0);
    let latencies = latencies(&after[from]["captured"], &after[to]["shown"]);
    json!({
        "fps": round(grown("framesDecoded") / seconds),
        "frozen_ms": round(grown("freezeSeconds") * 1000.0),
        "latency_p50_ms": percentile(&latencies, 0.5).map(round),
        "latency_p95_ms": percentile(&latencies, 0.95).map(round),
        "target_kbps": after[from]["targetBitrate"].as_f64().map(|bps| round(bps / 1000.0)),
        "concealed_percent": round(100.0 * grown("concealed") / grown("samples").max(1.0)),
        "size": format!("{}x{}", after[to]["width"], after[to]["height"]),
    })
}

/// A number comes again after 256 frames; what seems later than this belongs to a frame whose capture was not noted.
const LATEST_MS: f64 = 4000.0;

/// From each frame's capture to its being shown, in ms; frames are told apart by their numbers.
fn latencies(captured: &Value, shown: &Value) -> Vec<f64> {
    let rows = |list: &Value| -> Vec<(f64, f64)> {
        list.as_array().into_iter().flatten().filter_map(|row| Some((row[0].as_f64()?, row[1].as_f64()?))).collect()
    };
    let captured = rows(captured);
    let before = |number: f64, at: f64| {
        captured
            .iter()
            .filter(|row| row.0 == number && (0.0..LATEST_MS).contains(&(at - row.1)))
            .map(|row| at - row.1)
            .min_by(f64::total_cmp)
    };
    rows(shown).into_iter().filter_map(|(number, at)| before(number, at)).collect()
}
