//! Streams that repair a stream travel by SSRCs of their own, and the library's interceptors that number and record what leaves are not
//! told of them.

use std::sync::Arc;
use std::time::Instant;

use rtc::interceptor::{Packet, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;

use super::outbound::Outbound;

/// Tells an interceptor of parity and retransmissions as of the stream that they repair.
pub(crate) struct WithRepairs<I> {
    inner: I,
    outbound: Arc<Outbound>,
    is_heard: bool,
}

impl<I> WithRepairs<I> {
    pub(crate) fn new(inner: I, outbound: &Arc<Outbound>) -> Self {
        Self { inner, outbound: Arc::clone(outbound), is_heard: false }
    }

    /// Feedback is told to the media before the interceptor takes it.
    pub(crate) fn heard(self) -> Self {
        Self { is_heard: true, ..self }
    }

    /// The streams that repair one, as if each was sent by itself.
    fn repairs(&self, info: &StreamInfo) -> Vec<StreamInfo> {
        let alone = |ssrc| StreamInfo { ssrc, ssrc_rtx: None, ssrc_fec: None, ..info.clone() };
        [self.outbound.rtx_of(info), info.ssrc_fec].into_iter().flatten().map(alone).collect()
    }
}

impl<I: rtc::interceptor::Interceptor> Protocol<TaggedPacket, TaggedPacket, ()> for WithRepairs<I> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = webrtc::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        if let (true, Packet::Rtcp(packets)) = (self.is_heard, &message.message.packet) {
            self.outbound.before_reports(packets);
        }
        self.inner.handle_read(message)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_read()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        self.inner.handle_write(message)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_write()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.inner.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.inner.poll_timeout()
    }
}

impl<I: rtc::interceptor::Interceptor> rtc::interceptor::Interceptor for WithRepairs<I> {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.inner.bind_local_stream(info);
        self.repairs(info).iter().for_each(|repair| self.inner.bind_local_stream(repair));
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.inner.unbind_local_stream(info);
        self.repairs(info).iter().for_each(|repair| self.inner.unbind_local_stream(repair));
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.inner.bind_remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.inner.unbind_remote_stream(info);
    }
}
