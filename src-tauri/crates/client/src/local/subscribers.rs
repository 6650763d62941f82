//! Who gets a local stream: the connected publishers, what each can take, which picture it gets, and who waits for a keyframe.
//!
//! Invariants: a picture goes to those who have had a keyframe of it since they connected or last got another, and to
//! nobody else; sending never waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use media::encode::EncodedVideo;
use signal::{Layer, StreamType, SubscriptionId, Want};
use tokio::sync::watch;
use transport::{Event, Publisher};

use super::layers::{Choice, Situation};

/// Where a subscription's media goes. Never waits.
pub(super) trait Sink: Send {
    fn send_video(&self, video: &EncodedVideo);
    fn send_audio(&self, packet: &[u8], captured: Instant);
    /// How long a picture sent now waits until it may leave.
    fn queued(&self) -> Duration;
    /// What was sent so far, repairs included, in bytes.
    fn sent(&self) -> u64;
    /// What the path carries, in bits per second.
    fn available_bps(&self) -> u32;
    /// Whether sound that was lost can be described to it by later packets.
    fn knows_dred(&self) -> bool;
}

impl Sink for Arc<Publisher> {
    fn send_video(&self, video: &EncodedVideo) {
        Publisher::send_video(self, &video.data, video.captured, video.keyframe);
    }

    fn send_audio(&self, packet: &[u8], captured: Instant) {
        Publisher::send_audio(self, packet, captured);
    }

    fn queued(&self) -> Duration {
        Publisher::queued(self)
    }

    fn sent(&self) -> u64 {
        let stats = self.stats();
        stats.video.bytes + stats.audio.bytes
    }

    fn available_bps(&self) -> u32 {
        self.stats().target_bps
    }

    fn knows_dred(&self) -> bool {
        Publisher::knows_dred(self)
    }
}

/// What an event asks of the video encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    /// Somebody cannot go on without a keyframe.
    Keyframe(StreamType),
    /// Somebody new has seen nothing yet.
    FirstKeyframe(StreamType),
}

struct Entry<S> {
    sink: S,
    connected: bool,
    had_keyframe: bool,
    target_bps: Option<u32>,
    loss_percent: u8,
    choice: Choice,
    /// Tells what the choice is.
    layer: watch::Sender<Layer>,
}

impl<S> Entry<S> {
    /// The picture that it is sent, if it is sent one.
    fn picture(&self) -> Option<StreamType> {
        self.choice.layer().picture().filter(|_| self.connected)
    }
}

/// All subscriptions of a stream.
pub(super) struct Subscribers<S = Arc<Publisher>> {
    entries: Mutex<HashMap<SubscriptionId, Entry<S>>>,
    /// Bytes that were sent to subscriptions that are gone.
    past: AtomicU64,
    /// Assumed of a connection until it says what it can take, in bits per second.
    start_bps: u32,
}

