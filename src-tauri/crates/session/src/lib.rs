//! The client's state machine: what a user in a channel does next, without I/O, clock or async.
//!
//! The owner hands every [`Input`] to [`Session::handle_input`] with the time, then drains [`Session::poll_output`] until it
//! answers [`Output::Timeout`], and comes back with [`Input::TimePassed`] at that instant at the latest. What the owner
//! cannot do it reports as an input too; nothing is ever retried behind the machine's back.
//!
//! ```text
//! input, output   the two closed enums
//! machine         Session: one match over state and input
//! state           Idle, Joining, Member (online or away), Leaving
//! link            the signalling connection of a member: pings, silence, requests waiting for replies
//! roster          who is in the channel, and what changed while we were away
//! subscriptions   streams this user receives, each a chain of attempts
//! published       streams this user sends, and who receives them
//! backoff, random capped and jittered delays; a seeded generator
//! ```

mod input;
mod output;

pub use input::{CallId, Input, Join, PublishedStream};
pub use output::{Answer, ConnectionState, Event, Output};
