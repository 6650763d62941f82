use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    call::{
        crowd, join,
        local::{Opened, Step},
        screen,
    },
    signal::StreamSource,
};

fn devices(camera: &str) -> Devices {
    Devices { camera: Choice::Id(camera.into()), microphone: Choice::Any, profile: join::profile(None).unwrap() }
}

fn form(channel: &str) -> Box<Join> {
    let params = serde_json::from_value(json!({"appId": "a", "channel": channel, "cameraId": "pattern"})).unwrap();
    Box::new(Join::new(params, None, None).unwrap())
}

fn uid(number: u32) -> Uid {
    Uid::Number(number)
}

fn stream(number: u32) -> StreamInfo {
    StreamInfo { id: StreamId::camera(uid(number)), audio: true, video: true, audio_muted: false, video_muted: false }
}

fn both() -> Opened {
    Opened { audio: true, video: true, ..Opened::default() }
}

/// Handles an input and takes all outputs.
fn after(machine: &mut Machine, input: Input) -> Vec<Output> {
    machine.handle(input);
    std::iter::from_fn(|| machine.poll()).collect()
}

fn reply(ticket: Ticket, answer: Answer) -> Output {
    Output::Reply { ticket, result: Ok(answer) }
}

/// The tickets answered with this code.
fn refused(outputs: &[Output], code: Code) -> Vec<Ticket> {
    let ticket = |output: &Output| match output {
        Output::Reply { ticket, result: Err(error) } if error.code == code => Some(*ticket),
        _ => None,
    };
    outputs.iter().filter_map(ticket).collect()
}

/// A machine in a call of user 7, whose stream is published.
fn in_call() -> Machine {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    after(&mut machine, Input::StreamOpened(both()));
    after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    after(&mut machine, Input::PublishEnded { attempt: 1, result: Ok(()) });
    machine
}

fn share() -> ShareSpec {
    serde_json::from_value(json!({"id": "window:7", "preference": "detail", "resolution": "1080p"})).unwrap()
}

#[test]
fn call_share_screen_gone_call() {
    let mut machine = Machine::default();
    let outputs = after(&mut machine, Input::Share { share: Some(share()), ticket: 1 });
    assert_eq!(refused(&outputs, Code::InvalidOperation), [1], "there is nobody to share with");
    let mut machine = in_call();
    let outputs = after(&mut machine, Input::Share { share: Some(share()), ticket: 2 });
    assert_eq!(outputs, [Output::Screen(screen::Step::Start(share()))]);
    assert_eq!(after(&mut machine, Input::ScreenStarted(Ok("Notes".into()))), [reply(2, Answer::Done)]);
    assert_eq!(machine.snapshot(0).screen.map(|screen| screen.label), Some("Notes".into()));
    let gone = |attempt| Input::ScreenGone { attempt, reason: "Closed.".into() };
    assert_eq!(after(&mut machine, gone(0)), [], "news of an earlier call");
    let outputs = after(&mut machine, gone(1));
    assert_eq!(outputs, [Output::ScreenGone("Closed.".into()), Output::Screen(screen::Step::Stop)]);
    after(&mut machine, Input::ScreenStopped);
    let state = machine.snapshot(0);
    assert!(state.screen.is_none() && state.published, "the call goes on");
}

#[test]
fn call_share_leave_leaving_and_the_screen_stops() {
    let mut machine = in_call();
    after(&mut machine, Input::Share { share: Some(share()), ticket: 2 });
    let outputs = after(&mut machine, Input::Leave { ticket: 3 });
    assert_eq!(refused(&outputs, Code::RequestAbort), [2]);
    assert_eq!(after(&mut machine, Input::ScreenStarted(Ok("Notes".into()))), [Output::Screen(screen::Step::Stop)]);
}

#[test]
fn a_hundred_people_at_once_are_subscribed_to_up_to_the_most_and_it_is_said_once() {
    let mut machine = in_call();
    let outputs: Vec<Output> = (100..200).flat_map(|n| after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(n) })).collect();
    let subscribed = |outputs: &[Output]| outputs.iter().filter(|output| matches!(output, Output::Subscribe { .. })).count();
    assert_eq!(subscribed(&outputs), crowd::MOST);
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Complain(_))).count(), 1);
    let waiting = |machine: &Machine| machine.snapshot(0).remote.iter().filter(|remote| remote.state == RemoteMedia::Waiting).count();
    assert_eq!((machine.snapshot(0).remote.len(), waiting(&machine)), (100, 100 - crowd::MOST));
    let outputs = after(&mut machine, Input::StreamRemoved { attempt: 1, stream: stream(100).id });
    assert_eq!((subscribed(&outputs), waiting(&machine)), (1, 99 - crowd::MOST));
}

