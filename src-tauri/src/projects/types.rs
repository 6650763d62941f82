//! What crosses between the panel and the app.

use channel_server::{
    DEFAULT_APP_ID,
    projects::Project,
    tokens::{Order, Role, Version},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    error::invalid_parameter,
    signal::Error,
    types::{Problem, UidWish},
};

/// Who runs the service that calls go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// This app.
    Here,
    /// Another Visavis of this user, which goes by the same file.
    Shared,
    /// Another program on this computer, which goes by projects of its own.
    Stranger,
    /// Whoever runs the service that this app was started with.
    External,
}

/// A project as the panel shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Project")]
pub struct ProjectRow {
    pub app_id: String,
    /// May be empty.
    pub name: String,
    /// Whether joins need a token.
    pub certificate: bool,
    pub enabled: bool,
    /// Whether this is the App ID that every Visavis knows.
    pub is_default: bool,
}

impl From<&Project> for ProjectRow {
    fn from(project: &Project) -> Self {
        Self {
            app_id: project.app_id().as_str().to_owned(),
            name: project.name().to_owned(),
            certificate: project.has_certificate(),
            enabled: project.is_enabled(),
            is_default: project.app_id().as_str() == DEFAULT_APP_ID,
        }
    }
}

/// What the panel shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ProjectList {
    pub place: Place,
    /// The channel service's address, `ws://…`.
    pub server: String,
    /// The process that runs it, where that is another one of this user's.
    pub process: Option<u32>,
    /// Where the projects are kept; none where they are not this app's to change.
    pub file: Option<String>,
    #[ts(type = "Array<Project>")]
    pub projects: Vec<ProjectRow>,
    /// Why the file cannot be used.
    pub problem: Option<Problem>,
}

/// A token as a person asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TokenOrder {
    pub app_id: String,
    pub channel: String,
    /// Nobody is anyone.
    #[ts(type = "number | string | null")]
    pub uid: Option<UidWish>,
    #[ts(type = "\"publisher\" | \"subscriber\"")]
    pub role: String,
    /// How long it is valid, from now.
    pub seconds: u32,
}

impl TokenOrder {
    /// The order with its parts checked.
    pub fn checked(&self) -> Result<Order, Error> {
        let role = match self.role.as_str() {
            "publisher" => Role::Publisher,
            "subscriber" => Role::Subscriber,
            _ => return Err(invalid_parameter("A role is \"publisher\" or \"subscriber\".")),
        };
        if self.seconds == 0 {
            return Err(invalid_parameter("A token is valid for a second at least."));
        }
        let uid = self.uid.as_ref().map_or(Ok(None), UidWish::uid)?;
        Ok(Order { channel: self.channel.parse()?, uid, role, expire: self.seconds.into(), version: Version::V007 })
    }
}

/// A token, and when it ends.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MadeToken {
    pub token: String,
    /// Unix seconds.
    #[ts(type = "number")]
    pub expires_at: u64,
}
