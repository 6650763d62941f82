//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use client::{AudioProcessing, Fallback, IcePolicy, Mode, Preference, StreamType, Uid, VideoProfile};

#[derive(Parser)]
#[command(name = "headless", version, about = "A Visavis caller without a window")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Join a channel, publish, subscribe to everyone, and leave.
    ///
    /// Exits with 0 after --seconds (or Ctrl-C), with 1 and a line {code, message} when it cannot join, with 2 on bad usage.
    Call(Box<Call>),
    /// List the screens and windows that --screen can share, one JSON line each.
    Screens,
}

#[derive(Args)]
pub struct Call {
    /// The channel service: ws://HOST:PORT, or wss://HOST:PORT for TLS.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:47880")]
    pub server: String,
    /// Trust the authorities of this PEM file, and no others, for wss:// and turns: (TLS).
    #[arg(long, env = "VISAVIS_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Which paths media may take: all, or relay for TURN servers only.
    #[arg(long, value_name = "all|relay", default_value = "all", value_parser = parse_ice_policy)]
    pub ice_policy: IcePolicy,
    /// The project: 32 hexadecimal characters.
    #[arg(long)]
    pub app_id: String,
    #[arg(long, value_name = "NAME")]
    pub channel: String,
    #[arg(long)]
    pub token: Option<String>,
    /// A number or an account; the service assigns one otherwise.
    #[arg(long, value_parser = parse_uid)]
    pub uid: Option<Uid>,
    /// The name to go by; others read it beside the uid.
    #[arg(long, default_value = "")]
    pub name: String,
    /// rtc, or live.
    #[arg(long, default_value = "rtc", value_parser = parse_mode)]
    pub mode: Mode,
    /// What to show: a .y4m file (looped), `pattern`, `none`, or a device's id.
    #[arg(long, value_name = "FILE.y4m|pattern|none", default_value = "pattern")]
    pub camera: String,
    /// What to say: a .wav file (looped), `tone`, `none`, or a device's id.
    #[arg(long, value_name = "FILE.wav|tone|none", default_value = "tone")]
    pub microphone: String,
    /// Say nothing: the microphone is muted, and whoever speaks into it is told.
    #[arg(long)]
    pub muted: bool,
    /// What is done to the microphone's sound: off, on, or some of aec (echo), ans (noise) and agc (gain). Without it, on for a real
    /// microphone and off for anything else.
    #[arg(long, value_name = "off|on|aec,ans,agc", value_parser = parse_audio_processing)]
    pub audio_processing: Option<AudioProcessing>,
    /// Where others sound: `none`, `default`, or a speaker's id.
    #[arg(long, value_name = "none|default|ID", default_value = "none")]
    pub speaker: String,
    /// What to share beside the camera: a screen's or window's id, a .y4m file (looped), `pattern`, or `none`.
    #[arg(long, value_name = "screen:N|window:N|FILE.y4m|pattern|none", default_value = "none")]
    pub screen: String,
    /// The largest picture of the screen, as --profile.
    #[arg(long, value_name = "PROFILE", default_value = "1080p_1", value_parser = parse_profile)]
    pub screen_profile: VideoProfile,
    /// What the screen keeps where the network does not carry all: detail (sharp letters) or motion.
    #[arg(long, value_name = "detail|motion", default_value = "detail", value_parser = parse_preference)]
    pub screen_preference: Preference,
    /// Agora's name of a video profile, or WxH@FPS:MAX_KBPS.
    #[arg(long, default_value = "480p_1", value_parser = parse_profile)]
    pub profile: VideoProfile,
    /// Offer a second, small picture: Agora's dual stream.
    #[arg(long)]
    pub dual_stream: bool,
    /// Which picture of others to ask for: 0 the large one, 1 the small one.
    #[arg(long, value_name = "0|1", default_value = "0", value_parser = parse_stream_type)]
    pub stream_type: StreamType,
    /// What may come where the network carries no more: 0 nothing else, 1 the small picture, 2 the small picture, then sound only.
    #[arg(long, value_name = "0|1|2", default_value = "1", value_parser = parse_fallback)]
    pub fallback: Fallback,
    /// Only publish: subscribe to nobody (for load and measurements).
    #[arg(long)]
    pub no_subscribe: bool,
    /// Write what was decoded and played of each remote stream to DIR/<uid>.y4m and DIR/<uid>.wav. A stream that is published again
    /// goes on there; if its picture has another size then, in DIR/<uid>-2.y4m.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Record the sound alone.
    #[arg(long, requires = "record")]
    pub record_sound: bool,
    /// Leave after this long; without it, at Ctrl-C.
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// Write one JSON line of statistics a second, and a last one with "summary": true.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn parse_uid(text: &str) -> Result<Uid, String> {
    let uid = match text.parse::<i128>() {
        Ok(number) => u32::try_from(number).map_err(|_| client::Invalid::Uid).and_then(Uid::number),
        Err(_) => Uid::account(text),
    };
    uid.map_err(|invalid| invalid.to_string())
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "rtc" => Ok(Mode::Rtc),
        "live" => Ok(Mode::Live),
        _ => Err("a mode is rtc or live".into()),
    }
}

