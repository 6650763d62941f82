//! What a [`Camera`](super::Camera) thread reads pictures from, and how a device's thread is run and told to stop.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::{Error, VideoFormat};
use crate::VideoFrame;

/// A device, a file or a pattern that yields one picture after the other, at its own pace.
pub trait Source: Send {
    /// What the pictures are like; constant for the life of the source, unless it is a window that is resized.
    fn format(&self) -> VideoFormat;

    /// Whether it shows what it last showed, because there is nothing to see for now: a device shows what it sees, or ends.
    fn is_paused(&self) -> bool {
        false
    }

    /// Waits for the next picture. `None` once `stop` is set; an error ends the source.
    fn next_frame(&mut self, stop: &Stop) -> Result<Option<VideoFrame>, Error>;
}

/// A flag that wakes those who sleep on it. Clones share it.
#[derive(Clone, Default)]
pub struct Stop {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Stop {
    /// Sets the flag for good.
    pub fn set(&self) {
        *self.lock() = true;
        self.shared.1.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.lock()
    }

    /// Sleeps until `at`, or less if the flag is set. Returns whether it is set.
    pub fn wait_until(&self, at: Instant) -> bool {
        let mut stopped = self.lock();
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if *stopped || left.is_zero() {
                return *stopped;
            }
            stopped = self.shared.1.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A device's thread. Dropping it tells the thread to stop and waits for its end.
pub struct Worker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Has `work` done in a thread called `name` until the flag that it is given is set; the error is told of `device`.
    pub fn start(name: &str, device: &str, work: impl FnOnce(&Stop) + Send + 'static) -> Result<Self, Error> {
        let stop = Stop::default();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&stopped));
        let thread = thread.map_err(|source| Error::Failed { device: device.to_owned(), source: source.into() })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic hook; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sleeper_is_woken_by_the_flag() {
        let stop = Stop::default();
        let sleeper = stop.clone();
        let thread = std::thread::spawn(move || sleeper.wait_until(Instant::now() + Duration::from_secs(600)));
        stop.set();
        assert!(thread.join().expect("no panic"));
        assert!(stop.is_set());
    }

    #[test]
    fn a_time_that_has_passed_is_not_waited_for() {
        assert!(!Stop::default().wait_until(Instant::now()));
    }
}
