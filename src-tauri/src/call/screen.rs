//! Whether a screen is shared, which, and what should be: one job at a time, the newest wish wins when a job ends.
//!
//! Invariant: every ticket is answered once, when what is shared is what was wished last, or when it could not be.

use super::input::Ticket;
use crate::{
    signal::{Code, Error},
    types::{LOCAL_SCREEN, ScreenState, ShareSpec},
};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Open and publish it; [`Screen::started`] is to hear of it.
    Start(ShareSpec),
    /// Take it back and close it; [`Screen::stopped`] is to hear of it.
    Stop,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    Starting(ShareSpec),
    On {
        share: ShareSpec,
        label: String,
    },
    Stopping,
}

/// The screen of a window's call.
#[derive(Debug, Default)]
pub struct Screen {
    wish: Option<ShareSpec>,
    state: State,
    paused: bool,
    /// Who waits for which wish.
    waiting: Vec<(Ticket, Option<ShareSpec>)>,
    /// What could not be shared, and why.
    failure: Option<(ShareSpec, Error)>,
}

impl Screen {
    /// Something is to be shared in place of what is, or nothing.
    pub fn want(&mut self, wish: Option<ShareSpec>, ticket: Ticket) {
        self.wish.clone_from(&wish);
        self.waiting.push((ticket, wish));
    }

    /// The call is over: nothing is shared, and those who wait are handed out.
    pub fn end(&mut self) -> Vec<Ticket> {
        self.wish = None;
        self.failure = None;
        self.waiting.drain(..).map(|(ticket, _)| ticket).collect()
    }

    // starting -> started -> on | off
    pub fn started(&mut self, result: Result<String, Error>) {
        let State::Starting(share) = std::mem::take(&mut self.state) else { return };
        match result {
            Ok(label) => self.state = State::On { share, label },
            Err(error) => {
                self.wish.take_if(|wish| *wish == share);
                self.failure = Some((share, error));
            }
        }
    }

    // stopping -> stopped -> off
    pub fn stopped(&mut self) {
        if self.state == State::Stopping {
            self.state = State::Off;
        }
    }

    /// What is shared is gone. Whether that is news.
    pub fn lost(&mut self) -> bool {
        // on -> lost -> stopping
        let State::On { share, .. } = &self.state else { return false };
        self.wish.take_if(|wish| wish == share).is_some()
    }

    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What to do now.
    pub fn settle(&mut self) -> Option<Step> {
        match (&self.state, &self.wish) {
            // off -> a wish -> starting
            (State::Off, Some(wish)) => {
                let share = wish.clone();
                (self.state, self.paused) = (State::Starting(share.clone()), false);
                Some(Step::Start(share))
            }
            // on -> another wish, or none -> stopping
            (State::On { share, .. }, wish) if wish.as_ref() != Some(share) => {
                self.state = State::Stopping;
                Some(Step::Stop)
            }
            (State::Off | State::On { .. } | State::Starting(_) | State::Stopping, _) => None,
        }
    }

    /// The answers that are due: nobody is answered while a job runs or is still to come.
    pub fn answers(&mut self) -> Vec<(Ticket, Result<(), Error>)> {
        let settled = match &self.state {
            State::Off => self.wish.is_none(),
            State::On { share, .. } => self.wish.as_ref() == Some(share),
            State::Starting(_) | State::Stopping => false,
        };
        if !settled {
            return Vec::new();
        }
        let failure = self.failure.take();
        let outcome = |wish: Option<ShareSpec>| match (&wish, &failure) {
            (Some(share), Some((failed, error))) if share == failed => Err(error.clone()),
            _ if wish == self.wish => Ok(()),
            _ => Err(Error::new(Code::RequestAbort, "Another choice of what to share came in between.")),
        };
        self.waiting.drain(..).map(|(ticket, wish)| (ticket, outcome(wish))).collect()
    }

