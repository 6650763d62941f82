//! An output of a sound card: a ring that the mixing thread fills and the device's callback empties.
//!
//! Blocks are of the system's clock and what the card takes is of its own: so is a voice asked for a hundred blocks a second, and what is
//! told of as played keeps in step with what microphones hear.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{FromSample, OutputCallbackInfo, SampleFormat, SizedSample, StreamConfig};

use super::depth::Depth;
use super::host::{self, Choice, Direction};
use super::{BLOCK, Error, ring};
use crate::capture::{SAMPLE_RATE, drift::Drift, resample::Resampler};

/// The most that the ring holds: more than the deepest cushion and a callback of 100 ms.
const RING: Duration = Duration::from_millis(250);

/// How long a device may go without asking for sound before it counts as lost.
const SILENCE: Duration = Duration::from_secs(2);

/// The device stopped asking, without an error.
#[derive(Debug, thiserror::Error)]
#[error("it plays nothing any more")]
struct Silent;

/// The thread to wake when there is room in the ring; set once it runs.
pub type Waker = Arc<OnceLock<Thread>>;

/// What the callbacks tell the mixing thread.
#[derive(Default)]
struct Monitor {
    /// Why the device ended, once it has.
    lost: Mutex<Option<Error>>,
    /// The largest callback since the last look, in frames.
    largest: AtomicUsize,
    /// Callbacks since the last look that found too little.
    gaps: AtomicUsize,
    /// From the callback to the ear, in microseconds.
    delay: AtomicU64,
    /// What the device really takes, in samples of each channel a second (an `f64`'s bits); zero before the first callback.
    pace: AtomicU64,
}

/// An open output.
pub struct Card {
    ring: ring::Writer,
    resampler: Resampler,
    depth: Depth,
    /// When the device last asked for sound.
    asked: Instant,
    rate: u32,
    /// A block at the device's rate.
    ready: Vec<f32>,
    monitor: Arc<Monitor>,
    id: String,
    label: String,
    /// Playing for as long as it lives.
    _stream: cpal::Stream,
}

impl Card {
    /// Opens the output `id` and starts it. `waker`'s thread is woken whenever there is room.
    pub fn open(id: &str, waker: &Waker) -> Result<Self, Error> {
        let device = host::find(Direction::Output, id)?;
        let choice = Choice::of(Direction::Output, &device, id, 2)?;
        let (writer, monitor, stream) = start(&device, id, choice, waker)?;
        stream.play().map_err(|error| host::failure(id, error))?;
        Ok(Self {
            ring: writer,
            resampler: Resampler::varying(SAMPLE_RATE, choice.rate, 2),
            depth: Depth::new(choice.rate, Instant::now()),
            asked: Instant::now(),
            rate: choice.rate,
            ready: Vec::with_capacity(BLOCK * 2),
            monitor,
            id: id.to_owned(),
            label: device.to_string(),
            _stream: stream,
        })
    }

    /// What a person calls it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Takes in what the callbacks have told. An error says why the device has ended.
    pub fn observe(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(error) = self.monitor.lost.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let (largest, gaps) = (self.monitor.largest.swap(0, Ordering::Relaxed), self.monitor.gaps.swap(0, Ordering::Relaxed));
        self.depth.observe(largest, gaps, now);
        if largest > 0 {
            self.asked = now;
        }
        if now.saturating_duration_since(self.asked) > SILENCE {
            return Err(Error::Failed { device: self.id.clone(), source: Silent.into() });
        }
        Ok(())
    }

    /// Whether a further block is wanted now.
    pub fn wants(&self) -> bool {
        self.ring.len() / 2 < self.depth.frames()
    }

    /// Queues a block.
    pub fn push(&mut self, block: &[f32; BLOCK]) {
        self.ready.clear();
        let pace = f64::from_bits(self.monitor.pace.load(Ordering::Relaxed));
        if pace > 0.0 {
            self.resampler.set_rates(f64::from(SAMPLE_RATE), pace);
        }
        self.resampler.push(block, &mut self.ready);
        // A ring that is full belongs to a device that has stopped asking: what does not fit is not missed.
        self.ring.push(&self.ready);
    }

