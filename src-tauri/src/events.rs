//! What the app tells the page unasked: the client's events under Agora's names, and a few of our own. `ui/types/app.d.ts` is generated
//! from here and from [`crate::types`].

use client::{ConnectionState, Event, NetworkQuality, StreamType};
use serde::Serialize;
use ts_rs::TS;

use crate::{
    links::OpenedLink,
    settings::Settings,
    signal::{Error, LeaveReason, Role, StreamId, Uid},
    types::{CallState, Connection, DeviceChange, DeviceKind, DeviceProblem, Problem},
};

/// A stream and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct StreamRef {
    pub stream: String,
    #[ts(type = "number | string")]
    pub uid: Uid,
}

impl From<&StreamId> for StreamRef {
    fn from(stream: &StreamId) -> Self {
        Self { stream: stream.to_string(), uid: stream.uid.clone() }
    }
}

/// How loud a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Volume {
    /// The stream's id, `"local"` for this window's own.
    pub stream: String,
    /// 0 to 100; above 5 somebody speaks.
    pub level: u8,
}

/// One message to the page.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PageEvent {
    /// The whole state, after each change.
    CallState {
        call: Box<CallState>,
    },
    /// Devices came or went; ask `get_devices` again.
    DevicesChanged,
    /// A camera, a microphone, a speaker came or went.
    CameraChanged(DeviceChange),
    RecordingDeviceChanged(DeviceChange),
    PlayoutDeviceChanged(DeviceChange),
    /// The shared screen or window is gone, or the service took it back; the call goes on.
    #[serde(rename = "stopScreenSharing")]
    StopScreenSharing {
        reason: String,
    },
    /// The projects are others; ask `list_projects` again.
    ProjectsChanged,
    /// Some window, or another process of this user, changed the settings.
    SettingsChanged {
        settings: Box<Settings>,
    },
    /// A link was opened; it fills in the form and does nothing else.
    LinkOpened(OpenedLink),
    /// Other calls are near; ask `list_nearby` again.
    NearbyChanged,
    /// What the small window on top shows; none: it is closed.
    PipChanged {
        stream: Option<String>,
    },
    ConnectionStateChange {
        prev_state: Connection,
        cur_state: Connection,
    },
    /// This window's own stream is in the channel.
    StreamPublished(StreamRef),
    StreamUnpublished(StreamRef),
    StreamAdded(StreamRef),
    /// Tracks were added, removed, muted or unmuted.
    StreamUpdated(StreamRef),
    StreamSubscribed(StreamRef),
    StreamRemoved(StreamRef),
    PeerOnline {
        #[ts(type = "number | string")]
        uid: Uid,
    },
    /// A user goes by this name from now on, or by none: a claim, not a proof.
    PeerNamed {
        #[ts(type = "number | string")]
        uid: Uid,
        name: Option<String>,
    },
    PeerLeave {
        #[ts(type = "number | string")]
        uid: Uid,
        #[ts(type = "\"Quit\" | \"ServerTimeOut\" | \"BecomeAudience\"")]
        reason: LeaveReason,
    },
    MuteAudio(StreamRef),
    UnmuteAudio(StreamRef),
    MuteVideo(StreamRef),
    UnmuteVideo(StreamRef),
    FirstVideoFrameDecode(StreamRef),
    FirstAudioFrameDecode(StreamRef),
    StreamReconnectStart(StreamRef),
    StreamReconnectEnd {
        stream: String,
        #[ts(type = "number | string")]
        uid: Uid,
        success: bool,
    },
    /// The other picture of a stream comes from now on: 0 the large one, 1 the small one.
    StreamTypeChanged {
        stream: String,
        #[ts(type = "number | string")]
        uid: Uid,
        stream_type: u8,
    },
    /// 1: only the stream's sound comes, because the network carries no more; 0: its picture comes again.
    StreamFallback {
        stream: String,
        #[ts(type = "number | string")]
        uid: Uid,
        attr: u8,
    },
    /// Five times a second while anything is heard, this window's own stream included.
    VolumeIndicator {
        levels: Vec<Volume>,
    },
    /// How good the network is, every two seconds: 0 unknown, 1 excellent to 5 very bad, 6 down.
    NetworkQuality {
        uplink_network_quality: u8,
        downlink_network_quality: u8,
    },
    /// This machine's traffic goes over another kind of network, in Agora's words: ethernet, wifi, cellular, bluetooth, wimax, other (a
    /// VPN), none, unknown.
    NetworkTypeChanged {
        network_type: String,
    },
    /// Something of a user's stream should work and does not, or (`recovered`, its code 2000 more) does again.
    Exception {
        code: u16,
        msg: String,
        #[ts(type = "number | string")]
        uid: Uid,
        recovered: bool,
    },
    /// A camera, microphone or speaker of this window is gone.
    DeviceLost(DeviceProblem),
    /// The device that was gone is there again and goes on, or another speaker plays in its place.
    DeviceBack {
        device: DeviceKind,
    },
    /// Somebody speaks into the muted microphone of this window: nobody in the call hears it. At most every 10 s.
    SpeakingWhileMuted,
    /// This window's own role in `live` mode.
    ClientRoleChanged {
        #[ts(type = "\"host\" | \"audience\"")]
        role: Role,
    },
    /// The token, or a privilege in it, ends in so many seconds; `renew_token` goes on.
    #[serde(rename = "onTokenPrivilegeWillExpire")]
    TokenPrivilegeWillExpire {
        seconds: u32,
    },
    /// The token ended, and the call with it.
    #[serde(rename = "onTokenPrivilegeDidExpire")]
    TokenPrivilegeDidExpire(Problem),
    /// Kicked or banned; `attr` is the ban's code, as in Agora's SDK.
    ClientBanned {
        #[ts(type = "number | string")]
        uid: Uid,
        attr: String,
        message: String,
    },
    /// Something failed that no command waits for.
    Error(Problem),
}

