//! What users go by: told once, kept over a break, and carried by the way back.

use signal::Name;

use super::*;

fn named(n: u32, name: &str) -> Output {
    Output::Event(Event::PeerNamed { uid: uid(n), name: Name::clean(name) })
}

/// The name of the join among the outputs.
fn joins_as(outputs: &[Output]) -> Option<&str> {
    commands(outputs).into_iter().find_map(|command| match command {
        Command::Join { name, .. } => name.as_ref().map(Name::as_str),
        _ => None,
    })
}

fn set(bench: &mut Bench, call: u64, name: &str) -> Vec<Output> {
    bench.give(Input::SetName { call: CallId(call), name: Name::clean(name) })
}

#[test]
fn a_name_is_told_when_it_comes_and_when_it_changes() {
    let mut bench = Bench::online(vec![]);
    let out = bench.event(signal::Event::PeerOnline { uid: uid(2), name: Name::clean("Bob") });
    assert_eq!(out, [Output::Event(Event::PeerOnline { uid: uid(2) }), named(2, "Bob")]);
    assert_eq!(bench.event(signal::Event::PeerNamed { uid: uid(2), name: Name::clean("Bob") }), []);
    assert_eq!(bench.event(signal::Event::PeerNamed { uid: uid(2), name: None }), [named(2, "")]);
    assert_eq!(bench.event(signal::Event::PeerNamed { uid: uid(9), name: Name::clean("Nobody") }), []);
}

#[test]
fn online_set_name_confirmed_and_the_way_back_carries_it() {
    let mut bench = Bench::online(vec![]);
    let out = set(&mut bench, 2, "Ana");
    assert_eq!(commands(&out), [&Command::SetName { name: Name::clean("Ana") }]);
    assert_eq!(bench.confirm(&out), [Output::Reply { call: CallId(2), result: Ok(Answer::Done) }]);
    assert_eq!(joins_as(&bench.lose_and_reopen()), Some("Ana"));
}

#[test]
fn a_refused_name_is_not_carried_along() {
    let mut bench = Bench::online(vec![]);
    let out = set(&mut bench, 2, "Ana");
    let id = requests(&out).next().unwrap().id;
    assert_eq!(answer(&bench.give(refusal(id, Code::InvalidOperation)), CallId(2)), Some(Err(Code::InvalidOperation)));
    assert_eq!(joins_as(&bench.lose_and_reopen()), None);
}

#[test]
fn away_set_name_is_done_and_told_by_the_way_back() {
    let mut bench = Bench::online(vec![]);
    let asked = set(&mut bench, 2, "Ana");
    let lost = bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(answer(&lost, CallId(2)), Some(Ok(Answer::Done)), "it was asked and not answered: {asked:?}");
    assert_eq!(answer(&set(&mut bench, 3, "Ana María"), CallId(3)), Some(Ok(Answer::Done)));
    bench.wait(200 * MS);
    assert_eq!(joins_as(&bench.give(Input::SignallingOpened)), Some("Ana María"));
}
