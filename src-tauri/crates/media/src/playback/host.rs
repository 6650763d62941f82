//! The system's sound devices, inputs and outputs alike: listed, found by id, and what to ask of them.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{BufferSize, DeviceId, ErrorKind, SampleFormat, StreamConfig, SupportedStreamConfigRange};

use super::Error;
use crate::capture::{Device, Kind, SAMPLE_RATE};

/// The device that the person chose in the system's settings.
pub const DEFAULT: &str = "default";

/// What cpal calls its hosts on Linux.
const ALSA: &str = "alsa";
const PULSEAUDIO: &str = "pulseaudio";

/// Which way the sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

impl Direction {
    /// What the ids of such devices begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Input => "microphone:",
            Self::Output => "speaker:",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Input => Kind::Microphone,
            Self::Output => Kind::Speaker,
        }
    }

    fn default_device(self, host: &cpal::Host) -> Option<cpal::Device> {
        match self {
            Self::Input => host.default_input_device().filter(|device| !device.id().is_ok_and(|id| is_monitor(&id))),
            Self::Output => host.default_output_device(),
        }
    }

    fn ranges(self, device: &cpal::Device) -> Result<Vec<SupportedStreamConfigRange>, cpal::Error> {
        Ok(match self {
            Self::Input => device.supported_input_configs()?.collect(),
            Self::Output => device.supported_output_configs()?.collect(),
        })
    }
}

/// The connection to the sound server, kept for the life of the process: its client's thread and socket outlive it when it is dropped,
/// and a server takes only so many clients.
static SERVER: Mutex<Option<Arc<cpal::Host>>> = Mutex::new(None);

/// The sound server, or what the system has without one.
fn system() -> Arc<cpal::Host> {
    quiet();
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    // One that was ended answers with an error.
    if let Some(host) = server.as_ref().filter(|host| host.devices().is_ok()) {
        return host.clone();
    }
    let mut host = cpal::default_host();
    #[cfg(target_os = "linux")]
    if is_refused(&host) && super::cookie::make() {
        host = cpal::default_host();
    }
    let host = Arc::new(host);
    *server = (host.id().to_string() == PULSEAUDIO).then(|| host.clone());
    host
}

/// Whether there is a sound server that does not let us in.
#[cfg(target_os = "linux")]
fn is_refused(host: &cpal::Host) -> bool {
    host.id().to_string() != PULSEAUDIO && cpal::available_hosts().iter().any(|id| id.to_string() == PULSEAUDIO)
}

