//! A microphone's processing, with what the speakers play as its reference.

use std::time::{Duration, Instant};

use media::AudioFrame;
use media::capture::processing::{Processor, Switches};
use media::playback::reference::{self, Listener};

pub(super) struct Processing {
    processor: Processor,
    /// Only the echo canceller listens.
    speakers: Option<Listener>,
}

impl Processing {
    /// For frames of `channels` channels.
    pub fn new(channels: u8) -> Self {
        Self { processor: Processor::new(Switches::NONE, channels), speakers: None }
    }

    /// Does to a frame, which is here at `now`, what the switches ask for.
    pub fn apply(&mut self, frame: &mut AudioFrame, switches: Switches, now: Instant) {
        self.processor.switch(switches);
        if switches.aec != self.speakers.is_some() {
            self.speakers = switches.aec.then(reference::listen);
        }
        let mut heard = Duration::ZERO;
        if let Some(speakers) = &mut self.speakers {
            speakers.drain(|block, latency| {
                self.processor.hear(block);
                heard = latency;
            });
        }
        self.processor.process(frame, heard + now.saturating_duration_since(frame.captured));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speakers_are_listened_to_while_echo_is_cancelled() {
        let mut processing = Processing::new(1);
        let now = Instant::now();
        let mut frame = AudioFrame { samples: vec![0.25; 480], channels: 1, captured: now };
        processing.apply(&mut frame, Switches::NONE, now);
        assert!(processing.speakers.is_none() && frame.samples == [0.25; 480]);
        processing.apply(&mut frame, Switches::ALL, now);
        assert!(processing.speakers.is_some() && frame.samples.len() == 480);
        processing.apply(&mut frame, Switches { ans: true, ..Switches::NONE }, now);
        assert!(processing.speakers.is_none());
    }
}
