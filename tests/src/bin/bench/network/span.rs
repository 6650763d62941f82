//! The measured part of a report, and the figures of a direction.

use serde_json::{Value, json};
use tests::{
    call::Caller,
    measure::{percentile, round},
};

/// Lines of a report.
pub struct Span {
    /// The line before them.
    before: Value,
    lines: Vec<Value>,
    pub seconds: f64,
}

impl Span {
    /// The lines behind `begin` up to `end`, by their places.
    pub fn of(mut report: Vec<Value>, begin: usize, end: usize) -> Self {
        assert!(begin < end && end < report.len(), "a report of {} lines, of which {begin} to {end} are to be measured", report.len());
        report.truncate(end + 1);
        let lines = report.split_off(begin + 1);
        let before = report.pop().expect("there is a line before");
        let time = |line: &Value| line["t_s"].as_f64().unwrap_or(0.0);
        let seconds = time(lines.last().expect("a measured second")) - time(&before);
        Self { before, lines, seconds }
    }

    /// All that a caller has reported since its report had so many lines.
    fn since(caller: &Caller, begin: usize) -> Self {
        let report = caller.lines();
        let end = report.len() - 1;
        Self::of(report, begin - 1, end)
    }

    fn last(&self) -> &Value {
        self.lines.last().expect("a measured second")
    }

    /// How much a counter grew.
    pub fn grown(&self, pointer: &str) -> f64 {
        let read = |line: &Value| line.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0);
        read(self.last()) - read(&self.before)
    }

    /// The mean of what each line says.
    pub fn mean(&self, pointer: &str) -> f64 {
        let values = self.each(pointer);
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// What each line says, where it says something.
    pub fn each(&self, pointer: &str) -> Vec<f64> {
        self.lines.iter().filter_map(|line| line.pointer(pointer)?.as_f64()).collect()
    }

    /// All values of the lines' lists.
    fn all(&self, pointer: &str) -> Vec<f64> {
        let lists = self.lines.iter().filter_map(|line| line.pointer(pointer)?.as_array());
        lists.flatten().filter_map(Value::as_f64).collect()
    }
}

/// How many lines each caller has reported.
pub fn reported(callers: &[Caller; 2]) -> [usize; 2] {
    callers.each_ref().map(|caller| caller.lines().len())
}

/// All that each has reported since its report had so many lines.
pub fn spans(callers: &[Caller; 2], begins: [usize; 2]) -> [Span; 2] {
    [Span::since(&callers[0], begins[0]), Span::since(&callers[1], begins[1])]
}

/// What came of a stream, by the reports of who received and who sent it.
pub fn direction(to: &Span, from: &Span, stream: &str) -> Value {
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
        "received_kbps": round((to.grown(&video("bytes")) + to.grown(&audio("bytes"))) * 8.0 / 1000.0 / to.seconds),
        "concealed_percent": round(100.0 * concealed / (concealed + played).max(1.0)),
        "sound_latency_ms": round(to.mean(&audio("latency_ms"))),
        "rtt_ms": round(to.mean("/rtt_ms")),
        "size": format!("{}x{}", size("width"), size("height")),
    })
}
