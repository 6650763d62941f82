//! Calls of the local network.

use serde::Serialize;
use ts_rs::TS;

/// A call that somebody on this network shows. Every text in it comes from them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Nearby")]
pub struct NearbyCall {
    pub app_id: String,
    pub channel: String,
    /// The name of the machine that shows it.
    pub host: String,
    /// Where its service is reached, `ws://…`.
    pub server: String,
}
