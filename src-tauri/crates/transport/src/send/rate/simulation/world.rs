//! Calls and downloads over one network, a millisecond at a time.

use std::time::{Duration, Instant};

use super::super::Config;
use super::call::{Call, Tick};
use super::download::{Control, Download};
use super::network::{Link, Network};
use super::random::Random;
use crate::send::sharing::{Given, Sharing};

const MS: Duration = Duration::from_millis(1);
/// A call begins up to so many milliseconds late, so that its pictures and another's do not always meet in the same way.
const LATEST_JOIN: f64 = 100.0;
/// How often two connections to one user share out what their path carries, in milliseconds.
const SHARING_INTERVAL: u32 = 200;

/// When a world begins, and what its chances are made of: worlds of one seed are alike.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub at: Instant,
    pub seed: u64,
}

/// What a millisecond looked like to everybody.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Bits a second.
    pub capacity: f64,
    /// What a packet that came now would wait.
    pub queue: Duration,
    /// Bytes of downloads acknowledged.
    pub downloaded: u64,
}

#[derive(Debug)]
pub struct World {
    pub network: Network,
    pub calls: Vec<Call>,
    pub downloads: Vec<Download>,
    /// The first call is a user's camera and the second the same user's screen.
    pub sharing: Option<Sharing>,
    /// By milliseconds.
    pub log: Vec<Moment>,
    start: Instant,
    random: Random,
}

impl World {
    pub fn new(link: Link, start: Start) -> Self {
        let mut random = Random::new(start.seed);
        let network = Network::new(link, random.split(), start.at);
        Self { network, calls: Vec::new(), downloads: Vec::new(), sharing: None, log: Vec::new(), start: start.at, random }
    }

    /// Adds a call that begins now, or [`LATEST_JOIN`] later at most.
    pub fn join(&mut self, config: Config) -> &mut Call {
        let begins = self.ms() + (self.random.share() * LATEST_JOIN) as u32;
        let mut call = Call::new(config, begins, self.random.split(), self.start);
        call.log.resize(self.log.len(), Tick::default());
        self.calls.push(call);
        self.calls.last_mut().expect("one was added")
    }

    /// Adds a download that begins now.
    pub fn download(&mut self, control: Control) {
        self.downloads.push(Download::new(control));
    }

    /// Changes the link's capacity, in bits a second.
    pub fn set_capacity(&mut self, capacity: f64) {
        let now = self.now();
        self.network.set_capacity(capacity, now);
    }

    pub fn run(&mut self, seconds: u32) {
        for _ in 0..seconds * 1000 {
            let (ms, now) = (self.ms(), self.now());
            let before = self.downloaded();
            self.downloads.iter_mut().for_each(|download| download.step(&mut self.network, now));
            self.calls.iter_mut().for_each(|call| call.step(ms, &mut self.network));
            if ms.is_multiple_of(SHARING_INTERVAL) {
                self.share(now);
            }
            self.log.push(Moment {
                capacity: self.network.link().capacity,
                queue: self.network.queue(now),
                downloaded: self.downloaded() - before,
            });
        }
    }

    fn share(&mut self, now: Instant) {
        if let (Some(sharing), [camera, screen, ..]) = (&mut self.sharing, &mut self.calls[..]) {
            let given = |call: &Call| Given { target_bps: call.rate.target(), sent: call.sent };
            camera.rate.set_max(sharing.camera_bps(given(camera), given(screen), now));
        }
    }

    /// How long the world has existed.
    pub fn seconds(&self) -> u32 {
        self.ms() / 1000
    }

    /// A second in figures, for reading.
    pub fn line(&self, second: usize) -> String {
        let span = second * 1000..(second + 1) * 1000;
        let queue = self.log[span.clone()].iter().map(|moment| moment.queue.as_millis()).max().unwrap_or(0);
        let down: u64 = self.log[span.clone()].iter().map(|moment| moment.downloaded).sum();
        let calls: Vec<_> = self
            .calls
            .iter()
            .map(|call| {
                let ticks = &call.log[span.clone()];
                let sum = |what: fn(&Tick) -> usize| ticks.iter().map(what).sum::<usize>() * 8 / 1000;
                let late = ticks.iter().filter_map(|tick| tick.sound_late).max().unwrap_or_default().as_millis();
                let (first, last) = (ticks[0].target / 1000, ticks[999].target / 1000);
                format!("{first}→{last} sent {} got {} pad {} late {late}", sum(|t| t.sent), sum(|t| t.delivered), sum(|t| t.padding))
            })
            .collect();
        format!("{second:3}  queue {queue:3}  down {:5}  {}", down * 8 / 1000, calls.join("  |  "))
    }

    fn downloaded(&self) -> u64 {
        self.downloads.iter().map(|download| download.delivered).sum()
    }

    fn ms(&self) -> u32 {
        self.log.len() as u32
    }

    fn now(&self) -> Instant {
        self.start + self.ms() * MS
    }
}
