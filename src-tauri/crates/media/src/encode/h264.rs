//! Pictures to H.264: constrained baseline, no B frames, one reference, keyframes only on request and at hard cuts, each with its parameter
//! sets.
//!
//! The settings are the fastest that OpenH264 has (measured on 1280×720 at 1.5 Mb/s: 3 to 5 ms a picture on one thread; medium complexity
//! costs a fifth more for 0.1 dB). A picture is one slice: slices of a packet's size cost nothing measurable, and gain nothing while a
//! decoder shows whole pictures only.
//!
//! Invariant: an error does not end an encoder. The next picture finds a fresh one inside and begins with a keyframe.

use std::time::Instant;

use super::debt::Debt;
use super::openh264::Raw;
use super::quantiser::{self, Quantiser};
use crate::frame::VideoFrame;

/// A picture is a hard cut if it takes this many times what a keyframe may.
const CUT: f64 = 1.25;
/// So many pictures bring back a keyframe's detail, and may be larger for it.
const REFINED: u32 = 15;
const REFINING: f64 = 2.0;
/// The picture behind a keyframe is rehearsed once, and again while it takes this many times what a keyframe may: an easy scene before a cut
/// leaves more to learn.
const BURST: f64 = 1.5;
const REHEARSALS: u32 = 3;

/// Why a picture was not encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's fault: OpenH264 takes even sides and at most level 5.2's 3840×2160 pixels.
    #[error("H.264 pictures have even sides from 16×16 to 3840×2160 pixels, not {width}×{height}")]
    Size { width: u32, height: u32 },
    /// The library's: trying the next picture helps if it is not out of memory.
    #[error("the H.264 encoder failed to {what} (code {code})")]
    Library { what: &'static str, code: i32 },
}

/// What an encoder aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub bitrate_bps: u32,
}

/// One access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedVideo {
    /// Annex B; a keyframe begins with its SPS and PPS.
    pub data: Vec<u8>,
    pub keyframe: bool,
    pub width: u32,
    pub height: u32,
    pub captured: Instant,
}

/// An H.264 encoder whose size, frame rate and bitrate change while it runs.
pub struct Encoder {
    config: Config,
    raw: Option<Raw>,
    /// The library's rate control is set up for this size.
    primed: bool,
    quantiser: Quantiser,
    debt: Debt,
    /// Pictures since the last keyframe.
    since_keyframe: u32,
    /// The bitrate that the library aims at, in bits per second.
    told_bps: u32,
    /// The capture time of the first picture, where the rate control's clock begins.
    epoch: Option<Instant>,
}

impl Encoder {
    pub fn new(config: Config) -> Result<Self, Error> {
        check_size(config.width, config.height)?;
        let raw = Raw::new(&config)?;
        Ok(Self {
            config,
            raw: Some(raw),
            primed: false,
            quantiser: Quantiser::default(),
            debt: Debt::default(),
            since_keyframe: 0,
            told_bps: 0,
            epoch: None,
        })
    }

    pub fn config(&self) -> Config {
        self.config
    }

    /// Encodes a picture; one of another size than the last is a keyframe. `None` means that the library left the picture out, which
    /// never happens to a keyframe.
    pub fn encode(&mut self, frame: &VideoFrame, keyframe: bool) -> Result<Option<EncodedVideo>, Error> {
        let (width, height) = (frame.width(), frame.height());
        check_size(width, height)?;
        if (width, height) != (self.config.width, self.config.height) {
            self.config = Config { width, height, ..self.config };
            self.primed = false;
            self.adjust(|raw, config| raw.reconfigure(config))?;
        }
        let at = frame.captured().saturating_duration_since(*self.epoch.get_or_insert(frame.captured()));
        let at_ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let mut raw = match self.raw.take() {
            Some(raw) => raw,
            None => {
                self.primed = false;
                Raw::new(&self.config)?
            }
        };
        // After an error the library may have freed what it needs to go on: `raw` stays away.
        let encoded = if keyframe || !self.primed {
            Some((self.keyframe(&mut raw, frame, at_ms)?, true))
        } else {
            self.tell_bitrate(&mut raw)?;
            match raw.encode(frame, at_ms)? {
                // A hard cut: nothing of it is predicted, so it costs as much as a keyframe, and only a keyframe's size can be given.
                Some((data, _)) if self.is_cut(data.len() as f64 * 8.0) => Some((self.keyframe(&mut raw, frame, at_ms)?, true)),
                encoded => encoded,
            }
        };
        self.raw = Some(raw);
        self.since_keyframe = if encoded.as_ref().is_some_and(|(_, keyframe)| *keyframe) { 0 } else { self.since_keyframe + 1 };
        self.debt.on_picture(encoded.as_ref().map_or(0.0, |(data, _)| data.len() as f64 * 8.0), self.share());
        Ok(encoded.map(|(data, keyframe)| EncodedVideo { data, keyframe, width, height, captured: frame.captured() }))
    }

