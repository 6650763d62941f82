//! A real Chromium, driven by WebDriver, with a page that speaks our protocol.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use fantoccini::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::process::{Group, drive, free_port, log_to, logged, quiet};
#[cfg(target_os = "linux")]
use crate::{
    gate::Gate,
    wire::{End, Wire},
};

/// The page that joins a channel as one more client (`tests/browser/peer.html`).
const PEER: &str = include_str!("../browser/peer.html");

/// A headless Chromium showing the peer page.
pub struct Browser {
    pub page: Client,
    _driver: Group,
    #[cfg(target_os = "linux")]
    _gate: Option<Gate>,
}

impl Browser {
    /// Starts Chromium; its camera shows `video` (Y4M or MJPEG) and its microphone plays `audio` (WAV).
    ///
    /// # Panics
    /// If Chromium or its driver does not come up.
    pub async fn open(video: &Path, audio: &Path) -> Self {
        Self::open_with(Some((video, audio))).await
    }

    /// Starts a Chromium of somebody who was not asked for a camera: it hides its addresses behind names.
    ///
    /// # Panics
    /// If Chromium or its driver does not come up.
    pub async fn open_hidden() -> Self {
        Self::open_with(None).await
    }

    async fn open_with(media: Option<(&Path, &Path)>) -> Self {
        let port = free_port();
        let log = log(port);
        let driver = Group::start(logged("chromedriver", &log).arg(format!("--port={port}")));
        let page = start(port, media, &log).await;
        let address = serve(PEER).await;
        page.goto(&format!("http://{address}/")).await.expect("the peer page loads");
        Self {
            page,
            _driver: driver,
            #[cfg(target_os = "linux")]
            _gate: None,
        }
    }

    /// The same at an end of a wire; the page comes from a file.
    ///
    /// # Panics
    /// If Chromium or its driver does not come up.
    #[cfg(target_os = "linux")]
    pub async fn open_at(wire: &Wire, end: End, video: &Path, audio: &Path) -> Self {
        let port = free_port();
        let log = log(port);
        let mut command = wire.command(end, "chromedriver");
        let driver = Group::start(log_to(&mut command, &log).arg(format!("--port={port}")));
        let gate = Gate::open(wire.host(end).name(), port).await;
        let page = start(gate.port(), Some((video, audio)), &log).await;
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/peer.html");
        page.goto(&format!("file://{}", peer.display())).await.expect("the peer page loads");
        Self { page, _driver: driver, _gate: Some(gate) }
    }

    /// Calls an async function of the peer page and answers what it resolves to.
    ///
    /// # Panics
    /// If it rejects.
    pub async fn call(&self, function: &str, arguments: Vec<Value>) -> Value {
        let body = format!(
            "const done = arguments[arguments.length - 1];
             {function}(...[...arguments].slice(0, -1)).then(value => done({{value: value ?? null}}), error => done({{error: String(error)}}));"
        );
        let answer = self.page.execute_async(&body, arguments).await.unwrap_or_else(|error| panic!("{function}: {error}"));
        assert!(answer.get("error").is_none(), "{function}: {}", answer["error"]);
        answer["value"].clone()
    }
}

fn log(port: u16) -> PathBuf {
    crate::output().join(format!("chromedriver-{port}.log"))
}

/// A Chromium whose driver listens here; its camera shows the first file and its microphone plays the second.
async fn start(port: u16, media: Option<(&Path, &Path)>, log: &Path) -> Client {
    let mut flags = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--disable-quic".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--autoplay-policy=no-user-gesture-required".into(),
    ];
    if let Some((video, audio)) = media {
        flags.extend([
            "--use-fake-ui-for-media-stream".into(),
            "--use-fake-device-for-media-stream".into(),
            format!("--use-file-for-fake-video-capture={}", video.display()),
            format!("--use-file-for-fake-audio-capture={}", audio.display()),
        ]);
    }
    let capabilities = json!({"goog:chromeOptions": {"args": flags}, "goog:loggingPrefs": {"browser": "ALL"}});
    drive("Chromium opens", port, &capabilities, log).await
}

/// Serves one HTML page on a loopback port for as long as the runtime lives.
async fn serve(html: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                html.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(html.as_bytes()).await;
        }
    });
    address
}

/// Whether there is a Chromium with a driver here; says so where there is none (Ubuntu has it only as a snap).
pub fn available() -> bool {
    let there = quiet("chromedriver").arg("--version").status().is_ok_and(|status| status.success());
    if !there {
        eprintln!("skipped: a call with Chromium (no chromedriver on this machine)");
    }
    there
}
