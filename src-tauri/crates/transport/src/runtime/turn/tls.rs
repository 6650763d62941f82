//! The seam for TLS: whom to trust is the application's business, and the library's sockets are no concern of TLS.

use std::fmt::Debug;
use std::io;

/// Makes TLS to servers.
#[async_trait::async_trait]
pub trait Tls: Debug + Send + Sync {
    /// A session with `host`, a name or an address without brackets, that has not said anything yet.
    async fn open(&self, host: &str) -> io::Result<Box<dyn Cipher>>;
}

/// One TLS session without I/O.
pub trait Cipher: Send {
    /// Takes `plain` in, which may be empty, and appends to `wire` all that is to be sent now.
    fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()>;

    /// Takes in what came, and appends to `plain` what the server said. After it [`seal`](Self::seal) may have something to send.
    fn open(&mut self, wire: &[u8], plain: &mut Vec<u8>) -> io::Result<()>;
}
