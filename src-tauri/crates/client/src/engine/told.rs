//! What handles and the application are about to be told: answers and events, in order, once the snapshot is up to date.

use signal::{Error, Uid};
use tokio::sync::{mpsc, oneshot};

use super::Reply;
use crate::Event;

#[derive(Debug)]
enum Word {
    Uid(oneshot::Sender<Result<Uid, Error>>, Result<Uid, Error>),
    Done(Reply, Result<(), Error>),
    Event(Event),
}

#[derive(Debug)]
pub(super) struct Told {
    events: mpsc::Sender<Event>,
    words: Vec<Word>,
}

impl Told {
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, words: Vec::new() }
    }

    /// Answers a join.
    pub fn uid(&mut self, reply: oneshot::Sender<Result<Uid, Error>>, result: Result<Uid, Error>) {
        self.words.push(Word::Uid(reply, result));
    }

    /// Answers any other call.
    pub fn done(&mut self, reply: Reply, result: Result<(), Error>) {
        self.words.push(Word::Done(reply, result));
    }

    pub fn event(&mut self, event: Event) {
        self.words.push(Word::Event(event));
    }

    /// Tells everything. Never waits: an application that does not read its events loses the newest.
    pub fn tell(&mut self) {
        for word in self.words.drain(..) {
            match word {
                // A handle may have stopped waiting.
                Word::Uid(reply, result) => drop(reply.send(result)),
                Word::Done(reply, result) => drop(reply.send(result)),
                Word::Event(event) => {
                    if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
                        tracing::warn!(event = event.name(), "dropped: the application does not read its events");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::{Code, LeaveReason};

    #[test]
    fn a_full_queue_loses_the_newest_event_and_no_answer() {
        let (sender, mut events) = mpsc::channel(1);
        let (reply, mut answer) = oneshot::channel();
        let mut told = Told::new(sender);
        let uid = Uid::number(7).unwrap();
        told.event(Event::PeerOnline { uid: uid.clone() });
        told.event(Event::PeerLeave { uid, reason: LeaveReason::Quit });
        told.done(reply, Err(Error::new(Code::InvalidOperation, "No.")));
        told.tell();
        assert_eq!(answer.try_recv().unwrap().unwrap_err().code, Code::InvalidOperation);
        assert_eq!(events.try_recv().unwrap().name(), "peer-online");
        assert!(events.try_recv().is_err());
    }
}
