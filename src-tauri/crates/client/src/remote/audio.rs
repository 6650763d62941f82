//! The sound of a remote stream: packets off the connection → Opus → pace → the speaker, 10 ms at a time on the mixing thread.
//!
//! Invariant: a packet is asked for when the one before has been played, at the time that it will be mixed, so that what is stretched
//! here moves the playout delay that the jitter buffer sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::capture::SampleClock;
use media::decode::opus::{Decoder, MAX_SAMPLES};
use media::encode::opus::SAMPLES;
use media::playback::comfort::Comfort;
use media::playback::stretch::{self, Care};
use media::playback::{BLOCK, Voice};
use transport::{AudioReceiver, Later, Pace, Playout};

use crate::stats::{ReceivedAudio, Window, ms};

/// Stereo.
const CHANNELS: usize = 2;
/// What a packet stands for.
const PACKET: Duration = Duration::from_millis(20);
/// What a block is.
const BLOCK_TIME: Duration = Duration::from_millis(10);
/// Samples of a channel in a second.
const RATE: u32 = 48_000;
/// Over how many of them sound that begins again takes over from the background: 5 ms.
const FADE: usize = 240;

/// What becomes of a stream's sound, whichever connection brings it.
#[derive(Default)]
pub(super) struct Sound {
    counters: Mutex<Counters>,
    /// Those who want what is played, block by block.
    taps: Mutex<Vec<SyncSender<Vec<f32>>>>,
}

#[derive(Default)]
struct Counters {
    bits: Window,
    latency_ms: Window,
    played: Duration,
    concealed: Duration,
    heard: bool,
}

impl Sound {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `tap` gets every block of 10 ms, silence included. One that is full misses blocks, one that is gone is forgotten.
    pub fn tap(&self, tap: SyncSender<Vec<f32>>) {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).push(tap);
    }

    fn tell(&self, block: &[f32; BLOCK]) {
        let mut taps = self.taps.lock().unwrap_or_else(PoisonError::into_inner);
        taps.retain(|tap| !matches!(tap.try_send(block.to_vec()), Err(TrySendError::Disconnected(_))));
    }

    /// What the sound amounts to, without the connection's part.
    pub fn stats(&self, now: Instant) -> ReceivedAudio {
        let mut counters = self.counters();
        ReceivedAudio {
            bitrate_kbps: counters.bits.sum(now) / 1000.0,
            concealed_ms: ms(counters.concealed),
            played_ms: ms(counters.played),
            latency_ms: counters.latency_ms.mean(now),
            ..ReceivedAudio::default()
        }
    }
}

/// Where packets come from.
pub(super) trait Packets: Send {
    /// What to play from `now` on.
    fn pull(&mut self, now: Instant) -> Playout;

    /// What is pulled is heard `delay` later.
    fn set_output_delay(&mut self, delay: Duration);
}

impl Packets for AudioReceiver {
    fn pull(&mut self, now: Instant) -> Playout {
        AudioReceiver::pull(self, now)
    }

    fn set_output_delay(&mut self, delay: Duration) {
        AudioReceiver::set_output_delay(self, delay);
    }
}

/// One connection's sound, as the mixing thread pulls it.
pub(super) struct Speech<P> {
    packets: P,
    decoder: Decoder,
    sound: Arc<Sound>,
    /// Of the speaker, in microseconds.
    latency: Arc<AtomicU64>,
    on_first: Box<dyn Fn() + Send>,
    /// Decoded sound; `next` is the first sample that was not played.
    decoded: Vec<f32>,
    next: usize,
    /// When blocks are mixed: about every 10 ms, though the device may ask for several at once.
    clock: SampleClock,
    background: Comfort,
    /// Nothing comes: the background is heard.
    paused: bool,
}

impl<P: Packets> Speech<P> {
    /// `on_first` is called at the stream's first sound.
    pub fn new(
        packets: P,
        sound: Arc<Sound>,
        latency: Arc<AtomicU64>,
        on_first: impl Fn() + Send + 'static,
    ) -> Result<Self, media::decode::Error> {
        let decoder = Decoder::new(CHANNELS as u8)?;
        Ok(Self {
            packets,
            decoder,
            sound,
            latency,
            on_first: Box::new(on_first),
            decoded: Vec::new(),
            next: 0,
            clock: SampleClock::new(BLOCK_TIME),
            background: Comfort::default(),
            paused: true,
        })
    }

