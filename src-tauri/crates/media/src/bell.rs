//! Wakes the one thread that waits for any of several things.
//!
//! Invariant: a bell that rang while nobody waited is heard by whoever waits next.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

/// What one thread waits at, and any number of others ring.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Waits until it rings, unless it has since the last time.
    pub fn wait(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *self.changed.wait_while(rung, |rung| !*rung).unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// Bells that others wait at.
#[derive(Debug, Default)]
pub struct Bells(Vec<Weak<Bell>>);

impl Bells {
    /// Rings this one, too, from now on.
    pub fn add(&mut self, bell: &Arc<Bell>) {
        self.0.retain(|bell| bell.strong_count() > 0);
        self.0.push(Arc::downgrade(bell));
    }

    /// Undoes one [`add`](Self::add).
    pub fn remove(&mut self, bell: &Arc<Bell>) {
        if let Some(at) = self.0.iter().position(|other| other.as_ptr() == Arc::as_ptr(bell)) {
            self.0.swap_remove(at);
        }
    }

    pub fn ring(&self) {
        self.0.iter().filter_map(Weak::upgrade).for_each(|bell| bell.ring());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken_and_a_ring_before_is_not_lost() {
        let bell = Arc::new(Bell::default());
        bell.ring();
        bell.ring();
        bell.wait();
        let (told, heard) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn({
            let bell = bell.clone();
            move || {
                told.send(()).expect("the test listens");
                bell.wait();
            }
        });
        heard.recv().expect("it is about to wait: two rings were heard as one");
        bell.ring();
        waiting.join().expect("no panic");
    }

    #[test]
    fn a_bell_that_is_taken_away_rings_no_more() {
        let (bell, mut bells) = (Arc::new(Bell::default()), Bells::default());
        bells.add(&bell);
        bells.add(&bell);
        bells.remove(&bell);
        bells.ring();
        bell.wait();
        bells.remove(&bell);
        bells.ring();
        assert!(!*bell.rung.lock().expect("no panic"));
    }
}
