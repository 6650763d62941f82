//! A link that is wide from the start, opens or narrows: how soon the call follows.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    measure::round,
    meter::{Meter, Reading, kbps},
    wire::{Bottleneck, End, Impairment, Wire},
};

use super::{
    Direction, RAMP_UP, pair,
    span::{direction, reported, spans},
    until_seen,
};
use crate::bench::pause;

/// Over how many readings a rate is taken: half a second, in which a probe alone makes none.
const WINDOW: usize = 5;
/// What is looked for.
const MUCH_KBPS: f64 = 2500.0;
/// Joining sends less than this, and media more.
const MEDIA_KBPS: f64 = 100.0;
const LONG_QUEUE_MS: f64 = 150.0;
/// How long after the change a queue counts as the change's.
const AFTERMATH: Duration = Duration::from_secs(10);
/// Between the moments of a series, in readings.
const STEP: usize = 5;

/// Both directions of a call from its first packets on, over a link that carries so many kb/s.
pub async fn from_the_start(wire: &Wire, link: Bottleneck, profile: &str, measured: Duration, folder: &Path) -> Vec<Direction> {
    let meters = [End::Left, End::Right].map(|end| Meter::start(wire.queue(end)));
    let callers = pair(wire, "hosts", profile, folder);
    until_seen(&callers).await;
    let begins = reported(&callers);
    pause(measured).await;
    let spans = spans(&callers, begins);
    let [left, right] = meters.map(Meter::readings);
    Direction::both([(0, 1, "8", right), (1, 0, "7", left)].map(|(to, from, stream, readings)| {
        let mut figures = direction(&spans[to], &spans[from], stream);
        let media = readings.windows(2).find(|pair| kbps(&pair[0], &pair[1]) >= MEDIA_KBPS).map(|pair| pair[0].at);
        let followed = media.map_or_else(serde_json::Map::new, |began| followed(&readings, began, link.kbps));
        figures.as_object_mut().expect("figures are an object").extend(followed);
        figures
    }))
}

/// Both directions of a call whose link becomes this when it has ramped up.
pub async fn directions(wire: &Wire, becomes: Bottleneck, profile: &str, measured: Duration, folder: &Path) -> Vec<Direction> {
    let callers = pair(wire, "hosts", profile, folder);
    until_seen(&callers).await;
    pause(RAMP_UP).await;
    let meters = [End::Left, End::Right].map(|end| Meter::start(wire.queue(end)));
    // What was before shows in the series.
    pause(Duration::from_secs(2)).await;
    let begins = reported(&callers);
    let changed = Instant::now();
    let impairment = Impairment { bottleneck: Some(becomes), ..Impairment::default() };
    wire.impair(impairment).expect("a link that has a queue can have another");
    pause(measured).await;
    let spans = spans(&callers, begins);
    let [left, right] = meters.map(Meter::readings);
    Direction::both([(0, 1, "8", right), (1, 0, "7", left)].map(|(to, from, stream, readings)| {
        let mut figures = direction(&spans[to], &spans[from], stream);
        let followed = followed(&readings, changed, becomes.kbps);
        figures.as_object_mut().expect("figures are an object").extend(followed);
        // By seconds since the change, as the caller's report has them.
        figures["targets_kbps"] = json!(spans[from].each("/send/video/target_kbps"));
        figures["latencies_ms"] = json!(spans[to].each(&format!("/receive/{stream}/video/latency_ms")));
        figures
    }))
}

/// How soon what left a host followed the change, and the series that says so.
fn followed(readings: &[Reading], changed: Instant, kbps_now: u32) -> serde_json::Map<String, Value> {
    let since = |reading: &Reading| reading.at.saturating_duration_since(changed);
    let after = || readings.iter().filter(|reading| reading.at > changed);
    let queue = |reading: &Reading| reading.waiting as f64 * 8.0 / f64::from(kbps_now);
    let rates = || readings.windows(WINDOW + 1).map(|window| (&window[WINDOW], kbps(&window[0], &window[WINDOW])));
    let much = rates().find(|(reading, rate)| reading.at > changed && *rate >= MUCH_KBPS);
    let long = after().take_while(|reading| since(reading) < AFTERMATH).filter(|reading| queue(reading) >= LONG_QUEUE_MS).last();
    let worst = |from: Duration| after().filter(|reading| since(reading) >= from).map(queue).fold(0.0, f64::max);
    let series: Vec<Value> = rates()
        .step_by(STEP)
        .map(|(reading, rate)| {
            let at = since(reading).as_secs_f64() - changed.saturating_duration_since(reading.at).as_secs_f64();
            json!({"s": round(at), "sent_kbps": round(rate), "waiting_bytes": reading.waiting})
        })
        .collect();
    let figures = json!({
        "s_until_2500_kbps_are_sent": much.map(|(reading, _)| round(since(reading).as_secs_f64())),
        "s_until_the_queue_is_under_150_ms": long.map_or(0.0, |reading| round(since(reading).as_secs_f64())),
        "longest_queue_ms": round(worst(Duration::ZERO)),
        "longest_queue_from_2_s_on_ms": round(worst(Duration::from_secs(2))),
        "series": series,
    });
    match figures {
        Value::Object(figures) => figures,
        _ => unreachable!("the figures are an object"),
    }
}
