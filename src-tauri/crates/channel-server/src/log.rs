//! The log: to standard error, as text or as JSON lines.

use std::io::IsTerminal;

use channel_server::settings::Log;
use tracing_subscriber::EnvFilter;

/// Starts the log; `RUST_LOG` says what is in it.
pub fn start(format: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Log::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        Log::Json => log.json().flatten_event(true).init(),
    }
}
