//! A moving test pattern: colour bars over a grey ramp, a ball that wanders, a clock, and the frame's number for programs.
//!
//! What does not move is drawn once; a picture costs one copy of it and the few pixels that move.

use std::time::{Duration, Instant};

use super::glyphs;
use super::schedule::Schedule;
use super::source::{Source, Stop};
use super::{Error, VideoFormat};
use crate::{VideoFrame, frame, frame_number};

/// The pattern's device id.
pub const ID: &str = "pattern";

/// Y, U, V of the bars from left to right: white, yellow, cyan, green, magenta, red, blue at 75 % (BT.601, limited range).
const BARS: [[u8; 3]; 7] = [[180, 128, 128], [162, 44, 142], [131, 156, 44], [112, 72, 58], [84, 184, 198], [65, 100, 212], [35, 212, 114]];
const WHITE: u8 = 235;
const BLACK: u8 = 16;
const GREY: u8 = 128;

/// The pattern as a camera.
pub struct Pattern {
    format: VideoFormat,
    still: Vec<u8>,
    schedule: Schedule,
    start: Instant,
}

impl Pattern {
    /// A pattern whose first frame is due at `start`; `format` must be a size a frame can have.
    pub fn new(format: VideoFormat, start: Instant) -> Self {
        Self { format, still: still(format.width, format.height), schedule: Schedule::new(start, format.fps, 1), start }
    }

    fn draw(&self, index: u64, captured: Instant) -> VideoFrame {
        let (width, height) = (self.format.width, self.format.height);
        let mut data = self.still.clone();
        let mut canvas = Canvas { data: &mut data, width: width as usize, height: height as usize };
        let shown = captured.saturating_duration_since(self.start);
        canvas.ball(shown);
        canvas.clock(shown);
        frame_number::write(&mut data, width, height, index as u8);
        VideoFrame::new(width, height, captured, data).expect("the still picture has the frame's size")
    }
}

impl Source for Pattern {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Option<VideoFrame>, Error> {
        let slot = self.schedule.take(Instant::now());
        let frame = self.draw(slot.index, slot.due);
        Ok((!stop.wait_until(slot.due)).then_some(frame))
    }
}

/// Bars above, fading a little downwards; a grey ramp in the lowest fifth.
fn still(width: u32, height: u32) -> Vec<u8> {
    let mut data = Vec::with_capacity(frame::size(width, height).unwrap_or(0));
    let (width, height) = (width as usize, height as usize);
    let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
    let bar = |x: usize, width: usize| BARS[x * BARS.len() / width];
    for y in 0..height {
        if y < height * 4 / 5 {
            data.extend((0..width).map(|x| (usize::from(bar(x, width)[0]) * (height * 4 - y) / (height * 4)) as u8));
        } else {
            data.extend((0..width).map(|x| BLACK + (x * usize::from(WHITE - BLACK) / width) as u8));
        }
    }
    for plane in 1..=2 {
        for y in 0..rows {
            let ramp = y >= rows * 4 / 5;
            data.extend((0..columns).map(|x| if ramp { GREY } else { bar(x, columns)[plane] }));
        }
    }
    data
}

/// I420 pixels that are drawn upon.
struct Canvas<'a> {
    data: &'a mut [u8],
    width: usize,
    height: usize,
}

