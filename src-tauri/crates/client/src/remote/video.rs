//! The picture of a remote stream: frames off the connection → decoder → the newest picture, at its time.
//!
//! Invariants: pictures are shown in order, each at its time or at once if that has passed, and none waits while another is decoded; a
//! picture that does not decode makes the connection ask for a keyframe. A connection's decoding thread ends with the connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use media::decode::h264::Decoder;
use media::{VideoFrame, decode, latest};
use transport::{ReceivedVideo as Received, Subscriber, VideoReceiver};

use super::freeze::Freezes;
use crate::stats::{ReceivedVideo, Window, ms};

/// The longest that a picture is held back for its time, whatever the clocks say.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// Where a stream's pictures go, whichever connection brings them.
pub(super) struct Picture {
    writer: Mutex<Option<latest::Writer<VideoFrame>>>,
    reader: latest::Reader<VideoFrame>,
    /// Set while the application does not want to see the stream.
    pub hidden: AtomicBool,
    counters: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    width: u32,
    height: u32,
    frames: u64,
    first_frame: Option<Instant>,
    freezes: Freezes,
    shown: Window,
    bits: Window,
    decode_ms: Window,
    latency_ms: Window,
}

impl Picture {
    pub fn new() -> Self {
        let (writer, reader) = latest::slot();
        Self { writer: Mutex::new(Some(writer)), reader, hidden: AtomicBool::default(), counters: Mutex::default() }
    }

