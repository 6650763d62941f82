//! A bounded queue of samples between one writer and one reader, neither of which ever waits.
//!
//! Invariants: `read <= written <= read + capacity`, both counting samples since the start; a slot is written only while it is empty
//! and read only while it is full, which the release and acquire of the two counters order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

struct Shared {
    /// Samples as their bits, so that a shared slot needs no unsafe code.
    slots: Box<[AtomicU32]>,
    written: AtomicUsize,
    read: AtomicUsize,
}

impl Shared {
    fn len(&self) -> usize {
        self.written.load(Ordering::Acquire).wrapping_sub(self.read.load(Ordering::Acquire))
    }

    fn slot(&self, count: usize) -> &AtomicU32 {
        &self.slots[count & (self.slots.len() - 1)]
    }
}

/// An empty ring of at least `capacity` samples.
pub fn ring(capacity: usize) -> (Writer, Reader) {
    let slots = (0..capacity.max(1).next_power_of_two()).map(|_| AtomicU32::new(0)).collect();
    let shared = Arc::new(Shared { slots, written: AtomicUsize::new(0), read: AtomicUsize::new(0) });
    (Writer(shared.clone()), Reader(shared))
}

/// The end that fills the ring.
pub struct Writer(Arc<Shared>);

impl Writer {
    /// Appends what fits of `samples`; returns how many that were.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        let written = self.0.written.load(Ordering::Relaxed);
        let count = samples.len().min(self.0.slots.len() - self.0.len());
        for (n, sample) in samples[..count].iter().enumerate() {
            self.0.slot(written.wrapping_add(n)).store(sample.to_bits(), Ordering::Relaxed);
        }
        self.0.written.store(written.wrapping_add(count), Ordering::Release);
        count
    }

    /// How many samples wait to be read.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The end that empties the ring.
pub struct Reader(Arc<Shared>);

impl Reader {
    /// How many samples can be taken now.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the oldest sample.
    pub fn pop(&mut self) -> Option<f32> {
        if self.len() == 0 {
            return None;
        }
        let read = self.0.read.load(Ordering::Relaxed);
        let sample = f32::from_bits(self.0.slot(read).load(Ordering::Relaxed));
        self.0.read.store(read.wrapping_add(1), Ordering::Release);
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_out_in_order() {
        let (mut writer, mut reader) = ring(4);
        assert_eq!(writer.push(&[1.0, 2.0, 3.0]), 3);
        assert_eq!((reader.pop(), reader.pop()), (Some(1.0), Some(2.0)));
        assert_eq!(writer.push(&[4.0, 5.0]), 2);
        let rest: Vec<f32> = std::iter::from_fn(|| reader.pop()).collect();
        assert_eq!(rest, [3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_full_ring_takes_only_what_fits() {
        let (mut writer, reader) = ring(4);
        assert_eq!(writer.push(&[0.0; 6]), 4);
        assert_eq!(writer.push(&[0.0]), 0);
        assert_eq!((writer.len(), reader.len()), (4, 4));
    }

    #[test]
    fn two_threads_lose_and_double_nothing() {
        let (mut writer, mut reader) = ring(64);
        let total = 100_000;
        let reading = std::thread::spawn(move || {
            let mut next = 0;
            while next < total {
                match reader.pop() {
                    Some(sample) => {
                        assert_eq!(sample, next as f32);
                        next += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        let mut next = 0;
        while next < total {
            let piece: Vec<f32> = (next..(next + 37).min(total)).map(|n| n as f32).collect();
            next += writer.push(&piece);
            std::thread::yield_now();
        }
        reading.join().expect("in order");
    }
}
