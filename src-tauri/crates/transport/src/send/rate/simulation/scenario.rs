//! What happens on the network, and what must come of it.

use std::ops::Range;
use std::time::Duration;

use super::super::Config;
use super::call::Tick;
use super::download::Control;
use super::network::Link;
use super::world::{Start, World};
use crate::send::sharing::Sharing;

/// What each is played with: an outcome that one of them makes is luck.
pub const SEEDS: Range<u64> = 0..5;

const MS: Duration = Duration::from_millis(1);
const MB: f64 = 1e6;
const KB: f64 = 1e3;

/// One story.
#[derive(Debug)]
pub struct Scenario {
    /// Short, for a file's name.
    pub name: &'static str,
    /// What happens, for a reader.
    pub about: &'static str,
    play: fn(Start) -> World,
    judge: fn(&World) -> Vec<Check>,
}

/// A figure, and the bounds it must be within.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// With its unit.
    pub what: &'static str,
    pub value: f64,
    pub least: f64,
    pub most: f64,
}

impl Check {
    pub fn holds(&self) -> bool {
        (self.least..=self.most).contains(&self.value)
    }
}

impl Scenario {
    /// Plays it in a world that begins so.
    pub fn run(&self, start: Start) -> World {
        (self.play)(start)
    }

    /// The figures of the world that [`run`](Self::run) gave.
    pub fn judge(&self, world: &World) -> Vec<Check> {
        (self.judge)(world)
    }
}

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario { name: "rise", about: "a clean path of 10 Mb/s", play: |start| alone(Link::new(10.0 * MB), 10, start), judge: rise },
    Scenario {
        name: "drop",
        about: "10 Mb/s fall to 500 kb/s after 15 s, and come back 20 s later",
        play: |start| drop(500.0 * KB, Duration::from_secs(1), start),
        judge: judge_drop,
    },
    Scenario {
        name: "deep-drop",
        about: "10 Mb/s become 200 kb/s from 15 s to 35 s",
        play: |start| drop(200.0 * KB, Duration::from_millis(200), start),
        judge: |world| vec![at_most("ms of queue at most, from 2 s after the drop", queue(world, 17..35, 100), 160.0)],
    },
    Scenario {
        name: "drop-both",
        about: "2.5 Mb/s fall to 500 kb/s both ways after 15 s, with queues of a second",
        play: play_drop_both,
        judge: judge_drop_both,
    },
    Scenario {
        name: "start-500",
        about: "the first seconds at 500 kb/s",
        play: |start| alone(Link::new(500.0 * KB), 10, start),
        judge: start,
    },
    Scenario {
        name: "start-250",
        about: "the first seconds at 250 kb/s",
        play: |start| alone(Link::new(250.0 * KB), 10, start),
        judge: start,
    },
    Scenario {
        name: "bottleneck-1000",
        about: "1,000 kb/s with a queue of 200 ms",
        play: |start| alone(Link::new(MB), 60, start),
        judge: |world| bottleneck(world, 800.0),
    },
    Scenario {
        name: "bottleneck-500",
        about: "500 kb/s with a queue of 200 ms",
        play: |start| alone(Link::new(500.0 * KB), 60, start),
        judge: |world| bottleneck(world, 370.0),
    },
    Scenario {
        name: "bottleneck-250",
        about: "250 kb/s with a queue of 200 ms",
        play: |start| alone(Link::new(250.0 * KB), 60, start),
        judge: |world| bottleneck(world, 150.0),
    },
    Scenario {
        name: "no-bucket",
        about: "1,000 kb/s served packet by packet, with a queue of a second",
        play: |start| alone(Link { burst: 0, queue: Duration::from_secs(1), ..Link::new(MB) }, 60, start),
        judge: |world| bottleneck(world, 800.0),
    },
    Scenario {
        name: "large-bucket",
        about: "1,000 kb/s behind a shaper that lets 16 kB pass at once",
        play: |start| alone(Link { burst: 16_000, ..Link::new(MB) }, 60, start),
        judge: |world| bottleneck(world, 800.0),
    },
    Scenario { name: "loss-10", about: "a tenth lost at random", play: |start| lossy(0.1, start), judge: |world| loss(world, 1200.0) },
    Scenario { name: "loss-20", about: "two tenths lost at random", play: |start| lossy(0.2, start), judge: |world| loss(world, 900.0) },
    Scenario { name: "loss-30", about: "three tenths lost at random", play: |start| lossy(0.3, start), judge: |world| loss(world, 600.0) },
    Scenario {
        name: "loss-bottleneck",
        about: "a twentieth lost at random at 1,000 kb/s",
        play: |start| alone(Link { loss: 0.05, ..Link::new(MB) }, 60, start),
        judge: |world| bottleneck(world, 650.0),
    },
    Scenario {
        name: "shallow",
        about: "1,000 kb/s with a queue of 20 ms",
        play: |start| alone(Link { queue: 20 * MS, ..Link::new(MB) }, 60, start),
        judge: |world| bottleneck(world, 600.0),
    },
    Scenario {
        name: "jitter",
        about: "10 Mb/s with 30 ms of jitter",
        play: |start| alone(Link { jitter: 30 * MS, ..Link::new(10.0 * MB) }, 30, start),
        judge: |world| vec![at_least("kb/s delivered over the last 15 s", delivered(world, 0, 15..30), 1200.0)],
    },
    Scenario {
        name: "jitter-50",
        about: "a near path of 100 Mb/s with 50 ms of jitter",
        play: |start| alone(Link { jitter: 50 * MS, one_way: MS, ..Link::new(100.0 * MB) }, 40, start),
        judge: |world| vec![at_least("kb/s delivered over the last 25 s", delivered(world, 0, 15..40), 1200.0)],
    },
    Scenario {
        name: "jitter-250",
        about: "250 kb/s served packet by packet, with 30 ms of jitter",
        play: |start| alone(Link { burst: 0, jitter: 30 * MS, ..Link::new(250.0 * KB) }, 60, start),
        judge: |world| bottleneck(world, 150.0),
    },
    Scenario {
        name: "far",
        about: "2 Mb/s over a round trip of 300 ms",
        play: |start| alone(Link { one_way: 150 * MS, ..Link::new(2.0 * MB) }, 60, start),
        judge: |world| bottleneck(world, 1200.0),
    },
    Scenario {
        name: "far-lossy",
        about: "500 kb/s over a round trip of 160 ms, with three in a hundred lost at random",
        play: |start| alone(Link { one_way: 80 * MS, loss: 0.03, ..Link::new(500.0 * KB) }, 60, start),
        judge: |world| {
            vec![
                at_least("kb/s sent", sent(world, 0, 12..60), 370.0),
                at_most("ms of queue, p50", queue(world, 12..60, 50), 40.0),
                at_most("ms of queue, p95", queue(world, 12..60, 95), 180.0),
            ]
        },
    },
    Scenario {
        name: "two-calls",
        about: "two calls on 2 Mb/s, the second 10 s after the first",
        play: play_two_calls,
        judge: judge_two_calls,
    },
    Scenario {
        name: "camera-and-screen",
        about: "somebody shares a screen at 1,000 kb/s from 15 s to 60 s; it stands still from 40 s on",
        play: play_screen,
        judge: judge_screen,
    },
    Scenario {
        name: "beside-reno",
        about: "a TCP download (Reno) joins a call on 2 Mb/s after 15 s",
        play: |start| beside(Control::Reno, Link::new(2.0 * MB), false, start),
        judge: |world| judge_beside(world, 350.0),
    },
    Scenario {
        name: "beside-cubic",
        about: "a TCP download (Cubic) joins a call on 2 Mb/s after 15 s",
        play: |start| beside(Control::Cubic, Link::new(2.0 * MB), false, start),
        judge: |world| judge_beside(world, 350.0),
    },
    Scenario {
        name: "beside-cubic-near",
        about: "the same, where all that takes time is the queue",
        play: |start| beside(Control::Cubic, Link { one_way: MS, ..Link::new(2.0 * MB) }, false, start),
        judge: |world| judge_beside(world, 350.0),
    },
    Scenario {
        name: "beside-limited",
        about: "a TCP download joins such a call that has no more than eight segments under way",
        play: |start| beside(Control::Limited(8), Link { one_way: MS, ..Link::new(2.0 * MB) }, false, start),
        judge: |world| judge_beside(world, 350.0),
    },
    Scenario {
        name: "into-cubic",
        about: "a call joins a TCP download (Cubic) on 2 Mb/s",
        play: |start| beside(Control::Cubic, Link::new(2.0 * MB), true, start),
        judge: |world| judge_beside(world, 60.0),
    },
    Scenario { name: "silence", about: "no feedback from 10 s to 14 s", play: play_silence, judge: judge_silence },
    Scenario { name: "idle", about: "an encoder that makes 200 kb/s for 20 s, then all it may", play: play_idle, judge: judge_idle },
    Scenario {
        name: "idle-500",
        about: "an encoder that makes 150 kb/s for 20 s at 500 kb/s, then all it may",
        play: play_idle_narrow,
        judge: judge_idle_narrow,
    },
];

