//! H.264 to pictures.
//!
//! Invariants: data from the network never panics here and never spoils the decoder: after an error, the next keyframe decodes. There
//! is no concealment: a picture is shown whole or not at all.

use std::time::Instant;

use super::Error;
use super::openh264::{Picture, Raw};
use crate::frame::{self, VideoFrame};

/// An H.264 decoder (up to High profile without interlacing) for one stream, whose size may change with each keyframe.
pub struct Decoder {
    raw: Raw,
}

impl Decoder {
    pub fn new() -> Result<Self, Error> {
        Ok(Self { raw: Raw::new()? })
    }

    /// Decodes one access unit (Annex B). `None` means that it carries no picture of its own. An error means: ask for a keyframe.
    pub fn decode(&mut self, data: &[u8], captured: Instant) -> Result<Option<VideoFrame>, Error> {
        if data.is_empty() {
            return Ok(None);
        }
        match self.raw.decode(data) {
            Ok(Some(picture)) => Ok(Some(copy(&picture, captured)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The one copy of a decoded picture: out of the decoder's padded rows.
fn copy(picture: &Picture<'_>, captured: Instant) -> Result<VideoFrame, Error> {
    let (width, height) = (picture.width, picture.height);
    let unusable = |_| Error::Picture { state: 0 };
    let mut data = Vec::with_capacity(frame::size(width, height).map_err(unusable)?);
    let widths = [width, width.div_ceil(2), width.div_ceil(2)].map(|width| width as usize);
    for ((plane, width), stride) in picture.planes.iter().zip(widths).zip([0, 1, 1].map(|index| picture.strides[index])) {
        for row in plane.chunks(stride) {
            data.extend_from_slice(&row[..width]);
        }
    }
    VideoFrame::new(width, height, captured, data).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::encode::h264::{Config, Encoder};
    use crate::frame_number;

    /// `count` access units of moving noise at 320×180, the numbers counting from 0, the first and each of `keyframes` a keyframe.
    fn stream(count: u32, keyframes: &[u32]) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(Config { width: 320, height: 180, fps: 30, bitrate_bps: 4_000_000 }).expect("a valid size");
        let start = Instant::now();
        let frame = |number: u32| {
            let mut seed = 1;
            let mut data: Vec<u8> = (0..320 * 180 * 3 / 2).map(|at| random(&mut seed, at / 320 + number) as u8 / 2 + 60).collect();
            frame_number::write(&mut data, 320, 180, number as u8);
            VideoFrame::new(320, 180, start + Duration::from_millis(u64::from(number) * 33), data).expect("fits")
        };
        let encoded = (0..count).map(|number| encoder.encode(&frame(number), keyframes.contains(&number)).expect("encodes"));
        encoded.map(|encoded| encoded.expect("not skipped").data).collect()
    }

    fn random(seed: &mut u32, salt: u32) -> u32 {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 ^ salt);
        *seed >> 24
    }

    #[test]
    fn each_picture_comes_out_at_once_with_its_capture_time() {
        let mut decoder = Decoder::new().expect("set up");
        let start = Instant::now();
        for (number, data) in stream(10, &[]).iter().enumerate() {
            let captured = start + Duration::from_millis(number as u64);
            let frame = decoder.decode(data, captured).expect("decodes").expect("a picture");
            assert_eq!((frame.width(), frame.height(), frame.captured()), (320, 180, captured));
            assert_eq!(frame_number::read(&frame, 320), Some(number as u8));
        }
    }

    #[test]
    fn after_a_lost_picture_only_a_keyframe_is_shown_again() {
        let mut decoder = Decoder::new().expect("set up");
        let mut shown = Vec::new();
        let mut errors = 0;
        for (number, data) in stream(12, &[8]).iter().enumerate().filter(|&(number, _)| number != 4) {
            match decoder.decode(data, Instant::now()) {
                Ok(frame) => shown.extend(frame.map(|_| number)),
                Err(_) => errors += 1,
            }
        }
        assert_eq!(shown, [0, 1, 2, 3, 8, 9, 10, 11]);
        assert!(errors > 0, "the loss must be told");
    }

    #[test]
    fn without_a_keyframe_there_is_no_picture_but_an_error() {
        let mut decoder = Decoder::new().expect("set up");
        assert!(decoder.decode(&stream(2, &[])[1], Instant::now()).is_err());
    }

    #[test]
    fn damaged_data_neither_panics_nor_spoils_the_decoder() {
        let good = stream(6, &[]);
        let mut decoder = Decoder::new().expect("set up");
        let mut seed = 7;
        for round in 0..300 {
            for data in &good {
                let mut data = data.clone();
                for _ in 0..=random(&mut seed, round) % 8 {
                    let at = (random(&mut seed, 0) << 16 | random(&mut seed, 1) << 8 | random(&mut seed, 2)) as usize % data.len();
                    data[at] = random(&mut seed, 3) as u8;
                }
                data.truncate(data.len() - (random(&mut seed, 4) as usize % 3) * data.len() / 4);
                let _ = decoder.decode(&data, Instant::now());
            }
            for (number, data) in good.iter().enumerate() {
                let frame = decoder.decode(data, Instant::now()).ok().flatten();
                assert_eq!(frame.and_then(|frame| frame_number::read(&frame, 320)), Some(number as u8), "round {round}");
            }
        }
    }

    #[test]
    fn no_data_is_no_picture() {
        assert!(Decoder::new().expect("set up").decode(&[], Instant::now()).expect("harmless").is_none());
    }
}