/// Whether a sound server answered the last time anybody looked.
pub fn has_server() -> bool {
    SERVER.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Whether the device is a sound server's.
pub fn is_served(device: &cpal::Device) -> bool {
    device.id().is_ok_and(|id| id.host().to_string() == PULSEAUDIO)
}

/// The devices that can be opened now, the system's default first.
pub fn list(direction: Direction) -> Vec<Device> {
    let host = system();
    let offered = |device: &cpal::Device| match direction {
        Direction::Input => device.supports_input(),
        Direction::Output => device.supports_output(),
    };
    let devices = host.devices().into_iter().flatten().filter(offered);
    let mut listed: Vec<(DeviceId, Device)> = devices
        .filter_map(|device| {
            let id = device.id().ok().filter(wanted)?;
            let listed = Device { id: format!("{}{id}", direction.prefix()), label: label(&device), kind: direction.kind() };
            Some((id, listed))
        })
        .collect();
    let default = direction.default_device(&host);
    let default_id = default.as_ref().and_then(|device| device.id().ok());
    if let Some(place) = listed.iter().position(|(id, _)| Some(id) == default_id.as_ref()) {
        listed[..=place].rotate_right(1);
    } else if let (Some(device), Some(id)) = (default, default_id)
        && answers(direction, &device)
    {
        listed.insert(0, (id, Device { id: DEFAULT.into(), label: label(&device), kind: direction.kind() }));
    }
    listed.into_iter().map(|(_, device)| device).collect()
}

/// Whether a person would look for this device. ALSA lists each card a dozen times, by what may be put before it.
fn wanted(id: &DeviceId) -> bool {
    match id.host().to_string().as_str() {
        ALSA => id.id().strip_prefix("plughw:CARD=").is_some_and(|card| !card.starts_with(|c: char| c.is_ascii_digit())),
        PULSEAUDIO => !is_monitor(id),
        _ => true,
    }
}

/// PulseAudio offers what a speaker plays as a microphone. Nobody means that one: the others would hear themselves.
fn is_monitor(id: &DeviceId) -> bool {
    id.host().to_string() == PULSEAUDIO && id.id().ends_with(".monitor")
}

/// Whether the default device is more than a name: ALSA has one without any card. One that is busy is there.
fn answers(direction: Direction, device: &cpal::Device) -> bool {
    match direction.ranges(device) {
        Ok(ranges) => !ranges.is_empty(),
        Err(error) => error.kind() == ErrorKind::DeviceBusy,
    }
}

/// What a person reads: ALSA says card and device in the first line of its description.
fn label(device: &cpal::Device) -> String {
    device.description().map(|description| description.name().to_owned()).unwrap_or_else(|_| device.to_string())
}

/// The device with this id (with its prefix), or the default one.
pub fn find(direction: Direction, id: &str) -> Result<cpal::Device, Error> {
    let host = system();
    let found = if id == DEFAULT {
        direction.default_device(&host)
    } else {
        let id: Option<DeviceId> = id.strip_prefix(direction.prefix()).and_then(|id| id.parse().ok());
        id.and_then(|id| if id.host() == host.id() { host.device_by_id(&id) } else { other(&id) })
    };
    found.ok_or_else(|| Error::NotFound { device: id.to_owned() })
}

/// A device of a host that is not the default one: a choice from before a sound server was started, say.
fn other(id: &DeviceId) -> Option<cpal::Device> {
    cpal::host_from_id(id.host()).ok()?.device_by_id(id)
}

/// What to ask a device for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    pub rate: u32,
    pub channels: u16,
    pub format: SampleFormat,
}

impl Choice {
    /// The nearest that the device `id` has to 48 kHz and `channels` channels.
    pub fn of(direction: Direction, device: &cpal::Device, id: &str, channels: u16) -> Result<Self, Error> {
        let ranges = direction.ranges(device).map_err(|error| failure(id, error))?;
        choose(&ranges, channels).ok_or_else(|| Error::Unsupported { device: id.to_owned(), source: None })
    }

    /// As a request for short callbacks, then for whatever the device likes: 10 ms through a sound server; 20 ms on bare ALSA, whose
    /// buffer is only two callbacks long, so that 20 ms without the processor already lose sound.
    pub fn configs(self, device: &cpal::Device) -> [StreamConfig; 2] {
        let bare = device.id().is_ok_and(|id| id.host().to_string() == ALSA);
        let period = self.rate.div_ceil(if bare { 50 } else { 100 });
        [BufferSize::Fixed(period), BufferSize::Default].map(|buffer_size| StreamConfig {
            channels: self.channels,
            sample_rate: self.rate,
            buffer_size,
        })
    }
}

/// Sample formats that are understood, best first.
const FORMATS: [SampleFormat; 8] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// The rate counts most, since converting it costs quality; then the channels, where more than wanted are better than fewer.
fn choose(ranges: &[SupportedStreamConfigRange], channels: u16) -> Option<Choice> {
    let rank = |format: SampleFormat| FORMATS.iter().position(|known| *known == format);
    let candidates = ranges.iter().filter_map(|range| {
        let rate = SAMPLE_RATE.clamp(range.min_sample_rate(), range.max_sample_rate().max(range.min_sample_rate()));
        let rank = rank(range.sample_format())?;
        let usable = range.channels() > 0 && (8000..=768_000).contains(&rate);
        usable.then_some((Choice { rate, channels: range.channels(), format: range.sample_format() }, rank))
    });
    let best = candidates.min_by_key(|(choice, rank)| {
        // Any rate above 48 kHz carries all that is wanted, one below does not.
        let rate = if choice.rate >= SAMPLE_RATE { choice.rate - SAMPLE_RATE } else { u32::MAX - choice.rate };
        let missing = channels.saturating_sub(choice.channels);
        (rate, missing, choice.channels.saturating_sub(channels), *rank, Reverse(choice.channels))
    });
    best.map(|(choice, _)| choice)
}

