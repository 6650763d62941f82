//! Roles, tokens that end or are renewed, and what the service lets one publish.

use signal::MayPublish;

use super::*;

fn live(role: Role, resumed: bool) -> Joined {
    Joined { role, ..joined(vec![], resumed) }
}

/// In a channel in `live` mode, by the token "old".
fn audience() -> Bench {
    let join = Join { mode: Mode::Live, token: Some("old".into()), ..join() };
    Bench::online_as(join, live(Role::Audience, false))
}

fn host() -> Bench {
    let mut bench = audience();
    let out = bench.give(Input::SetRole { call: CALL, role: Role::Host });
    assert_eq!(commands(&out), [&Command::SetRole { role: Role::Host }]);
    assert_eq!(bench.event(signal::Event::RoleChanged { role: Role::Host }), [changed(Role::Host)]);
    assert_eq!(bench.confirm(&out), [Output::Reply { call: CALL, result: Ok(Answer::Done) }]);
    bench
}

fn changed(role: Role) -> Output {
    Output::Event(Event::ClientRoleChanged { role })
}

fn rejoined(bench: &mut Bench, joined: Joined) -> Vec<Output> {
    bench.give(reply(1, Ok(Success::Joined(Box::new(joined)))))
}

fn renew(bench: &mut Bench, call: u64, token: &str) -> Vec<Output> {
    bench.give(Input::RenewToken { call: CallId(call), token: token.into() })
}

/// The token of the join among the outputs.
fn token(outputs: &[Output]) -> Option<&str> {
    commands(outputs).into_iter().find_map(|command| match command {
        Command::Join { token, .. } => token.as_deref(),
        _ => None,
    })
}

fn may_publish(audio: bool, video: bool, code: Option<Code>) -> signal::Event {
    let may_publish = MayPublish { audio, video };
    signal::Event::MayPublishChanged { may_publish, error: code.map(|code| Error::new(code, "No.")) }
}

#[test]
fn audience_set_role_host_set_role_audience() {
    let mut bench = host();
    let out = bench.give(Input::Publish { call: CallId(2), stream: own(StreamSource::Camera) });
    bench.confirm(&out);
    bench.give(Input::SetRole { call: CallId(3), role: Role::Audience });
    let out = bench.event(signal::Event::RoleChanged { role: Role::Audience });
    let unpublished = Output::Event(Event::StreamUnpublished { stream: camera(1), asked: false });
    assert_eq!(out, [Output::EndPublication { source: StreamSource::Camera }, unpublished, changed(Role::Audience)]);
}

#[test]
fn a_stream_that_is_being_published_outlives_an_older_change_to_audience() {
    let mut bench = host();
    bench.give(Input::SetRole { call: CallId(2), role: Role::Audience });
    let publish = bench.give(Input::Publish { call: CallId(3), stream: own(StreamSource::Camera) });
    assert_eq!(bench.event(signal::Event::RoleChanged { role: Role::Audience }), [changed(Role::Audience)]);
    assert_eq!(bench.event(signal::Event::RoleChanged { role: Role::Host }), [changed(Role::Host)]);
    assert_eq!(answer(&bench.confirm(&publish), CallId(3)), Some(Ok(Answer::Done)));
}

#[test]
fn a_role_that_is_refused_is_not_taken() {
    let mut bench = audience();
    let out = bench.give(Input::SetRole { call: CALL, role: Role::Host });
    let request = requests(&out).next().unwrap().id;
    assert_eq!(answer(&bench.give(refusal(request, Code::NoAuthorized)), CALL), Some(Err(Code::NoAuthorized)));
    let mut bench = Bench::online(vec![]);
    let out = bench.give(Input::SetRole { call: CALL, role: Role::Host });
    assert_eq!((answer(&out, CALL), commands(&out)), (Some(Err(Code::InvalidOperation)), vec![]), "in rtc mode there are no roles");
}

#[test]
fn a_role_is_not_set_while_the_service_is_away() {
    let mut bench = audience();
    bench.give(Input::SetRole { call: CALL, role: Role::Host });
    let out = bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(answer(&out, CALL), Some(Err(Code::SocketDisconnected)));
    let out = bench.give(Input::SetRole { call: CallId(2), role: Role::Host });
    assert_eq!(answer(&out, CallId(2)), Some(Err(Code::SocketDisconnected)));
}

#[test]
fn away_rejoined_after_a_restart_host_again_and_unnoticed() {
    let mut bench = host();
    bench.lose_and_reopen();
    let out = rejoined(&mut bench, live(Role::Audience, false));
    assert_eq!(commands(&out), [&Command::SetRole { role: Role::Host }]);
    assert_eq!(bench.event(signal::Event::RoleChanged { role: Role::Host }), []);
    assert_eq!(bench.confirm(&out), []);
}

#[test]
fn away_rejoined_after_a_restart_that_makes_no_host_audience() {
    let mut bench = host();
    bench.lose_and_reopen();
    let out = rejoined(&mut bench, live(Role::Audience, false));
    let out = bench.give(refusal(requests(&out).next().unwrap().id, Code::NoAuthorized));
    assert!(matches!(events(&out)[..], [Event::ClientRoleChanged { role: Role::Audience }, Event::Error { .. }]), "{out:?}");
}

