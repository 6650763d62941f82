//! A client's WebSocket, open: [`frames`] over a connection.
//!
//! Whoever does not read is not read from either: before anything is read, what is to be written has been written. So the bytes that
//! wait here are those of one piece of writing and of the pongs to one read.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frames::{self, Decoder, Message, Violation};

/// Bytes read at once, on the stack of whoever reads.
const READ: usize = 16 * 1024;

/// Why nothing more comes from a client.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Violation(#[from] Violation),
}

pub struct Socket<S> {
    stream: S,
    decoder: Decoder,
    /// What was read behind the last message.
    unread: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    flushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket whose handshake is over, with messages of at most `most` bytes.
    pub fn new(stream: S, most: usize) -> Self {
        Self { stream, decoder: Decoder::new(most), unread: Vec::new(), output: Vec::new(), written: 0, flushed: true }
    }

    /// The next message; none at the end. A ping is answered by itself. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Message>, Broken> {
        let message = std::future::poll_fn(|context| self.poll_next(context)).await?;
        if let Some(Message::Ping(content)) = &message {
            self.put(|out| frames::put_pong(content, out));
        }
        Ok(message)
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Message>, Broken>> {
        loop {
            if !self.unread.is_empty() {
                let mut rest = &self.unread[..];
                let message = self.decoder.decode(&mut rest)?;
                let taken = self.unread.len() - rest.len();
                self.keep_unread(taken);
                if message.is_some() {
                    return Poll::Ready(Ok(message));
                }
            }
            ready!(self.poll_write(context))?;
            let mut chunk = [MaybeUninit::uninit(); READ];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(None));
            }
            let mut rest = chunk.filled();
            let message = self.decoder.decode(&mut rest)?;
            self.unread = rest.to_vec();
            if message.is_some() {
                return Poll::Ready(Ok(message));
            }
        }
    }

    /// Reads to the end, whatever comes; for a socket that is closed already.
    pub async fn read_to_end(&mut self) {
        std::future::poll_fn(|context| {
            loop {
                let mut chunk = [MaybeUninit::uninit(); READ];
                let mut chunk = ReadBuf::uninit(&mut chunk);
                if ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk)).is_err() || chunk.filled().is_empty() {
                    return Poll::Ready(());
                }
            }
        })
        .await
    }

    fn keep_unread(&mut self, taken: usize) {
        if taken == self.unread.len() {
            self.unread = Vec::new();
        } else {
            self.unread.drain(..taken);
        }
    }

    /// Adds frames to what [`Self::write`] writes.
    pub fn put(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.output);
        self.flushed = false;
    }

    /// How many bytes are to be written.
    pub fn to_write(&self) -> usize {
        self.output.len() - self.written
    }

    /// Writes all that was put. Cancel safe: what is left is written the next time.
    pub async fn write(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll_write(context)).await
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.output.len() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.output[self.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        if !self.flushed {
            (self.output, self.written) = (Vec::new(), 0);
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// A masked ping of a client, with a mask of zeros.
    const PING: [u8; 8] = [0x89, 0x82, 0, 0, 0, 0, b'h', b'i'];

    #[tokio::test]
    async fn a_ping_is_answered_before_anything_more_is_read() {
        let (mut client, server) = duplex(1024);
        let mut socket = Socket::new(server, 100);
        client.write_all(&PING).await.unwrap();
        assert_eq!(socket.next().await.unwrap(), Some(Message::Ping(b"hi".to_vec())));
        client.shutdown().await.unwrap();
        assert_eq!(socket.next().await.unwrap(), None);
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x8a, 2, b'h', b'i']);
    }

    #[test]
    fn a_client_that_does_not_read_its_pongs_is_not_read_from() {
        let (mut client, server) = duplex(64);
        let mut socket = Socket::new(server, 100);
        for _ in 0..1_000 {
            let wrote = client.write_all(&PING).now_or_never().is_some();
            let read = socket.next().now_or_never().is_some();
            assert!(socket.to_write() <= 64, "what waits are the answers to one read");
            if !wrote && !read {
                return;
            }
        }
        panic!("it stands still once the pipe is full both ways");
    }

    #[tokio::test]
    async fn an_abandoned_write_goes_on_where_it_was() {
        let (mut client, server) = duplex(16);
        let mut socket = Socket::new(server, 100);
        let text = "0123456789".repeat(10);
        socket.put(|out| frames::put_text(&text, out));
        assert!(socket.write().now_or_never().is_none());
        let mut read = vec![0; 102];
        let (wrote, got) = tokio::join!(socket.write(), client.read_exact(&mut read));
        wrote.unwrap();
        got.unwrap();
        assert_eq!(&read[2..], text.as_bytes());
        assert_eq!(socket.output.capacity(), 0, "nothing is kept");
    }
}
