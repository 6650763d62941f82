//! Which of a stream's devices are gone, for whoever shows it: published or not.

use signal::Error;
use tokio::sync::watch;

use super::LocalState;

/// The devices of a stream that were lost and are waited for, each with its code and a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    pub camera: Option<Error>,
    pub microphone: Option<Error>,
}

/// Tells when devices of a stream are lost, and when they are back. It does not keep the stream open.
pub struct LostDevices {
    state: watch::Receiver<LocalState>,
    known: Lost,
}

impl LostDevices {
    pub(super) fn new(state: watch::Receiver<LocalState>) -> Self {
        Self { state, known: Lost::default() }
    }

    /// Waits for the next change, newest wins; `None` once the stream is closed. Cancel safe.
    pub async fn changed(&mut self) -> Option<Lost> {
        let known = &self.known;
        let state = self.state.wait_for(|state| lost(state) != *known).await.ok()?;
        let lost = lost(&state);
        drop(state);
        self.known.clone_from(&lost);
        Some(lost)
    }
}

fn lost(state: &LocalState) -> Lost {
    Lost { camera: state.camera_lost.clone(), microphone: state.microphone_lost.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::Code;

    #[tokio::test]
    async fn a_device_is_told_lost_and_told_back_and_the_end_is_told() {
        let (sender, state) = watch::channel(LocalState::default());
        let mut devices = LostDevices::new(state);
        let gone = Error::new(Code::DevicesNotFound, "No camera found.");
        sender.send_modify(|state| (state.audio_muted, state.camera_lost) = (true, Some(gone.clone())));
        assert_eq!(devices.changed().await, Some(Lost { camera: Some(gone), microphone: None }));
        sender.send_modify(|state| state.camera_lost = None);
        assert_eq!(devices.changed().await, Some(Lost::default()));
        sender.send_modify(|state| state.audio_muted = false);
        drop(sender);
        assert_eq!(devices.changed().await, None);
    }
}
