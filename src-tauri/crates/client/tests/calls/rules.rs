//! The rules of a channel as a client meets them: tokens that end, roles, and the operator's bans.

use std::time::{SystemTime, UNIX_EPOCH};

use channel_server::projects::{Catalog, Project, Projects};
use channel_server::{AdminKey, DEFAULT_APP_ID};
use client::{Client, Code, ConnectionState, Event, LeaveReason, Mode, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Person, Service, number, patiently};

const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A service whose project has a certificate, and which an operator can speak to.
fn config() -> channel_server::Config {
    let project = Project::secured(DEFAULT_APP_ID.parse().unwrap(), CERTIFICATE).unwrap();
    channel_server::Config {
        projects: Catalog::fixed(Projects::new([project]).unwrap()),
        admin_key: Some(AdminKey::new(KEY).unwrap()),
        ..Service::config()
    }
}

fn token(uid: u32, seconds: u32) -> String {
    let credentials = token::Credentials::new(DEFAULT_APP_ID, CERTIFICATE).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (version, role) = (token::Version::V007, token::Role::Publisher);
    token::issue(&credentials, &token::Order { version, channel: "demo", uid: &uid.to_string(), role, expire: seconds }, now, 1).unwrap()
}

async fn join(client: &Client, uid: u32, token: &str) -> Result<(), Code> {
    client.init(DEFAULT_APP_ID).await.unwrap();
    patiently("join", client.join(Some(token), "demo", Some(number(uid)))).await.map(drop).map_err(|error| error.code)
}

async fn joined(service: &Service, uid: u32, mode: Mode, seconds: u32) -> Person {
    let person = Person::in_mode(&service.url(), mode);
    join(&person.client, uid, &token(uid, seconds)).await.unwrap();
    person
}

async fn left(person: &mut Person, gone: u32) -> LeaveReason {
    person
        .event("peer-leave", |event| match event {
            Event::PeerLeave { uid, reason } if uid == number(gone) => Some(reason),
            _ => None,
        })
        .await
}

async fn role(person: &mut Person) -> Role {
    person
        .event("client-role-changed", |event| match event {
            Event::ClientRoleChanged { role } => Some(role),
            _ => None,
        })
        .await
}

async fn state(person: &mut Person, wanted: ConnectionState) {
    person.event(wanted.as_str(), |event| matches!(event, Event::ConnectionStateChange { cur, .. } if cur == wanted).then_some(())).await;
}

#[tokio::test]
async fn a_token_that_ends_is_told_before_and_ends_the_call() {
    let service = Service::start_with(config()).await;
    let mut ada = joined(&service, 1, Mode::Rtc, 2).await;
    let mut bob = joined(&service, 2, Mode::Rtc, 600).await;
    ada.event("will expire", |event| matches!(event, Event::TokenPrivilegeWillExpire { .. }).then_some(())).await;
    let error = ada.event("did expire", |event| match event {
        Event::TokenPrivilegeDidExpire { error } => Some(error),
        _ => None,
    });
    assert_eq!(error.await.code, Code::DynamicKeyExpired);
    assert_eq!(left(&mut bob, 1).await, LeaveReason::Quit);
    assert_eq!(ada.client.connection_state(), ConnectionState::Disconnected);
    join(&ada.client, 1, &token(1, 600)).await.expect("a fresh token lets them in again");
    service.stop().await;
}

#[tokio::test]
async fn a_renewed_token_is_the_one_to_come_back_with() {
    let service = Service::start_with(config()).await;
    let mut ada = joined(&service, 1, Mode::Rtc, 2).await;
    ada.event("will expire", |event| matches!(event, Event::TokenPrivilegeWillExpire { .. }).then_some(())).await;
    patiently("renew", ada.client.renew_token(&token(1, 600))).await.unwrap();
    let wrong = patiently("renew", ada.client.renew_token(&token(2, 600))).await.unwrap_err();
    assert_eq!(wrong.code, Code::NoAuthorized);
    // Somebody whose token ends after Ada's first one would have: their end is the sign that hers is past.
    let mut clock = joined(&service, 3, Mode::Rtc, 3).await;
    clock.event("did expire", |event| matches!(event, Event::TokenPrivilegeDidExpire { .. }).then_some(())).await;
    assert_eq!(ada.client.connection_state(), ConnectionState::Connected);
    let address = service.stop().await;
    let service = Service::start_on(address, config(), channel_server::Listener::plain).await;
    state(&mut ada, ConnectionState::Connected).await;
    service.stop().await;
}

#[tokio::test]
async fn a_host_is_seen_an_audience_is_not_and_a_restart_changes_neither() {
    let service = Service::start_with(config()).await;
    let mut ada = joined(&service, 1, Mode::Live, 600).await;
    let mut bob = joined(&service, 2, Mode::Live, 600).await;
    patiently("role", ada.client.set_client_role(Role::Host)).await.unwrap();
    assert_eq!(role(&mut ada).await, Role::Host);
    bob.event("peer-online", |event| matches!(event, Event::PeerOnline { .. }).then_some(())).await;

    let address = service.stop().await;
    let service = Service::start_on(address, config(), channel_server::Listener::plain).await;
    state(&mut ada, ConnectionState::Connected).await;
    state(&mut bob, ConnectionState::Connected).await;
    // A newcomer sees who is a host now, and only them.
    let mut cat = joined(&service, 3, Mode::Live, 600).await;
    let online = cat.event("peer-online", |event| match event {
        Event::PeerOnline { uid } => Some(uid),
        _ => None,
    });
    assert_eq!(online.await, number(1));

    patiently("role", ada.client.set_client_role(Role::Audience)).await.unwrap();
    assert_eq!(role(&mut ada).await, Role::Audience, "the first change since: the restart went unnoticed");
    assert_eq!(left(&mut cat, 1).await, LeaveReason::BecomeAudience);
    let rtc = joined(&service, 4, Mode::Rtc, 600).await;
    assert_eq!(rtc.client.set_client_role(Role::Audience).await.unwrap_err().code, Code::InvalidOperation);
    service.stop().await;
}

#[tokio::test]
async fn who_is_banned_is_out_and_stays_out() {
    let service = Service::start_with(config()).await;
    let mut ada = joined(&service, 1, Mode::Rtc, 600).await;
    let mut bob = joined(&service, 2, Mode::Rtc, 600).await;
    let rule = format!(r#"{{"app_id": "{DEFAULT_APP_ID}", "channel": "demo", "uid": 1, "seconds": 60, "privileges": ["join_channel"]}}"#);
    let mut operator = TcpStream::connect(service.address()).await.unwrap();
    let head = format!(
        "POST /v1/ban HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {}\r\n\r\n",
        rule.len()
    );
    operator.write_all(format!("{head}{rule}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    operator.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let banned = ada.event("client-banned", |event| match event {
        Event::ClientBanned { uid, error } => Some((uid, error.code)),
        _ => None,
    });
    assert_eq!(banned.await, (number(1), Code::UidBanned));
    assert_eq!(left(&mut bob, 1).await, LeaveReason::Quit);
    assert_eq!(join(&ada.client, 1, &token(1, 600)).await, Err(Code::UidBanned));
    service.stop().await;
}
