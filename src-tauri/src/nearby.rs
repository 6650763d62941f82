//! Calls of the local network: those of others are offered, the own ones announced, while the host allows it and not a moment longer.
//!
//! ```text
//! found   what others say, sifted (pure)
//! air     announcing and finding over multicast DNS
//! ```

mod air;
mod found;

use std::{collections::BTreeSet, sync::Arc};

use serde::Serialize;
use tokio::sync::watch;
use ts_rs::TS;

use crate::{service::Place, settings::Settings};
use air::{Air, News};
use found::Found;

pub use air::{Call, Reach};

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

/// What it takes to announce and to find.
pub struct Surroundings {
    pub settings: watch::Receiver<Arc<Settings>>,
    pub place: watch::Receiver<Place>,
    /// The calls that this app's windows are in.
    pub own: watch::Receiver<BTreeSet<Call>>,
}

/// Announces and finds as long as the app runs and the settings allow it; what is found goes to `report`.
pub async fn run(mut around: Surroundings, report: watch::Sender<Arc<Vec<NearbyCall>>>) {
    loop {
        if around.settings.wait_for(|settings| settings.nearby).await.is_err() {
            return;
        }
        match Air::open(format!("{:016x}", rand::random::<u64>()), Vec::new()) {
            Ok(air) => allowed(air, &mut around, &report).await,
            Err(error) => {
                tracing::warn!(%error, "the local network cannot be asked for calls");
                // Not before the person has switched it off.
                if around.settings.wait_for(|settings| !settings.nearby).await.is_err() {
                    return;
                }
            }
        }
        report.send_replace(Arc::default());
    }
}

/// Until it is no longer allowed, or fails.
async fn allowed(mut air: Air, around: &mut Surroundings, report: &watch::Sender<Arc<Vec<NearbyCall>>>) {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let (mut found, mut reach) = (Found::default(), None);
    loop {
        let own = around.own.borrow_and_update().clone();
        let now = around.place.borrow_and_update().reach();
        if now != reach {
            // What is announced with another address is announced anew.
            air.announce(&BTreeSet::new(), &host, &Reach::Here(0));
            reach = now;
        }
        if let Some(reach) = &reach {
            air.announce(&own, &host, reach);
        }
        let list = Arc::new(found.list(&own));
        report.send_if_modified(|known| {
            *known != list && {
                *known = list;
                true
            }
        });
        tokio::select! {
            news = air.next() => match news {
                Some(News::Found { name, announcement }) => found.take(&name, &announcement),
                Some(News::Gone { name }) => found.gone(&name),
                None => return,
            },
            changed = around.own.changed() => if changed.is_err() { return },
            changed = around.place.changed() => if changed.is_err() { return },
            off = around.settings.wait_for(|settings| !settings.nearby) => { let _ = off; return }
        }
    }
}