fn config(max_bps: u32) -> Config {
    Config { max_bps, ..Config::default() }
}

fn alone(link: Link, seconds: u32, start: Start) -> World {
    let mut world = World::new(link, start);
    world.join(config(2_500_000));
    world.run(seconds);
    world
}

fn lossy(loss: f64, start: Start) -> World {
    let mut world = World::new(Link { loss, ..Link::new(10.0 * MB) }, start);
    world.join(config(2_000_000)).fec = loss;
    world.run(42);
    world
}

/// Most of the capacity is gone from 15 s to 35 s.
fn drop(capacity: f64, longest: Duration, start: Start) -> World {
    let mut world = alone(Link { queue: longest, ..Link::new(10.0 * MB) }, 15, start);
    world.set_capacity(capacity);
    world.run(20);
    world.set_capacity(10.0 * MB);
    world.run(15);
    world
}

fn play_drop_both(start: Start) -> World {
    let near = Link { queue: Duration::from_secs(1), one_way: MS, both: true, ..Link::new(2.5 * MB) };
    let mut world = World::new(near, start);
    world.join(config(2_300_000));
    world.run(15);
    world.set_capacity(500.0 * KB);
    world.run(20);
    world
}

fn play_two_calls(start: Start) -> World {
    let mut world = alone(Link::new(2.0 * MB), 10, start);
    world.join(config(2_500_000));
    world.run(80);
    world
}

