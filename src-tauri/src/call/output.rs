//! Everything that a window's call wants done.

use super::{
    input::{Attempt, Ticket},
    join::Join,
    local::Step,
};
use crate::signal::{Error, StreamId, Uid};

/// What a command is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Joined(Uid),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Something to do with the window's own stream; `Open` is answered with `StreamOpened`, `Switch` with `StreamSwitched`.
    Local(Step),
    /// Make a client and join; answered with `Joined`.
    Connect {
        attempt: Attempt,
        join: Box<Join>,
    },
    /// Stop joining or leave, and drop the client; answered with `Left`.
    Disconnect {
        attempt: Attempt,
    },
    /// Publish, or take back; answered with `PublishEnded`.
    Publish {
        attempt: Attempt,
        wanted: bool,
    },
    /// Answered with `SubscribeEnded`.
    Subscribe {
        attempt: Attempt,
        stream: StreamId,
    },
    /// Tell the page of a failure that no command waits for.
    Complain(Error),
    Reply {
        ticket: Ticket,
        result: Result<Answer, Error>,
    },
}
