//! Real cameras, through nokhwa.
//!
//! nokhwa blocks without a limit while a camera is silent, and its cameras may not change threads. So each lives in a thread of its own
//! that converts its pictures and hands them over; a camera that falls silent is given up, and its thread left to itself if it never
//! wakes.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};
use nokhwa::{Buffer, Camera, NokhwaError};

use super::cover::Cover;
use super::offer::{self, Offer, Pixels};
use super::source::{Source, Stop};
use super::thin::Thin;
use super::{Error, Kind, VideoFormat};
use crate::{VideoFrame, convert};

/// What the ids of real cameras begin with.
pub const PREFIX: &str = "camera:";

const FORMATS: [FrameFormat; 4] = [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::RAWRGB, FrameFormat::MJPEG];
/// How many of its formats a camera may refuse before it is given up.
const ATTEMPTS: usize = 5;
/// How long a camera may take to open. A person may have to allow it first.
const OPENING: Duration = Duration::from_secs(60);
/// How long a camera may be silent before it counts as lost.
const SILENCE: Duration = Duration::from_secs(5);
/// How often a waiting reader looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a camera's thread may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a camera is given up that reports no error itself.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it delivers no picture")]
    Silent,
    #[error("its thread ended")]
    Ended,
}

/// A camera as the system lists it.
struct Node {
    /// Lasts across restarts, and tells apart cameras that are alike.
    name: String,
    label: String,
    index: CameraIndex,
}

/// The cameras that can be opened now.
pub fn list() -> Vec<super::Device> {
    let device = |node: Node| super::Device { id: format!("{PREFIX}{}", node.name), label: node.label, kind: Kind::Camera };
    nodes().into_iter().map(device).collect()
}

