//! Where others connect for ICE over TCP.
//!
//! Invariant: whoever connects takes one of a few places until the library lets go of the connection, and without a free place is hung up on.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use webrtc::runtime::{AsyncTcpListener, AsyncTcpStream, Runtime};

use super::stream::Framed;

/// The other end connects from each of its addresses, and strangers may.
const PLACES: usize = 16;
/// A machine without free descriptors has some again later.
const RETRY: Duration = Duration::from_secs(1);

/// A listener as the library has it.
#[derive(Debug)]
pub(in crate::runtime) struct Listener {
    listener: Arc<dyn AsyncTcpListener>,
    runtime: Arc<dyn Runtime>,
    places: Arc<Semaphore>,
}

impl Listener {
    pub(in crate::runtime) fn new(listener: Arc<dyn AsyncTcpListener>, runtime: Arc<dyn Runtime>) -> Self {
        Self { listener, runtime, places: Arc::new(Semaphore::new(PLACES)) }
    }

    async fn next(&self) -> (Arc<dyn AsyncTcpStream>, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                        return (Arc::new(Framed::new(stream, &self.runtime, Some(place))), peer);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "nobody can connect for ICE at the moment");
                    self.runtime.sleep(RETRY).await;
                }
            }
        }
    }
}

impl AsyncTcpListener for Listener {
    /// Never an error: the library would ask again at once.
    fn accept<'a>(&'a self) -> Pin<Box<dyn Future<Output = io::Result<(Arc<dyn AsyncTcpStream>, SocketAddr)>> + Send + 'a>> {
        Box::pin(async { Ok(self.next().await) })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::system_runtime;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// A check of 20 bytes, in its frame.
    const CHECK: [u8; 22] = [0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    fn bench() -> (Listener, SocketAddr) {
        let runtime = system_runtime();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        (Listener::new(runtime.wrap_tcp_listener(listener).unwrap(), runtime), address)
    }

    async fn read(stream: &Arc<dyn AsyncTcpStream>) -> Vec<u8> {
        let mut buffer = [0; 100];
        let count = stream.read(&mut buffer).await.unwrap();
        buffer[..count].to_vec()
    }

    #[tokio::test]
    async fn packets_go_both_ways_and_a_beginning_waits_for_its_end() {
        let (listener, address) = bench();
        let mut theirs = TcpStream::connect(address).await.unwrap();
        let (ours, peer) = listener.next().await;
        assert_eq!(peer, theirs.local_addr().unwrap());
        theirs.write_all(&[&CHECK[..], &[0, 0, 0, 3, 7]].concat()).await.unwrap();
        assert_eq!(read(&ours).await, CHECK);
        theirs.write_all(&[8, 9]).await.unwrap();
        assert_eq!(read(&ours).await, [0, 3, 7, 8, 9]);
        ours.write_all(&[0, 2, 1, 1]).await.unwrap();
        let mut buffer = [0; 4];
        theirs.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, [0, 2, 1, 1]);
    }

    #[tokio::test]
    async fn who_does_not_speak_ice_is_hung_up_on() {
        let (listener, address) = bench();
        let mut theirs = TcpStream::connect(address).await.unwrap();
        let (ours, _) = listener.next().await;
        theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(read(&ours).await, b"");
        drop(ours);
        assert_eq!(theirs.read(&mut [0; 10]).await.unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn what_was_written_last_still_goes_out() {
        let (listener, address) = bench();
        let mut theirs = TcpStream::connect(address).await.unwrap();
        let (ours, _) = listener.next().await;
        ours.write_all(&CHECK).await.unwrap();
        drop(ours);
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, CHECK);
    }

    #[tokio::test]
    async fn who_does_not_read_loses_packets_and_delays_nobody() {
        let (listener, address) = bench();
        let _theirs = TcpStream::connect(address).await.unwrap();
        let (ours, _) = listener.next().await;
        let packet = [&[4, 0][..], &[7; 1024]].concat();
        for _ in 0..10_000 {
            ours.write_all(&packet).await.unwrap();
        }
    }

    #[tokio::test]
    async fn without_a_free_place_a_stranger_is_hung_up_on_and_a_place_that_is_free_again_counts() {
        let (listener, address) = bench();
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..PLACES {
            theirs.push(TcpStream::connect(address).await.unwrap());
            ours.push(listener.next().await);
        }
        let mut stranger = TcpStream::connect(address).await.unwrap();
        let mut nothing = [0; 1];
        tokio::select! {
            _ = listener.next() => panic!("there was a place"),
            end = stranger.read(&mut nothing) => assert_eq!(end.unwrap_or(0), 0),
        }
        ours.pop();
        let guest = TcpStream::connect(address).await.unwrap();
        assert_eq!(listener.next().await.1, guest.local_addr().unwrap());
    }
}
