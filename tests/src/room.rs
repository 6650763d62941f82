//! Rooms in which a microphone hears the speaker, in a sound server of their own (PulseAudio), and what a call sends back of what it plays
//! in them.
//!
//! ```text
//! far ── speech ──► near ──► speaker ──(delay)──► microphone ──► near ── echo ──► far, who records it
//! ```

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    call::Caller,
    clip,
    measure::percentile,
    process::{Group, quiet, within},
    service::Service,
};

/// How long the sound server may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a call takes before its sound is heard.
const JOINING: Duration = Duration::from_secs(5);

/// Rooms, each with a speaker and a microphone of its own; dropping it takes them down.
pub struct Rooms {
    server: Group,
    folder: PathBuf,
}

impl Rooms {
    /// Sets up a room for each name. From a room's speaker to its microphone it takes `delay`. The error is why this machine has none.
    pub async fn open(names: &[&str], delay: Duration) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("visavis-rooms-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if quiet("pulseaudio").arg("--version").status().is_err() {
            return Err("there is no pulseaudio".into());
        }
        let rooms = Self { server: Group::start(&mut server(names, delay, &folder)), folder };
        let up = within(PATIENCE, async || UnixStream::connect(rooms.socket()).ok()).await;
        up.map(|_| rooms).ok_or_else(|| "pulseaudio does not come up".into())
    }

    fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// Has a command's sound go through these rooms.
    pub fn enter<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let (name, value) = self.variable();
        command.env(name, value)
    }

    /// The variable by which a program's sound goes through these rooms.
    pub fn variable(&self) -> (&'static str, String) {
        ("PULSE_SERVER", format!("unix:{}", self.socket().display()))
    }

    /// Plugs in one more microphone, which hears a tone.
    ///
    /// # Panics
    /// If the sound server does not do it.
    pub fn plug_in(&self, name: &str) {
        self.pactl(&["load-module", "module-null-sink", &format!("sink_name={name}-air"), "rate=48000", "channels=1"]);
        let (master, label) = (format!("master={name}-air.monitor"), format!("source_properties=device.description={name}"));
        self.pactl(&["load-module", "module-remap-source", &master, &source(name), &label]);
        self.sound_in(name);
    }

    /// Takes away a microphone, a room's own or one that was plugged in.
    ///
    /// # Panics
    /// If the sound server does not do it.
    pub fn unplug(&self, name: &str) {
        let (id, modules) = (source(name), self.pactl(&["list", "short", "modules"]));
        let module = modules.lines().find(|line| line.split_whitespace().any(|word| word == id));
        let number = module.and_then(|line| line.split_whitespace().next());
        self.pactl(&["unload-module", number.expect("the microphone is there")]);
    }

    /// Has a tone sound in a room, which its microphone hears.
    ///
    /// # Panics
    /// If the sound server does not do it.
    pub fn sound_in(&self, name: &str) {
        self.pactl(&["load-module", "module-sine", &format!("sink={name}-air"), "frequency=330"]);
    }

    fn pactl(&self, arguments: &[&str]) -> String {
        let mut pactl = Command::new("pactl");
        let output = self.enter(pactl.args(arguments)).output().expect("pactl comes with pulseaudio");
        assert!(output.status.success(), "pactl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn speaker(name: &str) -> String {
        format!("speaker:pulseaudio:{name}-speaker")
    }

    pub fn microphone(name: &str) -> String {
        format!("microphone:pulseaudio:{name}-microphone")
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        self.server.signal("TERM");
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("native")
}

/// How a module is told its microphone's name.
fn source(name: &str) -> String {
    format!("source_name={name}-microphone")
}

/// Speakers and microphones are pipes without a device: what is played into a sink comes out of its monitor.
fn server(names: &[&str], delay: Duration, folder: &Path) -> Command {
    let mut modules = Vec::new();
    for name in names {
        modules.push(format!("module-null-sink sink_name={name}-speaker rate=48000 channels=2"));
        modules.push(format!("module-null-sink sink_name={name}-air rate=48000 channels=1"));
        // All clocks are one: there is no drift to make up for. And the server moves what is at its default devices when those change.
        modules.push(format!(
            "module-loopback source={name}-speaker.monitor sink={name}-air latency_msec={} adjust_time=0 \
             source_dont_move=true sink_dont_move=true",
            delay.as_millis()
        ));
        modules.push(format!("module-remap-source master={name}-air.monitor {}", source(name)));
    }
    // Last, so that whoever can connect finds all of them.
    modules.push(format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket(folder).display()));
    let mut command = quiet("pulseaudio");
    command.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"]);
    modules.iter().for_each(|module| {
        command.args(["-L", module]);
    });
    for name in ["HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH"] {
        command.env(name, folder);
    }
    command
}

