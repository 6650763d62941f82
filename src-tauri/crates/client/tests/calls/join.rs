//! What goes wrong with a join, each with its code, and promptly.

use crate::support::{Person, Service, number, patiently, pattern};
use channel_server::DEFAULT_APP_ID;
use client::{Code, ConnectionState, Event, StreamId};
use tokio::net::TcpListener;

/// An address where nothing listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("ws://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named_at_once() {
    let server = nowhere().await;
    let error = Person::new(&server).join(1).await.unwrap_err();
    assert_eq!(error.code, Code::SocketError);
    assert!(error.message.contains(&server), "{error}");
}

#[tokio::test]
async fn names_are_checked_before_anything_is_sent() {
    let person = Person::new(&nowhere().await);
    assert_eq!(person.client.init(" 76697361766973206c6f63616c20617").await.unwrap_err().code, Code::InvalidVendorKey);
    assert_eq!(person.client.join(None, "demo", None).await.unwrap_err().code, Code::InvalidOperation);
    person.client.init(DEFAULT_APP_ID).await.unwrap();
    assert_eq!(person.client.join(None, "de*mo", None).await.unwrap_err().code, Code::InvalidChannelName);
}

#[tokio::test]
async fn what_the_service_refuses_keeps_its_code() {
    let service = Service::start().await;
    let ada = Person::joined(&service.url(), 1).await;
    let other = Person::new(&service.url());
    assert_eq!(other.join(1).await.unwrap_err().code, Code::UidConflict);
    other.client.init("970CA35de60c44645bbae8a215061b33").await.unwrap();
    assert_eq!(patiently("join", other.client.join(None, "demo", None)).await.unwrap_err().code, Code::InvalidVendorKey);
    // The refused client is usable afterwards.
    assert_eq!(other.join(2).await.unwrap(), number(2));
    assert_eq!(ada.join(1).await.unwrap_err().code, Code::RepeatJoin);
    service.stop().await;
}

#[tokio::test]
async fn a_uid_is_assigned_to_who_brings_none() {
    let service = Service::start().await;
    let person = Person::new(&service.url());
    person.client.init(DEFAULT_APP_ID).await.unwrap();
    let uid = patiently("join", person.client.join(Some(""), "demo", None)).await.unwrap();
    assert_eq!(person.client.uid(), Some(uid));
    assert_eq!(person.client.connection_state(), ConnectionState::Connected);
    service.stop().await;
}

#[tokio::test]
async fn calls_outside_a_channel_are_refused() {
    let person = Person::new(&nowhere().await);
    let stream = StreamId::camera(number(2));
    assert_eq!(person.client.leave().await.unwrap_err().code, Code::InvalidOperation);
    assert_eq!(person.client.subscribe(&stream, Default::default()).await.unwrap_err().code, Code::InvalidOperation);
    assert_eq!(person.client.unsubscribe(&stream).await.unwrap_err().code, Code::InvalidOperation);
    let local = pattern();
    assert_eq!(person.client.publish(&local).await.unwrap_err().code, Code::InvalidLocalStream, "not initialised");
    local.init().await.unwrap();
    assert_eq!(person.client.publish(&local).await.unwrap_err().code, Code::InvalidOperation);
    assert_eq!(person.client.unpublish(&local).await.unwrap_err().code, Code::InvalidOperation);
}

#[tokio::test]
async fn a_leave_cuts_a_join_short() {
    // Accepts connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut person = Person::new(&format!("ws://{}", listener.local_addr().unwrap()));
    person.client.init(DEFAULT_APP_ID).await.unwrap();
    let client = person.client.clone();
    let join = tokio::spawn(async move { client.join(None, "demo", None).await });
    person
        .event("connecting", |event| matches!(event, Event::ConnectionStateChange { cur: ConnectionState::Connecting, .. }).then_some(()))
        .await;
    assert_eq!(person.join(1).await.unwrap_err().code, Code::InvalidOperation, "one join at a time");
    patiently("leave", person.client.leave()).await.unwrap();
    assert_eq!(join.await.unwrap().unwrap_err().code, Code::RequestAbort);
    assert_eq!(person.client.connection_state(), ConnectionState::Disconnected);
}

#[tokio::test]
async fn a_client_can_leave_and_come_again() {
    let service = Service::start().await;
    let person = Person::joined(&service.url(), 1).await;
    for _ in 0..3 {
        patiently("leave", person.client.leave()).await.unwrap();
        assert_eq!(person.client.uid(), None);
        assert_eq!(person.join(1).await.unwrap(), number(1));
    }
    service.stop().await;
}
