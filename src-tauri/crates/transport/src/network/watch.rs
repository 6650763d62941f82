//! The operating system's word on addresses that come and go.

use std::io;
use std::sync::Arc;

use futures_util::StreamExt;
use if_watch::{IfEvent, tokio::IfWatcher};
use tokio::sync::mpsc;

use super::Change;
use super::changes::{Changes, Event};
use crate::Runtime;

/// A machine changes its network now and then; a burst is one change.
const QUEUE: usize = 8;

/// The changes that matter to a call from now on, until the receiver is dropped. Where the system does not tell, none come, which
/// the log says: calls then find out by their silence.
pub fn watch(runtime: &Arc<dyn Runtime>) -> mpsc::Receiver<Change> {
    let (changes, receiver) = mpsc::channel(QUEUE);
    let clock = Arc::clone(runtime);
    runtime.spawn(Box::pin(async move {
        tokio::select! {
            result = follow(&clock, &changes) => if let Err(error) = result {
                tracing::warn!(%error, "changes of the network are not seen any more");
            },
            () = changes.closed() => {}
        }
    }));
    receiver
}

/// Ends with an error only.
async fn follow(clock: &Arc<dyn Runtime>, changes: &mpsc::Sender<Change>) -> io::Result<()> {
    let mut watcher = IfWatcher::new()?;
    let mut pending = Changes::default();
    loop {
        let deadline = pending.deadline();
        let settled = async {
            match deadline {
                Some(at) => clock.sleep(at.saturating_duration_since(clock.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = watcher.next() => match event {
                Some(Ok(IfEvent::Up(net))) => pending.on_event(Event::Up(net.addr()), clock.now()),
                Some(Ok(IfEvent::Down(net))) => pending.on_event(Event::Down(net.addr()), clock.now()),
                Some(Err(error)) => return Err(error),
                None => return Err(io::Error::other("the system's list of addresses ended")),
            },
            () = settled => {}
        }
        if let Some(change) = pending.poll(clock.now()) {
            tracing::info!(lost = ?change.lost, "this machine's addresses changed");
            // Without room the owner has a change to act on already, but what this one lost counts too.
            if changes.send(change).await.is_err() {
                return Ok(());
            }
        }
    }
}
