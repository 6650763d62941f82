//! The desktop around the windows.

use client::{Code, Error};
use tauri::{AppHandle, State, WebviewWindow};

use crate::{app::App, desktop::pip, diagnostics, nearby::NearbyCall, platform};

/// What others on this network offer; nothing while the settings do not allow to look.
#[tauri::command]
pub async fn list_nearby(app: State<'_, App>) -> Result<Vec<NearbyCall>, Error> {
    Ok(app.nearby().to_vec())
}

/// A text for whoever helps, without secrets.
#[tauri::command]
pub async fn get_diagnostics(handle: AppHandle) -> Result<String, Error> {
    Ok(diagnostics::collect(&handle).await)
}

/// Shows the folder with the logs in the desktop's own way.
#[tauri::command]
pub async fn open_logs(app: State<'_, App>) -> Result<(), Error> {
    let refused = |message: String| Error::new(Code::NotSupported, message);
    let folder = app.folders().logs.clone().ok_or_else(|| refused("This system says of no folder where logs could be kept.".into()))?;
    platform::show_folder(&folder).map_err(|error| {
        refused(format!(
            "The logs are in {}, but this desktop has nothing that shows folders ({error}). Open it by hand.",
            folder.display()
        ))
    })
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
