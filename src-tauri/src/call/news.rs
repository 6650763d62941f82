//! What the client's events mean to the machine.

use client::{ConnectionState, Event};

use super::input::{Attempt, Input};
use crate::{
    signal::{StreamId, StreamSource},
    types::RemoteMedia,
};

/// The inputs that an event of this attempt's client amounts to.
pub fn inputs(attempt: Attempt, event: &Event) -> Vec<Input> {
    let media = |stream: &StreamId, media| vec![Input::StreamMedia { attempt, stream: stream.clone(), media }];
    let muted = |stream: &StreamId, audio, video| vec![Input::StreamMuted { attempt, stream: stream.clone(), audio, video }];
    match event {
        Event::ConnectionStateChange { cur, .. } => {
            let state = Input::Connection { attempt, state: (*cur).into() };
            if *cur == ConnectionState::Disconnected { vec![state, Input::Ended { attempt }] } else { vec![state] }
        }
        Event::StreamUnpublished { asked: false, stream } if stream.source == StreamSource::Screen => {
            let reason = "The channel service takes no screen from you any more.".into();
            vec![Input::ScreenGone { attempt, reason }]
        }
        Event::StreamUnpublished { asked: false, .. } => vec![Input::Unpublished { attempt }],
        Event::StopScreenSharing { error, .. } => vec![Input::ScreenGone { attempt, reason: error.message.clone() }],
        Event::ClientRoleChanged { role } => vec![Input::Role { attempt, role: *role }],
        Event::PeerNamed { uid, name } => vec![Input::PeerNamed { attempt, uid: uid.clone(), name: name.clone().map(String::from) }],
        Event::PeerLeave { uid, .. } => vec![Input::PeerNamed { attempt, uid: uid.clone(), name: None }],
        Event::StreamAdded { stream } => vec![Input::StreamAdded { attempt, stream: stream.clone() }],
        Event::StreamUpdated { stream } => vec![Input::StreamUpdated { attempt, stream: stream.clone() }],
        Event::StreamRemoved { stream } => vec![Input::StreamRemoved { attempt, stream: stream.clone() }],
        Event::MuteAudio { stream, .. } => muted(stream, Some(true), None),
        Event::UnmuteAudio { stream, .. } => muted(stream, Some(false), None),
        Event::MuteVideo { stream, .. } => muted(stream, None, Some(true)),
        Event::UnmuteVideo { stream, .. } => muted(stream, None, Some(false)),
        // A stream without a picture plays as soon as its media flows.
        Event::StreamSubscribed { stream } if !stream.info().video => media(&stream.id(), RemoteMedia::Playing),
        Event::FirstVideoFrameDecode { stream } => media(stream, RemoteMedia::Playing),
        Event::StreamReconnectStart { stream } => media(stream, RemoteMedia::Stalled),
        Event::StreamReconnectEnd { stream, success: true } => media(stream, RemoteMedia::Playing),
        Event::StreamFallback { stream, sound_only, .. } => {
            vec![Input::StreamFallback { attempt, stream: stream.clone(), sound_only: *sound_only }]
        }
        Event::StreamSubscribed { .. }
        | Event::StreamTypeChanged { .. }
        | Event::StreamReconnectEnd { .. }
        | Event::StreamPublished { .. }
        | Event::StreamUnpublished { .. }
        | Event::PeerOnline { .. }
        | Event::FirstAudioFrameDecode { .. }
        | Event::VolumeIndicator { .. }
        | Event::NetworkQuality(_)
        | Event::NetworkTypeChanged { .. }
        | Event::Exception(_)
        | Event::DeviceLost { .. }
        | Event::SpeakingWhileMuted { .. }
        | Event::SpeakerBack
        | Event::TokenPrivilegeWillExpire { .. }
        | Event::TokenPrivilegeDidExpire { .. }
        | Event::ClientBanned { .. }
        | Event::Error { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Uid;

    fn ana() -> StreamId {
        StreamId::camera(Uid::Number(7))
    }

    #[test]
    fn a_client_that_is_disconnected_has_ended_its_call() {
        let event = Event::ConnectionStateChange { prev: ConnectionState::Connected, cur: ConnectionState::Disconnected };
        assert!(inputs(3, &event).contains(&Input::Ended { attempt: 3 }));
        let event = Event::ConnectionStateChange { prev: ConnectionState::Connected, cur: ConnectionState::Connecting };
        assert!(!inputs(3, &event).contains(&Input::Ended { attempt: 3 }), "it is being brought back");
    }

    #[test]
    fn a_stream_plays_stalls_and_plays_again() {
        let states: Vec<_> = [
            Event::FirstVideoFrameDecode { stream: ana() },
            Event::StreamReconnectStart { stream: ana() },
            Event::StreamReconnectEnd { stream: ana(), success: true },
        ]
        .iter()
        .flat_map(|event| inputs(1, event))
        .map(|input| match input {
            Input::StreamMedia { media, .. } => media,
            other => panic!("{other:?}"),
        })
        .collect();
        assert_eq!(states, [RemoteMedia::Playing, RemoteMedia::Stalled, RemoteMedia::Playing]);
    }
}
