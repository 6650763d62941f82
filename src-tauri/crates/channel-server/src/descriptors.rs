//! Every connection takes a descriptor, and systems give a process few unless it asks for more.

/// What macOS grants where it says that there is no limit.
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises this process's limit of open descriptors as far as it may go without privileges. The limit then in force, where there is one.
pub fn raise_descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let raise = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok();
        if raise(maximum) {
            return maximum;
        }
        if current.is_some_and(|current| current < OPEN_MAX) && raise(Some(OPEN_MAX)) {
            return Some(OPEN_MAX);
        }
        current
    }
    #[cfg(not(unix))]
    None
}
