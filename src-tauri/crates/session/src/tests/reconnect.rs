//! online → away → online: the service goes and comes, media stays.

use super::*;

#[test]
fn online_closed_away_and_media_stays() {
    let (mut bench, id) = Bench::subscribed();
    let out = bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(out[0], Output::CloseSignalling);
    assert!(
        matches!(events(&out)[..], [Event::ConnectionStateChange { cur: ConnectionState::Connecting, .. }, Event::Error { error }] if error.code == Code::SocketDisconnected)
    );
    let out = bench.wait(30_000 * MS);
    assert!(!out.contains(&Output::ClosePeer { subscription: id }), "{out:?}");
}

#[test]
fn online_silence_away() {
    let mut bench = Bench::online(vec![]);
    let out = bench.wait_in_silence(7_999 * MS);
    assert_eq!(commands(&out), [&Command::Ping; 3]);
    assert_eq!(bench.state(), ConnectionState::Connected);
    bench.wait_in_silence(MS);
    assert_eq!(bench.state(), ConnectionState::Connecting);
}

#[test]
fn an_idle_member_pings_every_interval() {
    let mut bench = Bench::online(vec![]);
    let out = bench.wait(20_000 * MS);
    assert_eq!(commands(&out), [&Command::Ping; 10]);
}

#[test]
fn tries_are_spread_out_up_to_a_cap() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::SignallingClosed { error: socket_error() });
    let mut tries = 0;
    for _ in 0..600 {
        if bench.wait(100 * MS).contains(&Output::OpenSignalling) {
            tries += 1;
            bench.give(Input::SignallingFailed { error: socket_error() });
        }
    }
    assert!((30..=64).contains(&tries), "{tries} tries in a minute");
}

#[test]
fn away_opened_asked_rejoined_online_with_uid_and_session() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let out = bench.lose_and_reopen();
    let [Command::Join { uid: Some(asked), session: Some(session), .. }] = commands(&out)[..] else { panic!("{out:?}") };
    assert_eq!((asked, session), (&uid(1), &session_key()));
    let out = bench.rejoin(vec![peer(2)], true);
    assert_eq!(commands(&out), [&Command::Publish { stream: info(1) }]);
    assert_eq!(events(&out), [&Event::ConnectionStateChange { prev: ConnectionState::Connecting, cur: ConnectionState::Connected }]);
    assert_eq!(bench.confirm(&out), [], "a republish is nothing new");
}

#[test]
fn a_try_without_an_answer_is_followed_by_another() {
    let mut bench = Bench::online(vec![]);
    bench.lose_and_reopen();
    let out = bench.wait(6_000 * MS);
    assert!(out.contains(&Output::CloseSignalling));
    assert!(out.contains(&Output::OpenSignalling));
}

#[test]
fn away_network_changed_tried_at_once_and_waits_start_small_again() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::SignallingClosed { error: socket_error() });
    for _ in 0..6 {
        bench.wait(2_000 * MS);
        bench.give(Input::SignallingFailed { error: socket_error() });
    }
    // waiting
    assert_eq!(bench.give(Input::NetworkChanged), [Output::OpenSignalling]);
    // opening: that connection may go over an address that is gone
    assert_eq!(bench.give(Input::NetworkChanged), [Output::CloseSignalling, Output::OpenSignalling]);
    bench.give(Input::SignallingFailed { error: socket_error() });
    assert!(bench.wait(200 * MS).contains(&Output::OpenSignalling));
}

#[test]
fn what_changed_while_away_is_told_and_the_rest_is_not() {
    let mut bench = Bench::online(vec![peer(2), peer(3), peer(4)]);
    bench.lose_and_reopen();
    let muted = StreamInfo { audio_muted: true, ..info(4) };
    let now = vec![peer(2), Peer { uid: uid(4), name: None, streams: vec![muted.clone()] }, peer(5)];
    let out = bench.rejoin(now, true);
    assert_eq!(
        events(&out)[1..],
        [
            &Event::StreamUpdated { stream: muted, before: info(4) },
            &Event::PeerOnline { uid: uid(5) },
            &Event::StreamAdded { stream: info(5) },
            &Event::StreamRemoved { stream: camera(3) },
            &Event::PeerLeave { uid: uid(3), reason: signal::LeaveReason::ServerTimeOut },
        ]
    );
}

#[test]
fn a_restarted_service_does_not_end_the_media_of_those_not_yet_back() {
    let (mut bench, id) = Bench::subscribed();
    bench.lose_and_reopen();
    let out = bench.rejoin(vec![], false);
    assert_eq!(events(&out).len(), 1, "{out:?}");
    assert!(!out.contains(&Output::ClosePeer { subscription: id.clone() }));
    bench.wait(3_000 * MS);
    assert_eq!(bench.event(signal::Event::PeerOnline { uid: uid(2), name: None }), [Output::CheckPath { subscription: id.clone() }]);
    let out = bench.event(signal::Event::StreamAdded { stream: info(2) });
    assert_eq!(events(&out).len(), 0, "{out:?}");
    assert_eq!(commands(&out), [&Command::Keep { subscription: id.clone(), stream: camera(2) }]);
    let out = bench.wait(30_000 * MS);
    assert!(!out.contains(&Output::ClosePeer { subscription: id }), "{out:?}");
}

