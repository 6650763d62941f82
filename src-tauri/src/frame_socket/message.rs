//! What the page says on the frame socket. Total: any text is a message or [`Malformed`].

use serde::Deserialize;

use crate::frames::{
    geometry::{Fit, Size},
    picture::{Format, Shape},
};

/// Tiles a page may have at once; their numbers are below this.
pub const MAX_TILES: u32 = 64;

/// The largest side of a tile, in device pixels: 8K.
const MAX_SIDE: u32 = 7680;

/// The longest name of a stream: an account of 255 characters and `-screen`.
const MAX_STREAM: usize = 262;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// This tile shows this stream from now on, in this shape.
    Show { tile: u32, stream: String, shape: Shape },
    /// This tile is gone.
    Hide { tile: u32 },
    /// This tile's picture was drawn: the next may come.
    Credit { tile: u32 },
}

/// Why a text is no message.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    #[error("not a message: {0}")]
    Json(#[from] serde_json::Error),
    #[error("tile {0} is beyond {MAX_TILES}")]
    Tile(u32),
    #[error("a stream's name has at most {MAX_STREAM} bytes")]
    Stream,
    #[error("a tile of {width}×{height} is too large")]
    Size { width: u32, height: u32 },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Credit {
        credit: u32,
    },
    Tile {
        tile: u32,
        stream: String,
        width: u32,
        height: u32,
        #[serde(default)]
        format: Format,
        #[serde(default)]
        fit: Fit,
    },
}

impl std::str::FromStr for Message {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match serde_json::from_str(text)? {
            Wire::Credit { credit } => Ok(Self::Credit { tile: tile_number(credit)? }),
            Wire::Tile { tile, width: 0, .. } | Wire::Tile { tile, height: 0, .. } => Ok(Self::Hide { tile: tile_number(tile)? }),
            Wire::Tile { width, height, .. } if width > MAX_SIDE || height > MAX_SIDE => Err(Malformed::Size { width, height }),
            Wire::Tile { stream, .. } if stream.len() > MAX_STREAM => Err(Malformed::Stream),
            Wire::Tile { tile, stream, width, height, format, fit } => {
                let shape = Shape { tile: Size { width, height }, fit, format };
                Ok(Self::Show { tile: tile_number(tile)?, stream, shape })
            }
        }
    }
}

fn tile_number(tile: u32) -> Result<u32, Malformed> {
    if tile < MAX_TILES { Ok(tile) } else { Err(Malformed::Tile(tile)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<Message> {
        text.parse().ok()
    }

    #[test]
    fn a_tile_names_its_stream_and_shape() {
        let message = parse(r#"{"tile":3,"stream":"local","width":640,"height":360,"format":"rgba","fit":"contain"}"#);
        let shape = Shape { tile: Size { width: 640, height: 360 }, fit: Fit::Contain, format: Format::Rgba };
        assert_eq!(message, Some(Message::Show { tile: 3, stream: "local".into(), shape }));
        let least = parse(r#"{"tile":3,"stream":"7","width":1,"height":1}"#);
        assert!(matches!(least, Some(Message::Show { shape: Shape { fit: Fit::Cover, format: Format::I420, .. }, .. })));
    }

    #[test]
    fn a_tile_without_pixels_is_gone() {
        assert_eq!(parse(r#"{"tile":3,"stream":"7","width":0,"height":360,"format":"i420"}"#), Some(Message::Hide { tile: 3 }));
    }

    #[test]
    fn a_credit_names_its_tile() {
        assert_eq!(parse(r#"{"credit":3}"#), Some(Message::Credit { tile: 3 }));
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for bad in [
            r#"{"credit":64}"#.to_owned(),
            r#"{"credit":-1}"#.to_owned(),
            r#"{"tile":64,"stream":"7","width":1,"height":1}"#.to_owned(),
            r#"{"tile":1,"stream":"7","width":7681,"height":1}"#.to_owned(),
            r#"{"tile":1,"stream":"7","width":1.5,"height":1}"#.to_owned(),
            format!(r#"{{"tile":1,"stream":"{}","width":1,"height":1}}"#, "x".repeat(263)),
            "{}".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}", tile: u32, side: u32) {
            let _ = parse(&text);
            let _ = parse(&format!(r#"{{"tile":{tile},"stream":"7","width":{side},"height":{side}}}"#));
        }
    }
}
