//! Roles, the ends of tokens, and the operator's rules.

use signal::Command::{RenewToken, SetRole};

use super::*;
use crate::{
    ban::{Ban, Verdict},
    grant::WARNING,
};

const SECOND: Duration = Duration::from_secs(1);

impl Bench {
    fn enter_live(&mut self, uid: u32) -> Joined {
        self.try_join(Join { mode: Mode::Live, ..join(uid.into(), Some(number(uid))) }).unwrap()
    }

    /// 1 publishes a camera by a token that ends after `seconds`, or loses video earlier; 2 is there by no token.
    fn with_token(seconds: u32, video: Lease) -> Self {
        let mut bench = bench();
        let grant = Grant::of_token(bench.now + SECOND * seconds, Lease::Always, video);
        bench.try_join(Join { grant, ..join(1, Some(number(1))) }).unwrap();
        bench.enter(2);
        bench.command(1, Publish { stream: camera(1) }).unwrap();
        bench.command(2, Subscribe { subscription: key(1), stream: camera(1).id, offer: sdp("offer") }).unwrap();
        bench.forget_events();
        bench
    }

    /// Everyone gives signs of life while time passes, second by second.
    fn live_on(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            for uid in 1..4 {
                self.input(Input::Request { connection: ConnectionId(uid), id: 0, command: Ping });
                self.inboxes.entry(uid).or_default().retain(|message| !matches!(message, Incoming::Reply(_)));
            }
            self.wait(SECOND.min(end - self.now));
        }
    }

    fn renew(&mut self, grant: Result<Grant, Error>) -> Result<(), Code> {
        self.input(Input::Renew { connection: ConnectionId(1), id: 1, grant });
        self.answer(1).map(|_| ())
    }

    fn judge(&mut self, uid: u32, verdict: Verdict) {
        self.input(Input::Judge { verdicts: vec![(number(uid), verdict)] });
    }

    fn ban(&self, seconds: u32) -> Option<Ban> {
        Some(Ban { code: Code::UidBanned, until: self.now + SECOND * seconds })
    }
}

fn role(role: Role) -> Event {
    Event::RoleChanged { role }
}

fn left(uid: u32, reason: LeaveReason) -> Event {
    Event::PeerLeave { uid: number(uid), reason }
}

