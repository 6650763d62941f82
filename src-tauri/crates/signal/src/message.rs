//! The messages themselves.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AppId, ChannelName, Error, Layer, Name, SessionKey, StreamId, SubscriptionId, Uid, Want};

/// An SDP text, at most 64 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sdp(String);

impl Sdp {
    const MAX: usize = 64 * 1024;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sdp {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.len() <= Self::MAX { Ok(Self(text)) } else { Err(format!("an SDP has at most {} bytes", Self::MAX)) }
    }
}

impl From<Sdp> for String {
    fn from(sdp: Sdp) -> String {
        sdp.0
    }
}

/// One trickled ICE candidate, in the shape of the browser's `RTCIceCandidateInit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The candidate line; empty at the end of candidates.
    pub candidate: String,
    #[serde(default)]
    pub sdp_mid: Option<String>,
    #[serde(default, rename = "sdpMLineIndex")]
    pub sdp_mline_index: Option<u16>,
    #[serde(default)]
    pub username_fragment: Option<String>,
}

/// The channel's profile: everyone a host (`rtc`), or hosts and audience (`live`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Rtc,
    Live,
}

/// What a user is in `live` mode; in `rtc` mode everyone is a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Audience,
    Host,
}

impl Role {
    /// The text that Agora and the wire have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::Host => "host",
        }
    }
}

/// Which tracks a member's token, and the bans that name the member, leave it to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayPublish {
    pub audio: bool,
    pub video: bool,
}

impl MayPublish {
    pub const ALL: Self = Self { audio: true, video: true };
}

impl Default for MayPublish {
    fn default() -> Self {
        Self::ALL
    }
}

/// A published stream as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInfo {
    pub id: StreamId,
    /// Whether the stream has a sound track, and a picture track.
    pub audio: bool,
    pub video: bool,
    /// Whether the publisher has silenced or blacked out that track for now.
    #[serde(default)]
    pub audio_muted: bool,
    #[serde(default)]
    pub video_muted: bool,
}

/// Someone in the channel, with what they publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub uid: Uid,
    #[serde(default, deserialize_with = "crate::name::read", skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    #[serde(default)]
    pub streams: Vec<StreamInfo>,
}

/// A STUN or TURN server for the clients' ICE agents.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    pub urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).field("username", &self.username).finish_non_exhaustive()
    }
}

/// How streams reach subscribers in this channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Media {
    /// Peer to peer, one connection a subscription.
    #[default]
    Mesh,
    /// Through a LiveKit server. No service of this version answers it.
    Livekit { url: String, token: String },
}

/// What a client asks. Each is answered by a [`Reply`] with its request's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Command {
    /// Enter a channel; the first command of every connection. `session` is the key of an earlier
    /// [`Joined`]: with it the user comes back as themselves and keeps uid and streams.
    Join {
        version: u16,
        app_id: AppId,
        channel: ChannelName,
        #[serde(default)]
        token: Option<String>,
        #[serde(default)]
        uid: Option<Uid>,
        #[serde(default)]
        mode: Mode,
        #[serde(default)]
        session: Option<SessionKey>,
        #[serde(default, deserialize_with = "crate::name::read", skip_serializing_if = "Option::is_none")]
        name: Option<Name>,
    },
    Leave,
    /// Offer a stream to the channel. Publishing what is published already updates it.
    Publish {
        stream: StreamInfo,
    },
    Unpublish {
        stream: StreamId,
    },
    /// Ask a stream's publisher for it. The publisher's side comes as [`Event::Answer`] or [`Event::Refused`].
    /// A second `subscribe` with the same id is an ICE restart.
    Subscribe {
        subscription: SubscriptionId,
        stream: StreamId,
        offer: Sdp,
    },
    /// A connected subscription goes on: a service that has restarted has forgotten it. From its subscriber.
    Keep {
        subscription: SubscriptionId,
        stream: StreamId,
    },
    /// The publisher's answer to [`Event::Subscribe`].
    Answer {
        subscription: SubscriptionId,
        answer: Sdp,
    },
    /// The publisher cannot serve [`Event::Subscribe`].
    Refuse {
        subscription: SubscriptionId,
        error: Error,
    },
    /// A candidate for the other end of a subscription.
    Candidate {
        subscription: SubscriptionId,
        candidate: Candidate,
    },
    /// End a subscription, from either end.
    Unsubscribe {
        subscription: SubscriptionId,
    },
    /// Tell a subscription's publisher what is wanted of its picture; without it, [`Want::default`].
    Want {
        subscription: SubscriptionId,
        want: Want,
    },
    /// Tell a subscription's subscriber what it carries from now on; without it, [`Layer::High`].
    Carry {
        subscription: SubscriptionId,
        layer: Layer,
    },
    /// The state of a stream's tracks, as a whole.
    Mute {
        stream: StreamId,
        audio: bool,
        video: bool,
    },
    /// Become a host or an audience member of a channel in `live` mode. An audience member has nothing published: what is, is withdrawn.
    SetRole {
        role: Role,
    },
    /// Go by another name; by none without one.
    SetName {
        #[serde(default, deserialize_with = "crate::name::read", skip_serializing_if = "Option::is_none")]
        name: Option<Name>,
    },
    /// Stay by another token. It is checked like that of a join; if it is refused, the one before stays in force.
    RenewToken {
        token: String,
    },
    /// Nothing but a sign of life.
    Ping,
}

