//! Speakers outside a call: whether one is there, and how it sounds.

use media::capture::Kind;
use media::playback;
use signal::{Code, Error};

use crate::{local::problem, remote};

/// Whether there is such a speaker; it is not opened.
pub async fn check_speaker(id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    waiting(move || playback::check(&id).map_err(|error| problem::describe(Kind::Speaker, &error))).await
}

/// Plays a short chime at a speaker; answers when it was heard out. In a call [`Client::test_speaker`](crate::Client::test_speaker) plays
/// it with everything else.
pub async fn test_speaker(id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    waiting(move || remote::ring(&id)).await
}

/// Runs what waits for a device on a thread that may wait.
async fn waiting(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let failed = |_| Err(Error::new(Code::InternalError, "Looking at the speaker failed by a defect."));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(failed)
}
