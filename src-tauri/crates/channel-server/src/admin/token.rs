//! `POST /v1/token`.

use axum::{Json, body::Bytes, extract::State, extract::rejection::BytesRejection};
use serde::Deserialize;
use signal::{AppId, ChannelName};

use super::{Answer, Name, body, user};
use crate::{
    admission, clock,
    routes::Shared,
    tokens::{self, Issued, Order, RoleName, VersionName},
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
        role: wanted.role.into(),
        expire: wanted.expire,
        version: wanted.version.into(),
    };
    let issued = tokens::issue(project, &order, clock::unix_now(), rand::random())?;
    tracing::info!(app_id = %wanted.app_id, channel = %order.channel, expires_at = issued.expires_at, "token made");
    Ok(Json(issued))
}
