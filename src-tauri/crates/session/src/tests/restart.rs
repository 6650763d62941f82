//! A connection that was up and goes down: ICE restart, another attempt, or waiting for the service.

use super::*;

#[test]
fn connected_disconnected_restart_connected() {
    let (mut bench, id) = Bench::subscribed();
    let out = bench.give(Input::Disconnected { subscription: id.clone() });
    assert_eq!(out, [Output::RestartIce { subscription: id.clone() }, Output::Event(Event::StreamReconnectStart { stream: camera(2) })]);
    let out = bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("again") });
    assert_eq!(commands(&out), [&Command::Subscribe { subscription: id.clone(), stream: camera(2), offer: sdp("again") }]);
    let out = bench.event(signal::Event::Answer { subscription: id.clone(), answer: sdp("again") });
    assert_eq!(out, [Output::SetAnswer { subscription: id.clone(), answer: sdp("again") }]);
    let out = bench.give(Input::Connected { subscription: id });
    assert_eq!(out, [Output::Event(Event::StreamReconnectEnd { stream: camera(2), success: true })]);
}

#[test]
fn a_restart_that_is_late_is_followed_by_another_attempt() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::Disconnected { subscription: id.clone() });
    bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("again") });
    let out = bench.wait(3_300 * MS);
    assert!(out.contains(&Output::ClosePeer { subscription: id }));
    let next = offered(&out).unwrap();
    bench.give(Input::OfferReady { subscription: next.clone(), offer: sdp("offer") });
    bench.event(signal::Event::Answer { subscription: next.clone(), answer: sdp("answer") });
    let out = bench.give(Input::Connected { subscription: next });
    assert_eq!(events(&out), [&Event::StreamReconnectEnd { stream: camera(2), success: true }]);
}

#[test]
fn a_path_that_comes_back_during_a_restart_is_kept() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::Disconnected { subscription: id.clone() });
    let out = bench.give(Input::Connected { subscription: id.clone() });
    assert_eq!(events(&out), [&Event::StreamReconnectEnd { stream: camera(2), success: true }]);
    // The restart's offer never comes; the connection stays all the same.
    let out = bench.wait(60_000 * MS);
    assert!(!out.contains(&Output::ClosePeer { subscription: id.clone() }), "{out:?}");
    assert!(bench.give(Input::Disconnected { subscription: id.clone() }).contains(&Output::RestartIce { subscription: id }));
}

#[test]
fn connected_failed_another_attempt() {
    let (mut bench, id) = Bench::subscribed();
    let out = bench.give(Input::Failed { subscription: id.clone(), error: socket_error() });
    assert!(out.contains(&Output::ClosePeer { subscription: id }));
    assert_eq!(events(&out), [&Event::StreamReconnectStart { stream: camera(2) }]);
    assert!(offered(&bench.wait(200 * MS)).is_some());
}

#[test]
fn connected_ended_by_the_publisher_and_then_removed_is_no_stall() {
    let (mut bench, id) = Bench::subscribed();
    let out = bench.event(signal::Event::Unsubscribe { subscription: id.clone() });
    assert!(out.contains(&Output::ClosePeer { subscription: id }));
    assert!(events(&out).is_empty());
    assert_eq!(events(&bench.event(signal::Event::StreamRemoved { stream: camera(2) })), [&Event::StreamRemoved { stream: camera(2) }]);
}

#[test]
fn connected_ended_by_the_publisher_alone_is_a_stall_and_another_attempt() {
    let (mut bench, id) = Bench::subscribed();
    bench.event(signal::Event::Unsubscribe { subscription: id });
    let out = bench.wait(200 * MS);
    assert_eq!(events(&out), [&Event::StreamReconnectStart { stream: camera(2) }]);
    assert!(offered(&out).is_some());
}

