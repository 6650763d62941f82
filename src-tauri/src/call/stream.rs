//! Opening, switching and closing a window's own stream. Devices take their time, so all of it runs beside the window's task.

use client::{LocalStream, Problem, StreamSpec};
use tokio::task::JoinHandle;

use super::{
    join::{Choice, Devices},
    local::Opened,
};
use crate::media::capture::Kind;

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
    init(&stream).await
}

/// Opens what is not open yet.
async fn init(stream: &LocalStream) -> Opened {
    let mut opened = now(stream);
    match stream.init().await {
        Ok(report) => {
            opened = now(stream);
            for Problem { kind, error } in report.problems {
                match kind {
                    Kind::Camera => opened.camera = Some(error),
                    Kind::Microphone => opened.microphone = Some(error),
                    Kind::Speaker | Kind::Screen => {}
                }
            }
        }
        Err(error) => opened.camera = Some(error),
    }
    opened
}

/// Changes devices while the stream goes on. `before` says what is wrong with a device that is not changed.
pub async fn switch(stream: LocalStream, camera: Option<Choice>, microphone: Option<Choice>, before: Opened) -> Opened {
    // What the system prefers was not there when the stream was opened: it is tried again.
    let again = if camera == Some(Choice::Any) || microphone == Some(Choice::Any) { Some(init(&stream).await) } else { None };
    let (camera_before, microphone_before) = (before.camera, before.microphone);
    let again = again.as_ref();
    let camera = match camera {
        Some(Choice::Id(id)) => stream.set_camera(&id).await.err(),
        Some(Choice::Any) => again.and_then(|again| again.camera.clone()),
        Some(Choice::Nothing) | None => camera_before,
    };
    let microphone = match microphone {
        Some(Choice::Id(id)) => stream.set_microphone(&id).await.err(),
        Some(Choice::Any) => again.and_then(|again| again.microphone.clone()),
        Some(Choice::Nothing) | None => microphone_before,
    };
    Opened { camera, microphone, ..now(&stream) }
}

/// Stops the devices and waits until they are free.
pub async fn close(stream: LocalStream) {
    if let Err(error) = tokio::task::spawn_blocking(move || stream.close()).await {
        tracing::error!(%error, "closing a stream failed");
    }
}

/// The tracks that the stream has now.
fn now(stream: &LocalStream) -> Opened {
    Opened { audio: stream.has_audio(), video: stream.has_video(), ..Opened::default() }
}
