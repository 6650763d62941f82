//! Publishing, unpublishing and muting.

use signal::{Code, Error, Event, LeaveReason, StreamId, StreamInfo, Uid};

use super::Channel;

impl Channel {
    pub(super) fn on_publish(&mut self, uid: &Uid, stream: StreamInfo) -> Result<(), Error> {
        own(uid, &stream.id)?;
        let Some(member) = self.members.get_mut(uid) else { return Ok(()) };
        member.grant.allow_publishing(&stream)?;
        let was_host = member.is_host();
        match member.streams.insert(stream.id.source, stream.clone()) {
            None => {
                if !was_host {
                    // audience -> Publish -> host
                    self.tell_others(uid, Event::PeerOnline { uid: uid.clone() });
                }
                self.tell_others(uid, Event::StreamAdded { stream });
            }
            Some(old) if old != stream => self.tell_others(uid, Event::StreamUpdated { stream }),
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) fn on_unpublish(&mut self, uid: &Uid, stream: StreamId) -> Result<(), Error> {
        own(uid, &stream)?;
        let Some(member) = self.members.get_mut(uid) else { return Ok(()) };
        member.streams.remove(&stream.source).ok_or_else(not_published)?;
        let is_host = member.is_host();
        self.end_subscriptions(|subscription| subscription.stream == stream, uid);
        self.tell_others(uid, Event::StreamRemoved { stream });
        if !is_host {
            // host -> Unpublish of the last stream -> audience
            self.tell_others(uid, Event::PeerLeave { uid: uid.clone(), reason: LeaveReason::BecomeAudience });
        }
        Ok(())
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