#[test]
fn a_name_belongs_to_all_streams_of_its_user_whichever_comes_first() {
    let mut machine = in_call();
    let named = |name: &str| Input::PeerNamed { attempt: 1, uid: uid(8), name: Some(name.into()) };
    after(&mut machine, named("Ana"));
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    let screen = StreamInfo { id: StreamId { source: StreamSource::Screen, ..stream(8).id }, ..stream(8) };
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: screen });
    let shown = |machine: &Machine| -> Vec<_> {
        machine.snapshot(0).remote.into_iter().map(|remote| (remote.stream, remote.name, remote.source)).collect()
    };
    let ana = Some("Ana".to_owned());
    assert_eq!(shown(&machine), [("8".into(), ana.clone(), StreamSource::Camera), ("8-screen".into(), ana, StreamSource::Screen)]);
    after(&mut machine, named("Ana María"));
    assert!(shown(&machine).iter().all(|(_, name, _)| name.as_deref() == Some("Ana María")));
    after(&mut machine, Input::Named { attempt: 1, name: Some("Bob".into()) });
    assert_eq!(machine.snapshot(0).name.as_deref(), Some("Bob"));
}

#[test]
fn lobby_join_joining_call_as_in_the_quick_start() {
    let mut machine = Machine::default();
    let outputs = after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    assert_eq!(outputs, [Output::Connect { attempt: 1, join: form("demo") }, Output::Local(Step::Open(form("demo").devices))]);
    assert_eq!(machine.snapshot(0).state, PagePhase::Joining);
    let outputs = after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    assert_eq!(outputs, [], "the camera is still opening");
    assert!(machine.snapshot(0).joined);
    let outputs = after(&mut machine, Input::StreamOpened(both()));
    let then = [
        Output::Local(Step::Mute { audio: false, video: false }),
        reply(1, Answer::Joined(uid(7))),
        Output::Publish { attempt: 1, wanted: true },
    ];
    assert_eq!(outputs, then);
    after(&mut machine, Input::PublishEnded { attempt: 1, result: Ok(()) });
    let state = machine.snapshot(0);
    assert!(state.joined && state.published && state.uid == Some(uid(7)) && state.params.is_some());
}

#[test]
fn joining_join_joining_one_client_and_both_are_answered() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    assert_eq!(after(&mut machine, Input::Join { join: form("demo"), ticket: 2 }), []);
    after(&mut machine, Input::StreamOpened(Opened::default()));
    let outputs = after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    assert_eq!(outputs, [reply(1, Answer::Joined(uid(7))), reply(2, Answer::Joined(uid(7)))]);
    assert_eq!(after(&mut machine, Input::Join { join: form("demo"), ticket: 3 }), [reply(3, Answer::Joined(uid(7)))]);
}

#[test]
fn joining_and_call_refuse_another_channel() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    let outputs = after(&mut machine, Input::Join { join: form("other"), ticket: 2 });
    assert_eq!(refused(&outputs, Code::RepeatJoin), [2]);
    let outputs = after(&mut in_call(), Input::Join { join: form("other"), ticket: 3 });
    assert_eq!(refused(&outputs, Code::RepeatJoin), [3]);
}

#[test]
fn joining_leave_leaving_lobby_and_a_late_joined_changes_nothing() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    let outputs = after(&mut machine, Input::Leave { ticket: 2 });
    assert_eq!(refused(&outputs, Code::RequestAbort), [1]);
    assert!(outputs.contains(&Output::Disconnect { attempt: 1 }));
    after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    assert_eq!(machine.snapshot(0).state, PagePhase::Leaving);
    assert!(after(&mut machine, Input::Left { attempt: 1 }).contains(&reply(2, Answer::Done)));
    let state = machine.snapshot(0);
    assert_eq!((state.state, state.connection), (PagePhase::Lobby, Connection::Disconnected));
}

