//! What the session orders and tells, carried out and passed on.

use std::time::Instant;

use session::{CallId, ConnectionState, Input, Output};
use signal::{Code, Error, StreamId, StreamInfo};
use transport::Tracks;

use super::Engine;
use super::calls::Pending;
use crate::peers::Order;
use crate::signalling::Signalling;
use crate::{Event, RemoteStream};

impl Engine {
    pub(super) fn carry_out(&mut self, output: Output) {
        match output {
            Output::OpenSignalling => self.signalling = Some(Signalling::open(&self.config.server, self.config.ca.as_deref())),
            Output::CloseSignalling => self.signalling = None,
            Output::Send(request) => {
                if let Some(signalling) = &self.signalling
                    && signalling.send(request).is_err()
                {
                    self.signalling = None;
                    self.input(Input::SignallingClosed {
                        error: Error::new(Code::SocketDisconnected, "The channel service does not read."),
                    });
                }
            }
            Output::UseIceServers(servers) => self.peers.use_ice_servers(servers),
            Output::CreateOffer { subscription, stream, audio, video } => match self.remote_stream(&stream) {
                Some(stream) => self.peers.receive(subscription, Tracks { audio, video }, stream),
                None => self.no_stream(subscription),
            },
            Output::AcceptOffer { subscription, subscriber, stream, offer } => match self.published.get(stream.source) {
                Some(stream) => self.peers.send(subscription, subscriber, offer, stream.clone()),
                None => self.no_stream(subscription),
            },
            Output::SetAnswer { subscription, answer } => self.peers.order(&subscription, Order::SetAnswer(answer)),
            Output::AddCandidate { subscription, candidate } => self.peers.order(&subscription, Order::AddCandidate(candidate)),
            Output::RestartIce { subscription } => self.peers.order(&subscription, Order::RestartIce),
            Output::CheckPath { subscription } => self.peers.order(&subscription, Order::CheckPath),
            Output::AcceptRestart { subscription, offer } => self.peers.order(&subscription, Order::AcceptRestart(offer)),
            Output::Want { subscription, want } => self.peers.order(&subscription, Order::Want(want)),
            Output::ClosePeer { subscription } => self.peers.close(&subscription),
            Output::EndSubscription { stream } => {
                if let Some(stream) = self.remote.remove(&stream) {
                    stream.close();
                }
            }
            Output::EndPublication { source } => self.published.remove(source),
            Output::Reply { call, result } => self.on_reply(call, result),
            Output::Event(event) => self.on_event(event),
            Output::Timeout(_) => {}
        }
    }

    /// The stream that a subscription feeds, made at its first connection.
    fn remote_stream(&mut self, id: &StreamId) -> Option<RemoteStream> {
        if let Some(stream) = self.remote.get(id) {
            return Some(stream.clone());
        }
        let stream = RemoteStream::new(self.streams.get(id)?.clone(), self.playback.as_ref()?, self.notice_sender.clone());
        self.remote.insert(id.clone(), stream.clone());
        Some(stream)
    }

    fn no_stream(&mut self, subscription: signal::SubscriptionId) {
        self.input(Input::Failed { subscription, error: Error::new(Code::InternalError, "The stream is not there any more.") });
    }

    fn on_reply(&mut self, call: CallId, result: Result<session::Answer, Error>) {
        match (self.calls.remove(call), result) {
            (Some(Pending::Join(reply)), Ok(session::Answer::Joined { uid })) => {
                self.uid = Some(uid.clone());
                self.joined = Some(Instant::now());
                self.told.uid(reply, Ok(uid));
            }
            (Some(Pending::Join(reply)), Ok(session::Answer::Done)) => {
                self.told.uid(reply, Err(Error::new(Code::InternalError, "The join was answered without a uid.")));
            }
            (Some(Pending::Join(reply)), Err(error)) => self.told.uid(reply, Err(error)),
            (Some(Pending::Publish { key, source, reply }), result) => {
                if result.is_err() {
                    self.published.remove_key(key, source);
                }
                self.told.done(reply, result.map(|_| ()));
            }
            (Some(Pending::Plain(reply)), result) => self.told.done(reply, result.map(|_| ())),
            (Some(Pending::Nobody) | None, _) => {}
        }
    }

