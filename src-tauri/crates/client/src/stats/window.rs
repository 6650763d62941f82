//! Rates and means over the last second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Values of the last second.
#[derive(Debug, Default)]
pub(crate) struct Window {
    values: VecDeque<(Instant, f64)>,
}

impl Window {
    const LENGTH: Duration = Duration::from_secs(1);
    /// More than anything here happens in a second.
    const MOST: usize = 1000;

    pub fn add(&mut self, value: f64, now: Instant) {
        self.forget(now);
        if self.values.len() == Self::MOST {
            self.values.pop_front();
        }
        self.values.push_back((now, value));
    }

    /// How many values there were.
    pub fn count(&mut self, now: Instant) -> f64 {
        self.forget(now);
        self.values.len() as f64
    }

    pub fn sum(&mut self, now: Instant) -> f64 {
        self.forget(now);
        self.values.iter().map(|(_, value)| value).sum()
    }

    /// The mean; `None` without values.
    pub fn mean(&mut self, now: Instant) -> Option<f64> {
        self.forget(now);
        (!self.values.is_empty()).then(|| self.sum(now) / self.values.len() as f64)
    }

    /// The values, oldest first.
    pub fn values(&mut self, now: Instant) -> Vec<f64> {
        self.forget(now);
        self.values.iter().map(|(_, value)| *value).collect()
    }

    fn forget(&mut self, now: Instant) {
        while self.values.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= Self::LENGTH) {
            self.values.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_second_counts() {
        let (mut window, start) = (Window::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!((window.count(at(0)), window.sum(at(0)), window.mean(at(0))), (0.0, 0.0, None));
        (0..20).for_each(|index| window.add(f64::from(index), at(u64::from(index as u32) * 100)));
        assert_eq!((window.count(at(1900)), window.sum(at(1900)), window.mean(at(1900))), (10.0, 145.0, Some(14.5)));
        assert_eq!(window.count(at(2800)), 1.0);
        assert_eq!(window.mean(at(2900)), None);
    }

    #[test]
    fn a_flood_is_bounded() {
        let (mut window, start) = (Window::default(), Instant::now());
        (0..5000).for_each(|_| window.add(1.0, start));
        assert_eq!(window.count(start), 1000.0);
    }
}
