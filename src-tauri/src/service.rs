//! The channel service that this app brings along: served from here, or shared with the Visavis that was first on the port.
//!
//! Invariants: on one machine the first app serves and all others use it; when the serving one goes away, one of the others takes the
//! port over, so that calls recover; a stranger on the port is named and never spoken to again until it is gone.
//!
//! The watch is a connection kept open to whoever serves: its end is the news that the port may be free, without a timer.

mod health;
mod station;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use client::Code;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    error::ServiceError,
    projects::{Book, Holder},
    signal::VERSION,
};
use health::{Answer, Connection};

pub use station::{Place, Station, Target, Wishes, ready};

/// Where calls go, as far as is known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not known yet. Whether this app serves is decided in milliseconds; who is named may be far away.
    Starting,
    /// This app serves.
    Serving,
    /// A service answers: another program's, or one that the user named.
    Ready,
    Failed(ServiceError),
}

/// How long the pause is before a port that a stranger holds, or an address the system refuses, is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The shortest time between two attempts, so that two apps that lose the port in turn do not spin.
const PACE: Duration = Duration::from_millis(50);

/// How often a service that somebody named is asked whether it is there, while it is and while it is not.
const VISIT: Duration = Duration::from_secs(30);
const MISSED: Duration = Duration::from_secs(3);

/// How long the embedded service lets a watch's connection be.
const WATCH: Duration = Duration::from_secs(24 * 3600);

/// What to do after an attempt to bind the port and, where it is taken, after asking who is there.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Serve,
    /// Keep the connection; try to bind when it ends.
    Watch,
    /// Nobody there any more: try to bind again.
    Again,
    /// Say so, and try again after [`RETRY`].
    Fail(ServiceError),
}

/// The decision itself. `answer` matters only where the address is in use.
fn step(address: SocketAddr, bind: Result<(), io::ErrorKind>, answer: Answer) -> Step {
    let port = address.port();
    match bind {
        Ok(()) => Step::Serve,
        Err(io::ErrorKind::AddrInUse) => match answer {
            Answer::Ours => Step::Watch,
            Answer::Nobody => Step::Again,
            Answer::Stranger => Step::Fail(ServiceError::PortTaken { port }),
            Answer::OtherVersion(theirs) => Step::Fail(ServiceError::OtherVersion { port, theirs, ours: VERSION }),
        },
        Err(kind) => Step::Fail(ServiceError::Address { address, kind }),
    }
}