    pub fn frames(&self) -> latest::Reader<VideoFrame> {
        self.reader.clone()
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<latest::Writer<VideoFrame>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readers see the end.
    pub fn close(&self) {
        self.writer().take();
    }

    /// The sender shows nothing for now, on purpose.
    pub fn on_pause(&self) {
        self.counters().freezes.on_pause();
    }

    /// Shows a picture; answers whether it is the stream's first.
    fn show(&self, frame: VideoFrame, captured: Option<Instant>, now: Instant) -> bool {
        let first = {
            let mut counters = self.counters();
            (counters.width, counters.height) = (frame.width(), frame.height());
            counters.frames += 1;
            counters.freezes.on_shown(now);
            counters.shown.add(1.0, now);
            if let Some(captured) = captured {
                counters.latency_ms.add(ms(now.saturating_duration_since(captured)), now);
            }
            let first = counters.first_frame.is_none();
            counters.first_frame.get_or_insert(now);
            first
        };
        if !self.hidden.load(Ordering::Relaxed)
            && let Some(writer) = self.writer().as_ref()
        {
            writer.set(frame);
        }
        first
    }

    fn count(&self, bytes: usize, took: Duration, now: Instant) {
        let mut counters = self.counters();
        counters.bits.add(bytes as f64 * 8.0, now);
        counters.decode_ms.add(ms(took), now);
    }

    /// What the pictures amount to, without the connection's part.
    pub fn stats(&self, now: Instant) -> ReceivedVideo {
        let mut counters = self.counters();
        ReceivedVideo {
            fps: counters.shown.count(now),
            width: counters.width,
            height: counters.height,
            bitrate_kbps: counters.bits.sum(now) / 1000.0,
            frozen_ms: ms(counters.freezes.frozen(now)),
            latency_ms: counters.latency_ms.mean(now),
            latencies_ms: counters.latency_ms.values(now),
            frames: counters.frames,
            decode_ms: counters.decode_ms.mean(now).unwrap_or(0.0),
            first_frame: counters.first_frame,
            ..ReceivedVideo::default()
        }
    }
}

/// One connection's pictures.
pub(super) struct Feed {
    pub picture: Arc<Picture>,
    /// Set when the connection does not carry the stream any more.
    pub detached: Arc<AtomicBool>,
    /// Weak, because a connection that nobody else holds is to end.
    pub subscriber: Weak<Subscriber>,
}

/// Starts to decode in a thread that ends with the connection; `on_first` is called at the stream's first picture.
pub(super) fn start(mut receiver: VideoReceiver, feed: Feed, on_first: impl Fn() + Send + 'static) {
    let body = move || {
        let mut decoder = match Decoder::new() {
            Ok(decoder) => decoder,
            Err(error) => return tracing::error!(%error, "a stream stays without picture"),
        };
        while let Some(received) = receiver.blocking_next() {
            if feed.detached.load(Ordering::Relaxed) {
                return;
            }
            match decode(&mut decoder, received, &feed.picture) {
                Ok(true) => on_first(),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "a picture was lost");
                    if let Some(subscriber) = feed.subscriber.upgrade() {
                        subscriber.request_keyframe();
                    }
                }
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("decode".into()).spawn(body) {
        tracing::error!(%error, "no thread for a stream's picture");
    }
}

/// Decodes a picture and shows it at its time; answers whether it is the stream's first.
fn decode(decoder: &mut Decoder, received: Received, picture: &Picture) -> Result<bool, decode::Error> {
    let Received { data, captured, render_at, .. } = received;
    let begun = Instant::now();
    let frame = decoder.decode(&data, captured.unwrap_or(begun))?;
    let decoded = Instant::now();
    picture.count(data.len(), decoded - begun, decoded);
    let Some(frame) = frame else { return Ok(false) };
    let hold = render_at.saturating_duration_since(decoded).min(LONGEST_HOLD);
    if !hold.is_zero() {
        std::thread::sleep(hold);
    }
    Ok(picture.show(frame, captured, Instant::now()))
}

#[cfg(test)]
mod tests {
    use media::encode::h264::{Config, Encoder};
    use media::latest::Next;

    use super::*;

    fn received(start: Instant, numbers: std::ops::Range<u32>) -> Vec<Received> {
        let mut encoder = Encoder::new(Config { width: 64, height: 48, fps: 30, bitrate_bps: 100_000 }).expect("a valid size");
        let encode = |number: u32| {
            let captured = start + Duration::from_millis(u64::from(number));
            let encoded =
                encoder.encode(&VideoFrame::black(64, 48, captured).expect("fits"), false).expect("encodes").expect("not skipped");
            Received { data: encoded.data, captured: Some(captured), render_at: start, keyframe: encoded.keyframe }
        };
        numbers.map(encode).collect()
    }

    #[test]
    fn pictures_are_shown_with_their_capture_time_and_the_first_is_told() {
        let (picture, mut decoder) = (Picture::new(), Decoder::new().expect("set up"));
        let (start, mut frames) = (Instant::now(), picture.frames());
        let firsts: Vec<_> = received(start, 0..3).into_iter().map(|received| decode(&mut decoder, received, &picture)).collect();
        assert_eq!(firsts, [Ok(true), Ok(false), Ok(false)]);
        let Next::Value(frame) = frames.next(Duration::ZERO) else { panic!("no picture") };
        assert_eq!((frame.width(), frame.captured()), (64, start + Duration::from_millis(2)));
        let stats = picture.stats(Instant::now());
        assert_eq!((stats.frames, stats.width, stats.height), (3, 64, 48));
        assert!(stats.first_frame.is_some() && stats.latency_ms.is_some());
    }

    #[test]
    fn a_picture_that_does_not_decode_is_an_error_and_the_one_before_stays() {
        let (picture, mut decoder) = (Picture::new(), Decoder::new().expect("set up"));
        let mut received = received(Instant::now(), 0..3);
        received.remove(1);
        let results: Vec<_> = received.into_iter().map(|received| decode(&mut decoder, received, &picture).is_ok()).collect();
        assert_eq!(results, [true, false]);
        assert!(picture.frames().peek().is_some());
    }

    #[test]
    fn a_hidden_stream_is_decoded_but_not_shown() {
        let (picture, mut decoder) = (Picture::new(), Decoder::new().expect("set up"));
        picture.hidden.store(true, Ordering::Relaxed);
        for received in received(Instant::now(), 0..2) {
            decode(&mut decoder, received, &picture).expect("decodes");
        }
        assert!(picture.frames().peek().is_none());
    }

    #[test]
    fn a_closed_stream_ends_for_its_readers_and_keeps_its_last_picture() {
        let (picture, mut decoder) = (Picture::new(), Decoder::new().expect("set up"));
        let mut frames = picture.frames();
        let mut received = received(Instant::now(), 0..2).into_iter();
        decode(&mut decoder, received.next().expect("two"), &picture).expect("decodes");
        picture.close();
        decode(&mut decoder, received.next().expect("two"), &picture).expect("decodes");
        assert!(matches!(frames.next(Duration::ZERO), Next::Value(_)));
        assert!(matches!(frames.next(Duration::ZERO), Next::Closed));
        assert!(frames.peek().is_some());
    }
}
