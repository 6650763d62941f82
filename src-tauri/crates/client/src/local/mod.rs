//! A stream of this machine: devices, one encoder a track, and every subscription that wants it.
//!
//! ```text
//! outgoing     the sending side, as the engine holds it
//! device       a device that is kept open
//! problem      what went wrong with a device, in a sentence
//! video        camera → inbox → encoder's thread → subscriptions
//! inbox        the newest picture before the encoder
//! lost         which devices are gone, as applications hear of it
//! pipeline     one picture to one access unit
//! audio        microphone → processing → Opus → subscriptions
//! sound_rate   how many bits its sound gets (pure)
//! redundancy   how far back packets of sound describe what came before them (pure)
//! speaking     a voice at a muted microphone (pure)
//! processing   echo, noise and gain, with what the speakers play as the reference
//! subscribers  who gets the stream
//! layers       which picture of it (pure)
//! ```
//!
//! Invariant: whatever becomes of a device, the stream, its other device and its subscriptions go on.

mod audio;
mod device;
mod inbox;
mod layers;
mod lost;
mod outgoing;
mod pipeline;
pub(crate) mod problem;
mod processing;
mod redundancy;
mod sound_rate;
mod speaking;
mod subscribers;
mod video;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::capture::processing::Switches;
use media::capture::{self, Kind, VideoFormat};
use media::encode::rate::Preference;
use media::profile::{AudioProfile, VideoProfile};
use media::{VideoFrame, latest};
use signal::{Code, Error, StreamSource, StreamType};
use tokio::sync::watch;

use device::Kept;
pub use lost::{Lost, LostDevices};
pub(crate) use outgoing::Outgoing;
use outgoing::Sending;

/// How often a lost camera or microphone is tried again. A window that was closed does not come back.
const RETRY: Option<Duration> = Some(Duration::from_secs(2));
/// The microphone that the system prefers.
const DEFAULT_MICROPHONE: &str = "default";
/// What to capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    pub audio: bool,
    pub video: bool,
    /// An id of [`media::capture::cameras`]; without one, the first real camera. For a screen an id of [`media::capture::screen::list`].
    pub camera_id: Option<String>,
    /// An id of [`media::capture::microphones`]; without one, the system's default.
    pub microphone_id: Option<String>,
    pub source: StreamSource,
    pub video_profile: VideoProfile,
    pub audio_profile: AudioProfile,
    /// What the picture keeps longest where the network or the processor does not suffice.
    pub preference: Preference,
    /// What is done to the microphone's sound; without it, everything to a real microphone's and nothing to a file's or the tone's.
    pub audio_processing: Option<Switches>,
}

impl StreamSpec {
    /// A screen or window, without sound.
    pub fn screen(id: &str, video_profile: VideoProfile, preference: Preference) -> Self {
        let (source, camera_id) = (StreamSource::Screen, Some(id.to_owned()));
        Self { audio: false, camera_id, source, video_profile, preference, ..Self::default() }
    }
}

impl Default for StreamSpec {
    fn default() -> Self {
        Self {
            audio: true,
            video: true,
            camera_id: None,
            microphone_id: None,
            source: StreamSource::Camera,
            video_profile: VideoProfile::DEFAULT,
            audio_profile: AudioProfile::DEFAULT,
            preference: Preference::default(),
            audio_processing: None,
        }
    }
}

/// A device that did not open, with its code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which of the two it is.
    pub kind: Kind,
    pub error: Error,
}

/// What [`LocalStream::init`] opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitReport {
    pub audio: bool,
    pub video: bool,
    pub problems: Vec<Problem>,
}

/// A camera and a microphone as one stream. Dropping the last clone stops the devices and unpublishes.
#[derive(Clone)]
pub struct LocalStream {
    inner: Arc<Inner>,
}

/// The state of a stream that its client passes on to the channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalState {
    /// Tracks that exist now.
    pub audio: bool,
    pub video: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    /// Set when the device of that track was lost, until it is back or another is chosen.
    pub camera_lost: Option<Error>,
    pub microphone_lost: Option<Error>,
    /// How often somebody spoke into the muted microphone.
    pub spoken_while_muted: u64,
}