/// A [`Command`] with the id that its [`Reply`] carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u32,
    #[serde(flatten)]
    pub command: Command,
}

/// What the service knows of a channel at the moment of joining it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub uid: Uid,
    pub session: SessionKey,
    pub role: Role,
    /// Everyone else in the channel.
    pub peers: Vec<Peer>,
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Whether `session` was known and the earlier membership goes on.
    #[serde(default)]
    pub resumed: bool,
    #[serde(default)]
    pub may_publish: MayPublish,
}

/// The good answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Success {
    Joined(Box<Joined>),
    Done {},
}

/// The answer to the [`Request`] of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub id: u32,
    #[serde(flatten)]
    pub result: Outcome,
}

/// `{"ok": …}` or `{"error": {code, message}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok(Success),
    Error(Error),
}

impl From<Result<Success, Error>> for Outcome {
    fn from(result: Result<Success, Error>) -> Self {
        match result {
            Ok(success) => Self::Ok(success),
            Err(error) => Self::Error(error),
        }
    }
}

impl Reply {
    pub fn new(id: u32, result: Result<Success, Error>) -> Self {
        Self { id, result: result.into() }
    }

    pub fn into_result(self) -> Result<Success, Error> {
        match self.result {
            Outcome::Ok(success) => Ok(success),
            Outcome::Error(error) => Err(error),
        }
    }
}

/// Why a user is gone from a channel; Agora's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaveReason {
    Quit,
    ServerTimeOut,
    BecomeAudience,
}

/// What the service tells a client unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    PeerOnline {
        uid: Uid,
        #[serde(default, deserialize_with = "crate::name::read", skip_serializing_if = "Option::is_none")]
        name: Option<Name>,
    },
    /// A user goes by another name, or by none.
    PeerNamed {
        uid: Uid,
        #[serde(default, deserialize_with = "crate::name::read", skip_serializing_if = "Option::is_none")]
        name: Option<Name>,
    },
    PeerLeave {
        uid: Uid,
        reason: LeaveReason,
    },
    StreamAdded {
        stream: StreamInfo,
    },
    /// Tracks were added, removed, muted or unmuted.
    StreamUpdated {
        stream: StreamInfo,
    },
    StreamRemoved {
        stream: StreamId,
    },
    /// To a publisher: `subscriber` asks for `stream`.
    Subscribe {
        subscription: SubscriptionId,
        subscriber: Uid,
        stream: StreamId,
        offer: Sdp,
    },
    Answer {
        subscription: SubscriptionId,
        answer: Sdp,
    },
    Refused {
        subscription: SubscriptionId,
        error: Error,
    },
    Candidate {
        subscription: SubscriptionId,
        candidate: Candidate,
    },
    Unsubscribe {
        subscription: SubscriptionId,
    },
    /// To a publisher: a subscription goes on that the service had forgotten. One that this end does not have is to be ended.
    Keep {
        subscription: SubscriptionId,
        subscriber: Uid,
        stream: StreamId,
    },
    /// To a publisher: what the subscriber wants of the picture.
    Want {
        subscription: SubscriptionId,
        want: Want,
    },
    /// To a subscriber: what the subscription carries from now on.
    Carry {
        subscription: SubscriptionId,
        layer: Layer,
    },
    /// This member's own role changed, by [`Command::SetRole`] or with what it publishes.
    RoleChanged {
        role: Role,
    },
    /// What this member may publish changed, by a renewed token, the end of a privilege or a ban (`error` says which). Tracks that it
    /// may not publish any more are withdrawn already.
    MayPublishChanged {
        may_publish: MayPublish,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Error>,
    },
    /// The token, or a privilege in it, ends in `ms` milliseconds; [`Command::RenewToken`] goes on.
    TokenWillExpire {
        ms: u64,
    },
    /// The membership is over; the connection is closed behind it. `error`'s code says why: replaced by a newer connection of the same
    /// session (`UID_CONFLICT`), the token ended (`DYNAMIC_KEY_EXPIRED`), kicked or banned ([`Code::is_ban`](crate::Code::is_ban)).
    Removed {
        error: Error,
    },
    /// Servers to use from now on, in place of those of [`Joined`], whose credentials end.
    IceServers {
        ice_servers: Vec<IceServer>,
    },
    /// The service is about to stop; calls go on, and clients come back to it when it returns.
    Draining,
}

