//! The STUN and TURN servers of an endpoint's connections. They may change: credentials for TURN end.

use std::sync::{Arc, Mutex, PoisonError};

use webrtc::peer_connection::{RTCConfiguration, RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy};

use crate::runtime::turn::Servers;
use crate::{IcePolicy, IceServer};

/// What every connection of an endpoint takes when it begins to look for paths, anew at each restart.
#[derive(Debug)]
pub(crate) struct Ice {
    servers: Mutex<Vec<IceServer>>,
    policy: IcePolicy,
    over_streams: Arc<Servers>,
}

impl Ice {
    pub(crate) fn new(servers: Vec<IceServer>, policy: IcePolicy) -> Self {
        Self { servers: Mutex::new(servers), policy, over_streams: Arc::default() }
    }

    pub(crate) fn policy(&self) -> IcePolicy {
        self.policy
    }

    /// The TURN servers that the library thinks to reach over UDP.
    pub(crate) fn over_streams(&self) -> &Arc<Servers> {
        &self.over_streams
    }

    pub(crate) fn set_servers(&self, servers: Vec<IceServer>) {
        *self.servers.lock().unwrap_or_else(PoisonError::into_inner) = servers;
    }

    /// In the library's words.
    pub(crate) fn configuration(&self) -> RTCConfiguration {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        self.over_streams.on_tried(servers.iter().flat_map(|server| &server.urls));
        let servers = servers.iter().map(|server| RTCIceServer {
            urls: server.urls.iter().map(|url| self.over_streams.over_udp(url)).collect(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        });
        let policy = match self.policy {
            IcePolicy::All => RTCIceTransportPolicy::All,
            IcePolicy::Relay => RTCIceTransportPolicy::Relay,
        };
        RTCConfigurationBuilder::new().with_ice_servers(servers.collect()).with_ice_transport_policy(policy).build()
    }
}