struct Inner {
    spec: StreamSpec,
    sending: Arc<Sending>,
    preview: latest::Reader<VideoFrame>,
    /// `None` once the stream is closed.
    devices: Mutex<Option<Devices>>,
}

struct Devices {
    preview: Arc<latest::Writer<VideoFrame>>,
    state: Arc<watch::Sender<LocalState>>,
    camera: Option<(String, Kept<video::Source>)>,
    microphone: Option<(String, Kept<audio::Source>)>,
}

impl LocalStream {
    /// A stream by `spec`; no device is opened before [`init`](Self::init).
    pub fn create(spec: StreamSpec) -> Self {
        let (state, state_reader) = watch::channel(LocalState::default());
        let (preview, preview_reader) = latest::slot();
        let sending = Arc::new(Sending::new(&spec, state_reader));
        let devices = Devices { preview: Arc::new(preview), state: Arc::new(state), camera: None, microphone: None };
        Self { inner: Arc::new(Inner { spec, sending, preview: preview_reader, devices: Mutex::new(Some(devices)) }) }
    }

    /// Opens the devices that are not open yet. One that does not open is reported; the other goes on. Fails only for a spec that
    /// cannot be or a stream that is closed.
    pub async fn init(&self) -> Result<InitReport, Error> {
        let StreamSpec { audio, video, camera_id, microphone_id, source, .. } = self.inner.spec.clone();
        if !audio && !video {
            return Err(Error::new(Code::InvalidParameter, "A stream needs sound, a picture, or both."));
        }
        if source == StreamSource::Screen && video && camera_id.is_none() {
            return Err(Error::new(Code::InvalidParameter, "Say which screen or window to share."));
        }
        if self.inner.is_closed() {
            return Err(closed());
        }
        let (has_audio, has_video) = (self.has_audio(), self.has_video());
        let (camera, microphone) = tokio::join!(
            self.blocking(move |inner| if video && !has_video { inner.open_camera(camera_id) } else { Ok(()) }),
            self.blocking(move |inner| if audio && !has_audio { inner.open_microphone(microphone_id) } else { Ok(()) }),
        );
        let mut problems = Vec::new();
        for (kind, result) in [(self.inner.kind(), camera), (Kind::Microphone, microphone)] {
            match result {
                Err(error) if error.code == Code::InvalidLocalStream => return Err(error),
                Err(error) => problems.push(Problem { kind, error }),
                Ok(()) => {}
            }
        }
        Ok(InitReport { audio: self.has_audio(), video: self.has_video(), problems })
    }

    /// The camera's frames, for the preview: the same slot whichever camera fills it. `None` without a camera.
    pub fn frames(&self) -> Option<latest::Reader<VideoFrame>> {
        self.has_video().then(|| self.inner.preview.clone())
    }

    /// What becomes of the stream's devices from now on, whether it is published or not.
    pub fn lost_devices(&self) -> LostDevices {
        LostDevices::new(self.inner.sending.state.clone())
    }

    /// Whether a window that is shared shows what it last showed, because it is minimised.
    pub fn is_paused(&self) -> bool {
        let devices = self.inner.lock();
        let camera = devices.as_ref().and_then(|devices| devices.camera.as_ref());
        camera.and_then(|(_, camera)| camera.with(|camera| camera.is_paused())).unwrap_or(false)
    }

    /// How loud the microphone is after its processing, 0 to 1, muted or not.
    pub fn audio_level(&self) -> f32 {
        let devices = self.inner.lock();
        let microphone = devices.as_ref().and_then(|devices| devices.microphone.as_ref());
        microphone.and_then(|(_, microphone)| microphone.with(|_| self.inner.sending.sound.level.get())).unwrap_or(0.0)
    }

    /// What is done to the sound of the microphone that is open, or would be opened.
    pub fn audio_processing(&self) -> Switches {
        let open = self.inner.lock().as_ref().and_then(|devices| devices.microphone.as_ref().map(|(id, _)| id.clone()));
        let id = open.or_else(|| self.inner.spec.microphone_id.clone());
        self.inner.sending.sound.processing(id.as_deref().unwrap_or(DEFAULT_MICROPHONE))
    }

