//! The client against a channel service in the same process, over real sockets. Nothing sleeps: everything waits for events or
//! frames, with one overall patience.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod call;
mod dual;
mod join;
mod rules;
mod screen;
mod secure;
mod support;
