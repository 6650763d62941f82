//! What is answered over HTTP, and where.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Extension, Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::rt::TokioIo;
use signal::{HEALTH_PATH, Health, PATH};
use tokio::sync::watch;

use crate::{
    admin, connection,
    gate::{Refusal, Ticket},
    handshake,
    metrics::Now,
    service::{Phase, Service},
};

/// Where Prometheus reads.
const METRICS_PATH: &str = "/metrics";

const FORWARDED_FOR: &str = "x-forwarded-for";

/// What the routes share.
#[derive(Clone)]
pub struct Shared {
    pub service: Arc<Service>,
    pub phase: watch::Receiver<Phase>,
}

/// For an address that anyone may reach.
pub fn public(shared: Shared) -> Router {
    Router::new()
        .route(HEALTH_PATH, get(health))
        .route(PATH, get(upgrade))
        .merge(admin::router(shared.clone()))
        .layer(middleware::from_fn_with_state(shared.clone(), check))
        .with_state(shared)
}

/// For an address of the operator's own.
pub fn private(shared: Shared) -> Router {
    Router::new().route(HEALTH_PATH, get(health)).route(METRICS_PATH, get(metrics)).merge(admin::router(shared.clone())).with_state(shared)
}

/// Turns away whoever is over a limit. Behind a trusted proxy, [`ConnectInfo`] becomes the client's address.
async fn check(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(ticket): Extension<Arc<Ticket>>,
    mut request: Request,
    next: Next,
) -> Response {
    let service = &shared.service;
    let client = service.gate.client(peer.ip(), forwarded(request.headers()));
    let refusal = ticket.refusal.or_else(|| service.gate.forwarded(peer.ip(), client, Instant::now()));
    if let Some(refusal) = refusal {
        service.metrics.refused(refusal.label());
        return turned_away(refusal);
    }
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, peer.port())));
    next.run(request).await
}

fn forwarded(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = &str> {
    headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default())
}

/// The same `{code, message}` as over the WebSocket that does not come to be.
fn turned_away(refusal: Refusal) -> Response {
    let (status, seconds) = match refusal {
        Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, "10"),
        Refusal::Address => (StatusCode::TOO_MANY_REQUESTS, "60"),
    };
    (status, [(header::RETRY_AFTER, seconds), (header::CONNECTION, "close")], Json(refusal.error())).into_response()
}

/// 503 while the service drains, so that a load balancer sends nobody new.
async fn health(State(shared): State<Shared>) -> (StatusCode, Json<Health>) {
    let serving = *shared.phase.borrow() == Phase::Serving;
    (if serving { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(Health::ours()))
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let (channels, members) = shared.service.count();
    let draining = *shared.phase.borrow() != Phase::Serving;
    let now = Now { connections: shared.service.connections(), channels, members, draining };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], shared.service.metrics.exposition(now))
}

async fn upgrade(
    State(shared): State<Shared>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Extension(ticket): Extension<Arc<Ticket>>,
    request: Request,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if !shared.service.config.origins.allow(origin) {
        return (StatusCode::FORBIDDEN, "This page may not use this channel service.").into_response();
    }
    let (response, upgrade) = handshake::answer(request);
    if let Some(upgrade) = upgrade {
        tokio::spawn(async move {
            if let Ok(stream) = upgrade.await {
                connection::run(TokioIo::new(stream), client.ip(), shared.service, shared.phase).await;
            }
            drop(ticket);
        });
    }
    response
}
