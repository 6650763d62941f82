//! What all windows share, and their coming and going.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tauri::{AppHandle, WebviewWindowBuilder, async_runtime::JoinHandle};

use crate::{
    call::{Setup, Window},
    devices::Catalogue,
    frame_socket::{FrameSocket, Pass},
    frames::Streams,
    options::Options,
    origin,
    projects::{Book, Seat},
    service::{Service, Status},
};

/// A window's call and its right to frames.
pub struct Opened {
    pub call: Window,
    pub pass: Pass,
}

/// Tauri's state.
pub struct App {
    pub options: Options,
    book: Book,
    setup: Setup,
    frames: FrameSocket,
    windows: Mutex<HashMap<String, Arc<Opened>>>,
    /// How many windows were opened so far.
    opened: AtomicU32,
    /// Calls of closed windows that are still being left.
    leaving: Mutex<Vec<JoinHandle<()>>>,
    service: Mutex<Option<Service>>,
}

impl App {
    /// Starts the service and the frame socket for pages of these origins.
    pub async fn start(options: Options, origins: Vec<String>) -> std::io::Result<Self> {
        let (service, book) = match &options.server {
            Some(url) => (Service::external(url.clone()), Book::open(None)),
            None => {
                let book = Book::open(channel_server::projects::default_path());
                let catalog = book.catalog();
                // The service follows the file, too, but only while it is this app that serves.
                tokio::spawn(async move { catalog.follow().await });
                (Service::embedded(options.listen, book.clone()), book)
            }
        };
        let setup = Setup {
            server: service.url().to_owned(),
            ca: options.ca.clone(),
            service: service.status(),
            speaker: options.speaker.clone(),
            catalogue: Catalogue::start(),
            projects: book.changes(),
        };
        Ok(Self {
            options,
            book,
            setup,
            frames: FrameSocket::start(origins).await?,
            windows: Mutex::default(),
            opened: AtomicU32::new(0),
            leaving: Mutex::default(),
            service: Mutex::new(Some(service)),
        })
    }

    /// The channel service's address.
    pub fn server(&self) -> &str {
        &self.setup.server
    }

    /// The projects of the service that this app brings along.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Who runs the service that calls go to, as far as is known without looking at the disk.
    pub fn seat(&self) -> Seat {
        let server = self.setup.server.clone();
        match (&self.options.server, &*self.setup.service.borrow()) {
            (Some(_), _) => Seat::External { server },
            (None, Status::Ready) => Seat::Elsewhere { server, port: self.options.listen.port() },
            (None, Status::Starting | Status::Serving | Status::Failed(_)) => Seat::Here { server },
        }
    }

    /// The window's call, started when its page first asks.
    pub fn window(&self, label: &str) -> Arc<Opened> {
        let open = || {
            let streams = Streams::default();
            Arc::new(Opened { pass: self.frames.admit(streams.clone()), call: Window::start(self.setup.clone(), streams) })
        };
        lock(&self.windows).entry(label.to_owned()).or_insert_with(open).clone()
    }

    /// Opens a window as the configuration draws it: `main`, `main-2`, …. It shows this app's page and can go nowhere else.
    pub fn open_window(&self, handle: &AppHandle) -> tauri::Result<()> {
        let mut config = handle.config().app.windows.first().cloned().unwrap_or_default();
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        if number > 1 {
            config.label = format!("{}-{number}", config.label);
        }
        let own = origin::own(handle);
        WebviewWindowBuilder::from_config(handle, &config)?.on_navigation(move |url| own.contains(&origin::of(url))).build()?;
        Ok(())
    }

    /// Leaves the window's call in the background.
    pub fn close_window(&self, label: &str) {
        if let Some(opened) = lock(&self.windows).remove(label) {
            let mut leaving = lock(&self.leaving);
            leaving.retain(|left| !left.inner().is_finished());
            leaving.push(tauri::async_runtime::spawn(close(opened)));
        }
    }

    /// Leaves all calls and ends the service.
    pub async fn end(&self) {
        let open: Vec<String> = lock(&self.windows).keys().cloned().collect();
        for label in open {
            self.close_window(&label);
        }
        let leaving = std::mem::take(&mut *lock(&self.leaving));
        for left in leaving {
            // One that failed has said so itself.
            let _ = left.await;
        }
        let service = lock(&self.service).take();
        if let Some(service) = service {
            service.stop().await;
        }
    }
}

/// A command that still holds the window keeps its call alive until it is answered.
async fn close(opened: Arc<Opened>) {
    if let Some(opened) = Arc::into_inner(opened) {
        opened.call.close().await;
    }
}

/// Nothing panics while it holds one of these locks, so that a poisoned one is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
