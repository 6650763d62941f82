//! Publishing, unpublishing and muting.

use std::time::Instant;

use signal::{Code, Error, Event, Mode, Role, StreamId, StreamInfo, StreamSource, Uid};

use super::Channel;

impl Channel {
    pub(super) fn on_publish(&mut self, uid: &Uid, stream: StreamInfo, now: Instant) -> Result<(), Error> {
        own(uid, &stream.id)?;
        let Some(member) = self.members.get_mut(uid) else { return Ok(()) };
        member.rights.grant.allow_publishing(&stream, now)?;
        let old = member.streams.insert(stream.id.source, stream.clone());
        // audience -> Publish -> host
        self.take_role(uid, Role::Host);
        match old {
            None => self.tell_others(uid, Event::StreamAdded { stream }),
            Some(old) if old != stream => self.tell_others(uid, Event::StreamUpdated { stream }),
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) fn on_unpublish(&mut self, uid: &Uid, stream: StreamId) -> Result<(), Error> {
        own(uid, &stream)?;
        if self.withdraw(uid, stream.source) { Ok(()) } else { Err(not_published()) }
    }

    /// Takes a stream back, if it is published.
    pub(super) fn withdraw(&mut self, uid: &Uid, source: StreamSource) -> bool {
        let Some(member) = self.members.get_mut(uid) else { return false };
        let Some(StreamInfo { id: stream, .. }) = member.streams.remove(&source) else { return false };
        let was_last = member.mode == Mode::Live && member.streams.is_empty();
        self.end_subscriptions(|subscription| subscription.stream == stream, uid);
        self.tell_others(uid, Event::StreamRemoved { stream });
        if was_last {
            // host -> Unpublish of the last stream -> audience
            self.take_role(uid, Role::Audience);
        }
        true
    }

    pub(super) fn on_mute(&mut self, uid: &Uid, id: StreamId, audio: bool, video: bool) -> Result<(), Error> {
        own(uid, &id)?;
        let Some(member) = self.members.get_mut(uid) else { return Ok(()) };
        let stream = member.streams.get_mut(&id.source).ok_or_else(not_published)?;
        if (stream.audio_muted, stream.video_muted) != (audio, video) {
            (stream.audio_muted, stream.video_muted) = (audio, video);
            let stream = stream.clone();
            self.tell_others(uid, Event::StreamUpdated { stream });
        }
        Ok(())
    }
}

fn own(uid: &Uid, stream: &StreamId) -> Result<(), Error> {
    if stream.uid == *uid {
        Ok(())
    } else {
        Err(Error::new(Code::InvalidLocalStream, format!("The stream {stream} is not yours; your uid is {uid}.")))
    }
}

fn not_published() -> Error {
    Error::new(Code::StreamNotYetPublished, "This stream is not published; publish it first.")
}
