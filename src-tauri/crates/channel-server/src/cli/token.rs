//! `channel-server token`: tokens made and examined.

use std::process::ExitCode;

use channel_server::{
    projects::Project,
    tokens::{self, Order, RoleName, VersionName},
    unix_now,
};
use signal::{AppId, ChannelName, Uid};

use super::{File, Outcome};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a token and print it.
    New {
        #[command(flatten)]
        call: Call,
        /// What its bearer may do: publish, or only watch and listen.
        #[arg(long, value_enum, default_value_t = RoleName::Publisher)]
        role: RoleName,
        /// How long it is good for; 0 and more than a day are a day.
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        expire: u64,
        #[arg(long, value_enum, default_value_t = VersionName::V007)]
        version: VersionName,
        /// Answer as JSON: token and expires_at.
        #[arg(long)]
        json: bool,
    },
    /// Say what a token is worth, as JSON. Exits with 0 if it is valid, 1 if not, 2 if that cannot be told.
    Inspect {
        token: String,
        #[command(flatten)]
        call: Call,
    },
}

/// Whose project, which channel, which user.
#[derive(clap::Args)]
struct Call {
    /// The project's App ID; its beginning is enough where the certificate comes from the projects file.
    #[arg(long)]
    app_id: String,
    /// The project's certificate, if not from the projects file. Others on this machine can read flags; better say it in the environment.
    #[arg(long, env = "VISAVIS_CERTIFICATE", hide_env_values = true)]
    certificate: Option<String>,
    #[arg(long)]
    channel: ChannelName,
    /// The user by number; 0, or no user at all, is anyone.
    #[arg(long, value_name = "N", conflicts_with = "account")]
    uid: Option<u32>,
    /// The user by account, a text.
    #[arg(long, value_name = "TEXT", value_parser = Uid::account)]
    account: Option<Uid>,
    #[command(flatten)]
    file: File,
}

pub fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::New { call, role, expire, version, json } => {
            let order = Order { channel: call.channel.clone(), uid: call.user(), role: role.into(), expire, version: version.into() };
            let issued = call.with_project(|project| tokens::issue(project, &order, unix_now(), rand::random()))??;
            if json {
                println!("{}", serde_json::to_string(&issued)?)
            } else {
                println!("{}", issued.token)
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Inspect { token, call } => Ok(match inspect(&token, &call) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("channel-server: {error}");
                ExitCode::from(2)
            }
        }),
    }
}

/// Prints the report; whether the token is valid.
fn inspect(token: &str, call: &Call) -> Result<bool, Box<dyn std::error::Error>> {
    let report = call.with_project(|project| {
        let credentials = project.credentials().ok_or("this project has no certificate, so no token is for it")?;
        Ok::<_, &str>(tokens::inspect(token.trim(), credentials, &call.channel, call.user().as_ref(), unix_now()))
    })??;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(report.valid)
}

impl Call {
    fn user(&self) -> Option<Uid> {
        let number = self.uid.and_then(|uid| Uid::number(uid).ok());
        number.or_else(|| self.account.clone())
    }

    /// The project, made up from App ID and certificate if that is given, else from the file.
    fn with_project<T>(&self, ask: impl FnOnce(&Project) -> T) -> Result<T, Box<dyn std::error::Error>> {
        match self.certificate.as_deref().filter(|certificate| !certificate.is_empty()) {
            Some(certificate) => Ok(ask(&Project::secured(self.app_id.parse::<AppId>()?, certificate)?)),
            None => Ok(ask(self.file.store()?.read()?.find(&self.app_id)?)),
        }
    }
}
