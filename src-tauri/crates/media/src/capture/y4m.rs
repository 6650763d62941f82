//! YUV4MPEG2: the headers of a `.y4m` file, without the file.
//!
//! Invariant: the parsers are total. They take any bytes, allocate nothing that the bytes ask for, and answer in time proportional to
//! the line they read, at most [`MAX_LINE`] bytes.

/// The longest header line that is read, with its newline.
pub const MAX_LINE: usize = 1024;

const MAGIC: &[u8] = b"YUV4MPEG2";
const FRAME: &[u8] = b"FRAME";
/// What a file that does not say its rate is played at, in frames per second.
const DEFAULT_RATE: (u32, u32) = (25, 1);
const MAX_FPS: u32 = 1000;

/// Why bytes are not the start of a `.y4m` file that can be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it does not begin with YUV4MPEG2")]
    Magic,
    #[error("its first line does not end within {MAX_LINE} bytes")]
    Line,
    #[error("its header field {0:?} makes no sense")]
    Field(String),
    #[error("its header does not say how large the picture is")]
    NoSize,
    #[error(transparent)]
    Size(#[from] crate::frame::Error),
    #[error("its colour format C{0} is not 8 bit 4:2:0")]
    Colour(String),
}

/// The first line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// Frames per second, as a fraction.
    pub rate: (u32, u32),
    /// How many bytes the line takes, with its newline.
    pub length: usize,
    /// How many bytes a picture takes: I420, tightly packed.
    pub frame_size: usize,
}

impl Header {
    /// Reads the header that `bytes` begin with.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if !bytes.starts_with(MAGIC) {
            return Err(Error::Magic);
        }
        let length = line(bytes).ok_or(Error::Line)?;
        let (mut width, mut height, mut rate) = (None, None, DEFAULT_RATE);
        for field in bytes[MAGIC.len()..length - 1].split(|&byte| byte == b' ').filter(|field| !field.is_empty()) {
            let text = String::from_utf8_lossy(&field[1..]);
            match field[0] {
                b'W' => width = Some(number(field)?),
                b'H' => height = Some(number(field)?),
                b'F' => rate = fraction(field)?,
                b'C' if !matches!(&*text, "420" | "420jpeg" | "420mpeg2" | "420paldv") => return Err(Error::Colour(text.into_owned())),
                // Interlacing, the pixels' aspect and comments change nothing about how the bytes are laid out.
                _ => {}
            }
        }
        let (width, height) = width.zip(height).ok_or(Error::NoSize)?;
        Ok(Self { width, height, rate, length, frame_size: crate::frame::size(width, height)? })
    }

    /// Frames per second, rounded, at least 1.
    pub fn fps(&self) -> u32 {
        let (frames, seconds) = (u64::from(self.rate.0), u64::from(self.rate.1));
        u32::try_from((frames + seconds / 2) / seconds).unwrap_or(MAX_FPS).max(1)
    }
}

/// How many bytes the frame header takes that `bytes` begin with, with its newline; `None` if they do not begin with one.
pub fn frame_header(bytes: &[u8]) -> Option<usize> {
    let length = line(bytes)?;
    let parameters = bytes[..length - 1].strip_prefix(FRAME)?;
    (parameters.is_empty() || parameters.starts_with(b" ")).then_some(length)
}

fn line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().take(MAX_LINE).position(|&byte| byte == b'\n').map(|newline| newline + 1)
}

fn number(field: &[u8]) -> Result<u32, Error> {
    parse(&field[1..]).ok_or_else(|| wrong(field))
}

fn fraction(field: &[u8]) -> Result<(u32, u32), Error> {
    let colon = field.iter().position(|&byte| byte == b':').ok_or_else(|| wrong(field))?;
    let (frames, seconds) = parse(&field[1..colon]).zip(parse(&field[colon + 1..])).ok_or_else(|| wrong(field))?;
    match (frames, seconds) {
        (0, 0) => Ok(DEFAULT_RATE),
        (0, _) | (_, 0) => Err(wrong(field)),
        _ if frames / seconds >= MAX_FPS || seconds / frames >= MAX_FPS => Err(wrong(field)),
        _ => Ok((frames, seconds)),
    }
}

fn parse(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn wrong(field: &[u8]) -> Error {
    Error::Field(String::from_utf8_lossy(field).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Header, Error> {
        Header::parse(format!("{line}\nFRAME\n").as_bytes())
    }

    #[test]
    fn a_header_gives_size_rate_and_length() {
        let header = parse("YUV4MPEG2 W1280 H720 F30000:1001 Ip A1:1 C420jpeg Xcomment").expect("valid");
        assert_eq!((header.width, header.height, header.rate), (1280, 720, (30_000, 1001)));
        assert_eq!((header.length, header.frame_size, header.fps()), (59, 1_382_400, 30));
    }

    #[test]
    fn a_header_without_rate_or_colour_is_25_fps_and_420() {
        assert_eq!(parse("YUV4MPEG2 W5 H3").expect("valid").rate, (25, 1));
        assert_eq!(parse("YUV4MPEG2 W5 H3 F0:0").expect("valid").frame_size, 15 + 2 * 6);
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        assert_eq!(parse("RIFF"), Err(Error::Magic));
        assert_eq!(Header::parse(b"YUV4MPEG2 W4 H4"), Err(Error::Line));
        assert_eq!(Header::parse(&[MAGIC, &[b' '; 2000], b"\n"].concat()), Err(Error::Line));
        assert_eq!(parse("YUV4MPEG2 W4"), Err(Error::NoSize));
        assert_eq!(parse("YUV4MPEG2 W-4 H4"), Err(Error::Field("W-4".into())));
        assert_eq!(parse("YUV4MPEG2 W4 H4 F30:0"), Err(Error::Field("F30:0".into())));
        assert_eq!(parse("YUV4MPEG2 W4 H4 F30"), Err(Error::Field("F30".into())));
        assert_eq!(parse("YUV4MPEG2 W4 H4 F4000000000:1"), Err(Error::Field("F4000000000:1".into())));
        assert_eq!(parse("YUV4MPEG2 W4 H4 C422"), Err(Error::Colour("422".into())));
        assert!(matches!(parse("YUV4MPEG2 W0 H4"), Err(Error::Size(_))));
        assert!(matches!(parse("YUV4MPEG2 W4294967295 H4294967295"), Err(Error::Size(_))));
    }

    #[test]
    fn a_frame_header_may_carry_parameters() {
        assert_eq!(frame_header(b"FRAME\n\x10"), Some(6));
        assert_eq!(frame_header(b"FRAME Ip X\nrest"), Some(11));
        assert_eq!(frame_header(b"FRAMES\n"), None);
        assert_eq!(frame_header(b"FRAME"), None);
        assert_eq!(frame_header(b""), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Header::parse(&bytes);
            let _ = frame_header(&bytes);
            let _ = Header::parse(&[MAGIC, b" ", &bytes, b"\n"].concat());
        }

        #[test]
        fn any_fields_are_answered(fields in "( [WHFCAIX][0-9:a-z]{0,12}){0,8}") {
            if let Ok(header) = Header::parse(format!("YUV4MPEG2{fields}\n").as_bytes()) {
                prop_assert!(header.fps() >= 1 && header.frame_size > 0);
            }
        }
    }
}
