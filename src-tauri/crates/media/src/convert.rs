//! What cameras deliver, to I420.
//!
//! Invariant: each function is total: it answers an error for a buffer that is too short or broken, whatever a driver hands over.

use std::time::Instant;

use yuv::{BufferStoreMut, YuvConversionMode, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::frame::{self, VideoFrame};

/// Why a camera's buffer is not a picture. The next one may be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Frame(#[from] frame::Error),
    /// The camera gave fewer bytes than its format has.
    #[error("the camera's picture has {have} bytes instead of {need}")]
    Short { need: usize, have: usize },
    /// The camera's JPEG cannot be decoded.
    #[error("the camera's JPEG is damaged: {0}")]
    Jpeg(String),
    /// The conversion library refused the picture.
    #[error("the camera's picture cannot be converted: {0}")]
    Convert(String),
}

/// YUYV (YUY2, 4:2:2 packed): two bytes a pixel, rows without padding.
pub fn yuyv(width: u32, height: u32, captured: Instant, data: &[u8]) -> Result<VideoFrame, Error> {
    let stride = width.div_ceil(2) * 4;
    let data = prefix(data, stride as usize * height as usize)?;
    planar(width, height, captured, |planes| {
        yuv::yuyv422_to_yuv420(planes, &YuvPackedImage { yuy: data, yuy_stride: stride, width, height })
    })
}

/// NV12: luma, then blue and red difference interleaved, rows without padding.
pub fn nv12(width: u32, height: u32, captured: Instant, data: &[u8]) -> Result<VideoFrame, Error> {
    let data = prefix(data, frame::size(width, height)?)?;
    let (luma, chroma) = data.split_at(width as usize * height as usize);
    let mut out = Vec::with_capacity(data.len());
    out.extend_from_slice(luma);
    out.extend(chroma.chunks_exact(2).map(|pair| pair[0]));
    out.extend(chroma.chunks_exact(2).map(|pair| pair[1]));
    Ok(VideoFrame::new(width, height, captured, out)?)
}

/// RGB: three bytes a pixel, full range, rows without padding.
pub fn rgb(width: u32, height: u32, captured: Instant, data: &[u8]) -> Result<VideoFrame, Error> {
    let stride = width * 3;
    let data = prefix(data, stride as usize * height as usize)?;
    planar(width, height, captured, |planes| {
        yuv::rgb_to_yuv420(planes, data, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, YuvConversionMode::Balanced)
    })
}

/// RGBA: four bytes a pixel, full range, rows `stride` bytes apart.
pub fn rgba(width: u32, height: u32, stride: u32, captured: Instant, data: &[u8]) -> Result<VideoFrame, Error> {
    frame::size(width, height)?;
    if stride < width * 4 {
        return Err(Error::Short { need: width as usize * 4, have: stride as usize });
    }
    let data = prefix(data, stride as usize * height as usize)?;
    planar(width, height, captured, |planes| {
        yuv::rgba_to_yuv420(planes, data, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, YuvConversionMode::Balanced)
    })
}

/// One picture of Motion JPEG; its size is in the data. Cameras may leave out the Huffman tables, which are then those of the
/// JPEG standard (ITU T.81, annex K.3).
pub fn mjpeg(captured: Instant, data: &[u8]) -> Result<VideoFrame, Error> {
    let complete = if has_huffman_tables(data) { None } else { Some(with_avi_marker(data)?) };
    let options = DecoderOptions::default()
        .set_max_width(frame::MAX_SIDE as usize)
        .set_max_height(frame::MAX_SIDE as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(complete.as_deref().unwrap_or(data)), options);
    let pixels = decoder.decode().map_err(|error| Error::Jpeg(error.to_string()))?;
    let info = decoder.info().ok_or_else(|| Error::Jpeg("it has no size".into()))?;
    rgb(info.width.into(), info.height.into(), captured, &pixels)
}

/// Whether a DHT segment comes before the scan (ITU T.81, annex B). Damaged data counts as having one: the decoder then says what is wrong.
fn has_huffman_tables(data: &[u8]) -> bool {
    const DHT: u8 = 0xC4;
    const SCAN: u8 = 0xDA;
    let mut rest = data.get(2..).unwrap_or_default();
    loop {
        match rest {
            [0xFF, DHT, ..] => return true,
            [0xFF, SCAN, ..] => return false,
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, _, high, low, ..] => match rest.get(2 + usize::from(u16::from_be_bytes([*high, *low]))..) {
                Some(next) => rest = next,
                None => return true,
            },
            _ => return true,
        }
    }
}

/// The same picture with the marker of AVI's Motion JPEG, by which the decoder knows that the standard tables apply.
fn with_avi_marker(data: &[u8]) -> Result<Vec<u8>, Error> {
    const MARKER: &[u8] = b"\xFF\xE0\x00\x08AVI1\x00\x00";
    let (start, rest) = data.split_at_checked(2).ok_or(Error::Short { need: 2, have: data.len() })?;
    Ok([start, MARKER, rest].concat())
}

