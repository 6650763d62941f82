//! Whether the stream is published, and whether it should be: one job at a time, the newest wish wins.

use super::input::Ticket;
use crate::signal::{Code, Error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unpublished,
    Published,
    /// A job runs towards this state.
    Changing {
        to: bool,
    },
}

/// The publication of a call's stream.
#[derive(Debug)]
pub struct Publish {
    state: State,
    wanted: bool,
    /// Who waits for which state.
    waiting: Vec<(Ticket, bool)>,
    /// Towards which state the last job failed, and why, for those who waited for it.
    failure: Option<(bool, Error)>,
}

impl Publish {
    /// Not yet published, and to be published as soon as there is a stream: the quick start's way.
    pub fn wanted() -> Self {
        Self { state: State::Unpublished, wanted: true, waiting: Vec::new(), failure: None }
    }

    pub fn want(&mut self, wanted: bool, ticket: Ticket) {
        self.wanted = wanted;
        self.waiting.push((ticket, wanted));
    }

    /// There is no stream to publish and none will come by itself.
    pub fn give_up(&mut self, why: Error) {
        if self.wanted && self.state == State::Unpublished {
            self.wanted = false;
            self.failure = Some((true, why));
        }
    }

    /// The job to start now, if any: towards published (`true`) or not. `ready`: there is a stream.
    pub fn start(&mut self, ready: bool) -> Option<bool> {
        let to = match (self.state, self.wanted) {
            (State::Unpublished, true) if ready => true,
            (State::Published, false) => false,
            _ => return None,
        };
        self.state = State::Changing { to };
        Some(to)
    }

    /// The job ended.
    pub fn ended(&mut self, result: Result<(), Error>) {
        let State::Changing { to } = self.state else { return };
        match result {
            Ok(()) => self.state = if to { State::Published } else { State::Unpublished },
            // The client withdraws its stream whatever the service says of it, so that it is unpublished either way.
            Err(error) => {
                self.state = State::Unpublished;
                self.wanted &= !to;
                self.failure = Some((to, error));
            }
        }
    }

    /// The service took the stream back; it is for the user to publish it again. While a job runs, that job's end says how things stand.
    pub fn taken_back(&mut self) {
        if self.state == State::Published {
            self.state = State::Unpublished;
            self.wanted = false;
        }
    }

    /// The answers that are due: nobody is answered while a job runs or is still to come.
    pub fn answers(&mut self) -> Vec<(Ticket, Result<(), Error>)> {
        let settled = match self.state {
            State::Unpublished => !self.wanted,
            State::Published => self.wanted,
            State::Changing { .. } => false,
        };
        if !settled {
            return Vec::new();
        }
        let failure = self.failure.take();
        let overtaken = || Error::new(Code::RequestAbort, "Another PUBLISH or UNPUBLISH came in between.");
        let outcome = |wanted: bool| match &failure {
            Some((to, error)) if *to == wanted => Err(error.clone()),
            Some(_) | None if wanted == self.wanted => Ok(()),
            Some(_) | None => Err(overtaken()),
        };
        let answers = self.waiting.iter().map(|(ticket, wanted)| (*ticket, outcome(*wanted))).collect();
        self.waiting.clear();
        answers
    }

    /// Those who wait, when the call ends.
    pub fn into_tickets(self) -> Vec<Ticket> {
        self.waiting.into_iter().map(|(ticket, _)| ticket).collect()
    }

    pub fn is_published(&self) -> bool {
        matches!(self.state, State::Published | State::Changing { to: false })
    }

    /// Whether nothing is published or on its way.
    pub fn is_idle(&self) -> bool {
        self.state == State::Unpublished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Error {
        Error::new(Code::PublishStreamFailed, "No.")
    }

    #[test]
    fn a_call_publishes_as_soon_as_there_is_a_stream() {
        let mut publish = Publish::wanted();
        assert_eq!(publish.start(false), None);
        assert_eq!(publish.start(true), Some(true));
        assert_eq!(publish.start(true), None);
        publish.ended(Ok(()));
        assert!(publish.is_published());
    }

    #[test]
    fn the_newest_wish_wins_and_everybody_is_answered_once() {
        let mut publish = Publish::wanted();
        publish.start(true);
        publish.want(false, 1);
        publish.want(true, 2);
        assert_eq!(publish.answers(), []);
        publish.ended(Ok(()));
        let answers = publish.answers();
        assert_eq!(answers.len(), 2);
        assert!(answers[0].1.is_err() && answers[1].1.is_ok());
        assert_eq!(publish.answers(), []);
    }

    #[test]
    fn what_the_service_took_back_is_not_published_again_by_itself() {
        let mut publish = Publish::wanted();
        publish.start(true);
        publish.taken_back();
        publish.ended(Ok(()));
        assert!(publish.is_published(), "the job's own end counts");
        publish.taken_back();
        assert_eq!((publish.is_published(), publish.start(true)), (false, None));
        publish.want(true, 1);
        assert_eq!(publish.start(true), Some(true));
    }

    #[test]
    fn a_failure_is_told_to_who_waited_and_not_tried_again() {
        let mut publish = Publish::wanted();
        publish.want(true, 1);
        publish.start(true);
        publish.ended(Err(failed()));
        assert_eq!(publish.answers(), [(1, Err(failed()))]);
        assert_eq!(publish.start(true), None);
        publish.want(true, 2);
        assert_eq!(publish.start(true), Some(true));
    }

    #[test]
    fn without_a_stream_who_waits_is_told_why() {
        let mut publish = Publish::wanted();
        publish.want(true, 1);
        publish.give_up(failed());
        assert_eq!(publish.answers(), [(1, Err(failed()))]);
    }

    #[test]
    fn unpublishing_that_the_service_refuses_is_told_and_publishing_works_again() {
        let mut publish = Publish::wanted();
        publish.start(true);
        publish.ended(Ok(()));
        publish.want(false, 3);
        assert_eq!(publish.start(true), Some(false));
        publish.ended(Err(failed()));
        assert!(!publish.is_published());
        assert_eq!(publish.answers(), [(3, Err(failed()))]);
        publish.want(true, 4);
        assert_eq!(publish.start(true), Some(true));
        publish.ended(Ok(()));
        assert_eq!(publish.answers(), [(4, Ok(()))]);
    }
}
