//! How large a tile's picture is. Pure arithmetic.

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

/// How a picture meets a tile of another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// It fills the tile, and what stands over is cut away on both sides.
    #[default]
    Cover,
    /// All of it is seen.
    Contain,
}

/// What is done to a source: it is scaled as a whole, then a window is cut out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub scaled: Size,
    /// The window's left upper corner, both even, so that it falls on whole chroma samples.
    pub left: u32,
    pub top: u32,
    /// The window, and so the picture.
    pub picture: Size,
}

/// The plan for a source of at least one pixel in a tile of at least one pixel.
pub fn plan(source: Size, tile: Size, fit: Fit) -> Plan {
    let by_width = f64::from(tile.width) / f64::from(source.width);
    let by_height = f64::from(tile.height) / f64::from(source.height);
    let factor = match fit {
        Fit::Cover => by_width.max(by_height),
        Fit::Contain => by_width.min(by_height),
    };
    let scaled = scale(source, factor.min(1.0));
    let picture = match fit {
        Fit::Cover if factor <= 1.0 => Size { width: tile.width.min(scaled.width), height: tile.height.min(scaled.height) },
        // The page enlarges such a picture; it needs the tile's shape, not its size.
        Fit::Cover => scale(tile, 1.0 / factor).within(source),
        Fit::Contain => scaled,
    };
    let margin = |whole: u32, part: u32| ((whole - part) / 2) & !1;
    Plan { scaled, left: margin(scaled.width, picture.width), top: margin(scaled.height, picture.height), picture }
}

fn scale(size: Size, factor: f64) -> Size {
    // Sides are below 2¹⁶ and factors at most 1, so that the product fits.
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    Size { width: side(size.width), height: side(size.height) }
}

impl Size {
    fn within(self, bound: Self) -> Self {
        Self { width: self.width.min(bound.width), height: self.height.min(bound.height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_tile_of_the_same_shape_gets_the_whole_picture_at_its_own_size() {
        let plan = plan(size(1280, 720), size(640, 360), Fit::Cover);
        assert_eq!(plan, Plan { scaled: size(640, 360), left: 0, top: 0, picture: size(640, 360) });
    }

    #[test]
    fn a_narrow_tile_gets_the_middle() {
        let plan = plan(size(1280, 720), size(300, 600), Fit::Cover);
        assert_eq!(plan, Plan { scaled: size(1067, 600), left: 382, top: 0, picture: size(300, 600) });
    }

    #[test]
    fn a_flat_tile_gets_the_middle() {
        let plan = plan(size(640, 480), size(640, 360), Fit::Cover);
        assert_eq!(plan, Plan { scaled: size(640, 480), left: 0, top: 60, picture: size(640, 360) });
    }

    #[test]
    fn a_contained_picture_is_seen_whole() {
        let plan = plan(size(1280, 720), size(300, 600), Fit::Contain);
        assert_eq!(plan, Plan { scaled: size(300, 169), left: 0, top: 0, picture: size(300, 169) });
    }

    #[test]
    fn a_small_picture_is_not_enlarged_but_takes_the_tiles_shape() {
        let plan = plan(size(320, 180), size(1000, 1000), Fit::Cover);
        assert_eq!(plan, Plan { scaled: size(320, 180), left: 70, top: 0, picture: size(180, 180) });
        let whole = super::plan(size(320, 180), size(1000, 1000), Fit::Contain);
        assert_eq!(whole.picture, size(320, 180));
    }

    proptest! {
        #[test]
        fn a_picture_never_exceeds_source_or_tile_and_its_window_lies_within(
            source in (1u32..8192, 1u32..8192), tile in (1u32..8192, 1u32..8192), cover: bool,
        ) {
            let (source, tile) = (size(source.0, source.1), size(tile.0, tile.1));
            let plan = plan(source, tile, if cover { Fit::Cover } else { Fit::Contain });
            prop_assert!(plan.scaled.width <= source.width && plan.scaled.height <= source.height);
            prop_assert!(plan.picture.width <= tile.width && plan.picture.height <= tile.height);
            prop_assert!(plan.picture.width >= 1 && plan.picture.height >= 1);
            prop_assert!(plan.left.is_multiple_of(2) && plan.left + plan.picture.width <= plan.scaled.width);
            prop_assert!(plan.top.is_multiple_of(2) && plan.top + plan.picture.height <= plan.scaled.height);
        }
    }
}
