//! Agora's public builders, from npm and PyPI, against this crate: their tokens are verified here, and ours read there, over random
//! orders. `cargo xtask test` installs them and says where in `VISAVIS_TOKEN_BUILDERS`.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

use std::{
    env,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use token::{Claim, Credentials, LONGEST, Order, Privilege, Role, Version, issue, verify};

const ORDERS: usize = 200;

/// Agora's 89.
const CHANNEL: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$%&()+-:;<=.>?@[]^_{}|~,";

#[test]
fn tokens_of_agoras_npm_packages_and_ours_are_good_on_both_sides() {
    both_ways("npm", "node", "builders.js", "node");
}

#[test]
fn tokens_of_agoras_pypi_packages_and_ours_are_good_on_both_sides() {
    both_ways("PyPI", "python3", "builders.py", "python");
}

fn both_ways(registry: &str, interpreter: &str, script: &str, folder: &str) {
    let Some(packages) = env::var_os("VISAVIS_TOKEN_BUILDERS").map(|root| Path::new(&root).join(folder)).filter(|path| path.exists())
    else {
        return eprintln!(
            "skipped: tokens of Agora's builders from {registry} (`cargo xtask test` installs them where there is a network)"
        );
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = rand::random();
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let orders: Vec<Value> = (0..ORDERS).map(|_| order(&mut random, now)).collect();
    let read: Vec<Value> =
        orders.iter().flat_map(|order| [Version::V006, Version::V007].map(|version| ours(order, version, &mut random))).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/tokens").join(script);
    let answer = ask(Command::new(interpreter).arg(script).arg(packages), &json!({"make": orders, "read": read}));
    for (builder, tokens) in answer["made"].as_object().unwrap() {
        assert_eq!(tokens.as_array().unwrap().len(), ORDERS, "{builder}");
        for (token, order) in tokens.as_array().unwrap().iter().zip(&orders) {
            check(builder, token.as_str().unwrap(), order);
        }
    }
    for (verdict, token) in answer["read"].as_array().unwrap().iter().zip(&read) {
        assert_eq!(verdict, true, "{registry} cannot read {token}");
    }
}

fn text(random: &mut StdRng, alphabet: &[u8], most: usize) -> String {
    let length = random.random_range(1..=most);
    (0..length).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}

fn order(random: &mut StdRng, now: u64) -> Value {
    let ascii: Vec<u8> = (0x20..0x7f).collect();
    let uid = match random.random_range(0..4) {
        0 => json!(0),
        1 => json!(random.random_range(1..=u32::MAX)),
        2 => json!(random.random_range(1..=u32::MAX).to_string()),
        _ => json!(text(random, &ascii, 255)),
    };
    json!({
        "app_id": text(random, b"0123456789abcdefABCDEF", 1).repeat(16) + &format!("{:016x}", random.random::<u64>()),
        "certificate": format!("{:032x}", random.random::<u128>()),
        "channel": text(random, CHANNEL, 64),
        "uid": uid,
        "role": random.random_range(1..=2),
        "now": now,
        "expire": random.random_range(60..100_000),
        "privilege_expire": ([0, 30, 7_200][random.random_range(0..3)]),
    })
}

/// A uid as tokens carry it: 0 is nobody in particular.
fn uid(order: &Value) -> String {
    match &order["uid"] {
        Value::String(account) => account.clone(),
        number if *number == 0 => String::new(),
        number => number.to_string(),
    }
}

fn credentials(order: &Value) -> Credentials {
    Credentials::new(order["app_id"].as_str().unwrap(), order["certificate"].as_str().unwrap()).unwrap()
}

/// Our token for an order.
fn ours(order: &Value, version: Version, random: &mut StdRng) -> Value {
    let role = if order["role"] == 1 { Role::Publisher } else { Role::Subscriber };
    let expire = order["expire"].as_u64().unwrap().try_into().unwrap();
    let wanted = Order { version, channel: order["channel"].as_str().unwrap(), uid: &uid(order), role, expire };
    let token = issue(&credentials(order), &wanted, order["now"].as_u64().unwrap(), random.random()).unwrap();
    json!({"token": token, "order": order})
}

/// Verifies their token for an order.
fn check(builder: &str, token: &str, order: &Value) {
    let credentials = credentials(order);
    let (channel, uid, now) = (order["channel"].as_str().unwrap(), uid(order), order["now"].as_u64().unwrap());
    let claim = Claim { channel, uid: Some(&uid) };
    let access = verify(token, &credentials, claim, now).unwrap_or_else(|refusal| panic!("{builder}: {refusal}: {token} for {order}"));
    let expire = order["expire"].as_u64().unwrap().min(LONGEST);
    let limit = match order["privilege_expire"].as_u64().unwrap() {
        limit if limit > 0 && access.version == Version::V007 => limit.min(expire),
        _ => expire,
    };
    let end = access.privileges[&Privilege::Join];
    // The builders read the clock themselves, some seconds after this test did.
    assert!((now + limit..now + limit + 120).contains(&end), "{builder}: ends {} s after the order: {order}", end - now);
    assert_eq!(access.privileges.contains_key(&Privilege::PublishVideo), order["role"] == 1, "{builder}");
    assert!(verify(token, &credentials, claim, end + 1).is_err(), "{builder}: it ends");
    assert!(verify(token, &credentials, Claim { channel: "another channel", ..claim }, now).is_err(), "{builder}: another channel");
    if !uid.is_empty() {
        assert!(verify(token, &credentials, Claim { uid: Some("somebody else"), ..claim }, now).is_err(), "{builder}: another user");
    }
}

fn ask(command: &mut Command, work: &Value) -> Value {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(work.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
