//! What is logged, caught by thread.
//!
//! One subscriber for the whole process writes into the buffer of the thread that logs. A subscriber a test would be simpler, but
//! tracing remembers by call site whether anyone listens, and another test's end can make it forget one who still does.

use std::{cell::RefCell, io, sync::Once};

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Everything that is logged from this thread while `during` runs, at every level.
pub fn logged(during: impl FnOnce()) -> String {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        // Not `init`: that would also catch what the test's own WebSocket client says by way of the `log` crate.
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(|| Buffer).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LINES.set(Some(Vec::new()));
    during();
    String::from_utf8(LINES.take().unwrap_or_default()).unwrap()
}

/// The logging thread's lines, if it wants them.
struct Buffer;

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