impl PageEvent {
    pub fn error(error: Error) -> Self {
        Self::Error(error.into())
    }

    /// The client's event as the page gets it; none where the page has a better source.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::ConnectionStateChange { prev, cur } => {
                Self::ConnectionStateChange { prev_state: (*prev).into(), cur_state: (*cur).into() }
            }
            Event::StreamPublished { stream } => Self::StreamPublished(stream.into()),
            Event::StreamUnpublished { stream, .. } => Self::StreamUnpublished(stream.into()),
            Event::StreamAdded { stream } => Self::StreamAdded((&stream.id).into()),
            Event::StreamUpdated { stream } => Self::StreamUpdated((&stream.id).into()),
            Event::StreamSubscribed { stream } => Self::StreamSubscribed((&stream.id()).into()),
            Event::StreamRemoved { stream } => Self::StreamRemoved(stream.into()),
            Event::PeerOnline { uid } => Self::PeerOnline { uid: uid.clone() },
            Event::PeerNamed { uid, name } => Self::PeerNamed { uid: uid.clone(), name: name.clone().map(String::from) },
            Event::PeerLeave { uid, reason } => Self::PeerLeave { uid: uid.clone(), reason: *reason },
            Event::MuteAudio { stream, .. } => Self::MuteAudio(stream.into()),
            Event::UnmuteAudio { stream, .. } => Self::UnmuteAudio(stream.into()),
            Event::MuteVideo { stream, .. } => Self::MuteVideo(stream.into()),
            Event::UnmuteVideo { stream, .. } => Self::UnmuteVideo(stream.into()),
            Event::FirstVideoFrameDecode { stream } => Self::FirstVideoFrameDecode(stream.into()),
            Event::FirstAudioFrameDecode { stream } => Self::FirstAudioFrameDecode(stream.into()),
            Event::StreamReconnectStart { stream } => Self::StreamReconnectStart(stream.into()),
            Event::StreamReconnectEnd { stream, success } => {
                Self::StreamReconnectEnd { stream: stream.to_string(), uid: stream.uid.clone(), success: *success }
            }
            Event::StreamTypeChanged { uid, stream, stream_type } => {
                let stream_type = u8::from(*stream_type == StreamType::Low);
                Self::StreamTypeChanged { stream: stream.to_string(), uid: uid.clone(), stream_type }
            }
            Event::StreamFallback { uid, stream, sound_only } => {
                Self::StreamFallback { stream: stream.to_string(), uid: uid.clone(), attr: u8::from(*sound_only) }
            }
            // The window measures more often than Agora's two seconds, and its own stream as well.
            Event::VolumeIndicator { .. } => return None,
            Event::NetworkQuality(NetworkQuality { uplink, downlink }) => {
                Self::NetworkQuality { uplink_network_quality: *uplink as u8, downlink_network_quality: *downlink as u8 }
            }
            Event::NetworkTypeChanged { medium } => Self::NetworkTypeChanged { network_type: medium.to_string() },
            Event::Exception(exception) => Self::Exception {
                code: exception.code(),
                msg: exception.message(),
                uid: exception.uid.clone(),
                recovered: exception.recovered,
            },
            Event::DeviceLost { stream: None, error } => Self::DeviceLost(DeviceProblem::lost(DeviceKind::Speaker, error.clone())),
            Event::SpeakerBack => Self::DeviceBack { device: DeviceKind::Speaker },
            // The window's call says so, once.
            Event::StopScreenSharing { .. } => return None,
            // The window watches its own stream, in the lobby as well.
            Event::DeviceLost { stream: Some(_), .. } => return None,
            Event::SpeakingWhileMuted { .. } => Self::SpeakingWhileMuted,
            Event::ClientRoleChanged { role } => Self::ClientRoleChanged { role: *role },
            Event::TokenPrivilegeWillExpire { after } => {
                Self::TokenPrivilegeWillExpire { seconds: after.as_secs().try_into().unwrap_or(u32::MAX) }
            }
            Event::TokenPrivilegeDidExpire { error } => Self::TokenPrivilegeDidExpire(error.clone().into()),
            Event::ClientBanned { uid, error } => {
                Self::ClientBanned { uid: uid.clone(), attr: error.code.to_string(), message: error.message.clone() }
            }
            Event::Error { error } => Self::error(error.clone()),
        })
    }
}

