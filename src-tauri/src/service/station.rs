//! Where calls go: the service that this app brings along, or one that a person names; as the settings change, so does this.
//!
//! Another service is only gone to while no window is in a call: those in a call stay where they are. Whether the own service listens to
//! the local network changes at once, since its clients come back by themselves and media flows on meanwhile.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use tokio::{sync::watch, task::JoinHandle};

use super::{Service, Status};
use crate::{error::ServiceError, nearby::Reach, projects::Book, settings::Settings};

/// Which service calls are to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Own(SocketAddr),
    Named(String),
}

impl Target {
    /// The command line's wish comes before the settings'.
    pub fn choose(listen: SocketAddr, option: Option<&str>, settings: &Settings) -> Self {
        match option.or(settings.server.as_deref()) {
            Some(server) => Self::Named(server.to_owned()),
            // An address that somebody chose is that person's; the default one opens up where the local network is allowed in.
            None if settings.nearby && listen.ip().is_loopback() => Self::Own(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listen.port())),
            None => Self::Own(listen),
        }
    }

    /// Whether a call goes on with it where `other` was before.
    fn serves_the_calls_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => one.port() == other.port(),
            (one, other) => one == other,
        }
    }
}

/// The service and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub url: String,
    pub target: Target,
    pub status: Status,
}

impl Place {
    /// How others on the network reach the service; none while only this machine does.
    pub fn reach(&self) -> Option<Reach> {
        match (&self.target, &self.status) {
            (Target::Named(server), _) if !is_here(server) => Some(Reach::Elsewhere(server.clone())),
            (Target::Own(address), Status::Serving | Status::Ready) if !address.ip().is_loopback() => Some(Reach::Here(address.port())),
            _ => None,
        }
    }
}

/// Whether an address is one of this machine's own and of no use elsewhere.
fn is_here(server: &str) -> bool {
    let place = server.split_once("://").map_or(server, |(_, place)| place);
    let host = place.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(place, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

/// What the station goes by.
#[derive(Clone)]
pub struct Wishes {
    pub listen: SocketAddr,
    /// The command line's service.
    pub option: Option<String>,
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Whether any window is in a call.
    pub busy: watch::Receiver<bool>,
    pub book: Book,
    /// The only authorities to trust for TLS, if not the system's.
    pub ca: Option<PathBuf>,
}

impl Wishes {
    fn target(&self) -> Target {
        Target::choose(self.listen, self.option.as_deref(), &self.settings.borrow())
    }

    /// Waits until another target is wished for, and may be gone to.
    async fn other_than(&mut self, now: &Target) -> Option<Target> {
        loop {
            let (wished, busy) = (self.target(), *self.busy.borrow());
            if wished != *now && (!busy || wished.serves_the_calls_of(now)) {
                return Some(wished);
            }
            tokio::select! {
                changed = self.settings.changed() => changed.ok()?,
                changed = self.busy.changed() => changed.ok()?,
            }
        }
    }
}

/// The handle.
pub struct Station {
    place: watch::Receiver<Place>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Station {
    /// Must be called inside a tokio runtime.
    pub fn start(wishes: Wishes) -> Self {
        let target = wishes.target();
        let service = serve(&target, &wishes);
        let first = Place { url: service.url().to_owned(), target, status: service.status().borrow().clone() };
        let (report, place) = watch::channel(first);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(service, wishes, report, stopped));
        Self { place, stop, task }
    }

    /// What is known now, and changes to it.
    pub fn place(&self) -> watch::Receiver<Place> {
        self.place.clone()
    }

    /// Ends the service and waits until its clients were told.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the channel service's station failed");
        }
    }
}

fn serve(target: &Target, wishes: &Wishes) -> Service {
    match target {
        Target::Own(address) => Service::embedded(*address, wishes.book.clone()),
        Target::Named(url) => Service::external(url.clone(), wishes.ca.clone()),
    }
}

