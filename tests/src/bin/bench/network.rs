//! Two headless callers across bad networks: the table of what a call keeps of its picture, its sound and its promptness.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::chromium;
use serde_json::{Value, json};
use tests::{
    browser,
    call::Caller,
    clip,
    measure::{percentile, round},
    wire::{Bottleneck, End, Impairment, Wire},
};

/// How long a call finds its rate before it is measured.
pub const RAMP_UP: Duration = Duration::from_secs(12);
/// What joining may take besides.
const JOINING: Duration = Duration::from_secs(5);

/// What a network is to leave of a call, each figure for either direction. Times in ms, rates in kb/s.
struct Goal {
    fps: f64,
    frozen: f64,
    p50: Option<f64>,
    p95: f64,
    sent: f64,
    concealed_percent: f64,
    /// The least mean opinion score of the speech, where it is scored.
    opinion: Option<f64>,
}

struct Scenario {
    name: &'static str,
    network: Impairment,
    goal: Goal,
}

fn scenarios() -> Vec<Scenario> {
    let lossy = |name, loss, fps, frozen, p95, sent, concealed_percent| Scenario {
        name,
        network: Impairment { loss, bottleneck: None },
        goal: Goal { fps, frozen, p50: None, p95, sent, concealed_percent, opinion: (loss == 20).then_some(3.3) },
    };
    let narrow = |name, kbps, fps, frozen, p95, sent, concealed_percent| Scenario {
        name,
        network: Impairment { loss: 0, bottleneck: Some(Bottleneck { kbps, queue_ms: 200 }) },
        goal: Goal { fps, frozen, p50: None, p95, sent, concealed_percent, opinion: None },
    };
    let goal = Goal { fps: 29.5, frozen: 0.0, p50: Some(40.0), p95: 60.0, sent: 1500.0, concealed_percent: 0.0, opinion: Some(4.0) };
    vec![
        Scenario { name: "clean", network: Impairment::default(), goal },
        lossy("10 % loss", 10, 29.0, 300.0, 90.0, 1200.0, 0.5),
        lossy("20 % loss", 20, 27.0, 1000.0, 130.0, 900.0, 1.0),
        lossy("30 % loss", 30, 24.0, 2000.0, 180.0, 600.0, 2.0),
        narrow("1000 kb/s", 1000, 29.0, 200.0, 100.0, 800.0, 0.2),
        narrow("500 kb/s", 500, 28.0, 500.0, 130.0, 370.0, 0.3),
        narrow("250 kb/s", 250, 24.0, 500.0, 250.0, 150.0, 0.5),
    ]
}

/// The whole table, or the rows whose name contains `only`; `seconds` of measurement each.
pub async fn network(seconds: u64, only: Option<&str>) -> Value {
    let wire = match Wire::up() {
        Ok(wire) => wire,
        Err(reason) => return json!({"bench": "network", "skipped": reason}),
    };
    let chromium = browser::available();
    let mut rows = Vec::new();
    for scenario in scenarios().iter().filter(|scenario| only.is_none_or(|only| scenario.name.contains(only))) {
        wire.impair(scenario.network).unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        eprintln!("{} …", scenario.name);
        let measured = Duration::from_secs(seconds);
        // Chromium's page is a file, whose origin is called so.
        let _service = wire.service(&["--allow-origin", "null"]).await;
        let mut row = row(&wire, scenario, measured).await;
        if chromium {
            row["chromium"] = chromium::row(&wire, measured).await;
        }
        rows.push(row);
    }
    json!({"bench": "network", "seconds": seconds, "rows": rows})
}

async fn row(wire: &Wire, scenario: &Scenario, measured: Duration) -> Value {
    let folder = std::env::temp_dir().join(format!("visavis-network-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let ends = [(End::Left, 7), (End::Right, 8)];
    let time = RAMP_UP + measured + JOINING;
    let [left, right] = ends.map(|(end, uid)| caller(wire, end, uid, time, &folder));
    // A recording is whole when its caller has ended by itself.
    let reports: [Vec<Value>; 2] = tokio::join!(left.finished(), right.finished()).into();
    let windows = reports.each_ref().map(|report| Span::of(report, measured));
    let directions = [(0, 1, "8", "8 to 7"), (1, 0, "7", "7 to 8")].map(|(to, from, stream, name)| {
        let mut figures = direction(&windows[to], &windows[from], stream);
        if scenario.goal.opinion.is_some() {
            figures["speech_mos"] = opinion(&recording(&folder, ends[to].1).join(format!("{stream}.wav")));
        }
        let misses = misses(&figures, &scenario.goal, measured);
        json!({"direction": name, "figures": figures, "misses": misses})
    });
    let _ = fs::remove_dir_all(&folder);
    let met = directions.iter().all(|direction| direction["misses"].as_array().is_some_and(Vec::is_empty));
    json!({"network": scenario.name, "met": met, "directions": directions})
}

fn caller(wire: &Wire, end: End, uid: u32, time: Duration, folder: &Path) -> Caller {
    let command = wire.command(end, tests::binary("headless"));
    let (camera, sound, record) = (clip::y4m(640, 360, 30), clip::speech(), recording(folder, uid));
    let report = folder.join(format!("{uid}.jsonl"));
    let (uid, time) = (uid.to_string(), time.as_secs().to_string());
    let path = |path: &'_ Path| path.to_string_lossy().into_owned();
    let files = [path(&camera), path(&sound), path(&record)];
    let mut arguments = vec!["--uid", &uid, "--profile", "640x360@30:2000", "--seconds", &time, "--record-sound"];
    for (name, file) in ["--camera", "--microphone", "--record"].into_iter().zip(&files) {
        arguments.extend([name, file]);
    }
    Caller::join(command, &Wire::server(), report, &arguments)
}

fn recording(folder: &Path, uid: u32) -> PathBuf {
    folder.join(uid.to_string())
}

/// What PESQ says of a recording of the speech; null, with the reason on standard error, where it cannot be asked.
fn opinion(played: &Path) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sound/score.py");
    let skip = (RAMP_UP.as_secs()).to_string();
    let scored = Command::new("python3").arg(script).arg(clip::speech()).arg(played).arg(skip).output();
    match scored {
        Ok(scored) if scored.status.success() => {
            serde_json::from_slice(&scored.stdout).map_or(Value::Null, |score: Value| score["mean"].clone())
        }
        Ok(scored) => {
            eprintln!("the speech is not scored: {}", String::from_utf8_lossy(&scored.stderr).trim());
            Value::Null
        }
        Err(error) => {
            eprintln!("the speech is not scored: python3: {error}");
            Value::Null
        }
    }
}

/// The measured part of a report.
struct Span<'a> {
    /// The line before it.
    before: &'a Value,
    lines: &'a [Value],
    seconds: f64,
}

