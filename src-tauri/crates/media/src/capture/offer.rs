//! Which of a camera's formats to ask for. Pure.

use super::VideoFormat;
use crate::scale;

/// How a camera delivers its pixels, best first: what costs least to convert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pixels {
    Nv12,
    Yuyv,
    Rgb,
    Mjpeg,
}

/// One format that a camera says it can deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub format: VideoFormat,
    pub pixels: Pixels,
}

/// Cameras that are faster than this do not exist: the number is a driver's fraction misread.
const MAX_FPS: u32 = 240;

/// The usable offers, best first.
///
/// What counts, in this order: how much of the wanted size and rate together is reached (a size that is too small is as bad as a rate
/// that is too low); as few pixels as possible beyond that; the cheapest pixels to convert, so that Motion JPEG is taken where the
/// cable is too slow for the plain ones; as few frames as possible beyond the wanted rate.
pub fn ranked(offers: &[Offer], want: VideoFormat) -> Vec<Offer> {
    let usable = |offer: &Offer| {
        let VideoFormat { width, height, fps } = offer.format;
        crate::frame::size(width, height).is_ok() && (1..=MAX_FPS).contains(&fps)
    };
    let mut ranked: Vec<Offer> = offers.iter().copied().filter(usable).collect();
    ranked.sort_by_key(|offer| {
        let VideoFormat { width, height, fps } = offer.format;
        (std::cmp::Reverse(reached(offer.format, want)), u64::from(width) * u64::from(height), offer.pixels, fps, width)
    });
    ranked.dedup();
    ranked
}

/// How much of `want` a format reaches once it is cut to the wanted aspect: 1,000,000 is all of it.
fn reached(format: VideoFormat, want: VideoFormat) -> u64 {
    let covers = format.width >= want.width && format.height >= want.height;
    let width = if covers { want.width } else { scale::fit((want.width, want.height), (format.width, format.height)).0 };
    let part = |have: u32, want: u32| u64::from(have.min(want)) * 1000 / u64::from(want.max(1));
    part(width, want.width) * part(format.fps, want.fps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(width: u32, height: u32, fps: u32, pixels: Pixels) -> Offer {
        Offer { format: VideoFormat { width, height, fps }, pixels }
    }

    fn best(offers: &[Offer], width: u32, height: u32, fps: u32) -> Offer {
        ranked(offers, VideoFormat { width, height, fps })[0]
    }

    /// What a common USB 2 webcam lists.
    fn webcam() -> Vec<Offer> {
        use Pixels::{Mjpeg, Yuyv};
        let mut offers = vec![offer(1280, 720, 10, Yuyv), offer(1920, 1080, 5, Yuyv)];
        for fps in [30, 25, 20, 15, 10, 5] {
            offers.push(offer(640, 480, fps, Yuyv));
            offers.push(offer(320, 240, fps, Yuyv));
        }
        for (width, height) in [(320, 240), (640, 480), (1280, 720), (1920, 1080)] {
            offers.push(offer(width, height, 30, Mjpeg));
        }
        offers
    }

    #[test]
    fn plain_pixels_are_preferred_where_they_are_fast_enough() {
        assert_eq!(best(&webcam(), 640, 480, 30), offer(640, 480, 30, Pixels::Yuyv));
        assert_eq!(best(&webcam(), 640, 480, 15), offer(640, 480, 15, Pixels::Yuyv));
        assert_eq!(best(&webcam(), 320, 240, 15), offer(320, 240, 15, Pixels::Yuyv));
    }

    #[test]
    fn jpeg_is_taken_where_plain_pixels_are_too_slow() {
        assert_eq!(best(&webcam(), 1280, 720, 30), offer(1280, 720, 30, Pixels::Mjpeg));
        assert_eq!(best(&webcam(), 1920, 1080, 15), offer(1920, 1080, 30, Pixels::Mjpeg));
    }

    #[test]
    fn plain_pixels_are_taken_where_jpeg_is_no_faster() {
        assert_eq!(best(&webcam(), 1280, 720, 10), offer(1280, 720, 10, Pixels::Yuyv));
    }

    #[test]
    fn a_larger_size_is_better_than_one_that_must_be_enlarged() {
        assert_eq!(best(&webcam(), 640, 360, 30), offer(640, 480, 30, Pixels::Yuyv));
        assert_eq!(best(&webcam(), 800, 600, 30), offer(1280, 720, 30, Pixels::Mjpeg));
    }

    #[test]
    fn without_a_format_that_reaches_both_the_better_compromise_is_taken() {
        let offers = [offer(1280, 720, 10, Pixels::Yuyv), offer(640, 480, 30, Pixels::Yuyv)];
        assert_eq!(best(&offers, 1280, 720, 30), offers[1]);
        let offers = [offer(1280, 720, 20, Pixels::Yuyv), offer(640, 480, 30, Pixels::Yuyv)];
        assert_eq!(best(&offers, 1280, 720, 30), offers[0]);
    }

    #[test]
    fn a_faster_camera_is_taken_at_its_slowest_sufficient_rate() {
        let offers = [offer(640, 480, 120, Pixels::Yuyv), offer(640, 480, 60, Pixels::Yuyv)];
        assert_eq!(best(&offers, 640, 480, 30), offers[1]);
    }

    #[test]
    fn impossible_offers_are_left_out() {
        let offers = [offer(640, 480, 30_000, Pixels::Yuyv), offer(0, 480, 30, Pixels::Yuyv), offer(640, 480, 0, Pixels::Yuyv)];
        assert!(ranked(&offers, VideoFormat { width: 640, height: 480, fps: 30 }).is_empty());
    }
}
