//! What tokens are wrapped in: base64, and zlib in version 007.

use std::io::{Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, bufread::ZlibDecoder, write::ZlibEncoder};

use crate::{BuildError, Malformed};

/// The longest text that is looked at, in bytes. A token of every service with the longest accounts stays below half of it.
pub const MOST_TEXT: usize = 8 * 1024;

/// The most bytes that a token may inflate to.
pub const MOST_INFLATED: usize = 16 * 1024;

pub fn check_length(token: &str) -> Result<(), Malformed> {
    if token.len() <= MOST_TEXT { Ok(()) } else { Err(Malformed::TooLong) }
}

pub fn decode(text: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD.decode(text).map_err(|_| Malformed::Base64)
}

/// A token's text from its prefix and its bytes.
pub fn encode(prefix: &str, bytes: &[u8]) -> Result<String, BuildError> {
    let token = format!("{prefix}{}", STANDARD.encode(bytes));
    if token.len() <= MOST_TEXT { Ok(token) } else { Err(BuildError::TooLong) }
}

/// Stops one byte after [`MOST_INFLATED`], however much the data promises.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut inflated = Vec::new();
    let most = MOST_INFLATED as u64 + 1;
    ZlibDecoder::new(bytes).take(most).read_to_end(&mut inflated).map_err(|_| Malformed::Zlib)?;
    if inflated.len() <= MOST_INFLATED { Ok(inflated) } else { Err(Malformed::Zlib) }
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing into memory cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused() {
        let bomb = deflate(&vec![0; 100 << 20]);
        assert_eq!(inflate(&bomb), Err(Malformed::Zlib));
        assert!(inflate(&deflate(&vec![0; MOST_INFLATED])).is_ok());
        assert!(inflate(&deflate(&vec![0; MOST_INFLATED + 1])).is_err());
    }

    #[test]
    fn what_ends_too_early_is_refused() {
        let whole = deflate(b"a text that repeats, a text that repeats");
        for length in 0..whole.len() {
            assert!(inflate(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}
