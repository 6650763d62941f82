//! Pictures in another size, and pixels for a screen.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::frame::{self, VideoFrame};

thread_local! {
    /// Keeps its working memory from picture to picture.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

impl VideoFrame {
    /// This picture as `width`×`height` pixels; the aspect is the caller's business. The same size costs nothing.
    pub fn scaled(&self, width: u32, height: u32) -> Result<VideoFrame, frame::Error> {
        if (width, height) == (self.width(), self.height()) {
            return Ok(self.clone());
        }
        let mut data = Vec::new();
        self.scale_into(width, height, &mut data)?;
        VideoFrame::new(width, height, self.captured(), data)
    }

    /// Writes this picture as `width`×`height` pixels into `data`, as the planes of a frame, whatever is there; its memory is used again.
    pub fn scale_into(&self, width: u32, height: u32, data: &mut Vec<u8>) -> Result<(), frame::Error> {
        data.resize(frame::size(width, height)?, 0);
        let (y, chroma) = data.split_at_mut(width as usize * height as usize);
        let (u, v) = chroma.split_at_mut(chroma.len() / 2);
        let from = (self.width(), self.height());
        let half = |(width, height): (u32, u32)| (width.div_ceil(2), height.div_ceil(2));
        resize(self.y(), from, y, (width, height));
        resize(self.u(), half(from), u, half((width, height)));
        resize(self.v(), half(from), v, half((width, height)));
        Ok(())
    }
}

/// The largest size, even in both sides, that keeps the aspect of `source`, fits into `bounds` and is no larger than `source`.
pub fn fit(source: (u32, u32), bounds: (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(source.0.max(1)), u64::from(source.1.max(1)));
    let (bound_width, bound_height) = (u64::from(bounds.0).min(width), u64::from(bounds.1).min(height));
    let (width, height) = if bound_width * height <= bound_height * width {
        (bound_width, (height * bound_width + width / 2) / width)
    } else {
        ((width * bound_height + height / 2) / height, bound_height)
    };
    let even = |side: u64| u32::try_from(side & !1).map_or(!1, |side| side.max(2));
    (even(width), even(height))
}

/// A triangle filter whose support grows with the reduction, so that a small picture does not alias.
fn resize(from: &[u8], (from_width, from_height): (u32, u32), to: &mut [u8], (width, height): (u32, u32)) {
    let source = ImageRef::new(from_width, from_height, from, PixelType::U8).expect("a frame's plane has its size");
    let mut target = Image::from_slice_u8(width, height, to, PixelType::U8).expect("a plane of the target's size was cut out");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
    RESIZER.with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options)).expect("both planes are one byte a pixel");
}

/// Writes a picture as RGBA (opaque, full range) into `out`, which must hold exactly `width * height * 4` bytes; `data` is the planes of a
/// frame of that size.
pub fn rgba(data: &[u8], (width, height): (u32, u32), out: &mut [u8]) -> Result<(), frame::Error> {
    let length = |need: usize, have: usize| if need == have { Ok(()) } else { Err(frame::Error::Length { width, height, need, have }) };
    length(frame::size(width, height)?, data.len())?;
    length(width as usize * height as usize * 4, out.len())?;
    let half = width.div_ceil(2);
    let (y_plane, chroma) = data.split_at(width as usize * height as usize);
    let (u_plane, v_plane) = chroma.split_at(chroma.len() / 2);
    let planes = YuvPlanarImage { y_plane, y_stride: width, u_plane, u_stride: half, v_plane, v_stride: half, width, height };
    yuv::yuv420_to_rgba(&planes, out, width * 4, YuvRange::Limited, YuvStandardMatrix::Bt601)
        .expect("planes and target have the frame's size");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn grey(width: u32, height: u32, luma: u8) -> VideoFrame {
        let mut data = vec![128; frame::size(width, height).expect("fits")];
        data[..(width * height) as usize].fill(luma);
        VideoFrame::new(width, height, Instant::now(), data).expect("fits")
    }

    #[test]
    fn the_same_size_shares_the_pixels() {
        let frame = grey(64, 36, 90);
        assert!(std::ptr::eq(frame.scaled(64, 36).expect("fits").data(), frame.data()));
    }

    #[test]
    fn a_scaled_picture_keeps_its_shades_and_its_capture_time() {
        let frame = grey(1280, 720, 90);
        for (width, height) in [(640, 360), (333, 187), (1, 1), (1920, 1080)] {
            let scaled = frame.scaled(width, height).expect("fits");
            assert_eq!((scaled.width(), scaled.height(), scaled.captured()), (width, height, frame.captured()));
            assert!(scaled.y().iter().all(|&luma| luma == 90) && scaled.v().iter().all(|&chroma| chroma == 128));
        }
    }

    #[test]
    fn a_halved_picture_does_not_alias() {
        let (width, height) = (64, 64);
        let mut data = vec![128; frame::size(width, height).expect("fits")];
        for (index, luma) in data[..64 * 64].iter_mut().enumerate() {
            *luma = if index % 2 == 0 { 235 } else { 16 };
        }
        let half = VideoFrame::new(width, height, Instant::now(), data).expect("fits").scaled(32, 32).expect("fits");
        assert!(half.y().chunks(32).all(|row| row[1..31].iter().all(|&luma| luma.abs_diff(126) < 8)));
    }

    #[test]
    fn no_pixels_is_an_error() {
        assert!(grey(4, 4, 0).scaled(0, 4).is_err());
    }

    #[test]
    fn fitting_keeps_the_aspect_and_never_enlarges() {
        assert_eq!(fit((1280, 720), (640, 480)), (640, 360));
        assert_eq!(fit((640, 480), (1280, 720)), (640, 480));
        assert_eq!(fit((1280, 720), (1280, 720)), (1280, 720));
        assert_eq!(fit((720, 1280), (1280, 720)), (404, 720));
        assert_eq!(fit((641, 361), (4000, 4000)), (640, 360));
        assert_eq!(fit((8000, 2), (100, 100)), (100, 2));
        assert_eq!(fit((0, 0), (0, 0)), (2, 2));
    }

    #[test]
    fn limited_range_opens_up_to_full() {
        let mut out = vec![0; 16 * 16 * 4];
        rgba(grey(16, 16, 235).data(), (16, 16), &mut out).expect("fits");
        assert!(out.iter().all(|&byte| byte >= 254));
        rgba(grey(16, 16, 16).data(), (16, 16), &mut out).expect("fits");
        assert!(out.chunks(4).all(|pixel| pixel[..3].iter().all(|&byte| byte <= 1) && pixel[3] == 255));
        assert!(rgba(grey(16, 16, 16).data(), (16, 16), &mut out[1..]).is_err());
        assert!(rgba(grey(16, 8, 16).data(), (16, 16), &mut out).is_err());
    }
}
