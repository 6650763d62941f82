//! What Opus costs with and without deep redundancy: `cargo run --release -p media --example opus`.

use std::time::{Duration, Instant};

use media::decode::opus::Decoder;
use media::encode::opus::{Encoder, SAMPLES};
use media::profile::AudioProfile;

/// Half a minute of a person who reads, over and over.
const PACKETS: usize = 1500;
/// Of so many packets so many are lost, one after another: 200 ms.
const CYCLE: usize = 50;
const BURST: usize = 10;

fn speech() -> Vec<f32> {
    let clip = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/clips/speech_48k.wav");
    let samples = hound::WavReader::open(clip).expect("the clip").into_samples::<i16>();
    samples.map(|sample| f32::from(sample.expect("16 bits")) / 32_768.0).collect()
}

/// The packets, and what making them took.
fn encode(sound: &[f32], bps: u32, reach: Duration) -> (Vec<Vec<u8>>, Duration) {
    let mut encoder = Encoder::new(AudioProfile::DEFAULT).expect("valid");
    encoder.set_loss(20).and_then(|()| encoder.set_bitrate(bps)).and_then(|()| encoder.set_reach(reach)).expect("valid");
    let began = Instant::now();
    let packets = sound.chunks_exact(SAMPLES).cycle().take(PACKETS).map(|packet| encoder.encode(packet).expect("encodes")).collect();
    (packets, began.elapsed())
}

/// What decoding took where bursts are lost, and how many of the lost packets came back.
fn decode(packets: &[Vec<u8>]) -> (Duration, usize) {
    let (mut decoder, mut out, mut restored) = (Decoder::new(2).expect("set up"), vec![0.0; SAMPLES * 2], 0);
    let began = Instant::now();
    for (index, packet) in packets.iter().enumerate() {
        let next = index + BURST.saturating_sub(index % CYCLE);
        if index % CYCLE >= BURST || next >= packets.len() {
            decoder.packet(packet, &mut out).expect("decodes");
        } else if decoder.restore(&packets[next], (next - index) * SAMPLES, &mut out).is_some() {
            restored += 1;
        } else {
            decoder.conceal(&mut out).expect("conceals");
        }
    }
    (began.elapsed(), restored)
}

/// How many bytes of a packet describe what came before it: its padding (RFC 6716 §3.2.5).
fn deep(packet: &[u8]) -> usize {
    let [toc, count, rest @ ..] = packet else { return 0 };
    if toc & 3 != 3 || count & 0x40 == 0 {
        return 0;
    }
    let more = rest.iter().take_while(|byte| **byte == 255).count();
    more * 255 + usize::from(rest.get(more).copied().unwrap_or(0)) + 1
}

/// Kilobits a second of voice and those added for deep redundancy, which reaches back so many milliseconds.
const GRID: [(u32, u32, u64); 7] = [(24, 0, 0), (24, 12, 500), (28, 18, 500), (40, 0, 0), (40, 16, 500), (128, 0, 0), (128, 16, 500)];

fn main() {
    let sound = speech();
    let seconds = PACKETS as f64 / 50.0;
    let share = |time: Duration| time.as_secs_f64() / seconds * 100.0;
    let kbps = |bytes: usize| bytes as f64 * 8.0 / seconds / 1000.0;
    for (voice, added, reach) in GRID {
        let (packets, encoding) = encode(&sound, (voice + added) * 1000, Duration::from_millis(reach));
        let (decoding, restored) = decode(&packets);
        let (all, deep) = (packets.iter().map(Vec::len).sum(), packets.iter().map(|packet| deep(packet)).sum());
        println!(
            "{voice} + {added} kb/s, reaching back {reach} ms: {:.1} kb/s, {:.1} of them deep; encoding {:.2} % of a core, decoding {:.2} %; \
             {restored} of {} restored",
            kbps(all),
            kbps(deep),
            share(encoding),
            share(decoding),
            PACKETS / CYCLE * BURST,
        );
    }
}
