//! … → leaving → idle, from every state.

use super::*;

#[test]
fn online_leave_leaving_reply_idle() {
    let mut bench = Bench::online(vec![]);
    let out = bench.give(Input::Leave { call: CALL });
    assert_eq!(commands(&out), [&Command::Leave]);
    assert_eq!(bench.state(), ConnectionState::Disconnecting);
    let out = bench.confirm(&out);
    assert_eq!(
        out,
        [
            Output::CloseSignalling,
            Output::Reply { call: CALL, result: Ok(Answer::Done) },
            Output::Event(Event::ConnectionStateChange { prev: ConnectionState::Disconnecting, cur: ConnectionState::Disconnected }),
        ]
    );
}

#[test]
fn leaving_closes_every_connection_and_answers_every_call() {
    let (mut bench, received) = Bench::subscribed();
    bench.give(Input::Publish { call: CallId(7), stream: own(StreamSource::Camera) });
    let sent = subscription(9);
    bench.event(signal::Event::Subscribe { subscription: sent.clone(), subscriber: uid(2), stream: camera(1), offer: sdp("offer") });
    bench.event(signal::Event::StreamAdded { stream: info(3) });
    bench.give(Input::Subscribe { call: CallId(8), stream: camera(3), audio: true, video: true });

    let out = bench.give(Input::Leave { call: CallId(9) });
    for peer in [received, sent] {
        assert!(out.contains(&Output::ClosePeer { subscription: peer }), "{out:?}");
    }
    assert_eq!(answer(&out, CallId(7)), Some(Err(Code::RequestAbort)));
    assert_eq!(answer(&out, CallId(8)), Some(Err(Code::RequestAbort)));
}

#[test]
fn leaving_without_an_answer_ends_with_its_code() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::Leave { call: CALL });
    let out = bench.wait_in_silence(1_000 * MS);
    assert_eq!(answer(&out, CALL), Some(Err(Code::LeaveMsgTimeout)));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn leaving_signalling_closed_idle() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::Leave { call: CALL });
    let out = bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(answer(&out, CALL), Some(Ok(Answer::Done)));
}

#[test]
fn leaving_refuses_calls() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::Leave { call: CALL });
    assert_eq!(answer(&bench.give(Input::Leave { call: CallId(2) }), CallId(2)), Some(Err(Code::InvalidOperation)));
    let out = bench.give(Input::Join { call: CallId(3), join: Box::new(join()) });
    assert_eq!(answer(&out, CallId(3)), Some(Err(Code::InvalidOperation)));
}

#[test]
fn away_leave_idle_at_once() {
    let mut bench = Bench::online(vec![]);
    bench.give(Input::SignallingClosed { error: socket_error() });
    let out = bench.give(Input::Leave { call: CALL });
    assert_eq!(answer(&out, CALL), Some(Ok(Answer::Done)));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn online_removed_idle() {
    let (mut bench, received) = Bench::subscribed();
    let error = Error::new(Code::UidBanned, "Banned.");
    let out = bench.event(signal::Event::Removed { error: error.clone() });
    assert!(out.contains(&Output::CloseSignalling));
    assert!(out.contains(&Output::ClosePeer { subscription: received }));
    assert!(out.contains(&Output::Event(Event::Banned { uid: uid(1), error })));
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}