impl<S: Sink> Subscribers<S> {
    pub fn new(start_bps: u32) -> Self {
        Self { entries: Mutex::default(), past: AtomicU64::new(0), start_bps }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SubscriptionId, Entry<S>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A subscription that is not connected yet; answers what it is sent, newest wins.
    pub fn add(&self, id: SubscriptionId, sink: S) -> watch::Receiver<Layer> {
        let (layer, layers) = watch::channel(Layer::default());
        let choice = Choice::default();
        self.lock().insert(id, Entry { sink, connected: false, had_keyframe: false, target_bps: None, loss_percent: 0, choice, layer });
        layers
    }

    /// What a subscriber wants of the picture.
    pub fn want(&self, id: &SubscriptionId, want: Want) {
        if let Some(entry) = self.lock().get_mut(id) {
            entry.choice.want = want;
        }
    }

    pub fn remove(&self, id: &SubscriptionId) {
        let removed = self.lock().remove(id);
        self.bury(removed);
    }

    pub fn clear(&self) {
        let removed = std::mem::take(&mut *self.lock());
        self.bury(removed.into_values());
    }

    fn bury(&self, removed: impl IntoIterator<Item = Entry<S>>) {
        let bytes = removed.into_iter().map(|entry| entry.sink.sent()).sum();
        self.past.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many are connected, what their paths carry together in bits per second, and what was sent to all so far in bytes.
    pub fn carried(&self) -> (usize, u64, u64) {
        let entries = self.lock();
        let connected = entries.values().filter(|entry| entry.connected);
        let available = connected.clone().map(|entry| u64::from(entry.sink.available_bps())).sum();
        let sent: u64 = entries.values().map(|entry| entry.sink.sent()).sum();
        (connected.count(), available, self.past.load(Ordering::Relaxed) + sent)
    }

    /// What the slowest path to anybody carries, in bits per second; `None` while nobody is connected.
    pub fn slowest_bps(&self) -> Option<u32> {
        self.lock().values().filter(|entry| entry.connected).map(|entry| entry.sink.available_bps()).min()
    }

    /// Takes what a subscription's connection reports.
    pub fn on_event(&self, id: &SubscriptionId, event: &Event) -> Wish {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(id) else { return Wish::Nothing };
        match event {
            Event::Connected => {
                entry.connected = true;
                entry.had_keyframe = false;
                return entry.picture().map_or(Wish::Nothing, Wish::FirstKeyframe);
            }
            Event::Disconnected | Event::Failed(_) => entry.connected = false,
            Event::KeyframeRequested => return entry.picture().map_or(Wish::Nothing, Wish::Keyframe),
            Event::TargetBitrate(bps) => entry.target_bps = Some(*bps),
            Event::Loss(percent) => entry.loss_percent = *percent,
            Event::Candidate(_) | Event::AudioStarted | Event::VideoStarted | Event::TurnTrouble(_) => {}
        }
        Wish::Nothing
    }

    /// Chooses what everybody gets: the large picture takes `max_bps` at most, the small one (if there is one) `low_bps`. Answers which
    /// pictures have somebody new, who needs a keyframe.
    pub fn choose(&self, low_bps: Option<u32>, max_bps: u32, now: Instant) -> Vec<StreamType> {
        let mut entries = self.lock();
        let target = |entry: &Entry<S>| entry.target_bps.unwrap_or(self.start_bps);
        let best_bps = entries.values().filter(|entry| entry.connected).map(target).max().unwrap_or(0).min(max_bps);
        let mut new = Vec::new();
        for entry in entries.values_mut().filter(|entry| entry.connected) {
            let layer = entry.choice.update(&Situation { low_bps, best_bps, target_bps: target(entry) }, now);
            if entry.layer.send_if_modified(|told| std::mem::replace(told, layer) != layer) {
                entry.had_keyframe = false;
                new.extend(layer.picture());
            }
        }
        new
    }

    /// The lowest bitrate that a picture may use, in bits per second; `None` while nobody gets it.
    pub fn target_bps(&self, picture: StreamType) -> Option<u32> {
        let entries = self.lock();
        entries.values().filter(|entry| entry.picture() == Some(picture)).map(|entry| entry.target_bps.unwrap_or(self.start_bps)).min()
    }

    /// How long a picture sent now waits on the way to the slowest who gets it; zero while nobody does.
    pub fn queued(&self, picture: StreamType) -> Duration {
        let entries = self.lock();
        entries.values().filter(|entry| entry.picture() == Some(picture)).map(|entry| entry.sink.queued()).max().unwrap_or_default()
    }

    /// The worst loss on the way to anybody, in percent; `None` while nobody is connected.
    pub fn loss_percent(&self) -> Option<u8> {
        self.lock().values().filter(|entry| entry.connected).map(|entry| entry.loss_percent).max()
    }

    /// The worst loss on the way to anybody who understands deep redundancy, in percent; `None` while nobody who does is connected.
    pub fn dred_loss_percent(&self) -> Option<u8> {
        let entries = self.lock();
        entries.values().filter(|entry| entry.connected && entry.sink.knows_dred()).map(|entry| entry.loss_percent).max()
    }

    pub fn send_video(&self, picture: StreamType, video: &EncodedVideo) {
        for entry in self.lock().values_mut().filter(|entry| entry.picture() == Some(picture)) {
            entry.had_keyframe |= video.keyframe;
            if entry.had_keyframe {
                entry.sink.send_video(video);
            }
        }
    }

    pub fn send_audio(&self, packet: &[u8], captured: Instant) {
        self.lock().values().filter(|entry| entry.connected).for_each(|entry| entry.sink.send_audio(packet, captured));
    }

    /// Reads something off every sink.
    pub fn map<R>(&self, read: impl Fn(&S) -> R) -> Vec<R> {
        self.lock().values().map(|entry| read(&entry.sink)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Tells what it gets: a picture's first byte, or a packet's. Those with an even number understand deep redundancy.
    struct Told(Sender<u8>, u8);

    impl Sink for Told {
        fn send_video(&self, video: &EncodedVideo) {
            self.0.send(video.data[0]).expect("the test listens");
        }

        fn send_audio(&self, packet: &[u8], _: Instant) {
            self.0.send(packet[0]).expect("the test listens");
        }

        fn queued(&self) -> Duration {
            Duration::ZERO
        }

        fn sent(&self) -> u64 {
            100
        }

        fn available_bps(&self) -> u32 {
            1000
        }

        fn knows_dred(&self) -> bool {
            self.1.is_multiple_of(2)
        }
    }

    fn id(number: u8) -> SubscriptionId {
        format!("{number:016x}").parse().expect("16 hexadecimal characters")
    }

    fn add(subscribers: &Subscribers<Told>, number: u8) -> Receiver<u8> {
        let (sender, receiver) = channel();
        subscribers.add(id(number), Told(sender, number));
        receiver
    }

    fn picture(byte: u8, keyframe: bool) -> EncodedVideo {
        EncodedVideo { data: vec![byte], keyframe, width: 2, height: 2, captured: Instant::now() }
    }

    #[test]
    fn a_new_subscriber_is_sent_nothing_before_its_keyframe() {
        let subscribers = Subscribers::new(1);
        let (first, second) = (add(&subscribers, 1), add(&subscribers, 2));
        assert_eq!(subscribers.on_event(&id(1), &Event::Connected), Wish::FirstKeyframe(StreamType::High));
        subscribers.send_video(StreamType::High, &picture(1, true));
        subscribers.on_event(&id(2), &Event::Connected);
        subscribers.send_video(StreamType::High, &picture(2, false));
        subscribers.send_video(StreamType::High, &picture(3, true));
        subscribers.send_video(StreamType::High, &picture(4, false));
        drop(subscribers);
        assert_eq!((first.iter().collect::<Vec<_>>(), second.iter().collect::<Vec<_>>()), (vec![1, 2, 3, 4], vec![3, 4]));
    }

    #[test]
    fn who_is_not_connected_gets_nothing_and_starts_over_when_back() {
        let subscribers = Subscribers::new(1);
        let pictures = add(&subscribers, 1);
        subscribers.on_event(&id(1), &Event::Connected);
        subscribers.send_video(StreamType::High, &picture(1, true));
        subscribers.on_event(&id(1), &Event::Disconnected);
        subscribers.send_video(StreamType::High, &picture(2, true));
        subscribers.send_audio(&[3], Instant::now());
        assert_eq!(subscribers.on_event(&id(1), &Event::KeyframeRequested), Wish::Nothing);
        assert_eq!(subscribers.on_event(&id(1), &Event::Connected), Wish::FirstKeyframe(StreamType::High));
        subscribers.send_video(StreamType::High, &picture(4, false));
        subscribers.send_audio(&[5], Instant::now());
        assert_eq!(subscribers.on_event(&id(1), &Event::KeyframeRequested), Wish::Keyframe(StreamType::High));
        subscribers.remove(&id(1));
        assert_eq!(pictures.iter().collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn the_slowest_connected_subscriber_sets_the_bitrate_and_the_worst_the_loss() {
        let subscribers = Subscribers::new(700);
        let _keep: Vec<_> = (1..=3).map(|number| add(&subscribers, number)).collect();
        assert_eq!((subscribers.target_bps(StreamType::High), subscribers.loss_percent()), (None, None));
        for number in 1..=3 {
            subscribers.on_event(&id(number), &Event::TargetBitrate(u32::from(number) * 100));
            subscribers.on_event(&id(number), &Event::Loss(number * 3));
        }
        subscribers.on_event(&id(2), &Event::Connected);
        subscribers.on_event(&id(3), &Event::Connected);
        assert_eq!((subscribers.target_bps(StreamType::High), subscribers.loss_percent()), (Some(200), Some(9)));
        assert_eq!(subscribers.dred_loss_percent(), Some(6), "of those who understand it");
        subscribers.remove(&id(2));
        assert_eq!(subscribers.dred_loss_percent(), None);
    }

    #[test]
    fn what_was_sent_to_those_who_left_still_counts() {
        let subscribers = Subscribers::new(700);
        let _keep: Vec<_> = (1..=3).map(|number| add(&subscribers, number)).collect();
        subscribers.on_event(&id(1), &Event::Connected);
        assert_eq!(subscribers.carried(), (1, 1000, 300));
        subscribers.remove(&id(1));
        assert_eq!(subscribers.carried(), (0, 0, 300));
        subscribers.clear();
        assert_eq!(subscribers.carried(), (0, 0, 300));
    }

    #[test]
    fn a_connection_that_has_not_said_is_assumed_to_take_the_start() {
        let subscribers = Subscribers::new(700);
        let _keep = add(&subscribers, 1);
        subscribers.on_event(&id(1), &Event::Connected);
        assert_eq!(subscribers.target_bps(StreamType::High), Some(700));
        assert_eq!(subscribers.on_event(&id(9), &Event::Connected), Wish::Nothing);
    }

    #[test]
    fn who_gets_another_picture_waits_for_its_keyframe_and_is_told() {
        let subscribers = Subscribers::new(900_000);
        let (sender, pictures) = channel();
        let mut layers = subscribers.add(id(1), Told(sender, 1));
        let _keep = add(&subscribers, 2);
        for number in 1..=2 {
            subscribers.on_event(&id(number), &Event::Connected);
        }
        subscribers.send_video(StreamType::High, &picture(1, true));
        subscribers.want(&id(1), Want { stream_type: StreamType::Low, ..Want::default() });
        assert_eq!(subscribers.choose(Some(50_000), 900_000, Instant::now()), [StreamType::Low]);
        assert!(layers.has_changed().expect("subscribed") && *layers.borrow_and_update() == Layer::Low);
        subscribers.send_video(StreamType::High, &picture(2, true));
        subscribers.send_video(StreamType::Low, &picture(3, false));
        subscribers.send_video(StreamType::Low, &picture(4, true));
        assert_eq!(subscribers.on_event(&id(1), &Event::KeyframeRequested), Wish::Keyframe(StreamType::Low));
        assert_eq!((subscribers.choose(Some(50_000), 900_000, Instant::now()), layers.has_changed().ok()), (vec![], Some(false)));
        drop(subscribers);
        assert_eq!(pictures.iter().collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn each_picture_has_the_bitrate_of_the_slowest_who_gets_it() {
        let subscribers = Subscribers::new(700_000);
        let _keep: Vec<_> = (1..=3).map(|number| add(&subscribers, number)).collect();
        for (number, kbps) in [(1, 900), (2, 600), (3, 90)] {
            subscribers.on_event(&id(number), &Event::Connected);
            subscribers.on_event(&id(number), &Event::TargetBitrate(kbps * 1000));
        }
        let start = Instant::now();
        assert_eq!(subscribers.choose(Some(50_000), 900_000, start), []);
        assert_eq!(subscribers.target_bps(StreamType::High), Some(90_000));
        assert_eq!(subscribers.choose(Some(50_000), 900_000, start + Duration::from_secs(2)), [StreamType::Low]);
        let targets = [StreamType::High, StreamType::Low].map(|picture| subscribers.target_bps(picture));
        assert_eq!(targets, [Some(600_000), Some(90_000)]);
        assert_eq!(subscribers.choose(None, 900_000, start + Duration::from_secs(3)), [StreamType::High]);
        assert_eq!(subscribers.target_bps(StreamType::Low), None);
    }
}
