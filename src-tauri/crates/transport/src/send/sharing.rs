//! How what the path to one user carries is shared out between two connections to that user: the camera's, with the sound, and the
//! shared screen's.
//!
//! Each has a controller of its own, and two such controllers on one path come to a half each. A screen is there to be read: while it
//! would use more than it is given, the camera's connection keeps to [`CAMERA_SHARE`] of what both are given. What the screen leaves,
//! because it seldom changes or has all that it can use, the camera takes back little by little.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The camera's share while the screen wants more.
const CAMERA_SHARE: f64 = 0.3;
/// Sound, and a picture of a face: what is left to the camera's connection at least, in bits a second.
const CAMERA_LEAST: f64 = 120_000.0;
/// A screen given less than this share of its most is not given all that it can use.
const ALL: f64 = 0.9;
/// A screen that sends more than this share of what it is given would use more: over a second, since it may be a few large pictures a second.
const USES: f64 = 0.8;
const WINDOW: Duration = Duration::from_secs(1);
/// And so it would for so long after: a page that is turned needs everything at once.
const MEMORY: Duration = Duration::from_secs(2);
/// How fast the camera's bound falls, and how fast it rises while the screen leaves something: shares of it a second.
const FALL: f64 = 1.2;
const RISE: f64 = 0.15;

/// What one connection is given and does.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// What its controller allows, in bits a second.
    pub target_bps: u32,
    /// Bytes sent since it began.
    pub sent: u64,
}

/// The bound of a camera's connection beside a screen's to the same user.
#[derive(Debug)]
pub struct Sharing {
    camera_max: f64,
    screen_max: f64,
    bound: f64,
    /// What the screen had sent in all, over the last [`WINDOW`].
    sent: VecDeque<(u64, Instant)>,
    wanted_at: Option<Instant>,
}

impl Sharing {
    /// For connections that may send so many bits a second when alone.
    pub fn new(camera_max_bps: u32, screen_max_bps: u32) -> Self {
        let camera_max = f64::from(camera_max_bps);
        Self { camera_max, screen_max: f64::from(screen_max_bps), bound: camera_max, sent: VecDeque::new(), wanted_at: None }
    }

    /// What the camera's connection may send from now on, in bits a second; to be asked a few times a second.
    pub fn camera_bps(&mut self, camera: Given, screen: Given, now: Instant) -> u32 {
        let elapsed = self.sent.back().map_or(0.0, |(_, at)| now.saturating_duration_since(*at).as_secs_f64().min(1.0));
        if self.uses(screen, now) {
            self.wanted_at = Some(now);
        }
        let wants = self.wanted_at.is_some_and(|at| now.saturating_duration_since(at) < MEMORY);
        let camera = f64::from(camera.target_bps).max(CAMERA_LEAST);
        self.bound = if wants && f64::from(screen.target_bps) < self.screen_max * ALL {
            let share = (camera + f64::from(screen.target_bps)) * CAMERA_SHARE;
            share.max(self.bound.min(camera) * (-FALL * elapsed).exp())
        } else {
            // What it does not use shows no room for more.
            self.bound.min(camera * 1.5) * (1.0 + RISE * elapsed)
        };
        self.bound = self.bound.clamp(CAMERA_LEAST.min(self.camera_max), self.camera_max);
        self.bound as u32
    }

    /// Whether the screen sends nearly all that it is given.
    fn uses(&mut self, screen: Given, now: Instant) -> bool {
        self.sent.push_back((screen.sent, now));
        while self.sent.get(1).is_some_and(|(_, at)| now.saturating_duration_since(*at) >= WINDOW) {
            self.sent.pop_front();
        }
        let Some((before, since)) = self.sent.front() else { return false };
        let time = now.saturating_duration_since(*since);
        let bits = screen.sent.saturating_sub(*before) as f64 * 8.0;
        // Until a second is seen, a screen wants all: it begins with a picture that is new.
        time < WINDOW || bits > f64::from(screen.target_bps) * USES * time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(200);
    const MAX: u32 = 2_000_000;

    /// A camera given `camera` and a screen given `screen` that sends this share of it, so many times; the camera's bound.
    fn ticks(sharing: &mut Sharing, (camera, screen, uses): (u32, u32, f64), count: u32, now: &mut Instant) -> u32 {
        let mut bound = 0;
        for _ in 0..count {
            *now += TICK;
            let before = sharing.sent.back().map_or(0, |(sent, _)| *sent);
            let sent = before + (f64::from(screen) * uses * TICK.as_secs_f64() / 8.0) as u64;
            let camera = camera.min(if bound > 0 { bound } else { u32::MAX });
            bound = sharing.camera_bps(Given { target_bps: camera, sent: 0 }, Given { target_bps: screen, sent }, *now);
        }
        bound
    }

    #[test]
    fn a_screen_that_wants_more_gets_most_of_the_path_within_a_second() {
        let (mut sharing, mut now) = (Sharing::new(MAX, MAX), Instant::now());
        assert!(ticks(&mut sharing, (900_000, 300_000, 1.0), 6, &mut now) < 300_000);
    }

    #[test]
    fn a_screen_that_has_all_it_can_use_leaves_the_rest() {
        let (mut sharing, mut now) = (Sharing::new(MAX, MAX), Instant::now());
        ticks(&mut sharing, (900_000, 300_000, 1.0), 6, &mut now);
        let bound = ticks(&mut sharing, (MAX, 1_900_000, 1.0), 50, &mut now);
        assert!(bound > 1_000_000, "{bound}");
        assert_eq!(ticks(&mut sharing, (MAX, 1_900_000, 1.0), 100, &mut now), MAX);
    }

    #[test]
    fn a_screen_that_seldom_changes_leaves_the_rest_until_it_does() {
        let (mut sharing, mut now) = (Sharing::new(MAX, MAX), Instant::now());
        let first = ticks(&mut sharing, (400_000, 300_000, 1.0), 5, &mut now);
        let still = ticks(&mut sharing, (MAX, 400_000, 0.1), 40, &mut now);
        assert!(still > first * 2, "{first} {still}");
        let turned = ticks(&mut sharing, (still, 400_000, 1.0), 10, &mut now);
        assert!(turned < still / 2, "{still} {turned}");
    }

    #[test]
    fn a_few_large_pictures_a_second_are_no_want_of_more() {
        let (mut sharing, mut now) = (Sharing::new(MAX, MAX), Instant::now());
        let mut bound = ticks(&mut sharing, (400_000, 400_000, 1.0), 10, &mut now);
        let first = bound;
        for _ in 0..10 {
            ticks(&mut sharing, (MAX, 400_000, 1.5), 1, &mut now);
            bound = ticks(&mut sharing, (MAX, 400_000, 0.0), 4, &mut now);
        }
        assert!(bound > first * 2, "{first} {bound}");
    }

    #[test]
    fn sound_and_a_face_are_always_left() {
        let (mut sharing, mut now) = (Sharing::new(MAX, MAX), Instant::now());
        assert_eq!(ticks(&mut sharing, (50_000, 30_000, 1.0), 30, &mut now), 120_000);
        let (mut narrow, mut now) = (Sharing::new(65_600, MAX), Instant::now());
        assert_eq!(ticks(&mut narrow, (50_000, 30_000, 1.0), 5, &mut now), 65_600, "never more than it may alone");
    }
}
