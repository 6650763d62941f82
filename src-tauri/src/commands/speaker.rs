//! What the page may ask about the speaker.

use client::Error;
use tauri::{State, WebviewWindow};

use crate::app::App;

/// Plays the call's sound elsewhere, from now on and in later calls of this window.
#[tauri::command]
pub async fn set_speaker(window: WebviewWindow, app: State<'_, App>, id: String) -> Result<(), Error> {
    app.window(window.label()).call.set_speaker(id).await
}

/// Plays a short chime there, or at the window's speaker; answers when it was heard out.
#[tauri::command]
pub async fn test_speaker(window: WebviewWindow, app: State<'_, App>, id: Option<String>) -> Result<(), Error> {
    app.window(window.label()).call.test_speaker(id).await
}