/// How loud the echo is that comes back over a call, in dB of full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Echo {
    /// Of half of the seconds: a machine that stops for a moment has an echo canceller begin anew, which is no steady state.
    pub median: f64,
    pub loudest: f64,
}

/// The echo from each of these rooms, whose names are `--audio-processing`s with `-` for commas, over the last `measured` of calls that have
/// gone on for `settle` before.
///
/// # Panics
/// If a call does not come about.
pub async fn echoes(rooms: &Rooms, names: &[&str], settle: Duration, measured: Duration) -> Vec<Echo> {
    let service = Service::start().await;
    let time = (settle + measured + JOINING).as_secs().to_string();
    let calls: Vec<(Caller, Caller)> = names.iter().map(|name| call(rooms, &service, name, &time)).collect();
    let mut echoes = Vec::new();
    for (name, (far, near)) in names.iter().zip(calls) {
        // Its recording is whole when it has ended by itself.
        far.finished().await;
        drop(near);
        let levels = levels(&rooms.folder.join(name).join("8.wav"), measured);
        let of = |share| percentile(&levels, share).expect("whole seconds were measured");
        echoes.push(Echo { median: of(0.5), loudest: of(1.0) });
    }
    echoes
}

/// The far end, who speaks and records, and the near one in the room.
fn call(rooms: &Rooms, service: &Service, name: &str, time: &str) -> (Caller, Caller) {
    let speech = clip::speech();
    let (speech, record) = (speech.to_string_lossy(), rooms.folder.join(name));
    let record = record.to_string_lossy();
    let join = |command: Command, uid: &str, arguments: &[&str]| {
        let report = rooms.folder.join(format!("{name}-{uid}.jsonl"));
        let arguments = [&["--uid", uid, "--camera", "none"], arguments].concat();
        Caller::join_channel(command, &service.url(), name, report, &arguments)
    };
    let far = ["--microphone", &speech, "--record", &record, "--record-sound", "--seconds", time];
    let far = join(quiet(crate::binary("headless")), "7", &far);
    let (speaker, microphone, processing) = (Rooms::speaker(name), Rooms::microphone(name), name.replace('-', ","));
    let near = ["--speaker", &speaker, "--microphone", &microphone, "--audio-processing", &processing];
    let mut command = quiet(crate::binary("headless"));
    rooms.enter(&mut command);
    (far, join(command, "8", &near))
}

/// The mean power of each of the last seconds of a recording, in dB of full scale.
fn levels(recording: &Path, last: Duration) -> Vec<f64> {
    /// A recording's header, and what a second of it takes: 48 kHz, stereo, 16 bits.
    const HEADER: usize = 44;
    const SECOND: usize = 48_000 * 4;
    let bytes = std::fs::read(recording).unwrap_or_else(|error| panic!("{}: {error}", recording.display()));
    let seconds = bytes[HEADER.min(bytes.len())..].as_rchunks::<SECOND>().1;
    let wanted = last.as_secs() as usize;
    assert!(seconds.len() >= wanted, "{} holds {} s, of which {wanted} are to be measured", recording.display(), seconds.len());
    seconds[seconds.len() - wanted..].iter().map(|second| level(second)).collect()
}

fn level(second: &[u8]) -> f64 {
    let samples = second.as_chunks::<2>().0;
    let sample = |pair: &[u8; 2]| f64::from(i16::from_le_bytes(*pair)) / f64::from(i16::MAX);
    let power = samples.iter().map(|pair| sample(pair).powi(2)).sum::<f64>() / samples.len() as f64;
    // No less than half of the least that a sample can be.
    10.0 * power.max(2.5e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_that_of_a_recordings_samples() {
        let sound = |sample: i16| sample.to_le_bytes().repeat(96_000);
        assert!(level(&sound(i16::MAX)).abs() < 0.01);
        assert!((level(&sound(i16::MAX / 10)) + 20.0).abs() < 0.01);
        assert!(level(&sound(0)) < -90.0);
    }
}