    /// A keyframe as large as it may be; several attempts, of which the last counts.
    ///
    /// The library does not learn from them how coarse pictures have become, and would bring all the detail back with the next one, in a burst
    /// as long as the keyframe. So it makes that picture between two attempts, and has learnt when it makes the real one.
    fn keyframe(&mut self, raw: &mut Raw, frame: &VideoFrame, at_ms: i64) -> Result<Vec<u8>, Error> {
        if !self.primed {
            // What the rate control has to see first costs next to nothing if there is nothing to see.
            let black = VideoFrame::black(frame.width(), frame.height(), frame.captured()).expect("a frame of this size exists");
            raw.encode(&black, at_ms)?;
            self.primed = true;
        }
        let mut search = self.quantiser.search(quantiser::allowed(&self.config));
        let (mut rehearsals, mut next) = (0..REHEARSALS, f64::INFINITY);
        let data = loop {
            let data = raw.encode_keyframe(frame, &self.config, search.qp(), at_ms)?;
            let again = search.again(data.len() as f64 * 8.0);
            if next > quantiser::allowed(&self.config) * BURST && rehearsals.next().is_some() {
                next = raw.encode(frame, at_ms)?.map_or(0.0, |(data, _)| data.len() as f64 * 8.0);
            } else if !again {
                break data;
            }
        };
        self.told_bps = 0;
        Ok(data)
    }

    /// Whether a picture of so many bits costs more than a keyframe.
    fn is_cut(&self, bits: f64) -> bool {
        bits > quantiser::allowed(&self.config) * if self.since_keyframe < REFINED { REFINING } else { CUT }
    }

    /// Bits of a picture.
    fn share(&self) -> f64 {
        f64::from(self.config.bitrate_bps) / f64::from(self.config.fps.max(1))
    }

    /// Tells the library the bitrate that is left when the last keyframe is paid for.
    fn tell_bitrate(&mut self, raw: &mut Raw) -> Result<(), Error> {
        let bps = (f64::from(self.config.bitrate_bps) * self.debt.keep(self.share())) as u32;
        if self.told_bps != bps {
            raw.set_bitrate(bps)?;
            self.told_bps = bps;
        }
        Ok(())
    }

    /// Sets the bitrate that the pictures to come keep to on average.
    pub fn set_bitrate(&mut self, bps: u32) {
        self.config.bitrate_bps = bps;
    }

    /// Sets the frame rate that the bitrate is shared out over.
    pub fn set_fps(&mut self, fps: u32) -> Result<(), Error> {
        if fps == self.config.fps {
            return Ok(());
        }
        self.config.fps = fps;
        self.adjust(|raw, config| raw.set_fps(config.fps))
    }

    fn adjust(&mut self, change: impl FnOnce(&mut Raw, &Config) -> Result<(), Error>) -> Result<(), Error> {
        let Some(raw) = &mut self.raw else { return Ok(()) };
        change(raw, &self.config).inspect_err(|_| self.raw = None)
    }
}

