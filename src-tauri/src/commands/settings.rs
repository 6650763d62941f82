//! What the page keeps.

use std::sync::Arc;

use client::Error;
use serde_json::Value;
use tauri::State;

use crate::{
    app::App,
    error::internal,
    settings::{Settings, Store, values::SettingsReport},
};

#[tauri::command]
pub async fn get_settings(app: State<'_, App>) -> Result<SettingsReport, Error> {
    let store = app.settings();
    Ok(SettingsReport {
        settings: Settings::clone(&store.current()),
        file: store.path().map(|path| path.display().to_string()).unwrap_or_default(),
        problem: store.problem(),
        hotkeys: app.desktop.hotkeys(),
    })
}

/// Changes what is named, and answers with all.
#[tauri::command]
pub async fn set_settings(app: State<'_, App>, change: Value) -> Result<Settings, Error> {
    at_the_disk(&app, move |store| store.change(&change)).await.map(Arc::unwrap_or_clone)
}

/// Runs what waits for the disk on a thread that may wait.
async fn at_the_disk<T: Send + 'static>(app: &App, work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let store = app.settings().clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.unwrap_or_else(|error| Err(internal("the settings' file could not be used", error)))
}
