//! One service on any number of addresses, from its start to its orderly end.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, interval_at, timeout},
};

use crate::{
    Config, Error, Listener,
    accept::{self, Entrance},
    clock,
    listener::Kind,
    routes::{self, Shared},
    service::{Phase, Service},
};

/// How long closing every connection may take at the end.
const CLOSING: Duration = Duration::from_secs(2);

/// Silence is looked for this many times in a silence limit, so it is noticed at most that fraction late.
const LOOKS: u32 = 16;

/// And the ends of tokens and bans at least so often.
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// Runs a service on one plain address until `shutdown` completes; see [`serve_on`].
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    serve_on(vec![listener.into()], config, shutdown).await
}

/// Runs one service on several plain addresses until `shutdown` completes; see [`serve_on`].
pub async fn serve_all(listeners: Vec<TcpListener>, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    serve_on(listeners.into_iter().map(Listener::from).collect(), config, shutdown).await
}

/// Runs one service on all `listeners` until `shutdown` completes. Then nobody joins any more, everyone is told, and after
/// [`Config::drain`] at most the connections are closed. Dropping the future ends the service at once.
pub async fn serve_on(listeners: Vec<Listener>, config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    if listeners.is_empty() {
        return Err(Error::NoListener);
    }
    let (phase, phases) = watch::channel(Phase::Serving);
    let service = Arc::new(Service::new(config));
    let (mut tasks, mut helpers) = (JoinSet::new(), JoinSet::new());
    for listener in listeners {
        if let Kind::Tls(identity) = &listener.kind {
            helpers.spawn(identity.as_ref().clone().watch());
        }
        let router = router(&listener, Shared { service: service.clone(), phase: phases.clone() });
        tasks.spawn(accept::run(listener, Entrance { service: service.clone(), phase: phases.clone(), router }));
    }
    helpers.spawn(sweep(service.clone()));
    if let Some(turn) = &service.config.turn {
        helpers.spawn(renew(service.clone(), turn.ttl));
    }
    let projects = service.config.projects.clone();
    helpers.spawn(async move { projects.follow().await });
    helpers.spawn(dismiss(service.clone()));

    tokio::select! {
        () = shutdown => {}
        Some(Err(panic)) = tasks.join_next() => return Err(Error::Accept(panic.into())),
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

fn router(listener: &Listener, shared: Shared) -> axum::Router {
    match listener.kind {
        Kind::Plain | Kind::Tls(_) => routes::public(shared),
        Kind::Private => routes::private(shared),
    }
}

/// Removes the members of projects that are disabled or gone, as soon as they are.
async fn dismiss(service: Arc<Service>) {
    let mut changes = service.config.projects.changes();
    // The sender is the service's own.
    while changes.changed().await.is_ok() {
        service.dismiss_outcast(clock::now());
    }
}

/// Renews credentials when half of their time is over, so that everyone's are good for the other half at least.
async fn renew(service: Arc<Service>, ttl: Duration) {
    let half = (ttl / 2).max(Duration::from_millis(1));
    let mut due = interval_at(tokio::time::Instant::now() + half, half);
    loop {
        due.tick().await;
        service.renew_servers(clock::moment(clock::now()).wall.as_secs());
    }
}

async fn sweep(service: Arc<Service>) {
    let mut looks = interval((service.config.silence_limit / LOOKS).clamp(Duration::from_millis(1), LONGEST_LOOK));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        service.inhabited().await;
        looks.tick().await;
        service.tick(clock::now());
    }
}