/// The screen turns a page at 50 s.
fn play_screen(start: Start) -> World {
    let mut world = alone(Link::new(MB), 15, start);
    world.join(config(2_000_000)).sounds = false;
    world.sharing = Some(Sharing::new(2_500_000, 2_000_000));
    world.run(25);
    world.calls[1].encoder_max = 30_000;
    world.run(10);
    world.calls[1].encoder_max = u32::MAX;
    world.run(2);
    world.calls[1].encoder_max = 30_000;
    world.run(8);
    world.calls[1].ended = true;
    world.sharing = None;
    world.calls[0].rate.set_max(2_500_000);
    world.run(15);
    world
}

fn beside(control: Control, link: Link, call_joins: bool, start: Start) -> World {
    let mut world = World::new(link, start);
    if call_joins {
        world.download(control);
        world.run(15);
        world.join(config(2_500_000));
    } else {
        world.join(config(2_500_000));
        world.run(15);
        world.download(control);
    }
    world.run(75);
    world.downloads.clear();
    world.run(15);
    world
}

fn play_silence(start: Start) -> World {
    let mut world = alone(Link::new(10.0 * MB), 10, start);
    world.calls[0].feedback_lost = true;
    world.run(4);
    world.calls[0].feedback_lost = false;
    world.run(11);
    world
}

fn play_idle(start: Start) -> World {
    let mut world = World::new(Link::new(10.0 * MB), start);
    world.join(config(2_500_000)).encoder_max = 200_000;
    world.run(20);
    world.calls[0].encoder_max = u32::MAX;
    world.run(10);
    world
}

fn play_idle_narrow(start: Start) -> World {
    let mut world = World::new(Link::new(500.0 * KB), start);
    world.join(config(2_500_000)).encoder_max = 150_000;
    world.run(20);
    world.calls[0].encoder_max = u32::MAX;
    world.run(20);
    world
}

fn rise(world: &World) -> Vec<Check> {
    vec![
        at_most("s until the target is 2.5 Mb/s", reached(world, 0, 2_500_000), 3.0),
        at_least("kb/s sent over the last 5 s", sent(world, 0, 5..10), 2300.0),
        at_most("ms that sound is late at most", sound_late(world, 0..10, 100), 20.0),
    ]
}

fn judge_drop(world: &World) -> Vec<Check> {
    vec![
        at_most("ms of queue at most, from 2 s after the drop", queue(world, 17..35, 100), 150.0),
        at_least("kb/s sent from 5 s to 20 s after it", sent(world, 0, 20..35), 370.0),
        at_most("s from its end until the target is 2 Mb/s", since(world, 35, 2_000_000), 9.0),
    ]
}

fn judge_drop_both(world: &World) -> Vec<Check> {
    vec![
        at_most("ms of queue at most", queue(world, 15..35, 100), 950.0),
        at_most("ms of queue at most, from 2 s after the drop", queue(world, 17..35, 100), 150.0),
        at_least("kb/s sent from 5 s to 20 s after it", sent(world, 0, 20..35), 370.0),
    ]
}

