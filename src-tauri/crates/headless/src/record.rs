//! What remote streams showed and played, as `DIR/<uid>.y4m` and `DIR/<uid>.wav`.
//!
//! A Y4M file has one picture size: frames of another size are scaled to the first one's.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use client::{RemoteStream, VideoFrame, latest};

/// How often a writer looks whether it should stop.
const GLANCE: Duration = Duration::from_millis(100);

/// The writers of one remote stream; dropping it completes the files.
pub struct Recording {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<()>>,
}

impl Recording {
    /// Starts to write what `stream` shows and plays.
    pub fn start(folder: &Path, stream: &RemoteStream) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let stop = Arc::new(AtomicBool::new(false));
        let name = file_name(&stream.id().to_string());
        let picture = folder.join(format!("{name}.y4m"));
        let sound = Wav::create(&folder.join(format!("{name}.wav")))?;
        let (frames, samples) = (stream.frames(), stream.played());
        let writers = vec![
            spawn("record-video", stop.clone(), move |stop| write_video(picture, frames, &stop)),
            spawn("record-audio", stop.clone(), move |stop| write_audio(sound, samples, &stop)),
        ];
        Ok(Self { stop, writers })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            let _ = writer.join();
        }
    }
}

/// An account may hold characters that a file's name may not.
fn file_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' }).collect()
}

fn spawn(name: &str, stop: Arc<AtomicBool>, write: impl FnOnce(Arc<AtomicBool>) -> io::Result<()> + Send + 'static) -> JoinHandle<()> {
    let body = move || {
        if let Err(error) = write(stop) {
            tracing::error!(%error, "recording stopped");
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(body).expect("the system has room for one more thread")
}

fn write_video(path: PathBuf, mut frames: latest::Reader<VideoFrame>, stop: &AtomicBool) -> io::Result<()> {
    let mut file: Option<(BufWriter<File>, u32, u32)> = None;
    while !stop.load(Ordering::Relaxed) {
        let frame = match frames.next(GLANCE) {
            latest::Next::Value(frame) => frame,
            latest::Next::Timeout => continue,
            latest::Next::Closed => break,
        };
        if file.is_none() {
            let mut new = BufWriter::new(File::create(&path)?);
            writeln!(new, "YUV4MPEG2 W{} H{} F30:1 Ip A1:1 C420jpeg", frame.width(), frame.height())?;
            file = Some((new, frame.width(), frame.height()));
        }
        let (out, width, height) = file.as_mut().expect("it was just made");
        let frame = frame.scaled(*width, *height).map_err(io::Error::other)?;
        out.write_all(b"FRAME\n")?;
        out.write_all(frame.data())?;
    }
    file.map_or(Ok(()), |(mut out, ..)| out.flush())
}

fn write_audio(mut wav: Wav, samples: mpsc::Receiver<Vec<f32>>, stop: &AtomicBool) -> io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        match samples.recv_timeout(GLANCE) {
            Ok(samples) => wav.write(&samples)?,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    wav.finish()
}

/// A stereo 48 kHz 16-bit WAV file.
struct Wav {
    file: BufWriter<File>,
    bytes: u32,
}

impl Wav {
    const HEADER: u32 = 44;

    fn create(path: &Path) -> io::Result<Self> {
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
    fn write(&mut self, samples: &[f32]) -> io::Result<()> {
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

    fn finish(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.header()?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_the_uid_and_never_leaves_its_folder() {
        assert_eq!(file_name("2882341273"), "2882341273");
        assert_eq!(file_name("../ana b"), ".._ana_b");
        assert!(!file_name("/etc/x").contains('/'));
    }

    #[test]
    fn a_wav_file_says_its_own_length() {
        let path = std::env::temp_dir().join(format!("visavis-wav-{}", std::process::id()));
        let mut wav = Wav::create(&path).unwrap();
        wav.write(&[0.0, 1.0, -1.0, 2.0]).unwrap();
        wav.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bytes.len(), 44 + 8);
        assert_eq!(bytes[40..44], 8u32.to_le_bytes());
        assert_eq!(bytes[44..], [0, 0, 0xff, 0x7f, 0x01, 0x80, 0xff, 0x7f]);
    }
}
