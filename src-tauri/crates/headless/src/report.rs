//! Statistics as JSON lines: one a second, and a last one with `"summary": true`.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use client::{CallStats, Code, Error, Exception, ReceivedStats, SentStats, StreamId};
use serde_json::{Map, Value, json};

/// A report file.
pub struct Report {
    file: BufWriter<File>,
    exceptions: Vec<Value>,
    /// How often somebody spoke into the muted microphone.
    spoken_while_muted: u32,
    events: Vec<Value>,
}

impl Report {
    /// Fails with [`Code::InvalidParameter`] if the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path)
            .map_err(|error| Error::new(Code::InvalidParameter, format!("The report {} cannot be written: {error}.", path.display())))?;
        Ok(Self { file: BufWriter::new(file), exceptions: Vec::new(), events: Vec::new(), spoken_while_muted: 0 })
    }

    /// The line of this moment; the call began at `began`. It carries the exceptions and the changes of layer since the line before.
    pub fn line(&mut self, began: Instant, stats: &CallStats) -> std::io::Result<()> {
        let mut row = row(began, stats);
        row.insert("exceptions".into(), Value::Array(std::mem::take(&mut self.exceptions)));
        row.insert("spoken_while_muted".into(), self.spoken_while_muted.into());
        row.insert("events".into(), Value::Array(std::mem::take(&mut self.events)));
        self.write(&Value::Object(row))
    }

    /// Something that the next line tells.
    pub fn exception(&mut self, exception: &Exception) {
        self.exceptions.push(json!({"code": exception.code(), "msg": exception.message(), "uid": exception.uid}));
    }

    /// Somebody spoke into the muted microphone.
    pub fn spoke_while_muted(&mut self) {
        self.spoken_while_muted += 1;
    }

    /// An event of a stream, with what it says, for the next line.
    pub fn event(&mut self, name: &str, stream: &StreamId, mut says: Value) {
        says["name"] = json!(name);
        says["stream"] = json!(stream.to_string());
        self.events.push(says);
    }

    /// The last line.
    pub fn summary(&mut self, began: Instant, stats: &CallStats) -> std::io::Result<()> {
        let mut row = row(began, stats);
        row.insert("spoken_while_muted".into(), self.spoken_while_muted.into());
        row.insert("summary".into(), Value::Bool(true));
        self.write(&Value::Object(row))
    }

    fn write(&mut self, row: &Value) -> std::io::Result<()> {
        writeln!(self.file, "{row}")?;
        self.file.flush()
    }
}

fn row(began: Instant, stats: &CallStats) -> Map<String, Value> {
    let receive: Map<String, Value> = stats.receive.iter().map(|stream| (stream.stream.to_string(), received(began, stream))).collect();
    let row = json!({
        "t_s": round(began.elapsed()),
        "uid": stats.uid,
        "state": stats.state.as_str(),
        "rtt_ms": tenth(stats.rtt_ms),
        "users": stats.users,
        "network": {"uplink": stats.network.uplink as u8, "downlink": stats.network.downlink as u8, "type": stats.medium.as_str()},
        "send": sent(&stats.send),
        "screen": stats.screen.as_ref().map(sent),
        "receive": receive,
    });
    match row {
        Value::Object(row) => row,
        _ => unreachable!("the row is an object"),
    }
}

fn sent(stats: &SentStats) -> Value {
    json!({
        "video": stats.video.as_ref().map(|video| json!({
            "fps": tenth(Some(video.fps)),
            "width": video.width,
            "height": video.height,
            "bitrate_kbps": tenth(Some(video.bitrate_kbps)),
            "target_kbps": tenth(Some(video.target_kbps)),
            "encode_ms": tenth(Some(video.encode_ms)),
            "queue_ms": tenth(Some(video.queue_ms)),
            "keyframes": video.keyframes,
            "capture_fps": tenth(Some(video.capture_fps)),
            "capture_width": video.capture_width,
            "capture_height": video.capture_height,
            "muted": video.muted,
        })),
        "audio": stats.audio.as_ref().map(|audio| json!({
            "bitrate_kbps": tenth(Some(audio.bitrate_kbps)),
            "level": tenth(Some(audio.level)),
            "muted": audio.muted,
        })),
        "bytes": stats.bytes,
        "subscribers": stats.subscribers,
        "loss_percent": tenth(stats.loss_percent),
        "available_kbps": tenth(stats.available_kbps),
    })
}

