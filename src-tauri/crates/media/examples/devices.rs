//! Lists the devices of this machine and tries them; prints JSON.
//!
//! ```text
//! devices list
//! devices camera ID WIDTHxHEIGHT@FPS FRAMES
//! devices microphone ID CHANNELS FRAMES
//! devices speaker ID MILLISECONDS              a tone
//! devices loop SPEAKER MICROPHONE MILLISECONDS a tone from one to the other: gaps, level and delay
//! ```

use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use media::capture::{self, Camera, Device, Microphone, VideoFormat};
use media::latest::Next;
use media::playback::{self, BLOCK, Speaker, Voice};
use media::profile::VideoProfile;

/// Longer than any device takes to deliver its first frame.
const PATIENCE: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["list"] => Ok(list()),
        ["camera", id, want, frames] => camera(id, want, frames),
        ["microphone", id, channels, frames] => microphone(id, channels, frames),
        ["speaker", id, millis] => speaker(id, millis),
        ["loop", speaker, microphone, millis] => sound_loop(speaker, microphone, millis),
        _ => Err(
            "usage: devices list | camera ID WxH@FPS FRAMES | microphone ID CHANNELS FRAMES | speaker ID MS | loop SPEAKER MICROPHONE MS"
                .into(),
        ),
    };
    match done {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{{\"error\":{:?}}}", error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn list() -> String {
    let all = |devices: Vec<Device>| {
        let entries: Vec<String> =
            devices.iter().map(|device| format!("{{\"id\":{:?},\"label\":{:?}}}", device.id, device.label)).collect();
        format!("[{}]", entries.join(","))
    };
    format!(
        "{{\"cameras\":{},\"microphones\":{},\"speakers\":{}}}",
        all(capture::cameras()),
        all(capture::microphones()),
        all(playback::speakers())
    )
}

fn camera(id: &str, want: &str, frames: &str) -> Result<String, Failure> {
    let profile: VideoProfile = format!("{want}:1000").parse()?;
    let frames: u32 = frames.parse()?;
    let begun = Instant::now();
    let mut camera = Camera::open(id, VideoFormat { width: profile.width, height: profile.height, fps: profile.fps })?;
    let (opened, format, events) = (begun.elapsed(), camera.format(), camera.take_events());
    let mut reader = camera.frames();
    let mut first = None;
    let (mut age, mut last) = (Duration::ZERO, Instant::now());
    for _ in 0..frames {
        match reader.next(PATIENCE) {
            Next::Value(frame) => {
                last = Instant::now();
                age += frame.captured().elapsed();
                first.get_or_insert((last, frame.width(), frame.height()));
            }
            Next::Timeout => return Err("no frame in time".into()),
            Next::Closed => return Err(format!("the camera ended: {:?}", events.try_recv()).into()),
        }
    }
    let (first, width, height) = first.ok_or("no frame wanted")?;
    let fps = f64::from(frames.saturating_sub(1)) / (last - first).as_secs_f64();
    let closing = Instant::now();
    drop(camera);
    Ok(format!(
        "{{\"camera\":{id:?},\"format\":\"{}x{}@{}\",\"picture\":\"{width}x{height}\",\"fps\":{fps:.2},\"opened_ms\":{},\"first_ms\":{},\
         \"age_ms\":{:.2},\"closed_ms\":{}}}",
        format.width,
        format.height,
        format.fps,
        opened.as_millis(),
        (first - begun).as_millis(),
        age.as_secs_f64() * 1000.0 / f64::from(frames),
        closing.elapsed().as_millis()
    ))
}

fn microphone(id: &str, channels: &str, frames: &str) -> Result<String, Failure> {
    let frames: u32 = frames.parse()?;
    let begun = Instant::now();
    let mut microphone = Microphone::open(id, channels.parse()?)?;
    let opened = begun.elapsed();
    let receiver = microphone.take_frames();
    let mut times = Vec::new();
    let (mut age, mut level, mut last, mut first) = (Duration::ZERO, 0.0_f32, begun, None);
    for _ in 0..frames {
        match receiver.recv_timeout(PATIENCE) {
            Ok(frame) => {
                last = Instant::now();
                first.get_or_insert(last);
                age += frame.captured.elapsed();
                times.push(frame.captured);
                level = level.max(microphone.level());
            }
            Err(RecvTimeoutError::Timeout) => return Err("no frame in time".into()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(format!("the microphone ended: {:?}", microphone.take_events().try_recv()).into());
            }
        }
    }
    let first = first.ok_or("no frame wanted")?;
    let uneven = times.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(Duration::from_millis(10))).max().unwrap_or_default();
    Ok(format!(
        "{{\"microphone\":{id:?},\"frames_per_s\":{:.2},\"opened_ms\":{},\"first_ms\":{},\"age_ms\":{:.2},\"uneven_us\":{},\"level\":{level:.3}}}",
        f64::from(frames.saturating_sub(1)) / (last - first).as_secs_f64(),
        opened.as_millis(),
        (first - begun).as_millis(),
        age.as_secs_f64() * 1000.0 / f64::from(frames),
        uneven.as_micros()
    ))
}

/// 440 Hz that is silent at first, and begins at a known time.
struct Beep {
    begins: Instant,
    sample: u32,
}

impl Voice for Beep {
    fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool {
        if Instant::now() < self.begins {
            return false;
        }
        for frame in out.chunks_exact_mut(2) {
            frame.fill(0.5 * (std::f32::consts::TAU * 440.0 * self.sample as f32 / 48_000.0).sin());
            self.sample = (self.sample + 1) % 48_000;
        }
        true
    }
}

fn speaker(id: &str, millis: &str) -> Result<String, Failure> {
    let millis = Duration::from_millis(millis.parse()?);
    let begun = Instant::now();
    let mut speaker = Speaker::open(id)?;
    let opened = begun.elapsed();
    let events = speaker.take_events();
    let voice = speaker.add(Box::new(Beep { begins: begun, sample: 0 }));
    let mut told = Vec::new();
    while let Ok(event) = events.recv_timeout(millis.saturating_sub(begun.elapsed())) {
        told.push(format!("{:?}", format!("{} ms: {event:?}", begun.elapsed().as_millis())));
    }
    Ok(format!(
        "{{\"speaker\":{id:?},\"opened_ms\":{},\"latency_ms\":{:.1},\"level\":{:.3},\"events\":[{}]}}",
        opened.as_millis(),
        speaker.latency().as_secs_f64() * 1000.0,
        voice.level(),
        told.join(",")
    ))
}

fn sound_loop(speaker: &str, microphone: &str, millis: &str) -> Result<String, Failure> {
    let total = Duration::from_millis(millis.parse()?);
    let mut microphone = Microphone::open(microphone, 1)?;
    let speaker = Speaker::open(speaker)?;
    let frames = microphone.take_frames();
    let begins = Instant::now() + Duration::from_secs(1);
    let _voice = speaker.add(Box::new(Beep { begins, sample: 0 }));
    let (mut heard, mut received, mut silent, mut frames_heard, mut peak) = (None, None, 0, 0, 0.0_f32);
    while begins.elapsed() < total {
        let frame = frames.recv_timeout(PATIENCE)?;
        let loudest = frame.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        if heard.is_none() && loudest > 0.1 {
            let offset = frame.samples.iter().position(|sample| sample.abs() > 0.1).unwrap_or(0);
            heard = Some(frame.captured + Duration::from_secs(1) * offset as u32 / 48_000);
            received = Some(Instant::now());
        } else if heard.is_some() {
            peak = peak.max(loudest);
            frames_heard += 1;
            // A whole period of 440 Hz lasts 109 samples: a longer silence is a gap.
            silent += usize::from(frame.samples.chunks(120).any(|piece| piece.iter().all(|sample| sample.abs() < 0.01)));
        }
    }
    let since = |time: Option<Instant>| time.map_or(-1.0, |time| time.saturating_duration_since(begins).as_secs_f64() * 1000.0);
    Ok(format!(
        "{{\"captured_ms\":{:.1},\"received_ms\":{:.1},\"speaker_latency_ms\":{:.1},\"frames\":{frames_heard},\"frames_with_gaps\":{silent},\"peak\":{peak:.3}}}",
        since(heard),
        since(received),
        speaker.latency().as_secs_f64() * 1000.0
    ))
}
