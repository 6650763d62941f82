//! Whether packets queue somewhere on the path: the one-way delay's trend and its distance from the least delay.
//!
//! The trend is draft-ietf-rmcat-gcc-02's arrival-time filter in libwebrtc's later form: groups of packets sent together, the
//! accumulated difference of their arrival and send intervals smoothed, a line fitted through the last groups, its slope compared
//! with a threshold that follows the path's own noise.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::least::Least;

/// Packets sent within this time of the first are one group.
const GROUP: Duration = Duration::from_millis(5);

/// Groups that the line is fitted through.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// The slope counts in proportion to the number of groups seen, up to this.
const MAX_GROUPS: f64 = 60.0;

/// The threshold's bounds and its speed upwards and downwards (gcc-02 §5.4).
const THRESHOLD: (f64, f64, f64) = (6.0, 12.5, 600.0);
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// A slope this far above the threshold is a stall and teaches nothing.
const OUTLIER: f64 = 15.0;

/// Overuse has to last this long, in milliseconds.
const OVERUSE_MS: f64 = 10.0;

/// What always waits, as opposed to a burst that drains, is the least queue of this long, by the receiver's clock: when a path
/// becomes slow, what it delivers in that time was sent in a small part of it. The second tells a queue that is large already.
const STANDING: Duration = Duration::from_millis(300);
const BRIEF: Duration = Duration::from_millis(60);

/// What overtaking says of a path is forgotten with this time constant. Below so many ms it says nothing: a system may swap two packets.
const NOISE_FORGOTTEN: Duration = Duration::from_secs(10);
const NO_NOISE: f64 = 3.0;

const MAX_KEPT: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    Normal,
    /// A queue is growing.
    Over,
    /// A queue is draining.
    Under,
}

/// One connection's one-way delays.
#[derive(Debug)]
pub struct Trend {
    group: Option<Group>,
    previous: Option<Group>,
    groups: u32,
    accumulated: f64,
    smoothed: f64,
    /// Arrival and smoothed delay of the last groups, in ms.
    points: VecDeque<(f64, f64)>,
    slope: f64,
    threshold: f64,
    over_for: f64,
    over_count: u32,
    usage: Usage,
    origin: Option<(Instant, Duration)>,
    /// The least one-way delay, in ms from an arbitrary origin.
    base: Least<f64>,
    /// Delay above the least, by time of arrival.
    queue: VecDeque<(Duration, f64)>,
    newest: Duration,
    /// By how many ms packets lately overtook others.
    noise: f64,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    arrival: Duration,
}

impl Trend {
    pub fn new() -> Self {
        Self {
            group: None,
            previous: None,
            groups: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            points: VecDeque::new(),
            slope: 0.0,
            threshold: THRESHOLD.1,
            over_for: 0.0,
            over_count: 0,
            usage: Usage::Normal,
            origin: None,
            base: Least::default(),
            queue: VecDeque::new(),
            newest: Duration::ZERO,
            noise: 0.0,
        }
    }

    /// A packet that arrived; in order of sending.
    pub fn add(&mut self, sent: Instant, arrival: Duration) {
        self.measure_queue(sent, arrival);
        match &mut self.group {
            Some(group) if sent.saturating_duration_since(group.first_sent) <= GROUP => {
                group.last_sent = group.last_sent.max(sent);
                group.arrival = group.arrival.max(arrival);
            }
            _ => {
                let finished = self.group.replace(Group { first_sent: sent, last_sent: sent, arrival });
                if let Some(finished) = finished {
                    self.on_group(finished);
                }
            }
        }
    }

    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The queue that did not drain lately, in ms.
    pub fn standing_queue(&self) -> f64 {
        self.least(STANDING)
    }

    /// The same of a shorter time, unless the path delays each packet as it likes: then few say nothing.
    pub fn brief_queue(&self) -> f64 {
        self.least(if self.noise() > 0.0 { STANDING } else { BRIEF })
    }

    /// How much a packet's delay varies without any queue, in ms: packets that wait in one do not overtake each other.
    pub fn noise(&self) -> f64 {
        if self.noise < NO_NOISE { 0.0 } else { self.noise }
    }

    fn least(&self, window: Duration) -> f64 {
        let since = self.newest.saturating_sub(window);
        self.queue.iter().filter(|(arrival, _)| *arrival >= since).map(|&(_, queue)| queue).reduce(f64::min).unwrap_or(0.0)
    }

    /// The last packet's queue, in ms.
    pub fn queue(&self) -> f64 {
        self.queue.back().map_or(0.0, |&(_, queue)| queue)
    }

    /// Whether the least delay is kept however old: while others fill the queue, it is not seen again.
    pub fn keep_base(&mut self, kept: bool) {
        self.base.keep(kept);
    }

