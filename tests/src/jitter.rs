//! A link between two hosts that holds every packet for a time of its own, so that some overtake others.
//!
//! ```text
//! left: eth ─┐ frames                          frames ┌─ eth :right
//!            └ VXLAN 10.80.0.1 ── 10.80.0.2 ── VXLAN ─┘
//!               (under)        the relay's sockets
//! ```
//!
//! The hosts' interfaces are VXLAN tunnels (RFC 7348), each of whose datagrams is one frame: a relay of datagrams is a relay of all that the
//! hosts say. A tunnel stays with the network in which it was made, here a third host's, whichever host has its interface.

use std::{
    net::{SocketAddr, UdpSocket as Socket},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::{net::UdpSocket, sync::oneshot, time::Instant};

use crate::namespace::{Namespace, ip, said};

/// Where the tunnels end, and where the relay listens. A tunnel's own port is that of its datagrams; the relay has one for each.
const UNDER: &str = "10.80.0.1";
const RELAY: &str = "10.80.0.2";
const TUNNELS: [u16; 2] = [4001, 4002];
const SOCKETS: [u16; 2] = [5001, 5002];

/// The relay; dropping it cuts the link.
pub struct Relay {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _hosts: [Namespace; 2],
}

impl Relay {
    /// Gives both hosts an `eth` that leads to the other's; `most` is the longest that a packet is held, either way.
    pub fn between(left: &Namespace, right: &Namespace, most: Duration) -> Result<Self, String> {
        let (under, relay) = (Namespace::add("jitter-under")?, Namespace::add("jitter-relay")?);
        ip(&format!("link add to-relay netns {} type veth peer name to-under netns {}", under.name(), relay.name()))?;
        for (host, interface, address) in [(&under, "to-relay", UNDER), (&relay, "to-under", RELAY)] {
            host.ip(&format!("addr add {address}/24 dev {interface}"))?;
            // Room for a whole frame and its envelope.
            host.ip(&format!("link set {interface} up mtu 1600"))?;
        }
        for (index, host) in [left, right].into_iter().enumerate() {
            let (name, tunnel, socket) = (format!("tunnel-{index}"), TUNNELS[index], SOCKETS[index]);
            // A checksum that a host leaves to its interface is made by the tunnel's other end (remcsum).
            under.ip(&format!("link add {name} type vxlan id 1 dstport {tunnel} nolearning remcsumtx remcsumrx"))?;
            let to = format!("fdb append 00:00:00:00:00:00 dev {name} dst {RELAY} port {socket}");
            said(under.command("bridge").args(to.split(' ')))?;
            under.ip(&format!("link set {name} netns {} name eth", host.name()))?;
            host.ip("link set eth mtu 1500")?;
        }
        let sockets = relay.within(|| SOCKETS.map(|port| Socket::bind((RELAY, port)))).map_err(|error| error.to_string())?;
        let [left, right] = sockets.map(|socket| socket.map_err(|error| error.to_string()));
        let (stop, stopped) = oneshot::channel();
        let thread = spawn([left?, right?], most, stopped).map_err(|error| error.to_string())?;
        Ok(Self { stop: Some(stop), thread: Some(thread), _hosts: [under, relay] })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Runs the relay on a thread of its own, where nothing else delays it.
fn spawn(sockets: [Socket; 2], most: Duration, stopped: oneshot::Receiver<()>) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let [left, right] = sockets;
    let relay = async move {
        let [left, right] = [left, right].map(|socket| {
            socket.set_nonblocking(true)?;
            UdpSocket::from_std(socket).map(Arc::new)
        });
        let (left, right) = (left.expect("a socket"), right.expect("a socket"));
        let to = TUNNELS.map(|port| SocketAddr::new(UNDER.parse().expect("an address"), port));
        tokio::select! {
            _ = stopped => {}
            () = carry(left.clone(), right.clone(), to[1], Hold { most, random: 1 }) => {}
            () = carry(right, left, to[0], Hold { most, random: 2 }) => {}
        }
    };
    std::thread::Builder::new().name("jitter".into()).spawn(move || runtime.block_on(relay))
}

/// Carries what comes at `from`, for as long as its network is there.
async fn carry(from: Arc<UdpSocket>, by: Arc<UdpSocket>, to: SocketAddr, mut hold: Hold) {
    let mut room = vec![0; 65_536];
    while let Ok(length) = from.recv(&mut room).await {
        let (frame, by, leaves) = (room[..length].to_vec(), by.clone(), Instant::now() + hold.next());
        tokio::spawn(async move {
            tokio::time::sleep_until(leaves).await;
            // A network that is being taken down takes nothing more.
            let _ = by.send_to(&frame, to).await;
        });
    }
}

/// How long each packet is held: the same times in every run, any from zero to `most` being as likely as another.
struct Hold {
    most: Duration,
    random: u64,
}

impl Hold {
    /// A linear congruential generator (Knuth's MMIX constants).
    fn next(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.most.mul_f64((self.random >> 33) as f64 / f64::from(1_u32 << 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_held_for_times_of_all_lengths_and_the_same_in_every_run() {
        let most = Duration::from_millis(50);
        let times = |random| -> Vec<_> {
            let mut hold = Hold { most, random };
            (0..1000).map(|_| hold.next()).collect()
        };
        let held = times(1);
        assert_eq!(held, times(1));
        assert_ne!(held, times(2));
        let mean = held.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(most / 2) < most / 20, "{mean:?}");
        assert!(held.iter().all(|time| *time < most) && held.iter().any(|time| *time > most * 9 / 10));
    }
}