fn received(began: Instant, stats: &ReceivedStats) -> Value {
    json!({
        "video": stats.video.as_ref().map(|video| json!({
            "fps": tenth(Some(video.fps)),
            "width": video.width,
            "height": video.height,
            "bitrate_kbps": tenth(Some(video.bitrate_kbps)),
            "frozen_ms": tenth(Some(video.frozen_ms)),
            "latency_ms": tenth(video.latency_ms),
            "latencies_ms": video.latencies_ms.iter().map(|latency| tenth(Some(*latency))).collect::<Vec<_>>(),
            "packets": video.packets,
            "bytes": video.bytes,
            "lost": video.lost,
            "repaired": video.repaired,
            "loss_percent": tenth(video.loss_percent),
            "muted": video.muted,
            "frames": video.frames,
            "decode_ms": tenth(Some(video.decode_ms)),
            "buffer_ms": tenth(Some(video.buffer_ms)),
            "first_frame_ms": tenth(video.first_frame_ms(began)),
        })),
        "audio": stats.audio.as_ref().map(|audio| json!({
            "bitrate_kbps": tenth(Some(audio.bitrate_kbps)),
            "packets": audio.packets,
            "bytes": audio.bytes,
            "lost": audio.lost,
            "loss_percent": tenth(audio.loss_percent),
            "level": tenth(Some(audio.level)),
            "muted": audio.muted,
            "concealed_ms": tenth(Some(audio.concealed_ms)),
            "played_ms": tenth(Some(audio.played_ms)),
            "latency_ms": tenth(audio.latency_ms),
        })),
    })
}

fn round(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// One decimal is more than these figures deserve.
fn tenth(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite()).map(|value| (value * 10.0).round() / 10.0 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{ConnectionState, ReceivedAudio, ReceivedVideo, SentAudio, SentVideo, Uid};

    #[test]
    fn a_line_has_every_field_that_readers_expect() {
        let began = Instant::now();
        let stream = StreamId::camera(Uid::Number(8));
        let stats = CallStats {
            state: ConnectionState::Connected,
            uid: Some(Uid::Number(7)),
            rtt_ms: Some(1.26),
            send: SentStats { video: Some(SentVideo::default()), audio: Some(SentAudio::default()), ..SentStats::default() },
            receive: vec![ReceivedStats {
                stream,
                video: Some(ReceivedVideo { first_frame: Some(began + Duration::from_millis(120)), ..ReceivedVideo::default() }),
                audio: Some(ReceivedAudio::default()),
            }],
            ..CallStats::default()
        };
        let row = Value::Object(row(began, &stats));
        assert_eq!((&row["uid"], &row["state"], &row["rtt_ms"]), (&json!(7), &json!("CONNECTED"), &json!(1.3)));
        let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        assert_eq!(
            keys(&row["send"]["video"]),
            "bitrate_kbps capture_fps capture_height capture_width encode_ms fps height keyframes muted queue_ms target_kbps width"
        );
        assert_eq!(
            keys(&row["receive"]["8"]["audio"]),
            "bitrate_kbps bytes concealed_ms latency_ms level loss_percent lost muted packets played_ms"
        );
        assert_eq!(
            keys(&row["receive"]["8"]["video"]),
            "bitrate_kbps buffer_ms bytes decode_ms first_frame_ms fps frames frozen_ms height latencies_ms latency_ms loss_percent lost muted \
             packets repaired width"
        );
        assert_eq!(row["receive"]["8"]["video"]["first_frame_ms"], json!(120.0));
    }
}
