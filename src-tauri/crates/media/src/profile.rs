//! Agora's video and audio profiles by name (Web SDK 3.x, "video profile" and "audio profile" tables).

use std::str::FromStr;

/// The largest frame rate a profile may ask for.
pub const MAX_FPS: u32 = 60;
/// The largest bitrate a profile may ask for, in kb/s.
pub const MAX_KBPS: u32 = 50_000;
/// The sides an encoder can work with, in pixels.
pub const SIDES: std::ops::RangeInclusive<u32> = 16..=3840;

/// Why a text is no video profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("'{0}' is no video profile: use a name such as 720p_2, or WIDTHxHEIGHT@FPS:MAX_KBPS")]
    Unknown(String),
    #[error("'{0}' is out of range: sides of 16 to 3840 pixels, 1 to {MAX_FPS} fps, 1 to {MAX_KBPS} kb/s")]
    Range(String),
}

/// How large, how often and how many bits a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoProfile {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub max_kbps: u32,
}

impl VideoProfile {
    /// What Agora uses when nothing is chosen: 480p_1.
    pub const DEFAULT: Self = Self { width: 640, height: 480, fps: 15, max_kbps: 500 };

    /// The profile of this name, such as `720p_2`; `720p` means `720p_1`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let same = |candidate: &str| candidate.to_ascii_lowercase() == name || short(candidate).is_some_and(|short| short == name);
        Self::all().find(|(candidate, _)| same(candidate)).map(|(_, profile)| profile)
    }

    /// All named profiles, from small to large.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        VIDEO.iter().map(|&(name, width, height, fps, max_kbps)| (name, Self { width, height, fps, max_kbps }))
    }
}

/// The short form of a name that ends in `_1` (`480p` for `480p_1`); `4K_1` has none.
fn short(name: &str) -> Option<&str> {
    name.strip_suffix("p_1").map(|_| &name[..name.len() - 2])
}

impl Default for VideoProfile {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for VideoProfile {
    type Err = Error;

    /// A name, or `WIDTHxHEIGHT@FPS:MAX_KBPS`.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(profile) = Self::named(text) {
            return Ok(profile);
        }
        let profile = parse_numbers(text).ok_or_else(|| Error::Unknown(text.into()))?;
        let in_range = SIDES.contains(&profile.width)
            && SIDES.contains(&profile.height)
            && (1..=MAX_FPS).contains(&profile.fps)
            && (1..=MAX_KBPS).contains(&profile.max_kbps);
        if in_range { Ok(profile) } else { Err(Error::Range(text.into())) }
    }
}

fn parse_numbers(text: &str) -> Option<VideoProfile> {
    let (size, rate) = text.split_once('@')?;
    let (width, height) = size.split_once('x')?;
    let (fps, max_kbps) = rate.split_once(':')?;
    Some(VideoProfile {
        width: width.parse().ok()?,
        height: height.parse().ok()?,
        fps: fps.parse().ok()?,
        max_kbps: max_kbps.parse().ok()?,
    })
}

/// Name, width, height, fps, kb/s.
const VIDEO: &[(&str, u32, u32, u32, u32)] = &[
    ("120p_1", 160, 120, 15, 65),
    ("120p_3", 120, 120, 15, 50),
    ("180p_1", 320, 180, 15, 140),
    ("180p_3", 180, 180, 15, 100),
    ("180p_4", 240, 180, 15, 120),
    ("240p_1", 320, 240, 15, 200),
    ("240p_3", 240, 240, 15, 140),
    ("240p_4", 424, 240, 15, 220),
    ("360p_1", 640, 360, 15, 400),
    ("360p_3", 360, 360, 15, 260),
    ("360p_4", 640, 360, 30, 600),
    ("360p_6", 360, 360, 30, 400),
    ("360p_7", 480, 360, 15, 320),
    ("360p_8", 480, 360, 30, 490),
    ("360p_9", 640, 360, 15, 800),
    ("360p_10", 640, 360, 24, 800),
    ("360p_11", 640, 360, 24, 1000),
    ("480p_1", 640, 480, 15, 500),
    ("480p_2", 640, 480, 30, 1000),
    ("480p_3", 480, 480, 15, 400),
    ("480p_4", 640, 480, 30, 750),
    ("480p_6", 480, 480, 30, 600),
    ("480p_8", 848, 480, 15, 610),
    ("480p_9", 848, 480, 30, 930),
    ("480p_10", 640, 480, 10, 400),
    ("720p_1", 1280, 720, 15, 1130),
    ("720p_2", 1280, 720, 30, 2000),
    ("720p_3", 1280, 720, 30, 1710),
    ("720p_5", 960, 720, 15, 910),
    ("720p_6", 960, 720, 30, 1380),
    ("1080p_1", 1920, 1080, 15, 2080),
    ("1080p_2", 1920, 1080, 30, 3000),
    ("1080p_3", 1920, 1080, 30, 3150),
    ("1080p_5", 1920, 1080, 60, 4780),
    ("1440p_1", 2560, 1440, 30, 4850),
    ("1440p_2", 2560, 1440, 60, 7350),
    ("4K_1", 3840, 2160, 30, 8910),
    ("4K_3", 3840, 2160, 60, 13500),
];