    /// Turns echo cancellation, noise suppression and gain control on and off, at once and for every microphone of this stream.
    pub fn set_audio_processing(&self, switches: Switches) {
        self.inner.sending.sound.set_processing(switches);
    }

    pub fn has_audio(&self) -> bool {
        self.inner.sending.state.borrow().audio && !self.inner.is_closed()
    }

    pub fn has_video(&self) -> bool {
        self.inner.sending.state.borrow().video && !self.inner.is_closed()
    }

    /// Sends no sound, or sends it again.
    pub fn mute_audio(&self, muted: bool) {
        self.inner.sending.sound.muted.store(muted, Ordering::Relaxed);
        self.inner.change(|state| std::mem::replace(&mut state.audio_muted, muted) != muted);
    }

    /// Sends no picture, or sends it again. The preview goes on.
    pub fn mute_video(&self, muted: bool) {
        let encoding = &self.inner.sending.encoding;
        encoding.muted.store(muted, Ordering::Relaxed);
        if !muted {
            encoding.inbox.wish(subscribers::Wish::FirstKeyframe(StreamType::High));
            encoding.inbox.wish(subscribers::Wish::FirstKeyframe(StreamType::Low));
        }
        self.inner.change(|state| std::mem::replace(&mut state.video_muted, muted) != muted);
    }

    /// Changes to another camera while everything goes on. If it does not open, the one before stays.
    pub async fn set_camera(&self, id: &str) -> Result<(), Error> {
        let id = Some(id.to_owned());
        self.blocking(move |inner| inner.open_camera(id)).await
    }

    /// Changes to another microphone while everything goes on. If it does not open, the one before stays.
    pub async fn set_microphone(&self, id: &str) -> Result<(), Error> {
        let id = Some(id.to_owned());
        self.blocking(move |inner| inner.open_microphone(id)).await
    }

    /// Stops the devices and ends the stream for good; a client that publishes it unpublishes. Waits for the devices: not for async
    /// code.
    pub fn close(&self) {
        self.inner.close();
    }

    pub(crate) fn outgoing(&self) -> Outgoing {
        Outgoing::new(self.inner.sending.clone())
    }

    /// Runs what waits for a device on a thread that may wait.
    async fn blocking(&self, work: impl FnOnce(&Inner) -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|_| Err(Error::new(Code::InternalError, "Opening the device failed by a defect.")))
    }
}

impl fmt::Debug for LocalStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStream").field("spec", &self.inner.spec).finish_non_exhaustive()
    }
}

