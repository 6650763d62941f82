//! A subscription's peer connection: the only crate that names `webrtc`.
//!
//! An [`Endpoint`] makes the two ends of a subscription. A [`Subscriber`] offers to receive a stream, a
//! [`Publisher`] answers and sends it; both trickle candidates and report through [`Event`]s. Frames and Opus
//! packets go in at one end with their capture time and come out at the other in order, repaired and timed for
//! playout.
//!
//! | module | what it does |
//! |---|---|
//! | `endpoint` | makes subscribers and publishers |
//! | `subscriber`, `publisher` | the two ends and their handles |
//! | `peer` | what both share: settings, event queue, watchdog, interceptors |
//! | `send`, `receive` | mirrored pure halves: packets, repair, pacing, rate, jitter buffers, reports |
//! | `network` | which changes of this machine's addresses take paths away, and what kind of network it is |
//! | `sync` | lips in step with the voice |
//! | `runtime` | sockets, timers and tasks under `webrtc`; DTLS flight repair; the simulated network |
//!
//! Time and tasks come from the [`Runtime`] alone, so a call runs under [`runtime::sim`]'s virtual clock as it runs
//! on sockets.

mod endpoint;
mod error;
pub mod network;
mod peer;
mod publisher;
pub mod receive;
pub mod runtime;
mod sdp;
pub mod send;
mod stats;
mod subscriber;
pub mod sync;

/// Directives for a log filter (`tracing_subscriber::EnvFilter`): the network stack warns of what is usual, such as
/// checks before candidates, and prints whole payloads as errors.
pub const LOG_FILTER: &str = "webrtc=error,webrtc::peer_connection::driver=off,rtc=error,rtc_ice=error,rtc_dtls=error,\
                              rtc_srtp=error,rtc_interceptor=error,rtc_turn=error,rtc_sctp=error";

pub use endpoint::{Config, Endpoint, IcePolicy, IceServer};
pub use error::{Error, Failure, Phase};
pub use peer::event::{Candidate, Event, Tracks};
pub use publisher::Publisher;
pub use receive::jitter_audio::Pace;
pub use runtime::{Cipher, Runtime, Tls, system_runtime};
pub use send::sharing::{Given, Sharing};
pub use stats::{ReceiveStats, ReceivedTrack, SendStats, SentTrack};
pub use subscriber::{AudioReceiver, Later, Playout, ReceivedVideo, Subscriber, VideoReceiver};
