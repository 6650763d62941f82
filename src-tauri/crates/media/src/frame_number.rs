//! The number that a test picture carries in its top left corner, so that a frame can be recognised after the whole walk.
//!
//! Ten blocks on the first row: a white and a black guard, then 8 bits, most significant first, white = 1. A block is 32×32 pixels in
//! the picture's own size (smaller in pictures narrower than 320 pixels) and shrinks with it when it is scaled. The script that makes
//! the clips for measurements writes the same.

use crate::frame::VideoFrame;

const BLOCKS: u32 = 10;
const WHITE: u8 = 235;
const BLACK: u8 = 16;

/// The side of a block in a picture that is `width` pixels wide, in pixels.
fn block(width: u32) -> u32 {
    32.min(width / BLOCKS) & !1
}

/// Writes `number` into the I420 pixels `data` of a `width`×`height` picture. A picture smaller than its blocks stays as it is.
pub fn write(data: &mut [u8], width: u32, height: u32, number: u8) {
    let (side, width, height) = (block(width) as usize, width as usize, height as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    if side == 0 || height < side || data.len() < width * height + 2 * half_width * half_height {
        return;
    }
    let (luma, chroma) = data.split_at_mut(width * height);
    for row in luma.chunks_exact_mut(width).take(side) {
        for (pixels, white) in row.chunks_exact_mut(side).zip(pattern(number)) {
            pixels.fill(if white { WHITE } else { BLACK });
        }
    }
    for plane in chroma.chunks_exact_mut(half_width * half_height) {
        for row in plane.chunks_exact_mut(half_width).take(side / 2) {
            row[..BLOCKS as usize * side / 2].fill(128);
        }
    }
}

fn pattern(number: u8) -> impl Iterator<Item = bool> {
    [true, false].into_iter().chain((0..8).map(move |bit| number & (0x80 >> bit) != 0))
}

/// The number in a picture that was `source_width` pixels wide when the number was written; `None` if there is none or it is not clear.
pub fn read(frame: &VideoFrame, source_width: u32) -> Option<u8> {
    let side = f64::from(block(source_width)) * f64::from(frame.width()) / f64::from(source_width.max(1));
    let mut blocks = (0..BLOCKS).map(|index| bit(frame, side, index));
    if blocks.next()? != Some(true) || blocks.next()? != Some(false) {
        return None;
    }
    blocks.try_fold(0, |number, bit| Some(number << 1 | u8::from(bit?)))
}

/// What the middle half of a block says, if it is clearly white or black.
fn bit(frame: &VideoFrame, side: f64, index: u32) -> Option<bool> {
    let range = |start: f64| {
        let from = (start + side * 0.25) as usize;
        from..((start + side * 0.75) as usize).max(from + 1)
    };
    let (columns, rows) = (range(f64::from(index) * side), range(0.0));
    let width = frame.width() as usize;
    let mut sum = 0;
    for row in rows.clone() {
        sum += frame
            .y()
            .get(row * width + columns.start..row * width + columns.end.min(width))?
            .iter()
            .map(|&luma| u64::from(luma))
            .sum::<u64>();
    }
    match sum / (columns.len() * rows.len()) as u64 {
        0..96 => Some(false),
        160.. => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::frame::size;

    fn numbered(width: u32, height: u32, number: u8) -> VideoFrame {
        let mut data = vec![90; size(width, height).expect("fits")];
        write(&mut data, width, height, number);
        VideoFrame::new(width, height, Instant::now(), data).expect("fits")
    }

    #[test]
    fn a_written_number_is_read_back() {
        for number in [0, 1, 0x5A, 0xFF] {
            assert_eq!(read(&numbered(1280, 720, number), 1280), Some(number));
            assert_eq!(read(&numbered(160, 120, number), 160), Some(number));
        }
    }

    #[test]
    fn a_scaled_picture_keeps_its_number() {
        for (width, height) in [(960, 540), (640, 360), (333, 187), (160, 90)] {
            for number in [0xA5, 0x0F, 0xFE] {
                assert_eq!(read(&numbered(1280, 720, number).scaled(width, height).expect("fits"), 1280), Some(number));
            }
        }
    }

    #[test]
    fn a_picture_without_a_number_has_none() {
        assert_eq!(read(&VideoFrame::black(640, 360, Instant::now()).expect("fits"), 640), None);
        assert_eq!(read(&VideoFrame::black(2, 2, Instant::now()).expect("fits"), 0), None);
    }

    #[test]
    fn a_picture_too_small_for_a_number_stays_as_it_is() {
        let mut data = vec![90; size(16, 16).expect("fits")];
        write(&mut data, 16, 16, 7);
        write(&mut data, 640, 480, 7);
        assert!(data.iter().all(|&byte| byte == 90));
    }
}
