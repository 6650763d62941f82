//! Invitations as links.

use std::time::{SystemTime, UNIX_EPOCH};

use client::Error;
use tauri::State;

use crate::{
    app::App,
    error::internal,
    links::{self, OpenedLink, PageLink},
};

#[tauri::command]
pub async fn make_link(link: PageLink) -> Result<String, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| internal("the clock is before 1970", error))?;
    links::make(link, now.as_secs())
}

#[tauri::command]
pub async fn read_link(text: String) -> Result<PageLink, Error> {
    links::read(&text)
}

/// What the app was opened with, once.
#[tauri::command]
pub async fn take_link(app: State<'_, App>) -> Result<OpenedLink, Error> {
    Ok(app.link.take())
}
