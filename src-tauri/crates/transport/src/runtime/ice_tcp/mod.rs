//! ICE over TCP (RFC 6544) as the library may have it.
//!
//! The library listens, connects and frames; what it reads and writes goes through here, because it would wait for a stream that is full,
//! and because anybody can connect to a listener. Who connects must begin with a message of ICE ([`frame`]) and soon ([`stream`]), and
//! the strangers at a time are few ([`listener`]).

mod frame;
mod listener;
mod stream;

pub(super) use listener::Listener;
pub(super) use stream::connect;
