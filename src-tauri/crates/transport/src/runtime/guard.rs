//! What stands between one connection and the runtime.
//!
//! A connection's driver can end by an error or a panic without any event. The guard reports both, so silence never
//! passes for life.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::mpsc;
use webrtc::runtime::{AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime};

use super::ice_tcp;
use super::socket::{Repair, Repaired};
use super::turn::{Carried, Carrier, Servers, Tls};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a connection's task stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The driver returned.
    Ended,
    /// The driver or a helper task panicked.
    Panicked(String),
}

/// One connection's runtime.
#[derive(Debug)]
pub(crate) struct Guard {
    runtime: Arc<dyn Runtime>,
    repair: Arc<Repair>,
    carrier: Arc<Carrier>,
    stopped: mpsc::Sender<Stopped>,
    driver_spawned: AtomicBool,
}

impl Guard {
    /// A guard over `runtime`, and where it reports. It reaches the TURN servers that are over streams.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, turn: Arc<Servers>, tls: Option<Arc<dyn Tls>>) -> (Arc<Self>, mpsc::Receiver<Stopped>) {
        let (stopped, reports) = mpsc::channel(4);
        let repair = Repair::new(Arc::clone(&runtime));
        let carrier = Carrier::new(Arc::clone(&runtime), turn, tls);
        (Arc::new(Self { runtime, repair, carrier, stopped, driver_spawned: AtomicBool::new(false) }), reports)
    }

    /// What carries the connection's TURN.
    pub(crate) fn carrier(&self) -> &Arc<Carrier> {
        &self.carrier
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.repair.stop();
    }
}

/// The text of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".into())
}

impl Runtime for Guard {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        // The library spawns the driver first; what it spawns later (TCP dials) may end as it likes.
        let is_driver = !self.driver_spawned.swap(true, Ordering::Relaxed);
        let stopped = self.stopped.clone();
        self.runtime.spawn(Box::pin(async move {
            let report = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(()) if is_driver => Stopped::Ended,
                Ok(()) => return,
                Err(panic) => Stopped::Panicked(panic_text(panic.as_ref())),
            };
            // A full queue holds a report already; one is enough.
            let _ = stopped.try_send(report);
        }))
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = self.runtime.wrap_udp_socket(socket)?;
        let socket = Arc::new(Carried::new(socket, Arc::clone(&self.carrier)));
        Ok(Arc::new(Repaired::new(socket, Arc::clone(&self.repair))))
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        let listener = self.runtime.wrap_tcp_listener(listener)?;
        Ok(Arc::new(ice_tcp::Listener::new(listener, Arc::clone(&self.runtime))))
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        Box::pin(ice_tcp::connect(&self.runtime, remote))
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        match self.carrier.resolve(host) {
            Some(address) => Box::pin(async move { Ok(vec![address]) }),
            None => self.runtime.resolve_host(host),
        }
    }

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.runtime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.runtime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.runtime.block_on(future);
    }

    fn yield_now(&self) -> Boxed<'static, ()> {
        self.runtime.yield_now()
    }

    fn name(&self) -> &'static str {
        self.runtime.name()
    }
}
