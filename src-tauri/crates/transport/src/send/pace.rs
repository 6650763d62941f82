//! What may leave now: audio first, then repairs, then video.

use std::time::{Duration, Instant};

/// How a [`Pacer`] behaves.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Video that would wait longer than this is dropped and a keyframe is asked for.
    pub max_queue: Duration,
    /// What may leave at once after a pause, as time at the pacing rate.
    pub burst: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_queue: Duration::from_millis(400), burst: Duration::from_millis(5) }
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Poll<P> {
    /// Send this packet, then poll again.
    Send(P),
    /// Nothing may leave before this instant.
    Wait(Instant),
    /// Nothing is queued.
    Idle,
}

/// A priority queue behind a leaky bucket. Packets get their sequence numbers when they leave, so that a frame dropped
/// here leaves no hole.
#[derive(Debug)]
pub struct Pacer<P> {
    _packets: Vec<P>,
}

impl<P> Pacer<P> {
    /// A pacer that sends at `bps` ([`super::rate::Rate::pacing`]).
    pub fn new(config: Config, bps: u32) -> Self {
        unimplemented!("{config:?} {bps}")
    }

    pub fn set_rate(&mut self, bps: u32, now: Instant) {
        unimplemented!("{bps} {now:?}")
    }

    /// Queues one packet of sound; `size` in bytes.
    pub fn push_audio(&mut self, size: usize, packet: P, now: Instant) {
        unimplemented!("{size} {now:?} {}", size_of_val(&packet))
    }

    /// Queues one packet to be sent again.
    pub fn push_repair(&mut self, size: usize, packet: P, now: Instant) {
        unimplemented!("{size} {now:?} {}", size_of_val(&packet))
    }

    /// Queues one video frame's packets with their sizes; false if it was dropped (see [`Config::max_queue`]).
    pub fn push_video(&mut self, packets: impl IntoIterator<Item = (usize, P)>, keyframe: bool, now: Instant) -> bool {
        unimplemented!("{keyframe} {now:?} {}", packets.into_iter().count())
    }

    pub fn poll(&mut self, now: Instant) -> Poll<P> {
        unimplemented!("{now:?}")
    }

    /// True once after video was dropped: the encoder must make a keyframe.
    pub fn take_keyframe_request(&mut self) -> bool {
        unimplemented!()
    }

    /// How long the video queued now will wait at the pacing rate.
    pub fn queued(&self) -> Duration {
        unimplemented!()
    }

    /// Video frames dropped so far.
    pub fn dropped(&self) -> u64 {
        unimplemented!()
    }
}
