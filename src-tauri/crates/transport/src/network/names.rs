//! The names that browsers put in the place of their host addresses (draft-ietf-mmusic-mdns-ice-candidates §3.1), asked for by mDNS.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use mdns_sd::{HostnameResolutionEvent, ServiceDaemon};

/// A browser on this network answers in milliseconds; a lost question is asked again after one second, then two.
const LIMIT_MS: u64 = 4_000;
/// A browser has a name for each address.
const MOST: usize = 4;

/// Knows the addresses of hosts on this network.
#[async_trait::async_trait]
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of `name`, which ends in `.local`; none if nobody answers in time.
    async fn resolve(&self, name: &str) -> Vec<IpAddr>;
}

/// Asks by mDNS (RFC 6762). Sockets are opened at the first question and closed with the last handle.
pub fn multicast_names() -> Arc<dyn Names> {
    Arc::new(Multicast { daemon: Mutex::default() })
}

struct Multicast {
    daemon: Mutex<Option<ServiceDaemon>>,
}

impl fmt::Debug for Multicast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multicast").finish_non_exhaustive()
    }
}

impl Multicast {
    fn daemon(&self) -> mdns_sd::Result<ServiceDaemon> {
        let mut daemon = self.daemon.lock().unwrap_or_else(PoisonError::into_inner);
        match &*daemon {
            Some(daemon) => Ok(daemon.clone()),
            None => Ok(daemon.insert(ServiceDaemon::new()?).clone()),
        }
    }

    async fn ask(&self, name: &str) -> mdns_sd::Result<Vec<IpAddr>> {
        let daemon = self.daemon()?;
        let events = daemon.resolve_hostname(name, Some(LIMIT_MS))?;
        let mut found = Vec::new();
        while let Ok(event) = events.recv_async().await {
            match event {
                HostnameResolutionEvent::AddressesFound(_, addresses) => {
                    found = addresses.into_iter().map(|address| address.to_ip_addr()).filter(|address| is_usable(*address)).collect();
                    if !found.is_empty() {
                        break;
                    }
                }
                HostnameResolutionEvent::SearchTimeout(_) | HostnameResolutionEvent::SearchStopped(_) => break,
                _ => {}
            }
        }
        // It ends by itself too.
        let _ = daemon.stop_resolve_hostname(name);
        found.sort();
        found.truncate(MOST);
        Ok(found)
    }
}

/// An IPv6 link-local address is of no use without its interface, which a candidate cannot name.
fn is_usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_multicast(),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_multicast() && !address.is_unicast_link_local(),
    }
}

#[async_trait::async_trait]
impl Names for Multicast {
    async fn resolve(&self, name: &str) -> Vec<IpAddr> {
        self.ask(&format!("{name}.")).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "names of browsers cannot be asked for");
            Vec::new()
        })
    }
}

impl Drop for Multicast {
    fn drop(&mut self) {
        let daemon = self.daemon.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(daemon) = daemon {
            let _ = daemon.shutdown();
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use mdns_sd::ServiceInfo;

    #[tokio::test]
    async fn a_name_that_somebody_on_this_machine_answers_for_is_found() {
        let name = format!("{:08x}-0000-4000-8000-{:012x}.local", std::process::id(), std::process::id());
        let responder = ServiceDaemon::new().unwrap();
        let host = ServiceInfo::new("_visavis._udp.local.", "test", &format!("{name}."), "127.0.0.1", 9, &[("a", "b")][..]).unwrap();
        responder.register(host).unwrap();
        let names = multicast_names();
        // It makes sure first that the name is nobody else's.
        let mut found = Vec::new();
        for _ in 0..10 {
            found = names.resolve(&name).await;
            if !found.is_empty() {
                break;
            }
        }
        assert_eq!(found, [IpAddr::from([127, 0, 0, 1])]);
        let _ = responder.shutdown();
    }
}
