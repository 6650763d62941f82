//! One bottleneck with a drop-tail queue, shared by everything that is sent over it.

use std::time::{Duration, Instant};

use super::random::Random;

/// What the network is like.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Bits a second.
    pub capacity: f64,
    /// What may pass at once after a pause, in bytes: a shaper's bucket.
    pub burst: usize,
    /// The longest queue, as time.
    pub queue: Duration,
    /// From the bottleneck to the receiver, and from there back to the sender.
    pub one_way: Duration,
    /// Random loss, 0 to 1, of media and of feedback.
    pub loss: f64,
    /// Added to the delay at random, at most.
    pub jitter: Duration,
    /// Whether the way back is as full: feedback then waits as long as media.
    pub both: bool,
}

impl Link {
    /// 20 ms each way, a queue of 200 ms, and a bucket as small as shapers have it.
    pub const fn new(capacity: f64) -> Self {
        Self {
            capacity,
            burst: 3_000,
            queue: Duration::from_millis(200),
            one_way: Duration::from_millis(20),
            loss: 0.0,
            jitter: Duration::ZERO,
            both: false,
        }
    }
}

/// The link and what is queued in it.
#[derive(Debug)]
pub struct Network {
    link: Link,
    /// When everything so far would be paid for at the link's capacity.
    paid_at: Instant,
    random: Random,
}

impl Network {
    pub fn new(link: Link, random: Random, start: Instant) -> Self {
        Self { link, paid_at: start, random }
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Changes the capacity, in bits a second; what is queued is served at the new one.
    pub fn set_capacity(&mut self, capacity: f64, now: Instant) {
        let backlog = self.paid_at.saturating_duration_since(now);
        self.paid_at = now + backlog.mul_f64(self.link.capacity / capacity);
        self.link.capacity = capacity;
    }

    /// Changes the random loss, 0 to 1.
    pub fn set_loss(&mut self, loss: f64) {
        self.link.loss = loss;
    }

    /// How long a packet that comes now waits.
    pub fn queue(&self, now: Instant) -> Duration {
        self.paid_at.saturating_duration_since(now).saturating_sub(self.time(self.link.burst))
    }

    /// When a packet of media that enters now reaches the receiver; `None` if it is lost.
    pub fn send(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        let lost = self.random.share() < self.link.loss;
        let jitter = self.link.jitter.mul_f64(self.random.share());
        let arrival = self.forward(bytes, now)?;
        (!lost).then_some(arrival + jitter)
    }

    /// When feedback that leaves the receiver now reaches the sender; `None` if it is lost.
    pub fn answer(&mut self, now: Instant) -> Option<Instant> {
        let lost = self.link.loss > 0.0 && self.random.share() < self.link.loss;
        (!lost).then_some(now + self.link.one_way + if self.link.both { self.queue(now) } else { Duration::ZERO })
    }

    /// [`send`](Self::send) without random loss and jitter.
    pub fn forward(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        if self.queue(now) > self.link.queue {
            return None;
        }
        self.paid_at = self.paid_at.max(now) + self.time(bytes);
        let served = (self.paid_at - self.time(self.link.burst).min(self.paid_at.duration_since(now))).max(now);
        Some(served + self.link.one_way)
    }

    fn time(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 * 8.0 / self.link.capacity)
    }
}
