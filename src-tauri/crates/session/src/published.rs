//! The streams this user sends, and who receives them: each receiver a [`Serving`].
//!
//! Invariants: one receiver a subscriber and stream, the newest; after a rejoin the service is told of every stream
//! again and of every stream that was withdrawn without its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use signal::{Candidate, Code, Command, Error, Layer, MayPublish, Sdp, StreamId, StreamInfo, StreamSource, SubscriptionId, Uid, Want};

use crate::CallId;
use crate::desk::{Desk, Wire};
use crate::input::PublishedStream;
use crate::link::Purpose;
use crate::output::{Event, Output};
use crate::serving::Serving;

#[derive(Debug)]
struct Publication {
    stream: PublishedStream,
    state: State,
}

impl Publication {
    /// The call that waits for the confirmation.
    fn pending(&self) -> Option<CallId> {
        match self.state {
            State::Announced { call } => Some(call),
            State::Confirmed => None,
        }
    }
}

#[derive(Debug)]
enum State {
    /// The service has not confirmed it yet.
    Announced {
        call: CallId,
    },
    Confirmed,
}

/// Somebody's wish for a stream of this user.
pub(crate) struct Asked {
    pub subscription: SubscriptionId,
    pub subscriber: Uid,
    pub stream: StreamId,
    pub offer: Sdp,
    /// Whether this user's own attempts have one of that id: names of connections must not collide.
    pub taken: bool,
}

#[derive(Debug)]
pub(crate) struct Published {
    uid: Uid,
    /// Which tracks the service takes from this user; of streams that are published already, others are held back.
    may: MayPublish,
    streams: BTreeMap<StreamSource, Publication>,
    /// Withdrawn, and not confirmed to be.
    withdrawn: BTreeSet<StreamSource>,
    serving: BTreeMap<SubscriptionId, Serving>,
}

impl Published {
    /// More receivers than a mesh carries; further ones are refused.
    const MAX_SERVING: usize = 256;

    pub fn new(uid: Uid, may: MayPublish) -> Self {
        Self { uid, may, streams: BTreeMap::new(), withdrawn: BTreeSet::new(), serving: BTreeMap::new() }
    }

    fn id(&self, source: StreamSource) -> StreamId {
        StreamId { uid: self.uid.clone(), source }
    }

    fn info(&self, stream: PublishedStream) -> StreamInfo {
        let PublishedStream { source, audio, video, audio_muted, video_muted } = stream;
        StreamInfo { id: self.id(source), audio, video, audio_muted, video_muted }
    }

    /// What the service is told of a stream: all of it when it is new, so that it says what may not be.
    fn offered(&self, publication: &Publication) -> StreamInfo {
        self.info(match publication.state {
            State::Announced { .. } => publication.stream,
            State::Confirmed => held_back(publication.stream, self.may),
        })
    }

    // nothing -> Publish -> announced
    pub fn publish(&mut self, call: CallId, stream: PublishedStream, wire: &mut Wire) {
        if self.streams.contains_key(&stream.source) {
            return wire.desk.refuse(call, Code::StreamAlreadyPublished, "A stream of this source is published already.");
        }
        self.withdrawn.remove(&stream.source);
        self.streams.insert(stream.source, Publication { stream, state: State::Announced { call } });
        wire.ask(Command::Publish { stream: self.info(stream) }, Purpose::Publish { source: stream.source, call: Some(call) });
    }