fn nodes() -> Vec<Node> {
    let mut seen = HashMap::new();
    let mut nodes = system_nodes();
    for node in &mut nodes {
        // The second camera of one plug is told from the first by its number.
        let count = seen.entry(node.name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count > 1 {
            node.name = format!("{}#{count}", node.name);
        }
    }
    nodes
}

#[cfg(target_os = "linux")]
fn system_nodes() -> Vec<Node> {
    let node = |node: super::v4l2::Node| Node { name: node.bus, label: node.card, index: CameraIndex::Index(node.index) };
    super::v4l2::nodes().into_iter().map(node).collect()
}

#[cfg(not(target_os = "linux"))]
fn system_nodes() -> Vec<Node> {
    // Both AVFoundation and Media Foundation keep their own lasting name in `misc`.
    let node = |info: nokhwa::utils::CameraInfo| Node { name: info.misc(), label: info.human_name(), index: info.index().clone() };
    nokhwa::query(nokhwa::utils::ApiBackend::Auto).unwrap_or_default().into_iter().map(node).collect()
}

/// An open camera.
pub struct Device {
    id: String,
    format: VideoFormat,
    frames: Receiver<Result<VideoFrame, Error>>,
    /// When the last picture came.
    heard: Instant,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Opens the camera `id` in its format that is nearest to `want`.
    pub fn open(id: &str, want: VideoFormat) -> Result<Self, Error> {
        let (sender, frames) = mpsc::sync_channel(1);
        let (opened, opening) = mpsc::sync_channel(1);
        let stop = Stop::default();
        let thread = std::thread::Builder::new()
            .name("camera device".into())
            .spawn({
                let (id, stop) = (id.to_owned(), stop.clone());
                move || run(&id, want, &opened, &sender, &stop)
            })
            .map_err(|source| Error::Failed { device: id.to_owned(), source: source.into() })?;
        let format = opening.recv_timeout(OPENING).unwrap_or_else(|error| {
            stop.set();
            let fault = if error == RecvTimeoutError::Timeout { Fault::Silent } else { Fault::Ended };
            Err(Error::Failed { device: id.to_owned(), source: fault.into() })
        })?;
        Ok(Self { id: id.to_owned(), format, frames, heard: Instant::now(), stop, thread: Some(thread) })
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::Failed { device: self.id.clone(), source: fault.into() }
    }
}

impl Source for Device {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Option<VideoFrame>, Error> {
        loop {
            if stop.is_set() {
                return Ok(None);
            }
            match self.frames.recv_timeout(GLANCE) {
                Ok(frame) => {
                    self.heard = Instant::now();
                    return frame.map(Some);
                }
                Err(RecvTimeoutError::Timeout) if self.heard.elapsed() < SILENCE => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.fault(Fault::Silent)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.fault(Fault::Ended)),
            }
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop.set();
        let deadline = Instant::now() + FAREWELL;
        // The thread lets go of its sender last: the queue's end says that a join does not block.
        loop {
            match self.frames.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!(device = self.id, "the camera does not let go; its thread is left behind");
                    return;
                }
            }
        }
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic hook; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// macOS asks the person before the first use of a camera, and fails any use before the answer. Elsewhere there is nothing to ask.
fn permitted(id: &str) -> Result<(), Error> {
    if !cfg!(target_os = "macos") || nokhwa::nokhwa_check() {
        return Ok(());
    }
    let (answer, answered) = mpsc::sync_channel(1);
    // The opener may have given up by the time that the person answers.
    nokhwa::nokhwa_initialize(move |granted| {
        let _ = answer.try_send(granted);
    });
    let granted = answered.recv_timeout(OPENING).unwrap_or(false);
    if granted { Ok(()) } else { Err(Error::Denied { device: id.to_owned() }) }
}

/// The camera's own thread.
fn run(
    id: &str,
    want: VideoFormat,
    opened: &SyncSender<Result<VideoFormat, Error>>,
    frames: &SyncSender<Result<VideoFrame, Error>>,
    stop: &Stop,
) {
    let (mut camera, offer) = match permitted(id).and_then(|()| open(id, want)) {
        Ok(open) => open,
        Err(error) => {
            // The opener may have given up.
            let _ = opened.send(Err(error));
            return;
        }
    };
    let cover = Cover::within((offer.format.width, offer.format.height), (want.width, want.height));
    let mut thin = Thin::new(offer.format.fps, want.fps);
    let (width, height) = cover.size();
    if opened.send(Ok(VideoFormat { width, height, fps: thin.fps() })).is_err() {
        return;
    }
    while !stop.is_set() {
        let frame = match camera.frame() {
            Ok(buffer) => picture(&buffer, Instant::now(), &mut thin),
            Err(error) => Some(Err(failure(id, error))),
        };
        let Some(frame) = frame else { continue };
        let last = frame.is_err();
        // A reader who still has the last picture does not need this one.
        let sent = frames.try_send(frame.map(|frame| cover.apply(frame)));
        if last || matches!(sent, Err(TrySendError::Disconnected(_))) {
            return;
        }
    }
}

/// Opens the camera and starts it in the first of its best formats that it accepts.
fn open(id: &str, want: VideoFormat) -> Result<(Camera, Offer), Error> {
    let name = id.strip_prefix(PREFIX).unwrap_or(id);
    let node = nodes().into_iter().find(|node| node.name == name).ok_or_else(|| Error::NotFound { device: id.to_owned() })?;
    prepare(id, &node.index)?;
    if !allowed() {
        return Err(Error::Denied { device: id.to_owned() });
    }
    let failed = |error| failure(id, error);
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &FORMATS);
    let mut camera = Camera::new(node.index, any).map_err(failed)?;
    let offers: Vec<Offer> = camera.compatible_camera_formats().map_err(failed)?.into_iter().filter_map(offer).collect();
    let mut refusal = Error::Unsupported { device: id.to_owned(), source: None };
    for offer in offer::ranked(&offers, want).into_iter().take(ATTEMPTS) {
        match start(&mut camera, offer) {
            Ok(()) => return Ok((camera, offer)),
            Err(error) => refusal = failure(id, error),
        }
        if !matches!(refusal, Error::Failed { .. } | Error::Unsupported { .. }) {
            break;
        }
    }
    Err(refusal)
}

fn start(camera: &mut Camera, offer: Offer) -> Result<(), NokhwaError> {
    let VideoFormat { width, height, fps } = offer.format;
    let pixels = match offer.pixels {
        Pixels::Yuyv => FrameFormat::YUYV,
        Pixels::Nv12 => FrameFormat::NV12,
        Pixels::Rgb => FrameFormat::RAWRGB,
        Pixels::Mjpeg => FrameFormat::MJPEG,
    };
    let exact = CameraFormat::new(Resolution::new(width, height), pixels, fps);
    camera.set_camera_requset(RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &[pixels]))?;
    camera.open_stream()
}

fn offer(format: CameraFormat) -> Option<Offer> {
    let pixels = match format.format() {
        FrameFormat::YUYV => Pixels::Yuyv,
        FrameFormat::NV12 => Pixels::Nv12,
        FrameFormat::RAWRGB => Pixels::Rgb,
        FrameFormat::MJPEG => Pixels::Mjpeg,
        _ => return None,
    };
    Some(Offer { format: VideoFormat { width: format.width(), height: format.height(), fps: format.frame_rate() }, pixels })
}

