//! This machine's addresses, which of their changes take a call's paths away, and the names that browsers hide theirs behind.

mod changes;
mod names;
mod watch;

pub use changes::Change;
pub use names::{Names, multicast_names};
pub use watch::watch;
