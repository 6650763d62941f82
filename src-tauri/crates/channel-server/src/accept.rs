//! From a TCP connection to HTTP requests: one task a connection, which gets through TLS and its first request in time or is dropped.
//!
//! A connection that becomes a WebSocket leaves its task; the [`Ticket`] goes with it.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Listener,
    gate::Ticket,
    listener::Kind,
    service::{Phase, Service},
};

/// How long the pause is when the system has no descriptor for a connection.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// The most a request's head may have, in bytes.
const MOST_HEAD: usize = 16 * 1024;

/// What the accepted connections of a listener share.
#[derive(Clone)]
pub struct Entrance {
    pub service: Arc<Service>,
    pub phase: watch::Receiver<Phase>,
    pub router: Router,
}

impl Entrance {
    /// A dropped sender, like the last phase, means the end.
    async fn stopping(&self) {
        let _ = self.phase.clone().wait_for(|phase| *phase == Phase::Stopping).await;
    }
}

/// Accepts connections until the service stops, then waits for those that are still in HTTP.
pub async fn run(listener: Listener, entrance: Entrance) {
    let mut connections = JoinSet::new();
    let stopping = entrance.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.socket.accept() => match accepted {
                Ok((stream, peer)) => if let Some(ticket) = enter(&entrance, &listener.kind, peer) {
                    connections.spawn(serve(stream, peer, listener.kind.clone(), ticket, entrance.clone()));
                },
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    sleep(OUT_OF_FILES).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Whether the client was gone before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

/// Lets a connection in, if only to be answered. On a private address nobody is counted.
fn enter(entrance: &Entrance, kind: &Kind, peer: SocketAddr) -> Option<Option<Arc<Ticket>>> {
    if matches!(kind, Kind::Private) {
        return Some(None);
    }
    match entrance.service.gate.enter(peer.ip(), Instant::now()) {
        Ok(ticket) => Some(Some(Arc::new(ticket))),
        Err(refusal) => {
            entrance.service.metrics.refused(refusal.label());
            None
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, kind: Kind, ticket: Option<Arc<Ticket>>, entrance: Entrance) {
    // Messages are small and people wait for them; where the system cannot do it, they come a little later.
    let _ = stream.set_nodelay(true);
    let Kind::Tls(identity) = kind else { return speak(stream, peer, ticket, entrance).await };
    match timeout(entrance.service.config.handshake_limit, identity.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, peer, ticket, entrance).await,
        failed => {
            entrance.service.metrics.handshakes_failed.add();
            let cause = failed.map_or_else(
                |_| "not finished in time".to_owned(),
                |handshake| handshake.err().map_or_else(String::new, |e| e.to_string()),
            );
            tracing::debug!(%peer, cause, "no TLS");
        }
    }
}

/// HTTP/1.1, the way a WebSocket begins.
async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    ticket: Option<Arc<Ticket>>,
    entrance: Entrance,
) {
    let service = TowerToHyperService::new(entrance.router.clone());
    let answer = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(ticket) = &ticket {
            request.extensions_mut().insert(ticket.clone());
        }
        service.call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(entrance.service.config.request_limit)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = entrance.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%peer, %cause, "a connection broke");
    }
}