#[test]
fn who_does_not_come_back_to_a_restarted_service_has_left() {
    let (mut bench, id) = Bench::subscribed();
    bench.lose_and_reopen();
    bench.rejoin(vec![], false);
    let out = bench.wait(10_000 * MS);
    assert!(out.contains(&Output::ClosePeer { subscription: id }));
    assert!(events(&out).contains(&&Event::PeerLeave { uid: uid(2), reason: signal::LeaveReason::ServerTimeOut }));
}

#[test]
fn pending_calls_are_carried_over() {
    let mut bench = Bench::online(vec![peer(2)]);
    let first = bench.ask_for(camera(2));
    bench.give(Input::Publish { call: CallId(7), stream: own(StreamSource::Camera) });
    let out = bench.lose_and_reopen();
    assert!(out.contains(&Output::ClosePeer { subscription: first.clone() }));
    let out = bench.rejoin(vec![peer(2)], true);
    let second = offered(&out).expect("the subscription is asked for again");
    assert_ne!(first, second);
    assert_eq!(answer(&bench.confirm(&out), CallId(7)), Some(Ok(Answer::Done)));
}

#[test]
fn calls_while_away_are_taken_up_after_the_rejoin() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.give(Input::SignallingClosed { error: socket_error() });
    let out = bench.give(Input::Unpublish { call: CallId(2), source: StreamSource::Camera });
    assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
    bench.give(Input::Publish { call: CallId(3), stream: own(StreamSource::Screen) });
    bench.give(Input::Subscribe { call: CallId(4), stream: camera(2), audio: true, video: true });
    bench.wait(200 * MS);
    bench.give(Input::SignallingOpened);
    let out = bench.rejoin(vec![peer(2)], true);
    let screen = StreamInfo { id: StreamId { uid: uid(1), source: StreamSource::Screen }, ..info(1) };
    assert_eq!(commands(&out), [&Command::Unpublish { stream: camera(1) }, &Command::Publish { stream: screen }]);
    assert!(offered(&out).is_some());
    assert_eq!(answer(&bench.confirm(&out), CallId(3)), Some(Ok(Answer::Done)));
}

#[test]
fn an_unpublish_cut_off_is_repeated() {
    let mut bench = Bench::publishing(vec![]);
    bench.give(Input::Unpublish { call: CallId(2), source: StreamSource::Camera });
    let out = bench.lose_and_reopen();
    assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
    assert_eq!(commands(&bench.rejoin(vec![], true)), [&Command::Unpublish { stream: camera(1) }]);
}

#[test]
fn a_uid_held_by_our_old_self_is_waited_for_and_then_given_up() {
    let mut bench = Bench::online(vec![]);
    bench.lose_and_reopen();
    let mut refused = Duration::ZERO;
    bench.give(refusal(1, Code::UidConflict));
    while bench.state() == ConnectionState::Connecting {
        refused += 100 * MS;
        if bench.wait(100 * MS).contains(&Output::OpenSignalling) {
            bench.give(Input::SignallingOpened);
            let out = bench.give(refusal(1, Code::UidConflict));
            if bench.state() == ConnectionState::Disconnected {
                assert!(events(&out).iter().any(|event| matches!(event, Event::Error { error } if error.code == Code::UidConflict)));
            }
        }
    }
    assert!(refused >= 8_000 * MS && refused <= 14_000 * MS, "{refused:?}");
}

#[test]
fn a_service_that_is_not_ready_is_tried_again_and_one_that_says_no_is_not() {
    let mut bench = Bench::online(vec![]);
    bench.lose_and_reopen();
    bench.give(refusal(1, Code::ServiceNotReady));
    assert!(bench.wait(400 * MS).contains(&Output::OpenSignalling));
    bench.give(Input::SignallingOpened);
    let out = bench.give(refusal(1, Code::NoAuthorized));
    assert!(
        matches!(events(&out)[..], [Event::Error { .. }, Event::ConnectionStateChange { cur: ConnectionState::Disconnected, .. }]),
        "{out:?}"
    );
}

#[test]
fn an_answer_made_while_away_is_not_sent_late() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let id = subscription(9);
    bench.event(signal::Event::Subscribe { subscription: id.clone(), subscriber: uid(2), stream: camera(1), offer: sdp("offer") });
    bench.give(Input::SignallingClosed { error: socket_error() });
    let out = bench.give(Input::AnswerReady { subscription: id.clone(), answer: sdp("answer") });
    assert_eq!(out, [Output::ClosePeer { subscription: id }]);
}
