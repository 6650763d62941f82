//! Calls over a simulated network in virtual time: what the controller is proven against, and what the benchmark draws.
//!
//! ```text
//! network    a bottleneck with a drop-tail queue, a shaper's bucket, random loss and jitter
//! call       encoder, sound, pacer, controller and feedback of one direction
//! download   TCP beside the calls (Reno, Cubic)
//! world      all of it, a millisecond at a time
//! scenario   what happens, and what must come of it
//! random     numbers that are the same in every run
//! ```
//!
//! Nothing else in the crate uses this.

pub mod call;
pub mod download;
pub mod network;
pub mod random;
pub mod scenario;
pub mod world;
