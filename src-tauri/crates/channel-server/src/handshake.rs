//! How a WebSocket begins: with an HTTP request (RFC 6455, section 4.2).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};

/// The connection behind an upgrade.
pub type Stream = TokioIo<Upgraded>;

/// What RFC 6455 appends to a client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` for a request that opens a WebSocket; what is wrong with one that does not.
fn accept(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, &'static str> {
    let lists = |name, word: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(word))
    };
    if method != Method::GET || !lists(header::CONNECTION, "upgrade") || !lists(header::UPGRADE, "websocket") {
        return Err("A WebSocket is spoken here; ask for an upgrade to it.");
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err("This service speaks version 13 of the WebSocket protocol.");
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let key = key.ok_or("A Sec-WebSocket-Key is sixteen bytes in base64.")?;
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    Ok(HeaderValue::from_str(&STANDARD.encode(digest)).expect("base64 is ASCII"))
}

/// The answer to a request, and the connection once that has been sent; no connection if it has to be refused.
pub fn answer(mut request: Request) -> (Response, Option<OnUpgrade>) {
    let refusal = match accept(request.method(), request.headers()) {
        Ok(accept) => match request.extensions_mut().remove::<OnUpgrade>() {
            Some(upgrade) => {
                let headers = [
                    (header::CONNECTION, HeaderValue::from_static("Upgrade")),
                    (header::UPGRADE, HeaderValue::from_static("websocket")),
                    (header::SEC_WEBSOCKET_ACCEPT, accept),
                ];
                return ((StatusCode::SWITCHING_PROTOCOLS, headers).into_response(), Some(upgrade));
            }
            None => "This connection cannot become a WebSocket.",
        },
        Err(refusal) => refusal,
    };
    let headers = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
    ((StatusCode::UPGRADE_REQUIRED, headers, refusal).into_response(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: &[(&str, &str)]) -> (Method, HeaderMap) {
        let request = Request::get("/").header("Connection", "keep-alive, Upgrade").header("Upgrade", "WebSocket");
        let request = request.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        for (name, value) in changes {
            parts.headers.insert(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
        }
        (parts.method, parts.headers)
    }

    #[test]
    fn the_handshake_of_the_standards_example_is_accepted() {
        let (method, headers) = request(&[]);
        assert_eq!(accept(&method, &headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_request_that_opens_no_websocket_is_refused() {
        for change in [
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "c2hvcnQ="),
            ("sec-websocket-key", "?"),
        ] {
            let (method, headers) = request(&[change]);
            assert!(accept(&method, &headers).is_err(), "{change:?}");
        }
        assert!(accept(&Method::POST, &request(&[]).1).is_err());
    }
}
