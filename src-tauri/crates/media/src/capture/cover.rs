//! Fitting a picture to a wanted size without distorting it: what sticks out is cut off evenly on both sides, the rest is scaled.

use crate::{VideoFrame, frame, scale};

/// How pictures of one size become pictures of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    from: (u32, u32),
    /// The part that is kept: left, top, width, height; left and top are even, so that the colour planes can be cut too.
    part: (u32, u32, u32, u32),
    to: (u32, u32),
}

impl Cover {
    /// From pictures of `from` (width, height) to pictures of exactly `to`; all sides between 1 and [`frame::MAX_SIDE`].
    pub fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        let (width, height) = (u64::from(from.0), u64::from(from.1));
        let (to_width, to_height) = (u64::from(to.0.max(1)), u64::from(to.1.max(1)));
        // The largest part with the aspect of `to`: it has the whole height or the whole width.
        let kept = if width * to_height >= height * to_width {
            (((height * to_width + to_height / 2) / to_height).clamp(1, width), height)
        } else {
            (width, ((width * to_height + to_width / 2) / to_width).clamp(1, height))
        };
        let (kept_width, kept_height) = (kept.0 as u32, kept.1 as u32);
        let centred = |side: u32, kept: u32| ((side - kept) / 2) & !1;
        Self { from, part: (centred(from.0, kept_width), centred(from.1, kept_height), kept_width, kept_height), to }
    }

    /// The same, but to the largest size of `to`'s aspect that enlarges nothing.
    pub fn within(from: (u32, u32), to: (u32, u32)) -> Self {
        if to.0 <= from.0 && to.1 <= from.1 { Self::new(from, to) } else { Self::new(from, scale::fit(to, from)) }
    }

    /// The size of the pictures that come out.
    pub fn size(&self) -> (u32, u32) {
        self.to
    }

    /// Cuts and scales. A picture of another size than `from` is fitted by its own size.
    pub fn apply(&self, picture: VideoFrame) -> VideoFrame {
        let size = (picture.width(), picture.height());
        if size != self.from {
            return Self::new(size, self.to).apply(picture);
        }
        let (left, top, width, height) = self.part;
        let part = if (width, height) == size { picture } else { cut(&picture, (left, top), (width, height)) };
        part.scaled(self.to.0, self.to.1).expect("the size was checked when the source was opened")
    }
}

fn cut(picture: &VideoFrame, place: (u32, u32), (width, height): (u32, u32)) -> VideoFrame {
    let mut data = Vec::with_capacity(frame::size(width, height).unwrap_or(0));
    frame::cut(picture.data(), (picture.width(), picture.height()), place, (width, height), &mut data);
    VideoFrame::new(width, height, picture.captured(), data).expect("a part of a frame has its size")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    /// Each luma sample is its column, each chroma sample its row.
    fn ramp(width: u32, height: u32) -> VideoFrame {
        let mut data: Vec<u8> = (0..height).flat_map(|_| (0..width).map(|x| x as u8)).collect();
        for _ in 0..2 {
            data.extend((0..height.div_ceil(2)).flat_map(|y| (0..width.div_ceil(2)).map(move |_| y as u8)));
        }
        VideoFrame::new(width, height, Instant::now(), data).expect("fits")
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let picture = ramp(64, 36);
        let same = Cover::new((64, 36), (64, 36)).apply(picture.clone());
        assert!(std::ptr::eq(picture.data(), same.data()));
    }

    #[test]
    fn a_wide_picture_loses_its_sides_and_a_tall_one_its_top_and_bottom() {
        assert_eq!(Cover::new((1280, 720), (640, 480)).part, (160, 0, 960, 720));
        assert_eq!(Cover::new((640, 480), (1280, 720)).part, (0, 60, 640, 360));
    }

    #[test]
    fn the_middle_is_kept() {
        let cut = Cover::new((64, 32), (32, 32)).apply(ramp(64, 32));
        assert_eq!((cut.width(), cut.height()), (32, 32));
        assert_eq!((cut.y()[0], cut.y()[31], cut.u()[0]), (16, 47, 0));
        let cut = Cover::new((32, 64), (32, 32)).apply(ramp(32, 64));
        assert_eq!((cut.y()[0], cut.u()[0], *cut.v().last().expect("not empty")), (0, 8, 23));
    }

    #[test]
    fn nothing_is_enlarged_within() {
        assert_eq!(Cover::within((640, 480), (1280, 720)).size(), (640, 360));
        assert_eq!(Cover::within((1280, 720), (640, 480)).size(), (640, 480));
    }

    #[test]
    fn a_picture_of_another_size_is_fitted_all_the_same() {
        let picture = Cover::new((64, 36), (32, 18)).apply(ramp(50, 50));
        assert_eq!((picture.width(), picture.height()), (32, 18));
    }

    proptest! {
        #[test]
        fn any_size_becomes_any_other(from in (1u32..80, 1u32..80), to in (1u32..80, 1u32..80)) {
            let picture = Cover::new(from, to).apply(ramp(from.0, from.1));
            prop_assert_eq!((picture.width(), picture.height()), to);
        }
    }
}
