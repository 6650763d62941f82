//! This machine's addresses, and which of their changes take a call's paths away.

mod changes;
mod watch;

pub use changes::Change;
pub use watch::watch;
