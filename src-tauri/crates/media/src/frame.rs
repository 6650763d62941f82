//! One picture and one piece of sound.
//!
//! Invariant: a [`VideoFrame`]'s buffer is exactly `Y w*h, U and V ceil(w/2)*ceil(h/2)` bytes, tightly packed, and never changes once
//! made: every holder of a clone sees the same picture.

use std::sync::Arc;
use std::time::Instant;

/// The largest width or height of a frame, in pixels.
pub const MAX_SIDE: u32 = 8192;

/// Why a buffer is not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A side is zero or larger than [`MAX_SIDE`].
    #[error("a frame cannot be {width}×{height} pixels")]
    Size { width: u32, height: u32 },
    /// The buffer does not hold the three planes.
    #[error("a {width}×{height} frame needs {need} bytes, not {have}")]
    Length { width: u32, height: u32, need: usize, have: usize },
}

/// A picture in I420 (BT.601, limited range, as cameras and H.264 carry it), with the time it was captured. Cloning is cheap.
#[derive(Clone)]
pub struct VideoFrame {
    width: u32,
    height: u32,
    captured: Instant,
    data: Arc<Vec<u8>>,
}

impl VideoFrame {
    /// A frame of `width`×`height` pixels from its planes Y, U, V, one after the other and without padding.
    pub fn new(width: u32, height: u32, captured: Instant, data: Vec<u8>) -> Result<Self, Error> {
        let need = size(width, height)?;
        if data.len() != need {
            return Err(Error::Length { width, height, need, have: data.len() });
        }
        Ok(Self { width, height, captured, data: Arc::new(data) })
    }

    /// A black frame.
    pub fn black(width: u32, height: u32, captured: Instant) -> Result<Self, Error> {
        let mut data = vec![128; size(width, height)?];
        data[..luma_size(width, height)].fill(16);
        Self::new(width, height, captured, data)
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// When the picture was captured, on this machine's clock.
    pub fn captured(&self) -> Instant {
        self.captured
    }

    /// The same picture with another capture time.
    pub fn with_captured(self, captured: Instant) -> Self {
        Self { captured, ..self }
    }

    /// The three planes, one after the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Luma, `width` bytes a row.
    pub fn y(&self) -> &[u8] {
        &self.data[..luma_size(self.width, self.height)]
    }

    /// Blue difference, `ceil(width / 2)` bytes a row.
    pub fn u(&self) -> &[u8] {
        let start = luma_size(self.width, self.height);
        &self.data[start..start + chroma_size(self.width, self.height)]
    }

    /// Red difference, `ceil(width / 2)` bytes a row.
    pub fn v(&self) -> &[u8] {
        &self.data[luma_size(self.width, self.height) + chroma_size(self.width, self.height)..]
    }
}

impl std::fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoFrame({}×{})", self.width, self.height)
    }
}

/// How many bytes an I420 frame of this size has.
pub fn size(width: u32, height: u32) -> Result<usize, Error> {
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::Size { width, height });
    }
    Ok(luma_size(width, height) + 2 * chroma_size(width, height))
}

/// Appends a part of a picture to `out`, as the planes of a frame of the part's size. `data` is the planes of a frame of `from` pixels, within
/// which the part lies; `left` and `top` are even, so that the part falls on whole chroma samples.
pub fn cut(data: &[u8], from: (u32, u32), (left, top): (u32, u32), (width, height): (u32, u32), out: &mut Vec<u8>) {
    let half = |side: u32| side.div_ceil(2);
    let (y, chroma) = data.split_at(luma_size(from.0, from.1));
    let (u, v) = chroma.split_at(chroma.len() / 2);
    let part = (left, top, width, height);
    let chroma_part = (left / 2, top / 2, half(width), half(height));
    for (plane, stride, (left, top, width, height)) in [(y, from.0, part), (u, half(from.0), chroma_part), (v, half(from.0), chroma_part)] {
        for row in plane.chunks_exact(stride as usize).skip(top as usize).take(height as usize) {
            out.extend_from_slice(&row[left as usize..(left + width) as usize]);
        }
    }
}

fn luma_size(width: u32, height: u32) -> usize {
    width as usize * height as usize
}

fn chroma_size(width: u32, height: u32) -> usize {
    width.div_ceil(2) as usize * height.div_ceil(2) as usize
}

/// 10 ms of sound at 48 kHz, the channels interleaved, each sample in −1.0..=1.0.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioFrame {
    pub samples: Vec<f32>,
    pub channels: u8,
    /// When the first sample was captured.
    pub captured: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_an_odd_size_are_rounded_up() {
        let data: Vec<u8> = (0..15 + 2 * 6).collect();
        let frame = VideoFrame::new(5, 3, Instant::now(), data).expect("fits");
        assert_eq!((frame.y().len(), frame.u().len(), frame.v().len()), (15, 6, 6));
        assert_eq!((frame.y()[0], frame.u()[0], frame.v()[0]), (0, 15, 21));
    }

    #[test]
    fn a_buffer_of_another_length_is_refused() {
        let error = VideoFrame::new(4, 4, Instant::now(), vec![0; 23]).expect_err("one byte short");
        assert_eq!(error, Error::Length { width: 4, height: 4, need: 24, have: 23 });
    }

    #[test]
    fn a_size_without_pixels_or_beyond_the_limit_is_refused() {
        for (width, height) in [(0, 4), (4, 0), (MAX_SIDE + 1, 2), (2, u32::MAX)] {
            assert_eq!(size(width, height), Err(Error::Size { width, height }));
        }
    }

    #[test]
    fn a_clone_shares_its_pixels() {
        let frame = VideoFrame::black(64, 48, Instant::now()).expect("fits");
        let clone = frame.clone();
        assert!(std::ptr::eq(frame.data(), clone.data()));
        assert!(frame.y().iter().all(|&luma| luma == 16) && frame.u().iter().all(|&chroma| chroma == 128));
    }
}
