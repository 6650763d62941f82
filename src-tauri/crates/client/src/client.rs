//! The handle that applications hold.

use signal::{Error, Mode, StreamId, Uid};

use crate::{CallStats, Codec, Config, ConnectionState, Events, LocalStream, RemoteStream, SubscribeOptions};

/// A user in at most one channel. Clones are the same client; dropping the last one leaves the channel.
#[derive(Clone, Debug)]
pub struct Client {}

impl Client {
    /// A client of the channel service on this machine.
    pub fn new(mode: Mode, codec: Codec) -> (Self, Events) {
        Self::with_config(Config { mode, codec, ..Config::default() })
    }

    /// A client by `config`. Must be called inside a tokio runtime.
    pub fn with_config(_config: Config) -> (Self, Events) {
        unimplemented!()
    }

    /// Sets the project for the next [`join`](Self::join).
    pub async fn init(&self, _app_id: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// Enters a channel; answers the uid, which the service assigns when none is given.
    pub async fn join(&self, _token: Option<&str>, _channel: &str, _uid: Option<Uid>) -> Result<Uid, Error> {
        unimplemented!()
    }

    pub async fn leave(&self) -> Result<(), Error> {
        unimplemented!()
    }

    pub async fn publish(&self, _stream: &LocalStream) -> Result<(), Error> {
        unimplemented!()
    }

    pub async fn unpublish(&self, _stream: &LocalStream) -> Result<(), Error> {
        unimplemented!()
    }

    pub async fn subscribe(&self, _stream: &StreamId, _options: SubscribeOptions) -> Result<(), Error> {
        unimplemented!()
    }

    pub async fn unsubscribe(&self, _stream: &StreamId) -> Result<(), Error> {
        unimplemented!()
    }

    pub fn connection_state(&self) -> ConnectionState {
        unimplemented!()
    }

    pub fn uid(&self) -> Option<Uid> {
        unimplemented!()
    }

    /// The subscribed streams.
    pub fn streams(&self) -> Vec<RemoteStream> {
        unimplemented!()
    }

    pub fn stats(&self) -> CallStats {
        unimplemented!()
    }
}
