//! `POST /v1/token`.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Json, body::Bytes, extract::State, extract::rejection::BytesRejection};
use serde::Deserialize;
use signal::{AppId, ChannelName};

use super::{Answer, Name, body, user};
use crate::{
    admission,
    routes::Shared,
    tokens::{self, Issued, Order, Role, Version},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    app_id: AppId,
    channel: ChannelName,
    uid: Option<Name>,
    account: Option<String>,
    #[serde(default)]
    role: RoleName,
    /// Seconds.
    #[serde(default = "an_hour")]
    expire: u64,
    #[serde(default)]
    version: VersionName,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    #[default]
    Publisher,
    Subscriber,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum VersionName {
    #[serde(rename = "006")]
    V006,
    #[default]
    #[serde(rename = "007")]
    V007,
}

fn an_hour() -> u64 {
    3600
}

pub(super) async fn make(State(shared): State<Shared>, bytes: Result<Bytes, BytesRejection>) -> Answer<Issued> {
    let wanted: Wanted = body(bytes)?;
    let projects = shared.service.config.projects.current();
    let project = admission::project(&projects, &wanted.app_id)?;
    let order = Order {
        channel: wanted.channel,
        uid: user(wanted.uid, wanted.account)?,
        role: match wanted.role {
            RoleName::Publisher => Role::Publisher,
            RoleName::Subscriber => Role::Subscriber,
        },
        expire: wanted.expire,
        version: match wanted.version {
            VersionName::V006 => Version::V006,
            VersionName::V007 => Version::V007,
        },
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let issued = tokens::issue(project, &order, now, rand::random())?;
    tracing::info!(app_id = %wanted.app_id, channel = %order.channel, expires_at = issued.expires_at, "token made");
    Ok(Json(issued))
}
