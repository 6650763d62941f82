//! A `.y4m` file as a camera: streamed, looped, at its own rate.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::cover::Cover;
use super::error::Cause;
use super::schedule::Schedule;
use super::source::{Source, Stop};
use super::{Error, VideoFormat, y4m};
use crate::VideoFrame;

/// How many frames are played of a longer file: its index takes 8 MB then.
const MAX_FRAMES: usize = 1 << 20;

/// Why a file with a sound header cannot be played.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("it holds no whole frame")]
    Empty,
    #[error("there is no frame header at byte {0}")]
    Header(u64),
}

/// An open file.
pub struct Clip {
    path: PathBuf,
    file: File,
    header: y4m::Header,
    /// Where the pixels of each frame begin.
    frames: Vec<u64>,
    cover: Cover,
    schedule: Schedule,
}

impl Clip {
    /// Opens a file whose first frame is due at `start`. Pictures have the size of `want`, the rate is the file's.
    pub fn open(path: &Path, want: VideoFormat, start: Instant) -> Result<Self, Error> {
        let failed = |source: Cause| Error::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(|error| failed(error.into()))?;
        let mut head = Vec::with_capacity(y4m::MAX_LINE);
        file.by_ref().take(y4m::MAX_LINE as u64).read_to_end(&mut head).map_err(|error| failed(error.into()))?;
        let header = y4m::Header::parse(&head).map_err(|error| failed(error.into()))?;
        let frames = index(&mut file, &header).map_err(failed)?;
        let (frames_per, seconds) = header.rate;
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            frames,
            cover: Cover::new((header.width, header.height), (want.width, want.height)),
            schedule: Schedule::new(start, frames_per, seconds),
        })
    }

    fn read(&mut self, number: u64, captured: Instant) -> Result<VideoFrame, Cause> {
        let position = self.frames[(number % self.frames.len() as u64) as usize];
        self.file.seek(SeekFrom::Start(position))?;
        let mut pixels = vec![0; self.header.frame_size];
        self.file.read_exact(&mut pixels)?;
        Ok(VideoFrame::new(self.header.width, self.header.height, captured, pixels)?)
    }
}

impl Source for Clip {
    fn format(&self) -> VideoFormat {
        let (width, height) = self.cover.size();
        VideoFormat { width, height, fps: self.header.fps() }
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Option<VideoFrame>, Error> {
        let slot = self.schedule.take(Instant::now());
        // Read and scaled ahead, so that the frame is ready when it is due.
        let frame = self.read(slot.index, slot.due).map_err(|source| Error::File { path: self.path.clone(), source })?;
        let frame = self.cover.apply(frame);
        Ok((!stop.wait_until(slot.due)).then_some(frame))
    }
}

/// Where each whole frame's pixels begin; a frame that is cut short at the end of the file is left out.
fn index(file: &mut File, header: &y4m::Header) -> Result<Vec<u64>, Cause> {
    let end = file.metadata()?.len();
    let mut frames = Vec::new();
    let mut position = header.length as u64;
    let mut line = Vec::with_capacity(y4m::MAX_LINE);
    while position < end && frames.len() < MAX_FRAMES {
        line.clear();
        file.seek(SeekFrom::Start(position))?;
        // Nearly every frame header is the six bytes `FRAME\n`.
        file.by_ref().take(6).read_to_end(&mut line)?;
        if y4m::frame_header(&line).is_none() {
            file.by_ref().take(y4m::MAX_LINE as u64 - 6).read_to_end(&mut line)?;
        }
        let cut_short = position + line.len() as u64 == end;
        let Some(length) = y4m::frame_header(&line) else {
            if cut_short && b"FRAME".starts_with(&line[..line.len().min(5)]) {
                break;
            }
            return Err(Damage::Header(position).into());
        };
        let pixels = position + length as u64;
        position = pixels + header.frame_size as u64;
        if position <= end {
            frames.push(pixels);
        }
    }
    if frames.is_empty() { Err(Damage::Empty.into()) } else { Ok(frames) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const WANT: VideoFormat = VideoFormat { width: 4, height: 2, fps: 1 };

    /// A file in the system's temporary folder, removed when dropped.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str, bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("visavis-{}-{name}.y4m", std::process::id()));
            File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("the temporary folder can be written");
            Self(path)
        }

        fn open(&self) -> Result<Clip, Error> {
            Clip::open(&self.0, WANT, Instant::now())
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// Three frames of 4×2 pixels whose bytes are the frame's number.
    fn clip() -> Vec<u8> {
        let mut bytes = b"YUV4MPEG2 W4 H2 F999:1 C420jpeg\n".to_vec();
        for n in 0..3 {
            bytes.extend_from_slice(if n == 1 { b"FRAME Ip\n" } else { b"FRAME\n" });
            bytes.extend_from_slice(&[n; 12]);
        }
        bytes
    }

    fn message(result: Result<Clip, Error>) -> String {
        result.err().expect("an error").to_string()
    }

    #[test]
    fn frames_come_in_order_and_start_again() {
        let file = Temporary::new("order", &clip());
        let mut clip = file.open().expect("valid");
        assert_eq!(clip.format(), VideoFormat { width: 4, height: 2, fps: 999 });
        for number in 0..7 {
            let frame = clip.read(number, Instant::now()).expect("whole");
            assert_eq!(frame.y()[0], (number % 3) as u8);
        }
    }

    #[test]
    fn a_frame_is_captured_when_it_is_due() {
        let file = Temporary::new("due", &clip());
        let start = Instant::now();
        let mut clip = Clip::open(&file.0, WANT, start).expect("valid");
        let frame = clip.next_frame(&Stop::default()).expect("whole").expect("not stopped");
        assert!(frame.captured() >= start && frame.captured() <= Instant::now());
    }

    #[test]
    fn a_last_frame_that_is_cut_short_is_skipped() {
        let whole = clip();
        for missing in 1..=17 {
            let file = Temporary::new(&format!("short{missing}"), &whole[..whole.len() - missing]);
            assert_eq!(file.open().expect("two frames are whole").frames.len(), 2, "{missing} bytes short");
        }
    }

    #[test]
    fn a_file_that_cannot_be_played_says_why() {
        let garbage = [clip().as_slice(), b"garbage in between, more than a line"].concat();
        assert!(message(Temporary::new("garbage", &garbage).open()).contains("no frame header at byte"));
        assert!(message(Temporary::new("empty", &clip()[..40]).open()).contains("no whole frame"));
        assert!(message(Temporary::new("wav", b"RIFF").open()).contains("YUV4MPEG2"));
        assert!(message(Clip::open(Path::new("/no/such/file.y4m"), WANT, Instant::now())).contains("/no/such/file.y4m"));
        assert!(matches!(Clip::open(&std::env::temp_dir(), WANT, Instant::now()), Err(Error::File { .. })));
    }

    #[test]
    fn another_size_is_scaled_to() {
        let file = Temporary::new("scaled", &clip());
        let mut clip = Clip::open(&file.0, VideoFormat { width: 8, height: 8, fps: 1 }, Instant::now()).expect("valid");
        assert_eq!((clip.format().width, clip.format().height), (8, 8));
        let frame = clip.next_frame(&Stop::default()).expect("whole").expect("not stopped");
        assert_eq!((frame.width(), frame.height()), (8, 8));
    }
}