fn judge_screen(world: &World) -> Vec<Check> {
    vec![
        at_least("kb/s of the screen from 5 s after it came", delivered(world, 1, 20..40), 500.0),
        at_least("kb/s of the camera then", delivered(world, 0, 20..40), 180.0),
        at_least("kb/s of both then", delivered(world, 0, 20..40) + delivered(world, 1, 20..40), 800.0),
        at_least("kb/s of the camera beside a still screen", delivered(world, 0, 43..50), 300.0),
        at_least("kb/s of the page that is turned", delivered(world, 1, 50..52), 250.0),
        at_least("kb/s of the camera once alone", delivered(world, 0, 65..75), 700.0),
        at_most("ms that sound is late, p95", sound_late(world, 15..75, 95), 100.0),
        at_most("ms of queue, p95", queue(world, 15..75, 95), 100.0),
    ]
}

fn start(world: &World) -> Vec<Check> {
    vec![
        at_most("ms of queue at most in the first 3 s", queue(world, 0..3, 100), 110.0),
        at_most("ms that sound is late at most in the first 3 s", sound_late(world, 0..3, 100), 120.0),
        at_least("share of the capacity that is used, from 3 s", sent(world, 0, 3..10) * KB / world.log[0].capacity, 0.6),
    ]
}

fn bottleneck(world: &World, least: f64) -> Vec<Check> {
    let loss = world.network.link().loss;
    vec![
        at_least("kb/s sent", sent(world, 0, 12..60), least),
        at_least("kb/s delivered", delivered(world, 0, 12..60), least * (1.0 - loss)),
        at_most("ms of queue, p50", queue(world, 12..60, 50), 40.0),
        at_most("ms of queue, p95", queue(world, 12..60, 95), 100.0),
        at_most("ms that sound is late, p95", sound_late(world, 12..60, 95), 100.0),
    ]
}

fn loss(world: &World, least: f64) -> Vec<Check> {
    vec![
        at_least("kb/s sent", sent(world, 0, 12..42), least),
        at_least("kb/s of target at least", target(world, 0, 12..42).min, least),
        at_most("ms of queue at most", queue(world, 0..42, 100), 50.0),
        at_most("ms that pictures wait, p95", waiting(world, 12..42, 95), 40.0),
    ]
}

fn judge_two_calls(world: &World) -> Vec<Check> {
    let (first, second) = (delivered(world, 0, 40..90), delivered(world, 1, 40..90));
    vec![
        Check { what: "share of the second call, from 30 s after it joined", value: second / (first + second), least: 0.4, most: 0.6 },
        at_least("kb/s delivered together", first + second, 1500.0),
        at_most("ms of queue, p95", queue(world, 40..90, 95), 150.0),
    ]
}

/// The call delivers so many kb/s at least in its worst 5 s when they meet.
fn judge_beside(world: &World, least: f64) -> Vec<Check> {
    let downloaded: u64 = world.log[30_000..90_000].iter().map(|moment| moment.downloaded).sum();
    vec![
        at_least("kb/s of the call, from 15 s after they met", delivered(world, 0, 30..90), 500.0),
        at_least("kb/s of the download", downloaded as f64 * 8.0 / KB / 60.0, 500.0),
        at_least("kb/s of the call in its worst 5 s while they meet", worst(world, 0, 15..35), least),
        at_least("kb/s of the call in its worst 5 s later", worst(world, 0, 30..90), 250.0),
        at_least("kb/s of the call from 10 s after the download's end", delivered(world, 0, 100..105), 1200.0),
        at_most("ms that sound is late then, p95", sound_late(world, 95..105, 95), 100.0),
    ]
}

fn judge_silence(world: &World) -> Vec<Check> {
    vec![
        at_most("kb/s of target after 3 s of silence", target(world, 0, 13..14).max, 700.0),
        at_most("s from the feedback's return until the target is 2 Mb/s", since(world, 14, 2_000_000), 3.0),
    ]
}

fn judge_idle(world: &World) -> Vec<Check> {
    vec![
        at_least("kb/s of target after 20 s", target(world, 0, 19..20).min, 2000.0),
        at_least("kb/s sent in the first full second", sent(world, 0, 20..21), 1700.0),
        at_most("kb/s of padding", padding(world, 0..20), 60.0),
        at_most("ms of queue at most", queue(world, 0..30, 100), 50.0),
    ]
}

