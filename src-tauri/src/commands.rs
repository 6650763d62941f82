//! What the page may ask. Each command is idempotent, because a page that is reloaded sends those under way again.

pub mod desktop;
pub mod links;
pub mod projects;
pub mod screen;
pub mod settings;
pub mod speaker;

use client::Error;
use tauri::{AppHandle, State, WebviewWindow, ipc::Channel};

use crate::{
    app::App,
    call::{
        Page,
        input::{Input, Off, Ticket},
        join::{Choice, Devices as Wish, Join, PROFILES, profile},
        output::Answer,
    },
    devices,
    error::internal,
    events::PageEvent,
    stats::CallStats,
    types::{AudioProcessing, CallState, Defaults, Devices, FrameSocket, JoinParams, Joined, PreviewSpec},
};

#[tauri::command]
pub async fn get_state(window: WebviewWindow, app: State<'_, App>) -> Result<CallState, Error> {
    app.window(window.label()).call.state().await
}

#[tauri::command]
pub async fn get_devices(app: State<'_, App>) -> Result<Devices, Error> {
    let options = &app.options;
    Ok(devices::listed(devices::look_now().await, options.camera.as_deref(), options.microphone.as_deref()))
}

#[tauri::command]
pub async fn get_defaults(app: State<'_, App>) -> Result<Defaults, Error> {
    Ok(Defaults {
        app_id: channel_server::DEFAULT_APP_ID.into(),
        channel: "demo".into(),
        server: app.place().url,
        profiles: PROFILES.map(str::to_owned).into(),
        camera_id: app.options.camera.clone(),
        microphone_id: app.options.microphone.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
    })
}

#[tauri::command]
pub async fn get_stats(window: WebviewWindow, app: State<'_, App>) -> Result<CallStats, Error> {
    app.window(window.label()).call.stats().await
}

#[tauri::command]
pub async fn start_preview(window: WebviewWindow, app: State<'_, App>, spec: PreviewSpec) -> Result<(), Error> {
    let devices = Wish {
        camera: Choice::new(spec.camera_id.as_deref(), app.options.camera.as_deref()),
        microphone: Choice::new(spec.microphone_id.as_deref(), app.options.microphone.as_deref()),
        profile: profile(spec.profile.as_deref())?,
    };
    let off = Off { audio: spec.microphone_off, video: spec.camera_off };
    done(&window, &app, move |ticket| Input::StartPreview { devices, off, ticket }).await
}

#[tauri::command]
pub async fn stop_preview(window: WebviewWindow, app: State<'_, App>) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::StopPreview { ticket }).await
}

#[tauri::command]
pub async fn join(window: WebviewWindow, app: State<'_, App>, params: JoinParams) -> Result<Joined, Error> {
    tracing::info!(window = window.label(), ?params, "join");
    let join = Box::new(Join::new(params, app.options.camera.as_deref(), app.options.microphone.as_deref())?);
    match app.window(window.label()).call.command(|ticket| Input::Join { join, ticket }).await? {
        Answer::Joined(uid) => Ok(Joined { uid }),
        Answer::Done => Err(internal("a join was answered without a uid", "")),
    }
}

#[tauri::command]
pub async fn leave(window: WebviewWindow, app: State<'_, App>) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::Leave { ticket }).await
}

#[tauri::command]
pub async fn publish(window: WebviewWindow, app: State<'_, App>) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::Publish { wanted: true, ticket }).await
}

#[tauri::command]
pub async fn unpublish(window: WebviewWindow, app: State<'_, App>) -> Result<(), Error> {
    done(&window, &app, |ticket| Input::Publish { wanted: false, ticket }).await
}

/// Silences or blacks out this window's tracks (`true`), or lets them be heard and seen again; what is not given stays.
#[tauri::command]
pub async fn mute(window: WebviewWindow, app: State<'_, App>, audio: Option<bool>, video: Option<bool>) -> Result<(), Error> {
    done(&window, &app, move |ticket| Input::Mute { audio, video, ticket }).await
}

#[tauri::command]
pub async fn set_camera(window: WebviewWindow, app: State<'_, App>, id: String) -> Result<(), Error> {
    let id = Choice::new(Some(&id), app.options.camera.as_deref());
    done(&window, &app, |ticket| Input::SetCamera { id, ticket }).await
}

#[tauri::command]
pub async fn set_microphone(window: WebviewWindow, app: State<'_, App>, id: String) -> Result<(), Error> {
    let id = Choice::new(Some(&id), app.options.microphone.as_deref());
    done(&window, &app, |ticket| Input::SetMicrophone { id, ticket }).await
}

/// Turns echo cancellation, noise suppression and gain control of this window's microphones on and off.
#[tauri::command]
pub async fn set_audio_processing(window: WebviewWindow, app: State<'_, App>, switches: AudioProcessing) -> Result<(), Error> {
    done(&window, &app, move |ticket| Input::Process { switches, ticket }).await
}

#[tauri::command]
pub async fn set_volume(window: WebviewWindow, app: State<'_, App>, stream: String, volume: u8) -> Result<(), Error> {
    app.window(window.label()).call.set_volume(stream, volume).await
}

#[tauri::command]
pub async fn renew_token(window: WebviewWindow, app: State<'_, App>, token: String) -> Result<(), Error> {
    app.window(window.label()).call.renew_token(token).await
}

#[tauri::command]
pub async fn frame_socket(window: WebviewWindow, app: State<'_, App>) -> Result<FrameSocket, Error> {
    Ok(FrameSocket { url: app.window(window.label()).pass.url() })
}

#[tauri::command]
pub async fn subscribe_events(window: WebviewWindow, app: State<'_, App>, channel: Channel<PageEvent>) -> Result<(), Error> {
    let page: Page = Box::new(move |event| channel.send(event).is_ok());
    let opened = app.window(window.label());
    opened.call.set_page(window.label(), page).await?;
    tracing::info!(window = window.label(), "the page is ready");
    if let Some(stream) = app.pips.stream_of(window.label()) {
        opened.call.tell(PageEvent::PipChanged { stream: Some(stream) }).await;
    }
    Ok(())
}

/// Changes the name that this window's user goes by in the call; an empty one takes it back.
#[tauri::command]
pub async fn set_name(window: WebviewWindow, app: State<'_, App>, name: String) -> Result<(), Error> {
    app.window(window.label()).call.set_name(name).await
}

/// Opens one more window, with a call of its own. Asynchronous, because building a window waits for the main thread.
#[tauri::command]
pub async fn new_window(handle: AppHandle, app: State<'_, App>) -> Result<(), Error> {
    app.open_window(&handle).map_err(|error| internal("the window could not be opened", error))
}

async fn done(window: &WebviewWindow, app: &App, input: impl FnOnce(Ticket) -> Input + Send + 'static) -> Result<(), Error> {
    app.window(window.label()).call.command(input).await.map(drop)
}
