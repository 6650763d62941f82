//! Dual stream and fallback: what a subscriber wants goes to the publisher, what it gets comes back.

use signal::{Fallback, Layer, StreamType, Want};

use super::*;

fn want(bench: &mut Bench, stream_type: Option<StreamType>, fallback: Option<Fallback>) -> Vec<Output> {
    bench.give(Input::Want { call: CallId(7), stream: camera(2), stream_type, fallback })
}

fn told(id: &SubscriptionId, stream_type: StreamType, fallback: Fallback) -> Command {
    Command::Want { subscription: id.clone(), want: Want { stream_type, fallback } }
}

#[test]
fn a_wish_goes_to_the_publisher_and_keeps_what_it_does_not_name() {
    let (mut bench, id) = Bench::subscribed();
    let out = want(&mut bench, Some(StreamType::Low), None);
    assert_eq!(commands(&out), [&told(&id, StreamType::Low, Fallback::Low)]);
    assert_eq!(answer(&out, CallId(7)), Some(Ok(Answer::Done)));
    let out = want(&mut bench, None, Some(Fallback::Sound));
    assert_eq!(commands(&out), [&told(&id, StreamType::Low, Fallback::Sound)]);
}

#[test]
fn a_wish_for_what_is_not_subscribed_is_refused() {
    let mut bench = Bench::online(vec![peer(2)]);
    assert_eq!(answer(&want(&mut bench, Some(StreamType::Low), None), CallId(7)), Some(Err(Code::NoSuchRemoteStream)));
}

#[test]
fn a_wish_follows_the_offer_of_each_attempt() {
    let mut bench = Bench::online(vec![peer(2)]);
    let out = bench.give(Input::Subscribe { call: CALL, stream: camera(2), audio: true, video: true });
    let first = offered(&out).unwrap();
    assert_eq!(commands(&want(&mut bench, Some(StreamType::Low), None)), [] as [&Command; 0]);
    let out = bench.give(Input::OfferReady { subscription: first.clone(), offer: sdp("offer") });
    assert!(matches!(commands(&out)[..], [Command::Subscribe { .. }, sent] if *sent == told(&first, StreamType::Low, Fallback::Low)));
    bench.give(Input::Failed { subscription: first, error: socket_error() });
    let second = offered(&bench.wait(200 * MS)).unwrap();
    let out = bench.give(Input::OfferReady { subscription: second.clone(), offer: sdp("offer") });
    assert!(commands(&out).contains(&&told(&second, StreamType::Low, Fallback::Low)), "{out:?}");
}

#[test]
fn what_was_wanted_while_the_service_was_away_is_told_when_it_is_back() {
    let (mut bench, id) = Bench::subscribed();
    bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(commands(&want(&mut bench, Some(StreamType::Low), None)), [] as [&Command; 0]);
    bench.wait(200 * MS);
    bench.give(Input::SignallingOpened);
    let out = bench.rejoin(vec![peer(2)], true);
    assert!(commands(&out).contains(&&told(&id, StreamType::Low, Fallback::Low)), "{out:?}");
}

#[test]
fn what_a_subscription_carries_is_told_where_it_changes() {
    let (mut bench, id) = Bench::subscribed();
    let mut carry = |layer| bench.event(signal::Event::Carry { subscription: id.clone(), layer });
    let kind = |stream_type| Output::Event(Event::StreamTypeChanged { stream: camera(2), stream_type });
    let fallback = |sound_only| Output::Event(Event::StreamFallback { stream: camera(2), sound_only });
    assert_eq!(carry(Layer::High), []);
    assert_eq!(carry(Layer::Low), [kind(StreamType::Low)]);
    assert_eq!(carry(Layer::Low), []);
    assert_eq!(carry(Layer::Sound), [fallback(true)]);
    assert_eq!(carry(Layer::Low), [fallback(false)]);
    carry(Layer::Sound);
    assert_eq!(carry(Layer::High), [fallback(false), kind(StreamType::High)]);
}