/// Whether a running stream that reports this is over.
pub fn ends(error: &cpal::Error) -> bool {
    !matches!(error.kind(), ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied)
}

/// Sorts a cause by whose fault it is.
pub fn failure(id: &str, error: cpal::Error) -> Error {
    let device = id.to_owned();
    match error.kind() {
        ErrorKind::DeviceBusy => Error::Busy { device },
        ErrorKind::PermissionDenied => Error::Denied { device },
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => Error::NotFound { device },
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation | ErrorKind::InvalidInput => {
            Error::Unsupported { device, source: Some(error.into()) }
        }
        _ => Error::Failed { device, source: error.into() },
    }
}

/// Keeps ALSA from writing to the error output what it returns as an error anyway; for the calling thread, from now on.
fn quiet() {
    #[cfg(target_os = "linux")]
    if let Ok(buffer) = alsa::Output::local_error_handler() {
        // Each call takes the place of the buffer before, so that it holds no more than one call's words.
        tracing::trace!(words = ?buffer.try_borrow().map(|words| words.to_string()).unwrap_or_default(), "ALSA");
    }
}

#[cfg(test)]
mod tests {
    use cpal::SupportedBufferSize;

    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, SupportedBufferSize::Unknown, format)
    }

    fn chosen(ranges: &[SupportedStreamConfigRange], channels: u16) -> (u32, u16, SampleFormat) {
        choose(ranges, channels).map(|choice| (choice.rate, choice.channels, choice.format)).expect("one is usable")
    }

    #[test]
    fn forty_eight_kilohertz_is_preferred_to_the_right_channels() {
        let ranges = [range(1, (16_000, 16_000), SampleFormat::F32), range(4, (44_100, 48_000), SampleFormat::I16)];
        assert_eq!(chosen(&ranges, 1), (48_000, 4, SampleFormat::I16));
    }

    #[test]
    fn a_higher_rate_is_better_than_a_lower_one() {
        let ranges = [range(1, (44_100, 44_100), SampleFormat::F32), range(1, (96_000, 192_000), SampleFormat::F32)];
        assert_eq!(chosen(&ranges, 1).0, 96_000);
        let ranges = [range(1, (8000, 16_000), SampleFormat::F32), range(1, (44_100, 44_100), SampleFormat::F32)];
        assert_eq!(chosen(&ranges, 1).0, 44_100);
    }

    #[test]
    fn float_is_preferred_and_too_many_channels_are_better_than_too_few() {
        let all = (8000, 96_000);
        let ranges = [range(1, all, SampleFormat::F32), range(2, all, SampleFormat::I16), range(2, all, SampleFormat::F32)];
        assert_eq!(chosen(&ranges, 2), (48_000, 2, SampleFormat::F32));
        assert_eq!(chosen(&[ranges[0], range(6, all, SampleFormat::U8)], 2).1, 6);
    }

    #[test]
    fn what_cannot_be_understood_is_no_choice() {
        assert_eq!(choose(&[], 2), None);
        assert_eq!(choose(&[range(2, (48_000, 48_000), SampleFormat::DsdU8), range(0, (48_000, 48_000), SampleFormat::F32)], 2), None);
    }

    #[test]
    fn only_what_a_person_would_look_for_is_listed() {
        let listed = |id: &str| id.parse().map(|id| wanted(&id)).unwrap_or(true);
        assert!(listed("alsa:plughw:CARD=PCH,DEV=0"));
        assert!(
            !listed("alsa:null")
                && !listed("alsa:default")
                && !listed("alsa:surround51:CARD=PCH,DEV=0")
                && !listed("alsa:plughw:CARD=0,DEV=0")
        );
    }

    #[test]
    fn a_glitch_is_no_end() {
        assert!(!ends(&ErrorKind::Xrun.into()) && !ends(&ErrorKind::DeviceChanged.into()));
        assert!(ends(&ErrorKind::DeviceNotAvailable.into()) && ends(&ErrorKind::StreamInvalidated.into()));
    }

    #[test]
    fn an_unknown_device_is_not_found() {
        for id in ["", "speaker:", "speaker:alsa:hw:CARD=none such", "microphone:alsa:default"] {
            assert!(matches!(find(Direction::Output, id), Err(Error::NotFound { .. })), "{id}");
        }
    }
}
