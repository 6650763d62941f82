//! Headless callers across bad networks: the table of what a call keeps of its picture, its sound and its promptness.
//!
//! ```text
//! alone   a call by itself                 span    the measured part of a report
//! shared  a link with somebody else on it  change  a start, and a link that opens or narrows
//! ```

mod alone;
mod change;
mod shared;
mod span;

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::chromium;
use serde_json::{Value, json};
use tests::{
    browser,
    call::Caller,
    clip,
    process::until,
    window::PATIENCE,
    wire::{Bottleneck, End, Impairment, Wire},
};

/// How long a call finds its rate before it is measured.
pub const RAMP_UP: Duration = Duration::from_secs(12);

/// The figures that a network is to leave of a call, and their bounds. Times in ms unless a name says otherwise, rates in kb/s.
type Goals = Vec<(&'static str, RangeInclusive<f64>)>;

/// What happens on a network.
enum Story {
    /// One call. The goals are for either direction.
    Alone,
    /// A TCP download beside a call, in the direction that the goals are for.
    Download,
    /// Somebody who shows a screen beside the camera. The goals are for that direction.
    Screen,
    /// Two calls. The goals are for either direction.
    TwoCalls,
    /// One call from its first packets on, whose start is a guess of 300 kb/s. The goals are for either direction.
    Start { profile: &'static str },
    /// The link becomes this after the ramp-up. The goals are for either direction.
    Change { becomes: Bottleneck, profile: &'static str },
}

struct Scenario {
    name: &'static str,
    network: Impairment,
    story: Story,
    goals: Goals,
}

/// The queue of a narrow link.
const QUEUE_MS: u32 = 200;

fn narrow(kbps: u32, queue_ms: u32) -> Impairment {
    Impairment { bottleneck: Some(Bottleneck { kbps, queue_ms }), ..Impairment::default() }
}

fn at_least(least: f64) -> RangeInclusive<f64> {
    least..=f64::INFINITY
}

/// All of them, with their goals for so long a measurement.
fn scenarios(measured: Duration) -> Vec<Scenario> {
    let alone = |name, network, [fps, frozen, p95, sent, concealed]: [f64; 5]| Scenario {
        name,
        network,
        story: Story::Alone,
        goals: vec![
            ("fps", at_least(fps)),
            // The goals are for 30 s.
            ("frozen_ms", 0.0..=frozen * measured.as_secs_f64() / 30.0),
            // A clock that is read over a network may be ahead a little.
            ("latency_p95_ms", f64::NEG_INFINITY..=p95),
            ("sent_kbps", at_least(sent)),
            ("concealed_percent", 0.0..=concealed),
        ],
    };
    let with = |mut scenario: Scenario, goals: Goals| {
        scenario.goals.extend(goals);
        scenario
    };
    let lossy = |loss| Impairment { loss, ..Impairment::default() };
    let (promptly, clear) = (("latency_p50_ms", f64::NEG_INFINITY..=40.0), |least| ("speech_mos", at_least(least)));
    let shared = |name, story, goals| Scenario { name, network: narrow(2000, QUEUE_MS), story, goals };
    vec![
        with(alone("clean", lossy(0), [29.5, 0.0, 60.0, 1500.0, 0.0]), vec![promptly, clear(4.0)]),
        alone("10 % loss", lossy(10), [29.0, 300.0, 90.0, 1200.0, 0.5]),
        with(alone("20 % loss", lossy(20), [27.0, 1000.0, 130.0, 900.0, 1.0]), vec![clear(3.3)]),
        alone("30 % loss", lossy(30), [24.0, 2000.0, 180.0, 600.0, 2.0]),
        alone("1000 kb/s", narrow(1000, QUEUE_MS), [29.0, 200.0, 100.0, 800.0, 0.2]),
        alone("500 kb/s", narrow(500, QUEUE_MS), [28.0, 500.0, 130.0, 370.0, 0.3]),
        alone("250 kb/s", narrow(250, QUEUE_MS), [24.0, 500.0, 250.0, 150.0, 0.5]),
        Scenario {
            name: "50 ms jitter",
            network: Impairment { jitter_ms: 50, ..Impairment::default() },
            story: Story::Alone,
            goals: vec![("concealed_percent", 0.0..=0.5)],
        },
        shared("beside TCP", Story::Download, vec![("received_kbps", at_least(500.0)), ("download_kbps", at_least(500.0))]),
        Scenario {
            name: "camera and screen",
            network: narrow(1000, QUEUE_MS),
            story: Story::Screen,
            goals: vec![("screen_kbps", at_least(500.0)), ("received_kbps", at_least(150.0)), ("concealed_percent", 0.0..=0.5)],
        },
        shared("two calls", Story::TwoCalls, vec![("second_percent", 40.0..=60.0)]),
        Scenario {
            name: "300 to 2500 kb/s at the start",
            network: narrow(10_000, QUEUE_MS),
            story: Story::Start { profile: "1280x720@30:3000" },
            goals: vec![("s_until_2500_kbps_are_sent", 0.0..=3.0)],
        },
        Scenario {
            name: "300 kb/s becomes 10 Mb/s",
            network: narrow(300, QUEUE_MS),
            story: Story::Change { becomes: Bottleneck { kbps: 10_000, queue_ms: QUEUE_MS }, profile: "1280x720@30:3000" },
            goals: vec![("s_until_2500_kbps_are_sent", 0.0..=10.0)],
        },
        Scenario {
            name: "2500 to 500 kb/s",
            // A queue that is long enough for a drop to show.
            network: narrow(2500, 1000),
            story: Story::Change { becomes: Bottleneck { kbps: 500, queue_ms: 1000 }, profile: "640x360@30:2000" },
            goals: vec![("s_until_the_queue_is_under_150_ms", 0.0..=2.0)],
        },
    ]
}

/// The whole table, or the rows whose name contains `only`; `seconds` of measurement each.
pub async fn network(seconds: u64, only: Option<&str>) -> Value {
    let chromium = browser::available();
    let measured = Duration::from_secs(seconds);
    let mut rows = Vec::new();
    for scenario in scenarios(measured).iter().filter(|scenario| only.is_none_or(|only| scenario.name.contains(only))) {
        let wire = match Wire::up(scenario.network) {
            Ok(wire) => wire,
            Err(reason) => {
                rows.push(json!({"network": scenario.name, "skipped": reason}));
                continue;
            }
        };
        eprintln!("{} …", scenario.name);
        // Chromium's page is a file, whose origin is called so.
        let _service = wire.service(&["--allow-origin", "null"]).await;
        let folder = Folder::make();
        let directions = match &scenario.story {
            Story::Alone => {
                alone::directions(&wire, scenario.goals.iter().any(|(figure, _)| *figure == "speech_mos"), measured, &folder.0).await
            }
            Story::Download => shared::with_a_download(&wire, measured, &folder.0).await,
            Story::Screen => shared::by_camera_and_screen(&wire, measured, &folder.0).await,
            Story::TwoCalls => shared::by_two_calls(&wire, measured, &folder.0).await,
            Story::Start { profile } => {
                let link = scenario.network.bottleneck.expect("the row has a bottleneck");
                change::from_the_start(&wire, link, profile, measured, &folder.0).await
            }
            Story::Change { becomes, profile } => change::directions(&wire, *becomes, profile, measured, &folder.0).await,
        };
        let mut row = judged(scenario, directions);
        if chromium && matches!(scenario.story, Story::Alone) {
            row["chromium"] = chromium::row(&wire, measured).await;
        }
        rows.push(row);
    }
    json!({"bench": "network", "seconds": seconds, "rows": rows})
}

/// One direction of a row: its name, and what was measured. Those that the goals are not for carry their figures alone.
struct Direction {
    name: &'static str,
    figures: Value,
    judged: bool,
}

impl Direction {
    /// Both directions of a row of which the goals are for either.
    fn both(figures: [Value; 2]) -> Vec<Self> {
        let [left, right] = figures;
        vec![Self { name: TO_LEFT, figures: left, judged: true }, Self { name: TO_RIGHT, figures: right, judged: true }]
    }
}

const TO_LEFT: &str = "8 to 7";
const TO_RIGHT: &str = "7 to 8";

fn judged(scenario: &Scenario, directions: Vec<Direction>) -> Value {
    let mut met = true;
    let rows: Vec<Value> = directions
        .into_iter()
        .map(|Direction { name, figures, judged }| {
            let misses = if judged { misses(&figures, &scenario.goals) } else { Vec::new() };
            met &= misses.is_empty();
            json!({"direction": name, "figures": figures, "misses": misses})
        })
        .collect();
    json!({"network": scenario.name, "met": met, "directions": rows})
}

/// Which figures of a direction fall short of the goals, or are not there.
fn misses(figures: &Value, goals: &Goals) -> Vec<String> {
    let missed = goals.iter().filter(|(name, range)| figures[name].as_f64().is_none_or(|figure| !range.contains(&figure)));
    missed
        .map(|(name, range)| match &figures[name] {
            Value::Null => format!("{name} is not measured"),
            figure => format!("{name} is {figure}, not within {range:?}"),
        })
        .collect()
}

/// A place for reports and recordings; dropping it clears it away.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Self {
        let path = std::env::temp_dir().join(format!("visavis-network-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The callers of a call across the wire: 7 at the left and 8 at the right, who show the film and read aloud until they are dropped.
fn pair(wire: &Wire, channel: &str, profile: &str, folder: &Path) -> [Caller; 2] {
    pair_with(wire, channel, profile, folder, &[])
}

/// The same with further arguments for 7.
fn pair_with(wire: &Wire, channel: &str, profile: &str, folder: &Path, further: &[&str]) -> [Caller; 2] {
    let size = profile.split(['x', '@']).map_while(|word| word.parse().ok()).collect::<Vec<u32>>();
    let (camera, sound) = (clip::y4m(size[0], size[1], 30), clip::speech());
    let (camera, sound) = (camera.to_string_lossy(), sound.to_string_lossy());
    [(End::Left, "7"), (End::Right, "8")].map(|(end, uid)| {
        let command = wire.command(end, tests::binary("headless"));
        let report = folder.join(format!("{channel}-{uid}.jsonl"));
        let arguments = ["--uid", uid, "--profile", profile, "--camera", &camera, "--microphone", &sound];
        let further = if uid == "7" { further } else { &[] };
        Caller::join_channel(command, &Wire::server(), channel, report, &[&arguments[..], further].concat())
    })
}

/// Waits until each of them sees the other.
async fn until_seen(callers: &[Caller; 2]) {
    until("the callers see each other", PATIENCE, async || callers.iter().all(|caller| caller.frames() > 0).then_some(())).await;
}