    /// The service answered a publish; `call` is what it was sent for.
    pub fn on_published(&mut self, source: StreamSource, call: Option<CallId>, result: Result<(), Error>, wire: &mut Wire) {
        let stream = self.id(source);
        let Some(publication) = self.streams.get_mut(&source) else { return };
        if call != publication.pending() {
            // It answers an earlier publication of this source.
            return;
        }
        match (call, result) {
            // announced -> ok -> confirmed
            (Some(call), Ok(())) => {
                publication.state = State::Confirmed;
                wire.desk.done(call);
                wire.desk.event(Event::StreamPublished { stream });
            }
            (None, Ok(())) => {}
            // announced -> error -> nothing
            (Some(call), Err(error)) => {
                self.drop_stream(source, wire);
                wire.desk.fail(call, error);
            }
            // confirmed -> the update or republish is refused -> nothing
            (None, Err(error)) => {
                self.drop_stream(source, wire);
                wire.desk.event(Event::StreamUnpublished { stream, asked: false });
                wire.desk.event(Event::Error { error });
            }
        }
    }

    // announced | confirmed -> Unpublish -> nothing
    pub fn unpublish(&mut self, call: CallId, source: StreamSource, wire: &mut Wire) {
        let Some(publication) = self.drop_stream(source, wire) else {
            return wire.desk.refuse(call, Code::StreamNotYetPublished, "That stream is not published.");
        };
        if let State::Announced { call } = publication.state {
            wire.desk.abort(call, "an unpublish");
        }
        self.withdrawn.insert(source);
        if wire.is_online() {
            wire.ask(Command::Unpublish { stream: self.id(source) }, Purpose::Unpublish { source, call: Some(call) });
        } else {
            self.finish_unpublish(source, Some(call), Ok(()), wire.desk);
        }
    }

    pub fn on_unpublished(&mut self, source: StreamSource, call: Option<CallId>, result: Result<(), Error>, wire: &mut Wire) {
        if !self.streams.contains_key(&source) {
            self.withdrawn.remove(&source);
        }
        self.finish_unpublish(source, call, result, wire.desk);
    }

    /// Answers the unpublish `call`, if it is not answered yet.
    pub fn finish_unpublish(&self, source: StreamSource, call: Option<CallId>, result: Result<(), Error>, desk: &mut Desk) {
        let Some(call) = call else { return };
        match result {
            Ok(()) => desk.done(call),
            Err(error) => desk.fail(call, error),
        }
        desk.event(Event::StreamUnpublished { stream: self.id(source), asked: true });
    }

    /// Forgets a stream and closes its receivers' connections.
    fn drop_stream(&mut self, source: StreamSource, wire: &mut Wire) -> Option<Publication> {
        self.close_where(|serving| serving.source == source, wire);
        let publication = self.streams.remove(&source)?;
        wire.desk.push(Output::EndPublication { source });
        Some(publication)
    }

    /// The stream's tracks or mutes changed.
    pub fn changed(&mut self, stream: PublishedStream, wire: &mut Wire) {
        let Some(publication) = self.streams.get_mut(&stream.source) else { return };
        let before = std::mem::replace(&mut publication.stream, stream);
        let pending = publication.pending();
        if before == stream {
            return;
        }
        if (before.audio, before.video) == (stream.audio, stream.video) {
            wire.tell(Command::Mute { stream: self.id(stream.source), audio: stream.audio_muted, video: stream.video_muted });
        } else if let Some(publication) = self.streams.get(&stream.source) {
            let stream = self.offered(publication);
            wire.ask(Command::Publish { stream }, Purpose::Publish { source: publication.stream.source, call: pending });
        }
    }

    /// What may be published changed. The service has taken back what may not be any more; what may be again is offered again.
    pub fn allow(&mut self, may: MayPublish, wire: &mut Wire) {
        let before = std::mem::replace(&mut self.may, may);
        let confirmed = self.streams.values().filter(|publication| publication.pending().is_none()).map(|publication| publication.stream);
        for stream in confirmed.collect::<Vec<_>>() {
            let (source, had, has) = (stream.source, held_back(stream, before), held_back(stream, may));
            if !has.audio && !has.video && (had.audio || had.video) {
                // confirmed -> nothing of it may be published -> nothing
                self.take_back(source, wire);
            } else if (had.audio && !has.audio) || (had.video && !has.video) {
                // Whoever receives it asks for what is left.
                self.end_serving(source, wire);
            }
            if (has.audio && !had.audio) || (has.video && !had.video) {
                wire.ask(Command::Publish { stream: self.info(has) }, Purpose::Publish { source, call: None });
            }
        }
    }