fn parse_preference(text: &str) -> Result<Preference, String> {
    match text {
        "detail" => Ok(Preference::Detail),
        "motion" => Ok(Preference::Motion),
        _ => Err("a preference is detail or motion".into()),
    }
}

fn parse_ice_policy(text: &str) -> Result<IcePolicy, String> {
    match text {
        "all" => Ok(IcePolicy::All),
        "relay" => Ok(IcePolicy::Relay),
        _ => Err("a policy is all or relay".into()),
    }
}

fn parse_stream_type(text: &str) -> Result<StreamType, String> {
    let number: u8 = text.parse().map_err(|error| format!("{error}"))?;
    StreamType::try_from(number).map_err(|error| error.message)
}

fn parse_fallback(text: &str) -> Result<Fallback, String> {
    let number: u8 = text.parse().map_err(|error| format!("{error}"))?;
    Fallback::try_from(number).map_err(|error| error.message)
}

fn parse_audio_processing(text: &str) -> Result<AudioProcessing, String> {
    match text {
        "off" => Ok(AudioProcessing::NONE),
        "on" => Ok(AudioProcessing::ALL),
        parts => parts.split(',').try_fold(AudioProcessing::NONE, |so_far, part| match part {
            "aec" => Ok(AudioProcessing { aec: true, ..so_far }),
            "ans" => Ok(AudioProcessing { ans: true, ..so_far }),
            "agc" => Ok(AudioProcessing { agc: true, ..so_far }),
            _ => Err("a processing is off, on, or some of aec, ans and agc with commas between them".into()),
        }),
    }
}

fn parse_profile(text: &str) -> Result<VideoProfile, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// A device's id for what the command line names: paths become `file:` ids, `none` is nothing.
pub fn device(text: &str, file_ending: &str) -> Option<String> {
    match text {
        "none" => None,
        path if path.to_ascii_lowercase().ends_with(file_ending) && !path.starts_with("file:") => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
            Some(format!("file:{}", absolute.display()))
        }
        id => Some(id.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_path_becomes_a_file_device_and_none_becomes_nothing() {
        assert_eq!(device("none", ".y4m"), None);
        assert_eq!(device("pattern", ".y4m").as_deref(), Some("pattern"));
        assert_eq!(device("/a/b.y4m", ".y4m").as_deref(), Some("file:/a/b.y4m"));
        assert!(device("b.Y4M", ".y4m").is_some_and(|id| id.starts_with("file:/") && id.ends_with("/b.Y4M")));
    }

    #[test]
    fn a_uid_out_of_range_is_refused_and_not_taken_for_an_account() {
        assert_eq!(parse_uid("7"), Ok(Uid::Number(7)));
        assert_eq!(parse_uid("ana"), Ok(Uid::Account("ana".into())));
        for bad in ["0", "-1", "4294967296", ""] {
            assert!(parse_uid(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_parts_of_a_processing_are_named_one_by_one_or_all_together() {
        let echo_and_gain = AudioProcessing { aec: true, ans: false, agc: true };
        assert_eq!(parse_audio_processing("agc,aec"), Ok(echo_and_gain));
        assert_eq!(parse_audio_processing("on"), parse_audio_processing("aec,ans,agc"));
        assert_eq!(parse_audio_processing("off"), Ok(AudioProcessing::NONE));
        for bad in ["", "aec,", "on,aec", "echo"] {
            assert!(parse_audio_processing(bad).is_err(), "{bad}");
        }
    }
}
