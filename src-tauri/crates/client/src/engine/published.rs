//! The local streams that are published, each with a task that watches its state.

use std::collections::BTreeMap;

use session::PublishedStream;
use signal::{Code, Error, StreamSource};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::local::{LocalState, Outgoing};

/// What a published stream's owner did to it.
#[derive(Debug)]
pub(super) enum Change {
    /// Tracks or mutes; `lost` are devices that went away since the last change, `spoke`: somebody spoke into the muted microphone.
    State { key: u64, state: PublishedStream, lost: Vec<Error>, spoke: bool },
    /// Closed or dropped.
    Closed { key: u64 },
}

#[derive(Debug)]
struct Publication {
    stream: Outgoing,
    watcher: AbortHandle,
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

#[derive(Debug)]
pub(super) struct Published {
    by_source: BTreeMap<StreamSource, Publication>,
    changes: mpsc::Sender<Change>,
}

impl Published {
    pub fn new(changes: mpsc::Sender<Change>) -> Self {
        Self { by_source: BTreeMap::new(), changes }
    }

    /// Takes a stream in and watches it; answers its state now.
    pub fn add(&mut self, stream: Outgoing) -> Result<PublishedStream, Error> {
        let source = stream.source();
        if self.by_source.contains_key(&source) {
            return Err(Error::new(Code::StreamAlreadyPublished, "A stream of this source is published already; unpublish it first."));
        }
        let mut states = stream.state();
        if states.has_changed().is_err() {
            return Err(Error::new(Code::InvalidLocalStream, "The stream is closed; make a new one."));
        }
        let state = states.borrow_and_update().clone();
        if !state.audio && !state.video {
            return Err(Error::new(
                Code::InvalidLocalStream,
                "The stream has neither sound nor picture; init it, and see which devices did not open.",
            ));
        }
        let published = describe(source, &state);
        let watcher = tokio::spawn(watch(stream.key(), source, state, states, self.changes.clone())).abort_handle();
        self.by_source.insert(source, Publication { stream, watcher });
        Ok(published)
    }

    pub fn get(&self, source: StreamSource) -> Option<&Outgoing> {
        self.by_source.get(&source).map(|publication| &publication.stream)
    }

    pub fn streams(&self) -> impl Iterator<Item = &Outgoing> {
        self.by_source.values().map(|publication| &publication.stream)
    }

    pub fn remove(&mut self, source: StreamSource) {
        self.by_source.remove(&source);
    }

    /// Removes the stream only if it is the one with that key.
    pub fn remove_key(&mut self, key: u64, source: StreamSource) {
        if self.get(source).is_some_and(|stream| stream.key() == key) {
            self.remove(source);
        }
    }

    /// The source of the stream a change is about, if it is published still.
    pub fn current(&self, change: &Change) -> Option<StreamSource> {
        let (Change::State { key, .. } | Change::Closed { key }) = change;
        self.streams().find(|stream| stream.key() == *key).map(Outgoing::source)
    }
}

fn describe(source: StreamSource, state: &LocalState) -> PublishedStream {
    PublishedStream { source, audio: state.audio, video: state.video, audio_muted: state.audio_muted, video_muted: state.video_muted }
}

/// Passes on every state of a stream, newest wins, until it is closed.
async fn watch(
    key: u64,
    source: StreamSource,
    mut before: LocalState,
    mut states: watch::Receiver<LocalState>,
    changes: mpsc::Sender<Change>,
) {
    while states.changed().await.is_ok() {
        let state = states.borrow_and_update().clone();
        let lost =
            newly(&before.camera_lost, &state.camera_lost).chain(newly(&before.microphone_lost, &state.microphone_lost)).cloned().collect();
        let spoke = state.spoken_while_muted > before.spoken_while_muted;
        if changes.send(Change::State { key, state: describe(source, &state), lost, spoke }).await.is_err() {
            return;
        }
        before = state;
    }
    // Without an engine there is nobody who misses it.
    let _ = changes.send(Change::Closed { key }).await;
}

fn newly<'a>(before: &Option<Error>, now: &'a Option<Error>) -> impl Iterator<Item = &'a Error> {
    now.iter().filter(|_| before.is_none())
}