    fn on_event(&mut self, event: session::Event) {
        match event {
            session::Event::ConnectionStateChange { prev, cur } => {
                if matches!(cur, ConnectionState::Disconnected | ConnectionState::Disconnecting) {
                    self.streams.clear();
                    self.online.clear();
                    (self.uid, self.joined) = (None, None);
                }
                self.told.event(Event::ConnectionStateChange { prev, cur });
            }
            session::Event::PeerOnline { uid } => {
                self.online.insert(uid.clone());
                self.told.event(Event::PeerOnline { uid });
            }
            session::Event::PeerNamed { uid, name } => self.told.event(Event::PeerNamed { uid, name }),
            session::Event::PeerLeave { uid, reason } => {
                self.online.remove(&uid);
                self.told.event(Event::PeerLeave { uid, reason });
            }
            session::Event::StreamAdded { stream } => {
                self.streams.insert(stream.id.clone(), stream.clone());
                self.told.event(Event::StreamAdded { stream });
            }
            session::Event::StreamUpdated { stream, before } => self.on_stream_updated(stream, &before),
            session::Event::StreamRemoved { stream } => {
                self.streams.remove(&stream);
                self.told.event(Event::StreamRemoved { stream });
            }
            session::Event::StreamPublished { stream } => self.told.event(Event::StreamPublished { stream }),
            session::Event::StreamUnpublished { stream, asked } => self.told.event(Event::StreamUnpublished { stream, asked }),
            session::Event::StreamSubscribed { stream } => {
                if let Some(stream) = self.remote.get(&stream).cloned() {
                    self.told.event(Event::StreamSubscribed { stream });
                }
            }
            session::Event::StreamReconnectStart { stream } => self.told.event(Event::StreamReconnectStart { stream }),
            session::Event::StreamReconnectEnd { stream, success } => self.told.event(Event::StreamReconnectEnd { stream, success }),
            session::Event::StreamTypeChanged { stream, stream_type } => {
                self.told.event(Event::StreamTypeChanged { uid: stream.uid.clone(), stream, stream_type });
            }
            session::Event::StreamFallback { stream, sound_only } => {
                if let Some(remote) = self.remote.get(&stream).filter(|_| sound_only) {
                    remote.on_picture_paused();
                }
                self.told.event(Event::StreamFallback { uid: stream.uid.clone(), stream, sound_only });
            }
            session::Event::ClientRoleChanged { role } => self.told.event(Event::ClientRoleChanged { role }),
            session::Event::TokenWillExpire { after } => self.told.event(Event::TokenPrivilegeWillExpire { after }),
            session::Event::TokenDidExpire { error } => self.told.event(Event::TokenPrivilegeDidExpire { error }),
            session::Event::Banned { uid, error } => self.told.event(Event::ClientBanned { uid, error }),
            session::Event::Error { error } => self.told.event(Event::Error { error }),
        }
    }

    fn on_stream_updated(&mut self, info: StreamInfo, before: &StreamInfo) {
        self.streams.insert(info.id.clone(), info.clone());
        if let Some(stream) = self.remote.get(&info.id) {
            stream.update(info.clone());
        }
        let (uid, stream) = (info.id.uid.clone(), info.id.clone());
        if info.audio_muted != before.audio_muted {
            let (uid, stream) = (uid.clone(), stream.clone());
            self.told.event(if info.audio_muted { Event::MuteAudio { uid, stream } } else { Event::UnmuteAudio { uid, stream } });
        }
        if info.video_muted != before.video_muted {
            self.told.event(if info.video_muted { Event::MuteVideo { uid, stream } } else { Event::UnmuteVideo { uid, stream } });
        }
        if (info.audio, info.video) != (before.audio, before.video) {
            self.told.event(Event::StreamUpdated { stream: info });
        }
    }
}
