//! A subscription's first connection: waiting → offering → asked → answered → connected.

use super::*;

fn answered(id: &SubscriptionId) -> signal::Event {
    signal::Event::Answer { subscription: id.clone(), answer: sdp("answer") }
}

#[test]
fn waiting_offering_asked_answered_connected() {
    let mut bench = Bench::online(vec![peer(2)]);
    let out = bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: false });
    let id = offered(&out).unwrap();
    assert_eq!(out, [Output::CreateOffer { subscription: id.clone(), stream: camera(2), audio: true, video: false }]);

    let out = bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("offer") });
    assert_eq!(commands(&out), [&Command::Subscribe { subscription: id.clone(), stream: camera(2), offer: sdp("offer") }]);
    let out = bench.event(answered(&id));
    assert_eq!(out, [Output::SetAnswer { subscription: id.clone(), answer: sdp("answer") }]);
    let out = bench.give(Input::Connected { subscription: id });
    assert_eq!(out, [Output::Event(Event::StreamSubscribed { stream: camera(2) }), Output::Reply { call: CALL, result: Ok(Answer::Done) }]);
}

#[test]
fn an_answer_is_taken_once() {
    let mut bench = Bench::online(vec![peer(2)]);
    let id = bench.ask_for(camera(2));
    assert_eq!(bench.event(answered(&id)).len(), 1);
    assert_eq!(bench.event(answered(&id)), []);
}

#[test]
fn candidates_wait_for_their_descriptions() {
    let mut bench = Bench::online(vec![peer(2)]);
    let out = bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: true });
    let id = offered(&out).unwrap();
    let own = Command::Candidate { subscription: id.clone(), candidate: candidate("own") };
    assert_eq!(bench.give(Input::Candidate { subscription: id.clone(), candidate: candidate("own") }), []);
    let out = bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("offer") });
    assert!(matches!(commands(&out)[..], [Command::Subscribe { .. }, sent] if *sent == own), "{out:?}");

    let theirs = signal::Event::Candidate { subscription: id.clone(), candidate: candidate("theirs") };
    let add = Output::AddCandidate { subscription: id.clone(), candidate: candidate("theirs") };
    assert_eq!(bench.event(theirs.clone()), []);
    let set = Output::SetAnswer { subscription: id.clone(), answer: sdp("answer") };
    assert_eq!(bench.event(answered(&id)), [set, add.clone()]);
    assert_eq!(bench.event(theirs), [add]);
}

#[test]
fn an_attempt_that_is_late_is_followed_by_another_with_more_time() {
    let mut bench = Bench::online(vec![peer(2)]);
    let first = bench.ask_for(camera(2));
    assert_eq!(offered(&bench.wait(2_999 * MS)), None);
    let out = bench.wait(MS);
    assert_eq!(commands(&out), [&Command::Unsubscribe { subscription: first.clone() }]);
    assert!(out.contains(&Output::ClosePeer { subscription: first.clone() }));
    let second = offered(&bench.wait(200 * MS)).expect("another attempt");
    assert_ne!(second, first);
    assert_eq!(bench.event(answered(&first)), []);
    bench.give(Input::OfferReady { subscription: second.clone(), offer: sdp("offer") });
    assert_eq!(offered(&bench.wait(4_000 * MS)), None);
    bench.event(answered(&second));
    let out = bench.give(Input::Connected { subscription: second });
    assert_eq!(answer(&out, CALL), Some(Ok(Answer::Done)));
}

