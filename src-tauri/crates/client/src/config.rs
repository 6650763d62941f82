//! How a client is made.

use std::path::PathBuf;
use std::str::FromStr;

use signal::{Code, Error, Mode};
use transport::IcePolicy;

/// The video codec of everything a client publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    #[default]
    H264,
}

impl FromStr for Codec {
    type Err = Error;

    /// Agora's names; those this build does not speak answer [`Code::NotSupported`].
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "h264" => Ok(Self::H264),
            other => Err(Error::new(Code::NotSupported, format!("The codec {other:?} is not supported yet; choose \"h264\"."))),
        }
    }
}

/// How a client is made. Everything else is said per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The channel service: `ws://host:port`, or `wss://host:port` for TLS.
    pub server: String,
    /// A PEM file of the only authorities to trust for TLS; without it, those that the system trusts.
    pub ca: Option<PathBuf>,
    /// Which paths media may take.
    pub ice_policy: IcePolicy,
    pub mode: Mode,
    pub codec: Codec,
    /// Where remote streams sound from the first join on: `"default"`, `"none"`, or a speaker's id.
    pub speaker: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: format!("ws://127.0.0.1:{}", signal::DEFAULT_PORT),
            ca: None,
            ice_policy: IcePolicy::All,
            mode: Mode::Rtc,
            codec: Codec::H264,
            speaker: "default".into(),
        }
    }
}

/// Which tracks of a stream to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeOptions {
    pub audio: bool,
    pub video: bool,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self { audio: true, video: true }
    }
}

/// The small picture of dual stream: Agora's low stream. The picture keeps the camera's shape within that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowStream {
    /// Width and height in pixels, which are chosen together or not at all.
    pub size: Option<(u32, u32)>,
    pub fps: u32,
    pub kbps: u32,
}

impl LowStream {
    pub(crate) const SIZE: (u32, u32) = (160, 120);
}

impl Default for LowStream {
    fn default() -> Self {
        Self { size: None, fps: 15, kbps: 50 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_that_is_not_built_in_is_refused_with_a_sentence() {
        assert_eq!("h264".parse::<Codec>().unwrap(), Codec::H264);
        let error = "vp8".parse::<Codec>().unwrap_err();
        assert_eq!(error.code, Code::NotSupported);
        assert!(error.message.contains("vp8"), "{error}");
    }
}
