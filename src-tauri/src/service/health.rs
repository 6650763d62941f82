//! Who is on a port: one HTTP request by hand, on a connection that stays open afterwards, so that its end tells when they leave.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::signal::{HEALTH_PATH, Health, VERSION};

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A channel service that speaks our version.
    Ours,
    /// A channel service of another version.
    OtherVersion(u16),
    /// Something else, or something that does not answer.
    Stranger,
    /// The port refuses connections.
    Nobody,
}

/// The longest an honest service takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest answer worth reading, in bytes.
const LONGEST: usize = 4096;

/// A connection to a service, open for as long as that service lives.
pub struct Connection(TcpStream);

impl Connection {
    /// Waits until the other side closes the connection, or its process is gone.
    pub async fn ended(mut self) {
        let mut rest = [0; 256];
        while matches!(self.0.read(&mut rest).await, Ok(1..)) {}
    }
}

/// Asks whoever is on `address`.
pub async fn ask(address: SocketAddr) -> (Answer, Option<Connection>) {
    match tokio::time::timeout(PATIENCE, exchange(address)).await {
        Ok(answered) => answered,
        Err(_) => (Answer::Stranger, None),
    }
}

async fn exchange(address: SocketAddr) -> (Answer, Option<Connection>) {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return (Answer::Nobody, None);
    };
    let request = format!("GET {HEALTH_PATH} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return (Answer::Stranger, None);
    }
    let mut text = Vec::new();
    while text.len() < LONGEST {
        match stream.read_buf(&mut text).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        match parse(&text) {
            Parsed::Answer(answer) => return (answer, Some(Connection(stream))),
            Parsed::Incomplete => {}
        }
    }
    (Answer::Stranger, None)
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Answer(Answer),
    Incomplete,
}

/// Reads as much of an HTTP response as has come. Total: any bytes are an answer or the beginning of one.
fn parse(bytes: &[u8]) -> Parsed {
    // One that is about to stop says 503, and is ours until it does.
    let starts = |start: &[u8]| (0..start.len().min(bytes.len())).all(|at| start[at] == bytes[at]);
    if !starts(b"HTTP/1.1 200") && !starts(b"HTTP/1.1 503") {
        return Parsed::Answer(Answer::Stranger);
    }
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Parsed::Incomplete;
    };
    let mut body = serde_json::Deserializer::from_slice(&bytes[end + 4..]).into_iter::<Health>();
    match body.next() {
        Some(Ok(health)) if health.service != Health::SERVICE => Parsed::Answer(Answer::Stranger),
        Some(Ok(health)) if health.version != VERSION => Parsed::Answer(Answer::OtherVersion(health.version)),
        Some(Ok(_)) => Parsed::Answer(Answer::Ours),
        Some(Err(error)) if !error.is_eof() => Parsed::Answer(Answer::Stranger),
        Some(Err(_)) | None => Parsed::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn response(body: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn our_own_service_is_recognised() {
        let ours = response(&serde_json::to_string(&Health::ours()).unwrap());
        assert_eq!(parse(&ours), Parsed::Answer(Answer::Ours));
        for cut in 0..ours.len() {
            assert_eq!(parse(&ours[..cut]), Parsed::Incomplete, "{cut}");
        }
    }

    #[test]
    fn a_service_that_is_about_to_stop_is_ours_until_it_does() {
        let ours = serde_json::to_string(&Health::ours()).unwrap();
        let draining = String::from_utf8(response(&ours)).unwrap().replacen("200 OK", "503 Service Unavailable", 1);
        assert_eq!(parse(draining.as_bytes()), Parsed::Answer(Answer::Ours));
    }

    #[test]
    fn a_service_of_another_version_is_told_apart() {
        assert_eq!(parse(&response(r#"{"service":"visavis","version":65535}"#)), Parsed::Answer(Answer::OtherVersion(65535)));
    }

    #[test]
    fn anything_else_is_a_stranger() {
        for body in ["<html>", r#"{"service":"other","version":1}"#, r#"{"status":"ok"}"#, "[]"] {
            assert_eq!(parse(&response(body)), Parsed::Answer(Answer::Stranger), "{body}");
        }
        for start in [&b"SSH-2.0-OpenSSH"[..], b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.0 200 OK", b"\0"] {
            assert_eq!(parse(start), Parsed::Answer(Answer::Stranger), "{start:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = parse(&response(&String::from_utf8_lossy(&bytes)));
        }
    }
}
