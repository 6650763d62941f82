//! What the service refuses or never answers: each a toast of the sample, a sentence and a code, and a page that goes on.

use std::time::{SystemTime, UNIX_EPOCH};

use channel_server::{
    AdminKey, Config,
    projects::{Catalog, Project, Projects},
};
use client::Code;
use tests::{
    relay::{Fault, Relay},
    service::Service,
    window::Window,
};
use token::{Credentials, Order, Role, Version};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Guest, open, press, refused, scenario};

pub const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

const ADMIN_KEY: &str = "a-key-that-only-this-test-knows-0123456789";

/// A token for uid 7 in this channel, made `age` seconds ago for an hour.
pub fn token(role: Role, channel: &str, age: u64) -> String {
    lasting(role, channel, age, 3600)
}

/// The same for `expire` seconds.
fn lasting(role: Role, channel: &str, age: u64, expire: u32) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs();
    let credentials = Credentials::new(APP_ID, CERTIFICATE).expect("both are 32 hexadecimal characters");
    let order = Order { version: Version::V007, channel, uid: "7", role, expire };
    token::issue(&credentials, &order, now - age, 1).expect("an order that can be met")
}

/// A service with a project that asks for tokens.
pub async fn service() -> Service {
    let secured = Project::secured(APP_ID.parse().expect("an App ID"), CERTIFICATE).expect("a certificate");
    let projects = Catalog::fixed(Projects::new([Project::local(), secured]).expect("App IDs differ"));
    let admin_key = Some(AdminKey::new(ADMIN_KEY).expect("it is long enough"));
    Service::start_with(Config { projects, admin_key, ..Config::default() }).await
}

/// Bans uid 7 of the secured project for a minute.
async fn ban(service: &Service) {
    let body = format!(r#"{{"app_id": "{APP_ID}", "uid": 7, "seconds": 60}}"#);
    let request = format!(
        "POST /v1/ban HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        service.address(),
        body.len()
    );
    let mut socket = TcpStream::connect(service.address()).await.expect("the service listens");
    socket.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("the service answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Fills the form for uid 7 in channel "demo" of the secured project.
pub async fn fill(window: &Window, token: &str) {
    window.run("document.querySelector('#advanced').open = true;", vec![]).await;
    for (name, text) in [("appID", APP_ID), ("channel", "demo"), ("uid", "7"), ("token", token)] {
        window.fill(&format!("[name={name}]"), text).await;
    }
}

#[test]
fn each_refused_join_says_why() {
    scenario("refused joins", async |_| {
        let service = service().await;
        let window = open(&service.url()).await;
        window.run("document.querySelector('#advanced').open = true;", vec![]).await;
        let unknown = APP_ID.replace('9', "8");
        let publisher = |channel, age| token(Role::Publisher, channel, age);
        let cases = [
            (unknown.as_str(), String::new(), "INVALID_VENDOR_KEY"),
            (APP_ID, String::new(), "ERR_DYNAMIC_USE_STATIC_KE"),
            (APP_ID, publisher("demo", 7200), "DYNAMIC_KEY_EXPIRED"),
            (APP_ID, publisher("elsewhere", 0), "NO_AUTHORIZED"),
        ];
        window.fill("[name=channel]", "demo").await;
        window.fill("[name=uid]", "7").await;
        for (app_id, token, code) in cases {
            window.fill("[name=appID]", app_id).await;
            window.fill("[name=token]", &token).await;
            press(&window, "#join").await;
            refused(&window, code).await;
            window.screenshot(&format!("refused-{code}")).await;
        }
        let _taken = Guest::join(&service.url(), "demo", 7).await;
        window.fill("[name=appID]", channel_server::DEFAULT_APP_ID).await;
        window.fill("[name=token]", "").await;
        press(&window, "#join").await;
        refused(&window, "UID_CONFLICT").await;
        window.fill("[name=uid]", "4294967296").await;
        press(&window, "#join").await;
        refused(&window, "ERR_INVALID_UID").await;
        window.close().await;
    });
}

#[test]
fn a_subscribers_token_joins_and_does_not_publish() {
    scenario("a subscriber's token", async |_| {
        let service = service().await;
        let window = open(&service.url()).await;
        fill(&window, &token(Role::Subscriber, "demo", 0)).await;
        press(&window, "#join").await;
        window.toasts("join channel: demo success, uid: 7").await;
        window.toasts("publish failed").await;
        window.toasts("NO_AUTHORIZED").await;
        window.screenshot("publish-failed").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.close().await;
    });
}

#[test]
fn the_end_of_a_token_is_announced_and_ends_the_call() {
    scenario("a token that ends", async |_| {
        let service = service().await;
        let window = open(&service.url()).await;
        fill(&window, &lasting(Role::Publisher, "demo", 0, 15)).await;
        press(&window, "#join").await;
        window.toasts("onTokenPrivilegeWillExpire").await;
        window.screenshot("call-token-ends").await;
        window.toasts("onTokenPrivilegeDidExpire").await;
        window.shows("#lobby").await;
        window.screenshot("lobby-token-ended").await;
        window.close().await;
    });
}

#[test]
fn who_is_banned_is_out_and_learns_why() {
    scenario("a ban", async |_| {
        let service = service().await;
        let window = open(&service.url()).await;
        fill(&window, &token(Role::Publisher, "demo", 0)).await;
        press(&window, "#join").await;
        window.toasts("stream published success").await;
        ban(&service).await;
        window.toasts("You are out of the channel").await;
        window.toasts("K_UID_BANNED").await;
        window.shows("#lobby").await;
        press(&window, "#join").await;
        refused(&window, "K_UID_BANNED").await;
        window.screenshot("lobby-banned").await;
        window.close().await;
    });
}

#[test]
fn a_service_that_refuses_or_says_nothing_leaves_the_page_in_order() {
    scenario("a service that misbehaves", async |service| {
        let relay = Relay::start(&service.url()).await;
        let window = open(&relay.url()).await;
        let enabled = async |id: &str| {
            let body = format!("return document.querySelector('{id}').getAttribute('aria-disabled') !== 'true';");
            window.sees(&format!("{id} can be pressed"), &body).await;
        };
        relay.fault("publish", Some(Fault::Refuse(Code::PublishStreamFailed)));
        press(&window, "#join").await;
        window.toasts("publish failed").await;
        window.toasts("PUBLISH_STREAM_FAILED").await;

        relay.fault("publish", None);
        enabled("#publish").await;
        press(&window, "#publish").await;
        window.toasts("stream published success").await;

        // The stream is withdrawn here whatever the service says of it, and can be published anew.
        relay.fault("unpublish", Some(Fault::Refuse(Code::InvalidOperation)));
        press(&window, "#unpublish").await;
        window.toasts("unpublish failed").await;
        enabled("#publish").await;
        press(&window, "#publish").await;
        window.toasts("stream published success").await;

        // One has left although nobody confirmed it.
        relay.fault("leave", Some(Fault::Swallow));
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.shows("#join").await;
        window.close().await;
    });
}
