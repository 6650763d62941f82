//! Takes out of a text what nobody else should read: tokens, keys, App IDs, certificates, addresses, hosts and the home folder. Pure and
//! total; in doubt it hides.

use std::net::{IpAddr, SocketAddr};

/// As many hexadecimal digits in a row are an id or a key.
const HEX: usize = 16;

/// As many characters of base64 in a row are a secret: no word and no path has them without a break.
const BLOB: usize = 40;

/// The text without secrets. `home` is the user's folder.
pub fn redact(text: &str, home: Option<&str>) -> String {
    let homeless = match home.filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text.to_owned(),
    };
    let mut out = String::with_capacity(homeless.len());
    let mut rest = homeless.as_str();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(length);
        hide(word, &mut out);
        rest = after;
    }
    out
}

/// What a token, an address or an id is made of.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=:._-[]%@~".contains(c)
}

fn hide(word: &str, out: &mut String) {
    // A sentence's end belongs to no address.
    let mut core = word.trim_end_matches(['.', ':']);
    let end = &word[core.len()..];
    while let Some((name, value)) = pair(core) {
        out.push_str(name);
        out.push('=');
        core = value;
    }
    if let Some((scheme, place)) = core.split_once("://") {
        let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        out.push_str(scheme);
        out.push_str("://");
        if is_own(host) {
            out.push_str(host)
        } else {
            out.push_str("‹host›")
        }
        if path.len() > 1 {
            out.push_str("/…")
        }
    } else if is_token(core) {
        out.push_str("‹token›");
    } else if is_address(core) {
        if is_own(core) { out.push_str(core) } else { out.push_str("‹address›") }
    } else if is_blob(core) {
        out.push_str("‹secret›");
    } else {
        hide_keys(core, out);
    }
    out.push_str(end);
}

/// A name and its value; base64's padding is no value.
fn pair(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let named = (1..=24).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (named && !value.trim_matches('=').is_empty()).then_some((name, value))
}

fn is_token(word: &str) -> bool {
    (word.starts_with("006") || word.starts_with("007")) && word.len() >= 20
}

/// With or without port and brackets.
fn is_address(word: &str) -> bool {
    let bare = word.trim_start_matches('[').trim_end_matches(']');
    let scopeless = bare.split('%').next().unwrap_or(bare);
    word.parse::<SocketAddr>().is_ok() || scopeless.parse::<IpAddr>().is_ok() || is_hardware(word)
}

/// A network card's address: six pairs of digits.
fn is_hardware(word: &str) -> bool {
    let pairs: Vec<&str> = word.split([':', '-']).collect();
    pairs.len() == 6 && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What every machine calls itself tells nothing.
fn is_own(place: &str) -> bool {
    let ip = place.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| place.parse::<IpAddr>());
    let host = place.split(':').next().unwrap_or(place);
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

fn is_blob(word: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let mixed = word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_uppercase());
    word.len() >= BLOB && mixed && word.bytes().all(base64)
}

/// Hides each run of hexadecimal digits that is long enough.
fn hide_keys(word: &str, out: &mut String) {
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if hex >= HEX {
            out.push_str("‹key›");
            rest = &rest[hex..];
        } else {
            let step = hex.max(first.len_utf8());
            out.push_str(&rest[..step]);
            rest = &rest[step..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
    const TOKEN: &str = "007eJxTYPB+o1bPNM2W5mBqhT+dKvz1ZcUFBscc3s1Vk8Ds=";

    fn hidden(text: &str) -> String {
        redact(text, Some("/home/ann"))
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            (format!("join appId={APP_ID} token={TOKEN}"), "join appId=‹key› token=‹token›"),
            (format!("{{\"token\":\"{TOKEN}\"}}"), "{\"token\":\"‹token›\"}"),
            (format!("certificate: {APP_ID}."), "certificate: ‹key›."),
            ("peer 192.168.1.7:50000, then 10.0.0.1.".into(), "peer ‹address›, then ‹address›."),
            ("[2001:db8::1]:443 fe80::1%eth0 02:42:ac:11:00:02".into(), "‹address› ‹address› ‹address›"),
            ("wss://user:pw@calls.example:443/v1/x?y".into(), "wss://‹host›/…?y"),
            ("visavis://join?appId=970CA35de60c44645bbae8a215061b33".into(), "visavis://‹host›?appId=‹key›"),
            ("/home/ann/.config/visavis".into(), "~/.config/visavis"),
            (format!("file-{APP_ID}.y4m"), "file-‹key›.y4m"),
            ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA7".into(), "‹secret›"),
        ] {
            assert_eq!(hidden(&text), shown, "{text}");
        }
    }

    #[test]
    fn what_helps_and_harms_nobody_stays() {
        for text in [
            "2026-11-24T16:00:00.123456Z  INFO app::service: serving channels address=127.0.0.1:47880",
            "ws://127.0.0.1:47880 [::1]:80 0.0.0.0:1 localhost:2",
            "camera:Integrated Webcam (0c45:6a09) 1280x720@30",
            "Visavis 0.1.0 on Debian GNU/Linux 12, 欢迎",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_a_secret_through(before in "[ -~]{0,40}", after in "[ -~é]{0,40}") {
            for secret in [APP_ID, TOKEN] {
                let text = hidden(&format!("{before} {secret} {after}"));
                prop_assert!(!text.contains(secret), "{}", text);
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,200}") {
            let _ = hidden(&text);
        }
    }
}
