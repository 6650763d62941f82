//! The receiving end of a subscription.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::mpsc;

use crate::endpoint::Shared;
use crate::peer::connection::Connection;
use crate::peer::event::{Candidate, Event, Tracks};
use crate::peer::handler::{self, Handler};
use crate::peer::inbound::{FRAME_QUEUE, Inbound};
use crate::peer::media::Media;
use crate::peer::task::{Parts, Peer};
use crate::peer::{settings, watchdog};
use crate::receive::jitter_audio::Pace;
use crate::receive::{audio, jitter_audio, video};
use crate::{Error, ReceiveStats, Runtime, sdp};

/// Candidates that came before the answer; a publisher has fewer addresses.
const MAX_EARLY_CANDIDATES: usize = 64;

/// The receiving end of a subscription. It offers; the publisher answers. Dropping it closes the connection.
pub struct Subscriber {
    runtime: Arc<dyn Runtime>,
    connection: Arc<Connection>,
    inbound: Arc<Inbound>,
    peer: Peer,
    /// `None` once the answer is applied.
    early: Mutex<Option<Vec<Candidate>>>,
    video: Option<VideoReceiver>,
    audio: Option<AudioReceiver>,
}

/// One frame of video, in decoding order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedVideo {
    /// An access unit in Annex B.
    pub data: Vec<u8>,
    /// The sender's capture time on this machine's clock, once its clock is known.
    pub captured: Option<Instant>,
    /// When the frame should be shown.
    pub render_at: Instant,
    pub keyframe: bool,
}

/// What comes next. The next is pulled when it has been played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playout {
    /// An Opus packet, to be played at this pace without a change of pitch.
    Packet { data: Vec<u8>, captured: Option<Instant>, pace: Pace },
    /// The packet of this time is lost; those that follow, the nearest first, may tell what was in it.
    Lost { later: Vec<Later> },
    /// 10 ms are to be made up: what is missing may still come.
    Late,
    /// Nothing is due for 10 ms: not started, or the sender is silent.
    Empty,
}

/// An Opus packet that is here while an earlier one is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    pub data: Vec<u8>,
    /// How many samples after the beginning of what is missing it begins, at 48 kHz: 960 for the very next.
    pub ahead: u32,
}

/// The frames of a subscription's video track.
pub struct VideoReceiver {
    frames: mpsc::Receiver<video::Frame>,
}

/// The Opus packets of a subscription's audio track.
pub struct AudioReceiver {
    inbound: Arc<Inbound>,
}

/// Opens a connection that receives `tracks`, and offers it.
pub(crate) async fn open(shared: &Shared, tracks: Tracks) -> Result<(Subscriber, String), Error> {
    let config = &shared.config;
    let runtime = Arc::clone(&config.runtime);
    let (frames_in, frames) = mpsc::channel(FRAME_QUEUE);
    let inbound = Inbound::new(tracks, rand::random(), shared.wall, frames_in, runtime.now());
    let (signals_in, signals) = mpsc::channel(handler::QUEUE);
    let media: Arc<dyn Media> = Arc::clone(&inbound) as Arc<dyn Media>;
    let handler = Handler::new(signals_in, Arc::clone(&media), Arc::clone(shared.ice.over_streams()));
    let chain = settings::subscriber_chain(&inbound);
    let (connection, stopped) = Connection::open(config, &shared.ice, chain, handler, Arc::clone(&shared.panics)).await?;
    let limits = watchdog::Limits { connect: config.connect_deadline, silence: config.silence_deadline };
    // From here on the task closes the connection whatever happens.
    let peer = Peer::start(Parts { runtime: Arc::clone(&runtime), connection: Arc::clone(&connection), media, signals, stopped, limits });
    for (kind, _) in [(RtpCodecKind::Audio, tracks.audio), (RtpCodecKind::Video, tracks.video)].into_iter().filter(|kind| kind.1) {
        let init =
            RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, streams: Vec::new(), send_encodings: Vec::new() };
        connection.order("adding a track", connection.peer().add_transceiver_from_kind(kind, Some(init))).await?;
    }
    let offer = connection.offer(false).await?;
    let subscriber = Subscriber {
        runtime,
        connection,
        peer,
        early: Mutex::new(Some(Vec::new())),
        video: tracks.video.then(|| VideoReceiver { frames }),
        audio: tracks.audio.then(|| AudioReceiver { inbound: Arc::clone(&inbound) }),
        inbound,
    };
    Ok((subscriber, offer))
}

