//! What a service is told when it starts.

use std::time::Duration;

use signal::{AppId, IceServer, SILENCE_LIMIT_MS};
use token::Credentials;

use crate::{Origins, Proxies, Turn};

/// The App ID of the project that every service without another configuration knows; it has no certificate.
pub const DEFAULT_APP_ID: &str = "76697361766973206c6f63616c206170";

/// A project: what the quick start's console calls an App ID, with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    app_id: AppId,
    credentials: Option<Credentials>,
    enabled: bool,
}

impl Project {
    /// A project without a certificate: whoever knows its App ID may join.
    pub fn open(app_id: AppId) -> Self {
        Self { app_id, credentials: None, enabled: true }
    }

    /// A project with a certificate (32 hexadecimal characters): every join needs a token made with it.
    pub fn secured(app_id: AppId, certificate: &str) -> Result<Self, token::BuildError> {
        let credentials = Credentials::new(app_id.as_str(), certificate)?;
        Ok(Self { app_id, credentials: Some(credentials), enabled: true })
    }

    /// The project of [`DEFAULT_APP_ID`].
    pub fn local() -> Self {
        Self::open(DEFAULT_APP_ID.parse().expect("the constant is 32 hexadecimal characters"))
    }

    /// The same, but nobody joins.
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }

    pub fn app_id(&self) -> &AppId {
        &self.app_id
    }

    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
}

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
    pub projects: Vec<Project>,
    pub limits: Limits,
    /// Handed to everyone who joins.
    pub ice_servers: Vec<IceServer>,
    /// Handed to everyone who joins, with credentials of their own.
    pub turn: Option<Turn>,
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
            projects: vec![Project::local()],
            limits: Limits::default(),
            ice_servers: Vec::new(),
            turn: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_debug_text_hides_its_certificate() {
        let project = Project::secured(Project::local().app_id().clone(), "5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        assert!(!format!("{project:?}").contains("5CFd"));
    }
}
