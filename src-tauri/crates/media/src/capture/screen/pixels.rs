//! RGBA of a screen to a frame or a small PNG.

use std::time::Instant;

use super::{Picture, system};
use crate::VideoFrame;
use crate::capture::VideoFormat;
use crate::convert;
use crate::scale::{self, fit};

/// The largest small picture, in pixels.
const THUMBNAIL: (u32, u32) = (320, 180);

/// A frame of what a screen showed at `captured`, no larger than `want` and of even sides. A row or column too many is left out: scaled
/// away, every letter would be blurred.
pub(super) fn frame(picture: &Picture, want: VideoFormat, captured: Instant) -> Result<VideoFrame, convert::Error> {
    let (width, height) = (picture.width & !1, picture.height & !1);
    let whole = convert::rgba(width, height, picture.width * 4, captured, &picture.pixels)?;
    let (width, height) = fit((width, height), (want.width, want.height));
    Ok(whole.scaled(width, height)?)
}

/// The picture as a small PNG; none if it is no picture.
pub(super) fn thumbnail(picture: &Picture) -> Option<Vec<u8>> {
    let (width, height) = THUMBNAIL;
    let small = frame(picture, VideoFormat { width, height, fps: 1 }, Instant::now()).ok()?;
    let mut rgba = vec![0; small.width() as usize * small.height() as usize * 4];
    scale::rgba(small.data(), (small.width(), small.height()), &mut rgba).ok()?;
    system::png(small.width(), small.height(), &rgba)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        let pixels = (0..height).flat_map(|_| (0..width).flat_map(|x| if x % 2 == 0 { [255, 255, 255, 255] } else { [0, 0, 0, 255] }));
        Picture { width, height, pixels: pixels.collect() }
    }

    const WANT: VideoFormat = VideoFormat { width: 640, height: 360, fps: 15 };

    #[test]
    fn an_odd_row_and_column_are_left_out_and_nothing_is_blurred() {
        let frame = frame(&picture(101, 51), WANT, Instant::now()).expect("a picture");
        assert_eq!((frame.width(), frame.height()), (100, 50));
        assert!(frame.y().chunks(2).all(|pair| pair[0] > 230 && pair[1] < 20));
    }

    #[test]
    fn a_large_screen_is_made_smaller_and_keeps_its_shape() {
        let frame = frame(&picture(1920, 1200), WANT, Instant::now()).expect("a picture");
        assert_eq!((frame.width(), frame.height()), (576, 360));
    }

    #[test]
    fn a_picture_that_is_too_short_is_none() {
        let short = Picture { pixels: vec![0; 7], ..picture(10, 10) };
        assert!(frame(&short, WANT, Instant::now()).is_err());
        assert_eq!(thumbnail(&short), None);
    }

    #[test]
    fn a_small_picture_is_a_png() {
        let png = thumbnail(&picture(1920, 1080)).expect("a picture");
        assert!(png.starts_with(b"\x89PNG") && png.len() < 200_000);
    }
}
