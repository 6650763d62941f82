use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a packet gains or loses when it is stretched: a period of a usual voice.
const PERIOD: Duration = Duration::from_micros(6_500);

/// A call in virtual time: a packet every 20 ms, each on its way for as long as the path says; a pull when the last piece has been
/// played, by a speaker whose clock may be wrong.
struct Call {
    buffer: JitterAudio,
    start: Instant,
    /// Arrival, sequence, whether it is a repair; unsorted.
    way: Vec<(Duration, u64, bool)>,
    /// When the next pull is.
    at: Duration,
    /// The speaker's second, in seconds.
    speaker: f64,
    /// What was pulled, and how long after its capture it was.
    played: Vec<(u64, Duration)>,
    outputs: Vec<Pull>,
}

impl Call {
    fn new() -> Self {
        let (start, at) = (Instant::now(), 7 * MS);
        Self { buffer: JitterAudio::new(), start, way: Vec::new(), at, speaker: 1.0, played: Vec::new(), outputs: Vec::new() }
    }

    /// Sends packets `range`; the path says how long each takes in ms, or that it is lost.
    fn send(&mut self, range: std::ops::Range<u64>, path: impl Fn(u64) -> Option<f64>) -> &mut Self {
        for sequence in range {
            if let Some(ms) = path(sequence) {
                self.way.push((sequence as u32 * 20 * MS + Duration::from_secs_f64(ms / 1000.0), sequence, false));
            }
        }
        self
    }

    fn run(&mut self, end: Duration) -> &mut Self {
        self.way.sort_unstable_by_key(|&(at, ..)| std::cmp::Reverse(at));
        while self.at < end {
            let at = self.at;
            while let Some((arrival, sequence, repaired)) = self.way.pop_if(|(arrival, ..)| *arrival <= at) {
                let payload = Bytes::from(sequence.to_be_bytes().repeat(10));
                self.buffer.push(1000 + sequence, 5000 + sequence as i64 * PACKET, payload, repaired, self.start + arrival);
            }
            let pull = self.buffer.pull(self.start + at);
            if let Pull::Packet { payload, timestamp, .. } = &pull {
                let sequence = u64::from_be_bytes(payload[..8].try_into().unwrap());
                assert_eq!(*timestamp, 5000 + sequence as u32 * 960);
                self.played.push((sequence, at.saturating_sub(sequence as u32 * 20 * MS)));
            }
            self.at += length(&pull).mul_f64(self.speaker);
            self.outputs.push(pull);
        }
        self
    }

    fn stats(&self) -> Stats {
        self.buffer.stats()
    }

    fn last_delay(&self) -> Duration {
        self.played.last().unwrap().1
    }
}

/// How long a piece is played.
fn length(pull: &Pull) -> Duration {
    match pull {
        Pull::Packet { pace: Pace::Faster | Pace::MuchFaster, .. } => 20 * MS - PERIOD,
        Pull::Packet { pace: Pace::Slower | Pace::MuchSlower, .. } => 20 * MS + PERIOD,
        Pull::Packet { pace: Pace::Even, .. } | Pull::Lost { .. } => 20 * MS,
        Pull::Late | Pull::Empty => 10 * MS,
    }
}

/// What was made up between two readings, of all that was played.
fn concealed(before: Stats, after: Stats) -> f64 {
    let made_up = (after.concealed - before.concealed) as f64 + (after.waited - before.waited) as f64 / 2.0;
    made_up / (made_up + (after.played - before.played) as f64)
}

/// A repeatable value from 0 to 1.
fn noise(index: u64) -> f64 {
    let mixed = (index ^ index >> 7).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb) as f64 / u64::MAX as f64
}