fn check_size(width: u32, height: u32) -> Result<(), Error> {
    let fits = width >= 16 && height >= 16 && width.max(height) <= 3840 && width.min(height) <= 2160;
    if fits && width.is_multiple_of(2) && height.is_multiple_of(2) { Ok(()) } else { Err(Error::Size { width, height }) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decode::h264::Decoder;
    use crate::{frame, frame_number};

    const CONFIG: Config = Config { width: 320, height: 180, fps: 30, bitrate_bps: 300_000 };

    /// A picture of moving curves, at 30 frames a second from `start`.
    fn picture(start: Instant, number: u32, width: u32, height: u32) -> VideoFrame {
        let mut data = vec![128; frame::size(width, height).expect("fits")];
        for (row, pixels) in data.chunks_exact_mut(width as usize).take(height as usize).enumerate() {
            for (column, luma) in pixels.iter_mut().enumerate() {
                *luma = ((column * row / 24 + row * 5 + number as usize * 7) % 200) as u8 + 20;
            }
        }
        frame_number::write(&mut data, width, height, number as u8);
        VideoFrame::new(width, height, start + Duration::from_millis(u64::from(number) * 1000 / 30), data).expect("fits")
    }

    /// The types of the units in an access unit (ITU H.264, table 7-1).
    fn units(data: &[u8]) -> Vec<u8> {
        data.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1F).collect()
    }

    #[test]
    fn keyframes_come_first_and_on_request_with_their_parameter_sets() {
        let (mut encoder, start) = (Encoder::new(CONFIG).expect("a valid size"), Instant::now());
        for number in 0..40 {
            let encoded = encoder.encode(&picture(start, number, 320, 180), number == 20).expect("encodes").expect("not skipped");
            let keyframe = number == 0 || number == 20;
            assert_eq!(encoded.keyframe, keyframe, "picture {number}");
            assert_eq!(units(&encoded.data), if keyframe { vec![7, 8, 5] } else { vec![1] });
        }
    }

    #[test]
    fn the_stream_is_constrained_baseline() {
        let mut encoder = Encoder::new(CONFIG).expect("a valid size");
        let encoded = encoder.encode(&picture(Instant::now(), 0, 320, 180), true).expect("encodes").expect("not skipped");
        // profile_idc 66 with constraint_set1_flag (ITU H.264, A.2.1.1).
        assert_eq!((encoded.data[5], encoded.data[6] & 0x40), (66, 0x40));
    }

    #[test]
    fn the_bitrate_follows_a_change_while_running() {
        let (mut encoder, start) = (Encoder::new(CONFIG).expect("a valid size"), Instant::now());
        let mut kbps = |numbers: std::ops::Range<u32>| {
            let seconds = numbers.len() as f64 / 30.0;
            let bytes: usize = numbers
                .map(|number| {
                    encoder.encode(&picture(start, number, 320, 180), false).expect("encodes").map_or(0, |encoded| encoded.data.len())
                })
                .sum();
            let rate = bytes as f64 * 8.0 / seconds / 1000.0;
            encoder.set_bitrate(100_000);
            rate
        };
        let (before, _, after) = (kbps(0..90), kbps(90..120), kbps(120..210));
        assert!((240.0..360.0).contains(&before), "{before} kb/s instead of 300");
        assert!((80.0..120.0).contains(&after), "{after} kb/s instead of 100");
    }

    #[test]
    fn a_keyframe_takes_no_longer_than_90_ms_of_the_bitrate_and_half_a_second_holds_it() {
        for bitrate_bps in [300_000, 500_000, 1_200_000] {
            let (mut encoder, start) = (Encoder::new(Config { bitrate_bps, ..CONFIG }).expect("a valid size"), Instant::now());
            let encode = |number: u32| {
                let picture = picture(start, number, 320, 180);
                encoder
                    .encode(&picture, number % 45 == 44)
                    .expect("encodes")
                    .map_or((0.0, false), |encoded| (encoded.data.len() as f64 * 8.0 * 30.0 / f64::from(bitrate_bps), encoded.keyframe))
            };
            let sizes: Vec<(f64, bool)> = (0..180).map(encode).collect();
            let keyframes: Vec<f64> = sizes.iter().filter(|(_, keyframe)| *keyframe).map(|(share, _)| *share).collect();
            assert!(keyframes.len() >= 5 && keyframes.iter().all(|share| *share < 2.9), "{bitrate_bps}: {keyframes:?}");
            let most = sizes[30..].windows(15).map(|window| window.iter().map(|(share, _)| share).sum::<f64>() / 15.0).fold(0.0, f64::max);
            assert!(most < 1.35, "{bitrate_bps}: {most} of the bitrate in half a second");
        }
    }

    #[test]
    fn a_hard_cut_holds_nobody_up_for_longer_than_a_keyframe() {
        let (mut encoder, start) = (Encoder::new(Config { bitrate_bps: 400_000, ..CONFIG }).expect("a valid size"), Instant::now());
        let black = |number: u32| VideoFrame::black(320, 180, start + Duration::from_millis(u64::from(number) * 1000 / 30)).expect("fits");
        let mut sizes = Vec::new();
        for number in 0..60 {
            // Every twenty pictures another scene.
            let frame = if number / 20 % 2 == 0 { black(number) } else { picture(start, number, 320, 180) };
            let encoded = encoder.encode(&frame, false).expect("encodes").expect("not skipped");
            let most = quantiser::allowed(&encoder.config()) * REFINING;
            assert!(encoded.data.len() as f64 * 8.0 < most, "picture {number}: {} bytes of {}", encoded.data.len(), most / 8.0);
            sizes.push(encoded.data.len() as f64 * 8.0 * 30.0 / 400_000.0);
        }
        let burst = sizes.windows(2).map(|pair| pair[0] + pair[1]).fold(0.0, f64::max);
        let keyframe = quantiser::allowed(&encoder.config()) * 30.0 / 400_000.0;
        assert!(burst < keyframe * 2.0, "a keyframe and the next picture take {burst} shares");
    }

    #[test]
    fn another_size_goes_on_with_a_keyframe_of_that_size() {
        let (mut encoder, mut decoder) =
            (Encoder::new(Config { bitrate_bps: 3_000_000, ..CONFIG }).expect("a valid size"), Decoder::new().expect("set up"));
        let start = Instant::now();
        for (number, (width, height)) in [(320, 180), (320, 180), (640, 360), (640, 360), (160, 90)].into_iter().enumerate() {
            let frame = picture(start, number as u32, width, height);
            let encoded = encoder.encode(&frame, false).expect("encodes").expect("not skipped");
            assert_eq!((encoded.width, encoded.height, encoded.keyframe), (width, height, number != 1 && number != 3));
            let shown = decoder.decode(&encoded.data, frame.captured()).expect("decodes").expect("a picture");
            assert_eq!((shown.width(), shown.height()), (width, height));
            assert_eq!(frame_number::read(&shown, width), Some(number as u8));
        }
    }

    #[test]
    fn a_new_frame_rate_asks_for_no_keyframe() {
        let (mut encoder, start) = (Encoder::new(CONFIG).expect("a valid size"), Instant::now());
        for number in 0..4 {
            let encoded = encoder.encode(&picture(start, number, 320, 180), false).expect("encodes").expect("not skipped");
            assert_eq!(encoded.keyframe, number == 0);
            encoder.set_fps(15).expect("a valid rate");
        }
    }

    #[test]
    fn sizes_beyond_the_library_are_refused() {
        for (width, height) in [(14, 180), (321, 180), (320, 181), (3842, 2160), (2162, 3840), (3840, 2162)] {
            assert_eq!(Encoder::new(Config { width, height, ..CONFIG }).err(), Some(Error::Size { width, height }));
        }
        let mut encoder = Encoder::new(CONFIG).expect("a valid size");
        let odd = VideoFrame::black(33, 33, Instant::now()).expect("fits");
        assert_eq!(encoder.encode(&odd, false), Err(Error::Size { width: 33, height: 33 }));
    }
}