#[test]
fn an_attempt_that_fails_is_followed_by_another() {
    for ending in 0..4 {
        let mut bench = Bench::online(vec![peer(2)]);
        let out = bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: true });
        let id = offered(&out).unwrap();
        let asked = bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("offer") });
        let request = requests(&asked).next().unwrap().id;
        let error = Error::new(Code::PeerConnectionFailed, "It broke.");
        let out = match ending {
            0 => bench.give(Input::Failed { subscription: id.clone(), error }),
            1 => bench.give(refusal(request, Code::NoSuchRemoteStream)),
            2 => bench.event(signal::Event::Refused { subscription: id.clone(), error }),
            _ => bench.event(signal::Event::Unsubscribe { subscription: id.clone() }),
        };
        assert!(out.contains(&Output::ClosePeer { subscription: id }), "{out:?}");
        assert!(offered(&bench.wait(200 * MS)).is_some(), "ending {ending}");
    }
}

#[test]
fn a_publisher_that_comes_back_is_asked_anew_at_once() {
    let online = || signal::Event::PeerOnline { uid: uid(2), name: None };
    // asked
    let mut bench = Bench::online(vec![peer(2)]);
    let first = bench.ask_for(camera(2));
    let out = bench.event(online());
    assert!(out.contains(&Output::ClosePeer { subscription: first }));
    let second = offered(&out).expect("another attempt");
    // waiting
    bench.give(Input::Failed { subscription: second, error: socket_error() });
    let third = offered(&bench.event(online())).expect("another attempt");
    // offering: nothing was lost
    assert_eq!(bench.event(online()), []);
    bench.give(Input::OfferReady { subscription: third.clone(), offer: sdp("offer") });
    bench.event(answered(&third));
    bench.give(Input::Connected { subscription: third.clone() });
    // connected: it may have come back over another network
    assert_eq!(bench.event(online()), [Output::CheckPath { subscription: third }]);
}

#[test]
fn a_refusal_for_good_ends_the_subscription() {
    let mut bench = Bench::online(vec![peer(2)]);
    let id = bench.ask_for(camera(2));
    let error = Error::new(Code::NotSupported, "No common codec.");
    let out = bench.event(signal::Event::Refused { subscription: id, error });
    assert_eq!(answer(&out, CALL), Some(Err(Code::NotSupported)));
    assert_eq!(offered(&bench.wait(60_000 * MS)), None);
}

#[test]
fn a_call_without_media_is_answered_while_the_attempts_go_on() {
    let mut bench = Bench::online(vec![peer(2)]);
    bench.ask_for(camera(2));
    let out = bench.wait(15_000 * MS);
    assert_eq!(answer(&out, CALL), Some(Err(Code::PeerConnectionFailed)));
    assert!(offered(&bench.wait(30_000 * MS)).is_some());
}

#[test]
fn unsubscribe_ends_it_in_every_state() {
    let unsubscribe = |bench: &mut Bench, known: bool, id: &SubscriptionId| {
        let out = bench.give(Input::Unsubscribe { call: CallId(2), stream: camera(2) });
        assert!(out.contains(&Output::ClosePeer { subscription: id.clone() }), "{out:?}");
        let told = commands(&out).contains(&&Command::Unsubscribe { subscription: id.clone() });
        assert_eq!(told, known, "the publisher hears of it if it knows of the subscription");
        assert!(out.contains(&Output::EndSubscription { stream: camera(2) }));
        assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
        out
    };
    // offering
    let mut bench = Bench::online(vec![peer(2)]);
    let id = offered(&bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: true })).unwrap();
    assert_eq!(answer(&unsubscribe(&mut bench, false, &id), CALL), Some(Err(Code::RequestAbort)));
    // asked
    let id = bench.ask_for(camera(2));
    unsubscribe(&mut bench, true, &id);
    // answered
    let id = bench.ask_for(camera(2));
    bench.event(answered(&id));
    unsubscribe(&mut bench, true, &id);
    // connected
    let (mut bench, id) = Bench::subscribed();
    unsubscribe(&mut bench, true, &id);
    // waiting for another attempt
    let id = bench.ask_for(camera(2));
    bench.give(Input::Failed { subscription: id, error: socket_error() });
    let out = bench.give(Input::Unsubscribe { call: CallId(2), stream: camera(2) });
    assert_eq!(answer(&out, CallId(2)), Some(Ok(Answer::Done)));
    assert_eq!(offered(&bench.wait(60_000 * MS)), None);
    // nothing
    let out = bench.give(Input::Unsubscribe { call: CallId(3), stream: camera(2) });
    assert_eq!(answer(&out, CallId(3)), Some(Err(Code::NoSuchRemoteStream)));
}

