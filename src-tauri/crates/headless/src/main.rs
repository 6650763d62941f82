//! A caller without a window: files in, files and JSON statistics out. For bots, recording, load and measurements.
//!
//! ```text
//! arguments  the command line       record  what remote streams showed and played, as files
//! call       joins, runs, leaves    report  JSON lines of statistics
//! ```

mod arguments;
mod call;
mod record;
mod report;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("warn,{}", client::LOG_FILTER))))
        .with_writer(std::io::stderr)
        .init();
    let arguments::Command::Call(call) = arguments::Arguments::parse().command;
    match call::run(call).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", serde_json::json!({ "code": error.code, "message": error.message }));
            ExitCode::FAILURE
        }
    }
}
