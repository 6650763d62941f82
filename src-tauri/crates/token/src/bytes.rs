//! The tokens' packing: little-endian numbers, texts behind a u16 length, maps behind a u16 count.

use crate::{BuildError, Malformed, Privileges};

/// Reads from the front; every method fails rather than read beyond the end.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u16()?;
        self.take(length.into())
    }

    pub fn text(&mut self) -> Result<String, Malformed> {
        std::str::from_utf8(self.bytes()?).map(str::to_owned).map_err(|_| Malformed::Text)
    }

    /// Of a key that comes twice the last value counts.
    pub fn map(&mut self) -> Result<Privileges, Malformed> {
        let count = self.u16()?;
        (0..count).map(|_| Ok((self.u16()?, self.u32()?))).collect()
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// Appends to a buffer.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn u16(&mut self, number: u16) {
        self.0.extend(number.to_le_bytes());
    }

    pub fn i16(&mut self, number: i16) {
        self.0.extend(number.to_le_bytes());
    }

    pub fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    /// At most 65535 bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.u16(u16::try_from(bytes.len()).map_err(|_| BuildError::TooLong)?);
        self.0.extend(bytes);
        Ok(())
    }

    /// Keys ascending, as the map holds them.
    pub fn map(&mut self, map: &Privileges) -> Result<(), BuildError> {
        self.u16(u16::try_from(map.len()).map_err(|_| BuildError::TooLong)?);
        for (key, value) in map {
            self.u16(*key);
            self.u32(*value);
        }
        Ok(())
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