#[test]
fn a_clean_path_is_played_whole_and_at_once() {
    let mut call = Call::new();
    call.send(0..500, |packet| Some(30.0 + noise(packet))).run(10 * SECOND);
    let stats = call.stats();
    assert_eq!((stats.concealed, stats.waited, stats.late, stats.expanded), (0, 0, 0, 0), "{stats:?}");
    assert!(stats.accelerated <= 2, "{stats:?}");
    assert!(call.last_delay() <= 30 * MS + 20 * MS, "{:?}", call.last_delay());
    assert!(call.played.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn fifty_milliseconds_of_jitter_are_covered() {
    // Evenly spread, or with a tail: the mean of what exceeds the fastest is 15 ms then.
    let even = |packet: u64| noise(packet) * 50.0;
    let tail = |packet: u64| (-(1.0 - noise(packet) * 0.999).ln() * 15.0).min(150.0);
    let paths: [&dyn Fn(u64) -> f64; 2] = [&even, &tail];
    for (path, most) in paths.into_iter().zip([75 * MS, 105 * MS]) {
        let mut call = Call::new();
        call.send(0..9000, |packet| Some(30.0 + path(packet))).run(5 * SECOND);
        let before = call.stats();
        call.run(180 * SECOND);
        let made_up = concealed(before, call.stats());
        assert!(made_up <= 0.005, "{:.2} %: {before:?} {:?}", made_up * 100.0, call.stats());
        assert!(call.last_delay() <= 30 * MS + most, "{:?}", call.last_delay());
    }
}

#[test]
fn jitter_that_begins_is_covered_within_a_second() {
    let mut call = Call::new();
    call.send(0..500, |_| Some(30.0)).send(500..1500, |packet| Some(30.0 + noise(packet) * 60.0)).run(10 * SECOND);
    let before = call.stats();
    call.run(11 * SECOND);
    let risen = call.stats();
    assert!(concealed(before, risen) <= 0.15, "{before:?} {risen:?}");
    call.run(28 * SECOND);
    assert!(concealed(risen, call.stats()) <= 0.005, "{risen:?} {:?}", call.stats());
}

#[test]
fn delay_comes_down_again_when_jitter_ends() {
    let mut call = Call::new();
    call.send(0..500, |packet| Some(30.0 + noise(packet) * 100.0)).send(500..2000, |_| Some(30.0)).run(20 * SECOND);
    assert!(call.last_delay() <= 60 * MS, "{:?}", call.last_delay());
    let before = call.stats();
    call.run(40 * SECOND);
    assert_eq!(concealed(before, call.stats()), 0.0);
    assert!(call.last_delay() <= 50 * MS, "{:?}", call.last_delay());
}

#[test]
fn a_queue_at_the_start_is_forgotten_within_eight_seconds() {
    let mut call = Call::new();
    call.send(0..50, |packet| Some(if packet < 25 { 300.0 } else { 30.0 })).send(50..1000, |_| Some(30.0));
    call.run(8 * SECOND);
    assert!(call.last_delay() <= 60 * MS, "{:?}", call.last_delay());
    assert!(call.stats().concealed <= 1, "{:?}", call.stats());
}

#[test]
fn reordered_packets_are_played_in_order() {
    let mut call = Call::new();
    call.send(0..500, |packet| Some(if packet % 10 == 3 { 55.0 } else { 30.0 })).run(10 * SECOND);
    assert!(call.played.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let Stats { concealed, waited, .. } = call.stats();
    assert!(concealed + waited < 8, "{:?}", call.stats());
}

#[test]
fn each_lost_packet_is_concealed_once_and_mostly_with_what_the_next_one_tells() {
    let mut call = Call::new();
    let lost = |packet: u64| packet % 10 == 7;
    call.send(0..1500, |packet| (!lost(packet)).then_some(30.0)).run(30 * SECOND);
    let stats = call.stats();
    assert!((stats.concealed + stats.waited / 2).abs_diff(150) <= 6, "{stats:?}");
    assert!(stats.expanded + stats.accelerated <= 20, "{stats:?}");
    let next = |later: &[Later]| later.first().is_some_and(|next| next.ahead == PACKET as u32);
    let with_next = call.outputs.iter().filter(|pull| matches!(pull, Pull::Lost { later } if next(later))).count();
    assert!(with_next >= 135, "{with_next} of 150");
}

#[test]
fn a_burst_of_losses_is_told_of_by_the_packets_after_it() {
    let mut call = Call::new();
    call.buffer.set_extra_delay(120 * MS);
    call.send(0..500, |packet| (packet % 50 >= 5 || packet < 100).then_some(30.0)).run(10 * SECOND);
    let holes: Vec<_> = call.outputs.iter().filter_map(|pull| if let Pull::Lost { later } = pull { Some(later) } else { None }).collect();
    assert_eq!(holes.len(), 8 * 5, "{:?}", call.stats());
    for (index, later) in holes.iter().enumerate() {
        let first = later.first().expect("the packet after the burst");
        assert_eq!(first.ahead, (5 - index as u32 % 5) * PACKET as u32);
        assert!(later.len() <= MAX_LATER && later.windows(2).all(|pair| pair[1].ahead == pair[0].ahead + PACKET as u32));
    }
}

#[test]
fn repairs_within_a_short_round_trip_are_waited_for() {
    let mut call = Call::new();
    call.send(0..1500, |packet| (packet % 10 != 7).then_some(30.0));
    for sequence in (7..1500).step_by(10) {
        call.way.push((sequence as u32 * 20 * MS + 90 * MS, sequence, true));
    }
    call.run(5 * SECOND);
    let before = call.stats();
    call.run(30 * SECOND);
    assert!(concealed(before, call.stats()) <= 0.002, "{before:?} {:?}", call.stats());
}

#[test]
fn mute_is_not_concealed_and_speech_resumes_at_the_same_delay() {
    let mut call = Call::new();
    call.send(0..200, |_| Some(30.0)).send(700..900, |_| Some(30.0)).run(14 * SECOND);
    let before = call.last_delay();
    call.run(18 * SECOND);
    assert!(call.stats().concealed == 0 && call.stats().waited as i64 <= MAX_WAIT / PIECE, "{:?}", call.stats());
    assert!(call.last_delay().abs_diff(before) <= 20 * MS);
    call.run(19 * SECOND);
    assert_eq!(call.stats().played, 400);
}

#[test]
fn a_gap_between_consecutive_packets_is_silence() {
    let mut call = Call::new();
    call.send(0..100, |_| Some(30.0)).run(2 * SECOND + 40 * MS);
    // DTX: the next packets follow in sequence but are stamped 400 ms apart.
    let mut silent = 0;
    for packet in 0..5u64 {
        let at = call.start + Duration::from_millis(2000 + packet * 400 + 30);
        call.buffer.push(1100 + packet, 5000 + (100 + packet as i64 * 20) * PACKET, Bytes::from_static(&[1, 2]), false, at);
        for pull in 0..20 {
            silent += u32::from(call.buffer.pull(at + pull * 20 * MS + 7 * MS) == Pull::Empty);
        }
    }
    assert!(silent >= 5 * 7, "{silent}");
    assert_eq!((call.stats().played, call.stats().concealed), (105, 0));
}

#[test]
fn a_stall_is_caught_up_quickly() {
    let mut call = Call::new();
    let stall = |packet: u64| if (100..150).contains(&packet) { 30.0 + (150 - packet) as f64 * 20.0 } else { 30.0 };
    call.send(0..500, |packet| Some(stall(packet))).run(5 * SECOND);
    assert!(call.last_delay() <= 30 * MS + 120 * MS, "{:?}", call.last_delay());
    call.run(10 * SECOND);
    assert!(call.last_delay() <= 60 * MS, "{:?}", call.last_delay());
}

#[test]
fn a_stall_in_ten_seconds_does_not_keep_the_delay_up() {
    let mut call = Call::new();
    let stall = |packet: u64| if packet % 500 < 10 { 230.0 - (packet % 500) as f64 * 20.0 } else { 30.0 };
    call.send(0..3000, |packet| Some(stall(packet))).run(60 * SECOND);
    let mean = call.played.iter().map(|(_, delay)| delay.as_secs_f64()).sum::<f64>() / call.played.len() as f64;
    assert!(mean <= 0.080, "{mean}");
}

#[test]
fn the_extra_delay_is_reached_and_left_by_stretching_alone() {
    let mut call = Call::new();
    call.send(0..1500, |_| Some(30.0)).run(2 * SECOND);
    let before = call.last_delay();
    call.buffer.set_extra_delay(100 * MS);
    call.run(5 * SECOND);
    assert!(call.last_delay() >= before + 80 * MS, "{:?}", call.last_delay());
    call.buffer.set_extra_delay(Duration::ZERO);
    call.run(10 * SECOND);
    assert!(call.last_delay() <= before + 20 * MS, "{:?}", call.last_delay());
    let Stats { concealed, waited, late, .. } = call.stats();
    assert_eq!((concealed, waited, late), (0, 0, 0));
}

#[test]
fn clocks_that_drift_apart_are_followed_without_gaps_or_growing_delay() {
    // The speaker's crystal is off by 200 ppm either way, for ten minutes.
    for speaker in [0.9998, 1.0002] {
        let mut call = Call::new();
        call.speaker = speaker;
        call.send(0..30_000, |packet| Some(30.0 + noise(packet) * 2.0)).run(600 * SECOND);
        let stats = call.stats();
        assert_eq!((stats.concealed, stats.waited, stats.late), (0, 0, 0), "{speaker} {stats:?}");
        // 120 ms in periods of a voice.
        assert!(stats.expanded + stats.accelerated <= 25, "{speaker} {stats:?}");
        let most = call.played.iter().map(|(_, delay)| *delay).max().unwrap();
        assert!(most <= 60 * MS, "{speaker} {most:?}");
    }
}

#[test]
fn a_sender_whose_clock_drifts_is_followed() {
    for drift in [-0.004, 0.004] {
        let mut call = Call::new();
        call.send(0..6000, |packet| Some(50.0 + packet as f64 * drift)).run(120 * SECOND);
        let stats = call.stats();
        assert_eq!((stats.concealed, stats.waited), (0, 0), "{drift} {stats:?}");
        let way = 50.0 + 6000.0 * drift;
        assert!(call.last_delay().as_secs_f64() * 1000.0 - way < 30.0, "{drift} {:?}", call.last_delay());
    }
}

#[test]
fn a_sender_whose_clock_jumps_is_heard_again() {
    let mut call = Call::new();
    call.send(0..100, |_| Some(30.0)).run(2 * SECOND);
    for packet in 100..200u64 {
        let at = call.start + packet as u32 * 20 * MS;
        call.buffer.push(1000 + packet, 900_000_000 + packet as i64 * PACKET, Bytes::from_static(&[0; 80]), false, at);
        call.buffer.pull(at + 7 * MS);
    }
    assert!(call.stats().played >= 190, "{:?}", call.stats());
}

#[test]
fn what_redundancy_brings_late_is_not_played_twice_and_does_no_harm() {
    let mut call = Call::new();
    call.buffer.set_redundancy(2);
    call.send(0..1500, |packet| (packet % 5 > 1).then_some(30.0));
    for sequence in (0..1500).filter(|sequence| sequence % 5 < 2) {
        // The next packet that is not lost has them.
        call.way.push(((sequence / 5 * 5 + 2) as u32 * 20 * MS + 30 * MS, sequence, true));
    }
    call.run(5 * SECOND);
    let before = call.stats();
    call.run(30 * SECOND);
    assert!(call.played.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(concealed(before, call.stats()) <= 0.01, "{before:?} {:?}", call.stats());
}

#[test]
fn a_buffer_nobody_pulls_stays_bounded() {
    let mut call = Call::new();
    call.send(0..1000, |_| Some(30.0));
    for sequence in 0..1000u64 {
        let at = call.start + sequence as u32 * 20 * MS;
        call.buffer.push(sequence, sequence as i64 * PACKET, Bytes::from_static(&[0; 80]), false, at);
    }
    assert!(call.buffer.packets.len() <= MAX_PACKETS);
    let at = call.start + 20 * SECOND;
    assert!(matches!(call.buffer.pull(at), Pull::Packet { timestamp, .. } if timestamp > 980 * 960));
}

proptest! {
    #[test]
    fn any_packets_at_all_are_survived_within_bounds(
        events in proptest::collection::vec((0u64..3, any::<u64>(), any::<i64>(), 0usize..30, any::<bool>()), 0..500)
    ) {
        let (mut buffer, mut now) = (JitterAudio::new(), Instant::now());
        let mut last = None;
        for (event, sequence, timestamp, size, repaired) in events {
            now += Duration::from_millis(event * 10);
            if event == 0 {
                buffer.set_extra_delay(Duration::from_millis(size as u64 * 20));
            }
            if event == 1 {
                buffer.pull(now);
            } else {
                buffer.push((1 << 32) + sequence % 64, timestamp % (1 + size as i64 * 10_000), vec![0; size].into(), repaired, now);
            }
            prop_assert!(buffer.packets.len() <= MAX_PACKETS && buffer.held() <= 2 * SECOND);
            prop_assert!(buffer.last >= last);
            last = buffer.last;
        }
    }
}