#[test]
fn a_stalled_stream_whose_publisher_leaves_is_given_up() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::Failed { subscription: id, error: socket_error() });
    let out = bench.event(signal::Event::PeerLeave { uid: uid(2), reason: signal::LeaveReason::ServerTimeOut });
    assert_eq!(
        events(&out),
        [
            &Event::StreamReconnectEnd { stream: camera(2), success: false },
            &Event::StreamRemoved { stream: camera(2) },
            &Event::PeerLeave { uid: uid(2), reason: signal::LeaveReason::ServerTimeOut },
        ]
    );
    assert_eq!(offered(&bench.wait(60_000 * MS)), None);
}

#[test]
fn connected_disconnected_while_away_stalled_then_restart() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::SignallingClosed { error: socket_error() });
    let out = bench.give(Input::Disconnected { subscription: id.clone() });
    assert_eq!(out, [Output::Event(Event::StreamReconnectStart { stream: camera(2) })]);
    bench.wait(200 * MS);
    bench.give(Input::SignallingOpened);
    let out = bench.rejoin(vec![peer(2)], true);
    assert!(out.contains(&Output::RestartIce { subscription: id }), "{out:?}");
}

#[test]
fn stalled_connected_without_any_help() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::SignallingClosed { error: socket_error() });
    bench.give(Input::Disconnected { subscription: id.clone() });
    let out = bench.give(Input::Connected { subscription: id });
    assert_eq!(out, [Output::Event(Event::StreamReconnectEnd { stream: camera(2), success: true })]);
}

#[test]
fn a_restart_under_way_when_the_service_is_lost_waits_for_it() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::Disconnected { subscription: id.clone() });
    let out = bench.lose_and_reopen();
    assert!(!out.contains(&Output::ClosePeer { subscription: id.clone() }));
    let out = bench.rejoin(vec![peer(2)], true);
    assert!(out.contains(&Output::RestartIce { subscription: id }), "{out:?}");
}

#[test]
fn connected_network_changed_restart_and_nothing_is_told_while_media_flows() {
    let (mut bench, id) = Bench::subscribed();
    assert_eq!(bench.give(Input::NetworkChanged), [Output::RestartIce { subscription: id.clone() }]);
    let out = bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("again") });
    assert_eq!(commands(&out), [&Command::Subscribe { subscription: id.clone(), stream: camera(2), offer: sdp("again") }]);
    let out = bench.event(signal::Event::Answer { subscription: id.clone(), answer: sdp("again") });
    assert_eq!(out, [Output::SetAnswer { subscription: id.clone(), answer: sdp("again") }]);
    // The restart found no way: another follows.
    let out = bench.give(Input::Disconnected { subscription: id.clone() });
    assert_eq!(out, [Output::RestartIce { subscription: id }, Output::Event(Event::StreamReconnectStart { stream: camera(2) })]);
}

#[test]
fn connected_network_changed_without_the_service_restart_once_it_is_back() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(bench.give(Input::NetworkChanged), [Output::OpenSignalling]);
    bench.give(Input::SignallingOpened);
    let out = bench.rejoin(vec![peer(2)], true);
    assert_eq!(out.iter().filter(|output| **output == Output::RestartIce { subscription: id.clone() }).count(), 1, "{out:?}");
    // Once is enough.
    bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("again") });
    bench.event(signal::Event::Answer { subscription: id.clone(), answer: sdp("again") });
    bench.lose_and_reopen();
    let out = bench.rejoin(vec![peer(2)], true);
    assert!(!out.contains(&Output::RestartIce { subscription: id }), "{out:?}");
}

#[test]
fn a_first_attempt_network_changed_another_attempt() {
    let mut bench = Bench::online(vec![peer(2)]);
    let first = bench.ask_for(camera(2));
    let out = bench.give(Input::NetworkChanged);
    assert!(out.contains(&Output::ClosePeer { subscription: first.clone() }));
    assert!(offered(&out).is_some_and(|second| second != first));
}

#[test]
fn waiting_after_a_failure_network_changed_another_attempt_at_once() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::Failed { subscription: id, error: socket_error() });
    assert!(offered(&bench.give(Input::NetworkChanged)).is_some());
}
