//! One subscriber's want of one stream, and the relay between its two ends.

use signal::{Candidate, Code, Error, Event, Layer, Sdp, StreamId, SubscriptionId, Uid, Want};

use super::Channel;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub subscriber: Uid,
    /// Its uid is the publisher.
    pub stream: StreamId,
}

impl Subscription {
    pub fn has_end(&self, uid: &Uid) -> bool {
        self.other_end(uid).is_some()
    }

    fn other_end(&self, uid: &Uid) -> Option<&Uid> {
        match uid {
            uid if *uid == self.subscriber => Some(&self.stream.uid),
            uid if *uid == self.stream.uid => Some(&self.subscriber),
            _ => None,
        }
    }
}

impl Channel {
    pub(super) fn on_subscribe(&mut self, uid: &Uid, id: SubscriptionId, stream: StreamId, offer: Sdp) -> Result<(), Error> {
        // A second offer on a subscription is an ICE restart.
        self.subscribe(uid, &id, &stream)?;
        let publisher = stream.uid.clone();
        self.tell(&publisher, Event::Subscribe { subscription: id, subscriber: uid.clone(), stream, offer });
        Ok(())
    }

    pub(super) fn on_keep(&mut self, uid: &Uid, id: SubscriptionId, stream: StreamId) -> Result<(), Error> {
        if self.subscribe(uid, &id, &stream)? {
            let publisher = stream.uid.clone();
            self.tell(&publisher, Event::Keep { subscription: id, subscriber: uid.clone(), stream });
        }
        Ok(())
    }

    /// Notes a subscription if it may be; whether it is new.
    fn subscribe(&mut self, uid: &Uid, id: &SubscriptionId, stream: &StreamId) -> Result<bool, Error> {
        if stream.uid == *uid {
            return Err(Error::new(Code::InvalidRemoteStream, "Nobody subscribes to a stream of their own."));
        }
        if !self.has_stream(stream) {
            return Err(Error::new(Code::NoSuchRemoteStream, format!("The stream {stream} is not published in this channel.")));
        }
        let wanted = Subscription { subscriber: uid.clone(), stream: stream.clone() };
        match self.subscriptions.get(id) {
            Some(known) if *known == wanted => return Ok(false),
            Some(_) => return Err(Error::new(Code::InvalidParameter, "This subscription id is in use; draw a new one.")),
            None => {}
        }
        let count = self.subscriptions.values().filter(|subscription| subscription.subscriber == *uid).count();
        if count >= self.limits.subscriptions {
            let message = format!("A member may hold {} subscriptions; end one first.", self.limits.subscriptions);
            return Err(Error::new(Code::SubscribeStreamFailed, message));
        }
        self.subscriptions.insert(id.clone(), wanted);
        Ok(true)
    }

    pub(super) fn on_answer(&mut self, uid: &Uid, id: SubscriptionId, answer: Sdp) -> Result<(), Error> {
        let subscriber = self.as_publisher(uid, &id)?;
        self.tell(&subscriber, Event::Answer { subscription: id, answer });
        Ok(())
    }

    pub(super) fn on_refuse(&mut self, uid: &Uid, id: SubscriptionId, error: Error) -> Result<(), Error> {
        let subscriber = self.as_publisher(uid, &id)?;
        self.subscriptions.remove(&id);
        self.tell(&subscriber, Event::Refused { subscription: id, error });
        Ok(())
    }

    pub(super) fn on_candidate(&mut self, uid: &Uid, id: SubscriptionId, candidate: Candidate) -> Result<(), Error> {
        let other = self.other_end(uid, &id)?;
        self.tell(&other, Event::Candidate { subscription: id, candidate });
        Ok(())
    }

    pub(super) fn on_want(&mut self, uid: &Uid, id: SubscriptionId, want: Want) -> Result<(), Error> {
        let publisher = self.as_subscriber(uid, &id)?;
        self.tell(&publisher, Event::Want { subscription: id, want });
        Ok(())
    }

    pub(super) fn on_carry(&mut self, uid: &Uid, id: SubscriptionId, layer: Layer) -> Result<(), Error> {
        let subscriber = self.as_publisher(uid, &id)?;
        self.tell(&subscriber, Event::Carry { subscription: id, layer });
        Ok(())
    }

    pub(super) fn on_unsubscribe(&mut self, uid: &Uid, id: SubscriptionId) -> Result<(), Error> {
        let other = self.other_end(uid, &id)?;
        self.subscriptions.remove(&id);
        self.tell(&other, Event::Unsubscribe { subscription: id });
        Ok(())
    }

    /// Ends the subscriptions that `which` picks, all of them with `uid` at one end, and tells the other ends.
    pub(super) fn end_subscriptions(&mut self, which: impl Fn(&Subscription) -> bool, uid: &Uid) {
        let ended: Vec<_> = self.subscriptions.iter().filter(|(_, subscription)| which(subscription)).map(|(id, _)| id.clone()).collect();
        for id in ended {
            let subscription = self.subscriptions.remove(&id);
            if let Some(other) = subscription.as_ref().and_then(|subscription| subscription.other_end(uid)) {
                self.tell(other, Event::Unsubscribe { subscription: id });
            }
        }
    }

    /// The subscriber of a subscription that `uid` is the publisher of.
    fn as_publisher(&self, uid: &Uid, id: &SubscriptionId) -> Result<Uid, Error> {
        self.subscriptions
            .get(id)
            .filter(|subscription| subscription.stream.uid == *uid)
            .map(|subscription| subscription.subscriber.clone())
            .ok_or_else(unknown)
    }

    /// The publisher of a subscription that `uid` is the subscriber of.
    fn as_subscriber(&self, uid: &Uid, id: &SubscriptionId) -> Result<Uid, Error> {
        self.subscriptions
            .get(id)
            .filter(|subscription| subscription.subscriber == *uid)
            .map(|subscription| subscription.stream.uid.clone())
            .ok_or_else(unknown)
    }

    fn other_end(&self, uid: &Uid, id: &SubscriptionId) -> Result<Uid, Error> {
        self.subscriptions.get(id).and_then(|subscription| subscription.other_end(uid)).cloned().ok_or_else(unknown)
    }
}

/// One answer for what is not there and for what is somebody else's, so that nothing leaks.
fn unknown() -> Error {
    Error::new(Code::NoSuchRemoteStream, "This subscription is over, or was never yours.")
}
