//! One picture on its way to the page: a header of [`HEADER`] bytes, then pixels.
//!
//! | offset | field (little-endian) |
//! | --- | --- |
//! | 0 | u32 tile |
//! | 4, 6 | u16 width, u16 height of the picture |
//! | 8 | u8 format: 0 I420, 1 RGBA; three bytes 0 |
//! | 12 | u32 sequence, from 0, one more for each picture of the tile |
//! | 16 | f64 capture time in ms since the Unix epoch |
//! | 24, 26 | u16 width, u16 height of the source; four bytes 0 |
//!
//! I420 is Y, U and V without padding, chroma sides rounded up; RGBA is opaque.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::geometry::{Fit, Size, plan};
use crate::media::{VideoFrame, frame, scale};

/// The header's length in bytes.
pub const HEADER: usize = 32;

/// What the pixels are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    I420,
    Rgba,
}

/// What a tile wants its pictures to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub tile: Size,
    pub fit: Fit,
    pub format: Format,
}

/// Both clocks at one moment, to tell a capture time in the page's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    pub monotonic: Instant,
    pub system: SystemTime,
}

impl Clocks {
    /// Milliseconds since the Unix epoch at `at`.
    fn unix_ms(self, at: Instant) -> f64 {
        let now = self.system.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let ago = self.monotonic.saturating_duration_since(at).as_secs_f64();
        let ahead = at.saturating_duration_since(self.monotonic).as_secs_f64();
        (now - ago + ahead) * 1000.0
    }
}

/// Memory that is used again from picture to picture.
#[derive(Debug, Default)]
pub struct Scratch {
    scaled: Vec<u8>,
    cut: Vec<u8>,
}

/// Which picture of which tile.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    pub tile: u32,
    pub sequence: u32,
}

