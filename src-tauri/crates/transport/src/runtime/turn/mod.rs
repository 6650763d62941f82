//! TURN over TCP and TLS for a library that knows TURN over UDP only.
//!
//! A `turn:…?transport=tcp` or `turns:` URL is given to the library as one over UDP with a name that only the connection's guard
//! resolves, to an address that no network has ([`servers`]). What a socket sends there is carried over a stream to the server
//! ([`stream`]), framed as RFC 8656 §12.5 and RFC 8489 §6.2.2 say ([`frame`]), and what comes back seems to come from that address
//! ([`carried`]). On the way the servers' answers are read, over UDP too, for the reason of a call without a path ([`answers`]).

mod answers;
mod carried;
mod frame;
mod servers;
mod stream;
mod tls;

pub(super) use carried::Carried;
pub(crate) use carried::Carrier;
pub(crate) use servers::Servers;
pub use tls::{Cipher, Tls};
