//! What packets sent back to back say about the bottleneck: they arrive as far apart as it takes to serve them.

use std::time::{Duration, Instant};

use super::Sample;

/// Packets further apart than this are not of one train.
const MAX_GAP: Duration = Duration::from_millis(8);

/// A shorter train says too little.
const MIN_PACKETS: usize = 8;
const MIN_BYTES: usize = 8_000;

/// Arrival as slow as this share of sending means that the bottleneck set the pace.
const SATURATED: f64 = 0.85;

/// What a train measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Bits a second: the bottleneck's rate, or at least that if not saturated.
    pub bps: f64,
    pub saturated: bool,
}

/// Finds trains in the packets that feedback covers.
#[derive(Debug, Default)]
pub struct Trains {
    train: Option<Train>,
}

#[derive(Debug)]
struct Train {
    first_sent: Instant,
    last_sent: Instant,
    packets: usize,
    /// After the first packet, whose sending the span does not contain.
    sent_bytes: usize,
    arrived_bytes: usize,
    first_arrival: Option<Duration>,
    last_arrival: Duration,
}

impl Trains {
    /// A packet in order of sending; what the train that ended with the one before it measured.
    pub fn add(&mut self, sample: &Sample) -> Option<Capacity> {
        if let Some(train) = self.train.as_mut().filter(|train| sample.sent.saturating_duration_since(train.last_sent) <= MAX_GAP) {
            train.extend(sample);
            return None;
        }
        let finished = self.train.replace(Train {
            first_sent: sample.sent,
            last_sent: sample.sent,
            packets: 1,
            sent_bytes: 0,
            arrived_bytes: 0,
            first_arrival: sample.arrival,
            last_arrival: sample.arrival.unwrap_or_default(),
        });
        finished.and_then(|train| train.capacity())
    }

    /// What the last train measured, if it has ended by `now`.
    pub fn finish(&mut self, now: Instant) -> Option<Capacity> {
        self.train.take_if(|train| now.saturating_duration_since(train.last_sent) > MAX_GAP)?.capacity()
    }
}

impl Train {
    fn extend(&mut self, sample: &Sample) {
        self.last_sent = self.last_sent.max(sample.sent);
        self.packets += 1;
        self.sent_bytes += sample.size;
        let Some(arrival) = sample.arrival else { return };
        match self.first_arrival {
            None => self.first_arrival = Some(arrival),
            Some(_) => self.arrived_bytes += sample.size,
        }
        self.last_arrival = self.last_arrival.max(arrival);
    }

    fn capacity(&self) -> Option<Capacity> {
        if self.packets < MIN_PACKETS || self.arrived_bytes < MIN_BYTES {
            return None;
        }
        // A span of nothing is a span too short to measure.
        let seconds = |span: Duration| span.as_secs_f64().max(1e-4);
        let sent = self.sent_bytes as f64 * 8.0 / seconds(self.last_sent.saturating_duration_since(self.first_sent));
        let arrived = self.arrived_bytes as f64 * 8.0 / seconds(self.last_arrival.saturating_sub(self.first_arrival?));
        let survived = self.arrived_bytes as f64 / self.sent_bytes as f64;
        Some(Capacity { bps: sent.min(arrived), saturated: arrived < SATURATED * sent * survived })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(trains: &mut Trains, sent_gap_us: u32, arrival_gap_us: u32, packets: u32, start: Instant) -> Option<Capacity> {
        for packet in 0..packets {
            let arrival = Some(Duration::from_secs(9) + packet * Duration::from_micros(arrival_gap_us.into()));
            let sent = start + packet * Duration::from_micros(sent_gap_us.into());
            assert_eq!(trains.add(&Sample { sent, arrival, size: 1250 }), None);
        }
        trains.finish(start + Duration::from_secs(1))
    }

    #[test]
    fn a_slow_bottleneck_shows_in_the_arrivals() {
        let capacity = train(&mut Trains::default(), 1000, 10_000, 20, Instant::now()).unwrap();
        assert!(capacity.saturated);
        assert!((capacity.bps - 1e6).abs() < 1e3, "{capacity:?}");
    }

    #[test]
    fn a_fast_path_is_at_least_as_fast_as_the_train() {
        let capacity = train(&mut Trains::default(), 1000, 1000, 20, Instant::now()).unwrap();
        assert!(!capacity.saturated);
        assert!((capacity.bps - 10e6).abs() < 1e4, "{capacity:?}");
    }

    #[test]
    fn few_packets_or_spread_ones_are_no_train() {
        let mut trains = Trains::default();
        assert_eq!(train(&mut trains, 1000, 1000, 5, Instant::now()), None);
        assert_eq!(train(&mut trains, 9000, 9000, 20, Instant::now() + Duration::from_secs(5)), None);
    }
}