#[test]
fn joining_joined_err_lobby_and_the_next_join_is_a_new_attempt() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    let error = Error::new(Code::SocketError, "No service.");
    let outputs = after(&mut machine, Input::Joined { attempt: 1, result: Err(error) });
    assert_eq!(refused(&outputs, Code::SocketError), [1]);
    assert!(outputs.contains(&Output::Disconnect { attempt: 1 }));
    after(&mut machine, Input::Left { attempt: 1 });
    let outputs = after(&mut machine, Input::Join { join: form("demo"), ticket: 2 });
    assert!(outputs.contains(&Output::Connect { attempt: 2, join: form("demo") }));
}

#[test]
fn leaving_join_leaving_then_joining() {
    let mut machine = in_call();
    after(&mut machine, Input::Leave { ticket: 2 });
    assert_eq!(after(&mut machine, Input::Join { join: form("other"), ticket: 3 }), []);
    let outputs = after(&mut machine, Input::Left { attempt: 1 });
    assert!(outputs.contains(&reply(2, Answer::Done)) && outputs.contains(&Output::Connect { attempt: 2, join: form("other") }));
}

#[test]
fn call_leave_lobby_everything_is_cleared() {
    let mut machine = in_call();
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(9) });
    after(&mut machine, Input::Leave { ticket: 2 });
    let outputs = after(&mut machine, Input::Left { attempt: 1 });
    assert!(outputs.contains(&Output::Local(Step::Close)), "no preview was asked for");
    let state = machine.snapshot(0);
    assert!(!state.joined && !state.published && state.remote.is_empty() && state.local.is_none() && state.uid.is_none());
    assert_eq!(after(&mut machine, Input::Leave { ticket: 3 }), [reply(3, Answer::Done)]);
}

#[test]
fn call_ended_lobby_as_if_left() {
    let mut machine = in_call();
    assert_eq!(after(&mut machine, Input::Ended { attempt: 1 }), [Output::Disconnect { attempt: 1 }]);
    after(&mut machine, Input::Left { attempt: 1 });
    assert_eq!(machine.snapshot(0).state, PagePhase::Lobby);
}

#[test]
fn call_unpublished_by_the_service_call_until_publish_is_pressed_again() {
    let mut machine = in_call();
    assert_eq!(after(&mut machine, Input::Unpublished { attempt: 1 }), []);
    assert!(!machine.snapshot(0).published && machine.snapshot(0).joined);
    let outputs = after(&mut machine, Input::Publish { wanted: true, ticket: 2 });
    assert_eq!(outputs, [Output::Publish { attempt: 1, wanted: true }]);
}

#[test]
fn a_role_and_a_renewed_token_are_the_calls() {
    let mut machine = in_call();
    let first = machine.snapshot(0).role;
    after(&mut machine, Input::Role { attempt: 1, role: Role::Audience });
    after(&mut machine, Input::Renewed { attempt: 1, token: "007".into() });
    let state = machine.snapshot(0);
    assert_eq!((first, state.role, state.params.unwrap().token.as_deref()), (Some(Role::Host), Some(Role::Audience), Some("007")));
    after(&mut machine, Input::Ended { attempt: 1 });
    assert_eq!(machine.snapshot(0).role, None);
}

#[test]
fn the_previews_stream_is_the_calls_stream_and_the_preview_again() {
    let mut machine = Machine::default();
    after(&mut machine, Input::StartPreview { devices: form("demo").devices, off: Off::default(), ticket: 1 });
    after(&mut machine, Input::StreamOpened(both()));
    let outputs = after(&mut machine, Input::StartPreview { devices: form("demo").devices, off: Off::default(), ticket: 2 });
    assert_eq!(outputs, [reply(2, Answer::Done)]);
    let outputs = after(&mut machine, Input::Join { join: form("demo"), ticket: 3 });
    assert_eq!(outputs, [Output::Connect { attempt: 1, join: form("demo") }]);
    let outputs = after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    assert!(outputs.contains(&Output::Publish { attempt: 1, wanted: true }));
    after(&mut machine, Input::PublishEnded { attempt: 1, result: Ok(()) });
    after(&mut machine, Input::Leave { ticket: 4 });
    let outputs = after(&mut machine, Input::Left { attempt: 1 });
    assert_eq!(outputs, [reply(4, Answer::Done)], "the stream stays open for the lobby");
    assert!(machine.snapshot(0).local.is_some());
}