fn prefix(data: &[u8], need: usize) -> Result<&[u8], Error> {
    data.get(..need).ok_or(Error::Short { need, have: data.len() })
}

fn planar(
    width: u32,
    height: u32,
    captured: Instant,
    convert: impl FnOnce(&mut YuvPlanarImageMut<'_, u8>) -> Result<(), yuv::YuvError>,
) -> Result<VideoFrame, Error> {
    let mut data = vec![0; frame::size(width, height)?];
    let (y, chroma) = data.split_at_mut(width as usize * height as usize);
    let (u, v) = chroma.split_at_mut(chroma.len() / 2);
    let half = width.div_ceil(2);
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: half,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: half,
        width,
        height,
    };
    convert(&mut planes).map_err(|error| Error::Convert(error.to_string()))?;
    Ok(VideoFrame::new(width, height, captured, data)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(plane: &[u8], value: u8) -> bool {
        plane.iter().all(|&byte| byte.abs_diff(value) <= 2)
    }

    #[test]
    fn yuyv_keeps_luma_and_every_other_row_of_chroma() {
        let data = [10, 100, 20, 200].repeat(4 * 8);
        let frame = yuyv(8, 8, Instant::now(), &data).expect("converts");
        assert!(frame.y().chunks(2).all(|pair| pair == [10, 20]));
        assert!(near(frame.u(), 100) && near(frame.v(), 200));
    }

    #[test]
    fn nv12_is_taken_apart() {
        let mut data = vec![50; 6 * 4];
        data.extend([100, 200].repeat(6));
        let frame = nv12(6, 4, Instant::now(), &data).expect("converts");
        assert!(near(frame.y(), 50) && near(frame.u(), 100) && near(frame.v(), 200));
    }

    #[test]
    fn rgb_becomes_limited_range() {
        let white = rgb(16, 16, Instant::now(), &[255; 16 * 16 * 3]).expect("converts");
        assert!(near(white.y(), 235) && near(white.u(), 128) && near(white.v(), 128));
        let red = rgb(16, 16, Instant::now(), &[255, 0, 0].repeat(256)).expect("converts");
        assert!(near(red.y(), 81) && near(red.u(), 90) && near(red.v(), 240));
    }

    #[test]
    fn odd_sizes_convert() {
        let frame = yuyv(5, 3, Instant::now(), &[7; 3 * 12]).expect("converts");
        assert_eq!((frame.y().len(), frame.u().len()), (15, 6));
        assert_eq!(rgb(5, 3, Instant::now(), &[7; 45]).expect("converts").v().len(), 6);
        assert_eq!(nv12(5, 3, Instant::now(), &[7; 27]).expect("converts").v().len(), 6);
    }

    /// A red picture of 32×16 pixels, 4:2:2, with the standard's Huffman tables.
    const RED: &[u8] = include_bytes!("../testdata/red_32x16.jpg");

    fn without_huffman_tables() -> Vec<u8> {
        let start = RED.windows(2).position(|pair| pair == [0xFF, 0xC4]).expect("the picture has tables");
        let length = usize::from(u16::from_be_bytes([RED[start + 2], RED[start + 3]]));
        [&RED[..start], &RED[start + 2 + length..]].concat()
    }

    #[test]
    fn motion_jpeg_decodes_with_and_without_its_huffman_tables() {
        for data in [RED.to_vec(), without_huffman_tables()] {
            let frame = mjpeg(Instant::now(), &data).expect("decodes");
            assert_eq!((frame.width(), frame.height()), (32, 16));
            assert!(near(frame.y(), 81) && near(frame.u(), 90) && near(frame.v(), 240));
        }
    }

    #[test]
    fn damaged_motion_jpeg_is_an_error_or_a_picture_but_never_a_panic() {
        let data = without_huffman_tables();
        for end in 0..data.len() {
            let _ = mjpeg(Instant::now(), &data[..end]);
        }
        for at in 0..data.len() {
            for value in [0, 1, 0x7F, 0xC4, 0xFF] {
                let mut damaged = data.clone();
                damaged[at] = value;
                let _ = mjpeg(Instant::now(), &damaged);
            }
        }
        assert!(matches!(mjpeg(Instant::now(), b"not a picture"), Err(Error::Jpeg(_))));
        assert!(mjpeg(Instant::now(), &[]).is_err());
    }

    #[test]
    fn a_buffer_cut_short_is_an_error() {
        let now = Instant::now();
        assert!(matches!(yuyv(8, 8, now, &[0; 127]), Err(Error::Short { need: 128, have: 127 })));
        assert!(matches!(nv12(8, 8, now, &[0; 95]), Err(Error::Short { need: 96, have: 95 })));
        assert!(matches!(rgb(8, 8, now, &[0; 191]), Err(Error::Short { .. })));
        assert!(matches!(rgb(0, 8, now, &[0; 191]), Err(Error::Frame(_))));
    }
}
