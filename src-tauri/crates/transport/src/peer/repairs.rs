//! Streams that repair a stream travel by SSRCs of their own, and the library's interceptors that number and record what leaves are not
//! told of them.

use std::time::Instant;

use rtc::interceptor::{StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;

/// Tells an interceptor of parity and retransmissions as of the stream that they repair.
pub(crate) struct WithRepairs<I>(pub(crate) I);

/// The streams that repair one, as if each was sent by itself.
fn repairs(info: &StreamInfo) -> impl Iterator<Item = StreamInfo> {
    [info.ssrc_rtx, info.ssrc_fec].into_iter().flatten().map(|ssrc| StreamInfo { ssrc, ssrc_rtx: None, ssrc_fec: None, ..info.clone() })
}

impl<I: rtc::interceptor::Interceptor> Protocol<TaggedPacket, TaggedPacket, ()> for WithRepairs<I> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = webrtc::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        self.0.handle_read(message)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.0.poll_read()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        self.0.handle_write(message)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.0.poll_write()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.0.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

impl<I: rtc::interceptor::Interceptor> rtc::interceptor::Interceptor for WithRepairs<I> {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.0.bind_local_stream(info);
        repairs(info).for_each(|repair| self.0.bind_local_stream(&repair));
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.0.unbind_local_stream(info);
        repairs(info).for_each(|repair| self.0.unbind_local_stream(&repair));
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.0.bind_remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.0.unbind_remote_stream(info);
    }
}