    /// Decodes what comes next; answers whether anything does.
    fn refill(&mut self, now: Instant) -> bool {
        let latency = Duration::from_micros(self.latency.load(Ordering::Relaxed));
        self.packets.set_output_delay(latency);
        let playout = self.packets.pull(now);
        self.next = 0;
        self.decoded.resize(MAX_SAMPLES * CHANNELS, 0.0);
        let samples = match playout {
            Playout::Packet { data, captured, pace } => {
                let samples = self.packet(&data, captured, latency, now);
                self.keep(samples, pace)
            }
            Playout::Lost { later } => {
                let samples = self.lost(&later);
                self.keep(samples, Pace::Even)
            }
            Playout::Late => {
                let samples = self.conceal(SAMPLES / 2);
                self.keep(samples, Pace::Even)
            }
            Playout::Empty => self.pause(),
        };
        samples > 0
    }

    /// What was decoded becomes what is played: at its pace, and joined to the background before it. Samples of a channel.
    fn keep(&mut self, samples: usize, pace: Pace) -> usize {
        self.decoded.truncate(samples * CHANNELS);
        match pace {
            Pace::Even => 0,
            Pace::Slower => stretch::lengthen(&mut self.decoded, CHANNELS, Care::Gentle),
            Pace::MuchSlower => stretch::lengthen(&mut self.decoded, CHANNELS, Care::Urgent),
            Pace::Faster => stretch::shorten(&mut self.decoded, CHANNELS, Care::Gentle),
            Pace::MuchFaster => stretch::shorten(&mut self.decoded, CHANNELS, Care::Urgent),
        };
        if samples > 0 && std::mem::replace(&mut self.paused, false) {
            let mut before = [0.0; FADE * CHANNELS];
            self.background.fill(&mut before, CHANNELS);
            fade(&before, &mut self.decoded);
        }
        self.decoded.len() / CHANNELS
    }

    /// 10 ms of background, into which the last sound fades.
    fn pause(&mut self) -> usize {
        let resting = std::mem::replace(&mut self.paused, true);
        let mut tail = [0.0; BLOCK];
        if !resting {
            // One that fails leaves silence.
            let _ = self.decoder.conceal(&mut tail);
        }
        self.decoded.truncate(BLOCK);
        let heard = self.background.fill(&mut self.decoded, CHANNELS);
        if !resting {
            fade(&tail, &mut self.decoded);
        } else if !heard {
            self.decoded.clear();
        }
        self.decoded.len() / CHANNELS
    }

    fn packet(&mut self, data: &[u8], captured: Option<Instant>, latency: Duration, now: Instant) -> usize {
        let Ok(samples) = self.decoder.packet(data, &mut self.decoded) else { return self.lost(&[]) };
        let first = {
            let mut counters = self.sound.counters();
            counters.bits.add(data.len() as f64 * 8.0, now);
            counters.played += PACKET * samples as u32 / SAMPLES as u32;
            if let Some(captured) = captured {
                counters.latency_ms.add(ms((now + latency).saturating_duration_since(captured)), now);
            }
            !std::mem::replace(&mut counters.heard, true)
        };
        self.background.learn(&self.decoded[..samples * CHANNELS], CHANNELS);
        if first {
            (self.on_first)();
        }
        samples
    }

    /// Restores a packet from what later ones tell of it, the nearest that can; or makes up what may have been in it.
    fn lost(&mut self, later: &[Later]) -> usize {
        let Self { decoder, decoded, .. } = self;
        let mut restored = later.iter().map(|later| decoder.restore(&later.data, later.ahead as usize, &mut decoded[..SAMPLES * CHANNELS]));
        if let Some(samples) = restored.find_map(|samples| samples) {
            self.sound.counters().played += PACKET;
            return samples;
        }
        self.conceal(SAMPLES)
    }

    fn conceal(&mut self, samples: usize) -> usize {
        self.sound.counters().concealed += PACKET * samples as u32 / SAMPLES as u32;
        self.decoder.conceal(&mut self.decoded[..samples * CHANNELS]).unwrap_or(0)
    }

    fn fill(&mut self, out: &mut [f32; BLOCK], now: Instant) -> bool {
        let mut filled = 0;
        while filled < BLOCK {
            let mixed = now + Duration::from_secs(1) * (filled / CHANNELS) as u32 / RATE;
            if self.next == self.decoded.len() && !self.refill(mixed) {
                out[filled..].fill(0.0);
                return filled > 0;
            }
            let count = (BLOCK - filled).min(self.decoded.len() - self.next);
            out[filled..filled + count].copy_from_slice(&self.decoded[self.next..self.next + count]);
            (filled, self.next) = (filled + count, self.next + count);
        }
        true
    }
}

