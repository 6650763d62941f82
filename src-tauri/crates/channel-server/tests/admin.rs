//! The admin side over HTTP.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use channel_server::{
    AdminKey, Config,
    projects::{Catalog, Project, Projects, StoreError},
};
use serde_json::{Value, json};
use support::{Client, Service, log::logged};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

/// A service with a key, an open project and one with a certificate, whose App ID is the second.
async fn service() -> (Service, Catalog, String) {
    let secured = Project::secured("f".repeat(32).parse().unwrap(), CERTIFICATE).unwrap();
    let app_id = secured.app_id().to_string();
    let catalog = Catalog::fixed(Projects::new([Project::local(), secured]).unwrap());
    let config = Config { projects: catalog.clone(), admin_key: Some(AdminKey::new(KEY).unwrap()), ..Config::default() };
    (Service::start(config).await, catalog, app_id)
}

/// The status and the JSON of an answer.
async fn ask(service: &Service, key: Option<&str>, line: &str, body: &str) -> (u16, Value) {
    let mut stream = tokio::net::TcpStream::connect(service.address).await.unwrap();
    let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
    let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}Content-Length: {}\r\n\r\n", body.len());
    // A refusal may come, and the connection close, before all of a long body is written.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn only_the_bearer_of_the_key_gets_in() {
    let (service, ..) = service().await;
    for key in [None, Some(""), Some("0123456789abcdef"), Some(&KEY.to_uppercase()[..])] {
        let (status, error) = ask(&service, key, "GET /v1/channels", "").await;
        assert_eq!((status, &error["code"]), (401, &"NO_AUTHORIZED".into()));
    }
    assert_eq!(ask(&service, Some(KEY), "GET /v1/channels", "").await, (200, json!([])));
    let closed = Service::start(Config::default()).await;
    let (status, error) = ask(&closed, Some(KEY), "POST /v1/token", "{}").await;
    assert_eq!((status, error["message"].as_str().unwrap().contains("--admin-key-file")), (404, true));
}

#[tokio::test]
async fn a_token_that_is_made_here_lets_its_user_in() {
    let (service, _, app_id) = service().await;
    for version in ["006", "007"] {
        for (user, uid) in [(json!({"uid": 7}), json!(7)), (json!({"uid": 0}), json!(null)), (json!({"account": "ann"}), json!("ann"))] {
            let mut order = json!({"app_id": app_id, "channel": format!("v{version}{user}").replace(['"', ':', '{', '}'], ""), "version": version, "expire": 60});
            order.as_object_mut().unwrap().extend(user.as_object().unwrap().clone());
            let (status, issued) = ask(&service, Some(KEY), "POST /v1/token", &order.to_string()).await;
            assert_eq!(status, 200, "{issued}");
            assert!(issued["expires_at"].is_u64());
            let join = json!({"app_id": app_id, "channel": order["channel"], "uid": uid, "token": issued["token"]});
            let joined = Client::connect(&service).await.join(join).await;
            assert_eq!(joined["ok"]["resumed"], false, "{joined}");
        }
    }
}

#[tokio::test]
async fn each_wrong_order_has_its_code_and_status() {
    let (service, _, app_id) = service().await;
    let order = |changes: Value| {
        let mut order = json!({"app_id": app_id, "channel": "demo"});
        order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        order.to_string()
    };
    let cases = [
        (order(json!({"app_id": "0".repeat(32)})), 404, "INVALID_VENDOR_KEY"),
        (order(json!({"app_id": channel_server::DEFAULT_APP_ID})), 409, "ERR_STATIC_USE_DYANMIC_KE"),
        (order(json!({"channel": "a/b"})), 400, "INVALID_PARAMETER"),
        (order(json!({"uid": 7, "account": "ann"})), 400, "INVALID_PARAMETER"),
        (order(json!({"account": "é"})), 400, "ERR_INVALID_UID"),
        (order(json!({"expires": 7})), 400, "INVALID_PARAMETER"),
        (order(json!({"version": "005"})), 400, "INVALID_PARAMETER"),
        ("no json".into(), 400, "INVALID_PARAMETER"),
        (order(json!({"account": "a".repeat(20_000)})), 400, "INVALID_PARAMETER"),
    ];
    for (body, status, code) in cases {
        let (answered, error) = ask(&service, Some(KEY), "POST /v1/token", &body).await;
        assert_eq!((answered, error["code"].as_str().unwrap()), (status, code), "{body:.200}: {error}");
        assert!(error["message"].as_str().unwrap().len() > 10);
    }
}

