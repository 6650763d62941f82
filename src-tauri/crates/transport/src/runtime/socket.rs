//! A connection's sockets, watched for DTLS flights.
//!
//! Repeats go out through the socket and to the address of the first sending, from a task that ends with the
//! handshake. During a handshake a socket is idle, so the task and the connection's driver never wait for room in it
//! at the same time (a tokio socket wakes only the last one that waits).

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, Transmit};

use super::flight::{self, Flight, Kind};

type Route = (Arc<dyn AsyncUdpSocket>, SocketAddr);

/// The flight repair of one connection, shared by its sockets.
pub(super) struct Repair {
    runtime: Arc<dyn Runtime>,
    flight: Mutex<Flight<Route>>,
    changed: Notify,
    running: AtomicBool,
    over: AtomicBool,
}

impl fmt::Debug for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repair").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Repair {
    pub(super) fn new(runtime: Arc<dyn Runtime>) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            flight: Mutex::default(),
            changed: Notify::new(),
            running: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    /// Ends the repair's task.
    pub(super) fn stop(&self) {
        self.flight().finish();
        self.over.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn flight(&self) -> MutexGuard<'_, Flight<Route>> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches(&self, datagram: &[u8]) -> bool {
        !self.over.load(Ordering::Relaxed) && flight::kind(datagram) != Kind::Other
    }

    fn on_sent(self: &Arc<Self>, socket: &Arc<dyn AsyncUdpSocket>, transmit: &Transmit<'_>) {
        if !self.watches(transmit.contents) {
            return;
        }
        let route = (Arc::clone(socket), transmit.destination);
        let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        let now = self.runtime.now();
        let mut watch = false;
        {
            let mut flight = self.flight();
            for datagram in transmit.contents.chunks(size) {
                watch |= flight.on_sent(&route, datagram, now);
            }
            self.over.store(flight.is_over(), Ordering::Relaxed);
        }
        if watch && !self.running.swap(true, Ordering::Relaxed) {
            let repair = Arc::clone(self);
            self.runtime.spawn(Box::pin(async move { repair.run().await }));
        }
        self.changed.notify_one();
    }

    fn on_received(&self, buffer: &[u8], meta: &RecvMeta) {
        let received = &buffer[..meta.len.min(buffer.len())];
        if !self.watches(received) {
            return;
        }
        let mut flight = self.flight();
        received.chunks(meta.stride.max(1)).for_each(|datagram| flight.on_received(datagram));
        if flight.is_over() {
            self.over.store(true, Ordering::Relaxed);
            self.changed.notify_one();
        }
    }

    async fn run(&self) {
        loop {
            let next = self.flight().poll(self.runtime.now());
            match next {
                flight::Poll::Repeat(datagrams) => {
                    for ((socket, destination), datagram) in datagrams {
                        // Lost like any datagram; the next repeat comes.
                        let _ = socket.send_to(&datagram, destination).await;
                    }
                }
                flight::Poll::Wait(until) => {
                    let sleep = self.runtime.sleep(until.saturating_duration_since(self.runtime.now()));
                    tokio::select! { biased; () = self.changed.notified() => {}, () = sleep => {} }
                }
                flight::Poll::Idle => self.changed.notified().await,
                flight::Poll::Over => return,
            }
        }
    }
}

/// A socket whose handshake datagrams are repaired.
#[derive(Debug)]
pub(super) struct Repaired {
    socket: Arc<dyn AsyncUdpSocket>,
    repair: Arc<Repair>,
}

impl Repaired {
    pub(super) fn new(socket: Arc<dyn AsyncUdpSocket>, repair: Arc<Repair>) -> Self {
        Self { socket, repair }
    }
}

impl AsyncUdpSocket for Repaired {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.socket.poll_send(context, transmit);
        if matches!(sent, Poll::Ready(Ok(_))) {
            self.repair.on_sent(&self.socket, transmit);
        }
        sent
    }

    fn poll_recv(&self, context: &mut Context<'_>, buffers: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(context, buffers, meta);
        if let Poll::Ready(Ok(count)) = &received {
            buffers.iter().zip(meta.iter()).take(*count).for_each(|(buffer, meta)| self.repair.on_received(buffer, meta));
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}
