//! What may leave now: sound at once, then repairs, then pictures, each with its parity; during a probe padding where these do not fill it.
//!
//! Invariants: sound never waits; a keyframe leaves as evenly as anything else, so that what follows does not queue behind it in the
//! network; what waits is bounded in time ([`Config::max_queue`]); a frame is dropped whole and only
//! if none of its packets has left, and from then on nothing but a keyframe is accepted. Packets get their sequence numbers
//! when they leave, so a frame dropped here leaves no hole for the receiver to ask about.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::bucket::Bucket;

/// How a [`Pacer`] behaves.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Frames that would wait longer than this are dropped and a keyframe is asked for.
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
    /// A probe has nothing to send: send a packet of padding and say so ([`Pacer::on_padding`]), then poll again.
    Padding,
    /// Nothing may leave before this instant.
    Wait(Instant),
    /// Nothing is queued.
    Idle,
}

/// A burst to send, in bits a second and bytes ([`super::rate`] says when and why).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    pub bps: u32,
    pub bytes: usize,
}

/// A burst that was sent: when its first and its last packet left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    pub first: Instant,
    pub last: Instant,
}

/// Frames waiting longer than this when a keyframe comes are not worth the keyframe's waiting behind them.
const SUPERSEDED_AFTER: Duration = Duration::from_millis(30);

/// A keyframe is asked for again if it has not come.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Repairs and sound that wait are bounded; the oldest go first (a repair is asked for again if it is still missed).
const MAX_SMALL_QUEUE: usize = 512;

/// Pictures wait for this long at most because of sound that left at once: where it takes all that may leave, it would run up a debt
/// for which pictures wait long after there is room for them.
const SOUND_DELAYS: Duration = Duration::from_millis(100);

/// Pictures that wait for this long go before parity.
const PARITY_WAITS: Duration = Duration::from_millis(60);

/// Parity that waits is bounded: two keyframes' worth.
const MAX_PARITY: usize = 64;

/// A priority queue behind a leaky bucket.
#[derive(Debug)]
pub struct Pacer<P> {
    config: Config,
    bucket: Bucket,
    bps: u32,
    audio: VecDeque<(usize, P)>,
    repairs: VecDeque<(usize, P)>,
    repair_bytes: usize,
    parity: VecDeque<(usize, P)>,
    frames: VecDeque<Frame<P>>,
    video_bytes: usize,
    keyframe: Wanted,
    dropped: u64,
    probe: Option<UnderWay>,
    probed: Option<Probed>,
    /// Padding follows pictures and never stands before or within the first.
    sent_video: bool,
}

/// A probe that goes on.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    probe: Probe,
    begun: bool,
    sent: usize,
    packets: u32,
    span: Option<Probed>,
}

/// A burst of fewer packets has no length.
const MIN_PROBE_PACKETS: u32 = 2;

#[derive(Debug)]
struct Frame<P> {
    packets: VecDeque<(usize, P)>,
    bytes: usize,
    keyframe: bool,
    started: bool,
    queued_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    /// Frames were dropped; the encoder is told once the queue has room, and again from time to time.
    Yes {
        asked_at: Option<Instant>,
    },
}

impl<P> Pacer<P> {
    /// A pacer that sends at `bps` ([`super::rate::Rate::pacing`]).
    pub fn new(config: Config, bps: u32) -> Self {
        Self {
            config,
            bucket: Bucket::new(bps, config.burst),
            bps,
            audio: VecDeque::new(),
            repairs: VecDeque::new(),
            repair_bytes: 0,
            parity: VecDeque::new(),
            frames: VecDeque::new(),
            video_bytes: 0,
            keyframe: Wanted::No,
            dropped: 0,
            probe: None,
            probed: None,
            sent_video: false,
        }
    }

    /// In bits a second.
    pub fn set_rate(&mut self, bps: u32, now: Instant) {
        self.bps = bps;
        if self.probe.is_none_or(|under_way| !under_way.begun) {
            self.bucket.set_rate(bps, now);
        }
    }

    /// Queues one packet of sound; `size` in bytes.
    pub fn push_audio(&mut self, size: usize, packet: P) {
        if self.audio.len() == MAX_SMALL_QUEUE {
            self.audio.pop_front();
        }
        self.audio.push_back((size, packet));
    }

