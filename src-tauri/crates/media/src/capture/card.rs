//! An input of a sound card: its callback cuts the sound into frames.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{FromSample, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig};

use super::framer::Framer;
use super::microphone::Outlet;
use super::source::Worker;
use super::{Error, Event};
use crate::playback::host::{self, Choice, Direction};

/// How often a sound server is asked whether it still has the device.
const LOOK: Duration = Duration::from_secs(2);

/// An open input, recording for as long as it lives.
pub struct Card {
    _stream: cpal::Stream,
    _watch: Option<Worker>,
}

impl Card {
    /// Opens the input `id`, whose frames of `channels` channels go to `outlet`. When the device ends, so does the outlet.
    pub fn open(id: &str, channels: u8, outlet: Outlet, events: Sender<Event>) -> Result<Self, Error> {
        let device = host::find(Direction::Input, id)?;
        let choice = Choice::of(Direction::Input, &device, id, channels.into())?;
        let outlet = Arc::new(Mutex::new(Some(outlet)));
        let mut refusal = Error::Unsupported { device: id.to_owned(), source: None };
        for config in choice.configs(&device) {
            let callback = Callback {
                framer: Framer::new(choice.rate, choice.channels.into(), channels),
                samples: Vec::new(),
                outlet: outlet.clone(),
            };
            let farewell = Farewell { id: id.to_owned(), outlet: outlet.clone(), events: events.clone() };
            match build(&device, choice.format, config, callback, farewell) {
                Ok(stream) => {
                    stream.play().map_err(|error| host::failure(id, error))?;
                    let look = |id: &str| host::find(Direction::Input, id).map(drop);
                    let farewell = Farewell { id: id.to_owned(), outlet, events };
                    let watch = host::is_served(&device).then(|| watch(LOOK, farewell, look)).transpose()?;
                    return Ok(Self { _stream: stream, _watch: watch });
                }
                Err(error) => refusal = host::failure(id, error),
            }
        }
        Err(refusal)
    }
}

/// Gone once the device has ended.
type Shared = Arc<Mutex<Option<Outlet>>>;

fn build(
    device: &cpal::Device,
    format: SampleFormat,
    config: StreamConfig,
    callback: Callback,
    farewell: Farewell,
) -> Result<cpal::Stream, cpal::Error> {
    match format {
        SampleFormat::F32 => build_as::<f32>(device, config, callback, farewell),
        SampleFormat::I16 => build_as::<i16>(device, config, callback, farewell),
        SampleFormat::I32 => build_as::<i32>(device, config, callback, farewell),
        SampleFormat::I24 => build_as::<cpal::I24>(device, config, callback, farewell),
        SampleFormat::F64 => build_as::<f64>(device, config, callback, farewell),
        SampleFormat::U16 => build_as::<u16>(device, config, callback, farewell),
        SampleFormat::I8 => build_as::<i8>(device, config, callback, farewell),
        SampleFormat::U8 => build_as::<u8>(device, config, callback, farewell),
        _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_as<T>(device: &cpal::Device, config: StreamConfig, mut callback: Callback, farewell: Farewell) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    device.build_input_stream(
        config,
        move |samples: &[T], info: &InputCallbackInfo| callback.take(samples, info),
        move |error| farewell.say(error),
        None,
    )
}

struct Callback {
    framer: Framer,
    samples: Vec<f32>,
    outlet: Shared,
}

impl Callback {
    fn take<T: SizedSample>(&mut self, samples: &[T], info: &InputCallbackInfo)
    where
        f32: FromSample<T>,
    {
        let now = Instant::now();
        let mut outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outlet) = outlet.as_mut() else { return };
        self.samples.clear();
        self.samples.extend(samples.iter().map(|sample| sample.to_sample::<f32>()));
        let timestamp = info.timestamp();
        let age = timestamp.callback.saturating_duration_since(timestamp.capture);
        self.framer.push(&self.samples, now.checked_sub(age).unwrap_or(now), |frame| outlet.send(frame));
    }
}

struct Farewell {
    id: String,
    outlet: Shared,
    events: Sender<Event>,
}

impl Farewell {
    /// The stream reports this.
    fn say(&self, error: cpal::Error) {
        if host::ends(&error) {
            self.end(host::failure(&self.id, error));
        }
    }

    fn end(&self, error: Error) {
        let outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(outlet) = outlet {
            // Nobody may be listening. The event goes first, so that a reader who sees the end of the frames finds it.
            let _ = self.events.send(Event::Lost(error));
            drop(outlet);
        }
    }
}

/// Asks every now and then whether the device is still there: a sound server moves the stream of one that is gone to another, if need be to
/// what the speaker plays, and says nothing.
fn watch(every: Duration, farewell: Farewell, mut look: impl FnMut(&str) -> Result<(), Error> + Send + 'static) -> Result<Worker, Error> {
    let id = farewell.id.clone();
    Worker::start("microphone-look", &id, move |stop| {
        while !stop.wait_until(Instant::now() + every) {
            if let Err(error) = look(&farewell.id) {
                return farewell.end(error);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use super::*;
    use crate::AudioFrame;

    const ID: &str = "microphone:pulseaudio:desk";

    /// A farewell, and what a microphone's reader has: the frames and the events.
    fn farewell() -> (Farewell, Receiver<AudioFrame>, Receiver<Event>) {
        let (frames_in, frames) = mpsc::sync_channel(1);
        let (events_in, events) = mpsc::channel();
        let outlet = Arc::new(Mutex::new(Some(Outlet { frames: frames_in, level: Arc::default() })));
        (Farewell { id: ID.into(), outlet, events: events_in }, frames, events)
    }

    #[test]
    fn a_device_that_its_server_has_no_more_is_lost_whatever_is_heard_in_its_place() {
        let (farewell, frames, events) = farewell();
        let mut there = 3;
        let look = move |id: &str| {
            there -= 1;
            if there > 0 { Ok(()) } else { Err(Error::NotFound { device: id.to_owned() }) }
        };
        let _watch = watch(Duration::ZERO, farewell, look).expect("a thread");
        assert!(matches!(events.recv(), Ok(Event::Lost(Error::NotFound { device })) if device == ID));
        assert!(frames.recv().is_err(), "the frames end");
    }

    #[test]
    fn a_microphone_that_is_closed_is_not_looked_at_any_more() {
        let (farewell, _frames, events) = farewell();
        drop(watch(Duration::from_secs(3600), farewell, |_| Ok(())).expect("a thread"));
        assert!(events.recv().is_err(), "nothing was lost");
    }
}