#[test]
fn the_preview_may_begin_with_the_camera_off_and_changes_nothing_in_a_call() {
    let mut machine = Machine::default();
    let off = Off { audio: None, video: Some(true) };
    let outputs = after(&mut machine, Input::StartPreview { devices: form("demo").devices, off, ticket: 1 });
    assert_eq!(outputs[0], reply(1, Answer::Done));
    assert_eq!(outputs[2], Output::Local(Step::Mute { audio: false, video: true }), "{outputs:?}");
    after(&mut machine, Input::StreamOpened(both()));
    assert!(machine.snapshot(0).local.is_some_and(|local| local.video_muted && !local.audio_muted));
    let mut machine = in_call();
    after(&mut machine, Input::StartPreview { devices: form("demo").devices, off, ticket: 2 });
    assert!(machine.snapshot(0).local.is_some_and(|local| !local.video_muted));
}

#[test]
fn a_device_is_switched_in_lobby_and_call_and_refused_where_none_is_open() {
    let pattern = || Choice::Id("other".into());
    let outputs = after(&mut Machine::default(), Input::SetCamera { id: pattern(), ticket: 1 });
    assert_eq!(refused(&outputs, Code::InvalidOperation), [1]);
    let outputs = after(&mut in_call(), Input::SetCamera { id: pattern(), ticket: 2 });
    assert_eq!(
        outputs,
        [reply(2, Answer::Done), Output::Local(Step::Switch { camera: Some(pattern()), microphone: None, before: both() })]
    );
}

#[test]
fn without_devices_one_still_watches_and_publish_says_why() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Join { join: form("demo"), ticket: 1 });
    let problem = Error::new(Code::DevicesNotFound, "No camera found.");
    after(&mut machine, Input::StreamOpened(Opened { camera: Some(problem), ..Opened::default() }));
    let outputs = after(&mut machine, Input::Joined { attempt: 1, result: Ok(uid(7)) });
    assert_eq!(outputs, [reply(1, Answer::Joined(uid(7)))]);
    let outputs = after(&mut machine, Input::Publish { wanted: true, ticket: 2 });
    assert_eq!(refused(&outputs, Code::InvalidLocalStream), [2]);
    let outputs = after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    assert_eq!(outputs, [Output::Subscribe { attempt: 1, stream: stream(8).id }]);
}

#[test]
fn a_mute_in_the_lobby_holds_in_the_call() {
    let mut machine = Machine::default();
    after(&mut machine, Input::Mute { audio: Some(true), video: None, ticket: 1 });
    after(&mut machine, Input::Join { join: form("demo"), ticket: 2 });
    let outputs = after(&mut machine, Input::StreamOpened(both()));
    assert!(outputs.contains(&Output::Local(Step::Mute { audio: true, video: false })));
    assert!(machine.snapshot(0).local.unwrap().audio_muted);
}

#[test]
fn remote_streams_come_change_and_go() {
    let mut machine = in_call();
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    assert_eq!(after(&mut machine, Input::StreamAdded { attempt: 0, stream: stream(9) }), [], "an earlier attempt's");
    after(&mut machine, Input::SubscribeEnded { attempt: 1, stream: stream(8).id, result: Ok(()) });
    after(&mut machine, Input::StreamMedia { attempt: 1, stream: stream(8).id, media: RemoteMedia::Playing });
    after(&mut machine, Input::StreamUpdated { attempt: 1, stream: StreamInfo { audio: false, ..stream(8) } });
    after(&mut machine, Input::StreamMuted { attempt: 1, stream: stream(8).id, audio: None, video: Some(true) });
    let remote = machine.snapshot(0).remote;
    assert!(remote.len() == 1 && !remote[0].audio && remote[0].video_muted && remote[0].state == RemoteMedia::Playing);
    after(&mut machine, Input::StreamRemoved { attempt: 1, stream: stream(8).id });
    assert!(machine.snapshot(0).remote.is_empty());
}