fn judge_idle_narrow(world: &World) -> Vec<Check> {
    vec![
        at_most("kb/s of target while little is sent", target(world, 0, 5..20).max, 800.0),
        at_most("ms of queue at most while little is sent", queue(world, 0..20, 100), 60.0),
        at_most("ms of queue at most when all is sent", queue(world, 20..40, 100), 180.0),
        at_most("ms of queue from a second later, p95", queue(world, 21..40, 95), 100.0),
        at_least("kb/s sent from 5 s later", sent(world, 0, 25..40), 370.0),
    ]
}

fn at_least(what: &'static str, value: f64, least: f64) -> Check {
    Check { what, value, least, most: f64::INFINITY }
}

fn at_most(what: &'static str, value: f64, most: f64) -> Check {
    Check { what, value, least: 0.0, most }
}

fn ticks(world: &World, call: usize, seconds: Range<usize>) -> &[Tick] {
    &world.calls[call].log[seconds.start * 1000..seconds.end * 1000]
}

fn kbps(ticks: &[Tick], bytes: impl Fn(&Tick) -> usize) -> f64 {
    ticks.iter().map(bytes).sum::<usize>() as f64 * 8.0 / ticks.len() as f64
}

fn sent(world: &World, call: usize, seconds: Range<usize>) -> f64 {
    kbps(ticks(world, call, seconds), |tick| tick.sent - tick.padding)
}

fn delivered(world: &World, call: usize, seconds: Range<usize>) -> f64 {
    kbps(ticks(world, call, seconds), |tick| tick.delivered)
}

fn padding(world: &World, seconds: Range<usize>) -> f64 {
    kbps(ticks(world, 0, seconds), |tick| tick.padding)
}

/// The least that was delivered in five seconds on end, in kb/s.
fn worst(world: &World, call: usize, seconds: Range<usize>) -> f64 {
    let windows = ticks(world, call, seconds).windows(5000).step_by(500);
    windows.map(|window| kbps(window, |tick| tick.delivered)).fold(f64::INFINITY, f64::min)
}

struct Bounds {
    min: f64,
    max: f64,
}

/// Of the target, in kb/s.
fn target(world: &World, call: usize, seconds: Range<usize>) -> Bounds {
    let targets = ticks(world, call, seconds).iter().map(|tick| f64::from(tick.target) / KB);
    targets
        .fold(Bounds { min: f64::INFINITY, max: 0.0 }, |bounds, target| Bounds { min: bounds.min.min(target), max: bounds.max.max(target) })
}

/// Seconds until the target is `bps`; infinite if it never is.
fn reached(world: &World, call: usize, bps: u32) -> f64 {
    world.calls[call].log.iter().position(|tick| tick.target >= bps).map_or(f64::INFINITY, |ms| ms as f64 / KB)
}

/// Seconds from the second `from` until the target is `bps` again.
fn since(world: &World, from: usize, bps: u32) -> f64 {
    let log = &world.calls[0].log[from * 1000..];
    log.iter().position(|tick| tick.target >= bps).map_or(f64::INFINITY, |ms| ms as f64 / KB)
}

/// The queue in ms that `percent` of the time it was no longer than.
fn queue(world: &World, seconds: Range<usize>, percent: usize) -> f64 {
    percentile(world.log[seconds.start * 1000..seconds.end * 1000].iter().map(|moment| moment.queue), percent)
}

/// How late `percent` of the first call's sound was at most, in ms.
fn sound_late(world: &World, seconds: Range<usize>, percent: usize) -> f64 {
    percentile(ticks(world, 0, seconds).iter().filter_map(|tick| tick.sound_late), percent)
}

/// How long the first call's pictures waited before they left, `percent` of the time at most, in ms.
fn waiting(world: &World, seconds: Range<usize>, percent: usize) -> f64 {
    percentile(ticks(world, 0, seconds).iter().map(|tick| tick.waiting), percent)
}

fn percentile(values: impl Iterator<Item = Duration>, percent: usize) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort();
    values.get((values.len().saturating_sub(1)) * percent / 100).map_or(0.0, |value| value.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn every_scenario_ends_as_it_must_whatever_the_chances() {
        let at = Instant::now();
        let mut failed = Vec::new();
        for scenario in ALL {
            for seed in SEEDS {
                let checks = scenario.judge(&scenario.run(Start { at, seed }));
                failed.extend(checks.into_iter().filter(|check| !check.holds()).map(|check| (scenario.name, seed, check)));
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
