//! One member: a socket, where it is in its life, and the subscriptions that it is an end of.

use std::{
    io::{self, Read, Write},
    time::Instant,
};

use mio::net::TcpStream;

use super::{Failure, wire};

/// absent → connecting → upgrading → joining → here → leaving → absent
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Absent,
    Connecting,
    Upgrading,
    Joining,
    Here,
    Leaving,
}

/// A subscription with this member at one end.
pub struct Route {
    pub subscription: String,
    /// Candidates sent and received here; each carries its number.
    pub sent: u64,
    pub received: u64,
}

pub struct Member {
    pub stage: Stage,
    /// When it began to connect.
    pub began: Instant,
    pub routes: Vec<Route>,
    socket: Option<TcpStream>,
    /// The beginning of a frame whose end has not come yet.
    unread: Vec<u8>,
}

impl Member {
    pub fn absent(now: Instant) -> Self {
        Self { stage: Stage::Absent, began: now, routes: Vec::new(), socket: None, unread: Vec::new() }
    }

    /// absent -> connecting
    pub fn connect(&mut self, socket: TcpStream, now: Instant) {
        *self = Self { stage: Stage::Connecting, socket: Some(socket), ..Self::absent(now) };
    }

    pub fn disappear(&mut self) {
        self.stage = Stage::Absent;
        self.socket = None;
    }

    /// Whether the connection is made; an error if it was refused.
    pub fn is_connected(&mut self) -> Result<bool, Failure> {
        let Some(socket) = &self.socket else { return Ok(false) };
        if let Some(error) = socket.take_error()? {
            return Err(error.into());
        }
        match socket.peer_addr() {
            Ok(_) => {
                socket.set_nodelay(true)?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes whole frames. What a member sends is little, and the system takes it at once unless the service has stopped reading.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(socket) = &mut self.socket else { return Err(Failure::Unexpected("something to send without a connection".into())) };
        match socket.write(bytes) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(_) => Err(Failure::Blocked),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Failure::Blocked),
            Err(error) => Err(error.into()),
        }
    }

    /// Appends what has arrived to `into`, which is empty; false at the connection's end. `ends`: the poll says that no more will come.
    pub fn read(&mut self, into: &mut Vec<u8>, chunk: &mut [u8], ends: bool) -> Result<bool, Failure> {
        into.append(&mut self.unread);
        let Some(socket) = &mut self.socket else { return Ok(false) };
        loop {
            match socket.read(chunk) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    into.extend_from_slice(&chunk[..read]);
                    // A read that did not fill the chunk has emptied the socket: epoll(7), question 9. The end itself needs one more.
                    if read < chunk.len() && !ends {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset && self.stage == Stage::Leaving => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub fn keep(&mut self, rest: &[u8]) {
        // A new allocation: most members keep nothing most of the time.
        self.unread = rest.to_vec();
    }

    /// Says that it leaves, and ends the WebSocket.
    pub fn leave(&mut self, leave: &str) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        wire::put_text(leave, &mut bytes);
        wire::put_close(&mut bytes);
        self.stage = Stage::Leaving;
        self.write(&bytes)
    }
}