#[test]
fn another_connection_begins_with_the_whole_picture() {
    let (mut bench, id) = Bench::subscribed();
    bench.event(signal::Event::Carry { subscription: id.clone(), layer: Layer::Sound });
    bench.give(Input::Failed { subscription: id, error: socket_error() });
    let out = bench.wait(200 * MS);
    assert!(events(&out).contains(&&Event::StreamFallback { stream: camera(2), sound_only: false }), "{out:?}");
}

#[test]
fn a_publisher_hears_what_is_wanted_and_tells_what_it_sends() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let id = subscription(9);
    let want = Want { stream_type: StreamType::Low, fallback: Fallback::Off };
    assert_eq!(bench.event(signal::Event::Want { subscription: id.clone(), want }), [], "of an unknown subscription");
    bench.event(signal::Event::Subscribe { subscription: id.clone(), subscriber: uid(2), stream: camera(1), offer: sdp("offer") });
    let out = bench.event(signal::Event::Want { subscription: id.clone(), want });
    assert_eq!(out, [Output::Want { subscription: id.clone(), want }]);
    let carry = Command::Carry { subscription: id.clone(), layer: Layer::Low };
    assert_eq!(commands(&bench.give(Input::Carries { subscription: id.clone(), layer: Layer::Low })), [&carry]);
    assert_eq!(bench.give(Input::Carries { subscription: subscription(8), layer: Layer::Low }), []);
    bench.lose_and_reopen();
    let out = bench.rejoin(vec![peer(2)], true);
    assert!(commands(&out).contains(&&carry), "{out:?}");
}

#[test]
fn a_service_that_restarted_learns_of_a_subscription_again_and_then_of_what_is_wanted() {
    let (mut bench, id) = Bench::subscribed();
    want(&mut bench, Some(StreamType::Low), None);
    let keep = Command::Keep { subscription: id.clone(), stream: camera(2) };
    let wish = told(&id, StreamType::Low, Fallback::Low);
    bench.lose_and_reopen();
    let out = bench.rejoin(vec![peer(2)], false);
    assert_eq!(about(&out, &id), [&keep, &wish]);
    // The publisher comes back later.
    bench.lose_and_reopen();
    assert_eq!(about(&bench.rejoin(vec![], false), &id), [] as [&Command; 0]);
    assert_eq!(about(&want(&mut bench, None, Some(Fallback::Sound)), &id), [] as [&Command; 0]);
    let out = bench.event(signal::Event::StreamAdded { stream: info(2) });
    assert_eq!(about(&out, &id), [&keep, &told(&id, StreamType::Low, Fallback::Sound)]);
    assert_eq!(bench.event(signal::Event::StreamUpdated { stream: info(2) }), [], "once is enough");
    // A service that remembers is told what is wanted alone.
    bench.lose_and_reopen();
    assert_eq!(about(&bench.rejoin(vec![peer(2)], true), &id), [&told(&id, StreamType::Low, Fallback::Sound)]);
}

/// The commands about a subscription, in their order.
fn about<'a>(out: &'a [Output], id: &SubscriptionId) -> Vec<&'a Command> {
    let is_about = |command: &&Command| matches!(command, Command::Keep { subscription, .. } | Command::Want { subscription, .. } if subscription == id);
    commands(out).into_iter().filter(is_about).collect()
}

#[test]
fn a_publisher_tells_who_kept_a_subscription_what_it_sends_and_ends_what_it_does_not_have() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let id = subscription(9);
    bench.event(signal::Event::Subscribe { subscription: id.clone(), subscriber: uid(2), stream: camera(1), offer: sdp("offer") });
    bench.give(Input::Carries { subscription: id.clone(), layer: Layer::Low });
    let kept = |subscriber| signal::Event::Keep { subscription: id.clone(), subscriber: uid(subscriber), stream: camera(1) };
    let out = bench.event(kept(2));
    assert_eq!(commands(&out), [&Command::Carry { subscription: id.clone(), layer: Layer::Low }]);
    let out = bench.event(kept(3));
    assert_eq!(commands(&out), [&Command::Unsubscribe { subscription: id.clone() }], "it is another's");
    let unknown = signal::Event::Keep { subscription: subscription(8), subscriber: uid(2), stream: camera(1) };
    let out = bench.event(unknown);
    assert_eq!(commands(&out), [&Command::Unsubscribe { subscription: subscription(8) }]);
}
