//! What the page may ask about the speaker.

use client::Error;
use tauri::{State, WebviewWindow};

use crate::{app::App, signal::Code};

fn not_yet() -> Error {
    Error::new(Code::NotSupported, "This build cannot change the speaker yet.")
}

/// Plays the call's sound elsewhere, from now on and in later calls of this window.
#[tauri::command]
pub async fn set_speaker(_window: WebviewWindow, _app: State<'_, App>, id: String) -> Result<(), Error> {
    tracing::debug!(id, "set_speaker");
    Err(not_yet())
}

/// Plays a short chime there; answers when it was heard out.
#[tauri::command]
pub async fn test_speaker(_window: WebviewWindow, _app: State<'_, App>, id: String) -> Result<(), Error> {
    tracing::debug!(id, "test_speaker");
    Err(not_yet())
}