/// Where this machine's own windows reach a service that listens on `address`.
fn reach(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The supervisor's handle. [`stop`](Self::stop) ends the service; dropping it does so too, without waiting.
pub struct Service {
    url: String,
    status: watch::Receiver<Status>,
    supervisor: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Service {
    /// Uses the service at `url`, trusting the authorities in the file `ca` or else the system's, and brings none along. Must be called
    /// inside a tokio runtime.
    pub fn external(url: String, ca: Option<PathBuf>) -> Self {
        let (report, status) = watch::channel(Status::Starting);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(visit(url.clone(), ca, report, stopped));
        Self { url, status, supervisor: Some((stop, task)) }
    }

    /// Serves on `address`, or shares what is there. Must be called inside a tokio runtime.
    pub fn embedded(address: SocketAddr, book: Book) -> Self {
        let (report, status) = watch::channel(Status::Starting);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(supervise(address, book, report, stopped));
        Self { url: format!("ws://{}", reach(address)), status, supervisor: Some((stop, task)) }
    }

    /// What clients connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is known now, and changes to it.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Ends the service and waits until its clients were told.
    pub async fn stop(mut self) {
        if let Some((stop, task)) = self.supervisor.take() {
            drop(stop);
            if let Err(error) = task.await {
                tracing::error!(%error, "the channel service's supervisor failed");
            }
        }
    }
}

/// Asks again and again whether a service that somebody named is there.
async fn visit(url: String, ca: Option<PathBuf>, report: watch::Sender<Status>, stop: watch::Receiver<bool>) {
    while !stopping(&stop) {
        let checked = tokio::select! {
            checked = client::check_service(&url, ca.as_deref()) => checked,
            () = stopped(stop.clone()) => return,
        };
        let status = match checked {
            // One that is asked too often is there.
            Err(error) if error.code != Code::JoinTooFrequent => Status::Failed(ServiceError::Unreachable(error)),
            Ok(()) | Err(_) => Status::Ready,
        };
        let pause = if status == Status::Ready { VISIT } else { MISSED };
        report.send_if_modified(|known| {
            let changed = *known != status;
            if changed {
                tracing::info!(%url, ?status, "the channel service");
                *known = status;
            }
            changed
        });
        unless_stopped(&stop, tokio::time::sleep(pause)).await;
    }
}

/// What an attempt brought, with what the next step needs.
enum Turn {
    Serve(TcpListener),
    Watch(Connection),
    Again,
    Fail(ServiceError),
}

async fn supervise(address: SocketAddr, book: Book, report: watch::Sender<Status>, stop: watch::Receiver<bool>) {
    while !stopping(&stop) {
        match attempt(address).await {
            Turn::Serve(listener) => {
                tracing::info!(%address, "serving channels");
                let _held = hold(&book, address.port());
                report.send_replace(Status::Serving);
                let shutdown = stopped(stop.clone());
                if let Err(error) = channel_server::serve(listener, embedded(&book), shutdown).await {
                    tracing::error!(%error, "the channel service ended");
                }
            }
            Turn::Watch(connection) => {
                tracing::info!(%address, "using the channel service of another Visavis");
                report.send_replace(Status::Ready);
                unless_stopped(&stop, connection.ended()).await;
            }
            Turn::Again => {}
            Turn::Fail(error) => {
                if report.send_replace(Status::Failed(error.clone())) != Status::Failed(error.clone()) {
                    tracing::warn!(%error, "no channel service");
                }
                unless_stopped(&stop, tokio::time::sleep(RETRY)).await;
            }
        }
        unless_stopped(&stop, tokio::time::sleep(PACE)).await;
    }
}

/// Lets the user's other apps know that this one serves. Without it they only do not know whose projects count.
fn hold(book: &Book, port: u16) -> Option<Holder> {
    let held = book.file().map(|file| Holder::hold(file, port))?;
    held.inspect_err(|error| tracing::warn!(%error, "other windows cannot tell that this one serves")).ok()
}

/// The other apps of this machine watch over a connection without requests.
fn embedded(book: &Book) -> channel_server::Config {
    channel_server::Config { projects: book.catalog(), request_limit: WATCH, ..channel_server::Config::default() }
}

async fn attempt(address: SocketAddr) -> Turn {
    let bound = TcpListener::bind(address).await;
    let kind = bound.as_ref().map(|_| ()).map_err(io::Error::kind);
    let (answer, connection) = match kind {
        Err(io::ErrorKind::AddrInUse) => health::ask(reach(address)).await,
        _ => (Answer::Nobody, None),
    };
    match (step(address, kind, answer), bound, connection) {
        (Step::Serve, Ok(listener), _) => Turn::Serve(listener),
        (Step::Watch, _, Some(connection)) => Turn::Watch(connection),
        (Step::Fail(error), ..) => Turn::Fail(error),
        (Step::Serve | Step::Watch | Step::Again, ..) => Turn::Again,
    }
}

/// Whether the handle asks for the end, or is gone.
fn stopping(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn unless_stopped(stop: &watch::Receiver<bool>, wait: impl Future<Output = ()>) {
    tokio::select! {
        () = stopped(stop.clone()) => {}
        () = wait => {}
    }
}

/// A loopback address that nobody has, for tests. Its port lies below the range from which systems hand out ports by themselves (RFC 6335,
/// section 6), so that nobody comes by it by chance; each process begins elsewhere.
#[cfg(test)]
pub fn free_address() -> SocketAddr {
    use std::sync::atomic::{AtomicU16, Ordering};
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let own = (std::process::id() % 2000) as u16;
    let port = || 30_000 + (own + TAKEN.fetch_add(1, Ordering::Relaxed)) % 2000;
    let addresses = std::iter::repeat_with(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port())));
    addresses.take(2000).find(|address| std::net::TcpListener::bind(address).is_ok()).expect("loopback has a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn known(service: &Service) -> Status {
        let mut status = service.status();
        status.wait_for(|status| *status != Status::Starting).await.unwrap().clone()
    }

    fn address() -> SocketAddr {
        "127.0.0.1:47880".parse().unwrap()
    }

    #[test]
    fn the_first_on_the_port_serves() {
        assert_eq!(step(address(), Ok(()), Answer::Nobody), Step::Serve);
    }

    #[test]
    fn the_second_uses_the_first_and_watches_it() {
        assert_eq!(step(address(), Err(io::ErrorKind::AddrInUse), Answer::Ours), Step::Watch);
    }

    #[test]
    fn a_port_that_came_free_in_between_is_tried_again() {
        assert_eq!(step(address(), Err(io::ErrorKind::AddrInUse), Answer::Nobody), Step::Again);
    }

    #[test]
    fn a_stranger_on_the_port_is_named() {
        let failed = step(address(), Err(io::ErrorKind::AddrInUse), Answer::Stranger);
        assert_eq!(failed, Step::Fail(ServiceError::PortTaken { port: 47880 }));
        let error = crate::error::Error::from(ServiceError::PortTaken { port: 47880 });
        assert_eq!(error.code, client::Code::PortTaken);
        assert!(error.message.contains("47880") && error.message.contains("--listen"), "{error}");
    }

    #[test]
    fn another_version_is_not_used() {
        let failed = step(address(), Err(io::ErrorKind::AddrInUse), Answer::OtherVersion(9));
        assert!(matches!(failed, Step::Fail(ServiceError::OtherVersion { theirs: 9, .. })));
    }

    #[test]
    fn an_address_the_system_refuses_is_named() {
        let failed = step(address(), Err(io::ErrorKind::PermissionDenied), Answer::Nobody);
        assert!(matches!(failed, Step::Fail(ServiceError::Address { kind: io::ErrorKind::PermissionDenied, .. })));
    }

    #[test]
    fn a_service_on_all_interfaces_is_reached_over_loopback() {
        let reached = |address: &str| reach(address.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:1"), "127.0.0.1:1");
        assert_eq!(reached("[::]:1"), "[::1]:1");
        assert_eq!(reached("192.168.1.2:1"), "192.168.1.2:1");
    }

    #[tokio::test]
    async fn a_stranger_is_reported_and_replaced_when_it_goes() {
        let stranger = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = stranger.local_addr().unwrap();
        let service = Service::embedded(address, Book::open(None));
        let failed = tokio::join!(known(&service), async {
            use tokio::io::AsyncWriteExt;
            let (mut socket, _) = stranger.accept().await.unwrap();
            socket.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
            drop(stranger);
        });
        assert_eq!(failed.0, Status::Failed(ServiceError::PortTaken { port: address.port() }));
        let mut status = service.status();
        status.wait_for(|status| *status == Status::Serving).await.unwrap();
        drop(status);
        service.stop().await;
    }

    #[tokio::test]
    async fn a_service_that_is_named_is_missed_until_it_is_there() {
        let address = free_address();
        let named = Service::external(format!("ws://{address}"), None);
        let failed = known(&named).await;
        assert!(matches!(failed, Status::Failed(ServiceError::Unreachable(ref error)) if error.code == Code::SocketError), "{failed:?}");
        let own = Service::embedded(address, Book::open(None));
        named.status().wait_for(|status| *status == Status::Ready).await.unwrap();
        named.stop().await;
        own.stop().await;
    }

    #[tokio::test]
    async fn the_second_app_takes_over_when_the_first_goes() {
        let address = free_address();
        let first = Service::embedded(address, Book::open(None));
        known(&first).await;
        let second = Service::embedded(address, Book::open(None));
        known(&second).await;
        first.stop().await;
        loop {
            if let (Answer::Ours, _) = health::ask(address).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        second.stop().await;
        assert!(matches!(health::ask(address).await, (Answer::Nobody, _)));
    }
}
