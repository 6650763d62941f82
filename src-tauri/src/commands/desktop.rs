//! The desktop around the windows.

use client::{Code, Error};
use tauri::{AppHandle, WebviewWindow};

use crate::{desktop::pip, nearby::NearbyCall};

fn not_yet(what: &str) -> Error {
    Error::new(Code::NotSupported, format!("This version of Visavis cannot {what}."))
}

#[tauri::command]
pub async fn list_nearby() -> Result<Vec<NearbyCall>, Error> {
    Err(not_yet("find calls of the local network"))
}

#[tauri::command]
pub async fn get_diagnostics() -> Result<String, Error> {
    Err(not_yet("collect diagnostics"))
}

#[tauri::command]
pub async fn open_logs() -> Result<(), Error> {
    Err(not_yet("open its logs"))
}

/// Shows a stream of this window's call in the small window on top.
#[tauri::command]
pub async fn open_pip(handle: AppHandle, window: WebviewWindow, stream: String) -> Result<(), Error> {
    pip::open(&handle, window.label(), stream).await
}

#[tauri::command]
pub async fn close_pip(handle: AppHandle) -> Result<(), Error> {
    pip::close(&handle).await;
    Ok(())
}