impl Canvas<'_> {
    /// A white ball with a soft edge. It swings at two speeds that share no beat, so that it passes everywhere.
    fn ball(&mut self, shown: Duration) {
        let seconds = shown.as_secs_f32();
        let (width, height) = (self.width as f32, self.height as f32);
        let radius = (width.min(height) / 9.0).max(1.0);
        let x = width * (0.5 + 0.4 * (seconds * 1.31).sin());
        let y = height * (0.45 + 0.3 * (seconds * 1.87).cos());
        let edge = (radius / 10.0).max(1.0);
        let span = |centre: f32, side: usize| {
            let from = (centre - radius - edge).max(0.0) as usize;
            from.min(side)..((centre + radius + edge).max(0.0) as usize).min(side)
        };
        let (columns, rows) = (span(x, self.width), span(y, self.height));
        for row in rows.clone() {
            for column in columns.clone() {
                let distance = (column as f32 - x).hypot(row as f32 - y);
                let opacity = ((radius - distance) / edge).clamp(0.0, 1.0);
                let shade = f32::from(WHITE) - 60.0 * (distance / radius).min(1.0);
                let pixel = &mut self.data[row * self.width + column];
                *pixel = (f32::from(*pixel) * (1.0 - opacity) + shade * opacity) as u8;
            }
        }
        self.grey(columns, rows, |column, row| (column as f32 - x).hypot(row as f32 - y) < radius);
    }

    /// Minutes, seconds and hundredths since the start, on a dark panel in the middle of the ramp.
    fn clock(&mut self, shown: Duration) {
        let text = clock_text(shown);
        let dot = self.height / 60;
        let (panel_width, panel_height) = ((text.len() * glyphs::ADVANCE + 3) * dot, (glyphs::HEIGHT + 4) * dot);
        if dot == 0 || panel_width > self.width {
            return;
        }
        let (left, top) = (((self.width - panel_width) / 2) & !1, (self.height * 9 / 10 - panel_height / 2) & !1);
        for row in top..top + panel_height {
            self.data[row * self.width + left..][..panel_width].fill(BLACK);
        }
        for (place, digit) in text.iter().enumerate() {
            let at = left + (place * glyphs::ADVANCE + 2) * dot;
            for (column, row) in glyphs::dots(*digit) {
                for line in 0..dot {
                    let y = top + (row + 2) * dot + line;
                    self.data[y * self.width + at + column * dot..][..dot].fill(WHITE);
                }
            }
        }
    }

    /// Takes the colour out where `inside` holds, for whole 2×2 blocks.
    fn grey(&mut self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>, inside: impl Fn(usize, usize) -> bool) {
        let (chroma_width, chroma_height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let (u, v) = self.data[self.width * self.height..].split_at_mut(chroma_width * chroma_height);
        for row in rows.start / 2..rows.end / 2 {
            for column in columns.start / 2..columns.end / 2 {
                if inside(column * 2, row * 2) {
                    u[row * chroma_width + column] = GREY;
                    v[row * chroma_width + column] = GREY;
                }
            }
        }
    }
}

/// `MM:SS.CC` as the glyphs' numbers.
fn clock_text(shown: Duration) -> [u8; 8] {
    let hundredths = shown.as_millis() / 10;
    let digit = |divisor: u128, base: u128| (hundredths / divisor % base) as u8;
    [digit(60_000, 10), digit(6_000, 10), glyphs::COLON, digit(1_000, 6), digit(100, 10), glyphs::POINT, digit(10, 10), digit(1, 10)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(width: u32, height: u32) -> Pattern {
        Pattern::new(VideoFormat { width, height, fps: 30 }, Instant::now())
    }

    #[test]
    fn frames_are_numbered_and_differ() {
        let pattern = pattern(1280, 720);
        let first = pattern.draw(0, pattern.start);
        let later = pattern.draw(257, pattern.start + Duration::from_millis(40));
        assert_eq!(frame_number::read(&first, 1280), Some(0));
        assert_eq!(frame_number::read(&later, 1280), Some(1));
        assert_ne!(first.data(), later.data());
    }

    #[test]
    fn the_clock_shows_minutes_seconds_and_hundredths() {
        let shown = Duration::from_millis(12 * 60_000 + 34_567);
        assert_eq!(clock_text(shown), [1, 2, glyphs::COLON, 3, 4, glyphs::POINT, 5, 6]);
        assert_eq!(clock_text(Duration::from_secs(100 * 60)), [0, 0, glyphs::COLON, 0, 0, glyphs::POINT, 0, 0]);
    }

    #[test]
    fn the_bars_run_from_white_to_blue() {
        let frame = pattern(700, 350).draw(0, Instant::now());
        let row = 100 * 700;
        assert!(frame.y()[row + 20] > frame.y()[row + 680]);
        assert_eq!((frame.u()[50 * 350 + 340], frame.v()[50 * 350 + 340]), (212, 114));
    }

    proptest! {
        #[test]
        fn any_size_can_be_drawn_at_any_time(width in 1u32..400, height in 1u32..400, millis in 0u64..10_000_000) {
            let pattern = pattern(width, height);
            let frame = pattern.draw(millis, pattern.start + Duration::from_millis(millis));
            prop_assert_eq!((frame.width(), frame.height()), (width, height));
        }
    }
}
