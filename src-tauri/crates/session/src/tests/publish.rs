//! The publisher's side: announced → confirmed, and accepting → answered → connected for each subscriber.

use super::*;

fn asked(n: u64, offer: &str) -> signal::Event {
    signal::Event::Subscribe { subscription: subscription(n), subscriber: uid(2), stream: camera(1), offer: sdp(offer) }
}

#[test]
fn publish_announced_confirmed() {
    let mut bench = Bench::online(vec![]);
    let out = bench.give(Input::Publish { call: CALL, stream: own(StreamSource::Camera) });
    assert_eq!(commands(&out), [&Command::Publish { stream: info(1) }]);
    let out = bench.confirm(&out);
    assert_eq!(out, [Output::Reply { call: CALL, result: Ok(Answer::Done) }, Output::Event(Event::StreamPublished { stream: camera(1) })]);
    let out = bench.give(Input::Publish { call: CallId(2), stream: own(StreamSource::Camera) });
    assert_eq!(answer(&out, CallId(2)), Some(Err(Code::StreamAlreadyPublished)));
}

#[test]
fn announced_refused_nothing() {
    let mut bench = Bench::online(vec![]);
    let out = bench.give(Input::Publish { call: CALL, stream: own(StreamSource::Camera) });
    let request = requests(&out).next().unwrap().id;
    assert_eq!(answer(&bench.give(refusal(request, Code::NoAuthorized)), CALL), Some(Err(Code::NoAuthorized)));
    let out = bench.give(Input::Unpublish { call: CallId(2), source: StreamSource::Camera });
    assert_eq!(answer(&out, CallId(2)), Some(Err(Code::StreamNotYetPublished)));
}

#[test]
fn a_publish_without_an_answer_ends_with_a_code() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::Publish { call: CALL, stream: own(StreamSource::Camera) });
    assert_eq!(answer(&bench.wait(10_000 * MS), CALL), Some(Err(Code::SocketError)));
}

#[test]
fn confirmed_unpublish_nothing_and_its_connections_close() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.event(asked(9, "offer"));
    let out = bench.give(Input::Unpublish { call: CallId(2), source: StreamSource::Camera });
    assert!(out.contains(&Output::ClosePeer { subscription: subscription(9) }));
    assert!(out.contains(&Output::EndPublication { source: StreamSource::Camera }));
    assert_eq!(commands(&out), [&Command::Unpublish { stream: camera(1) }]);
    let out = bench.confirm(&out);
    assert_eq!(
        out,
        [
            Output::Reply { call: CallId(2), result: Ok(Answer::Done) },
            Output::Event(Event::StreamUnpublished { stream: camera(1), asked: true })
        ]
    );
}

#[test]
fn an_answer_to_an_earlier_publish_does_not_confirm_a_later_one() {
    let mut bench = Bench::online(vec![]);
    let first = bench.give(Input::Publish { call: CallId(2), stream: own(StreamSource::Camera) });
    let out = bench.give(Input::Unpublish { call: CallId(3), source: StreamSource::Camera });
    assert_eq!(answer(&out, CallId(2)), Some(Err(Code::RequestAbort)));
    let second = bench.give(Input::Publish { call: CallId(4), stream: own(StreamSource::Camera) });
    assert_eq!(answer(&bench.confirm(&first), CallId(4)), None);
    bench.confirm(&out);
    assert_eq!(answer(&bench.confirm(&second), CallId(4)), Some(Ok(Answer::Done)));
}

#[test]
fn a_mute_is_one_message_and_another_track_a_publish() {
    let mut bench = Bench::publishing(vec![]);
    let muted = PublishedStream { audio_muted: true, ..own(StreamSource::Camera) };
    let out = bench.give(Input::StreamChanged { stream: muted });
    assert_eq!(commands(&out), [&Command::Mute { stream: camera(1), audio: true, video: false }]);
    assert_eq!(bench.give(Input::StreamChanged { stream: muted }), []);
    let out = bench.give(Input::StreamChanged { stream: PublishedStream { video: false, ..muted } });
    assert_eq!(commands(&out), [&Command::Publish { stream: StreamInfo { video: false, audio_muted: true, ..info(1) } }]);
}

