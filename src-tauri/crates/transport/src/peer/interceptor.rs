//! [`Media`] on `webrtc`'s interceptor chain.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rtc::interceptor::{AttributedPacket, Packet, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;

use super::media::Media;

/// Takes the other end's packets to the media and brings the media's own onto the chain. The chain asks it for the
/// first time when the handshake is done.
pub(crate) struct Interceptor {
    media: Arc<dyn Media>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
    due: VecDeque<Packet>,
}

impl Interceptor {
    pub(crate) fn new(media: Arc<dyn Media>) -> Self {
        Self { media, reads: VecDeque::new(), writes: VecDeque::new(), due: VecDeque::new() }
    }

    fn pump(&mut self, now: Instant) {
        self.media.poll(now, &mut self.due);
        self.writes.extend(self.due.drain(..).map(|packet| TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(packet),
        }));
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Interceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = webrtc::error::Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        let now = message.now;
        if self.media.on_packet(&message.message.packet, now) {
            self.reads.push_back(message);
        }
        self.pump(now);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        match &message.message.packet {
            // A nudge.
            Packet::Rtcp(packets) if packets.is_empty() => self.pump(message.now),
            _ => self.writes.push_back(message),
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Self::Error> {
        self.pump(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        Some(self.media.next())
    }
}

impl rtc::interceptor::Interceptor for Interceptor {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        self.media.bind(info);
    }

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.media.bind(info);
    }

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
