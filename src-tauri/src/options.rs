//! The command line and environment of the app. Everything has a default; tests and bots use it to do without hardware.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Parser;

use crate::signal::DEFAULT_PORT;

/// Video calls on your own machines.
#[derive(Clone, Debug, Parser)]
#[command(name = "visavis", version)]
pub struct Options {
    /// Address of the channel service that this app brings along, or shares with another Visavis that is running.
    #[arg(long, env = "VISAVIS_LISTEN", default_value_t = default_listen(), value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Use the channel service at this address (ws://HOST:PORT, or wss://HOST:PORT for TLS) and bring none along.
    #[arg(long, env = "VISAVIS_SERVER", value_name = "URL", value_parser = server_url)]
    pub server: Option<String>,
    /// Trust the authorities of this PEM file, and no others, for wss:// and turns: (TLS).
    #[arg(long, env = "VISAVIS_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Camera to start with: "pattern", "file:/path/clip.y4m", "camera:NAME" or "none".
    #[arg(long, env = "VISAVIS_CAMERA", value_name = "ID")]
    pub camera: Option<String>,
    /// Microphone to start with: "tone", "file:/path/sound.wav", "microphone:NAME" or "none".
    #[arg(long, env = "VISAVIS_MICROPHONE", value_name = "ID")]
    pub microphone: Option<String>,
    /// Speaker: "default", "speaker:NAME" or "none"; without it, the one that was chosen last.
    #[arg(long, env = "VISAVIS_SPEAKER", value_name = "ID")]
    pub speaker: Option<String>,
    /// Encode and decode with this binary of Cisco's OpenH264 2.6 instead of the one built in.
    #[arg(long, env = "VISAVIS_OPENH264", value_name = "FILE")]
    pub openh264: Option<PathBuf>,
    /// Keep settings and logs in this folder instead of the system's usual places.
    #[arg(long, env = "VISAVIS_CONFIG", value_name = "FOLDER")]
    pub config: Option<PathBuf>,
    /// An invitation (visavis://join?…) to fill the form with; where Visavis is running already, it is handed over to it.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}

fn default_listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into()
}

fn server_url(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("ws://").or_else(|| text.strip_prefix("wss://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#']) => Ok(text.to_owned()),
        _ => Err("a server is ws://HOST:PORT or wss://HOST:PORT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once(&"visavis").chain(arguments))
    }

    #[test]
    fn without_arguments_the_app_serves_on_loopback() {
        let options = parse(&[]).unwrap();
        assert!(options.listen.ip().is_loopback());
        assert_eq!((options.server, options.camera.as_deref(), options.speaker), (None, None, None));
    }

    #[test]
    fn a_server_is_a_websocket_url_without_a_path() {
        assert_eq!(parse(&["--server", "wss://calls.example:443"]).unwrap().server.as_deref(), Some("wss://calls.example:443"));
        for bad in ["calls.example", "http://calls.example", "ws://", "ws://calls.example/v1"] {
            assert!(parse(&["--server", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_needs_a_port() {
        assert!(parse(&["--listen", "0.0.0.0:47990"]).is_ok());
        assert!(parse(&["--listen", "localhost"]).is_err());
    }
}