impl<'a> Span<'a> {
    /// Begins when the ramp-up is over, from the first line that tells of both ends.
    fn of(lines: &'a [Value], measured: Duration) -> Self {
        let whole = |line: &Value| line["receive"].as_object().is_some_and(|streams| !streams.is_empty());
        let first = lines.iter().position(whole).expect("the callers see each other");
        let begin = first + RAMP_UP.as_secs() as usize;
        let end = begin + measured.as_secs() as usize;
        assert!(lines.len() > end, "a report of {} lines, joined at {first}: too short to measure", lines.len());
        let time = |line: &Value| line["t_s"].as_f64().unwrap_or(0.0);
        Self { before: &lines[begin], lines: &lines[begin + 1..=end], seconds: time(&lines[end]) - time(&lines[begin]) }
    }

    fn last(&self) -> &Value {
        self.lines.last().expect("a measured second")
    }

    /// How much a counter grew.
    fn grown(&self, pointer: &str) -> f64 {
        let read = |line: &Value| line.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0);
        read(self.last()) - read(self.before)
    }

    /// The mean of what each line says.
    fn mean(&self, pointer: &str) -> f64 {
        let values: Vec<f64> = self.lines.iter().filter_map(|line| line.pointer(pointer)?.as_f64()).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// All values of the lines' lists.
    fn all(&self, pointer: &str) -> Vec<f64> {
        let lists = self.lines.iter().filter_map(|line| line.pointer(pointer)?.as_array());
        lists.flatten().filter_map(Value::as_f64).collect()
    }
}

fn direction(to: &Span<'_>, from: &Span<'_>, stream: &str) -> Value {
    let video = |name: &str| format!("/receive/{stream}/video/{name}");
    let audio = |name: &str| format!("/receive/{stream}/audio/{name}");
    let latencies = to.all(&video("latencies_ms"));
    let (concealed, played) = (to.grown(&audio("concealed_ms")), to.grown(&audio("played_ms")));
    let size = |name: &str| to.last().pointer(&video(name)).and_then(Value::as_u64).unwrap_or(0);
    json!({
        "fps": round(to.grown(&video("frames")) / to.seconds),
        "frozen_ms": round(to.grown(&video("frozen_ms"))),
        "latency_p50_ms": percentile(&latencies, 0.5).map(round),
        "latency_p95_ms": percentile(&latencies, 0.95).map(round),
        "sent_kbps": round(from.mean("/send/video/bitrate_kbps")),
        "target_kbps": round(from.mean("/send/video/target_kbps")),
        "concealed_percent": round(100.0 * concealed / (concealed + played).max(1.0)),
        "sound_latency_ms": round(to.mean(&audio("latency_ms"))),
        "rtt_ms": round(to.mean("/rtt_ms")),
        "size": format!("{}x{}", size("width"), size("height")),
    })
}

/// Which figures of a direction fall short of the goal, or are not there.
fn misses(figures: &Value, goal: &Goal, measured: Duration) -> Vec<String> {
    // The goals are for 30 s.
    let frozen = goal.frozen * measured.as_secs_f64() / 30.0;
    let p50 = goal.p50.map(|most| ("latency_p50_ms", f64::NEG_INFINITY..=most));
    let ranges = [
        ("fps", goal.fps..=f64::INFINITY),
        ("sent_kbps", goal.sent..=f64::INFINITY),
        ("frozen_ms", 0.0..=frozen),
        ("latency_p95_ms", f64::NEG_INFINITY..=goal.p95),
        ("concealed_percent", 0.0..=goal.concealed_percent),
    ];
    let opinion = goal.opinion.map(|least| ("speech_mos", least..=f64::INFINITY));
    let missed = ranges
        .into_iter()
        .chain(p50)
        .chain(opinion)
        .filter(|(name, range)| figures[name].as_f64().is_none_or(|figure| !range.contains(&figure)));
    missed.map(|(name, range)| format!("{name} is {}, not within {range:?}", figures[name])).collect()
}
