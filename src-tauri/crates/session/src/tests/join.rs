//! idle → joining → online.

use super::*;
use crate::link::JOIN_REQUEST;

#[test]
fn idle_join_joining() {
    let mut bench = Bench::new();
    let out = bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    let change = Event::ConnectionStateChange { prev: ConnectionState::Disconnected, cur: ConnectionState::Connecting };
    assert_eq!(out, [Output::Event(change), Output::OpenSignalling]);
    assert_eq!(bench.state(), ConnectionState::Connecting);
}

#[test]
fn joining_opened_asked_joined_online() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    let out = bench.give(Input::SignallingOpened);
    let [Output::Send(Request { id: 1, command: Command::Join { uid: Some(asked), session: None, .. } })] = &out[..] else {
        panic!("{out:?}")
    };
    assert_eq!(*asked, uid(1));
    let out = bench.give(reply(1, Ok(Success::Joined(Box::new(joined(vec![peer(2)], false))))));
    assert_eq!(
        out,
        [
            Output::UseIceServers(vec![]),
            Output::Reply { call: CALL, result: Ok(Answer::Joined { uid: uid(1) }) },
            Output::Event(Event::ConnectionStateChange { prev: ConnectionState::Connecting, cur: ConnectionState::Connected }),
            Output::Event(Event::PeerOnline { uid: uid(2) }),
            Output::Event(Event::StreamAdded { stream: info(2) }),
        ]
    );
}

#[test]
fn joining_refused_idle() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    bench.give(Input::SignallingOpened);
    let out = bench.give(refusal(1, Code::UidConflict));
    assert_eq!(answer(&out, CALL), Some(Err(Code::UidConflict)));
    assert!(out.contains(&Output::CloseSignalling));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn joining_signalling_failed_idle_at_once_with_its_sentence() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    let error = Error::new(Code::SocketError, "ws://127.0.0.1:1 refuses connections.");
    let out = bench.give(Input::SignallingFailed { error: error.clone() });
    assert!(out.contains(&Output::Reply { call: CALL, result: Err(error) }), "{out:?}");
}

#[test]
fn joining_deadline_says_how_far_it_came() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    assert_eq!(answer(&bench.wait_in_silence(10_000 * MS), CALL), Some(Err(Code::SocketError)));

    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    bench.give(Input::SignallingOpened);
    assert_eq!(answer(&bench.wait_in_silence(9_999 * MS), CALL), None);
    assert_eq!(answer(&bench.wait_in_silence(MS), CALL), Some(Err(Code::JoinChannelTimeout)));
}

#[test]
fn joining_leave_idle_and_the_join_is_aborted() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    let out = bench.give(Input::Leave { call: CallId(2) });
    assert_eq!(answer(&out, CALL), Some(Err(Code::RequestAbort)));
    assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn joining_asked_leave_leaving_until_the_service_has_undone_the_join() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    bench.give(Input::SignallingOpened);
    let out = bench.give(Input::Leave { call: CallId(2) });
    assert_eq!(answer(&out, CALL), Some(Err(Code::RequestAbort)));
    assert_eq!((answer(&out, CallId(2)), commands(&out)), (None, vec![&Command::Leave]));
    assert_eq!(bench.state(), ConnectionState::Disconnecting);
    let reply = |id| Input::Received(Incoming::Reply(Reply::new(id, Ok(Success::Done {}))));
    assert_eq!(answer(&bench.give(reply(JOIN_REQUEST)), CallId(2)), None, "the join's own answer comes too late");
    let out = bench.give(reply(JOIN_REQUEST + 1));
    assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
    assert!(out.contains(&Output::CloseSignalling));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn a_second_join_is_refused_in_every_state() {
    let again = |n| Input::Join { call: CallId(n), join: Box::new(join()) };
    let mut bench = Bench::new();
    bench.give(again(1));
    assert_eq!(answer(&bench.give(again(2)), CallId(2)), Some(Err(Code::InvalidOperation)));
    let mut bench = Bench::online(vec![]);
    assert_eq!(answer(&bench.give(again(3)), CallId(3)), Some(Err(Code::RepeatJoin)));
    bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(answer(&bench.give(again(4)), CallId(4)), Some(Err(Code::RepeatJoin)));
}

#[test]
fn calls_before_a_join_are_refused() {
    let mut bench = Bench::new();
    for (n, input) in [
        Input::Publish { call: CallId(0), stream: own(StreamSource::Camera) },
        Input::Unpublish { call: CallId(1), source: StreamSource::Camera },
        Input::Subscribe { call: CallId(2), stream: camera(2), audio: true, video: true },
        Input::Unsubscribe { call: CallId(3), stream: camera(2) },
        Input::Leave { call: CallId(4) },
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(answer(&bench.give(input), CallId(n as u64)), Some(Err(Code::InvalidOperation)));
    }
}

#[test]
fn a_channel_over_livekit_is_not_joined() {
    let mut bench = Bench::new();
    bench.give(Input::Join { call: CALL, join: Box::new(join()) });
    bench.give(Input::SignallingOpened);
    let media = Media::Livekit { url: "wss://sfu".into(), token: "t".into() };
    let out = bench.give(reply(1, Ok(Success::Joined(Box::new(Joined { media, ..joined(vec![], false) })))));
    assert_eq!(answer(&out, CALL), Some(Err(Code::NotSupported)));
    assert_eq!(commands(&out), [&Command::Leave]);
}

#[test]
fn online_ice_servers_are_used_from_now_on() {
    let mut bench = Bench::online(vec![]);
    let servers = vec![signal::IceServer { urls: vec!["turn:a:3478".into()], username: Some("7:1".into()), credential: None }];
    let out = bench.event(signal::Event::IceServers { ice_servers: servers.clone() });
    assert_eq!(out, [Output::UseIceServers(servers)]);
}
