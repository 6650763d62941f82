//! What a call does to a microphone's sound: takes the speaker's echo and the noise out of it and brings voices to one loudness.
//!
//! The algorithms are those of WebRTC's audio processing module (AEC3, its noise suppressor, AGC2), as the crate `sonora` has them.
//! Invariants: one frame of 10 ms in, one out, of the same shape; with every switch off a frame passes untouched and undelayed; pure:
//! the processor hears what is played ([`Processor::hear`]) before the frame that may hold its echo.
//!
//! What a voice is delayed by: 1 ms of band splitting, 8 ms for the echo canceller's blocks, 6 ms for the noise suppressor's overlap.

use std::time::Duration;

use sonora::config::{AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression, Pipeline};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::SAMPLE_RATE;
use super::framer::FRAME_SAMPLES;
use crate::AudioFrame;
use crate::playback::host::{DEFAULT, Direction};

/// Which parts work, in Agora's words (`audioProcessing` of `createStream`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Switches {
    /// Acoustic echo cancellation.
    pub aec: bool,
    /// Automatic noise suppression.
    pub ans: bool,
    /// Automatic gain control.
    pub agc: bool,
}

impl Switches {
    pub const ALL: Self = Self { aec: true, ans: true, agc: true };
    pub const NONE: Self = Self { aec: false, ans: false, agc: false };

    /// What the microphone `id` gets when nobody asks: everything for a real one, nothing for a file or the tone, whose sound is
    /// wanted as it is.
    pub fn usual(id: &str) -> Self {
        if id == DEFAULT || id.starts_with(Direction::Input.prefix()) { Self::ALL } else { Self::NONE }
    }
}

/// The processing of one microphone.
pub struct Processor {
    switches: Switches,
    /// `None` while every switch is off.
    engine: Option<AudioProcessing>,
    channels: usize,
    /// One row a channel: the frame as it comes and as it goes.
    rows: [Vec<Vec<f32>>; 2],
}

impl Processor {
    /// For frames of `channels` channels (1 or 2).
    pub fn new(switches: Switches, channels: u8) -> Self {
        let channels = usize::from(channels.clamp(1, 2));
        let rows = || vec![vec![0.0; FRAME_SAMPLES]; channels];
        Self { switches, engine: engine(switches, channels), channels, rows: [rows(), rows()] }
    }

    /// Turns parts on and off between two frames. A part that was off begins to learn anew.
    pub fn switch(&mut self, switches: Switches) {
        if switches == self.switches {
            return;
        }
        match &mut self.engine {
            Some(engine) if switches != Switches::NONE => engine.apply_config(config(switches)),
            _ => self.engine = engine(switches, self.channels),
        }
        self.switches = switches;
    }

    pub fn switches(&self) -> Switches {
        self.switches
    }

    /// Takes the next 10 ms of what is played (mono), in time with the frames: about one a frame.
    pub fn hear(&mut self, played: &[f32; FRAME_SAMPLES]) {
        if let Some(engine) = self.engine.as_mut().filter(|_| self.switches.aec) {
            // The answer would be the sound as it is to be played; it is not changed here.
            let result = engine.process_render_f32(&[played], &mut [&mut self.rows[1][0]]);
            complain(result);
        }
    }

    /// Processes a frame in place. `delay`: from when the last block that was heard here was handed over to when its echo can be in
    /// a frame handed over; a hint, since the canceller finds out by itself.
    pub fn process(&mut self, frame: &mut AudioFrame, delay: Duration) {
        let Some(engine) = &mut self.engine else { return };
        if usize::from(frame.channels) != self.channels || frame.samples.len() != FRAME_SAMPLES * self.channels {
            return;
        }
        let [input, output] = &mut self.rows;
        for (channel, row) in input.iter_mut().enumerate() {
            let samples = frame.samples.iter().skip(channel).step_by(self.channels);
            row.iter_mut().zip(samples).for_each(|(to, from)| *to = if from.is_finite() { *from } else { 0.0 });
        }
        // More than the 500 ms it takes is cut there.
        let _ = engine.set_stream_delay_ms(i32::try_from(delay.as_millis()).unwrap_or(i32::MAX).min(500));
        let result = {
            let mut outputs = output.iter_mut().map(Vec::as_mut_slice);
            match (&input[..], outputs.next(), outputs.next()) {
                ([mono], Some(out), _) => engine.process_capture_f32(&[mono], &mut [out]),
                ([left, right], Some(first), Some(second)) => engine.process_capture_f32(&[left, right], &mut [first, second]),
                _ => return,
            }
        };
        if complain(result) {
            for (channel, row) in output.iter().enumerate() {
                let samples = frame.samples.iter_mut().skip(channel).step_by(self.channels);
                samples.zip(row).for_each(|(to, from)| *to = from.clamp(-1.0, 1.0));
            }
        }
    }
}