fn closed() -> Error {
    Error::new(Code::InvalidLocalStream, "The stream is closed; make a new one.")
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Option<Devices>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    /// Changes the state; watchers hear of it if `change` says that it did.
    fn change(&self, change: impl FnOnce(&mut LocalState) -> bool) {
        if let Some(devices) = self.lock().as_ref() {
            devices.state.send_if_modified(change);
        }
    }

    /// What gives the picture.
    fn kind(&self) -> Kind {
        match self.spec.source {
            StreamSource::Camera => Kind::Camera,
            StreamSource::Screen => Kind::Screen,
        }
    }

    /// Opens a camera in place of the one before, if any. The same one is opened again only if it is lost.
    fn open_camera(&self, id: Option<String>) -> Result<(), Error> {
        let kind = self.kind();
        let describe = |error| problem::describe(kind, &error);
        let id = match id {
            Some(id) => id,
            None => first_camera().map_err(describe)?,
        };
        let (preview, state) = {
            let devices = self.lock();
            let devices = devices.as_ref().ok_or_else(closed)?;
            let same = |(open, camera): &(String, Kept<_>)| *open == id && camera.with(|_| ()).is_some();
            if devices.camera.as_ref().is_some_and(same) {
                return Ok(());
            }
            (devices.preview.clone(), devices.state.clone())
        };
        let VideoProfile { width, height, fps, .. } = self.sending.profile;
        let want = VideoFormat { width, height, fps };
        let source = video::Source { id: id.clone(), kind, want, preview, inbox: self.sending.encoding.inbox.clone(), state };
        let retry = RETRY.filter(|_| kind == Kind::Camera);
        let camera = Kept::open("camera-frames", source, retry).map_err(describe)?;
        let before = {
            let mut devices = self.lock();
            // A stream that was closed meanwhile: the new camera goes as it came.
            let devices = devices.as_mut().ok_or_else(closed)?;
            devices.camera.replace((id, camera))
        };
        drop(before);
        self.change(|state| {
            (state.video, state.camera_lost) = (true, None);
            true
        });
        Ok(())
    }

    /// Opens a microphone in place of the one before, if any. The same one is opened again only if it is lost.
    fn open_microphone(&self, id: Option<String>) -> Result<(), Error> {
        let id = id.unwrap_or_else(|| DEFAULT_MICROPHONE.to_owned());
        let state = {
            let devices = self.lock();
            let devices = devices.as_ref().ok_or_else(closed)?;
            let same = |(open, microphone): &(String, Kept<_>)| *open == id && microphone.with(|_| ()).is_some();
            if devices.microphone.as_ref().is_some_and(same) {
                return Ok(());
            }
            devices.state.clone()
        };
        let Sending { sound, subscribers, .. } = &*self.sending;
        let profile = self.spec.audio_profile;
        let (sound, subscribers) = (sound.clone(), subscribers.clone());
        let source = audio::Source { id: id.clone(), profile, picture: self.spec.video, sound, subscribers, state };
        let microphone = Kept::open("microphone-frames", source, RETRY).map_err(|error| problem::describe(Kind::Microphone, &error))?;
        let before = {
            let mut devices = self.lock();
            // A stream that was closed meanwhile: the new microphone goes as it came.
            let devices = devices.as_mut().ok_or_else(closed)?;
            devices.microphone.replace((id, microphone))
        };
        drop(before);
        self.change(|state| {
            (state.audio, state.microphone_lost) = (true, None);
            true
        });
        Ok(())
    }

    fn close(&self) {
        let devices = self.lock().take();
        // The last holders of the state's sender and of the preview's writer go with it: watchers and readers see the end.
        drop(devices);
        self.sending.encoding.stop();
        self.sending.subscribers.clear();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The camera of a stream that names none.
fn first_camera() -> Result<String, capture::Error> {
    let missing = || capture::Error::NotFound { device: "camera".into() };
    let is_real = |id: &String| id.starts_with("camera:");
    capture::cameras().into_iter().map(|camera| camera.id).find(is_real).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use media::latest::Next;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn spec() -> StreamSpec {
        let video_profile = "160x120@60:200".parse().expect("a profile");
        StreamSpec { camera_id: Some("pattern".into()), microphone_id: Some("tone".into()), video_profile, ..StreamSpec::default() }
    }

    #[tokio::test]
    async fn devices_that_open_are_tracks_of_the_stream() {
        let stream = LocalStream::create(spec());
        assert!(stream.frames().is_none());
        assert_eq!(stream.init().await.unwrap(), InitReport { audio: true, video: true, problems: vec![] });
        let Next::Value(frame) = stream.frames().unwrap().next(LONG) else { panic!("no picture") };
        assert_eq!((frame.width(), frame.height()), (160, 120));
        let state = stream.outgoing().state().borrow().clone();
        assert_eq!(state, LocalState { audio: true, video: true, ..LocalState::default() });
    }

    #[tokio::test]
    async fn a_missing_camera_still_means_sound() {
        let stream = LocalStream::create(StreamSpec { camera_id: Some("camera:none".into()), ..spec() });
        let report = stream.init().await.unwrap();
        let error = Error::new(Code::DevicesNotFound, "No camera found. You can still join with sound.");
        assert_eq!(report, InitReport { audio: true, video: false, problems: vec![Problem { kind: Kind::Camera, error }] });
        assert!(stream.has_audio() && stream.frames().is_none());
    }

    #[tokio::test]
    async fn a_camera_chosen_later_becomes_a_track() {
        let stream = LocalStream::create(StreamSpec { camera_id: Some("camera:none".into()), ..spec() });
        stream.init().await.unwrap();
        stream.set_camera("pattern").await.unwrap();
        assert!(stream.has_video());
        assert!(matches!(stream.frames().unwrap().next(LONG), Next::Value(_)));
    }

    #[tokio::test]
    async fn a_switch_that_fails_keeps_the_camera_before() {
        let stream = LocalStream::create(spec());
        stream.init().await.unwrap();
        assert_eq!(stream.set_camera("camera:none").await.unwrap_err().code, Code::DevicesNotFound);
        let mut frames = stream.frames().unwrap();
        for _ in 0..3 {
            assert!(matches!(frames.next(LONG), Next::Value(_)));
        }
    }

    #[tokio::test]
    async fn a_spec_that_cannot_be_is_refused() {
        let nothing = StreamSpec { audio: false, video: false, ..spec() };
        assert_eq!(LocalStream::create(nothing).init().await.unwrap_err().code, Code::InvalidParameter);
        let screen = StreamSpec { source: StreamSource::Screen, camera_id: None, ..spec() };
        assert_eq!(LocalStream::create(screen).init().await.unwrap_err().code, Code::InvalidParameter);
    }

    #[tokio::test]
    async fn a_window_that_is_not_there_is_told_in_words_about_screens() {
        let spec = StreamSpec::screen("file:/nowhere.y4m", spec().video_profile, Preference::Detail);
        let problems = LocalStream::create(spec).init().await.unwrap().problems;
        assert_eq!(
            problems.iter().map(|problem| (problem.kind, problem.error.code)).collect::<Vec<_>>(),
            [(Kind::Screen, Code::MediaOptionInvalid)]
        );
    }

    #[tokio::test]
    async fn sound_is_processed_as_is_usual_for_the_microphone_until_somebody_asks() {
        let stream = LocalStream::create(StreamSpec { microphone_id: None, ..spec() });
        assert_eq!(stream.audio_processing(), Switches::ALL);
        stream.set_microphone("tone").await.unwrap();
        assert_eq!(stream.audio_processing(), Switches::NONE);
        let asked = Switches { ans: true, ..Switches::NONE };
        stream.set_audio_processing(asked);
        assert_eq!(stream.audio_processing(), asked);
        let asked_before = StreamSpec { audio_processing: Some(Switches::ALL), ..spec() };
        assert_eq!(LocalStream::create(asked_before).audio_processing(), Switches::ALL);
    }

    #[tokio::test]
    async fn muting_is_told_once() {
        let stream = LocalStream::create(spec());
        stream.init().await.unwrap();
        let mut state = stream.outgoing().state();
        state.mark_unchanged();
        stream.mute_audio(true);
        assert!(state.has_changed().unwrap() && state.borrow_and_update().audio_muted);
        stream.mute_audio(true);
        assert!(!state.has_changed().unwrap());
        stream.mute_video(true);
        assert!(state.borrow_and_update().video_muted);
    }

    #[tokio::test]
    async fn a_closed_stream_ends_for_everybody_who_holds_a_part_of_it() {
        let stream = LocalStream::create(spec());
        stream.init().await.unwrap();
        let (mut frames, mut state) = (stream.frames().unwrap(), stream.outgoing().state());
        let clone = stream.clone();
        stream.close();
        while let Next::Value(_) = frames.next(LONG) {}
        assert!(matches!(frames.next(LONG), Next::Closed));
        state.mark_unchanged();
        assert!(state.changed().await.is_err());
        assert_eq!(clone.set_camera("pattern").await.unwrap_err().code, Code::InvalidLocalStream);
        assert_eq!(clone.init().await.unwrap_err().code, Code::InvalidLocalStream);
    }

    #[tokio::test]
    async fn dropping_the_last_clone_closes_the_stream() {
        let stream = LocalStream::create(spec());
        stream.init().await.unwrap();
        let mut state = stream.outgoing().state();
        state.mark_unchanged();
        drop(stream.clone());
        assert!(state.has_changed().is_ok());
        drop(stream);
        assert!(state.changed().await.is_err());
    }
}