/// Makes the device readable for nokhwa, and names what keeps it from being opened while the cause is not yet a text.
#[cfg(target_os = "linux")]
fn prepare(id: &str, index: &CameraIndex) -> Result<(), Error> {
    let prepared = index.as_index().map_err(|error| failure(id, error)).map(super::v4l2::prepare)?;
    prepared.map_err(|error| failure(id, error))
}

#[cfg(not(target_os = "linux"))]
fn prepare(_: &str, _: &CameraIndex) -> Result<(), Error> {
    Ok(())
}

/// Asks the person where the system wants that (macOS), and waits for the answer.
fn allowed() -> bool {
    let (sender, answer) = mpsc::channel();
    nokhwa::nokhwa_initialize(move |allowed| {
        // The opener may have given up.
        let _ = sender.send(allowed);
    });
    answer.recv_timeout(OPENING).unwrap_or(false)
}

/// The picture in a buffer that was received at `now`; none if it is not wanted or damaged, as single pictures may be.
fn picture(buffer: &Buffer, now: Instant, thin: &mut Thin) -> Option<Result<VideoFrame, Error>> {
    let age = buffer.capture_timestamp().zip(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok());
    // A clock that was set meanwhile makes nonsense of the age.
    let age = age.and_then(|(captured, now)| now.checked_sub(captured)).filter(|age| *age < Duration::from_secs(1)).unwrap_or_default();
    let captured = now.checked_sub(age).unwrap_or(now);
    if !thin.keep(captured) {
        return None;
    }
    let (width, height, data) = (buffer.resolution().width(), buffer.resolution().height(), buffer.buffer());
    let picture = match buffer.source_frame_format() {
        FrameFormat::YUYV => convert::yuyv(width, height, captured, data),
        FrameFormat::NV12 => convert::nv12(width, height, captured, data),
        FrameFormat::RAWRGB => convert::rgb(width, height, captured, data),
        FrameFormat::MJPEG => convert::mjpeg(captured, data),
        _ => return None,
    };
    match picture {
        Ok(picture) => Some(Ok(picture)),
        Err(error) => {
            tracing::debug!(%error, "a camera's picture is left out");
            None
        }
    }
}

/// Sorts a cause by whose fault it is. nokhwa passes the system's code on only within a text.
fn failure(id: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let (text, device) = (error.to_string(), id.to_owned());
    let says = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
    // EBUSY; MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED.
    if says(&["(os error 16)", "0xC00D3EA3"]) {
        return Error::Busy { device };
    }
    // EPERM, EACCES; E_ACCESSDENIED.
    if says(&["(os error 1)", "(os error 13)", "0x80070005"]) {
        return Error::Denied { device };
    }
    // ENOENT, ENXIO, ENODEV; MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED.
    if says(&["(os error 2)", "(os error 6)", "(os error 19)", "0xC00D3EA2"]) {
        return Error::NotFound { device };
    }
    if says(&["Failed to Fufill", "Rejected", "unsupported"]) {
        return Error::Unsupported { device, source: Some(error.into()) };
    }
    Error::Failed { device, source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_sorted_by_whose_fault_it_is() {
        let opened = |code: i32| failure("camera:x", std::io::Error::from_raw_os_error(code));
        assert!(matches!(opened(16), Error::Busy { .. }));
        assert!(matches!(opened(13), Error::Denied { .. }));
        assert!(matches!(opened(19), Error::NotFound { .. }));
        assert!(matches!(opened(5), Error::Failed { .. }));
        let refused = NokhwaError::GetPropertyError { property: "CameraFormat".into(), error: "Failed to Fufill".into() };
        assert!(matches!(failure("camera:x", refused), Error::Unsupported { .. }));
    }

    #[test]
    fn a_picture_is_as_old_as_the_driver_says() {
        let now = Instant::now();
        let captured = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970") - Duration::from_millis(30);
        let buffer = Buffer::with_timestamp(Resolution::new(4, 2), &[128; 16], FrameFormat::YUYV, Some(captured));
        let frame = picture(&buffer, now, &mut Thin::new(30, 30)).expect("wanted").expect("whole");
        assert!(now - frame.captured() >= Duration::from_millis(30));
        assert_eq!((frame.width(), frame.height(), frame.y()[0]), (4, 2, 128));
    }

    #[test]
    fn a_damaged_picture_is_left_out() {
        let buffer = Buffer::new(Resolution::new(640, 480), &[0; 100], FrameFormat::YUYV);
        assert!(picture(&buffer, Instant::now(), &mut Thin::new(30, 30)).is_none());
    }

    #[test]
    fn a_camera_that_is_not_plugged_in_is_not_found() {
        let want = VideoFormat { width: 640, height: 480, fps: 30 };
        assert!(matches!(Device::open("camera:nowhere", want), Err(Error::NotFound { .. })));
    }
}
