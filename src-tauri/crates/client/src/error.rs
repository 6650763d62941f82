//! Sentences for what the client itself refuses or runs into.

use std::io;

use signal::{Code, Error};
use tokio_tungstenite::tungstenite::{
    self,
    http::{Response, StatusCode},
};

use crate::tls;

/// The engine is not there any more; it ends with the last client, or by a defect.
pub(crate) fn engine_gone() -> Error {
    Error::new(Code::InternalError, "The client has ended; make a new one.")
}

/// A WebSocket to `url` could not be opened.
pub(crate) fn connect(url: &str, cause: &tungstenite::Error) -> Error {
    use tungstenite::Error::{Http, HttpFormat, Io, Protocol, Url};
    if let Some(cause) = tls::cause(cause) {
        return tls::refused(url, cause);
    }
    match cause {
        Io(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
            Error::new(Code::SocketError, format!("Nothing listens at {url}. Start the channel service there, or correct the address."))
        }
        Io(io) => Error::new(
            Code::SocketError,
            format!("The channel service at {url} cannot be reached: {io}. Check the address and the network."),
        ),
        Http(response) => turned_away(url, response),
        Protocol(_) => Error::new(Code::PortTaken, format!("What answers at {url} is not a channel service ({cause}).")),
        Url(_) | HttpFormat(_) => {
            Error::new(Code::InvalidParameter, format!("{url} is not the address of a channel service; one looks like ws://host:47880."))
        }
        _ => Error::new(Code::SocketError, format!("The channel service at {url} cannot be reached: {cause}.")),
    }
}

/// Whoever is at `url` does not answer.
pub(crate) fn silent(url: &str) -> Error {
    Error::new(Code::SocketError, format!("The channel service at {url} does not answer. Check the address and the network."))
}

/// The answer to a request for a WebSocket was something else: a service over a limit says so itself, a proxy by its status.
fn turned_away(url: &str, response: &Response<Option<Vec<u8>>>) -> Error {
    let told = response.body().as_deref().and_then(|body| serde_json::from_slice(body).ok());
    told.unwrap_or_else(|| match response.status() {
        StatusCode::TOO_MANY_REQUESTS => {
            Error::new(Code::JoinTooFrequent, format!("{url} takes no more connections from here; wait a minute."))
        }
        status @ (StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => {
            Error::new(Code::ServiceNotReady, format!("The channel service at {url} is not available now ({status}); try again later."))
        }
        status => Error::new(Code::PortTaken, format!("What answers at {url} is not a channel service (HTTP error: {status}).")),
    })
}

/// An open WebSocket broke.
pub(crate) fn broken(cause: &tungstenite::Error) -> Error {
    match cause {
        tungstenite::Error::Capacity(_) => {
            Error::new(Code::BadMessage, format!("The channel service sent a message of more than {} bytes.", signal::MAX_MESSAGE))
        }
        _ => Error::new(Code::SocketDisconnected, format!("The connection to the channel service broke: {cause}.")),
    }
}

/// A peer connection's order failed.
pub(crate) fn transport(cause: &transport::Error) -> Error {
    let code = match cause {
        transport::Error::NoCommonCodec => Code::NotSupported,
        _ => Code::PeerConnectionFailed,
    };
    Error::new(code, sentence(&cause.to_string()))
}

/// A peer connection is over.
pub(crate) fn failure(cause: &transport::Failure) -> Error {
    Error::new(Code::PeerConnectionFailed, sentence(&cause.to_string()))
}

/// "a thing happened" → "A thing happened."
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_names_its_address() {
        let cause = tungstenite::Error::Io(io::ErrorKind::ConnectionRefused.into());
        let error = connect("ws://127.0.0.1:1/v1/channel", &cause);
        assert_eq!(error.code, Code::SocketError);
        assert!(error.message.contains("ws://127.0.0.1:1"), "{error}");
    }

    #[test]
    fn a_failure_is_told_as_a_sentence() {
        let error = failure(&transport::Failure::Silence { seconds: 10 });
        assert_eq!(error.message, "No packet for 10 s.");
    }
}
