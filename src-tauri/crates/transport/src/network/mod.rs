//! This machine's addresses, which of their changes take a call's paths away, the names that browsers hide theirs behind, and
//! what kind of network it is.

mod changes;
mod medium;
mod names;
mod watch;

pub use changes::Change;
pub use medium::{Medium, medium};
pub use names::{Names, multicast_names};
pub use watch::watch;