    /// The service took back every stream that it had confirmed.
    // confirmed -> RoleChanged to audience -> nothing
    pub fn taken_back(&mut self, wire: &mut Wire) {
        let confirmed = self.streams.iter().filter(|(_, publication)| publication.pending().is_none()).map(|(source, _)| *source);
        for source in confirmed.collect::<Vec<_>>() {
            self.take_back(source, wire);
        }
    }

    fn take_back(&mut self, source: StreamSource, wire: &mut Wire) {
        self.drop_stream(source, wire);
        wire.desk.event(Event::StreamUnpublished { stream: self.id(source), asked: false });
    }

    /// Closes the connections of a stream's receivers, and tells them.
    fn end_serving(&mut self, source: StreamSource, wire: &mut Wire) {
        for (id, _) in self.serving.iter().filter(|(_, serving)| serving.source == source) {
            wire.tell(Command::Unsubscribe { subscription: id.clone() });
        }
        self.close_where(|serving| serving.source == source, wire);
    }

    /// Somebody asks for a stream, or for an ICE restart of a connection they have.
    pub fn asked(&mut self, asked: Asked, wire: &mut Wire) {
        let Asked { subscription: id, subscriber, stream, offer, taken } = asked;
        if stream.uid != self.uid || !self.streams.contains_key(&stream.source) {
            return refuse(id, Code::StreamNotYetPublished, "The stream is not published (any more).", wire);
        }
        match self.serving.get_mut(&id) {
            Some(serving) if serving.subscriber == subscriber && serving.source == stream.source => {
                return serving.restart(id, offer, wire);
            }
            None if !taken => {}
            Some(_) | None => return refuse(id, Code::InvalidParameter, "The subscription's id is in use.", wire),
        }
        self.close_where(|serving| serving.subscriber == subscriber && serving.source == stream.source, wire);
        if self.serving.len() >= Self::MAX_SERVING {
            return refuse(id, Code::TooManyUsers, "The publisher serves as many subscribers as it can.", wire);
        }
        self.serving.insert(id.clone(), Serving::new(subscriber.clone(), stream.source, wire.desk.now));
        wire.desk.push(Output::AcceptOffer { subscription: id, subscriber, stream, offer });
    }

    pub fn answer_ready(&mut self, id: &SubscriptionId, answer: Sdp, wire: &mut Wire) {
        let Some(serving) = self.serving.get_mut(id) else { return };
        if wire.is_online() {
            serving.answer_ready(id, answer, wire);
        } else {
            // accepting -> AnswerReady while away -> nothing: the subscriber asks anew
            self.close(id, wire);
        }
    }