/// How rich sound is. Capture and playback run at 48 kHz whatever the profile; `sample_rate` bounds the band that is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioProfile {
    /// In Hz: 16,000, 32,000 or 48,000.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    pub kbps: u32,
}

impl AudioProfile {
    /// What Agora uses when nothing is chosen: music_standard.
    pub const DEFAULT: Self = Self { sample_rate: 48_000, channels: 1, kbps: 40 };

    /// The profile of this name, such as `speech_standard`.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, profile)| profile)
    }

    /// All named profiles, from poor to rich.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        AUDIO.iter().map(|&(name, sample_rate, channels, kbps)| (name, Self { sample_rate, channels, kbps }))
    }
}

impl Default for AudioProfile {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Name, sample rate, channels, kb/s.
const AUDIO: [(&str, u32, u8, u32); 6] = [
    ("speech_low_quality", 16_000, 1, 24),
    ("speech_standard", 32_000, 1, 24),
    ("music_standard", 48_000, 1, 40),
    ("standard_stereo", 48_000, 2, 64),
    ("high_quality", 48_000, 1, 128),
    ("high_quality_stereo", 48_000, 2, 192),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_number_is_the_first_variant() {
        assert_eq!(VideoProfile::named("720p"), VideoProfile::named("720p_1"));
        assert_eq!(VideoProfile::named("720P_2").map(|profile| (profile.fps, profile.max_kbps)), Some((30, 2000)));
        assert_eq!(VideoProfile::named("480p_1"), Some(VideoProfile::DEFAULT));
        assert_eq!(VideoProfile::named("4k_3").map(|profile| profile.width), Some(3840));
        assert_eq!(VideoProfile::named("4k"), None);
        assert_eq!(VideoProfile::named(""), None);
    }

    #[test]
    fn every_profile_is_one_the_encoder_can_make() {
        for (name, profile) in VideoProfile::all() {
            let VideoProfile { width, height, fps, max_kbps } = profile;
            assert!(width % 2 == 0 && height % 2 == 0, "{name}");
            assert_eq!(format!("{width}x{height}@{fps}:{max_kbps}").parse(), Ok(profile), "{name}");
        }
    }

    #[test]
    fn numbers_make_a_profile_of_ones_own() {
        assert_eq!("640x360@30:1700".parse(), Ok(VideoProfile { width: 640, height: 360, fps: 30, max_kbps: 1700 }));
    }

    #[test]
    fn a_text_that_is_no_profile_says_so() {
        for text in ["", "@", "720", "640x360", "640x360@30", "640x360@30:", "x@:", "-1x2@3:4", "640X360@30:5"] {
            assert_eq!(text.parse::<VideoProfile>(), Err(Error::Unknown(text.into())));
        }
        for text in ["8x360@30:5", "640x4000@30:5", "640x360@0:5", "640x360@61:5", "640x360@30:0", "640x360@30:4000000"] {
            assert_eq!(text.parse::<VideoProfile>(), Err(Error::Range(text.into())));
        }
    }

    #[test]
    fn the_default_sound_is_music_standard() {
        assert_eq!(AudioProfile::named("music_standard"), Some(AudioProfile::default()));
        assert_eq!(AudioProfile::named("high_quality_stereo").map(|profile| profile.channels), Some(2));
        assert_eq!(AudioProfile::named("loud"), None);
    }
}
