//! The channel service as a process of its own, and the tools for it.

mod cli;
mod log;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Line::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("channel-server: {error}");
            ExitCode::FAILURE
        }
    }
}