/// Anything a client receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    Reply(Reply),
    Event(Event),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use serde_json::json;

    fn uid(n: u32) -> Uid {
        Uid::number(n).unwrap()
    }

    #[test]
    fn a_request_is_one_flat_object() {
        let request = Request {
            id: 3,
            command: Command::Join {
                version: 1,
                app_id: "970CA35de60c44645bbae8a215061b33".parse().unwrap(),
                channel: "demo".parse().unwrap(),
                token: None,
                uid: Some(uid(7)),
                mode: Mode::Rtc,
                session: None,
                name: None,
            },
        };
        let wire = serde_json::to_value(&request).unwrap();
        assert_eq!(wire["op"], "join");
        assert_eq!(wire["uid"], 7);
        assert_eq!(serde_json::from_value::<Request>(wire).unwrap(), request);
        let least = json!({"id": 1, "op": "join", "version": 1, "app_id": "970CA35de60c44645bbae8a215061b33", "channel": "a"});
        assert!(serde_json::from_value::<Request>(least).is_ok());
    }

    #[test]
    fn replies_and_events_are_told_apart() {
        let messages = [
            (json!({"id": 1, "ok": {}}), Incoming::Reply(Reply::new(1, Ok(Success::Done {})))),
            (
                json!({"id": 2, "error": {"code": "UID_CONFLICT", "message": "Taken."}}),
                Incoming::Reply(Reply::new(2, Err(Error::new(Code::UidConflict, "Taken.")))),
            ),
            (
                json!({"event": "peer-leave", "uid": 7, "reason": "Quit"}),
                Incoming::Event(Event::PeerLeave { uid: uid(7), reason: LeaveReason::Quit }),
            ),
            (
                json!({"event": "ice-servers", "ice_servers": [{"urls": ["turn:a:3478"], "username": "7:1", "credential": "x"}]}),
                Incoming::Event(Event::IceServers {
                    ice_servers: vec![IceServer {
                        urls: vec!["turn:a:3478".into()],
                        username: Some("7:1".into()),
                        credential: Some("x".into()),
                    }],
                }),
            ),
            (json!({"event": "draining"}), Incoming::Event(Event::Draining)),
            (
                json!({"event": "want", "subscription": "0123456789abcdef", "want": {"stream_type": "low", "fallback": "sound"}}),
                Incoming::Event(Event::Want {
                    subscription: "0123456789abcdef".parse().unwrap(),
                    want: Want { stream_type: crate::StreamType::Low, fallback: crate::Fallback::Sound },
                }),
            ),
            (
                json!({"event": "carry", "subscription": "0123456789abcdef", "layer": "sound"}),
                Incoming::Event(Event::Carry { subscription: "0123456789abcdef".parse().unwrap(), layer: Layer::Sound }),
            ),
            (
                json!({"event": "keep", "subscription": "0123456789abcdef", "subscriber": 7, "stream": {"uid": 8, "source": "camera"}}),
                Incoming::Event(Event::Keep {
                    subscription: "0123456789abcdef".parse().unwrap(),
                    subscriber: uid(7),
                    stream: StreamId::camera(uid(8)),
                }),
            ),
            (json!({"event": "role-changed", "role": "host"}), Incoming::Event(Event::RoleChanged { role: Role::Host })),
            (json!({"event": "token-will-expire", "ms": 30_000}), Incoming::Event(Event::TokenWillExpire { ms: 30_000 })),
            (
                json!({"event": "may-publish-changed", "may_publish": {"audio": true, "video": false}}),
                Incoming::Event(Event::MayPublishChanged { may_publish: MayPublish { audio: true, video: false }, error: None }),
            ),
        ];
        for (wire, message) in messages {
            assert_eq!(serde_json::to_value(&message).unwrap(), wire);
            assert_eq!(serde_json::from_value::<Incoming>(wire).unwrap(), message);
        }
    }

    #[test]
    fn a_join_answer_survives_the_wire() {
        let joined = Joined {
            uid: uid(7),
            session: "0123456789abcdef".parse().unwrap(),
            role: Role::Host,
            peers: vec![Peer {
                uid: uid(8),
                name: None,
                streams: vec![StreamInfo {
                    id: StreamId::camera(uid(8)),
                    audio: true,
                    video: false,
                    audio_muted: false,
                    video_muted: false,
                }],
            }],
            media: Media::Mesh,
            ice_servers: vec![],
            resumed: false,
            may_publish: MayPublish { audio: true, video: false },
        };
        let reply = Reply::new(1, Ok(Success::Joined(Box::new(joined))));
        let wire = serde_json::to_string(&reply).unwrap();
        assert_eq!(serde_json::from_str::<Incoming>(&wire).unwrap(), Incoming::Reply(reply));
    }

    #[test]
    fn a_name_is_cleaned_while_it_is_read_and_may_be_missing() {
        let name = |wire: serde_json::Value| match serde_json::from_value::<Incoming>(wire).unwrap() {
            Incoming::Event(Event::PeerOnline { name, .. } | Event::PeerNamed { name, .. }) => name.map(String::from),
            other => panic!("{other:?}"),
        };
        assert_eq!(name(json!({"event": "peer-online", "uid": 7})), None, "a service without names");
        assert_eq!(name(json!({"event": "peer-online", "uid": 7, "name": null})), None);
        assert_eq!(name(json!({"event": "peer-named", "uid": 7, "name": " \u{202e}Ana\n"})).as_deref(), Some("Ana"));
        assert_eq!(name(json!({"event": "peer-named", "uid": 7, "name": "😀".repeat(10_000)})).unwrap().chars().count(), Name::MAX);
        assert_eq!(serde_json::to_value(Event::PeerOnline { uid: uid(7), name: None }).unwrap(), json!({"event": "peer-online", "uid": 7}));
        let request = json!({"id": 1, "op": "set-name", "name": "  "});
        assert_eq!(serde_json::from_value::<Request>(request).unwrap().command, Command::SetName { name: None });
        assert!(serde_json::from_value::<Request>(json!({"id": 1, "op": "set-name", "name": 7})).is_err());
    }

    #[test]
    fn a_role_and_a_token_are_asked_for_by_their_ops() {
        let requests = [
            (json!({"id": 1, "op": "set-role", "role": "host"}), Command::SetRole { role: Role::Host }),
            (json!({"id": 1, "op": "renew-token", "token": "007…"}), Command::RenewToken { token: "007…".into() }),
        ];
        for (wire, command) in requests {
            let request = Request { id: 1, command };
            assert_eq!(serde_json::to_value(&request).unwrap(), wire);
            assert_eq!(serde_json::from_value::<Request>(wire).unwrap(), request);
        }
    }

    #[test]
    fn an_answer_that_says_nothing_of_publishing_allows_it() {
        let joined = json!({"uid": 7, "session": "0123456789abcdef", "role": "host", "peers": []});
        assert_eq!(serde_json::from_value::<Joined>(joined).unwrap().may_publish, MayPublish::ALL);
    }

    #[test]
    fn an_oversized_sdp_is_refused() {
        let wire = json!({"id": 1, "op": "answer", "subscription": "0123456789abcdef", "answer": "x".repeat(Sdp::MAX + 1)});
        assert!(serde_json::from_value::<Request>(wire).is_err());
    }
}
