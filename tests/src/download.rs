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

use crate::namespace::Namespace;

/// A download under way; dropping it ends it.
pub struct Download {
    received: Arc<AtomicU64>,
    sockets: [TcpStream; 2],
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
        Ok(Self { received, sockets })
    }

    /// Bytes that have come so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        for socket in &self.sockets {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
