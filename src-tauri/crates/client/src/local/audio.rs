//! The sound of a local stream: microphone → processing → Opus → every subscription, on the microphone's thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use media::AudioFrame;
use media::capture::processing::Switches;
use media::capture::{self, Kind, Microphone};
use media::encode::opus::{self, Encoder};
use media::playback::Level;
use media::profile::AudioProfile;
use tokio::sync::watch;

use super::device::Device;
use super::processing::Processing;
use super::redundancy::Redundancy;
use super::sound_rate::SoundRate;
use super::speaking::Speaking;
use super::subscribers::Subscribers;
use super::{LocalState, problem};
use crate::stats::{SentAudio, Window};

/// Frames that lie further apart than their length and this do not belong to one packet.
const TOLERANCE: Duration = Duration::from_millis(5);
const FRAME: Duration = Duration::from_millis(10);
/// The bitrate follows the network every so many packets.
const RATE_EVERY: u32 = 25;

/// A microphone's way into the stream.
pub(super) struct Source {
    pub id: String,
    pub profile: AudioProfile,
    /// Whether a picture shares the path with the sound.
    pub picture: bool,
    pub sound: Arc<Sound>,
    pub subscribers: Arc<Subscribers>,
    pub state: Arc<watch::Sender<LocalState>>,
}

/// What a stream's sound shares with its microphones, one after another.
#[derive(Default)]
pub(super) struct Sound {
    pub muted: AtomicBool,
    /// How loud it is after its processing, muted or not.
    pub level: Level,
    /// What was asked for; `None` is what is usual for the microphone.
    processing: Mutex<Option<Switches>>,
    /// Bits of each packet.
    bits: Mutex<Window>,
}

impl Sound {
    /// With the processing that a stream's maker asks for.
    pub fn new(processing: Option<Switches>) -> Self {
        Self { processing: Mutex::new(processing), ..Self::default() }
    }

    /// What is done to the sound of the microphone `id`.
    pub fn processing(&self, id: &str) -> Switches {
        self.processing.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(|| Switches::usual(id))
    }

    pub fn set_processing(&self, switches: Switches) {
        *self.processing.lock().unwrap_or_else(PoisonError::into_inner) = Some(switches);
    }

    pub fn stats(&self, now: Instant) -> SentAudio {
        let mut bits = self.bits.lock().unwrap_or_else(PoisonError::into_inner);
        SentAudio { bitrate_kbps: bits.sum(now) / 1000.0, ..SentAudio::default() }
    }
}

impl Device for Source {
    type Handle = Microphone;
    type Frames = (Receiver<AudioFrame>, Receiver<capture::Event>);

    fn open(&self) -> Result<(Microphone, Self::Frames), capture::Error> {
        let mut microphone = Microphone::open(&self.id, self.profile.channels)?;
        let frames = (microphone.take_frames(), microphone.take_events());
        Ok((microphone, frames))
    }

    fn pump(&mut self, (frames, events): Self::Frames) -> capture::Error {
        // Without an encoder the level is still shown.
        let encoder = Encoder::new(self.profile).inspect_err(|error| tracing::error!(%error, "there is no Opus encoder")).ok();
        let mut processing = Processing::new(self.profile.channels);
        let mut speaking = Speaking::default();
        let processed = frames.iter().map(|mut frame| {
            processing.apply(&mut frame, self.sound.processing(&self.id), Instant::now());
            self.sound.level.update(&frame.samples);
            if speaking.on_sound(&frame.samples, self.sound.muted.load(Ordering::Relaxed), Instant::now()) {
                self.state.send_modify(|state| state.spoken_while_muted += 1);
            }
            frame
        });
        match encoder {
            Some(encoder) => self.encode(processed, encoder),
            None => processed.for_each(drop),
        }
        match events.try_recv() {
            Ok(capture::Event::Lost(error)) => error,
            Err(_) => capture::Error::NotFound { device: self.id.clone() },
        }
    }

    fn on_lost(&mut self, error: &capture::Error) {
        tracing::warn!(id = %self.id, %error, "the microphone is lost");
        self.state.send_modify(|state| state.microphone_lost = Some(problem::describe(Kind::Microphone, error)));
    }

    fn on_back(&mut self) {
        tracing::info!(id = %self.id, "the microphone is back");
        self.state.send_modify(|state| state.microphone_lost = None);
    }
}

