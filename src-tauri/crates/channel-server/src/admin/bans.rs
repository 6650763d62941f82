//! `/v1/ban`: kicks and bans. The fields and their defaults are those of Agora's kicking rules.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};
use signal::{AppId, ChannelName, Code, Error};

use super::{Answer, Name, body, user};
use crate::{
    admission,
    ban::{Privilege, Rule, Standing, Target},
    clock,
    routes::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    app_id: AppId,
    channel: Option<ChannelName>,
    uid: Option<Name>,
    account: Option<String>,
    ip: Option<IpAddr>,
    seconds: Option<u64>,
    minutes: Option<u64>,
    privileges: Option<BTreeSet<Privilege>>,
}

/// How long a rule lasts that says nothing of it.
const USUAL: u64 = 3600;

impl Wanted {
    fn rule(self) -> Result<Rule, Error> {
        let seconds = match (self.seconds, self.minutes) {
            (Some(_), Some(_)) => {
                return Err(Error::new(Code::InvalidParameter, "A rule lasts so many seconds or so many minutes, not both."));
            }
            (Some(seconds), None) => seconds,
            (None, Some(minutes)) => minutes.saturating_mul(60),
            (None, None) => USUAL,
        };
        let target = Target { app_id: self.app_id, channel: self.channel, uid: user(self.uid, self.account)?, ip: self.ip };
        let privileges = self.privileges.unwrap_or_else(|| [Privilege::JoinChannel].into());
        Ok(Rule { target, privileges, duration: Duration::from_secs(seconds) })
    }
}

pub(super) async fn add(State(shared): State<Shared>, bytes: Result<Bytes, BytesRejection>) -> Answer<Value> {
    let rule = body::<Wanted>(bytes)?.rule()?;
    admission::project(&shared.service.config.projects.current(), &rule.target.app_id)?;
    let effect = shared.service.ban(rule, clock::now())?;
    Ok(Json(json!({"id": effect.id, "members": effect.members})))
}

pub(super) async fn list(State(shared): State<Shared>, Path(app_id): Path<String>) -> Answer<Value> {
    let app_id = app_id.parse::<AppId>().map_err(Error::from)?;
    let now = clock::now();
    Ok(Json(shared.service.bans(&app_id, now).iter().map(|standing| shown(standing, now)).collect()))
}

pub(super) async fn end(State(shared): State<Shared>, Path((app_id, id)): Path<(String, u64)>) -> Answer<Value> {
    let app_id = app_id.parse::<AppId>().map_err(Error::from)?;
    if shared.service.unban(&app_id, id, clock::now()) {
        Ok(Json(json!({})))
    } else {
        Err(Error::new(Code::InvalidParameter, format!("The project has no rule {id}; it may have ended.")).into())
    }
}

fn shown(standing: &Standing, now: Instant) -> Value {
    let Rule { target, privileges, .. } = &standing.rule;
    json!({
        "id": standing.id,
        "channel": target.channel,
        "uid": target.uid,
        "ip": target.ip,
        "privileges": privileges,
        "seconds_left": standing.until.saturating_duration_since(now).as_secs(),
    })
}
