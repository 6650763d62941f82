//! A call by itself, whose speech is scored where a row asks for it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tests::{
    call::Caller,
    clip,
    wire::{End, Wire},
};

use super::{
    Direction, RAMP_UP,
    span::{Span, direction},
};

/// What joining may take besides.
const JOINING: Duration = Duration::from_secs(5);

/// Both directions of it.
pub async fn directions(wire: &Wire, scored: bool, measured: Duration, folder: &Path) -> Vec<Direction> {
    let ends = [(End::Left, 7), (End::Right, 8)];
    let time = RAMP_UP + measured + JOINING;
    let [left, right] = ends.map(|(end, uid)| caller(wire, end, uid, time, folder));
    // A recording is whole when its caller has ended by itself.
    let reports: [Vec<Value>; 2] = tokio::join!(left.finished(), right.finished()).into();
    let spans = reports.map(|report| span(report, measured));
    Direction::both([(0, 1, "8"), (1, 0, "7")].map(|(to, from, stream)| {
        let mut figures = direction(&spans[to], &spans[from], stream);
        if scored {
            match opinion(&recording(folder, ends[to].1).join(format!("{stream}.wav"))) {
                Ok(score) => figures["speech_mos"] = score,
                Err(why) => figures["speech_mos_missing"] = json!(why),
            }
        }
        figures
    }))
}

/// Begins when the ramp-up is over, from the first line that tells of both ends.
fn span(report: Vec<Value>, measured: Duration) -> Span {
    let whole = |line: &Value| line["receive"].as_object().is_some_and(|streams| !streams.is_empty());
    let first = report.iter().position(whole).expect("the callers see each other");
    let begin = first + RAMP_UP.as_secs() as usize;
    Span::of(report, begin, begin + measured.as_secs() as usize)
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

/// What PESQ says of a recording of the speech; the error is why it cannot be asked.
fn opinion(played: &Path) -> Result<Value, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sound/score.py");
    let skip = (RAMP_UP.as_secs()).to_string();
    let scored = Command::new("python3").arg(script).arg(clip::speech()).arg(played).arg(skip).output();
    let scored = scored.map_err(|error| format!("python3: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or("nothing").to_owned();
    if !scored.status.success() {
        return Err(said(&scored.stderr));
    }
    let score: Value = serde_json::from_slice(&scored.stdout).map_err(|error| format!("{error}: {}", said(&scored.stdout)))?;
    Ok(score["mean"].clone())
}