    /// How long the next sample will take to be heard.
    pub fn latency(&self) -> Duration {
        let queued = Duration::from_secs_f64(self.ring.len() as f64 / 2.0 / f64::from(self.rate));
        queued + Duration::from_micros(self.monitor.delay.load(Ordering::Relaxed))
    }
}

/// Builds the stream with callbacks of 10 ms or, where the device refuses that, of its own choice.
fn start(device: &cpal::Device, id: &str, choice: Choice, waker: &Waker) -> Result<(ring::Writer, Arc<Monitor>, cpal::Stream), Error> {
    let mut refusal = Error::Unsupported { device: id.to_owned(), source: None };
    for config in choice.configs(device) {
        let (writer, reader) = ring::ring((RING.as_secs_f64() * f64::from(choice.rate)) as usize * 2);
        let monitor = Arc::new(Monitor::default());
        let drift = Drift::new(choice.rate);
        let callback = Callback { ring: reader, begun: false, drift, monitor: monitor.clone(), waker: waker.clone() };
        match build(device, id, choice.format, config, callback) {
            Ok(stream) => return Ok((writer, monitor, stream)),
            Err(error) => refusal = host::failure(id, error),
        }
    }
    Err(refusal)
}

fn build(
    device: &cpal::Device,
    id: &str,
    format: SampleFormat,
    config: StreamConfig,
    callback: Callback,
) -> Result<cpal::Stream, cpal::Error> {
    match format {
        SampleFormat::F32 => build_as::<f32>(device, id, config, callback),
        SampleFormat::I16 => build_as::<i16>(device, id, config, callback),
        SampleFormat::I32 => build_as::<i32>(device, id, config, callback),
        SampleFormat::I24 => build_as::<cpal::I24>(device, id, config, callback),
        SampleFormat::F64 => build_as::<f64>(device, id, config, callback),
        SampleFormat::U16 => build_as::<u16>(device, id, config, callback),
        SampleFormat::I8 => build_as::<i8>(device, id, config, callback),
        SampleFormat::U8 => build_as::<u8>(device, id, config, callback),
        _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_as<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    id: &str,
    config: StreamConfig,
    mut callback: Callback,
) -> Result<cpal::Stream, cpal::Error> {
    let (monitor, waker, id) = (callback.monitor.clone(), callback.waker.clone(), id.to_owned());
    let channels = usize::from(config.channels);
    let failed = move |error: cpal::Error| {
        if !host::ends(&error) {
            return;
        }
        monitor.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(host::failure(&id, error));
        wake(&waker);
    };
    device.build_output_stream(config, move |out: &mut [T], info: &OutputCallbackInfo| callback.fill(out, channels, info), failed, None)
}

fn wake(waker: &Waker) {
    if let Some(thread) = waker.get() {
        thread.unpark();
    }
}

/// The device's side of the ring.
struct Callback {
    ring: ring::Reader,
    /// Whether the mixing thread has delivered yet: before that, silence is no gap.
    begun: bool,
    drift: Drift,
    monitor: Arc<Monitor>,
    waker: Waker,
}

impl Callback {
    fn fill<T: SizedSample + FromSample<f32>>(&mut self, out: &mut [T], channels: usize, info: &OutputCallbackInfo) {
        let frames = out.len() / channels.max(1);
        let ready = self.ring.len() / 2;
        self.begun |= ready > 0;
        if self.begun && ready < frames {
            self.monitor.gaps.fetch_add(1, Ordering::Relaxed);
        }
        self.monitor.largest.fetch_max(frames, Ordering::Relaxed);
        let timestamp = info.timestamp();
        let delay = timestamp.playback.saturating_duration_since(timestamp.callback);
        self.monitor.delay.store(delay.as_micros() as u64, Ordering::Relaxed);
        self.drift.push(frames, Instant::now() + delay);
        self.monitor.pace.store(self.drift.rate().to_bits(), Ordering::Relaxed);
        // What is not written stays silent: cpal hands the buffer over filled with silence.
        for frame in out.chunks_exact_mut(channels.max(1)).take(ready) {
            let (left, right) = (self.ring.pop().unwrap_or(0.0), self.ring.pop().unwrap_or(0.0));
            match frame {
                [mono] => *mono = T::from_sample((left + right) * 0.5),
                [first, second, ..] => (*first, *second) = (T::from_sample(left), T::from_sample(right)),
                [] => {}
            }
        }
        wake(&self.waker);
    }
}
