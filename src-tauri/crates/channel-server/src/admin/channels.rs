//! `GET /v1/channels`.

use axum::{Json, extract::State};
use serde::Serialize;
use signal::{AppId, ChannelName};

use crate::routes::Shared;

#[derive(Serialize)]
pub(super) struct Channel {
    app_id: AppId,
    channel: ChannelName,
    members: usize,
}

pub(super) async fn list(State(shared): State<Shared>) -> Json<Vec<Channel>> {
    let occupied = shared.service.occupied();
    Json(occupied.into_iter().map(|((app_id, channel), members)| Channel { app_id, channel, members }).collect())
}
