//! A `.wav` file as a microphone: any rate, depth and number of channels; streamed, looped.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec};

use super::channels::remix;
use super::error::Cause;
use super::resample::Resampler;
use super::{Error, SAMPLE_RATE};

/// Frames that are read at once.
const PIECE: usize = 1024;

/// Why a file that hound can open cannot be played.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it holds no sound")]
    Empty,
    #[error("its format ({0} Hz, {1} channels) makes no sense")]
    Format(u32, u16),
    #[error("it became another file while it was played")]
    Changed,
}

/// An open file.
pub struct Wav {
    path: PathBuf,
    reader: WavReader<BufReader<File>>,
    resampler: Resampler,
    channels: usize,
    /// Sound at 48 kHz that was not asked for yet, interleaved.
    ready: Vec<f32>,
}

impl Wav {
    /// Opens a file, to be read as `channels` channels.
    pub fn open(path: &Path, channels: usize) -> Result<Self, Error> {
        let failed = |source: Cause| Error::File { path: path.to_owned(), source };
        let reader = WavReader::open(path).map_err(|error| failed(error.into()))?;
        let spec = reader.spec();
        if !(1000..=768_000).contains(&spec.sample_rate) || !(1..=32).contains(&spec.channels) {
            return Err(failed(Unusable::Format(spec.sample_rate, spec.channels).into()));
        }
        let mut wav = Self {
            path: path.to_owned(),
            reader,
            resampler: Resampler::new(spec.sample_rate, SAMPLE_RATE, channels),
            channels,
            ready: Vec::new(),
        };
        wav.refill()?;
        Ok(wav)
    }

    /// Fills `out` with the next samples at 48 kHz, interleaved. An error ends the file.
    pub fn fill(&mut self, out: &mut [f32]) -> Result<(), Error> {
        while self.ready.len() < out.len() {
            self.refill()?;
        }
        out.copy_from_slice(&self.ready[..out.len()]);
        self.ready.drain(..out.len());
        Ok(())
    }

    /// Reads one piece, from the start again where the file ends.
    fn refill(&mut self) -> Result<(), Error> {
        let mut piece = read(&mut self.reader);
        if piece.is_empty() {
            // Not sought: hound seeks from where it believes to be, which is wrong after a read that failed.
            let again = WavReader::open(&self.path).map_err(|error| self.failed(error.into()))?;
            if again.spec() != self.reader.spec() {
                return Err(self.failed(Unusable::Changed.into()));
            }
            self.reader = again;
            piece = read(&mut self.reader);
        }
        if piece.is_empty() {
            return Err(self.failed(Unusable::Empty.into()));
        }
        let mut mixed = Vec::with_capacity(PIECE * self.channels);
        remix(&piece, self.reader.spec().channels.into(), self.channels, &mut mixed);
        self.resampler.push(&mixed, &mut self.ready);
        Ok(())
    }

    fn failed(&self, source: Cause) -> Error {
        Error::File { path: self.path.clone(), source }
    }
}

/// The next whole frames, fewer at the end. A file that is cut short ends where its bytes end, whatever its header says.
fn read(reader: &mut WavReader<BufReader<File>>) -> Vec<f32> {
    let WavSpec { channels, bits_per_sample, sample_format, .. } = reader.spec();
    let count = PIECE * usize::from(channels);
    let mut samples: Vec<f32> = match sample_format {
        SampleFormat::Float => reader.samples::<f32>().take(count).map_while(Result::ok).collect(),
        SampleFormat::Int => {
            let scale = 1.0 / (1_u64 << (bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader.samples::<i32>().take(count).map_while(Result::ok).map(|sample| sample as f32 * scale).collect()
        }
    };
    samples.truncate(samples.len() / usize::from(channels) * usize::from(channels));
    for sample in &mut samples {
        *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
    }
    samples
}

#[cfg(test)]
mod tests {
    use hound::WavWriter;

    use super::*;

    /// A file in the system's temporary folder, removed when dropped.
    struct Temporary(PathBuf);

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn temporary(name: &str) -> Temporary {
        Temporary(std::env::temp_dir().join(format!("visavis-{}-{name}.wav", std::process::id())))
    }

    /// `frames` frames whose every sample is half of full scale.
    fn written(name: &str, channels: u16, sample_rate: u32, bits_per_sample: u16, frames: usize) -> Temporary {
        let file = temporary(name);
        let float = bits_per_sample == 0;
        let sample_format = if float { SampleFormat::Float } else { SampleFormat::Int };
        let bits_per_sample = if float { 32 } else { bits_per_sample };
        let mut writer = WavWriter::create(&file.0, WavSpec { channels, sample_rate, bits_per_sample, sample_format }).expect("writable");
        for _ in 0..frames * usize::from(channels) {
            if float {
                writer.write_sample(0.5_f32).expect("writable");
            } else {
                writer.write_sample(1_i32 << (bits_per_sample - 2)).expect("writable");
            }
        }
        writer.finalize().expect("writable");
        file
    }

    #[test]
    fn every_depth_and_rate_gives_the_same_sound() {
        for (bits, rate, channels) in [(8, 48_000, 1), (16, 44_100, 2), (24, 96_000, 1), (32, 16_000, 2), (0, 22_050, 6)] {
            let file = written(&format!("depth{bits}"), channels, rate, bits, rate as usize / 2);
            let mut wav = Wav::open(&file.0, 2).expect("valid");
            let mut sound = vec![0.0; 2 * 9600];
            wav.fill(&mut sound).expect("loops");
            assert!(sound.iter().skip(400).all(|sample| (sample - 0.5).abs() < 1e-3), "{bits} bit");
        }
    }

    #[test]
    fn a_short_file_is_repeated() {
        let file = written("short", 1, 48_000, 16, 7);
        let mut sound = vec![0.0; 480];
        Wav::open(&file.0, 1).expect("valid").fill(&mut sound).expect("loops");
        assert!(sound.iter().all(|&sample| sample == 0.5));
    }

    #[test]
    fn a_file_that_is_cut_short_ends_where_its_bytes_end() {
        let file = written("cut", 2, 48_000, 16, 1000);
        let bytes = std::fs::read(&file.0).expect("just written");
        std::fs::write(&file.0, &bytes[..bytes.len() - 1001]).expect("writable");
        let mut sound = vec![0.0; 4800];
        Wav::open(&file.0, 1).expect("valid").fill(&mut sound).expect("loops");
        assert!(sound.iter().all(|&sample| sample == 0.5));
    }

    #[test]
    fn a_file_that_cannot_be_played_says_why() {
        let empty = written("empty", 1, 48_000, 16, 0);
        assert!(Wav::open(&empty.0, 1).err().expect("empty").to_string().contains("no sound"));
        let text = temporary("text");
        std::fs::write(&text.0, "no sound at all").expect("writable");
        assert!(matches!(Wav::open(&text.0, 1), Err(Error::File { .. })));
        assert!(matches!(Wav::open(Path::new("/no/such.wav"), 1), Err(Error::File { .. })));
    }
}
