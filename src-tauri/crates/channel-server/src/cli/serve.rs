//! `channel-server`: settings in, a service until the process is told to stop.

use std::{error::Error, path::PathBuf, process::ExitCode};

use channel_server::{
    DEFAULT_APP_ID, Identity, Listener,
    projects::{Catalog, Projects, Store, default_path},
    settings::{self, Door, Plan, Settings},
};
use tokio::net::TcpListener;

use super::Outcome;
use crate::log;

/// Lets people find each other in channels; their calls go from one to the other.
///
/// Every option is also a variable of the environment (--max-members: VISAVIS_MAX_MEMBERS) and a key of the file (max-members). The flag
/// wins over the variable, the variable over the file.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file of settings (TOML).
    #[arg(long, env = "VISAVIS_CONFIG", value_name = "FILE")]
    config: Option<String>,
    /// Print the settings that result, with secrets hidden, and exit.
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the service.
pub async fn run(arguments: Arguments) -> Outcome {
    let file = arguments.config.as_deref().map(Settings::read_file).transpose()?.unwrap_or_default();
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = Settings::layered(arguments.settings, Settings::from_environment(variables)?, file);
    let text = settings.to_toml();
    let plan = settings::plan(settings)?;
    if arguments.print_config {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    log::start(plan.log);
    let outcome = serve(plan).await;
    if let Err(error) = &outcome {
        tracing::error!(%error, "stopped");
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve(mut plan: Plan) -> Result<(), Box<dyn Error>> {
    let (descriptors, most) = (channel_server::raise_descriptor_limit(), plan.config.limits.connections);
    if let Some(descriptors) = descriptors.filter(|descriptors| *descriptors < most as u64) {
        tracing::warn!(descriptors, max_connections = most, "the system allows fewer open files than connections (ulimit -n)");
    }
    plan.config.projects = projects(plan.projects)?;
    let mut listeners = Vec::new();
    for (address, door) in plan.doors {
        let kind = match door {
            Door::Plain => "plain",
            Door::Tls { .. } => "tls",
            Door::Private => "private",
        };
        let socket = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        tracing::info!(address = %socket.local_addr()?, kind, "listening");
        listeners.push(match door {
            Door::Plain => Listener::plain(socket),
            Door::Tls { certificate, key } => Listener::tls(socket, Identity::load(certificate, key)?),
            Door::Private => Listener::private(socket),
        });
    }
    Ok(channel_server::serve_on(listeners, plan.config, stop_signal()).await?)
}

/// The projects of the file; where none is named and the usual one is not there, the open default project.
fn projects(named: Option<PathBuf>) -> Result<Catalog, Box<dyn Error>> {
    let store = match named {
        Some(path) => Store::new(path),
        None => match default_path() {
            Some(path) => Store::new(path).or(Projects::local()),
            None => return Ok(Catalog::default()),
        },
    };
    let catalog = Catalog::open(store.clone())?;
    let (path, count) = (store.path().display(), catalog.current().iter().count());
    if store.path().exists() {
        tracing::info!(%path, count, "projects");
    } else {
        tracing::info!(%path, app_id = DEFAULT_APP_ID, "no projects file: serving the open default project");
    }
    Ok(catalog)
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