impl Subscriber {
    /// Applies the publisher's answer, to the first offer or to a restart's.
    pub async fn set_answer(&self, answer: &str) -> Result<(), Error> {
        self.connection.set_answer(&sdp::without_lone_repairs(answer)).await?;
        self.inbound.on_negotiated(sdp::red(answer));
        let sent = sdp::sent(answer);
        if !sent.audio && !sent.video {
            return Err(Error::NoCommonCodec);
        }
        self.peer.begin();
        let early = self.early.lock().unwrap_or_else(PoisonError::into_inner).take();
        for candidate in early.into_iter().flatten() {
            // One bad candidate is no reason to refuse the answer.
            if let Err(error) = self.connection.add_candidate(&candidate).await {
                tracing::debug!(%error, "an early candidate is dropped");
            }
        }
        Ok(())
    }

    /// Adds a candidate of the publisher. One that comes before the answer is kept until then.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), Error> {
        if let Some(early) = self.early.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            if early.len() < MAX_EARLY_CANDIDATES {
                early.push(candidate);
            }
            return Ok(());
        }
        self.connection.add_candidate(&candidate).await
    }

    /// An offer that restarts ICE over fresh sockets; its answer goes to [`set_answer`](Self::set_answer).
    pub async fn restart(&self) -> Result<String, Error> {
        self.connection.last_resort().restart();
        self.connection.offer(true).await
    }

    /// There is reason to think that the publisher has moved: if nothing comes from it in a moment, the connection is
    /// [`Event::Disconnected`] at once.
    pub fn suspect(&self) {
        self.peer.suspect();
    }

    /// Ends the connection and frees its sockets.
    pub async fn close(&self) {
        self.peer.close().await;
    }

    /// The connection's events; `None` from the second call on.
    pub fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        self.peer.take_events()
    }

    /// The video track's frames; `None` from the second call on, or without video.
    pub fn take_video(&mut self) -> Option<VideoReceiver> {
        self.video.take()
    }

    /// The audio track's packets; `None` from the second call on, or without audio.
    pub fn take_audio(&mut self) -> Option<AudioReceiver> {
        self.audio.take()
    }

    /// Asks the publisher for a keyframe and hands out no frame before it; repeated requests are merged.
    pub fn request_keyframe(&self) {
        self.inbound.require_keyframe(self.runtime.now());
    }

    /// The counters so far.
    pub fn stats(&self) -> ReceiveStats {
        self.inbound.stats()
    }
}

impl VideoReceiver {
    /// Waits for the next frame; `None` when the connection is over. Not for async code.
    pub fn blocking_next(&mut self) -> Option<ReceivedVideo> {
        self.frames.blocking_recv().map(ReceivedVideo::from)
    }

    /// Waits for the next frame; `None` when the connection is over.
    pub async fn next(&mut self) -> Option<ReceivedVideo> {
        self.frames.recv().await.map(ReceivedVideo::from)
    }
}

impl AudioReceiver {
    /// What to play from `now` on; called by the playout when what came before has been played.
    pub fn pull(&mut self, now: Instant) -> Playout {
        match self.inbound.pull(now) {
            audio::Playout::Packet { data, captured, pace } => Playout::Packet { data: data.to_vec(), captured, pace },
            audio::Playout::Lost { later } => Playout::Lost { later: later.into_iter().map(Later::from).collect() },
            audio::Playout::Late => Playout::Late,
            audio::Playout::Empty => Playout::Empty,
        }
    }

    /// Holds playout back by at least `delay` beyond what the network asks for. Lip sync is kept without it.
    pub fn set_minimum_delay(&mut self, delay: Duration) {
        self.inbound.set_audio_floor(delay);
    }

    /// What is pulled is heard `delay` later: the mixer's and the device's part of lip sync.
    pub fn set_output_delay(&mut self, delay: Duration) {
        self.inbound.set_output_delay(delay);
    }
}

impl From<video::Frame> for ReceivedVideo {
    fn from(frame: video::Frame) -> Self {
        Self { data: frame.data, captured: frame.captured, render_at: frame.render_at, keyframe: frame.keyframe }
    }
}

impl From<jitter_audio::Later> for Later {
    fn from(later: jitter_audio::Later) -> Self {
        Self { data: later.payload.to_vec(), ahead: later.ahead }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}

impl fmt::Debug for VideoReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoReceiver").finish_non_exhaustive()
    }
}

impl fmt::Debug for AudioReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioReceiver").finish_non_exhaustive()
    }
}