async fn run(mut service: Service, mut wishes: Wishes, report: watch::Sender<Place>, mut stop: watch::Receiver<bool>) {
    loop {
        let now = report.borrow().target.clone();
        let next = {
            let mut status = service.status();
            let follow = async {
                while status.changed().await.is_ok() {
                    let status = status.borrow_and_update().clone();
                    report.send_modify(|place| place.status = status);
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = follow => None,
                next = wishes.other_than(&now) => next,
                _ = stop.changed() => None,
            }
        };
        service.stop().await;
        let Some(next) = next else { return };
        service = serve(&next, &wishes);
        let place = Place { url: service.url().to_owned(), target: next, status: service.status().borrow().clone() };
        tracing::info!(url = place.url, "calls go by another service now");
        report.send_replace(place);
    }
}

/// Waits until it is known whether calls can be carried. Of a service that somebody named a client's connection shows that best: what was
/// seen some seconds ago says nothing against it.
pub async fn ready(mut place: watch::Receiver<Place>) -> Result<(), ServiceError> {
    let named = |place: &Place| matches!(place.target, Target::Named(_));
    let known = place.wait_for(|place| named(place) || place.status != Status::Starting).await;
    match known.as_deref() {
        Ok(Place { target: Target::Own(_), status: Status::Failed(error), .. }) => Err(error.clone()),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Store;
    use serde_json::json;

    fn listen() -> SocketAddr {
        "127.0.0.1:47880".parse().unwrap()
    }

    #[test]
    fn the_command_line_comes_before_the_settings_and_both_before_the_own_service() {
        let named = Settings { server: Some("wss://calls.example".into()), ..Settings::default() };
        assert_eq!(Target::choose(listen(), Some("ws://a:1"), &named), Target::Named("ws://a:1".into()));
        assert_eq!(Target::choose(listen(), None, &named), Target::Named("wss://calls.example".into()));
        assert_eq!(Target::choose(listen(), None, &Settings::default()), Target::Own(listen()));
    }

    #[test]
    fn the_local_network_gets_in_only_where_the_host_allows_it() {
        let nearby = Settings { nearby: true, ..Settings::default() };
        assert_eq!(Target::choose(listen(), None, &nearby), Target::Own("0.0.0.0:47880".parse().unwrap()));
        let chosen: SocketAddr = "192.168.1.2:1".parse().unwrap();
        assert_eq!(Target::choose(chosen, None, &nearby), Target::Own(chosen));
    }

    #[test]
    fn others_reach_what_is_not_this_machines_alone() {
        let place = |target, status| Place { url: String::new(), target, status }.reach();
        assert_eq!(place(Target::Own(listen()), Status::Serving), None);
        assert_eq!(place(Target::Own("0.0.0.0:5".parse().unwrap()), Status::Serving), Some(Reach::Here(5)));
        assert_eq!(place(Target::Own("0.0.0.0:5".parse().unwrap()), Status::Starting), None);
        assert_eq!(place(Target::Named("ws://localhost:5".into()), Status::Ready), None);
        assert_eq!(place(Target::Named("ws://[::1]:5".into()), Status::Ready), None);
        assert_eq!(place(Target::Named("wss://a".into()), Status::Ready), Some(Reach::Elsewhere("wss://a".into())));
    }

    #[tokio::test]
    async fn a_call_that_runs_stays_with_its_service_and_the_next_goes_to_the_other() {
        let listen = super::super::free_address();
        let (store, (busy, is_busy)) = (Store::open(None), watch::channel(true));
        let wishes = Wishes { listen, option: None, settings: store.changes(), busy: is_busy, book: Book::open(None), ca: None };
        let station = Station::start(wishes);
        let mut place = station.place();
        place.wait_for(|place| place.status == Status::Serving).await.unwrap();
        // The network is let in while the call runs.
        store.change(&json!({"nearby": true})).unwrap();
        let opened = place.wait_for(|place| place.reach().is_some()).await.unwrap().clone();
        assert_eq!(opened.url, format!("ws://{listen}"), "its own windows reach it as before");
        store.change(&json!({"server": "ws://calls.example:1"})).unwrap();
        assert_eq!(place.borrow().target, opened.target);
        busy.send_replace(false);
        place.wait_for(|place| place.url == "ws://calls.example:1").await.unwrap();
        assert!(matches!(super::super::health::ask(listen).await, (super::super::health::Answer::Nobody, _)), "the own one is gone");
        store.change(&json!({"server": null})).unwrap();
        place.wait_for(|place| place.status == Status::Serving).await.unwrap();
        station.stop().await;
    }
}
