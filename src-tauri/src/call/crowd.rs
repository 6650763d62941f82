//! Who of a crowd is subscribed to: the first to come, up to what a machine can decode and a person can look at.

use std::collections::VecDeque;

use crate::signal::{Code, Error, StreamId, StreamSource};

/// How many streams a window receives at once.
pub const MOST: usize = 32;

/// What to do with a stream that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Served,
    /// It waits, and nobody did before.
    FirstToWait,
    Waits,
}

/// The streams of a call, subscribed to or waiting.
#[derive(Debug, Default)]
pub struct Crowd {
    served: Vec<StreamId>,
    waiting: VecDeque<StreamId>,
}

impl Crowd {
    pub fn came(&mut self, stream: &StreamId) -> Arrival {
        if self.served.contains(stream) || self.served.len() < MOST {
            self.waiting.retain(|waiting| waiting != stream);
            self.served.retain(|served| served != stream);
            self.served.push(stream.clone());
            return Arrival::Served;
        }
        if self.waiting.contains(stream) {
            return Arrival::Waits;
        }
        let first = self.waiting.is_empty();
        // Somebody shows a screen for all to see it.
        match stream.source {
            StreamSource::Camera => self.waiting.push_back(stream.clone()),
            StreamSource::Screen => self.waiting.push_front(stream.clone()),
        }
        if first { Arrival::FirstToWait } else { Arrival::Waits }
    }

    /// The stream is gone; answers who is to be subscribed to in its place.
    pub fn went(&mut self, stream: &StreamId) -> Option<StreamId> {
        self.waiting.retain(|waiting| waiting != stream);
        self.served.retain(|served| served != stream);
        let next = if self.served.len() < MOST { self.waiting.pop_front()? } else { return None };
        self.served.push(next.clone());
        Some(next)
    }
}

/// Says that some have to wait.
pub fn full() -> Error {
    Error::new(Code::TooManyUsers, format!("This window shows {MOST} streams at once. The others are shown when somebody leaves."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Uid;

    fn camera(n: usize) -> StreamId {
        StreamId::camera(Uid::Number(n as u32 + 1))
    }

    #[test]
    fn a_hundred_people_are_served_up_to_the_most_and_the_rest_wait_their_turn() {
        let mut crowd = Crowd::default();
        let arrivals: Vec<Arrival> = (0..100).map(|n| crowd.came(&camera(n))).collect();
        assert!(arrivals[..MOST].iter().all(|arrival| *arrival == Arrival::Served));
        assert_eq!(arrivals.iter().filter(|arrival| **arrival == Arrival::FirstToWait).count(), 1, "it is said once");
        assert_eq!(crowd.went(&camera(MOST)), None, "who only waited leaves no place");
        assert_eq!(crowd.went(&camera(3)), Some(camera(MOST + 1)));
        assert_eq!(crowd.went(&camera(3)), None);
        let mut last = None;
        for n in 0..100 {
            last = crowd.went(&camera(n)).or(last);
        }
        assert_eq!((last, crowd.served, crowd.waiting), (Some(camera(99)), vec![], VecDeque::new()));
    }

    #[test]
    fn a_screen_is_first_among_those_who_wait() {
        let mut crowd = Crowd::default();
        (0..MOST + 2).for_each(|n| _ = crowd.came(&camera(n)));
        let screen = StreamId { source: StreamSource::Screen, ..camera(MOST + 1) };
        assert_eq!((crowd.came(&screen), crowd.came(&screen)), (Arrival::Waits, Arrival::Waits));
        assert_eq!((crowd.went(&camera(0)), crowd.went(&camera(1))), (Some(screen), Some(camera(MOST))));
    }

    #[test]
    fn a_stream_that_is_published_again_keeps_its_place() {
        let mut crowd = Crowd::default();
        (0..MOST).for_each(|n| _ = crowd.came(&camera(n)));
        assert_eq!(crowd.came(&camera(5)), Arrival::Served);
        assert_eq!(crowd.came(&camera(MOST)), Arrival::FirstToWait);
    }
}