    /// Queues one packet to be sent again.
    pub fn push_repair(&mut self, size: usize, packet: P) {
        if self.repairs.len() == MAX_SMALL_QUEUE {
            self.repair_bytes -= self.repairs.pop_front().map_or(0, |(size, _)| size);
        }
        self.repair_bytes += size;
        self.repairs.push_back((size, packet));
    }

    /// Queues one packet of parity for pictures that have left: it follows the frame under way.
    pub fn push_parity(&mut self, size: usize, packet: P) {
        if self.parity.len() == MAX_PARITY {
            self.parity.pop_front();
        }
        self.parity.push_back((size, packet));
    }

    /// Queues one video frame's packets with their sizes; false if it was dropped.
    pub fn push_video(&mut self, packets: impl IntoIterator<Item = (usize, P)>, keyframe: bool, now: Instant) -> bool {
        let packets: VecDeque<_> = packets.into_iter().collect();
        if packets.is_empty() {
            return true;
        }
        if keyframe {
            if self.queued() > SUPERSEDED_AFTER {
                self.drop_frames(|_| true);
            }
            self.keyframe = Wanted::No;
        } else {
            if self.keyframe == Wanted::No && self.queued() > self.config.max_queue {
                self.give_up();
            }
            if self.keyframe != Wanted::No {
                self.dropped += 1;
                return false;
            }
        }
        let bytes = packets.iter().map(|(size, _)| size).sum();
        self.video_bytes += bytes;
        self.frames.push_back(Frame { packets, bytes, keyframe, started: false, queued_at: now });
        true
    }

    pub fn poll(&mut self, now: Instant) -> Poll<P> {
        if let Some((size, packet)) = self.audio.pop_front() {
            self.bucket.charge_within(size, SOUND_DELAYS, now);
            self.count(size, now);
            return Poll::Send(packet);
        }
        self.drop_stale(now);
        let nothing = self.repairs.is_empty() && self.frames.is_empty() && self.parity.is_empty();
        if nothing && !(self.probe.is_some() && self.sent_video) {
            return Poll::Idle;
        }
        self.begin_probe();
        if let Some(at) = self.bucket.ready_at(now) {
            return Poll::Wait(at);
        }
        match self.next_paced() {
            Some((size, packet)) => {
                self.charge(size, now);
                Poll::Send(packet)
            }
            None => Poll::Padding,
        }
    }

    /// Sends a burst as soon as there is a picture to begin with: what waits goes faster for so many bytes, and padding fills it up.
    pub fn probe(&mut self, probe: Probe) {
        self.probe = Some(UnderWay { probe, begun: false, sent: 0, packets: 0, span: None });
    }

    /// A packet of padding was sent in answer to [`Poll::Padding`]; of no bytes if there can be none, which ends the probe.
    pub fn on_padding(&mut self, size: usize, now: Instant) {
        if size == 0 {
            self.end_probe();
        } else {
            self.charge(size, now);
        }
    }

    /// The probe that has ended since the last call.
    pub fn take_probed(&mut self) -> Option<Probed> {
        self.probed.take()
    }

    /// True when the encoder must make a keyframe because frames were dropped.
    pub fn take_keyframe_request(&mut self, now: Instant) -> bool {
        let Wanted::Yes { asked_at } = self.keyframe else { return false };
        let due = match asked_at {
            None => self.queued() <= self.config.max_queue / 4,
            Some(asked) => now.saturating_duration_since(asked) >= ASK_AGAIN,
        };
        if due {
            self.keyframe = Wanted::Yes { asked_at: Some(now) };
        }
        due
    }

    /// How long a frame queued now would wait.
    pub fn queued(&self) -> Duration {
        self.bucket.time(self.repair_bytes + self.video_bytes)
    }

