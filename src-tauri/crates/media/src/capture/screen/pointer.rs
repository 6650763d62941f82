//! The mouse pointer, which X11 leaves out of what it shows to programs: asked for by itself and drawn where it stands.
//!
//! The arithmetic is pure; [`Pointer`] alone speaks to the display.

use super::Picture;

/// A pointer's image: what it adds to a pixel, and how much it leaves of it.
struct Cursor {
    width: usize,
    /// One number a pixel: alpha, red, green, blue from the top, the colours multiplied by alpha.
    pixels: Vec<u32>,
}

/// Draws the cursor into the picture with its upper left corner at this place, which may lie outside.
fn draw(picture: &mut Picture, cursor: &Cursor, (left, top): (i64, i64)) {
    let (width, height) = (i64::from(picture.width), i64::from(picture.height));
    for (row, pixels) in cursor.pixels.chunks_exact(cursor.width.max(1)).enumerate() {
        let y = top + row as i64;
        for (column, argb) in pixels.iter().enumerate() {
            let x = left + column as i64;
            if !(0..width).contains(&x) || !(0..height).contains(&y) {
                continue;
            }
            let at = ((y * width + x) * 4) as usize;
            let Some(pixel) = picture.pixels.get_mut(at..at + 3) else { return };
            let [alpha, colour @ ..] = argb.to_be_bytes();
            for (old, new) in pixel.iter_mut().zip(colour) {
                *old = (u32::from(new) + u32::from(*old) * u32::from(255 - alpha) / 255).min(255) as u8;
            }
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) use x11::Pointer;

#[cfg(target_os = "linux")]
mod x11 {
    use x11rb::{
        connection::Connection,
        errors::ReplyError,
        protocol::{xfixes::ConnectionExt as _, xproto::ConnectionExt as _},
        rust_connection::RustConnection,
    };

    use super::{Cursor, Picture, draw};

    /// A connection to the display that knows its pointer (XFixes 2).
    pub struct Pointer {
        display: RustConnection,
        root: u32,
    }

    impl Pointer {
        /// None where the display does not tell: then a shared screen goes without.
        pub fn find() -> Option<Self> {
            let (display, screen) = x11rb::connect(None).ok()?;
            display.xfixes_query_version(2, 0).ok()?.reply().ok()?;
            let root = display.setup().roots.get(screen)?.root;
            Some(Self { display, root })
        }

        /// Draws the pointer into the picture of a window, whose X id this is, or of a part of the desktop that begins at this place.
        pub fn draw(&self, picture: &mut Picture, window: Option<u32>, origin: (i32, i32)) {
            // What cannot be read is gone, or about to be; the picture is good without.
            if let Err(error) = self.try_draw(picture, window, origin) {
                tracing::debug!(%error, "the pointer");
            }
        }

        fn try_draw(&self, picture: &mut Picture, window: Option<u32>, origin: (i32, i32)) -> Result<(), ReplyError> {
            let image = self.display.xfixes_get_cursor_image()?;
            let (x, y) = match window {
                Some(window) => {
                    let place = self.display.translate_coordinates(window, self.root, 0, 0)?.reply()?;
                    (i64::from(place.dst_x), i64::from(place.dst_y))
                }
                None => (origin.0.into(), origin.1.into()),
            };
            let image = image.reply()?;
            let left = i64::from(image.x) - i64::from(image.xhot) - x;
            let top = i64::from(image.y) - i64::from(image.yhot) - y;
            draw(picture, &Cursor { width: image.width.into(), pixels: image.cursor_image }, (left, top));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture { width: 3, height: 2, pixels: [100, 100, 100, 255].repeat(6) }
    }

    fn reds(picture: &Picture) -> Vec<u8> {
        picture.pixels.chunks(4).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn what_is_clear_leaves_the_picture_and_what_is_not_covers_it() {
        let mut screen = picture();
        let cursor = Cursor { width: 2, pixels: vec![0, 0xffff_0000, 0x8000_0000, 0xff00_00ff] };
        draw(&mut screen, &cursor, (0, 0));
        assert_eq!(reds(&screen), [100, 255, 100, 49, 0, 100]);
        assert!(screen.pixels.chunks(4).all(|pixel| pixel[3] == 255));
    }

    #[test]
    fn a_pointer_that_stands_half_outside_is_cut() {
        let cursor = Cursor { width: 2, pixels: vec![0xffff_ffff; 4] };
        for (place, reds_then) in [((-1, -1), [255, 100, 100, 100, 100, 100]), ((2, 1), [100, 100, 100, 100, 100, 255])] {
            let mut screen = picture();
            draw(&mut screen, &cursor, place);
            assert_eq!(reds(&screen), reds_then);
        }
        let mut screen = picture();
        draw(&mut screen, &cursor, (i64::from(i32::MAX), i64::from(i32::MIN)));
        draw(&mut screen, &Cursor { width: 0, pixels: Vec::new() }, (0, 0));
        assert_eq!(reds(&screen), [100; 6]);
    }
}
