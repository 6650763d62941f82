//! The way of pixels to the page: a WebSocket on loopback, because Tauri's own channels pass every byte through the window's main thread
//! and know no back-pressure.
//!
//! Invariants: only this app's pages get in (a random token in the path, and the page's origin); a page can ask for [`MAX_TILES`] tiles
//! at most; every tile has one picture under way at most, so that nothing queues up for a page that does not draw.

mod message;
mod tile;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        self, Bytes,
        handshake::server::{ErrorResponse, Request, Response},
        http::{HeaderValue, StatusCode, header::ORIGIN},
        protocol::WebSocketConfig,
    },
};

use crate::frames::Streams;
use message::{MAX_MESSAGE, MAX_TILES, Message};
use tile::{Outgoing, Tile};

/// Connections at once, of all windows. A window has one; a reload briefly two.
const MAX_CONNECTIONS: usize = 64;

/// How long a connection may take to become a WebSocket.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The socket's address and who may come. Clones are the same socket.
#[derive(Clone)]
pub struct FrameSocket {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    origins: Vec<String>,
    /// The windows' streams, each by its token.
    windows: Mutex<HashMap<String, Streams>>,
}

/// A window's right to connect. Dropping it withdraws the token.
pub struct Pass {
    socket: FrameSocket,
    token: String,
}

impl Pass {
    /// What the window's page connects to.
    pub fn url(&self) -> String {
        format!("ws://{}/{}", self.socket.shared.address, self.token)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.socket.shared.lock().remove(&self.token);
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Streams>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FrameSocket {
    /// Listens on a free loopback port for pages of these origins. It runs as long as the app.
    pub async fn start(origins: Vec<String>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared { address: listener.local_addr()?, origins, windows: Mutex::default() });
        tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { shared })
    }

    /// Lets one window's page see these streams.
    pub fn admit(&self, streams: Streams) -> Pass {
        let token = format!("{:032x}", rand::random::<u128>());
        self.shared.lock().insert(token.clone(), streams);
        Pass { socket: self.clone(), token }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = connections.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &shared).await {
                        tracing::debug!(%error, "a frame connection ended");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: one may come free.
                tracing::warn!(%error, "frame socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Result<(), tungstenite::Error> {
    stream.set_nodelay(true)?;
    let mut streams = None;
    let config = WebSocketConfig::default()
        .read_buffer_size(MAX_MESSAGE)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    #[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
    let check = |request: &Request, response: Response| match shared.admitted(request) {
        Ok(admitted) => {
            streams = Some(admitted);
            Ok(response)
        }
        Err(status) => Err(refusal(status)),
    };
    let Ok(socket) = tokio::time::timeout(HANDSHAKE, accept_hdr_async_with_config(stream, check, Some(config))).await else {
        return Ok(());
    };
    let (socket, streams) = (socket?, streams.expect("a handshake succeeds only after the check"));
    let (sink, mut messages) = socket.split();
    // Every tile has one picture under way at most, so that the queue never fills.
    let (pictures, queue) = mpsc::channel(MAX_TILES as usize);
    let sender = tokio::spawn(send(queue, sink));
    let mut tiles = HashMap::new();
    while let Some(message) = messages.next().await {
        if let tungstenite::Message::Text(text) = message? {
            match text.as_str().parse() {
                Ok(message) => heed(message, &mut tiles, &streams, &pictures),
                Err(error) => tracing::debug!(%error, "a message on the frame socket"),
            }
        }
    }
    drop((tiles, pictures));
    sender.abort();
    Ok(())
}

impl Shared {
    /// The streams of the window whose page asks, or why it is turned away.
    fn admitted(&self, request: &Request) -> Result<Streams, StatusCode> {
        let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
        if !self.origins.iter().any(|allowed| origin == Some(allowed.as_bytes())) {
            return Err(StatusCode::FORBIDDEN);
        }
        let token = request.uri().path().trim_start_matches('/');
        self.lock().get(token).cloned().ok_or(StatusCode::NOT_FOUND)
    }
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = status;
    response
}

/// Does what the page says.
fn heed(message: Message, tiles: &mut HashMap<u32, Tile>, streams: &Streams, pictures: &mpsc::Sender<Outgoing>) {
    match message {
        Message::Show { tile, stream, shape } => match tiles.get(&tile) {
            Some(shown) => shown.show(stream, shape),
            None => match Tile::start(tile, stream, shape, streams.clone(), pictures.clone()) {
                Ok(started) => drop(tiles.insert(tile, started)),
                Err(error) => tracing::error!(%error, "no thread for a tile"),
            },
        },
        Message::Hide { tile } => drop(tiles.remove(&tile)),
        Message::Credit { tile } => {
            if let Some(tile) = tiles.get(&tile) {
                tile.credit();
            }
        }
    }
}

/// Sends pictures as they come, and gives each buffer back once the socket has taken the bytes.
async fn send(mut pictures: mpsc::Receiver<Outgoing>, mut sink: SplitSink<WebSocketStream<TcpStream>, tungstenite::Message>) {
    while let Some(picture) = pictures.recv().await {
        let (bytes, buffer) = picture.split();
        let bytes = Bytes::from(bytes);
        if sink.send(tungstenite::Message::Binary(bytes.clone())).await.is_err() {
            return;
        }
        // The socket's own reference is gone by now, so that this copies nothing.
        buffer.give_back(Vec::from(bytes));
    }
}

#[cfg(test)]
mod tests;
