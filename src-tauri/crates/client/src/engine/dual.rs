//! Dual stream: whether a small picture is offered besides, and which.

use media::profile::{self, VideoProfile};
use session::ConnectionState;
use signal::{Code, Error, StreamSource};

use super::Engine;
use crate::LowStream;

#[derive(Debug, Default)]
pub(super) struct Dual {
    on: bool,
    stream: LowStream,
}

impl Dual {
    /// The small picture's profile, if there is to be one.
    pub fn low(&self) -> Option<VideoProfile> {
        let LowStream { size, fps, kbps } = self.stream;
        let (width, height) = size.unwrap_or(LowStream::SIZE);
        self.on.then_some(VideoProfile { width, height, fps, max_kbps: kbps })
    }
}

impl Engine {
    pub(super) fn set_dual_stream(&mut self, on: bool) -> Result<(), Error> {
        if self.calls.is_publishing() {
            return Err(Error::new(Code::StillOnPublishing, "A publish is under way; wait for its answer."));
        }
        match (self.dual.on, on) {
            (true, true) => return Err(Error::new(Code::EnableDualStreamFailed, "Dual stream is enabled already.")),
            (false, false) => return Err(Error::new(Code::DisableDualStreamFailed, "Dual stream is not enabled.")),
            _ => self.dual.on = on,
        }
        let low = self.dual.low();
        self.published.streams().for_each(|stream| stream.set_low(low.filter(|_| has_low(stream.source()))));
        Ok(())
    }

    pub(super) fn set_low_stream(&mut self, low: LowStream) -> Result<(), Error> {
        if self.session.connection_state() != ConnectionState::Connected {
            return Err(Error::new(Code::InvalidOperation, "Join a channel before choosing the low stream."));
        }
        if self.published.streams().next().is_some() {
            return Err(Error::new(Code::InvalidOperation, "Choose the low stream before publishing; unpublish first."));
        }
        check(low)?;
        self.dual.stream = low;
        Ok(())
    }
}

/// A screen has none: nobody could read it.
pub(super) fn has_low(source: StreamSource) -> bool {
    source == StreamSource::Camera
}

fn check(low: LowStream) -> Result<(), Error> {
    let LowStream { size, fps, kbps } = low;
    let (width, height) = size.unwrap_or(LowStream::SIZE);
    let possible = profile::SIDES.contains(&width)
        && profile::SIDES.contains(&height)
        && (1..=profile::MAX_FPS).contains(&fps)
        && (1..=profile::MAX_KBPS).contains(&kbps);
    let message = "A low stream has sides of 16 to 3840 pixels, 1 to 60 fps and 1 to 50,000 kb/s.";
    if possible { Ok(()) } else { Err(Error::new(Code::InvalidParameter, message)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_stream_is_agoras_unless_chosen_and_none_while_dual_stream_is_off() {
        let mut dual = Dual::default();
        assert_eq!(dual.low(), None);
        dual.on = true;
        assert_eq!(dual.low(), Some(VideoProfile { width: 160, height: 120, fps: 15, max_kbps: 50 }));
        dual.stream = LowStream { size: Some((320, 180)), ..LowStream::default() };
        assert_eq!(dual.low(), Some(VideoProfile { width: 320, height: 180, fps: 15, max_kbps: 50 }));
    }

    #[test]
    fn impossible_low_streams_are_refused() {
        assert_eq!(check(LowStream::default()), Ok(()));
        for low in [
            LowStream { size: Some((8, 120)), ..LowStream::default() },
            LowStream { size: Some((160, 4000)), ..LowStream::default() },
            LowStream { fps: 0, ..LowStream::default() },
            LowStream { kbps: 0, ..LowStream::default() },
        ] {
            assert_eq!(check(low).map_err(|error| error.code), Err(Code::InvalidParameter), "{low:?}");
        }
    }
}
