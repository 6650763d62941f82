//! The least of what was measured lately: what a path takes without any queue.

use std::time::{Duration, Instant};

/// Lately is this long, in two halves.
const HALF: Duration = Duration::from_secs(15);

/// The least of one measure.
#[derive(Debug)]
pub struct Least<T> {
    since: Option<Instant>,
    current: Option<T>,
    previous: Option<T>,
    /// Nothing is forgotten.
    kept: bool,
}

impl<T> Default for Least<T> {
    fn default() -> Self {
        Self { since: None, current: None, previous: None, kept: false }
    }
}

impl<T: PartialOrd + Copy> Least<T> {
    /// Takes a value of `at` and answers the least.
    pub fn follow(&mut self, value: T, at: Instant) -> T {
        let since = *self.since.get_or_insert(at);
        if at.saturating_duration_since(since) > HALF && !self.kept {
            self.since = Some(at);
            self.previous = self.current.take();
        }
        let current = self.current.map_or(value, |least| smaller(least, value));
        self.current = Some(current);
        self.previous.map_or(current, |previous| smaller(previous, current))
    }

    /// The least so far; `None` before the first value.
    pub fn get(&self) -> Option<T> {
        self.current.into_iter().chain(self.previous).reduce(smaller)
    }

    /// Whether it is kept however old it is.
    pub fn keep(&mut self, kept: bool) {
        self.kept = kept;
    }
}

fn smaller<T: PartialOrd>(one: T, other: T) -> T {
    if other < one { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_forgotten_after_two_halves_unless_it_is_kept() {
        for kept in [false, true] {
            let (mut least, start) = (Least::default(), Instant::now());
            assert_eq!(least.get(), None);
            least.keep(kept);
            assert_eq!([3, 1, 2].map(|value| least.follow(value, start)), [3, 1, 1]);
            assert_eq!([16, 20].map(|second| least.follow(5, start + Duration::from_secs(second))), [1, 1]);
            assert_eq!(least.follow(7, start + Duration::from_secs(32)), if kept { 1 } else { 5 });
            assert_eq!(least.get(), Some(if kept { 1 } else { 5 }));
        }
    }
}