/// Whether it went well. Rates and channels are right by construction, so that anything else is a defect of the library.
fn complain(result: Result<(), sonora::Error>) -> bool {
    result.inspect_err(|error| tracing::warn!(%error, "a frame of sound stays unprocessed")).is_ok()
}

fn engine(switches: Switches, channels: usize) -> Option<AudioProcessing> {
    let captured = StreamConfig::new(SAMPLE_RATE, channels as u16);
    let builder = AudioProcessing::builder().config(config(switches)).capture_config(captured);
    (switches != Switches::NONE).then(|| builder.render_config(StreamConfig::new(SAMPLE_RATE, 1)).build())
}

fn config(switches: Switches) -> Config {
    Config {
        // All that Opus carries is kept.
        pipeline: Pipeline { maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz, ..Pipeline::default() },
        // Rumble below a voice misleads every part.
        high_pass_filter: Some(HighPassFilter::default()),
        echo_canceller: switches.aec.then(EchoCanceller::default),
        noise_suppression: switches.ans.then(NoiseSuppression::default),
        gain_controller2: switches
            .agc
            .then(|| GainController2 { adaptive_digital: Some(AdaptiveDigital::default()), ..GainController2::default() }),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::capture::drift::Drift;
    use crate::capture::framer::Framer;
    use crate::capture::resample::Resampler;

    const RATE: usize = SAMPLE_RATE as usize;

    /// Repeatable noise from −1 to 1.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as f32 / (1u64 << 30) as f32 - 1.0
        }
    }

    /// Something with a voice's rhythm: syllables of hum and of hiss, and pauses.
    fn speech(seed: u64, pitch: f32, seconds: usize) -> Vec<f32> {
        let mut noise = Noise(seed);
        let (mut loudness, mut wanted, mut voiced, mut phase) = (0.0, 0.0, true, 0.0_f32);
        let (mut soft, mut softer, mut before) = (0.0, 0.0, 0.0);
        let mut sample = |at: usize| {
            if at.is_multiple_of(RATE * 3 / 20) {
                wanted = if noise.next() < -0.4 { 0.0 } else { 0.3 + 0.3 * noise.next().abs() };
                voiced = noise.next() > -0.3;
            }
            loudness += (wanted - loudness) * 0.001;
            phase = (phase + pitch * (1.0 + 0.15 * (at as f32 / RATE as f32 * 3.0).sin()) / RATE as f32).fract();
            let source = if voiced && phase < 0.1 { 1.0 } else { 0.0 } + noise.next() * if voiced { 0.1 } else { 0.5 };
            soft += (source - soft) * 0.25;
            softer += (soft - softer) * 0.4;
            let voice = (softer - before) * loudness * 4.0;
            before += (softer - before) * 0.05;
            voice
        };
        (0..seconds * RATE).map(&mut sample).collect()
    }

    /// What a microphone hears of `played`: 50 ms of reverberation, 100 ms late.
    fn echo(played: &[f32]) -> Vec<f32> {
        echo_of(played, 2400)
    }

    /// The same in a room whose reverberation lasts so many samples.
    fn echo_of(played: &[f32], taps: usize) -> Vec<f32> {
        let mut noise = Noise(3);
        let room: Vec<f32> = (0..taps).map(|tap| noise.next() * 0.06 * 10_f32.powf(-3.0 * tap as f32 / taps as f32)).collect();
        let delay = RATE / 10;
        let sample = |at: usize| -> f32 {
            let Some(first) = at.checked_sub(delay) else { return 0.0 };
            room.iter().take(first + 1).enumerate().map(|(tap, gain)| gain * played[first - tap]).sum()
        };
        (0..played.len()).map(sample).collect()
    }

    /// `recorded` after processing, while `played` is heard. The speaker asks for `burst` blocks at once.
    fn processed(processor: &mut Processor, played: &[f32], recorded: &[f32], burst: usize) -> Vec<f32> {
        let mut blocks = played.as_chunks::<FRAME_SAMPLES>().0.iter();
        let process = |(frame, samples): (usize, &[f32])| {
            if frame.is_multiple_of(burst) {
                blocks.by_ref().take(burst).for_each(|block| processor.hear(block));
            }
            let mut frame = AudioFrame { samples: samples.to_vec(), channels: 1, captured: Instant::now() };
            processor.process(&mut frame, Duration::ZERO);
            frame.samples
        };
        recorded.chunks_exact(FRAME_SAMPLES).enumerate().flat_map(process).collect()
    }

    fn db(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32 + 1e-12).log10()
    }

    /// How alike two sounds are at their best alignment, 0 to 1, and by how many samples the second is late.
    fn likeness(one: &[f32], other: &[f32]) -> (f32, usize) {
        const LATEST: usize = 1200;
        let one = &one[..one.len() - LATEST];
        let energy = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>();
        let alike = |late: usize| {
            let other = &other[late..late + one.len()];
            one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>() / (energy(one) * energy(other)).sqrt()
        };
        (0..LATEST).step_by(4).map(|late| (alike(late), late)).max_by(|a, b| a.0.total_cmp(&b.0)).expect("not empty")
    }

    #[test]
    fn the_echo_of_a_speaker_a_tenth_of_a_second_away_is_taken_out() {
        let played = speech(7, 120.0, 8);
        let recorded = echo(&played);
        for burst in [1, 2] {
            let mut processor = Processor::new(Switches { aec: true, ..Switches::NONE }, 1);
            let sent = processed(&mut processor, &played, &recorded, burst);
            let loss = db(&recorded[4 * RATE..]) - db(&sent[4 * RATE..]);
            assert!(loss >= 30.0, "{loss} dB with {burst} blocks at once");
        }
    }

    #[test]
    fn all_parts_together_leave_no_echo_and_bring_up_none_of_it() {
        let played = speech(7, 120.0, 8);
        let recorded = echo(&played);
        let sent = processed(&mut Processor::new(Switches::ALL, 1), &played, &recorded, 1);
        let loss = db(&recorded[4 * RATE..]) - db(&sent[4 * RATE..]);
        assert!(loss >= 30.0, "{loss} dB");
    }

    /// A call in a room where the speaker's card is off by one and the microphone's by another share of a million, each callback up to
    /// 3 ms late: by how many decibels the echo gets softer, second by second. `corrected`: whether the cards' drift is.
    fn echo_between_cards(ppm: [f64; 2], corrected: bool, seconds: usize) -> Vec<f32> {
        let [speaker, microphone] = ppm.map(|ppm| RATE as f64 * (1.0 + ppm / 1e6));
        let start = Instant::now() + Duration::from_secs(1);
        let late = |call: usize| (call * 7919 % 100) as f64 * 30e-6;
        let at = |second: f64| start + Duration::from_secs_f64(second);
        let played = speech(7, 120.0, seconds);
        let mut blocks = played.as_chunks::<FRAME_SAMPLES>().0.iter();
        // The speaker: each callback takes 10 ms of its own; then is mixed what it will want next.
        let (mut drift, mut out) = (Drift::new(SAMPLE_RATE), Resampler::varying(SAMPLE_RATE, SAMPLE_RATE, 1));
        let (mut sounded, mut told) = (Vec::new(), Vec::new());
        for call in 0.. {
            let now = (call * FRAME_SAMPLES) as f64 / speaker;
            drift.push(FRAME_SAMPLES, at(now + late(call)));
            if corrected {
                out.set_rates(RATE as f64, drift.rate());
            }
            while sounded.len() < (call + 1) * FRAME_SAMPLES + 720
                && let Some(block) = blocks.next()
            {
                out.push(block, &mut sounded);
                told.push((now, block));
            }
            if blocks.len() == 0 {
                break;
            }
        }
        // The air, at the microphone's rate.
        let (mut air, mut heard) = (Resampler::varying(SAMPLE_RATE, SAMPLE_RATE, 1), Vec::new());
        air.set_rates(speaker, microphone);
        air.push(&sounded, &mut heard);
        let recorded = echo_of(&heard, 600);
        let mut framer = Framer::new(SAMPLE_RATE, 1, 1);
        let mut processor = Processor::new(Switches { aec: true, ..Switches::NONE }, 1);
        let (mut told, mut losses, mut before, mut after) = (told.into_iter().peekable(), Vec::new(), Vec::new(), Vec::new());
        for (call, samples) in recorded.chunks_exact(FRAME_SAMPLES).enumerate() {
            let now = ((call + 1) * FRAME_SAMPLES) as f64 / microphone + late(call + 50);
            while let Some((_, block)) = told.next_if(|(at, _)| *at <= now) {
                processor.hear(block);
            }
            let mut frames = Vec::new();
            if corrected {
                framer.push(samples, at(now - 0.01), |frame| frames.push(frame));
            } else {
                frames.push(AudioFrame { samples: samples.to_vec(), channels: 1, captured: at(now - 0.01) });
            }
            for mut frame in frames {
                before.extend_from_slice(&frame.samples);
                processor.process(&mut frame, Duration::ZERO);
                after.extend_from_slice(&frame.samples);
            }
            if before.len() >= RATE {
                losses.push(db(&before) - db(&after));
                before.clear();
                after.clear();
            }
        }
        losses
    }

    #[test]
    fn cards_that_drift_apart_by_200_ppm_leave_no_more_echo_than_cards_in_step() {
        let least = |ppm, corrected| {
            let losses = echo_between_cards(ppm, corrected, 40);
            println!("{ppm:?} ppm, corrected: {corrected}: {losses:.0?} dB");
            losses[14..].iter().copied().fold(f32::INFINITY, f32::min)
        };
        for ppm in [[0.0, 0.0], [100.0, -100.0], [0.0, -200.0]] {
            let least = least(ppm, true);
            assert!(least >= 45.0, "{ppm:?}: {least} dB");
        }
        let apart = least([100.0, -100.0], false);
        assert!(apart < 45.0, "and so much without: {apart} dB");
    }

    #[test]
    fn a_voice_survives_while_both_talk() {
        let (played, voice) = (speech(7, 120.0, 10), speech(21, 190.0, 10));
        let voice: Vec<f32> = voice.iter().enumerate().map(|(at, sample)| if at < 5 * RATE { 0.0 } else { *sample }).collect();
        let recorded: Vec<f32> = voice.iter().zip(echo(&played)).map(|(voice, echo)| voice + echo).collect();
        let only = Switches { aec: true, ..Switches::NONE };
        let sent = processed(&mut Processor::new(only, 1), &played, &recorded, 1);
        // What the same voice becomes in a silent room.
        let alone = processed(&mut Processor::new(only, 1), &vec![0.0; voice.len()], &voice, 1);
        let ours = 6 * RATE..9 * RATE;
        let (alike, _) = likeness(&alone[ours.clone()], &sent[ours.clone()]);
        let lost = db(&alone[ours.clone()]) - db(&sent[ours]);
        assert!(alike > 0.7 && lost.abs() < 6.0, "alike {alike}, {lost} dB");
    }

    #[test]
    fn noise_is_suppressed_and_a_voice_is_not() {
        let (voice, mut noise) = (speech(21, 190.0, 8), Noise(5));
        let noisy: Vec<f32> = voice.iter().map(|sample| sample + noise.next() * 0.01).collect();
        let hiss: Vec<f32> = (0..8 * RATE).map(|_| noise.next() * 0.01).collect();
        let switches = Switches { ans: true, ..Switches::NONE };
        let silence = vec![0.0; hiss.len()];
        let quiet = processed(&mut Processor::new(switches, 1), &silence, &hiss, 1);
        let fell = db(&hiss[4 * RATE..]) - db(&quiet[4 * RATE..]);
        assert!(fell > 8.0, "{fell} dB");
        let kept = processed(&mut Processor::new(switches, 1), &silence, &noisy, 1);
        let lost = db(&noisy[4 * RATE..]) - db(&kept[4 * RATE..]);
        assert!(lost < 3.0, "{lost} dB");
    }

    #[test]
    fn a_quiet_voice_is_brought_up_and_stays_within_full_scale() {
        let voice: Vec<f32> = speech(21, 190.0, 10).iter().map(|sample| sample * 0.05).collect();
        let mut processor = Processor::new(Switches { agc: true, ..Switches::NONE }, 1);
        let sent = processed(&mut processor, &vec![0.0; voice.len()], &voice, 1);
        let gained = db(&sent[6 * RATE..]) - db(&voice[6 * RATE..]);
        assert!(gained > 6.0 && sent.iter().all(|sample| sample.abs() <= 1.0), "{gained} dB");
    }

    #[test]
    fn processing_delays_a_voice_by_fifteen_milliseconds_at_most() {
        let voice = speech(21, 190.0, 3);
        let plain = processed(&mut Processor::new(Switches { agc: true, ..Switches::NONE }, 1), &voice, &voice, 1);
        for (switches, most) in [(Switches { aec: true, ..Switches::NONE }, 10), (Switches::ALL, 15)] {
            let sent = processed(&mut Processor::new(switches, 1), &vec![0.0; voice.len()], &voice, 1);
            let (alike, late) = likeness(&plain[RATE..], &sent[RATE..]);
            assert!(alike > 0.8 && late <= most * RATE / 1000, "{switches:?}: {alike}, {late} samples");
        }
    }

    #[test]
    fn with_every_switch_off_a_frame_passes_untouched() {
        let mut processor = Processor::new(Switches::NONE, 2);
        processor.hear(&[0.5; FRAME_SAMPLES]);
        let samples: Vec<f32> = (0..960).map(|n| n as f32 / 960.0).collect();
        let mut frame = AudioFrame { samples: samples.clone(), channels: 2, captured: Instant::now() };
        processor.process(&mut frame, Duration::ZERO);
        assert_eq!(frame.samples, samples);
    }

    #[test]
    fn parts_are_switched_while_it_runs() {
        let played = speech(7, 120.0, 6);
        let recorded = echo(&played);
        let mut processor = Processor::new(Switches::NONE, 1);
        let half = 3 * RATE;
        assert_eq!(processed(&mut processor, &played[..half], &recorded[..half], 1), recorded[..half]);
        processor.switch(Switches::ALL);
        let sent = processed(&mut processor, &played[half..], &recorded[half..], 1);
        assert!(db(&recorded[5 * RATE..]) - db(&sent[2 * RATE..]) > 25.0);
        processor.switch(Switches::NONE);
        assert_eq!(processed(&mut processor, &played[..half], &recorded[..half], 1), recorded[..half]);
    }

    #[test]
    fn frames_of_another_shape_and_what_is_no_number_do_no_harm() {
        let mut processor = Processor::new(Switches::ALL, 2);
        for (samples, channels) in [(vec![f32::NAN; 960], 2), (vec![1e30; 960], 2), (vec![0.1; 7], 2), (vec![0.1; 480], 1), (vec![], 0)] {
            let mut frame = AudioFrame { samples: samples.clone(), channels, captured: Instant::now() };
            processor.hear(&[0.1; FRAME_SAMPLES]);
            processor.process(&mut frame, Duration::from_secs(100));
            assert_eq!(frame.samples.len(), samples.len());
        }
        let mut frame = AudioFrame { samples: vec![0.1; 960], channels: 2, captured: Instant::now() };
        processor.process(&mut frame, Duration::ZERO);
        assert!(frame.samples.iter().all(|sample| sample.is_finite()));
    }

    #[test]
    fn files_and_the_tone_are_left_alone_unless_somebody_asks() {
        assert_eq!(Switches::usual("default"), Switches::ALL);
        assert_eq!(Switches::usual("microphone:alsa:hw:CARD=PCH"), Switches::ALL);
        assert_eq!((Switches::usual("tone"), Switches::usual("file:/a.wav")), (Switches::NONE, Switches::NONE));
    }
}
