//! Sound as a WAV file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// A stereo 48 kHz 16-bit WAV file.
pub struct Wav {
    file: BufWriter<File>,
    bytes: u32,
}

impl Wav {
    const HEADER: u32 = 44;

    pub fn create(path: &Path) -> io::Result<Self> {
        let mut wav = Self { file: BufWriter::new(File::create(path)?), bytes: 0 };
        wav.header()?;
        Ok(wav)
    }

    fn header(&mut self) -> io::Result<()> {
        const CHANNELS: u16 = 2;
        const RATE: u32 = 48_000;
        const BYTES: u16 = 2;
        let frame = CHANNELS * BYTES;
        let out = &mut self.file;
        out.write_all(b"RIFF")?;
        out.write_all(&(Self::HEADER - 8 + self.bytes).to_le_bytes())?;
        out.write_all(b"WAVEfmt ")?;
        out.write_all(&16u32.to_le_bytes())?;
        out.write_all(&1u16.to_le_bytes())?;
        out.write_all(&CHANNELS.to_le_bytes())?;
        out.write_all(&RATE.to_le_bytes())?;
        out.write_all(&(RATE * u32::from(frame)).to_le_bytes())?;
        out.write_all(&frame.to_le_bytes())?;
        out.write_all(&(BYTES * 8).to_le_bytes())?;
        out.write_all(b"data")?;
        out.write_all(&self.bytes.to_le_bytes())
    }

    /// Appends interleaved stereo samples; past 4 GiB, where the format ends, nothing more is written.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        let Some(bytes) = u32::try_from(samples.len() * 2)
            .ok()
            .and_then(|more| self.bytes.checked_add(more))
            .filter(|sum| sum.checked_add(Self::HEADER).is_some())
        else {
            return Ok(());
        };
        for sample in samples {
            let value = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16;
            self.file.write_all(&value.to_le_bytes())?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Makes the file whole for now; more may follow.
    pub fn complete(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.header()?;
        self.file.seek(SeekFrom::End(0))?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_says_its_own_length() {
        let path = std::env::temp_dir().join(format!("visavis-wav-{}", std::process::id()));
        let mut wav = Wav::create(&path).unwrap();
        wav.write(&[0.0, 1.0, -1.0, 2.0]).unwrap();
        wav.complete().unwrap();
        wav.write(&[0.5, 0.5]).unwrap();
        wav.complete().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bytes.len(), 44 + 12);
        assert_eq!(bytes[40..44], 12u32.to_le_bytes());
        assert_eq!(bytes[44..52], [0, 0, 0xff, 0x7f, 0x01, 0x80, 0xff, 0x7f]);
    }
}
