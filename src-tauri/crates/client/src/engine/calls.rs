//! The handles' calls that the session has not answered yet.

use std::collections::HashMap;

use session::CallId;
use signal::{Error, StreamSource, Uid};
use tokio::sync::oneshot;

use super::Reply;

/// Who waits for a call's answer.
#[derive(Debug)]
pub(super) enum Pending {
    Join(oneshot::Sender<Result<Uid, Error>>),
    /// The stream with that key and source.
    Publish {
        key: u64,
        source: StreamSource,
        reply: Reply,
    },
    Plain(Reply),
    /// The engine's own call.
    Nobody,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    next: u64,
    pending: HashMap<CallId, Pending>,
}

impl Calls {
    pub fn add(&mut self, pending: Pending) -> CallId {
        let call = CallId(self.next);
        self.next += 1;
        self.pending.insert(call, pending);
        call
    }

    /// Whether a publish is under way.
    pub fn is_publishing(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending, Pending::Publish { .. }))
    }

    pub fn remove(&mut self, call: CallId) -> Option<Pending> {
        self.pending.remove(&call)
    }
}