#[tokio::test]
async fn a_ban_removes_and_keeps_out_until_it_is_ended() {
    let (service, ..) = service().await;
    let app_id = channel_server::DEFAULT_APP_ID;
    let mut ann = Client::joined(&service, 1).await;
    let _bob = Client::joined(&service, 2).await;
    let (_, channels) = ask(&service, Some(KEY), "GET /v1/channels", "").await;
    assert_eq!(channels, json!([{"app_id": app_id, "channel": "demo", "members": 2}]));
    let rule = json!({"app_id": app_id, "channel": "demo", "uid": 1, "minutes": 5}).to_string();
    let (status, effect) = ask(&service, Some(KEY), "POST /v1/ban", &rule).await;
    assert_eq!((status, &effect["members"]), (200, &1.into()));
    let removed = ann.event_named("removed").await;
    assert_eq!(removed["error"]["code"], "K_UID_BANNED");
    let again = async || Client::connect(&service).await.join(json!({"uid": 1})).await;
    assert_eq!(again().await["error"]["code"], "K_UID_BANNED");
    let (_, rules) = ask(&service, Some(KEY), &format!("GET /v1/ban/{app_id}"), "").await;
    assert_eq!((&rules[0]["id"], &rules[0]["uid"], &rules[0]["privileges"]), (&effect["id"], &1.into(), &json!(["join_channel"])));
    let end = format!("DELETE /v1/ban/{app_id}/{}", effect["id"]);
    assert_eq!(ask(&service, Some(KEY), &end, "").await.0, 200);
    assert_eq!(ask(&service, Some(KEY), &end, "").await.0, 400);
    assert_eq!(again().await["ok"]["uid"], 1);
    for wrong in
        [json!({"app_id": app_id}), json!({"app_id": app_id, "uid": 1, "seconds": 1, "minutes": 1}), json!({"app_id": "f", "uid": 1})]
    {
        assert_eq!(ask(&service, Some(KEY), "POST /v1/ban", &wrong.to_string()).await.1["code"], "INVALID_PARAMETER", "{wrong}");
    }
}

#[tokio::test]
async fn whoever_is_in_a_call_of_a_project_that_is_disabled_is_removed() {
    let (service, catalog, _) = service().await;
    let mut ann = Client::joined(&service, 1).await;
    catalog
        .edit(|projects| projects.edit(channel_server::DEFAULT_APP_ID).map(|project| project.set_enabled(false)).map_err(StoreError::from))
        .unwrap();
    let removed = ann.event_named("removed").await;
    assert_eq!(removed["error"]["code"], "INVALID_VENDOR_KEY");
    assert!(ann.closed().await.unwrap().reason.contains("no longer served"));
}

#[test]
fn no_log_line_holds_a_token_a_certificate_or_the_key() {
    let mut secrets = vec![CERTIFICATE.to_owned(), KEY.to_owned(), KEY.replace('0', "1")];
    let log = logged(|| {
        // One thread, so that every task's lines are caught.
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (service, _, app_id) = service().await;
            let order = json!({"app_id": app_id, "channel": "demo", "uid": 7}).to_string();
            let (_, issued) = ask(&service, Some(KEY), "POST /v1/token", &order).await;
            let token = issued["token"].as_str().unwrap();
            let mut client = Client::connect(&service).await;
            let forged = format!("{}AAAA", &token[..token.len() - 4]);
            for token in [&forged[..], token] {
                client.join(json!({"app_id": app_id, "uid": 7, "token": token})).await;
            }
            client.ask("renew-token", json!({"token": forged})).await;
            client.ask("renew-token", json!({"token": token})).await;
            client.ask("leave", json!({})).await;
            drop(client);
            ask(&service, Some(&KEY.replace('0', "1")), "GET /v1/channels", "").await;
            service.shut_down().await.unwrap().unwrap();
            secrets.extend([token, &forged].map(|token| token[3..].to_owned()));
        });
    });
    assert!(log.contains("joined") && log.contains("join refused") && log.contains("token made"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log: {log}");
    }
}