impl Source {
    /// Encodes until the frames end, whenever somebody is connected and the sound is not muted.
    fn encode(&self, frames: impl Iterator<Item = AudioFrame>, mut encoder: Encoder) {
        let mut packets = Packets::new(self.profile.channels);
        let mut rate = Rates { voice: SoundRate::new(self.profile.kbps, self.picture), redundancy: Redundancy::default() };
        let (mut known_loss, mut sent) = (0, 0u32);
        for frame in frames {
            let loss = self.subscribers.loss_percent().filter(|_| !self.sound.muted.load(Ordering::Relaxed));
            let Some(loss) = loss else {
                packets.clear();
                continue;
            };
            let Some((samples, captured)) = packets.push(frame) else { continue };
            if loss != known_loss && encoder.set_loss(loss).is_ok() {
                known_loss = loss;
            }
            if sent.is_multiple_of(RATE_EVERY) {
                self.follow_network(&mut rate, &mut encoder);
            }
            sent = sent.wrapping_add(1);
            match encoder.encode(&samples) {
                Ok(packet) => {
                    self.sound.bits.lock().unwrap_or_else(PoisonError::into_inner).add(packet.len() as f64 * 8.0, Instant::now());
                    self.subscribers.send_audio(&packet, captured);
                }
                Err(error) => tracing::warn!(%error, "a packet of sound was not encoded"),
            }
        }
    }

    fn follow_network(&self, rates: &mut Rates, encoder: &mut Encoder) {
        let Some(available) = self.subscribers.slowest_bps() else { return };
        if let Err(error) = rates.apply(available, self.subscribers.dred_loss_percent(), encoder) {
            tracing::warn!(%error, available, "the sound's bitrate stays as it was");
        }
    }
}

/// What the bitrate is made of.
struct Rates {
    voice: SoundRate,
    redundancy: Redundancy,
}

impl Rates {
    /// Sets what has changed: the slowest path carries `available_bps`, and the worst to anybody who understands deep redundancy loses so
    /// many percent.
    fn apply(&mut self, available_bps: u32, dred_loss: Option<u8>, encoder: &mut Encoder) -> Result<(), opus::Error> {
        let deeper = self.redundancy.update(dred_loss, available_bps, self.voice.bps());
        if deeper {
            encoder.set_reach(self.redundancy.reach())?;
        }
        let voice = self.voice.update(available_bps.saturating_sub(self.redundancy.bps()));
        if deeper || voice.is_some() {
            encoder.set_bitrate(self.voice.bps() + self.redundancy.bps())?;
        }
        Ok(())
    }
}

/// Joins two frames of 10 ms to what goes into a packet.
struct Packets {
    need: usize,
    samples: Vec<f32>,
    captured: Option<Instant>,
}

impl Packets {
    fn new(channels: u8) -> Self {
        let need = opus::SAMPLES * usize::from(channels.clamp(1, 2));
        Self { need, samples: Vec::with_capacity(need), captured: None }
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.captured = None;
    }

    /// The samples of a whole packet and when the first was captured. A half packet before a gap is given up.
    fn push(&mut self, frame: AudioFrame) -> Option<(Vec<f32>, Instant)> {
        if self.captured.is_some_and(|captured| frame.captured > captured + FRAME + TOLERANCE) {
            self.clear();
        }
        let captured = *self.captured.get_or_insert(frame.captured);
        self.samples.extend_from_slice(&frame.samples);
        if self.samples.len() < self.need {
            return None;
        }
        self.samples.truncate(self.need);
        self.captured = None;
        Some((std::mem::replace(&mut self.samples, Vec::with_capacity(self.need)), captured))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(captured: Instant, value: f32) -> AudioFrame {
        AudioFrame { samples: vec![value; 480], channels: 1, captured }
    }

    #[test]
    fn two_frames_make_a_packet_with_the_time_of_the_first() {
        let (mut packets, start) = (Packets::new(1), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(packets.push(frame(at(0), 0.1)), None);
        let (samples, captured) = packets.push(frame(at(10), 0.2)).expect("complete");
        assert_eq!((samples.len(), samples[479], samples[480], captured), (960, 0.1, 0.2, at(0)));
        assert_eq!(packets.push(frame(at(20), 0.3)), None);
    }

    #[test]
    fn a_half_packet_before_a_gap_is_given_up() {
        let (mut packets, start) = (Packets::new(1), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(packets.push(frame(at(0), 0.1)), None);
        assert_eq!(packets.push(frame(at(40), 0.2)), None);
        let (samples, captured) = packets.push(frame(at(50), 0.3)).expect("complete");
        assert_eq!((samples[0], captured), (0.2, at(40)));
    }
}
