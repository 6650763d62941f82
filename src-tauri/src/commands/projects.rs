//! What the Projects panel may ask.

use std::time::{SystemTime, UNIX_EPOCH};

use client::Error;
use tauri::State;

use crate::{
    app::App,
    error::internal,
    projects::{Book, MadeToken, ProjectList, ProjectRow, TokenOrder},
};

#[tauri::command]
pub async fn list_projects(app: State<'_, App>) -> Result<ProjectList, Error> {
    let seat = app.seat();
    at_the_disk(&app, move |book| Ok(seat.list(book))).await
}

#[tauri::command]
pub async fn create_project(app: State<'_, App>, name: String) -> Result<ProjectRow, Error> {
    at_the_disk(&app, move |book| book.create(&name)).await
}

#[tauri::command]
pub async fn set_certificate(app: State<'_, App>, app_id: String, on: bool) -> Result<(), Error> {
    let app_id = app_id.parse()?;
    at_the_disk(&app, move |book| book.set_certificate(&app_id, on)).await
}

#[tauri::command]
pub async fn reveal_certificate(app: State<'_, App>, app_id: String) -> Result<String, Error> {
    app.book().reveal_certificate(&app_id.parse()?)
}

#[tauri::command]
pub async fn set_enabled(app: State<'_, App>, app_id: String, enabled: bool) -> Result<(), Error> {
    let app_id = app_id.parse()?;
    at_the_disk(&app, move |book| book.set_enabled(&app_id, enabled)).await
}

#[tauri::command]
pub async fn make_token(app: State<'_, App>, order: TokenOrder) -> Result<MadeToken, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| internal("the clock is before 1970", error))?;
    app.book().make_token(&order, now.as_secs(), rand::random())
}

/// Runs what waits for the disk on a thread that may wait.
async fn at_the_disk<T: Send + 'static>(app: &App, work: impl FnOnce(&Book) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let book = app.book().clone();
    let done = tokio::task::spawn_blocking(move || work(&book)).await;
    done.unwrap_or_else(|error| Err(internal("the projects' file could not be used", error)))
}
