//! One window's call: a task that owns the client, the local stream and the remote ones, and does what the machine decides.
//!
//! ```text
//! window   the handle
//! task     owns client and streams, runs the jobs
//! machine  what happens next: Input in, Output out; no I/O
//! input    what can happen            output   what is to be done
//! local    the window's own stream    publish  whether it is published
//! join     the page's form, checked   news     the client's events as inputs
//! stream   opening, switching and closing devices
//! screen   what is shared beside it      share    opening, publishing and closing that
//! crowd    who of many is subscribed to
//! ```
//!
//! Invariants: the task alone changes anything; jobs that take time run beside it and come back as inputs, so that LEAVE is heard while
//! a JOIN is under way; the page gets the whole state after each change, and a page that was reloaded gets it at once.

mod crowd;
pub mod input;
pub mod join;
mod local;
mod machine;
mod news;
pub mod output;
mod publish;
mod screen;
mod share;
mod stream;
mod task;
mod window;

#[cfg(test)]
pub use machine::Machine;
pub use window::{Page, Setup, Window};

#[cfg(test)]
mod tests;