    pub fn local_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        if let Some(serving) = self.serving.get_mut(id) {
            serving.local_candidate(id, candidate, wire);
        }
    }

    pub fn remote_candidate(&mut self, id: &SubscriptionId, candidate: &Candidate, wire: &mut Wire) {
        if let Some(serving) = self.serving.get_mut(id) {
            serving.remote_candidate(id, candidate, wire);
        }
    }

    pub fn connected(&mut self, id: &SubscriptionId) {
        if let Some(serving) = self.serving.get_mut(id) {
            serving.connected();
        }
    }

    pub fn disconnected(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        if let Some(serving) = self.serving.get_mut(id) {
            serving.disconnected(wire.desk.now);
        }
    }

    /// What a receiver wants of the picture.
    pub fn wanted(&mut self, id: &SubscriptionId, want: Want, wire: &mut Wire) {
        if self.serving.contains_key(id) {
            wire.desk.push(Output::Want { subscription: id.clone(), want });
        }
    }

    /// The service has learnt again of a connection that somebody has to this user, or thinks to have.
    pub fn kept(&self, id: &SubscriptionId, subscriber: &Uid, stream: &StreamId, wire: &mut Wire) {
        match self.serving.get(id) {
            Some(serving) if serving.subscriber == *subscriber && serving.source == stream.source => serving.tell_layer(id, wire),
            Some(_) | None => wire.tell(Command::Unsubscribe { subscription: id.clone() }),
        }
    }

    /// What a receiver gets from now on.
    pub fn carries(&mut self, id: &SubscriptionId, layer: Layer, wire: &mut Wire) {
        if let Some(serving) = self.serving.get_mut(id) {
            serving.carries(id, layer, wire);
        }
    }

    /// The connection failed: the subscriber learns it at once and asks anew.
    pub fn failed(&mut self, id: &SubscriptionId, error: &Error, wire: &mut Wire) {
        let Some(serving) = self.serving.get(id) else { return };
        if serving.is_accepting() {
            wire.tell(Command::Refuse { subscription: id.clone(), error: error.clone() });
        } else {
            wire.tell(Command::Unsubscribe { subscription: id.clone() });
        }
        self.close(id, wire);
    }

    pub fn ended_by_subscriber(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        self.close(id, wire);
    }

    /// A user left: nothing of theirs is served any more.
    pub fn left(&mut self, uid: &Uid, wire: &mut Wire) {
        self.close_where(|serving| serving.subscriber == *uid, wire);
    }

    /// The service is back, and may have forgotten everything.
    pub fn signalling_back(&mut self, wire: &mut Wire) {
        for source in &self.withdrawn {
            wire.ask(Command::Unpublish { stream: self.id(*source) }, Purpose::Unpublish { source: *source, call: None });
        }
        for (source, publication) in &self.streams {
            wire.ask(
                Command::Publish { stream: self.offered(publication) },
                Purpose::Publish { source: *source, call: publication.pending() },
            );
        }
        // What changed meanwhile was not told.
        for (id, serving) in &self.serving {
            serving.tell_layer(id, wire);
        }
    }

    pub fn time_passed(&mut self, wire: &mut Wire) {
        let now = wire.desk.now;
        let late: Vec<SubscriptionId> =
            self.serving.iter().filter(|(_, serving)| serving.deadline().is_some_and(|at| at <= now)).map(|(id, _)| id.clone()).collect();
        for id in late {
            self.failed(&id, &Error::new(Code::PeerConnectionFailed, "The connection did not come up."), wire);
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.serving.values().filter_map(Serving::deadline).min()
    }

    pub fn end(self, by: &str, desk: &mut Desk) {
        for subscription in self.serving.into_keys() {
            desk.push(Output::ClosePeer { subscription });
        }
        for (source, publication) in self.streams {
            desk.push(Output::EndPublication { source });
            if let State::Announced { call } = publication.state {
                desk.abort(call, by);
            }
        }
    }

    fn close(&mut self, id: &SubscriptionId, wire: &mut Wire) {
        if self.serving.remove(id).is_some() {
            wire.desk.push(Output::ClosePeer { subscription: id.clone() });
        }
    }

    fn close_where(&mut self, which: impl Fn(&Serving) -> bool, wire: &mut Wire) {
        self.serving.retain(|id, serving| {
            let closed = which(serving);
            if closed {
                wire.desk.push(Output::ClosePeer { subscription: id.clone() });
            }
            !closed
        });
    }
}

/// A stream without the tracks that may not be published.
fn held_back(stream: PublishedStream, may: MayPublish) -> PublishedStream {
    PublishedStream { audio: stream.audio && may.audio, video: stream.video && may.video, ..stream }
}

fn refuse(subscription: SubscriptionId, code: Code, message: &str, wire: &mut Wire) {
    wire.tell(Command::Refuse { subscription, error: Error::new(code, message) });
}
