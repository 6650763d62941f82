//! What a microphone's processing costs: `cargo run --release -p media --example processing`.

use std::time::{Duration, Instant};

use media::AudioFrame;
use media::capture::processing::{Processor, Switches};

/// Frames of 10 ms: a minute.
const FRAMES: u32 = 6000;
const SAMPLES: usize = 480;

/// Something between −0.25 and 0.25 that does not repeat soon.
fn noise(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state as f32 / u32::MAX as f32 * 0.5 - 0.25
}

/// Microseconds for each frame.
fn cost(switches: Switches) -> f64 {
    let mut processor = Processor::new(switches, 1);
    let (mut played, mut state) = ([0.0; SAMPLES], 1);
    let began = Instant::now();
    for _ in 0..FRAMES {
        // The frame holds the echo of the block before.
        let samples = played.iter().map(|sample| sample * 0.3 + noise(&mut state) * 0.1).collect();
        played.fill_with(|| noise(&mut state));
        processor.hear(&played);
        processor.process(&mut AudioFrame { samples, channels: 1, captured: began }, Duration::ZERO);
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(FRAMES)
}

fn main() {
    let none = Switches::NONE;
    for (name, switches) in [
        ("echo", Switches { aec: true, ..none }),
        ("noise", Switches { ans: true, ..none }),
        ("gain", Switches { agc: true, ..none }),
        ("all", Switches::ALL),
    ] {
        let cost = cost(switches);
        println!("{name}: {cost:.0} µs for each 10 ms, {:.1} % of a core", cost / 100.0);
    }
}
