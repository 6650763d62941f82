//! Everything that a window's call wants done.

use super::{
    input::{Attempt, Ticket},
    join::Join,
    local::Step,
    screen,
};
use crate::{
    signal::{Error, StreamId, Uid},
    types::{DeviceKind, DeviceProblem},
};

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
    /// Something to do with the screen; answered with `ScreenStarted` or `ScreenStopped`.
    Screen(screen::Step),
    /// Tell the page that what was shared is gone.
    ScreenGone(String),
    /// Answered with `SubscribeEnded`.
    Subscribe {
        attempt: Attempt,
        stream: StreamId,
    },
    /// Tell the page of a failure that no command waits for.
    Complain(Error),
    /// Tell the page that a device of the stream is gone.
    DeviceLost(DeviceProblem),
    /// Tell it that the device is there again.
    DeviceBack(DeviceKind),
    Reply {
        ticket: Ticket,
        result: Result<Answer, Error>,
    },
}
