//! The streams this user receives, each a [`Subscription`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use signal::{Candidate, Code, Error, Fallback, Layer, Sdp, StreamId, StreamInfo, StreamType, SubscriptionId, Uid};

use crate::CallId;
use crate::desk::{Desk, Wire};
use crate::output::Event;
use crate::subscription::{Subscription, Tracks};

#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    by_stream: BTreeMap<StreamId, Subscription>,
}

impl Subscriptions {
    /// More than a machine decodes or a mesh carries; half of what the channel service allows.
    pub const MOST: usize = 64;

    /// `info` is the stream as the channel has it.
    pub fn subscribe(&mut self, call: CallId, info: &StreamInfo, want: Tracks, wire: &mut Wire) {
        if want.and(Tracks::of(info)).is_none() {
            return wire.desk.refuse(call, Code::InvalidRemoteStream, "The stream has no such track.");
        }
        if self.by_stream.len() >= Self::MOST && !self.by_stream.contains_key(&info.id) {
            let message = "So many streams are subscribed to that one more would harm them all; unsubscribe from another first.";
            return wire.desk.refuse(call, Code::SubscribeStreamFailed, message);
        }
        let subscription = self.by_stream.entry(info.id.clone()).or_insert_with(|| Subscription::new(info));
        subscription.wanted(call, want, wire);
    }

    pub fn unsubscribe(&mut self, call: CallId, stream: &StreamId, wire: &mut Wire) {
        match self.by_stream.remove(stream) {
            None => wire.desk.refuse(call, Code::NoSuchRemoteStream, "That stream is not subscribed to."),
            Some(subscription) => {
                subscription.end("an unsubscribe", wire);
                wire.desk.done(call);
            }
        }
    }

    pub fn want(&mut self, call: CallId, stream: &StreamId, stream_type: Option<StreamType>, fallback: Option<Fallback>, wire: &mut Wire) {
        match self.by_stream.get_mut(stream) {
            None => wire.desk.refuse(call, Code::NoSuchRemoteStream, "That stream is not subscribed to; subscribe first."),
            Some(subscription) => {
                subscription.want_picture(stream_type, fallback, wire);
                wire.desk.done(call);
            }
        }
    }

    /// What the publisher says that a subscription carries.
    pub fn carries(&mut self, id: &SubscriptionId, layer: Layer, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.carries(layer, wire);
        }
    }

    /// The stream is not in the channel any more.
    pub fn removed(&mut self, stream: &StreamId, wire: &mut Wire) {
        if let Some(subscription) = self.by_stream.remove(stream) {
            subscription.end("the stream's end", wire);
        }
    }

    /// The stream's tracks or mutes changed.
    pub fn changed(&mut self, info: &StreamInfo, wire: &mut Wire) {
        if let Some(subscription) = self.by_stream.get_mut(&info.id) {
            subscription.offered(Tracks::of(info), wire);
        }
    }

    /// Somebody has a new connection to the service.
    pub fn publisher_is_back(&mut self, uid: &Uid, wire: &mut Wire) {
        let theirs = self.by_stream.iter_mut().filter(|(stream, _)| stream.uid == *uid);
        theirs.for_each(|(_, subscription)| subscription.publisher_is_back(wire));
    }

    /// Whether an attempt of this user has that id.
    pub fn has(&self, id: &SubscriptionId) -> bool {
        self.by_stream.values().any(|subscription| subscription.id() == Some(id))
    }

    fn find(&mut self, id: &SubscriptionId) -> Option<&mut Subscription> {
        self.by_stream.values_mut().find(|subscription| subscription.id() == Some(id))
    }

    pub fn offer_ready(&mut self, id: &SubscriptionId, offer: Sdp, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.offer_ready(offer, wire);
        }
    }

    pub fn answered(&mut self, id: &SubscriptionId, answer: Sdp, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.answered(answer, wire);
        }
    }

    /// The publisher or the service does not carry out the subscription.
    pub fn refused(&mut self, id: &SubscriptionId, error: &Error, wire: &mut Wire) {
        let Some(subscription) = self.find(id).filter(|subscription| subscription.is_asking()) else { return };
        if may_pass(error.code) {
            return subscription.failed(error, wire);
        }
        let stream = subscription.stream().clone();
        let subscription = self.by_stream.remove(&stream).expect("it was just found under this name");
        if subscription.was_connected() {
            wire.desk.event(Event::Error { error: error.clone() });
        }
        subscription.end_with(error, wire);
    }

    pub fn ended_by_publisher(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.ended(&Error::new(Code::SubscribeStreamFailed, "The publisher ended the connection."), wire);
        }
    }

    pub fn local_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.local_candidate(candidate, wire);
        }
    }

    pub fn remote_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.remote_candidate(candidate, wire);
        }
    }

    pub fn connected(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.connected(wire);
        }
    }

    pub fn disconnected(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.disconnected(wire);
        }
    }

    pub fn path_trouble(&mut self, id: &SubscriptionId, trouble: String) {
        if let Some(subscription) = self.find(id) {
            subscription.path_trouble(trouble);
        }
    }

    pub fn failed(&mut self, id: &SubscriptionId, error: &Error, wire: &mut Wire) {
        if let Some(subscription) = self.find(id) {
            subscription.failed(error, wire);
        }
    }

    /// This machine's addresses changed.
    pub fn network_changed(&mut self, wire: &mut Wire) {
        self.by_stream.values_mut().for_each(|subscription| subscription.network_changed(wire));
    }

    pub fn signalling_lost(&mut self, wire: &mut Wire) {
        self.by_stream.values_mut().for_each(|subscription| subscription.signalling_lost(wire));
    }

    /// The service is back and has the streams `there`; see [`Subscription::signalling_back`].
    pub fn signalling_back(&mut self, resumed: bool, there: &BTreeSet<StreamId>, wire: &mut Wire) {
        for (stream, subscription) in &mut self.by_stream {
            subscription.signalling_back(resumed, there.contains(stream), wire);
        }
    }

    /// The service has a stream, new or again.
    pub fn published(&mut self, stream: &StreamId, wire: &mut Wire) {
        if let Some(subscription) = self.by_stream.get_mut(stream) {
            subscription.published_again(wire);
        }
    }

    pub fn time_passed(&mut self, wire: &mut Wire) {
        self.by_stream.values_mut().for_each(|subscription| subscription.time_passed(wire));
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.by_stream.values().filter_map(Subscription::next_deadline).min()
    }

    pub fn end(self, by: &str, desk: &mut Desk) {
        for subscription in self.by_stream.into_values() {
            subscription.end(by, &mut Wire::away(desk));
        }
    }
}

/// Whether asking again may be answered better: the publisher is away for a moment, or the service is busy.
fn may_pass(code: Code) -> bool {
    !matches!(code, Code::NotSupported | Code::NoAuthorized | Code::InvalidParameter | Code::BadMessage | Code::UnsupportedVersion)
}
