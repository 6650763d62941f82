//! What all windows share, and their coming and going.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tauri::{AppHandle, WebviewWindowBuilder, async_runtime::JoinHandle};
use tokio::sync::watch;

use crate::{
    call::{Setup, Window},
    desktop::{self, Desktop, pip::Pips},
    devices::Catalogue,
    folders::Folders,
    frame_socket::{FrameSocket, Pass},
    frames::Streams,
    links::Waiting,
    logs::LogFile,
    nearby::{self, NearbyCall, Surroundings},
    options::Options,
    origin, platform,
    projects::{Book, Seat},
    service::{Place, Station, Status, Target, Wishes},
    settings::Store,
    window_memory,
};

/// A window's call and its right to frames.
pub struct Opened {
    pub call: Window,
    pub pass: Pass,
}

/// Tauri's state.
pub struct App {
    pub options: Options,
    /// The link that the app was opened with, or that no page was there to hear of.
    pub link: Waiting,
    pub desktop: Desktop,
    pub pips: Pips,
    handle: AppHandle,
    folders: Folders,
    settings: Store,
    book: Book,
    setup: Setup,
    frames: FrameSocket,
    windows: Mutex<HashMap<String, Arc<Opened>>>,
    /// How many windows were opened so far.
    opened: AtomicU32,
    /// Calls of closed windows that are still being left.
    leaving: Mutex<Vec<JoinHandle<()>>>,
    log: Option<LogFile>,
    station: Mutex<Option<Station>>,
}

impl App {
    /// Starts the service and the frame socket for this app's pages.
    pub async fn start(options: Options, log: Option<LogFile>, handle: AppHandle) -> std::io::Result<Self> {
        let folders = Folders::new(options.config.as_deref());
        let settings = Store::open(folders.settings());
        tokio::spawn(settings.clone().follow());
        let book = match &options.server {
            Some(_) => Book::open(None),
            None => {
                let book = Book::open(channel_server::projects::default_path());
                let catalog = book.catalog();
                // The service follows the file by itself, but only while it is this app that serves.
                tokio::spawn(async move { catalog.follow().await });
                book
            }
        };
        let desktop = Desktop::default();
        let station = Station::start(Wishes {
            listen: options.listen,
            option: options.server.clone(),
            settings: settings.changes(),
            busy: desktop.busy(),
            book: book.clone(),
            ca: options.ca.clone(),
        });
        let (report, nearby) = watch::channel(Arc::default());
        let around = Surroundings { settings: settings.changes(), place: station.place(), own: desktop.channels() };
        tokio::spawn(nearby::run(around, report));
        let setup = Setup {
            ca: options.ca.clone(),
            place: station.place(),
            nearby,
            speaker: options.speaker.clone(),
            catalogue: Catalogue::start(),
            projects: book.changes(),
            settings: settings.changes(),
            onlooker: Arc::new(|_| {}),
        };
        Ok(Self {
            link: Waiting::new(options.link.as_deref()),
            desktop,
            pips: Pips::default(),
            frames: FrameSocket::start(origin::own(&handle)).await?,
            handle,
            folders,
            options,
            settings,
            book,
            setup,
            windows: Mutex::default(),
            opened: AtomicU32::new(0),
            leaving: Mutex::default(),
            log,
            station: Mutex::new(Some(station)),
        })
    }

    /// Where calls go now.
    pub fn place(&self) -> Place {
        self.setup.place.borrow().clone()
    }

    /// The calls that others on this network show.
    pub fn nearby(&self) -> Arc<Vec<NearbyCall>> {
        self.setup.nearby.borrow().clone()
    }

    /// The file that this process logs to, if there is one.
    pub fn log(&self) -> Option<&LogFile> {
        self.log.as_ref()
    }

    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    pub fn settings(&self) -> &Store {
        &self.settings
    }

    /// The projects of the service that this app brings along.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Who runs the service that calls go to, as far as is known without looking at the disk.
    pub fn seat(&self) -> Seat {
        let Place { url: server, target, status } = self.place();
        match (target, status) {
            (Target::Named(_), _) => Seat::External { server },
            (Target::Own(address), Status::Ready) => Seat::Elsewhere { server, port: address.port() },
            (Target::Own(_), Status::Starting | Status::Serving | Status::Failed(_)) => Seat::Here { server },
        }
    }

    /// The window's call, started when its page first asks. The small window on top has that of the window it was opened from.
    pub fn window(&self, label: &str) -> Arc<Opened> {
        let label = self.pips.owner_of(label);
        let open = || {
            let (streams, handle, own) = (Streams::default(), self.handle.clone(), label.clone());
            let setup = Setup { onlooker: Arc::new(move |event| desktop::hear(&handle, &own, event)), ..self.setup.clone() };
            Arc::new(Opened { pass: self.frames.admit(streams.clone()), call: Window::start(setup, streams) })
        };
        lock(&self.windows).entry(label.clone()).or_insert_with(open).clone()
    }

    /// Opens a window as the configuration draws it: `main`, `main-2`, …. It shows this app's page and can go nowhere else.
    pub fn open_window(&self, handle: &AppHandle) -> tauri::Result<()> {
        let mut config = handle.config().app.windows.first().cloned().unwrap_or_default();
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(geometry) = self.settings.geometry() {
            window_memory::restore(handle, &mut config, geometry);
        }
        if number > 1 {
            config.label = format!("{}-{number}", config.label);
            // The system puts it beside the others.
            (config.x, config.y) = (None, None);
        }
        let own = origin::own(handle);
        WebviewWindowBuilder::from_config(handle, &config)?
            .on_navigation(move |url| own.contains(&origin::of(url)))
            .initialization_script(self.initialization())
            .build()?;
        Ok(())
    }

    /// Runs before a page's own scripts, so that theme and language are right at the first paint, and WebGL is not tried where it is software.
    /// JSON is an expression of JavaScript.
    pub fn initialization(&self) -> String {
        let json = serde_json::to_string(&*self.settings.current()).expect("settings are plain data");
        format!("globalThis.__VISAVIS_SETTINGS__ = {json}; globalThis.__VISAVIS_SOFTWARE__ = {};", platform::draws_in_software())
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
        let station = lock(&self.station).take();
        if let Some(station) = station {
            station.stop().await;
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
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