/// Replaces `out` by header and pixels of `source` in this shape.
pub fn write(
    source: &VideoFrame,
    shape: Shape,
    label: Label,
    now: Clocks,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<(), frame::Error> {
    let size = Size { width: source.width(), height: source.height() };
    let plan = plan(size, shape.tile, shape.fit);
    let Scratch { scaled, cut } = scratch;
    let whole = if plan.scaled == size {
        source.data()
    } else {
        source.scale_into(plan.scaled.width, plan.scaled.height, scaled)?;
        scaled
    };
    let pixels = if plan.picture == plan.scaled {
        whole
    } else {
        cut.clear();
        let sides = |size: Size| (size.width, size.height);
        frame::cut(whole, sides(plan.scaled), (plan.left, plan.top), sides(plan.picture), cut);
        cut
    };
    let length = match shape.format {
        Format::I420 => pixels.len(),
        Format::Rgba => plan.picture.width as usize * plan.picture.height as usize * 4,
    };
    // All of it is written over: what is there need not be cleared.
    out.resize(HEADER + length, 0);
    let (head, body) = out.split_at_mut(HEADER);
    head.copy_from_slice(&header(shape.format, plan.picture, size, label, now.unix_ms(source.captured())));
    match shape.format {
        Format::I420 => body.copy_from_slice(pixels),
        Format::Rgba => scale::rgba(pixels, (plan.picture.width, plan.picture.height), body)?,
    }
    Ok(())
}

fn header(format: Format, picture: Size, source: Size, label: Label, captured_ms: f64) -> [u8; HEADER] {
    let short = |side: u32| u16::try_from(side).expect("a frame's sides are below 8193").to_le_bytes();
    let mut header = [0; HEADER];
    header[0..4].copy_from_slice(&label.tile.to_le_bytes());
    header[4..6].copy_from_slice(&short(picture.width));
    header[6..8].copy_from_slice(&short(picture.height));
    header[8] = u8::from(format == Format::Rgba);
    header[12..16].copy_from_slice(&label.sequence.to_le_bytes());
    header[16..24].copy_from_slice(&captured_ms.to_le_bytes());
    header[24..26].copy_from_slice(&short(source.width));
    header[26..28].copy_from_slice(&short(source.height));
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn clocks() -> Clocks {
        Clocks { monotonic: Instant::now(), system: UNIX_EPOCH + Duration::from_secs(1_000) }
    }

    /// A picture whose luma tells the column and whose chroma tells the row.
    fn gradient(width: u32, height: u32, captured: Instant) -> VideoFrame {
        let mut data: Vec<u8> = (0..height).flat_map(|_| (0..width).map(|x| x as u8)).collect();
        for _ in 0..2 {
            data.extend((0..height.div_ceil(2)).flat_map(|y| (0..width.div_ceil(2)).map(move |_| y as u8)));
        }
        VideoFrame::new(width, height, captured, data).unwrap()
    }

    fn shape(width: u32, height: u32, fit: Fit, format: Format) -> Shape {
        Shape { tile: Size { width, height }, fit, format }
    }

    /// The first picture of the first tile.
    fn written(source: &VideoFrame, shape: Shape) -> Vec<u8> {
        let mut out = Vec::new();
        write(source, shape, Label { tile: 0, sequence: 0 }, clocks(), &mut Scratch::default(), &mut out).unwrap();
        out
    }

    #[test]
    fn the_header_says_what_follows() {
        let now = clocks();
        let frame = gradient(64, 32, now.monotonic - Duration::from_millis(250));
        let mut out = vec![9; 3];
        write(
            &frame,
            shape(32, 16, Fit::Cover, Format::I420),
            Label { tile: 7, sequence: 0x0102_0304 },
            now,
            &mut Scratch::default(),
            &mut out,
        )
        .unwrap();
        assert_eq!(out[..16], [7, 0, 0, 0, 32, 0, 16, 0, 0, 0, 0, 0, 4, 3, 2, 1]);
        assert_eq!(f64::from_le_bytes(out[16..24].try_into().unwrap()), 999_750.0);
        assert_eq!(out[24..32], [64, 0, 32, 0, 0, 0, 0, 0]);
        assert_eq!(out.len(), HEADER + 32 * 16 * 3 / 2);
    }

    #[test]
    fn a_cut_takes_luma_and_chroma_from_the_same_place() {
        let out = written(&gradient(64, 32, Instant::now()), shape(16, 32, Fit::Cover, Format::I420));
        let pixels = &out[HEADER..];
        assert_eq!(pixels.len(), 16 * 32 * 3 / 2);
        assert_eq!(pixels[..16], (24..40).collect::<Vec<u8>>());
        let chroma = &pixels[16 * 32..16 * 32 + 8 * 16];
        assert!(chroma.chunks(8).enumerate().all(|(row, samples)| samples.iter().all(|&sample| usize::from(sample) == row)));
    }

    #[test]
    fn rgba_has_four_bytes_a_pixel_and_says_so() {
        let out = written(&gradient(64, 32, Instant::now()), shape(16, 16, Fit::Cover, Format::Rgba));
        assert_eq!((out[8], out.len()), (1, HEADER + 16 * 16 * 4));
    }

    #[test]
    fn memory_that_is_used_again_leaves_nothing_of_the_picture_before() {
        let (now, label) = (clocks(), Label { tile: 0, sequence: 0 });
        let (mut scratch, mut out) = (Scratch::default(), Vec::new());
        for (side, format) in [(48, Format::Rgba), (16, Format::I420), (40, Format::I420), (8, Format::Rgba), (64, Format::Rgba)] {
            let (frame, shape) = (gradient(64, 32, now.monotonic), shape(side, 16, Fit::Cover, format));
            write(&frame, shape, label, now, &mut scratch, &mut out).unwrap();
            let mut fresh = Vec::new();
            write(&frame, shape, label, now, &mut Scratch::default(), &mut fresh).unwrap();
            assert_eq!(out, fresh, "{side}");
        }
    }

    proptest! {
        #[test]
        fn the_pixels_are_as_many_as_the_header_says(
            source in (1u32..200, 1u32..200), tile in (1u32..300, 1u32..300), cover: bool, rgba: bool,
        ) {
            let fit = if cover { Fit::Cover } else { Fit::Contain };
            let format = if rgba { Format::Rgba } else { Format::I420 };
            let out = written(&gradient(source.0, source.1, Instant::now()), shape(tile.0, tile.1, fit, format));
            let side = |at: usize| usize::from(u16::from_le_bytes([out[at], out[at + 1]]));
            let (width, height) = (side(4), side(6));
            let pixels = if rgba { width * height * 4 } else { width * height + 2 * width.div_ceil(2) * height.div_ceil(2) };
            prop_assert_eq!(out.len(), HEADER + pixels);
        }
    }
}
