//! The client's state machine: what a user in a channel does next, without I/O, clock or async.
//!
//! The owner hands every [`Input`] to [`Session::handle_input`] with the time, then drains [`Session::poll_output`] until it
//! answers [`Output::Timeout`], and comes back with [`Input::TimePassed`] at that instant at the latest. What the owner
//! cannot do it reports as an input too; nothing is ever retried behind the machine's back.
//!
//! ```text
//! input, output    the two closed enums
//! machine          Session: one match over state and input
//! state            Idle, Joining, Online, Away, Leaving
//! joining, leaving, reconnect   the states that wait for the service
//! member           what online and away have in common: membership and everything that hangs on it
//! link             the open signalling connection: pings, silence, requests waiting for replies
//! roster           who is in the channel, and what changed while we were away
//! subscriptions    the streams this user receives; `subscription` is one of them, a chain of attempts
//! published        the streams this user sends; `serving` is one of their receivers
//! standing         host or audience, and the token
//! desk             what every state works with: the time, the output queue, the random numbers
//! backoff, random  capped and jittered delays; a seeded generator
//! ```

mod backoff;
mod desk;
mod input;
mod joining;
mod leaving;
mod link;
mod machine;
mod member;
mod output;
mod picture;
mod published;
mod random;
mod reconnect;
mod roster;
mod serving;
mod standing;
mod state;
mod subscription;
mod subscriptions;

#[cfg(test)]
mod tests;

pub use input::{CallId, Input, Join, PublishedStream};
pub use machine::{Config, Session};
pub use output::{Answer, ConnectionState, Event, Output};
