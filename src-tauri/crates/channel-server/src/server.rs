//! The HTTP side: two routes, any number of addresses, and an orderly end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use signal::{HEALTH_PATH, Health, PATH};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Config, Error, connection,
    service::{Phase, Service},
};

/// How long closing every connection may take at the end.
const CLOSING: Duration = Duration::from_secs(2);

/// Silence is looked for this many times in a silence limit, so it is noticed at most that fraction late.
const LOOKS: u32 = 16;

/// Runs a service on one address until `shutdown` completes; see [`serve_all`].
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    serve_all(vec![listener], config, shutdown).await
}

/// Runs one service on several addresses until `shutdown` completes. Then nobody joins any more, everyone is told, and after
/// [`Config::drain`] at most the connections are closed. Dropping the future ends the service at once.
pub async fn serve_all(listeners: Vec<TcpListener>, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    if listeners.is_empty() {
        return Err(Error::NoListener);
    }
    let (phase, phases) = watch::channel(Phase::Serving);
    let service = Arc::new(Service::new(config));
    let mut tasks = JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(listener, Entrance { service: service.clone(), phase: phases.clone() }));
    }
    let mut sweeper = JoinSet::new();
    sweeper.spawn(sweep(service.clone()));

    tokio::select! {
        () = shutdown => {}
        Some(ended) = tasks.join_next() => return Err(Error::Accept(ended.unwrap_or_else(|panic| Err(panic.into())).err().unwrap_or_else(ended_early))),
    }
    tracing::info!("draining");
    phase.send_replace(Phase::Draining);
    let deserted_early = timeout(service.config.drain, service.deserted()).await.is_ok();
    phase.send_replace(Phase::Stopping);
    // Whoever is not gone by then is cut off when the runtime or the process ends.
    let _ = timeout(CLOSING, async {
        service.deserted().await;
        while tasks.join_next().await.is_some() {}
    })
    .await;
    tracing::info!(deserted_early, "stopped");
    Ok(())
}

fn ended_early() -> io::Error {
    io::Error::other("the listener ended by itself")
}

/// What the routes share.
#[derive(Clone)]
struct Entrance {
    service: Arc<Service>,
    phase: watch::Receiver<Phase>,
}

async fn accept(listener: TcpListener, entrance: Entrance) -> io::Result<()> {
    let mut phase = entrance.phase.clone();
    let router = Router::new().route(HEALTH_PATH, get(health)).route(PATH, get(upgrade)).with_state(entrance);
    let listener = listener.tap_io(|stream| {
        // Messages are small and people wait for them; where the system cannot do it, they come a little later.
        let _ = stream.set_nodelay(true);
    });
    // A dropped sender, like the last phase, means the end.
    let stopping = async move {
        let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
    };
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stopping).await
}

async fn sweep(service: Arc<Service>) {
    let mut looks = interval((service.config.silence_limit / LOOKS).max(Duration::from_millis(1)));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        service.tick(Instant::now());
    }
}

async fn health() -> Json<Health> {
    Json(Health::ours())
}

async fn upgrade(
    State(entrance): State<Entrance>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    if !entrance.service.config.origins.allow(origin) {
        return (StatusCode::FORBIDDEN, "This page may not use this channel service.").into_response();
    }
    upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(connection::MOST_READ)
        .max_frame_size(connection::MOST_READ)
        .on_upgrade(move |socket| connection::run(socket, peer.ip(), entrance.service, entrance.phase))
}
