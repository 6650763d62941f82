//! What every state works with: the time, the output queue, the random numbers, and the service if it is there.

use std::collections::VecDeque;
use std::time::Instant;

use signal::{Code, Command, Error};

use crate::CallId;
use crate::link::{Link, Purpose};
use crate::output::{Answer, ConnectionState, Event, Output};
use crate::random::Random;

/// The time of the input at hand, and where the outputs go.
#[derive(Debug)]
pub(crate) struct Desk {
    pub now: Instant,
    pub random: Random,
    pub out: VecDeque<Output>,
}

impl Desk {
    pub fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub fn state_changes(&mut self, prev: ConnectionState, cur: ConnectionState) {
        self.event(Event::ConnectionStateChange { prev, cur });
    }

    pub fn done(&mut self, call: CallId) {
        self.push(Output::Reply { call, result: Ok(Answer::Done) });
    }

    pub fn fail(&mut self, call: CallId, error: Error) {
        self.push(Output::Reply { call, result: Err(error) });
    }

    pub fn refuse(&mut self, call: CallId, code: Code, message: &str) {
        self.fail(call, Error::new(code, message));
    }

    /// Answers a call that something else cut short.
    pub fn abort(&mut self, call: CallId, by: &str) {
        self.refuse(call, Code::RequestAbort, &format!("Cut short by {by}."));
    }
}

/// The desk, and the link to the service unless it is away.
pub(crate) struct Wire<'a> {
    pub desk: &'a mut Desk,
    link: Option<&'a mut Link>,
}

impl<'a> Wire<'a> {
    pub fn online(desk: &'a mut Desk, link: &'a mut Link) -> Self {
        Self { desk, link: Some(link) }
    }

    pub fn away(desk: &'a mut Desk) -> Self {
        Self { desk, link: None }
    }

    pub fn is_online(&self) -> bool {
        self.link.is_some()
    }

    /// Sends a command whose reply matters. While the service is away nothing is sent: whoever needs it sent asks
    /// [`is_online`](Self::is_online) and catches up after the rejoin.
    pub fn ask(&mut self, command: Command, purpose: Purpose) {
        if let Some(link) = &mut self.link {
            let request = link.request(command, Some(purpose), self.desk.now);
            self.desk.push(Output::Send(request));
        }
    }

    /// Sends a command whose reply changes nothing.
    pub fn tell(&mut self, command: Command) {
        if let Some(link) = &mut self.link {
            let request = link.request(command, None, self.desk.now);
            self.desk.push(Output::Send(request));
        }
    }
}
