//! What remote streams showed and played, as `DIR/<uid>.y4m` and `DIR/<uid>.wav`.
//!
//! A stream that is published again goes on in the same files; a picture of another size than before gets `DIR/<uid>-2.y4m` and so
//! on. Files of an earlier call are replaced.
//!
//! ```text
//! y4m   pictures
//! wav   sound
//! ```

mod wav;
mod y4m;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use client::{RemoteStream, StreamId, VideoFrame, latest};
use wav::Wav;
use y4m::Y4m;

/// How often a writer looks whether it should stop.
const GLANCE: Duration = Duration::from_millis(100);

/// Records all remote streams of a call; dropping it completes the files.
pub struct Recorder {
    folder: PathBuf,
    /// Whether pictures are recorded as well as sound.
    pictures: bool,
    /// Files stay open for a stream that comes back.
    files: HashMap<StreamId, Files>,
    running: HashMap<StreamId, Recording>,
}

#[derive(Clone)]
struct Files {
    pictures: Arc<Mutex<Y4m>>,
    sound: Arc<Mutex<Wav>>,
}

impl Recorder {
    pub fn new(folder: PathBuf, pictures: bool) -> Self {
        Self { folder, pictures, files: HashMap::new(), running: HashMap::new() }
    }

    /// Starts to write what `stream` shows and plays.
    pub fn start(&mut self, stream: &RemoteStream) -> io::Result<()> {
        let id = stream.id();
        self.stop(&id);
        let files = match self.files.get(&id) {
            Some(files) => files.clone(),
            None => {
                let files = Files::create(&self.folder, &id)?;
                self.files.insert(id.clone(), files.clone());
                files
            }
        };
        self.running.insert(id, Recording::start(files, stream, self.pictures));
        Ok(())
    }

    /// The stream is gone, at least for now.
    pub fn stop(&mut self, stream: &StreamId) {
        self.running.remove(stream);
    }
}

impl Files {
    fn create(folder: &Path, stream: &StreamId) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let name = file_name(&stream.to_string());
        let sound = Wav::create(&folder.join(format!("{name}.wav")))?;
        Ok(Self { pictures: Arc::new(Mutex::new(Y4m::new(folder.join(name)))), sound: Arc::new(Mutex::new(sound)) })
    }
}

/// The writers of one remote stream; dropping it makes the files whole.
struct Recording {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<()>>,
}

impl Recording {
    fn start(files: Files, stream: &RemoteStream, pictures: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (frames, samples) = (stream.frames(), stream.played());
        let mut writers = vec![spawn("record-audio", stop.clone(), move |stop| write_audio(&files.sound, &samples, &stop))];
        if pictures {
            writers.push(spawn("record-video", stop.clone(), move |stop| write_video(&files.pictures, frames, &stop)));
        }
        Self { stop, writers }
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

fn write_video(pictures: &Mutex<Y4m>, mut frames: latest::Reader<VideoFrame>, stop: &AtomicBool) -> io::Result<()> {
    let mut pictures = pictures.lock().unwrap_or_else(PoisonError::into_inner);
    pictures.begin();
    while !stop.load(Ordering::Relaxed) {
        match frames.next(GLANCE) {
            latest::Next::Value(frame) => pictures.write(&frame)?,
            latest::Next::Timeout => {}
            latest::Next::Closed => break,
        }
    }
    pictures.complete()
}

fn write_audio(sound: &Mutex<Wav>, samples: &mpsc::Receiver<Vec<f32>>, stop: &AtomicBool) -> io::Result<()> {
    let mut sound = sound.lock().unwrap_or_else(PoisonError::into_inner);
    while !stop.load(Ordering::Relaxed) {
        match samples.recv_timeout(GLANCE) {
            Ok(samples) => sound.write(&samples)?,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    sound.complete()
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
}
