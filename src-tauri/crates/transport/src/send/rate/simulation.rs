//! Calls over a simulated bottleneck, in virtual time: an encoder that follows the target, the pacer, a queue served at the
//! bottleneck's rate, and feedback every 100 ms.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Config, Rate, Sample};
use crate::send::pace::{self, Pacer, Poll};

const MS: Duration = Duration::from_millis(1);
const PACKET: usize = 1250;
const AUDIO_BPS: u32 = 64_000;

struct Path {
    /// Bits a second.
    capacity: f64,
    one_way: Duration,
    /// Random loss, 0 to 1.
    loss: f64,
    /// Added to the delay at random, at most.
    jitter: Duration,
    /// The longest queue.
    buffer: Duration,
}

impl Path {
    fn new(capacity: f64) -> Self {
        Self { capacity, one_way: 20 * MS, loss: 0.0, jitter: Duration::ZERO, buffer: 1000 * MS }
    }
}

struct Call {
    path: Path,
    rate: Rate,
    pacer: Pacer<usize>,
    start: Instant,
    ms: u32,
    /// The most the encoder makes.
    encoder_max: u32,
    keyframe: bool,
    served_at: Instant,
    in_flight: VecDeque<Sample>,
    feedback: VecDeque<(Instant, Vec<Sample>)>,
    random: u64,
    /// Per ms: target, the queue a packet meets, bytes delivered.
    log: Vec<(u32, Duration, usize)>,
}

impl Call {
    fn new(path: Path) -> Self {
        let start = Instant::now();
        let rate = Rate::new(Config::default(), start);
        Self {
            path,
            pacer: Pacer::new(pace::Config::default(), rate.pacing()),
            rate,
            start,
            ms: 0,
            encoder_max: u32::MAX,
            keyframe: true,
            served_at: start,
            in_flight: VecDeque::new(),
            feedback: VecDeque::new(),
            random: 7,
            log: Vec::new(),
        }
    }

    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as f64 / f64::from(1u32 << 31)
    }

    fn transmit(&mut self, size: usize, now: Instant) {
        let queue = self.served_at.saturating_duration_since(now);
        let lost = self.random() < self.path.loss || queue > self.path.buffer;
        let jitter = self.path.jitter.mul_f64(self.random());
        let arrival = (!lost).then(|| {
            self.served_at = self.served_at.max(now) + Duration::from_secs_f64(size as f64 * 8.0 / self.path.capacity);
            self.served_at + self.path.one_way + jitter - self.start + Duration::from_secs(1000)
        });
        self.in_flight.push_back(Sample { sent: now, arrival, size });
    }

    fn make_frame(&mut self, now: Instant) {
        let bps = self.rate.video_target(AUDIO_BPS).min(self.encoder_max);
        let keyframe = std::mem::take(&mut self.keyframe);
        let factor = if keyframe { 6.0 } else { 0.8 + 0.4 * self.random() };
        let bytes = (f64::from(bps) / 8.0 / 30.0 * factor) as usize;
        let sizes = std::iter::repeat_n(PACKET, bytes / PACKET).chain([bytes % PACKET + 40]);
        self.pacer.push_video(sizes.map(|size| (size, size)), keyframe, now);
        self.keyframe |= self.pacer.take_keyframe_request(now);
    }

    fn give_feedback(&mut self, now: Instant) {
        let due = now - self.start + Duration::from_secs(1000);
        let newest = self.in_flight.iter().rposition(|sample| sample.arrival.is_some_and(|arrival| arrival <= due));
        if let Some(newest) = newest {
            let mut samples: Vec<_> = self.in_flight.drain(..=newest).collect();
            samples.iter_mut().for_each(|sample| sample.arrival = sample.arrival.filter(|arrival| *arrival <= due));
            self.feedback.push_back((now + self.path.one_way, samples));
        }
    }

    fn step(&mut self) {
        let now = self.start + self.ms * MS;
        if matches!(self.ms % 100, 3 | 36 | 70) {
            self.make_frame(now);
        }
        if self.ms.is_multiple_of(20) {
            self.pacer.push_audio(160, 160);
        }
        let mut delivered = 0;
        while let Poll::Send(size) = self.pacer.poll(now) {
            let before = self.in_flight.len();
            self.transmit(size, now);
            delivered += self.in_flight.range(before..).filter(|sample| sample.arrival.is_some()).map(|sample| sample.size).sum::<usize>();
        }
        if self.ms.is_multiple_of(100) {
            self.give_feedback(now);
        }
        while self.feedback.front().is_some_and(|(at, _)| *at <= now) {
            let (_, samples) = self.feedback.pop_front().unwrap();
            if let Some(last) = samples.last() {
                self.rate.on_rtt(now - last.sent);
            }
            self.rate.on_feedback(&samples, now);
            self.pacer.set_rate(self.rate.pacing());
        }
        self.log.push((self.rate.target(), self.served_at.saturating_duration_since(now), delivered));
        self.ms += 1;
    }

    fn run(&mut self, seconds: u32) -> &mut Self {
        (0..seconds * 1000).for_each(|_| self.step());
        self
    }

    fn last(&self, seconds: usize) -> &[(u32, Duration, usize)] {
        &self.log[self.log.len() - seconds * 1000..]
    }

    /// Mean bits a second delivered over the last seconds.
    fn delivered(&self, seconds: usize) -> f64 {
        self.last(seconds).iter().map(|(.., bytes)| bytes).sum::<usize>() as f64 * 8.0 / seconds as f64
    }

    /// The queue that this share of the last seconds stayed within.
    fn queue(&self, seconds: usize, percent: usize) -> Duration {
        let mut queues: Vec<_> = self.last(seconds).iter().map(|(_, queue, _)| *queue).collect();
        queues.sort();
        queues[(queues.len() - 1) * percent / 100]
    }

    fn reached(&self, bps: u32) -> Option<usize> {
        self.log.iter().position(|(target, ..)| *target >= bps)
    }

    fn summary(&self) -> String {
        let targets: Vec<_> = self.log.iter().step_by(1000).map(|(target, queue, _)| (target / 1000, queue.as_millis())).collect();
        format!("{targets:?}")
    }
}

