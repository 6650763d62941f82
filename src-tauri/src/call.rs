//! One window's call: a task that owns the client, the local stream and the remote ones, and does what [`machine`] decides.
//!
//! Invariants: the task alone changes anything; jobs that take time run beside it and come back as inputs, so that LEAVE is heard while
//! a JOIN is under way; the page gets the whole state after each change, and a page that was reloaded gets it at once.

pub mod join;
pub mod machine;
mod publish;
mod stream;
mod window;

pub use window::{Page, Setup, Window};