#[test]
fn a_subscribe_that_makes_no_sense_is_refused() {
    let mut bench = Bench::online(vec![peer(2), Peer { uid: uid(3), name: None, streams: vec![StreamInfo { video: false, ..info(3) }] }]);
    let mut code = |stream, audio, video| {
        let out = bench.give(Input::Subscribe { call: CALL, stream, audio, video });
        answer(&out, CALL).unwrap().unwrap_err()
    };
    assert_eq!(code(camera(2), false, false), Code::InvalidParameter);
    assert_eq!(code(camera(1), true, true), Code::InvalidRemoteStream);
    assert_eq!(code(camera(9), true, true), Code::NoSuchRemoteStream);
    assert_eq!(code(camera(3), false, true), Code::InvalidRemoteStream);
}

#[test]
fn other_tracks_take_another_connection() {
    let (mut bench, first) = Bench::subscribed();
    let out = bench.give(Input::Subscribe { call: CallId(2), stream: camera(2), audio: true, video: true });
    assert_eq!(out, [Output::Reply { call: CallId(2), result: Ok(Answer::Done) }], "the same tracks are there already");

    let out = bench.give(Input::Subscribe { call: CallId(3), stream: camera(2), audio: true, video: false });
    assert!(out.contains(&Output::ClosePeer { subscription: first.clone() }));
    let second = offered(&out).unwrap();
    // The publisher has no sound any more: nothing wanted is left.
    let out = bench.event(signal::Event::StreamUpdated { stream: StreamInfo { audio: false, ..info(2) } });
    assert!(out.contains(&Output::ClosePeer { subscription: second }));
    assert_eq!(offered(&out), None);
    // And has it again.
    assert!(offered(&bench.event(signal::Event::StreamUpdated { stream: info(2) })).is_some());
}

#[test]
fn a_mute_is_told_and_leaves_the_connection_alone() {
    let (mut bench, _) = Bench::subscribed();
    let muted = StreamInfo { video_muted: true, ..info(2) };
    let out = bench.event(signal::Event::StreamUpdated { stream: muted.clone() });
    assert_eq!(out, [Output::Event(Event::StreamUpdated { stream: muted, before: info(2) })]);
}

#[test]
fn a_removed_stream_ends_its_subscription() {
    let (mut bench, id) = Bench::subscribed();
    let out = bench.event(signal::Event::StreamRemoved { stream: camera(2) });
    assert!(out.contains(&Output::ClosePeer { subscription: id }));
    assert!(out.contains(&Output::Event(Event::StreamRemoved { stream: camera(2) })));
}

#[test]
fn the_reason_for_a_call_without_a_path_names_the_turn_server() {
    let mut bench = Bench::online(vec![peer(2)]);
    let out = bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: true });
    let (mut next, mut refusal) = (offered(&out), None);
    while refusal.is_none() {
        if let Some(id) = next {
            bench.give(Input::OfferReady { subscription: id.clone(), offer: sdp("offer") });
            bench.event(answered(&id));
            let trouble = "the TURN server turn:192.0.2.1:3478 does not answer".to_owned();
            bench.give(Input::PathTrouble { subscription: id, trouble });
        }
        let out = bench.wait(100 * MS);
        next = offered(&out);
        refusal = out.into_iter().find_map(|output| match output {
            Output::Reply { result: Err(error), .. } => Some(error.message),
            _ => None,
        });
    }
    let expected = "No media yet: No path to the publisher was found in time: the TURN server turn:192.0.2.1:3478 does not answer. \
                    The client goes on trying.";
    assert_eq!(refusal.as_deref(), Some(expected));
}