#[test]
fn a_stream_whose_picture_does_not_come_through_is_sound_until_it_does() {
    let mut machine = in_call();
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    let fallback = |sound_only| Input::StreamFallback { attempt: 1, stream: stream(8).id, sound_only };
    for (input, state) in [
        (fallback(true), RemoteMedia::Sound),
        (fallback(false), RemoteMedia::Playing),
        (fallback(true), RemoteMedia::Sound),
        (Input::StreamMedia { attempt: 1, stream: stream(8).id, media: RemoteMedia::Stalled }, RemoteMedia::Stalled),
        (fallback(false), RemoteMedia::Stalled),
    ] {
        after(&mut machine, input);
        assert_eq!(machine.snapshot(0).remote[0].state, state);
    }
}

#[test]
fn a_subscription_that_fails_is_complained_of_unless_its_stream_went() {
    let mut machine = in_call();
    after(&mut machine, Input::StreamAdded { attempt: 1, stream: stream(8) });
    let error = Error::new(Code::SubscribeStreamFailed, "No.");
    let failed = |number| Input::SubscribeEnded { attempt: 1, stream: stream(number).id, result: Err(error.clone()) };
    assert_eq!(after(&mut machine, failed(9)), []);
    assert_eq!(after(&mut machine, failed(8)), [Output::Complain(error.clone())]);
}

fn any_input() -> impl Strategy<Value = Input> {
    let ticket = 0u64..1_000_000;
    let attempt = 0u64..4;
    let opened = (any::<bool>(), any::<bool>()).prop_map(|(audio, video)| Opened { audio, video, ..Opened::default() });
    let error = || Error::new(Code::SocketError, "No.");
    prop_oneof![
        ticket.clone().prop_map(|ticket| Input::StartPreview { devices: devices("a"), off: Off::default(), ticket }),
        ticket.clone().prop_map(|ticket| Input::StopPreview { ticket }),
        (any::<bool>(), ticket.clone()).prop_map(|(same, ticket)| Input::Join { join: form(if same { "demo" } else { "other" }), ticket }),
        ticket.clone().prop_map(|ticket| Input::Leave { ticket }),
        (any::<bool>(), ticket.clone()).prop_map(|(wanted, ticket)| Input::Publish { wanted, ticket }),
        ticket.prop_map(|ticket| Input::SetCamera { id: Choice::Id("b".into()), ticket }),
        opened.clone().prop_map(Input::StreamOpened),
        opened.prop_map(Input::StreamSwitched),
        (attempt.clone(), any::<bool>())
            .prop_map(move |(attempt, ok)| Input::Joined { attempt, result: if ok { Ok(uid(7)) } else { Err(error()) } }),
        attempt.clone().prop_map(|attempt| Input::Left { attempt }),
        (attempt.clone(), any::<bool>())
            .prop_map(move |(attempt, ok)| Input::PublishEnded { attempt, result: if ok { Ok(()) } else { Err(error()) } }),
        attempt.clone().prop_map(|attempt| Input::StreamAdded { attempt, stream: stream(8) }),
        attempt.prop_map(|attempt| Input::Ended { attempt }),
    ]
}

/// Who an input waits for an answer for.
fn ticket_of(input: &mut Input, number: Ticket) -> bool {
    match input {
        Input::StartPreview { ticket, .. }
        | Input::StopPreview { ticket }
        | Input::Join { ticket, .. }
        | Input::Leave { ticket }
        | Input::Publish { ticket, .. }
        | Input::SetCamera { ticket, .. } => {
            *ticket = number;
            true
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn whatever_comes_every_ticket_is_answered_once(inputs in proptest::collection::vec(any_input(), 0..60)) {
        let mut machine = Machine::default();
        let mut asked = 0;
        let mut outputs = Vec::new();
        for mut input in inputs {
            if ticket_of(&mut input, asked) {
                asked += 1;
            }
            outputs.extend(after(&mut machine, input));
        }
        outputs.extend(after(&mut machine, Input::Leave { ticket: asked }));
        let attempt = machine.attempt;
        outputs.extend(after(&mut machine, Input::Left { attempt }));
        let mut answered: Vec<Ticket> = outputs.iter().filter_map(|o| match o { Output::Reply { ticket, .. } => Some(*ticket), _ => None }).collect();
        answered.sort_unstable();
        prop_assert_eq!(answered, (0..=asked).collect::<Vec<_>>());
    }
}
