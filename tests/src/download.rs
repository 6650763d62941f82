//! A TCP connection on which one host sends to another all that the network takes.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use socket2::SockRef;

use crate::namespace::Namespace;

/// How most machines share a link (RFC 9438).
const CUBIC: &str = "cubic";

/// A download under way; dropping it ends it.
pub struct Download {
    received: Arc<AtomicU64>,
    sockets: [TcpStream; 2],
    control: String,
}

impl Download {
    /// Begins to send from a host, whose address this is, to another.
    ///
    /// # Errors
    /// If they do not reach each other.
    pub fn start(from: &Namespace, address: IpAddr, to: &Namespace) -> io::Result<Self> {
        let listener = from.within(|| TcpListener::bind((address, 0)))??;
        let target = listener.local_addr()?;
        let mut receiver = to.within(|| TcpStream::connect(target))??;
        let (mut sender, _) = listener.accept()?;
        let control = share(&sender)?;
        let sockets = [sender.try_clone()?, receiver.try_clone()?];
        let received = Arc::new(AtomicU64::new(0));
        let count = received.clone();
        // Each ends when its socket is shut down.
        thread::Builder::new().name("download-out".into()).spawn(move || while sender.write_all(&[0; 16_384]).is_ok() {})?;
        thread::Builder::new().name("download-in".into()).spawn(move || {
            let mut room = [0; 65_536];
            while let Ok(length @ 1..) = receiver.read(&mut room) {
                count.fetch_add(length as u64, Ordering::Relaxed);
            }
        })?;
        Ok(Self { received, sockets, control })
    }

    /// How it shares the link, as the kernel calls it.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// Bytes that have come so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// Has a connection share the link as most do, where the kernel can; answers how it shares.
fn share(connection: &TcpStream) -> io::Result<String> {
    let socket = SockRef::from(connection);
    // What it is without is said then.
    let _ = socket.set_tcp_congestion(CUBIC.as_bytes());
    let name = socket.tcp_congestion()?;
    Ok(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned())
}

impl Drop for Download {
    fn drop(&mut self) {
        for socket in &self.sockets {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
