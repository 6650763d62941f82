//! What the page may ask about sharing a screen or a window.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use client::Error;
use tauri::{State, WebviewWindow};
use tokio::{task::spawn_blocking, time::timeout};

use super::done;
use crate::{
    app::App,
    call::input::Input,
    error::internal,
    media::capture::{
        Kind,
        screen::{self, Screen},
    },
    signal::Code,
    types::{ScreenKind, ScreenSource, ShareSpec},
};

/// How long small pictures are made, and how long the whole list may take.
const THUMBNAILS: Duration = Duration::from_millis(1500);
const LIST: Duration = Duration::from_secs(5);

/// The screens and windows that can be shared now, screens first, each with a small picture.
#[tauri::command]
pub async fn list_screens() -> Result<Vec<ScreenSource>, Error> {
    let late = |_| Error::new(Code::MediaOptionInvalid, "The desktop does not say what it shows. Try again.");
    let listed = timeout(LIST, spawn_blocking(|| screen::list(THUMBNAILS))).await.map_err(late)?;
    let screens = listed.map_err(|error| internal("the screens could not be listed", error))?;
    let screens = screens.map_err(|error| client::describe(Kind::Screen, &error))?;
    Ok(screens.into_iter().map(ScreenSource::from).collect())
}

/// Shares a screen or window beside the camera; another one takes its place.
#[tauri::command]
pub async fn start_screen(window: WebviewWindow, app: State<'_, App>, share: ShareSpec) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::Share { share: Some(share), ticket }).await
}

#[tauri::command]
pub async fn stop_screen(window: WebviewWindow, app: State<'_, App>) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::Share { share: None, ticket }).await
}

impl From<Screen> for ScreenSource {
    fn from(screen: Screen) -> Self {
        let Screen { id, kind, title, app, width, height, thumbnail } = screen;
        let kind = match kind {
            screen::Kind::Screen => ScreenKind::Screen,
            screen::Kind::Window => ScreenKind::Window,
        };
        let thumbnail = thumbnail.map(|png| format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png)));
        Self { id, kind, title, app, width, height, thumbnail }
    }
}