    /// Video frames dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn next_paced(&mut self) -> Option<(usize, P)> {
        if let Some((size, packet)) = self.repairs.pop_front() {
            self.repair_bytes -= size;
            return Some((size, packet));
        }
        // Parity leaves with the pictures that it covers: behind others it would come too late, and they would be repaired on request. But a
        // queue has to drain: pictures dropped here freeze the other end for longer than any loss.
        if self.frames.front().is_none_or(|frame| !frame.started && self.queued() < PARITY_WAITS)
            && let Some(parity) = self.parity.pop_front()
        {
            return Some(parity);
        }
        let frame = self.frames.front_mut()?;
        frame.started = true;
        self.sent_video = true;
        let (size, packet) = frame.packets.pop_front()?;
        frame.bytes -= size;
        self.video_bytes -= size;
        if frame.packets.is_empty() {
            self.frames.pop_front();
        }
        Some((size, packet))
    }

    /// Frames that have waited too long, because the rate fell after they were queued.
    fn drop_stale(&mut self, now: Instant) {
        let stale = |frame: &Frame<P>| !frame.started && now.saturating_duration_since(frame.queued_at) > self.config.max_queue;
        if self.frames.iter().any(|frame| !frame.keyframe && stale(frame)) {
            self.give_up();
        }
    }

    /// Gives up the pictures that wait. A waiting keyframe stays: without it the next one would wait just as long.
    fn give_up(&mut self) {
        self.drop_frames(|frame| !frame.keyframe);
        self.keyframe = Wanted::Yes { asked_at: None };
    }

    fn drop_frames(&mut self, which: impl Fn(&Frame<P>) -> bool) {
        let (dropped, bytes) = (&mut self.dropped, &mut self.video_bytes);
        self.frames.retain(|frame| {
            let keep = frame.started || !which(frame);
            if !keep {
                *dropped += 1;
                *bytes -= frame.bytes;
            }
            keep
        });
    }

    /// The burst starts with the first packet that is paced; sound before it is no part of it.
    fn begin_probe(&mut self) {
        if let Some(under_way) = &mut self.probe {
            under_way.begun = true;
            self.bucket.set_rate_ahead(under_way.probe.bps);
        }
    }

    fn charge(&mut self, size: usize, now: Instant) {
        self.bucket.charge(size, now);
        self.count(size, now);
    }

    /// What left is a part of the probe under way.
    fn count(&mut self, size: usize, now: Instant) {
        let Some(under_way) = self.probe.as_mut().filter(|under_way| under_way.begun) else { return };
        under_way.packets += 1;
        under_way.sent += size;
        under_way.span.get_or_insert(Probed { first: now, last: now }).last = now;
        if under_way.sent >= under_way.probe.bytes && under_way.packets >= MIN_PROBE_PACKETS {
            self.end_probe();
        }
    }

    fn end_probe(&mut self) {
        self.probed = self.probe.take().and_then(|under_way| under_way.span);
        self.bucket.set_rate_ahead(self.bps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    /// A pacer at 800 packets of 1,000 bytes a second.
    fn pacer() -> Pacer<&'static str> {
        Pacer::new(Config::default(), 6_400_000)
    }

    fn frame(name: &'static str, packets: usize) -> Vec<(usize, &'static str)> {
        vec![(1000, name); packets]
    }

    /// Everything that leaves until the queue is empty, with the time it left.
    fn drain(pacer: &mut Pacer<&'static str>, start: Instant) -> Vec<(&'static str, Duration)> {
        let (mut now, mut left) = (start, Vec::new());
        loop {
            match pacer.poll(now) {
                Poll::Send(packet) => left.push((packet, now - start)),
                Poll::Padding => {
                    pacer.on_padding(250, now);
                    left.push(("padding", now - start));
                }
                Poll::Wait(at) => now = at,
                Poll::Idle => return left,
            }
        }
    }

    #[test]
    fn sound_overtakes_repairs_and_repairs_overtake_pictures() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("video", 2), false, now));
        pacer.push_repair(1000, "repair");
        pacer.push_audio(100, "audio");
        let order: Vec<_> = drain(&mut pacer, now).into_iter().map(|(name, _)| name).collect();
        assert_eq!(order, ["audio", "repair", "video", "video"]);
    }

    #[test]
    fn parity_leaves_after_the_frame_under_way_and_before_the_next() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("first", 2), false, now));
        assert_eq!(pacer.poll(now), Poll::Send("first"));
        pacer.push_parity(1000, "parity");
        assert!(pacer.push_video(frame("second", 1), false, now));
        let order: Vec<_> = drain(&mut pacer, now).into_iter().map(|(name, _)| name).collect();
        assert_eq!(order, ["first", "parity", "second"]);
    }

    #[test]
    fn sound_does_not_wait_behind_a_keyframe() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("key", 100), true, now));
        while let Poll::Send(_) = pacer.poll(now) {}
        pacer.push_audio(100, "audio");
        assert_eq!(pacer.poll(now), Poll::Send("audio"));
    }

    #[test]
    fn pictures_leave_at_the_pacing_rate() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("video", 80), false, now));
        let left = drain(&mut pacer, now);
        assert_eq!(left.len(), 80);
        let last = left[79].1;
        assert!(last > 90 * MS && last < 101 * MS, "{last:?}");
        let first_ten_ms = left.iter().filter(|(_, at)| *at <= 10 * MS).count();
        assert!(first_ten_ms <= 13, "{first_ten_ms}");
    }

    #[test]
    fn a_keyframe_leaves_within_one_frame_interval_on_a_fast_link() {
        let (mut pacer, now) = (Pacer::new(Config::default(), 8_000_000), Instant::now());
        assert!(pacer.push_video(frame("key", 33), true, now));
        assert!(drain(&mut pacer, now).last().unwrap().1 <= 33 * MS);
    }

    #[test]
    fn a_keyframe_takes_the_time_that_the_rate_gives_it_and_sound_goes_between() {
        let (mut pacer, start) = (Pacer::new(Config::default(), 400_000), Instant::now());
        assert!(pacer.push_video(frame("key", 20), true, start));
        let (mut now, mut between) = (start, Vec::new());
        for packet in 0..25u32 {
            let due = start + packet * 20 * MS;
            pacer.push_audio(100, "audio");
            now = now.max(due);
            let mut ahead = 0;
            while let Poll::Send(name) = pacer.poll(now) {
                assert!(ahead > 0 || name == "audio", "sound waits for nothing");
                ahead += 1;
            }
            between.push(ahead - 1);
        }
        assert!(between.iter().all(|pictures| *pictures <= 2), "{between:?}");
        assert!(!pacer.take_keyframe_request(now));
    }

    #[test]
    fn a_probe_hurries_what_waits_and_fills_it_up_with_padding() {
        let (mut pacer, start) = (Pacer::new(Config::default(), 400_000), Instant::now());
        pacer.probe(Probe { bps: 4_000_000, bytes: 5_000 });
        assert_eq!(pacer.poll(start), Poll::Idle, "padding is nothing to begin with");
        assert!(pacer.push_video(frame("video", 2), false, start));
        let left = drain(&mut pacer, start);
        let names: Vec<_> = left.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [vec!["video"; 2], vec!["padding"; 12]].concat());
        let probed = pacer.take_probed().unwrap();
        assert_eq!((probed.first, probed.last), (start, start + left[13].1));
        assert!(left[13].1 <= 11 * MS, "{left:?}");
        assert_eq!(pacer.take_probed(), None);
    }

    #[test]
    fn sound_goes_first_in_a_probe_too() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("video", 1), false, now));
        drain(&mut pacer, now);
        pacer.probe(Probe { bps: 1_000_000, bytes: 5_000 });
        assert_eq!(pacer.poll(now + MS), Poll::Padding);
        pacer.on_padding(250, now + MS);
        pacer.push_audio(100, "audio");
        assert_eq!(pacer.poll(now + MS), Poll::Send("audio"));
    }

    #[test]
    fn a_probe_without_padding_ends() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("video", 1), false, now));
        drain(&mut pacer, now);
        pacer.probe(Probe { bps: 1_000_000, bytes: 5_000 });
        assert_eq!(pacer.poll(now + MS), Poll::Padding);
        pacer.on_padding(0, now + MS);
        assert_eq!(pacer.poll(now + MS), Poll::Idle);
        assert_eq!(pacer.take_probed(), None);
    }

    #[test]
    fn pictures_that_would_wait_too_long_are_dropped_for_a_keyframe() {
        let (mut pacer, now) = (Pacer::new(Config::default(), 800_000), Instant::now());
        assert!(pacer.push_video(frame("first", 20), false, now));
        assert_eq!(pacer.poll(now), Poll::Send("first"));
        assert!(pacer.push_video(frame("second", 25), false, now));
        assert!(!pacer.push_video(frame("third", 1), false, now));
        assert_eq!(pacer.dropped(), 2, "the frame under way is finished");
        assert!(!pacer.take_keyframe_request(now), "not while the rest is still queued");
        let left = drain(&mut pacer, now);
        assert!(left.iter().all(|(name, _)| *name == "first"));
        let later = now + left.last().unwrap().1;
        assert!(pacer.take_keyframe_request(later));
        assert!(!pacer.take_keyframe_request(later));
        assert!(!pacer.push_video(frame("fourth", 1), false, later));
        assert!(pacer.take_keyframe_request(later + ASK_AGAIN));
        assert!(pacer.push_video(frame("key", 1), true, later));
        assert!(pacer.push_video(frame("fifth", 1), false, later));
    }

    #[test]
    fn pictures_grown_stale_because_the_rate_fell_are_dropped() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("first", 100), false, now));
        assert!(pacer.push_video(frame("second", 100), false, now));
        pacer.set_rate(100_000, now);
        let left = drain(&mut pacer, now);
        assert!(left.iter().all(|(name, _)| *name == "first"));
        assert_eq!(pacer.dropped(), 1);
    }

    #[test]
    fn pictures_do_not_wait_for_what_sound_took_when_there_was_room_for_nothing_else() {
        let (mut pacer, start) = (pacer(), Instant::now());
        pacer.set_rate(32_000, start);
        for packet in 0..500u32 {
            pacer.push_audio(160, "audio");
            assert_eq!(pacer.poll(start + packet * 20 * MS), Poll::Send("audio"));
        }
        let later = start + 10_000 * MS;
        pacer.set_rate(320_000, later);
        assert!(pacer.push_video(frame("video", 1), false, later));
        assert!(drain(&mut pacer, later)[0].1 <= 10 * MS);
    }

    #[test]
    fn a_keyframe_replaces_the_pictures_before_it() {
        let (mut pacer, now) = (pacer(), Instant::now());
        assert!(pacer.push_video(frame("first", 2), false, now));
        assert_eq!(pacer.poll(now), Poll::Send("first"));
        assert!(pacer.push_video(frame("second", 100), false, now));
        assert!(pacer.push_video(frame("key", 1), true, now));
        let order: Vec<_> = drain(&mut pacer, now).into_iter().map(|(name, _)| name).collect();
        assert_eq!(order, ["first", "key"]);
    }

    proptest! {
        #[test]
        fn any_order_of_calls_stays_bounded_and_counts_right(
            calls in proptest::collection::vec((0u8..7, 0usize..1500, 0u64..50), 0..400)
        ) {
            let mut now = Instant::now();
            let mut pacer = Pacer::new(Config::default(), 500_000);
            for (call, size, step) in calls {
                match call {
                    0 => pacer.push_audio(size, "audio"),
                    1 => pacer.push_repair(size, "repair"),
                    2 => pacer.set_rate(size as u32 * 2000, now),
                    3 => { pacer.push_video(vec![(size, "video"); size % 40], size % 7 == 0, now); }
                    4 => { pacer.take_keyframe_request(now); }
                    6 => pacer.probe(Probe { bps: size as u32 * 2000, bytes: size * 4 }),
                    _ => now += Duration::from_millis(step),
                }
                if call == 5 {
                    while let Poll::Send(_) = pacer.poll(now) {}
                }
                let bytes: usize = pacer.frames.iter().flat_map(|frame| &frame.packets).map(|(size, _)| size).sum();
                prop_assert_eq!(bytes, pacer.video_bytes);
                prop_assert_eq!(pacer.repairs.iter().map(|(size, _)| size).sum::<usize>(), pacer.repair_bytes);
            }
            drain(&mut pacer, now);
            prop_assert!(pacer.frames.is_empty() && pacer.repairs.is_empty());
        }
    }
}