#[test]
fn away_resumed_takes_the_role_that_the_service_knows() {
    let mut bench = host();
    bench.lose_and_reopen();
    let out = rejoined(&mut bench, live(Role::Audience, true));
    assert!(out.contains(&changed(Role::Audience)), "{out:?}");
    assert_eq!(commands(&out), Vec::<&Command>::new());
}

#[test]
fn a_renewed_token_is_the_one_to_come_back_with() {
    let mut bench = audience();
    assert_eq!(bench.event(signal::Event::TokenWillExpire { ms: 30_000 }), [Output::Event(Event::TokenWillExpire { after: 30_000 * MS })]);
    let out = renew(&mut bench, 2, "new");
    assert_eq!(commands(&out), [&Command::RenewToken { token: "new".into() }]);
    assert_eq!(answer(&bench.confirm(&out), CallId(2)), Some(Ok(Answer::Done)));
    assert_eq!(token(&bench.lose_and_reopen()), Some("new"));
}

#[test]
fn a_refused_renewal_keeps_the_token_before() {
    let mut bench = audience();
    let out = renew(&mut bench, 2, "wrong");
    let refused = bench.give(refusal(requests(&out).next().unwrap().id, Code::NoAuthorized));
    assert_eq!(answer(&refused, CallId(2)), Some(Err(Code::NoAuthorized)));
    assert_eq!(token(&bench.lose_and_reopen()), Some("old"));
}

#[test]
fn away_renewed_comes_back_with_the_newest_token() {
    let mut bench = audience();
    let out = renew(&mut bench, 2, "newer");
    assert_eq!(answer(&out, CallId(2)), None);
    bench.give(Input::SignallingClosed { error: socket_error() });
    assert_eq!(answer(&renew(&mut bench, 3, "newest"), CallId(2)), Some(Err(Code::RequestAbort)));
    bench.wait(200 * MS);
    assert_eq!(token(&bench.give(Input::SignallingOpened)), Some("newest"));
    let out = rejoined(&mut bench, live(Role::Audience, true));
    assert_eq!(answer(&out, CallId(3)), Some(Ok(Answer::Done)));
    assert_eq!(token(&bench.lose_and_reopen()), Some("newest"));
}

#[test]
fn away_renewed_wrongly_comes_back_with_the_token_before() {
    let mut bench = audience();
    bench.give(Input::SignallingClosed { error: socket_error() });
    renew(&mut bench, 2, "wrong");
    bench.wait(200 * MS);
    assert_eq!(token(&bench.give(Input::SignallingOpened)), Some("wrong"));
    assert_eq!(answer(&bench.give(refusal(1, Code::NoAuthorized)), CallId(2)), Some(Err(Code::NoAuthorized)));
    let out = bench.wait(2_000 * MS);
    assert!(out.contains(&Output::OpenSignalling), "{out:?}");
    assert_eq!(token(&bench.give(Input::SignallingOpened)), Some("old"));
}

#[test]
fn online_the_token_ends_idle() {
    let mut bench = audience();
    let error = Error::new(Code::DynamicKeyExpired, "Over.");
    let out = bench.event(signal::Event::Removed { error: error.clone() });
    assert!(events(&out).contains(&&Event::TokenDidExpire { error }), "{out:?}");
    assert_eq!(bench.state(), ConnectionState::Disconnected);
}

#[test]
fn away_refused_for_the_tokens_end_idle() {
    let mut bench = audience();
    bench.lose_and_reopen();
    let out = bench.give(refusal(1, Code::DynamicKeyExpired));
    assert!(matches!(events(&out)[..], [Event::TokenDidExpire { .. }, Event::ConnectionStateChange { .. }]), "{out:?}");
}

#[test]
fn a_track_that_may_not_be_published_any_more_is_held_back_until_it_may() {
    let mut bench = Bench::publishing(vec![peer(2)]);
    let asked = signal::Event::Subscribe { subscription: subscription(9), subscriber: uid(2), stream: camera(1), offer: sdp("offer") };
    bench.event(asked);
    let out = bench.event(may_publish(true, false, Some(Code::DynamicKeyExpired)));
    assert!(out.contains(&Output::ClosePeer { subscription: subscription(9) }), "nobody is sent the picture: {out:?}");
    assert!(matches!(events(&out)[..], [Event::Error { error }] if error.code == Code::DynamicKeyExpired));
    let sound = StreamInfo { video: false, ..info(1) };
    bench.lose_and_reopen();
    let out = rejoined(&mut bench, Joined { may_publish: MayPublish { audio: true, video: false }, ..joined(vec![], false) });
    assert_eq!(commands(&out), [&Command::Publish { stream: sound }]);
    assert_eq!(commands(&bench.event(may_publish(true, true, None))), [&Command::Publish { stream: info(1) }]);
}

#[test]
fn a_stream_of_which_nothing_may_be_published_is_unpublished() {
    let mut bench = Bench::publishing(vec![]);
    let out = bench.event(may_publish(false, false, Some(Code::UidBanned)));
    assert!(out.contains(&Output::EndPublication { source: StreamSource::Camera }));
    assert!(matches!(events(&out)[..], [Event::StreamUnpublished { asked: false, .. }, Event::Error { .. }]), "{out:?}");
    assert_eq!(bench.event(may_publish(true, true, None)), [], "it is for the application to publish it again");
}