#[test]
fn asked_accepting_answered_connected() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let id = subscription(9);
    let out = bench.event(asked(9, "offer"));
    assert_eq!(out, [Output::AcceptOffer { subscription: id.clone(), subscriber: uid(2), stream: camera(1), offer: sdp("offer") }]);
    // Candidates of both ends wait for the answer.
    assert_eq!(bench.event(signal::Event::Candidate { subscription: id.clone(), candidate: candidate("theirs") }), []);
    assert_eq!(bench.give(Input::Candidate { subscription: id.clone(), candidate: candidate("own") }), []);
    let out = bench.give(Input::AnswerReady { subscription: id.clone(), answer: sdp("answer") });
    assert_eq!(
        commands(&out),
        [
            &Command::Answer { subscription: id.clone(), answer: sdp("answer") },
            &Command::Candidate { subscription: id.clone(), candidate: candidate("own") }
        ]
    );
    assert_eq!(out.last(), Some(&Output::AddCandidate { subscription: id.clone(), candidate: candidate("theirs") }));
    assert_eq!(bench.give(Input::Connected { subscription: id.clone() }), []);
    let out = bench.wait(60_000 * MS);
    assert!(!out.contains(&Output::ClosePeer { subscription: id }), "{out:?}");
}

#[test]
fn a_subscriber_that_vanishes_is_given_up() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.event(asked(9, "offer"));
    bench.give(Input::AnswerReady { subscription: subscription(9), answer: sdp("answer") });
    assert!(bench.wait(30_000 * MS).contains(&Output::ClosePeer { subscription: subscription(9) }));
}

#[test]
fn connected_asked_again_is_an_ice_restart() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let id = subscription(9);
    bench.event(asked(9, "offer"));
    bench.give(Input::AnswerReady { subscription: id.clone(), answer: sdp("answer") });
    bench.give(Input::Connected { subscription: id.clone() });
    let out = bench.event(asked(9, "again"));
    assert_eq!(out, [Output::AcceptRestart { subscription: id.clone(), offer: sdp("again") }]);
    let out = bench.give(Input::AnswerReady { subscription: id.clone(), answer: sdp("again") });
    assert_eq!(commands(&out), [&Command::Answer { subscription: id.clone(), answer: sdp("again") }]);
    let out = bench.wait(60_000 * MS);
    assert!(!out.contains(&Output::ClosePeer { subscription: id }), "media never stopped: {out:?}");
}

#[test]
fn a_newer_subscription_replaces_the_older() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.event(asked(9, "offer"));
    let out = bench.event(asked(10, "offer"));
    assert_eq!(out[0], Output::ClosePeer { subscription: subscription(9) });
    assert!(matches!(&out[1], Output::AcceptOffer { subscription: accepted, .. } if *accepted == subscription(10)));
}

#[test]
fn what_cannot_be_served_is_refused_with_a_code() {
    let refused = |out: &[Output]| match commands(out)[..] {
        [Command::Refuse { error, .. }] => error.code,
        _ => panic!("{out:?}"),
    };
    let mut bench = Bench::online(vec![peer(2)]);
    assert_eq!(refused(&bench.event(asked(9, "offer"))), Code::StreamNotYetPublished);

    let mut bench = Bench::publishing(vec![peer(2)]);
    let own = bench.ask_for(camera(2));
    let stolen = signal::Event::Subscribe { subscription: own, subscriber: uid(2), stream: camera(1), offer: sdp("offer") };
    assert_eq!(refused(&bench.event(stolen)), Code::InvalidParameter);
    bench.event(asked(9, "offer"));
    let stolen = signal::Event::Subscribe { subscription: subscription(9), subscriber: uid(3), stream: camera(1), offer: sdp("offer") };
    assert_eq!(refused(&bench.event(stolen)), Code::InvalidParameter);
    let out = bench.give(Input::Failed { subscription: subscription(9), error: Error::new(Code::NotSupported, "No common codec.") });
    assert_eq!(refused(&out), Code::NotSupported);
    assert!(out.contains(&Output::ClosePeer { subscription: subscription(9) }));
}

#[test]
fn a_subscriber_that_leaves_or_unsubscribes_is_closed() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.event(asked(9, "offer"));
    let out = bench.event(signal::Event::Unsubscribe { subscription: subscription(9) });
    assert_eq!(out, [Output::ClosePeer { subscription: subscription(9) }]);
    bench.event(asked(10, "offer"));
    let out = bench.event(signal::Event::PeerLeave { uid: uid(2), reason: signal::LeaveReason::Quit });
    assert!(out.contains(&Output::ClosePeer { subscription: subscription(10) }));
}

#[test]
fn a_connection_that_fails_after_its_answer_is_told_to_the_subscriber() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    bench.event(asked(9, "offer"));
    bench.give(Input::AnswerReady { subscription: subscription(9), answer: sdp("answer") });
    let out = bench.give(Input::Failed { subscription: subscription(9), error: socket_error() });
    assert_eq!(commands(&out), [&Command::Unsubscribe { subscription: subscription(9) }]);
}