    fn measure_queue(&mut self, sent: Instant, arrival: Duration) {
        let (origin, first) = *self.origin.get_or_insert((sent, arrival));
        let delay = ms(arrival) - ms(first) - ms(sent.saturating_duration_since(origin));
        let queue = delay - self.base.follow(delay, sent);
        let passed = ms(arrival.saturating_sub(self.newest));
        let overtaken_by = ms(self.newest.saturating_sub(arrival));
        self.noise = (self.noise * (-passed / ms(NOISE_FORGOTTEN)).exp()).max(overtaken_by);
        self.newest = self.newest.max(arrival);
        self.queue.push_back((arrival, queue));
        let since = self.newest.saturating_sub(STANDING);
        while self.queue.len() > MAX_KEPT || self.queue.front().is_some_and(|&(arrival, _)| arrival < since) {
            self.queue.pop_front();
        }
    }

    fn on_group(&mut self, group: Group) {
        let Some(previous) = self.previous.replace(group) else { return };
        let sent = ms(group.last_sent.saturating_duration_since(previous.last_sent));
        let difference = ms(group.arrival) - ms(previous.arrival) - sent;
        self.groups += 1;
        self.accumulated += difference;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.points.push_back((ms(group.arrival), self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let slope = if self.points.len() == WINDOW { fit(&self.points).unwrap_or(self.slope) } else { 0.0 };
        self.judge(slope, sent);
        self.slope = slope;
    }

    fn judge(&mut self, slope: f64, elapsed: f64) {
        let trend = f64::from(self.groups).min(MAX_GROUPS) * slope * GAIN;
        if trend > self.threshold {
            self.over_for += elapsed;
            self.over_count += 1;
            if self.over_for > OVERUSE_MS && self.over_count > 1 && slope >= self.slope {
                self.usage = Usage::Over;
            }
        } else {
            self.over_for = 0.0;
            self.over_count = 0;
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        if trend.abs() <= self.threshold + OUTLIER {
            let speed = if trend.abs() < self.threshold { THRESHOLD_DOWN } else { THRESHOLD_UP };
            let moved = self.threshold + speed * (trend.abs() - self.threshold) * elapsed.min(100.0);
            self.threshold = moved.clamp(THRESHOLD.0, THRESHOLD.2);
        }
    }
}

/// The slope of the least-squares line.
fn fit(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let (up, down) =
        points.iter().fold((0.0, 0.0), |(up, down), &(x, y)| (up + (x - mean_x) * (y - mean_y), down + (x - mean_x) * (x - mean_x)));
    (down > 0.0).then(|| up / down)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Packets 10 ms apart with these delays in ms.
    fn feed(trend: &mut Trend, start: Instant, first: u32, delays: impl IntoIterator<Item = f64>) -> Vec<Usage> {
        let packets = delays.into_iter().zip(first..);
        packets
            .map(|(delay, packet)| {
                trend.add(start + packet * 10 * MS, packet * 10 * MS + Duration::from_secs_f64(5.0 + delay / 1e3));
                trend.usage()
            })
            .collect()
    }

    #[test]
    fn a_growing_queue_is_overuse_and_a_draining_one_underuse() {
        let (mut trend, start) = (Trend::new(), Instant::now());
        assert!(feed(&mut trend, start, 0, [0.0; 50]).iter().all(|usage| *usage == Usage::Normal));
        let growing = feed(&mut trend, start, 50, (0..30).map(|step| f64::from(step) * 2.0));
        let noticed = growing.iter().position(|usage| *usage == Usage::Over).unwrap();
        assert!(noticed <= 15, "after {noticed} packets");
        assert!((trend.queue() - 58.0).abs() < 0.1);
        let draining = feed(&mut trend, start, 80, (0..30).map(|step| 58.0 - f64::from(step) * 2.0));
        assert!(draining.contains(&Usage::Under));
    }

    #[test]
    fn noise_is_not_overuse() {
        let (mut trend, start) = (Trend::new(), Instant::now());
        let noise = (0..2000u32).map(|step| f64::from(step.wrapping_mul(2_654_435_761) >> 24) / 25.0);
        let usages = feed(&mut trend, start, 0, noise);
        let over = usages.iter().filter(|usage| **usage == Usage::Over).count();
        assert!(over < 40, "{over} of 2000");
    }

    #[test]
    fn a_burst_that_drains_is_no_standing_queue() {
        let (mut trend, start) = (Trend::new(), Instant::now());
        feed(&mut trend, start, 0, [0.0; 30]);
        feed(&mut trend, start, 30, (0..10).map(|step| 100.0 - f64::from(step) * 10.0));
        assert!(trend.standing_queue() < 1.0);
        feed(&mut trend, start, 40, [50.0; 60]);
        assert!((trend.standing_queue() - 50.0).abs() < 0.1);
    }

    #[test]
    fn packets_that_overtake_others_show_that_delays_vary_by_themselves() {
        let (mut trend, start) = (Trend::new(), Instant::now());
        feed(&mut trend, start, 0, (0..50u32).map(|packet| f64::from(packet % 5) * 2.0));
        assert_eq!(trend.noise(), 0.0, "a queue lets nobody overtake");
        feed(&mut trend, start, 50, (0..50u32).map(|packet| f64::from(packet % 5) * 12.0));
        assert!((trend.noise() - 38.0).abs() < 2.0, "{}", trend.noise());
        feed(&mut trend, start, 100, [0.0; 3000]);
        assert_eq!(trend.noise(), 0.0);
    }
}
