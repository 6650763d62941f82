//! Measurements of the release build: `cargo xtask bench call|frames|memory|start|idle|network|echo`. One JSON object on standard output.

#[cfg(target_os = "linux")]
mod chromium;
#[cfg(target_os = "linux")]
mod echo;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod solo;

#[cfg(target_os = "linux")]
mod bench {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};
    use tests::{
        clip,
        display::Display,
        measure::{Tree, percentile, round},
        process::until,
        service::Service,
        window::{PATIENCE, Window},
    };

    /// How long a call runs before it is measured, and how long it is measured.
    const SETTLE: Duration = Duration::from_secs(8);

    /// How often memory is read in a run.
    const READINGS: f64 = 40.0;

    /// Has a page note how long its thread keeps a timer waiting, from the press on JOIN on: how long its tasks take at most.
    const BEATS: &str = "
        window.visavisBeats = [];
        let last = performance.now();
        const beat = () => {
            if (visavisBeats === null) return;
            const now = performance.now();
            if (window.visavisJoinClicked) visavisBeats.push(now - last);
            last = now;
            setTimeout(beat, 4);
        };
        setTimeout(beat, 4);";

    /// What is too long for one that presses JOIN and looks at the page.
    const LONG_TASK_MS: f64 = 50.0;

    /// Two windows that show the clip and sound a tone.
    async fn pair(service: &Service) -> [Window; 2] {
        let (url, camera) = (service.url(), format!("file:{}", clip::y4m(1280, 720, 30).display()));
        let arguments = ["--server", &url, "--camera", &camera, "--microphone", "tone", "--speaker", "none"];
        let (ana, ben) = tokio::join!(Window::open(&arguments), Window::open(&arguments));
        [ana, ben]
    }

    pub async fn call(seconds: u64) -> Value {
        let service = Service::start().await;
        let [ana, ben] = pair(&service).await;
        for window in [&ana, &ben] {
            window.run(clip::READ_NUMBER, vec![]).await;
            window.run(include_str!("../../sampler.js"), vec![]).await;
        }
        let _ = join(&ana, 7).await;
        ana.sees("the first has published", "return document.querySelector('#publish').getAttribute('aria-disabled') === 'true' && !document.querySelector('#unpublish').matches('[aria-disabled=true]');").await;
        ben.run(BEATS, vec![]).await;
        let first_frame = join(&ben, 8).await;
        pause(SETTLE).await;
        let joining = tasks(&ben.run("const beats = visavisBeats; visavisBeats = null; return beats;", vec![]).await);
        let began = Instant::now();
        let before = [Tree::read(ana.driver_id()), Tree::read(ben.driver_id())];
        for window in [&ana, &ben] {
            window.run("visavisSamples.length = 0;", vec![]).await;
        }
        pause(Duration::from_secs(seconds)).await;
        let mut samples = Vec::new();
        for window in [&ana, &ben] {
            samples.push(window.run("return visavisSamples;", vec![]).await);
        }
        let took = began.elapsed().as_secs_f64();
        let costs = [Tree::read(ana.driver_id()).since(&before[0], took), Tree::read(ben.driver_id()).since(&before[1], took)];
        let windows: Vec<Value> = [(0, 1, "8"), (1, 0, "7")]
            .into_iter()
            .map(|(own, other, remote)| window_result(&samples[own], &samples[other], remote, took, &costs[own]))
            .collect();
        ana.screenshot("bench-call").await;
        ana.close().await;
        ben.close().await;
        json!({"bench": "call", "seconds": round(took), "join_to_first_remote_frame_ms": first_frame, "joining": joining, "windows": windows})
    }

    /// The longest of a page's tasks.
    fn tasks(beats: &Value) -> Value {
        let mut all: Vec<f64> = beats.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        all.sort_by(f64::total_cmp);
        let longest: Vec<f64> = all.iter().rev().take(5).map(|ms| round(*ms)).collect();
        json!({"longest_tasks_ms": longest, "over_50_ms": all.iter().filter(|ms| **ms > LONG_TASK_MS).count()})
    }

    /// Fills the form and presses JOIN; answers the time from the click to the first remote frame once there is one.
    async fn join(window: &Window, uid: u32) -> Value {
        enter(window, uid).await;
        if uid == 7 {
            return Value::Null;
        }
        let body = "const first = visavisSamples.find(s => s.stream !== 'local' && s.number !== null && s.shown); return first ? first.shown - visavisJoinClicked : null;";
        let ms = window.sees("the first remote frame", body).await;
        json!(ms.as_f64().map(round))
    }

    async fn enter(window: &Window, uid: u32) {
        window.fill("[name=channel]", "bench").await;
        window.run("const d = document.querySelector('[name=uid]').closest('details'); if (d) d.open = true;", vec![]).await;
        window.fill("[name=uid]", &uid.to_string()).await;
        window.click("#join").await;
    }

    /// What one window showed of the other's camera: frames a second, and capture → canvas by frame numbers.
    fn window_result(own: &Value, other: &Value, remote: &str, seconds: f64, cost: &Value) -> Value {
        let list = |value: &Value, stream: &str| -> Vec<(f64, f64, f64)> {
            let rows = value.as_array().into_iter().flatten().filter(|s| s["stream"] == stream);
            rows.filter_map(|s| Some((s["number"].as_f64()?, s["captured"].as_f64()?, s["shown"].as_f64()?))).collect()
        };
        let (shown, captured) = (list(own, remote), list(other, "local"));
        let mut distinct = shown.clone();
        distinct.dedup_by_key(|s| s.0);
        let latencies: Vec<f64> = (distinct.iter())
            .filter_map(|(number, _, at)| captured.iter().filter(|c| c.0 == *number && c.1 <= *at).map(|c| at - c.1).min_by(f64::total_cmp))
            .collect();
        let fps = distinct.len() as f64 / seconds;
        let per_frame = cost["cores"].as_f64().unwrap_or(0.0) / fps;
        json!({
            "shown_fps": round(fps),
            "capture_to_canvas_ms": {"p50": percentile(&latencies, 0.5).map(round), "p95": percentile(&latencies, 0.95).map(round), "samples": latencies.len()},
            "core_seconds_per_shown_frame": round(per_frame),
            "cost": cost,
        })
    }

    /// Two windows in a call, left alone: the memory of each over time. "flat" compares the last quarter's mean with the second quarter's.
    pub async fn memory(seconds: u64) -> Value {
        let service = Service::start().await;
        let [ana, ben] = pair(&service).await;
        for (window, uid) in [(&ana, 7), (&ben, 8)] {
            enter(window, uid).await;
        }
        for (window, remote) in [(&ana, 8), (&ben, 7)] {
            window.shows(&format!("#remote_video_panel_{remote}")).await;
        }
        pause(SETTLE).await;
        let began = Instant::now();
        let mut readings = Vec::new();
        while began.elapsed() < Duration::from_secs(seconds) {
            readings.push((began.elapsed().as_secs_f64(), [Tree::read(ana.driver_id()), Tree::read(ben.driver_id())]));
            pause(Duration::from_secs(seconds).div_f64(READINGS)).await;
        }
        let windows: Vec<Value> = (0..2).map(|window| memory_result(&readings, window)).collect();
        ana.close().await;
        ben.close().await;
        json!({"bench": "memory", "seconds": seconds, "windows": windows})
    }

    /// Each process of a window by name: its proportional set size in MB at every reading, and how much the last quarter is above the second.
    fn memory_result(readings: &[(f64, [Tree; 2])], window: usize) -> Value {
        let names: std::collections::BTreeSet<&str> =
            readings.iter().flat_map(|(_, trees)| trees[window].memory()).map(|row| row.0).collect();
        let series = |name: &str| -> Vec<f64> {
            let of = |tree: &Tree| tree.memory().filter(|row| row.0 == name).map(|row| row.1).sum::<f64>();
            readings.iter().map(|(_, trees)| of(&trees[window])).collect()
        };
        let processes: Vec<Value> = (names.into_iter())
            .map(|name| {
                let pss = series(name);
                let quarter = |n: usize| mean(&pss[pss.len() * n / 4..pss.len() * (n + 1) / 4]);
                json!({"name": name, "pss_mb": pss.iter().map(|mb| round(*mb)).collect::<Vec<_>>(), "growth_mb": round(quarter(3) - quarter(1))})
            })
            .collect();
        json!(processes)
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// From Rust to canvas alone: `count` tiles of `width`×`height`, fed by headless callers.
    pub async fn frames(seconds: u64) -> Value {
        let mut rows = Vec::new();
        for (count, profile) in [(1, "1280x720@30:2000"), (4, "1280x720@30:1500"), (9, "640x360@30:600"), (16, "320x180@30:200")] {
            rows.push(tiles(count, profile, seconds).await);
        }
        json!({"bench": "frames", "rows": rows})
    }

    async fn tiles(count: u32, profile: &str, seconds: u64) -> Value {
        let service = Service::start().await;
        // Sixteen callers would spend more on making their pictures smaller than the window does on showing them.
        let camera = if count > 9 { clip::y4m(320, 180, 30) } else { clip::y4m(1280, 720, 30) };
        let arguments = ["--server", &service.url(), "--camera", "none", "--microphone", "none", "--speaker", "none"];
        let window = Window::open_on(Display::start(1280, 800), &arguments).await;
        window.resize(1280, 800).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        window.run(include_str!("../../sampler.js"), vec![]).await;
        let callers: Vec<_> = (0..count).map(|n| caller(&service, &camera, 100 + n, profile)).collect();
        let _ = join(&window, 7).await;
        let all = format!("return new Set(visavisSamples.filter(s => s.shown).map(s => s.stream)).size >= {count};");
        window.sees("every tile shows a picture", &all).await;
        pause(Duration::from_secs(5)).await;
        let before = Tree::read(window.driver_id());
        window.run("visavisSamples.length = 0;", vec![]).await;
        let began = Instant::now();
        pause(Duration::from_secs(seconds)).await;
        let samples = window.run("return visavisSamples;", vec![]).await;
        let took = began.elapsed().as_secs_f64();
        let cost = Tree::read(window.driver_id()).since(&before, took);
        let per_tile: Vec<f64> = (0..count)
            .map(|n| {
                let stream = (100 + n).to_string();
                let frames =
                    samples.as_array().into_iter().flatten().filter(|s| s["stream"] == stream.as_str() && !s["shown"].is_null()).count();
                round(frames as f64 / took)
            })
            .collect();
        window.screenshot(&format!("bench-frames-{count}")).await;
        drop(callers);
        window.close().await;
        json!({"tiles": count, "profile": profile, "shown_fps": per_tile, "cost": cost})
    }

    fn caller(service: &Service, camera: &std::path::Path, uid: u32, profile: &str) -> tests::process::Group {
        let mut command = tests::process::quiet(tests::binary("headless"));
        command.args([
            "call",
            "--server",
            &service.url(),
            "--app-id",
            channel_server::DEFAULT_APP_ID,
            "--channel",
            "bench",
            "--microphone",
            "none",
            "--no-subscribe",
        ]);
        command.arg("--camera").arg(camera).args(["--uid", &uid.to_string(), "--profile", profile]);
        tests::process::Group::start(&mut command)
    }

    /// Lets the system under measurement run.
    pub async fn pause(time: Duration) {
        let end = Instant::now() + time;
        until("the time is up", time + PATIENCE, async || (Instant::now() >= end).then_some(())).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let result = match name.as_str() {
        "call" => bench::call(seconds.unwrap_or(20)).await,
        "frames" => bench::frames(seconds.unwrap_or(20)).await,
        "memory" => bench::memory(seconds.unwrap_or(20)).await,
        "start" => solo::start(seconds.unwrap_or(5)).await,
        "idle" => solo::idle(seconds.unwrap_or(20)).await,
        "echo" => echo::echo(seconds.unwrap_or(20)).await,
        "network" => network::network(seconds.unwrap_or(30), arguments.next().as_deref()).await,
        _ => {
            eprintln!("usage: cargo xtask bench call|frames|memory|idle|echo [SECONDS], start [TIMES], network [SECONDS [ROW]]");
            std::process::exit(2);
        }
    };
    println!("{result:#}");
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the benchmarks drive WebKitGTK and run on Linux");
    std::process::exit(1);
}
