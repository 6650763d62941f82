//! What the operator may say of a service, and where: on the command line, in the environment, in a file.
//!
//! One rule for all: the flag `--max-members`, the variable `VISAVIS_MAX_MEMBERS` and the file's key `max-members` are the same setting;
//! the flag wins over the variable, the variable over the file, the file over the default. A list is one setting: it is replaced, not
//! added to. A new setting is a field of [`Settings`], its default a line of [`Settings::defaults`], its effect a line of [`plan`].
//!
//! ```text
//! layers   flags, variables and file → one Settings          plan    Settings → what to bind, and a Config
//! value    seconds, hidden texts
//! ```

mod layers;
mod plan;
mod value;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Config, Network, Turn};
pub use layers::Error;
pub use plan::{Door, Plan, plan};
pub use value::{Hidden, Seconds};

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    #[default]
    Text,
    Json,
}

/// Everything that can be set; what is `None` is left to the next layer.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// An address and port for plain connections (ws://); may be given several times. Without any address: 127.0.0.1:47880.
    #[arg(long, value_name = "ADDR", value_delimiter = ',', help_heading = "Addresses")]
    pub listen: Option<Vec<SocketAddr>>,
    /// An address and port for TLS (wss://); may be given several times.
    #[arg(long, value_name = "ADDR", value_delimiter = ',', help_heading = "Addresses")]
    pub listen_tls: Option<Vec<SocketAddr>>,
    /// An address and port that only the operator reaches: /metrics and /v1/health, without limits.
    #[arg(long, value_name = "ADDR", value_delimiter = ',', help_heading = "Addresses")]
    pub listen_private: Option<Vec<SocketAddr>>,
    /// The certificate chain for TLS, the service's own first (PEM). Read again when it changes.
    #[arg(long, value_name = "FILE", help_heading = "Addresses")]
    pub tls_certificate: Option<String>,
    /// The certificate's private key (PEM, not encrypted).
    #[arg(long, value_name = "FILE", help_heading = "Addresses")]
    pub tls_key: Option<String>,
    /// A web origin whose pages may connect, beside those of this machine; may be given several times.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', help_heading = "Addresses")]
    pub allow_origin: Option<Vec<String>>,
    /// A reverse proxy (an address, or a network like 10.0.0.0/8) whose X-Forwarded-For is believed; may be given several times.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', help_heading = "Addresses")]
    pub trusted_proxy: Option<Vec<Network>>,

    /// The projects file, which `channel-server project` writes. Read again when it changes. Otherwise /etc/visavis/projects.toml or
    /// visavis/projects.toml in the user's settings; where that is not there, the open default project is served.
    #[arg(long, value_name = "FILE", help_heading = "Projects")]
    pub projects: Option<String>,
    /// The key that opens POST /v1/token, /v1/ban and GET /v1/channels. Others on this machine can read flags; better say it in the
    /// environment or by --admin-key-file.
    #[arg(long, value_name = "TEXT", help_heading = "Projects")]
    pub admin_key: Option<Hidden>,
    /// A file that holds the admin key.
    #[arg(long, value_name = "FILE", help_heading = "Projects")]
    pub admin_key_file: Option<String>,

    /// A STUN server for the clients, as stun:HOST:PORT; may be given several times.
    #[arg(long, value_name = "URL", value_delimiter = ',', help_heading = "STUN and TURN")]
    pub stun: Option<Vec<String>>,
    /// A TURN server for the clients, as turn:HOST:PORT?transport=udp, turn:HOST:PORT?transport=tcp or turns:HOST:PORT?transport=tcp
    /// (TLS); may be given several times.
    #[arg(long, value_name = "URL", value_delimiter = ',', help_heading = "STUN and TURN")]
    pub turn: Option<Vec<String>>,
    /// The secret shared with the TURN servers (coturn: use-auth-secret, static-auth-secret). Others on this machine can read flags;
    /// better say it in the file or by --turn-secret-file.
    #[arg(long, value_name = "TEXT", help_heading = "STUN and TURN")]
    pub turn_secret: Option<Hidden>,
    /// A file that holds the secret.
    #[arg(long, value_name = "FILE", help_heading = "STUN and TURN")]
    pub turn_secret_file: Option<String>,
    /// How long credentials for TURN are good for.
    #[arg(long, value_name = "SECONDS", help_heading = "STUN and TURN")]
    pub turn_ttl: Option<Seconds>,

    /// Connections of the whole service.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_connections: Option<usize>,
    /// Connections an address (of IPv6, a /64) may open a minute; 0 is any number. This machine's own are not counted.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub connections_per_minute: Option<u32>,
    /// Channels of the whole service.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_channels: Option<usize>,
    /// Members of one channel.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_members: Option<usize>,
    /// Subscriptions that one member asks for.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_subscriptions: Option<usize>,
    /// Joins a connection may try at once; one more is allowed a second.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_joins: Option<u32>,
    /// Messages a connection may send a second.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub messages_per_second: Option<u32>,
    /// Messages out of protocol, after which a connection is closed.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_mistakes: Option<u32>,
    /// Kicks and bans in force at once.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_bans: Option<usize>,
    /// Bytes that may wait for a client to read them; with more it is dropped.
    #[arg(long, value_name = "BYTES", help_heading = "Limits")]
    pub max_queue: Option<usize>,
    /// How long a TLS handshake may take.
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub handshake_limit: Option<Seconds>,
    /// How long a connection may take for the head of a request, and stay without one.
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub request_limit: Option<Seconds>,
    /// How long a WebSocket may stay without joining.
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub join_limit: Option<Seconds>,
    /// After this much silence a member is gone; so long a broken connection may come back.
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    pub silence_limit: Option<Seconds>,

    /// How long clients are given to leave between the announcement of a shutdown and its end.
    #[arg(long, value_name = "SECONDS")]
    pub drain: Option<Seconds>,
    /// How the log is written. What is written says RUST_LOG (default: info).
    #[arg(long, value_name = "FORMAT")]
    pub log: Option<Log>,
}

impl Settings {
    /// What is so unless said otherwise, from [`Config::default`].
    pub fn defaults() -> Self {
        let config = Config::default();
        let limits = config.limits;
        Self {
            turn_ttl: Some(Turn::TTL.into()),
            max_connections: Some(limits.connections),
            connections_per_minute: Some(limits.connections_per_minute),
            max_channels: Some(limits.channels),
            max_members: Some(limits.members),
            max_subscriptions: Some(limits.subscriptions),
            max_joins: Some(limits.joins),
            messages_per_second: Some(limits.messages),
            max_mistakes: Some(limits.mistakes),
            max_bans: Some(limits.bans),
            max_queue: Some(limits.queue),
            handshake_limit: Some(config.handshake_limit.into()),
            request_limit: Some(config.request_limit.into()),
            join_limit: Some(config.join_limit.into()),
            silence_limit: Some(config.silence_limit.into()),
            drain: Some(config.drain.into()),
            log: Some(Log::default()),
            ..Self::default()
        }
    }
}