    /// What the page shows of it.
    pub fn snapshot(&self) -> Option<ScreenState> {
        match &self.state {
            State::On { label, .. } => Some(ScreenState { stream: LOCAL_SCREEN.into(), label: label.clone(), paused: self.paused }),
            State::Off | State::Starting(_) | State::Stopping => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SharePreference, ShareResolution};

    fn share(id: &str) -> ShareSpec {
        ShareSpec { id: id.into(), preference: SharePreference::Detail, resolution: ShareResolution::Native }
    }

    fn failed() -> Error {
        Error::new(Code::SharingScreenNotSupport, "No.")
    }

    fn sharing(id: &str) -> Screen {
        let mut screen = Screen::default();
        screen.want(Some(share(id)), 1);
        assert_eq!(screen.settle(), Some(Step::Start(share(id))));
        assert_eq!((screen.settle(), screen.answers()), (None, vec![]));
        screen.started(Ok("Notes".into()));
        assert_eq!((screen.settle(), screen.answers()), (None, vec![(1, Ok(()))]));
        screen
    }

    #[test]
    fn off_a_wish_starting_started_on_no_wish_stopping_stopped_off() {
        let mut screen = sharing("window:7");
        assert_eq!(screen.snapshot().map(|state| (state.stream, state.label)), Some((LOCAL_SCREEN.into(), "Notes".into())));
        screen.want(None, 2);
        assert_eq!((screen.settle(), screen.answers()), (Some(Step::Stop), vec![]));
        screen.stopped();
        assert_eq!((screen.settle(), screen.answers(), screen.snapshot()), (None, vec![(2, Ok(()))], None));
    }

    #[test]
    fn another_window_takes_the_place_of_the_one_before() {
        let mut screen = sharing("window:7");
        screen.want(Some(share("window:7")), 2);
        assert_eq!((screen.settle(), screen.answers()), (None, vec![(2, Ok(()))]), "the same again changes nothing");
        screen.want(Some(share("screen:1")), 3);
        assert_eq!(screen.settle(), Some(Step::Stop));
        screen.stopped();
        assert_eq!(screen.settle(), Some(Step::Start(share("screen:1"))));
        screen.started(Ok("Screen 1".into()));
        assert_eq!((screen.settle(), screen.answers()), (None, vec![(3, Ok(()))]));
    }

    #[test]
    fn while_a_job_runs_the_newest_wish_wins_and_everybody_is_answered_once() {
        let mut screen = Screen::default();
        screen.want(Some(share("a")), 1);
        screen.settle();
        screen.want(Some(share("b")), 2);
        screen.want(None, 3);
        screen.started(Ok("A".into()));
        assert_eq!((screen.settle(), screen.answers()), (Some(Step::Stop), vec![]));
        screen.stopped();
        assert_eq!(screen.settle(), None);
        let answers = screen.answers();
        assert!(answers[0].1.is_err() && answers[1].1.is_err() && answers[2].1.is_ok());
        assert_eq!(screen.answers(), []);
    }

    #[test]
    fn what_cannot_be_shared_is_told_to_who_asked_and_not_tried_again() {
        let mut screen = Screen::default();
        screen.want(Some(share("a")), 1);
        screen.settle();
        screen.started(Err(failed()));
        assert_eq!((screen.settle(), screen.answers()), (None, vec![(1, Err(failed()))]));
        assert!(!screen.lost());
    }

    #[test]
    fn a_window_that_is_gone_stops_once() {
        let mut screen = sharing("window:7");
        screen.pause(true);
        assert!(screen.snapshot().unwrap().paused);
        assert!(screen.lost() && !screen.lost());
        assert_eq!(screen.settle(), Some(Step::Stop));
        screen.stopped();
        assert_eq!((screen.settle(), screen.snapshot()), (None, None));
    }

    #[test]
    fn the_end_of_a_call_stops_what_is_shared_or_just_starting() {
        let mut screen = Screen::default();
        screen.want(Some(share("a")), 1);
        screen.settle();
        assert_eq!(screen.end(), [1]);
        screen.started(Ok("A".into()));
        assert_eq!((screen.settle(), screen.answers()), (Some(Step::Stop), vec![]));
    }
}
