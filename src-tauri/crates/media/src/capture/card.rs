//! An input of a sound card: its callback cuts the sound into frames.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{FromSample, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig};

use super::framer::Framer;
use super::microphone::Outlet;
use super::{Error, Event};
use crate::playback::host::{self, Choice, Direction};

/// An open input, recording for as long as it lives.
pub struct Card {
    _stream: cpal::Stream,
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
                    return Ok(Self { _stream: stream });
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

fn build_as<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut callback: Callback,
    mut farewell: Farewell,
) -> Result<cpal::Stream, cpal::Error>
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
    fn say(&mut self, error: cpal::Error) {
        if !host::ends(&error) {
            return;
        }
        let outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(outlet) = outlet {
            // Nobody may be listening. The event goes first, so that a reader who sees the end of the frames finds it.
            let _ = self.events.send(Event::Lost(host::failure(&self.id, error)));
            drop(outlet);
        }
    }
}
