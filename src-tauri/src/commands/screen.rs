//! What the page may ask about sharing a screen or a window.

use client::Error;
use tauri::{State, WebviewWindow};

use crate::{
    app::App,
    signal::Code,
    types::{ScreenSource, ShareSpec},
};

fn not_yet() -> Error {
    Error::new(Code::NotSupported, "This build cannot share screens yet.")
}

/// The screens and windows that can be shared now, screens first, each with a small picture.
#[tauri::command]
pub async fn list_screens() -> Result<Vec<ScreenSource>, Error> {
    Err(not_yet())
}

/// Shares a screen or window beside the camera; another one takes its place.
#[tauri::command]
pub async fn start_screen(_window: WebviewWindow, _app: State<'_, App>, share: ShareSpec) -> Result<(), Error> {
    tracing::debug!(?share, "start_screen");
    Err(not_yet())
}

#[tauri::command]
pub async fn stop_screen(_window: WebviewWindow, _app: State<'_, App>) -> Result<(), Error> {
    Err(not_yet())
}
