//! The channel service as a process of its own.

use std::{io::IsTerminal, net::SocketAddr, process::ExitCode};

use clap::Parser;
use tokio::net::TcpListener;

/// Lets people find each other in channels; their calls go from one to the other.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// An address and port to listen on; may be given several times.
    #[arg(long, env = "VISAVIS_LISTEN", value_name = "ADDR", value_delimiter = ',', default_values_t = [SocketAddr::from(([127, 0, 0, 1], signal::DEFAULT_PORT))])]
    listen: Vec<SocketAddr>,
    /// A web origin whose pages may connect, beside those of this machine; may be given several times.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut listeners = Vec::new();
    for address in arguments.listen {
        let listener = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        tracing::info!(address = %listener.local_addr()?, "listening");
        listeners.push(listener);
    }
    let mut config = channel_server::Config::default();
    config.origins = arguments.allow_origin.into_iter().fold(config.origins, channel_server::Origins::with);
    Ok(channel_server::serve_all(listeners, config, stop_signal()).await?)
}

/// Completes at Ctrl-C, and at SIGTERM where there is one.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("a handler for SIGTERM can be set");
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