impl<P: Packets> Voice for Speech<P> {
    fn pull(&mut self, out: &mut [f32; BLOCK]) -> bool {
        let now = self.clock.stamp(Instant::now());
        let heard = self.fill(out, now);
        self.sound.tell(out);
        heard
    }
}

/// The beginning of `sound` takes over from `before` (both interleaved).
fn fade(before: &[f32], sound: &mut [f32]) {
    let frames = (before.len() / CHANNELS).min(sound.len() / CHANNELS);
    let pairs = before.chunks_exact(CHANNELS).zip(sound.chunks_exact_mut(CHANNELS));
    for (index, (before, sound)) in pairs.enumerate() {
        let weight = (index + 1) as f32 / (frames + 1) as f32;
        before.iter().zip(sound).for_each(|(before, sound)| *sound = before + (*sound - before) * weight);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc::sync_channel;

    use media::encode::opus::Encoder;
    use media::profile::AudioProfile;

    use super::*;

    struct Script(VecDeque<Playout>);

    impl Packets for Script {
        fn pull(&mut self, _: Instant) -> Playout {
            self.0.pop_front().unwrap_or(Playout::Empty)
        }

        fn set_output_delay(&mut self, delay: Duration) {
            assert_eq!(delay, Duration::from_millis(30));
        }
    }

    fn packets(count: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        encoder.set_loss(20).expect("valid");
        packets_of(encoder, count, |_| 0.3)
    }

    /// A hum of a loudness that may change from packet to packet.
    fn packets_of(mut encoder: Encoder, count: usize, loudness: impl Fn(usize) -> f32) -> Vec<Vec<u8>> {
        let sample = |at: usize| (at as f32 * 200.0 * std::f32::consts::TAU / 48_000.0).sin() * loudness(at / SAMPLES);
        let packet = |index: usize| (index * SAMPLES..(index + 1) * SAMPLES).map(sample).collect::<Vec<_>>();
        (0..count).map(|index| encoder.encode(&packet(index)).expect("encodes")).collect()
    }

    fn played(data: &[u8]) -> Playout {
        Playout::Packet { data: data.to_vec(), captured: Some(Instant::now()), pace: Pace::Even }
    }

    fn speech(script: impl IntoIterator<Item = Playout>) -> (Speech<Script>, Arc<Sound>, Arc<AtomicU32>) {
        let (sound, firsts) = (Arc::new(Sound::default()), Arc::new(AtomicU32::new(0)));
        let count = firsts.clone();
        let on_first = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let latency = Arc::new(AtomicU64::new(30_000));
        let packets = Script(script.into_iter().collect());
        (Speech::new(packets, sound.clone(), latency, on_first).expect("set up"), sound, firsts)
    }

    /// The peaks of the next blocks, all of which are heard.
    fn heard(speech: &mut Speech<Script>, blocks: usize) -> Vec<f32> {
        let mut block = [0.0; BLOCK];
        let mut next = || {
            assert!(speech.pull(&mut block));
            loudness(&block)
        };
        (0..blocks).map(|_| next()).collect()
    }

    fn loudness(block: &[f32; BLOCK]) -> f32 {
        block.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    #[test]
    fn a_packet_is_played_in_two_blocks() {
        let packets = packets(10);
        let (mut speech, sound, firsts) = speech(packets.iter().map(|data| played(data)));
        let blocks = heard(&mut speech, 20);
        assert!(blocks[10..].iter().all(|&peak| peak > 0.2));
        let stats = sound.stats(Instant::now());
        assert_eq!((stats.played_ms, stats.concealed_ms, firsts.load(Ordering::Relaxed)), (200.0, 0.0, 1));
        assert!(stats.bitrate_kbps > 1.0 && stats.latency_ms.is_some_and(|latency| latency >= 30.0));
    }

    #[test]
    fn a_lost_packet_is_restored_from_its_successor_or_concealed() {
        let packets = packets(30);
        let mut script: Vec<_> = packets.iter().map(|data| played(data)).collect();
        let later = |index: usize, ahead: u32| Later { data: packets[index].clone(), ahead: ahead * 960 };
        script[20] = Playout::Lost { later: vec![later(21, 1), later(22, 2)] };
        script[25] = Playout::Lost { later: Vec::new() };
        let (mut speech, sound, _) = speech(script);
        let blocks = heard(&mut speech, 60);
        assert!(blocks[40..52].iter().all(|&peak| peak > 0.1));
        let stats = sound.stats(Instant::now());
        assert_eq!((stats.played_ms, stats.concealed_ms), (580.0, 20.0));
    }

    #[test]
    fn a_burst_of_lost_packets_is_restored_from_the_first_that_describes_it() {
        let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
        encoder.set_loss(25).and_then(|()| encoder.set_bitrate(64_000)).expect("valid");
        let plain = packets(40);
        encoder.set_reach(Duration::from_millis(300)).expect("valid");
        // What does not change is background, which is not described.
        let deep = packets_of(encoder, 40, |packet| if packet % 5 == 3 { 0.5 } else { 0.1 });
        let mut script: Vec<_> = deep.iter().map(|data| played(data)).collect();
        for (index, playout) in (0..).zip(&mut script).skip(30).take(4) {
            // The nearest came as a copy, which describes nothing.
            let later = |(at, data): (usize, &Vec<u8>)| Later { data: data.clone(), ahead: (at - index) as u32 * 960 };
            *playout = Playout::Lost { later: [(35, &plain[35]), (36, &deep[36])].map(later).to_vec() };
        }
        let (mut speech, sound, _) = speech(script);
        heard(&mut speech, 80);
        assert_eq!((sound.stats(Instant::now()).played_ms, sound.stats(Instant::now()).concealed_ms), (800.0, 0.0));
    }

    #[test]
    fn a_damaged_packet_is_concealed_and_one_that_is_late_half_a_packet_at_a_time() {
        let packets = packets(6);
        let mut script: Vec<_> = packets.iter().map(|data| played(data)).collect();
        script.push(played(&[]));
        script.extend([Playout::Late, Playout::Late, Playout::Late]);
        let (mut speech, sound, _) = speech(script);
        heard(&mut speech, 17);
        assert_eq!(sound.stats(Instant::now()).concealed_ms, 50.0);
    }

    #[test]
    fn sound_that_ends_fades_into_its_background_and_that_into_silence() {
        let packets = packets(20);
        let (mut speech, ..) = speech(packets.iter().map(|data| played(data)));
        let blocks = heard(&mut speech, 140);
        assert!(blocks[39] > 0.2 && blocks[40] > 0.02, "it does not break off: {:?}", &blocks[38..42]);
        assert!(blocks[42..].iter().all(|&peak| peak > 0.0 && peak < 0.05), "{:?}", &blocks[42..]);
        let mut block = [0.5; BLOCK];
        assert!((0..400).any(|_| !speech.pull(&mut block)));
        assert_eq!(block, [0.0; BLOCK]);
    }

    #[test]
    fn nothing_is_heard_before_anything_came() {
        let (mut speech, ..) = speech([]);
        let mut block = [0.5; BLOCK];
        assert!(!speech.pull(&mut block) && block == [0.0; BLOCK]);
    }

    #[test]
    fn a_pace_makes_sound_longer_or_shorter_without_a_click() {
        let packets = packets(50);
        let lasts = |pace| {
            let script = packets.iter().map(|data| Playout::Packet { data: data.clone(), captured: None, pace });
            let (mut speech, ..) = speech(script);
            let (mut block, mut blocks, mut steepest, mut last) = ([0.0; BLOCK], 0, 0.0_f32, 0.0);
            while !speech.packets.0.is_empty() {
                assert!(speech.pull(&mut block));
                blocks += 1;
                for &sample in block.iter().step_by(CHANNELS) {
                    steepest = steepest.max((sample - last).abs());
                    last = sample;
                }
            }
            (blocks, steepest)
        };
        let (even, slope) = lasts(Pace::Even);
        // The last packet's second half is not pulled.
        assert_eq!(even, 99);
        for (pace, blocks) in [(Pace::Faster, 40..90), (Pace::MuchFaster, 40..90), (Pace::Slower, 110..170), (Pace::MuchSlower, 110..170)] {
            let (stretched, steepest) = lasts(pace);
            assert!(blocks.contains(&stretched) && steepest < slope * 1.5, "{pace:?}: {stretched} blocks, {steepest} after {slope}");
        }
    }

    #[test]
    fn a_tap_gets_every_block_silence_included_until_it_is_gone() {
        let (mut speech, sound, _) = speech([]);
        let (sender, blocks) = sync_channel(8);
        sound.tap(sender);
        let mut block = [0.5; BLOCK];
        for _ in 0..4 {
            speech.pull(&mut block);
        }
        let got: Vec<_> = blocks.try_iter().collect();
        assert_eq!(got.len(), 4);
        assert!(got[3].len() == BLOCK && got[3].iter().all(|&sample| sample == 0.0));
        drop(blocks);
        speech.pull(&mut block);
        assert!(sound.taps.lock().expect("no panic").is_empty());
    }
}
