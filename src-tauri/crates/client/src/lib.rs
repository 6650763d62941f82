//! The public API: a [`Client`] in a channel, the [`LocalStream`] it publishes and the [`RemoteStream`]s it subscribes to.
//!
//! ```text
//! client      Client: commands to the engine, answered through oneshots
//! config      Config, Codec, SubscribeOptions
//! event       Event and the queue that carries them
//! error       sentences for what the client itself refuses
//! engine      the task that owns the session, the signalling connection and the peers, and carries orders between them
//! peers       the engine's peer connections, each with a task that takes its orders one after another
//! signalling  the WebSocket to the channel service
//! tls         whom to trust under it
//! local/      capture → encode → every subscription
//! remote/     subscription → decode → newest frame, speaker
//! speaker     speakers outside a call
//! stats       what a call amounts to in numbers
//! ```
//!
//! The engine alone changes state. Handles send it commands and read the snapshot it publishes.

mod client;
mod config;
mod engine;
mod error;
mod event;
mod local;
mod peers;
mod remote;
mod signalling;
mod speaker;
mod stats;
mod tls;

pub use client::Client;
pub use config::{Codec, Config, LowStream, SubscribeOptions};
pub use event::{Event, Events};
pub use local::problem::describe;
pub use local::{InitReport, LocalStream, Lost, LostDevices, Problem, StreamSpec};
pub use remote::RemoteStream;
pub use session::ConnectionState;
pub use signal::{
    AppId, ChannelName, Code, Error, Fallback, Invalid, LeaveReason, Mode, Name, Role, StreamId, StreamInfo, StreamSource, StreamType, Uid,
};
pub use signalling::check_service;
pub use speaker::{check_speaker, test_speaker};
pub use stats::{
    CallStats, Exception, ExceptionKind, NetworkQuality, Quality, ReceivedAudio, ReceivedStats, ReceivedVideo, SentAudio, SentStats,
    SentVideo, agora,
};

// Frames, profiles and device lists are `media`'s, ids and errors `signal`'s: applications take them from here.
pub use media::{
    self, VideoFrame, capture::processing::Switches as AudioProcessing, encode::rate::Preference, latest, profile::AudioProfile,
    profile::VideoProfile,
};
pub use signal;
pub use transport::IcePolicy;
/// What a log should leave out of the libraries below.
pub use transport::LOG_FILTER;
pub use transport::network::Medium;
