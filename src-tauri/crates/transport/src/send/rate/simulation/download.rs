//! A TCP download beside the calls: a window that grows until something is lost.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::network::Network;

const SEGMENT: usize = 1_500;
const INITIAL_WINDOW: f64 = 10.0;

/// How the window grows and shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// A segment a round trip, half after a loss (RFC 5681).
    Reno,
    /// A cubic function of the time since the last loss, seven tenths after one (RFC 9438).
    Cubic,
    /// It does not grow beyond so many segments: the receiver's room, or what the sender's system lets wait.
    Limited(u32),
}

/// One connection that always has something to send.
#[derive(Debug)]
pub struct Download {
    control: Control,
    /// In segments.
    window: f64,
    threshold: f64,
    /// When the acknowledgement of each segment under way comes, or would have come for one that is lost.
    under_way: VecDeque<Segment>,
    /// What was sent before this is of the time before the last cut.
    recovered_at: Option<Instant>,
    /// Cubic's window before the last cut, and when that was.
    summit: f64,
    cut_at: Option<Instant>,
    /// Bytes acknowledged so far.
    pub delivered: u64,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    sent: Instant,
    acked: Instant,
    lost: bool,
}

impl Download {
    pub fn new(control: Control) -> Self {
        Self {
            control,
            window: INITIAL_WINDOW,
            threshold: f64::INFINITY,
            under_way: VecDeque::new(),
            recovered_at: None,
            summit: 0.0,
            cut_at: None,
            delivered: 0,
        }
    }

    /// One step of the clock.
    pub fn step(&mut self, network: &mut Network, now: Instant) {
        while let Some(&segment) = self.under_way.front().filter(|segment| segment.acked <= now) {
            self.under_way.pop_front();
            if segment.lost { self.on_loss(segment.sent, now) } else { self.on_ack(now - segment.sent, now) }
        }
        while (self.under_way.len() as f64) < self.window.floor().max(1.0) {
            let back = network.link().one_way;
            let arrival = network.forward(SEGMENT, now);
            // A loss shows when the segments behind it are acknowledged.
            let acked = arrival.unwrap_or_else(|| now + network.queue(now) + back) + back;
            let after = self.under_way.back().map_or(acked, |last| last.acked.max(acked));
            self.under_way.push_back(Segment { sent: now, acked: after, lost: arrival.is_none() });
        }
    }

    fn on_ack(&mut self, round_trip: Duration, now: Instant) {
        self.delivered += SEGMENT as u64;
        if let Control::Limited(most) = self.control {
            self.window = (self.window + 1.0).min(f64::from(most));
            return;
        }
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        let reno = 1.0 / self.window;
        self.window += match (self.control, self.cut_at) {
            (Control::Cubic, Some(cut_at)) => {
                let since = (now - cut_at + round_trip).as_secs_f64();
                let target = cubic(self.summit, since).clamp(self.window, self.window * 1.5);
                ((target - self.window) / self.window).max(reno * 0.5)
            }
            _ => reno,
        };
    }

    fn on_loss(&mut self, sent: Instant, now: Instant) {
        if self.recovered_at.is_some_and(|recovered| sent < recovered) {
            return;
        }
        self.recovered_at = Some(now);
        self.cut_at = Some(now);
        self.summit = self.window;
        let kept = if self.control == Control::Cubic { 0.7 } else { 0.5 };
        self.window = (self.window * kept).max(2.0);
        self.threshold = self.window;
    }
}

/// RFC 9438 §4.2: the window so many seconds after it was cut at `summit`.
fn cubic(summit: f64, since: f64) -> f64 {
    const C: f64 = 0.4;
    let turn = (summit * 0.3 / C).cbrt();
    C * (since - turn).powi(3) + summit
}
