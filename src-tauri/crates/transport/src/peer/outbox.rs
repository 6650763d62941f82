//! Events raised from within the driver's task, waiting for the connection's own task.
//!
//! Invariant: at most one event of each kind waits, the newest; so the outbox is bounded and never blocks.

use std::collections::VecDeque;
use std::mem::discriminant;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::event::Event;

/// Newest event of each kind, in the order the kinds were first raised.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<VecDeque<Event>>,
    raised: Notify,
}

impl Outbox {
    pub(crate) fn raise(&self, event: Event) {
        let mut waiting = self.waiting();
        match waiting.iter_mut().find(|other| discriminant(*other) == discriminant(&event)) {
            Some(other) => *other = event,
            None => waiting.push_back(event),
        }
        drop(waiting);
        self.raised.notify_one();
    }

    /// Waits until something is raised.
    pub(crate) async fn raised(&self) {
        self.raised.notified().await;
    }

    pub(crate) fn take(&self) -> VecDeque<Event> {
        std::mem::take(&mut *self.waiting())
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_kind_replaces_the_one_that_waits() {
        let outbox = Outbox::default();
        for event in [Event::TargetBitrate(1), Event::KeyframeRequested, Event::TargetBitrate(2), Event::KeyframeRequested] {
            outbox.raise(event);
        }
        assert_eq!(outbox.take(), [Event::TargetBitrate(2), Event::KeyframeRequested]);
        assert!(outbox.take().is_empty());
    }
}
