//! `channel-server project`: what Agora's console does.

use std::process::ExitCode;

use channel_server::projects::{Project, ProjectError, Projects, StoreError, fresh_key};
use serde_json::json;

use super::{File, Outcome};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a project; its App ID is drawn at random.
    New {
        #[command(flatten)]
        file: File,
        /// What people call it.
        #[arg(long, default_value = "")]
        name: String,
        /// With a certificate from the start: joining then takes a token.
        #[arg(long)]
        with_certificate: bool,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List all projects, without their certificates.
    List {
        #[command(flatten)]
        file: File,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one project.
    Show {
        #[command(flatten)]
        which: Which,
        /// Its certificate too: whoever sees it can make tokens.
        #[arg(long)]
        certificate: bool,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let nobody join any more; whoever is in a call is removed.
    Disable {
        #[command(flatten)]
        which: Which,
    },
    /// Let people join again.
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Give a project another name.
    Rename {
        #[command(flatten)]
        which: Which,
        name: String,
    },
    /// Print a project's certificate, or change it. Tokens of the one before are no longer accepted; who is in a call stays.
    Certificate {
        #[command(flatten)]
        which: Which,
        /// Draw a certificate, in place of the one there may be, and print it.
        #[arg(long, conflicts_with = "off")]
        new: bool,
        /// Switch the certificate off: whoever knows the App ID may join.
        #[arg(long)]
        off: bool,
    },
}

#[derive(clap::Args)]
struct Which {
    /// The project's App ID, or as much of its beginning as no other has.
    app_id: String,
    #[command(flatten)]
    file: File,
}

pub fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::New { file, name, with_certificate, json } => new(&file, &name, with_certificate, json)?,
        Command::List { file, json } => list(&file.store()?.read()?, json),
        Command::Show { which, certificate, json } => show(which.file.store()?.read()?.find(&which.app_id)?, certificate, json),
        Command::Disable { which } => say(&which.change(|project| {
            project.set_enabled(false);
            Ok(())
        })?),
        Command::Enable { which } => say(&which.change(|project| {
            project.set_enabled(true);
            Ok(())
        })?),
        Command::Rename { which, name } => say(&which.change(|project| project.rename(&name))?),
        Command::Certificate { which, new, off } => certificate(&which, new, off)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn new(file: &File, name: &str, with_certificate: bool, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let store = file.store()?;
    let is_first = !store.path().exists();
    let (project, _) = store.edit(|projects| {
        let mut project = Project::fresh(name)?;
        if with_certificate {
            project.set_certificate(Some(&fresh_key()))?;
        }
        projects.add(project.clone())?;
        Ok::<_, StoreError>(project)
    })?;
    show(&project, true, json);
    if is_first {
        eprintln!(
            "note: {} is new; a service that goes by it serves its projects alone, no longer the open default one",
            store.path().display()
        );
    }
    Ok(())
}

fn certificate(which: &Which, new: bool, off: bool) -> Result<(), Box<dyn std::error::Error>> {
    let project = if new || off {
        let fresh = new.then(fresh_key);
        which.change(|project| project.set_certificate(fresh.as_deref()))?
    } else {
        which.file.store()?.read()?.find(&which.app_id)?.clone()
    };
    match project.reveal_certificate() {
        Some(certificate) => println!("{certificate}"),
        None if off => eprintln!("{} has no certificate now: whoever knows the App ID may join", project.app_id()),
        None => return Err(format!("{} has no certificate; --new gives it one", project.app_id()).into()),
    }
    Ok(())
}

impl Which {
    /// The project after a change.
    fn change(&self, change: impl FnOnce(&mut Project) -> Result<(), ProjectError>) -> Result<Project, Box<dyn std::error::Error>> {
        let store = self.file.store()?;
        // A slip in the path makes no new file.
        store.read()?;
        let (project, _) = store.edit(|projects| {
            let project = projects.edit(&self.app_id)?;
            change(project)?;
            Ok::<_, StoreError>(project.clone())
        })?;
        Ok(project)
    }
}

/// What became of a project, for a person.
fn say(project: &Project) {
    let state = if project.is_enabled() { "enabled" } else { "disabled" };
    eprintln!("{} {:?} is {state}", project.app_id(), project.name());
}

fn show(project: &Project, certificate: bool, json: bool) {
    if json {
        let mut shown = summary(project);
        if certificate {
            shown["certificate"] = json!(project.reveal_certificate());
        }
        return println!("{shown:#}");
    }
    println!("App ID:      {}", project.app_id());
    println!("Name:        {}", project.name());
    println!("Enabled:     {}", if project.is_enabled() { "yes" } else { "no" });
    match project.reveal_certificate() {
        Some(text) if certificate => println!("Certificate: {text}"),
        Some(_) => println!("Certificate: on (--certificate shows it)"),
        None => println!("Certificate: off (whoever knows the App ID may join)"),
    }
}

fn list(projects: &Projects, json: bool) {
    if json {
        return println!("{:#}", projects.iter().map(summary).collect::<serde_json::Value>());
    }
    println!("{:<34}{:<10}{:<13}NAME", "APP ID", "STATE", "CERTIFICATE");
    for project in projects.iter() {
        let state = if project.is_enabled() { "enabled" } else { "disabled" };
        let certificate = if project.has_certificate() { "on" } else { "off" };
        println!("{:<34}{state:<10}{certificate:<13}{}", project.app_id().as_str(), project.name());
    }
}

/// A project without its certificate.
fn summary(project: &Project) -> serde_json::Value {
    json!({
        "app_id": project.app_id(),
        "name": project.name(),
        "enabled": project.is_enabled(),
        "has_certificate": project.has_certificate(),
    })
}