#[test]
fn a_clean_fast_path_is_used_within_three_seconds() {
    let mut call = Call::new(Path::new(10e6));
    call.run(10);
    assert!(call.reached(2_500_000).is_some_and(|ms| ms < 3000), "{:?} {}", call.reached(2_500_000), call.summary());
    assert!(call.last(5).iter().all(|(target, ..)| *target == 2_500_000), "{}", call.summary());
}

#[test]
fn a_tenth_lost_at_random_costs_no_more_than_itself() {
    let mut call = Call::new(Path { loss: 0.1, ..Path::new(10e6) });
    call.run(30);
    assert!(call.reached(1_000_000).is_some_and(|ms| ms < 3000), "{}", call.summary());
    assert!(call.last(20).iter().all(|(target, ..)| *target >= 1_000_000), "{}", call.summary());
}

#[test]
fn three_tenths_lost_at_random_still_leave_a_picture() {
    let mut call = Call::new(Path { loss: 0.3, ..Path::new(10e6) });
    call.run(40);
    assert!(call.last(20).iter().all(|(target, ..)| *target >= 500_000), "{}", call.summary());
}

#[test]
fn a_bottleneck_is_filled_but_not_flooded() {
    for capacity in [250e3, 500e3, 1e6, 2e6] {
        let mut call = Call::new(Path::new(capacity));
        call.run(60);
        let share = call.delivered(40) / capacity;
        assert!((0.7..=0.97).contains(&share), "{capacity}: {share} {}", call.summary());
        assert!(call.queue(40, 95) < 200 * MS, "{capacity}: {:?} {}", call.queue(40, 95), call.summary());
        assert!(call.queue(40, 50) < 60 * MS, "{capacity}: {:?} {}", call.queue(40, 50), call.summary());
    }
}

#[test]
fn a_bottleneck_behind_random_loss_is_found_too() {
    let mut call = Call::new(Path { loss: 0.05, ..Path::new(1e6) });
    call.run(60);
    assert!(call.delivered(40) >= 0.65e6, "{} {}", call.delivered(40), call.summary());
    assert!(call.queue(40, 95) < 200 * MS, "{:?} {}", call.queue(40, 95), call.summary());
}

#[test]
fn a_shallow_buffer_is_not_overrun_for_long() {
    let mut call = Call::new(Path { buffer: 20 * MS, ..Path::new(1e6) });
    call.run(60);
    let lost = call.rate.loss();
    assert!(lost < 0.12, "{lost} {}", call.summary());
    assert!(call.delivered(30) >= 0.6e6, "{} {}", call.delivered(30), call.summary());
}

#[test]
fn a_drop_in_capacity_is_followed_in_a_second_and_its_return_in_ten() {
    let mut call = Call::new(Path::new(4e6));
    call.run(15);
    call.path.capacity = 500e3;
    call.run(3);
    assert!(call.last(1).iter().all(|(target, ..)| *target <= 500_000), "{}", call.summary());
    call.run(10);
    assert!(call.queue(5, 95) < 200 * MS, "{:?} {}", call.queue(5, 95), call.summary());
    assert!(call.delivered(5) > 0.3e6, "{} {}", call.delivered(5), call.summary());
    call.path.capacity = 4e6;
    let before = call.log.len();
    call.run(15);
    let back = call.log[before..].iter().position(|(target, ..)| *target >= 2_000_000);
    assert!(back.is_some_and(|ms| ms < 12_000), "{back:?} {}", call.summary());
}

#[test]
fn jitter_is_no_congestion() {
    let mut call = Call::new(Path { jitter: 15 * MS, ..Path::new(10e6) });
    call.run(30);
    assert!(call.reached(2_000_000).is_some_and(|ms| ms < 8000), "{}", call.summary());
    assert!(call.delivered(15) > 1.2e6, "{} {}", call.delivered(15), call.summary());
}

#[test]
fn an_encoder_that_makes_little_neither_raises_nor_loses_the_target() {
    let mut call = Call::new(Path::new(10e6));
    call.encoder_max = 400_000;
    call.run(30);
    assert!(call.log.iter().all(|(target, ..)| *target <= 900_000), "{}", call.summary());
    let (settled, ..) = call.log[10_000];
    assert!(call.last(10).iter().all(|(target, ..)| *target >= settled), "{}", call.summary());
    call.encoder_max = u32::MAX;
    call.run(5);
    assert!(call.rate.target() >= 2_000_000, "{}", call.summary());
}

#[test]
fn long_round_trips_are_no_trouble() {
    let mut call = Call::new(Path { one_way: 150 * MS, ..Path::new(2e6) });
    call.run(60);
    assert!(call.delivered(30) > 1.2e6, "{} {}", call.delivered(30), call.summary());
    assert!(call.queue(30, 95) < 250 * MS, "{:?} {}", call.queue(30, 95), call.summary());
}
