//! Opening, switching and closing a window's own stream. Devices take their time, so all of it runs beside the window's task.

use client::{LocalStream, StreamSpec};
use tokio::task::JoinHandle;

use super::{
    join::{Choice, Devices},
    local::Opened,
};
use crate::signal::Error;

/// A stream of these devices, not opened yet.
pub fn create(devices: &Devices) -> LocalStream {
    LocalStream::create(StreamSpec {
        audio: devices.microphone != Choice::Nothing,
        video: devices.camera != Choice::Nothing,
        camera_id: id(&devices.camera),
        microphone_id: id(&devices.microphone),
        video_profile: devices.profile,
        ..StreamSpec::default()
    })
}

fn id(choice: &Choice) -> Option<String> {
    match choice {
        Choice::Id(id) => Some(id.clone()),
        Choice::Any | Choice::Nothing => None,
    }
}

/// Opens the stream's devices once those of the stream before are closed.
pub async fn open(stream: LocalStream, devices: Devices, closing: Option<JoinHandle<()>>) -> Opened {
    if let Some(closing) = closing {
        // Whatever came of it, there is nothing more to wait for.
        let _ = closing.await;
    }
    if devices.camera == Choice::Nothing && devices.microphone == Choice::Nothing {
        return Opened::default();
    }
    match stream.init().await {
        Ok(report) => now(&stream, report.problems.into_iter().map(|problem| problem.error)),
        Err(error) => now(&stream, Some(error)),
    }
}

/// Changes devices while the stream goes on.
pub async fn switch(stream: LocalStream, camera: Option<Choice>, microphone: Option<Choice>) -> Opened {
    let mut errors = Vec::new();
    if let Some(Choice::Id(id)) = camera {
        errors.extend(stream.set_camera(&id).await.err());
    }
    if let Some(Choice::Id(id)) = microphone {
        errors.extend(stream.set_microphone(&id).await.err());
    }
    now(&stream, errors)
}

/// Stops the devices and waits until they are free.
pub async fn close(stream: LocalStream) {
    if let Err(error) = tokio::task::spawn_blocking(move || stream.close()).await {
        tracing::error!(%error, "closing a stream failed");
    }
}

/// What the stream has now, and what is wrong.
pub fn now(stream: &LocalStream, errors: impl IntoIterator<Item = Error>) -> Opened {
    let problems = errors.into_iter().map(Into::into).collect();
    Opened { audio: stream.has_audio(), video: stream.has_video(), problems }
}
