//! A caller without a window: files in, files and JSON statistics out. For bots, recording, load and measurements.
//!
//! ```text
//! arguments  the command line       record  what remote streams showed and played, as files
//! call       joins, runs, leaves    report  JSON lines of statistics
//! screens    what can be shared
//! ```

mod arguments;
mod call;
mod record;
mod report;
mod screens;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("warn,{}", client::LOG_FILTER))))
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments::Arguments::parse().command {
        arguments::Command::Call(call) => call::run(*call).await,
        arguments::Command::Screens => screens::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", serde_json::json!({ "code": error.code, "message": error.message }));
            ExitCode::FAILURE
        }
    }
}
