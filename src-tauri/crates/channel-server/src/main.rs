//! The channel service as a process of its own.

mod log;
mod serve;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match serve::run(serve::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("channel-server: {error}");
            ExitCode::FAILURE
        }
    }
}