/// The code that a removed member reads, and no other event.
fn removed(events: &[Event]) -> Code {
    match events {
        [Event::Removed { error }] => error.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn audience_publish_host_unpublish_audience() {
    let mut bench = bench();
    bench.enter(2);
    let joined = bench.enter_live(1);
    assert_eq!((joined.role, bench.events(2)), (Role::Audience, vec![]));
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    assert_eq!(bench.events(1), [role(Role::Host)]);
    assert_eq!(bench.events(2), [online(1), Event::StreamAdded { stream: camera(1) }]);
    assert_eq!(bench.try_join(join(3, Some(number(3)))).unwrap().peers.len(), 2);
    bench.forget_events();
    bench.command(1, Unpublish { stream: camera(1).id }).unwrap();
    assert_eq!(bench.events(1), [role(Role::Audience)]);
    let removed = Event::StreamRemoved { stream: camera(1).id };
    assert_eq!(bench.events(2), [removed, left(1, LeaveReason::BecomeAudience)]);
}

#[test]
fn host_unpublish_of_the_camera_host_while_a_screen_is_shared() {
    let mut bench = bench();
    bench.enter(2);
    bench.enter_live(1);
    let screen = StreamInfo { id: StreamId { source: StreamSource::Screen, ..camera(1).id }, audio: false, ..camera(1) };
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.command(1, Publish { stream: screen.clone() }).unwrap();
    bench.command(2, Subscribe { subscription: key(1), stream: camera(1).id, offer: sdp("offer") }).unwrap();
    bench.command(2, Subscribe { subscription: key(2), stream: screen.id.clone(), offer: sdp("offer") }).unwrap();
    bench.forget_events();
    bench.command(1, Unpublish { stream: camera(1).id }).unwrap();
    let gone = |stream| Event::StreamRemoved { stream };
    let ended = |n| Event::Unsubscribe { subscription: key(n) };
    assert_eq!((bench.events(1), bench.events(2)), (vec![], vec![ended(1), gone(camera(1).id)]), "the screen's subscription goes on");
    bench.command(1, SetRole { role: Role::Audience }).unwrap();
    assert_eq!(bench.events(2), [ended(2), gone(screen.id), left(1, LeaveReason::BecomeAudience)]);
}

#[test]
fn a_screen_is_published_by_its_own_user_with_the_privilege_for_pictures_alone() {
    let mut bench = bench();
    let grant = Grant::of_token(bench.now + 3_600 * SECOND, Lease::Always, Lease::Never);
    bench.try_join(Join { grant, ..join(1, Some(number(1))) }).unwrap();
    bench.enter(2);
    bench.forget_events();
    let screen = |uid: u32| StreamInfo { id: StreamId { source: StreamSource::Screen, ..camera(uid).id }, audio: false, ..camera(uid) };
    assert_eq!(bench.command(1, Publish { stream: screen(1) }), Err(Code::NoAuthorized));
    assert_eq!(bench.command(2, Publish { stream: screen(1) }), Err(Code::InvalidLocalStream));
    assert_eq!(bench.command(2, Unpublish { stream: screen(1).id }), Err(Code::InvalidLocalStream));
    assert_eq!(bench.command(2, Mute { stream: screen(2).id, audio: true, video: true }), Err(Code::StreamNotYetPublished));
    bench.command(2, Publish { stream: screen(2) }).unwrap();
    assert_eq!(bench.events(1).len(), 1, "told once");
    bench.command(2, Publish { stream: screen(2) }).unwrap();
    assert_eq!(bench.events(1), [], "one screen a user");
}

#[test]
fn audience_set_role_host_set_role_audience() {
    let mut bench = bench();
    bench.enter(2);
    bench.enter_live(1);
    bench.command(1, SetRole { role: Role::Audience }).unwrap();
    bench.command(1, SetRole { role: Role::Host }).unwrap();
    bench.command(1, SetRole { role: Role::Host }).unwrap();
    assert_eq!((bench.events(1), bench.events(2)), (vec![role(Role::Host)], vec![online(1)]));
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.forget_events();
    bench.command(1, SetRole { role: Role::Audience }).unwrap();
    assert_eq!(bench.events(1), [role(Role::Audience)]);
    let removed = Event::StreamRemoved { stream: camera(1).id };
    assert_eq!(bench.events(2), [removed, left(1, LeaveReason::BecomeAudience)], "what was published is withdrawn");
    bench.command(1, Leave).unwrap();
    assert_eq!(bench.events(2), [], "an audience member comes and goes unseen");
}

#[test]
fn only_hosts_are_listed_and_a_role_is_kept_over_a_break() {
    let mut bench = bench();
    bench.enter_live(1);
    let session = bench.enter_live(2).session;
    bench.command(2, SetRole { role: Role::Host }).unwrap();
    let peers = bench.enter_live(3).peers;
    assert_eq!(peers, [Peer { uid: number(2), name: None, streams: vec![] }]);
    bench.input(Input::Disconnected { connection: ConnectionId(2) });
    let again = Join { mode: Mode::Live, session: Some(session), ..join(4, Some(number(2))) };
    assert_eq!(bench.try_join(again).unwrap().role, Role::Host);
    assert_eq!(bench.events(3), [online(2)]);
}

#[test]
fn nobody_becomes_a_host_without_a_privilege_to_publish_or_out_of_live_mode() {
    let mut bench = bench();
    bench.enter(2);
    let grant = Grant::of_token(bench.now + 3_600 * SECOND, Lease::Never, Lease::Never);
    bench.try_join(Join { grant, mode: Mode::Live, ..join(1, Some(number(1))) }).unwrap();
    assert_eq!(bench.command(1, SetRole { role: Role::Host }), Err(Code::NoAuthorized));
    assert_eq!(bench.command(1, Publish { stream: camera(1) }), Err(Code::NoAuthorized));
    assert_eq!(bench.command(2, SetRole { role: Role::Host }), Err(Code::InvalidOperation));
    assert_eq!((bench.events(1), bench.events(2)), (vec![], vec![]));
}

#[test]
fn here_token_will_expire_token_ends_absent() {
    let mut bench = Bench::with_token(60, Lease::Always);
    bench.live_on(29 * SECOND);
    assert_eq!(bench.events(1), []);
    bench.live_on(SECOND);
    assert_eq!(bench.events(1), [Event::TokenWillExpire { ms: 30_000 }]);
    bench.live_on(WARNING - SECOND);
    assert_eq!((bench.events(1), bench.events(2)), (vec![], vec![]));
    bench.live_on(SECOND);
    assert_eq!(removed(&bench.events(1)), Code::DynamicKeyExpired);
    assert_eq!(bench.closed, [(1, Parting::Expired)]);
    let removed = Event::StreamRemoved { stream: camera(1).id };
    assert_eq!(bench.events(2), [Event::Unsubscribe { subscription: key(1) }, removed, left(1, LeaveReason::Quit)]);
}

#[test]
fn here_renewed_stays_and_is_told_of_the_new_end() {
    let mut bench = Bench::with_token(60, Lease::Always);
    bench.live_on(40 * SECOND);
    let newer = Grant::of_token(bench.now + 60 * SECOND, Lease::Always, Lease::Always);
    assert_eq!(bench.renew(Ok(newer)), Ok(()));
    bench.forget_events();
    bench.live_on(30 * SECOND);
    assert_eq!((bench.events(1), bench.events(2)), (vec![Event::TokenWillExpire { ms: 30_000 }], vec![]));
}

#[test]
fn a_refused_renewal_leaves_the_token_before_in_force() {
    let mut bench = Bench::with_token(60, Lease::Always);
    let refused = || Err(Error::new(Code::NoAuthorized, ""));
    assert_eq!(bench.renew(refused()), Err(Code::NoAuthorized));
    bench.live_on(59 * SECOND);
    assert_eq!(bench.closed, []);
    bench.live_on(SECOND);
    assert_eq!(bench.closed, [(1, Parting::Expired)]);
    assert_eq!(bench.command(2, RenewToken { token: String::new() }), Err(Code::InternalError), "the edge has to check it");
}

#[test]
fn a_command_after_the_end_finds_the_membership_over_before_any_tick() {
    let mut bench = Bench::with_token(5, Lease::Always);
    bench.forget_events();
    bench.now += 5 * SECOND;
    bench.input(Input::Request { connection: ConnectionId(1), id: 1, command: Publish { stream: camera(1) } });
    assert_eq!(removed(&bench.events(1)), Code::DynamicKeyExpired);
    assert_eq!(bench.closed, [(1, Parting::Expired)]);
}

#[test]
fn a_token_that_ends_while_its_member_is_away_ends_the_membership() {
    let mut bench = Bench::with_token(5, Lease::Always);
    bench.input(Input::Disconnected { connection: ConnectionId(1) });
    bench.live_on(5 * SECOND);
    assert_eq!(bench.closed, []);
    assert_eq!(bench.events(2).last(), Some(&left(1, LeaveReason::Quit)));
}

#[test]
fn the_end_of_a_privilege_to_publish_takes_that_track_only() {
    let now = Instant::now();
    let mut bench = Bench::with_token(3_600, Lease::Until(now + 40 * SECOND));
    bench.now = now;
    bench.live_on(40 * SECOND);
    let sound = StreamInfo { video: false, ..camera(1) };
    let events = bench.events(1);
    assert_eq!(events[0], Event::TokenWillExpire { ms: 30_000 });
    let [_, Event::MayPublishChanged { may_publish, error: Some(error) }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((may_publish.audio, may_publish.video, error.code), (true, false, Code::DynamicKeyExpired));
    assert_eq!(bench.events(2), [Event::StreamUpdated { stream: sound.clone() }]);
    assert_eq!(bench.command(1, Publish { stream: camera(1) }), Err(Code::DynamicKeyExpired));
    assert_eq!(bench.command(1, Publish { stream: sound }), Ok(()));
    // A renewal brings it back.
    bench.renew(Ok(Grant::ALL)).unwrap();
    assert_eq!(bench.events(1), [Event::MayPublishChanged { may_publish: signal::MayPublish::ALL, error: None }]);
    assert_eq!(bench.command(1, Publish { stream: camera(1) }), Ok(()));
}

#[test]
fn a_resumed_member_publishes_no_more_than_their_new_token_allows() {
    let mut bench = bench();
    let session = bench.enter(1).session;
    bench.enter(2);
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.forget_events();
    let grant = Grant::of_token(bench.now + SECOND * 3_600, Lease::Never, Lease::Never);
    bench.try_join(Join { session: Some(session), grant, ..join(3, None) }).unwrap();
    assert_eq!(bench.events(2), [online(1), Event::StreamRemoved { stream: camera(1).id }]);
}

#[test]
fn here_banned_absent() {
    let mut bench = Bench::with_token(3_600, Lease::Always);
    let ban = bench.ban(90);
    bench.judge(1, Verdict { join: ban, ..Verdict::default() });
    let events = bench.events(1);
    assert_eq!(removed(&events), Code::UidBanned);
    assert!(matches!(&events[..], [Event::Removed { error }] if error.message.contains("90 s")), "{events:?}");
    assert_eq!(bench.closed, [(1, Parting::Banned)]);
    assert_eq!(bench.events(2).last(), Some(&left(1, LeaveReason::Quit)));
}

#[test]
fn a_ban_from_publishing_ends_by_itself_and_a_rejoin_does_not_shake_it_off() {
    let mut bench = bench();
    let session = bench.enter_live(1).session;
    bench.enter(2);
    bench.command(1, Publish { stream: camera(1) }).unwrap();
    bench.forget_events();
    let ban = bench.ban(60);
    bench.judge(1, Verdict { audio: ban, video: ban, join: None });
    let events = bench.events(1);
    assert!(
        matches!(&events[..], [Event::MayPublishChanged { error: Some(error), .. }, Event::RoleChanged { role: Role::Audience }] if error.code == Code::UidBanned),
        "{events:?}"
    );
    assert_eq!(bench.events(2), [Event::StreamRemoved { stream: camera(1).id }, left(1, LeaveReason::BecomeAudience)]);
    let again = Join { mode: Mode::Live, session: Some(session), ..join(3, None) };
    let joined = bench.try_join(again).unwrap();
    assert_eq!((joined.role, joined.may_publish.audio, joined.may_publish.video), (Role::Audience, false, false));
    assert_eq!(bench.command(3, SetRole { role: Role::Host }), Err(Code::UidBanned));
    bench.forget_events();
    bench.live_on(60 * SECOND);
    assert_eq!(bench.events(3), [Event::MayPublishChanged { may_publish: signal::MayPublish::ALL, error: None }]);
    assert_eq!(bench.command(3, SetRole { role: Role::Host }), Ok(()));
}

#[test]
fn a_ban_that_is_lifted_gives_back_what_it_took() {
    let mut bench = bench();
    bench.enter(1);
    let ban = bench.ban(60);
    bench.judge(1, Verdict { audio: ban, ..Verdict::default() });
    bench.judge(1, Verdict::default());
    bench.judge(1, Verdict::default());
    assert!(matches!(
        &bench.events(1)[..],
        [Event::MayPublishChanged { error: Some(_), .. }, Event::MayPublishChanged { may_publish: signal::MayPublish::ALL, error: None }]
    ));
}