impl From<ConnectionState> for Connection {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Disconnected => Self::Disconnected,
            ConnectionState::Connecting => Self::Connecting,
            ConnectionState::Connected => Self::Connected,
            ConnectionState::Disconnecting => Self::Disconnecting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Code;
    use client::{Exception, ExceptionKind};
    use serde_json::json;

    fn ana() -> StreamId {
        StreamId::camera(Uid::Number(7))
    }

    #[test]
    fn events_carry_agoras_names() {
        let events = [
            Event::StreamPublished { stream: ana() },
            Event::StreamRemoved { stream: ana() },
            Event::PeerLeave { uid: Uid::Number(7), reason: LeaveReason::Quit },
            Event::MuteVideo { uid: Uid::Number(7), stream: ana() },
            Event::FirstVideoFrameDecode { stream: ana() },
            Event::StreamReconnectEnd { stream: ana(), success: true },
            Event::StreamTypeChanged { uid: Uid::Number(7), stream: ana(), stream_type: StreamType::Low },
            Event::StreamFallback { uid: Uid::Number(7), stream: ana(), sound_only: true },
            Event::ClientRoleChanged { role: Role::Host },
            Event::SpeakingWhileMuted { stream: ana() },
            Event::NetworkQuality(NetworkQuality::default()),
            Event::NetworkTypeChanged { medium: client::Medium::Wifi },
            Event::Exception(Exception { kind: ExceptionKind::FramerateSentTooLow, recovered: true, uid: Uid::Number(7) }),
            Event::TokenPrivilegeWillExpire { after: std::time::Duration::from_secs(30) },
            Event::TokenPrivilegeDidExpire { error: Error::new(Code::DynamicKeyExpired, "Over.") },
            Event::ClientBanned { uid: Uid::Number(7), error: Error::new(Code::UidBanned, "Out.") },
            Event::ConnectionStateChange { prev: ConnectionState::Connecting, cur: ConnectionState::Connected },
        ];
        for event in events {
            assert_eq!(serde_json::to_value(PageEvent::of(&event)).unwrap()["event"], event.name());
        }
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let removed = PageEvent::of(&Event::StreamRemoved { stream: ana() });
        assert_eq!(serde_json::to_value(removed).unwrap(), json!({"event": "stream-removed", "stream": "7", "uid": 7}));
        let change = PageEvent::of(&Event::ConnectionStateChange { prev: ConnectionState::Connecting, cur: ConnectionState::Connected });
        let wire = json!({"event": "connection-state-change", "prevState": "CONNECTING", "curState": "CONNECTED"});
        assert_eq!(serde_json::to_value(change).unwrap(), wire);
    }
}
