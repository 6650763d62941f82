//! Opening, publishing and closing the screen that a window shares. It takes its time, so all of it runs beside the window's task.

use client::{Client, LocalStream, Preference, StreamSpec};

use super::stream;
use crate::{
    media::{capture::screen, profile::VideoProfile},
    signal::Error,
    types::{SharePreference, ShareResolution, ShareSpec},
};

/// A stream of what is to be shared, not opened yet.
pub fn create(share: &ShareSpec) -> LocalStream {
    let preference = match share.preference {
        SharePreference::Detail => Preference::Detail,
        SharePreference::Motion => Preference::Motion,
    };
    LocalStream::create(StreamSpec::screen(&share.id, profile(share), preference))
}

/// Letters need bits more than frames: the same bitrate for half as many pictures.
fn profile(share: &ShareSpec) -> VideoProfile {
    let (width, height, max_kbps) = match share.resolution {
        ShareResolution::P480 => (854, 480, 1000),
        ShareResolution::P720 => (1280, 720, 2000),
        ShareResolution::P1080 => (1920, 1080, 3000),
        ShareResolution::Native => (3840, 2160, 6000),
    };
    let fps = match share.preference {
        SharePreference::Detail => 15,
        SharePreference::Motion => 30,
    };
    VideoProfile { width, height, fps, max_kbps }
}

/// Opens and publishes; answers what a person calls it. A stream that could not be is closed.
pub async fn start(client: Client, local: LocalStream, id: String) -> Result<String, Error> {
    let published = async {
        if let Some(problem) = local.init().await?.problems.into_iter().next() {
            return Err(problem.error);
        }
        client.publish(&local).await
    };
    if let Err(error) = published.await {
        stream::close(local).await;
        return Err(error);
    }
    let named = id.clone();
    let title = tokio::task::spawn_blocking(move || screen::title(&named)).await;
    Ok(title.ok().flatten().unwrap_or(id))
}

/// Takes back and closes.
pub async fn stop(client: Option<Client>, local: LocalStream) {
    if let Some(client) = client
        && let Err(error) = client.unpublish(&local).await
    {
        // The client took it back by itself, or left.
        tracing::debug!(%error, "unpublishing a screen");
    }
    stream::close(local).await;
}
