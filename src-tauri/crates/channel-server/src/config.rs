//! What a service is told when it starts.

use std::time::Duration;

use signal::{IceServer, SILENCE_LIMIT_MS};

use crate::{AdminKey, Origins, Proxies, Turn, projects::Catalog};

/// How much one client, channel or service may take. Streams need no limit here: [`signal::StreamId`] allows one of each source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of the whole service, those included that have yet to become WebSockets.
    pub connections: usize,
    /// Connections that one address (of IPv6, a /64) may open a minute; 0 is any number. Those from this machine are not counted.
    pub connections_per_minute: u32,
    /// Channels of the whole service.
    pub channels: usize,
    /// Members of one channel. The answer to a join names all of them, and has to fit into [`signal::MAX_MESSAGE`].
    pub members: usize,
    /// Subscriptions that one member asks for.
    pub subscriptions: usize,
    /// Joins a connection may try at once; one more is allowed a second.
    pub joins: u32,
    /// Messages a connection may send at once, and then in a second; a faster one is read at this pace.
    pub messages: u32,
    /// Messages out of protocol, after which a connection is closed.
    pub mistakes: u32,
    /// Kicks and bans in force at once.
    pub bans: usize,
    /// Bytes that may wait for a client to read them; with more it is dropped.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            connections_per_minute: 300,
            channels: 10_000,
            members: 200,
            subscriptions: 128,
            joins: 5,
            messages: 1_000,
            mistakes: 16,
            bans: 10_000,
            queue: 1024 * 1024,
        }
    }
}

/// A service's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who may join at all; changes to it count at once.
    pub projects: Catalog,
    pub limits: Limits,
    /// Handed to everyone who joins.
    pub ice_servers: Vec<IceServer>,
    /// Handed to everyone who joins, with credentials of their own.
    pub turn: Option<Turn>,
    /// Opens the admin side of HTTP; without one there is none.
    pub admin_key: Option<AdminKey>,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
    /// Which web pages may connect.
    pub origins: Origins,
    /// After this much silence a member is gone; so long a broken connection may come back.
    pub silence_limit: Duration,
    /// How long a TLS handshake may take.
    pub handshake_limit: Duration,
    /// How long a connection may take for the head of a request, and stay without one.
    pub request_limit: Duration,
    /// How long a WebSocket may stay without joining.
    pub join_limit: Duration,
    /// How long clients are given to leave between the announcement of a shutdown and its end; it ends at once when all are gone.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            projects: Catalog::default(),
            limits: Limits::default(),
            ice_servers: Vec::new(),
            turn: None,
            admin_key: None,
            proxies: Proxies::default(),
            origins: Origins::default(),
            silence_limit: Duration::from_millis(SILENCE_LIMIT_MS),
            handshake_limit: Duration::from_secs(10),
            request_limit: Duration::from_secs(10),
            join_limit: Duration::from_secs(10),
            drain: Duration::from_millis(500),
        }
    }
}
