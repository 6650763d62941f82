//! The command line: the service itself, and the tools of whoever runs one.
//!
//! ```text
//! serve    the service until it is told to stop (also without a word)
//! project  App IDs and certificates              token  made and examined
//! ```

mod project;
pub mod serve;
mod token;

use std::{path::PathBuf, process::ExitCode};

use channel_server::{
    projects::{Store, default_path},
    settings::Log,
};

use crate::log;

/// Lets people find each other in channels; their calls go from one to the other. Without a command it serves.
#[derive(clap::Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serve: what happens without a command too.
    Serve(Box<serve::Arguments>),
    /// Make, list and change projects (App IDs and their certificates).
    Project(project::Arguments),
    /// Make and examine tokens.
    Token(token::Arguments),
}

/// Where a command found its end: its exit code, or why it failed.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// Does what the line says.
pub async fn run(line: Line) -> Outcome {
    match line.command {
        None => serve::run(line.serve).await,
        Some(Command::Serve(arguments)) => serve::run(*arguments).await,
        Some(Command::Project(arguments)) => {
            log::start(Log::Text);
            project::run(arguments)
        }
        Some(Command::Token(arguments)) => {
            log::start(Log::Text);
            token::run(arguments)
        }
    }
}

/// The projects file of a command.
#[derive(clap::Args)]
struct File {
    /// The projects file. Otherwise /etc/visavis/projects.toml if there is such a folder, else visavis/projects.toml in the user's
    /// settings (Linux: ~/.config).
    #[arg(long, env = "VISAVIS_PROJECTS", value_name = "FILE")]
    projects: Option<PathBuf>,
}

impl File {
    fn store(&self) -> Result<Store, Box<dyn std::error::Error>> {
        let path =
            self.projects.clone().or_else(default_path).ok_or("no home folder is known; name the projects file with --projects FILE")?;
        Ok(Store::new(path))
    }
}
