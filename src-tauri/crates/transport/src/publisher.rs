//! The sending end of a subscription.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpFecParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use crate::endpoint::Shared;
use crate::peer::connection::Connection;
use crate::peer::event::{Candidate, Event, Tracks};
use crate::peer::handler::{self, Handler};
use crate::peer::media::Media;
use crate::peer::outbound::{Outbound, Track};
use crate::peer::settings;
use crate::peer::task::{Parts, Peer};
use crate::peer::watchdog;
use crate::sdp::SoundAgain;
use crate::send::rate;
use crate::send::sharing::Given;
use crate::{Error, Runtime, SendStats, sdp};

/// Sound and a picture worth the name.
const MIN_BITRATE_BPS: u32 = 30_000;

/// The sending end of a subscription. It answers the subscriber's offer. Dropping it closes the connection.
pub struct Publisher {
    runtime: Arc<dyn Runtime>,
    connection: Arc<Connection>,
    outbound: Arc<Outbound>,
    peer: Peer,
    sound_again: Option<SoundAgain>,
    knows_dred: bool,
}

/// Opens a connection that sends `tracks` as far as `offer` wants them, and answers.
pub(crate) async fn open(shared: &Shared, offer: &str, tracks: Tracks, start_bps: u32, max_bps: u32) -> Result<(Publisher, String), Error> {
    sdp::check(offer)?;
    let wanted = sdp::wanted(offer);
    let tracks = Tracks { audio: tracks.audio && wanted.audio, video: tracks.video && wanted.video };
    let config = &shared.config;
    let runtime = Arc::clone(&config.runtime);
    let now = runtime.now();
    let (video_ssrc, audio_ssrc) = (rand::random(), rand::random());
    let sound_again = sdp::has_format(offer, "audio", "rtx").then(rand::random);
    let rates = rate::Config { start_bps: start_bps.min(max_bps), min_bps: MIN_BITRATE_BPS.min(max_bps), max_bps };
    let outbound = Outbound::new(
        tracks.video.then(|| Track::video(video_ssrc, now)),
        tracks.audio.then(|| Track::audio(audio_ssrc, sound_again, now)),
        rates,
        shared.wall,
        now,
    );
    let (signals_in, signals) = mpsc::channel(handler::QUEUE);
    let media: Arc<dyn Media> = Arc::clone(&outbound) as Arc<dyn Media>;
    let handler = Handler::new(signals_in, Arc::clone(&media), Arc::clone(shared.ice.over_streams()));
    let chain = settings::publisher_chain(&outbound);
    let (connection, stopped) = Connection::open(config, &shared.ice, chain, handler, Arc::clone(&shared.panics)).await?;
    let limits = watchdog::Limits { connect: config.connect_deadline * 2, silence: config.silence_deadline };
    // From here on the task closes the connection whatever happens.
    let peer = Peer::start(Parts { runtime: Arc::clone(&runtime), connection: Arc::clone(&connection), media, signals, stopped, limits });
    // Tracks after the offer: they take the places that it has for them.
    connection.set_offer(&sdp::without_lone_repairs(offer)).await?;
    if tracks.audio {
        let coding = RTCRtpCodingParameters { ssrc: Some(audio_ssrc), ..RTCRtpCodingParameters::default() };
        add_track(&connection, &outbound, RtpCodecKind::Audio, settings::opus(), coding).await?;
    }
    if tracks.video {
        let fec = sdp::has_format(offer, "video", "flexfec").then(|| RTCRtpFecParameters { ssrc: rand::random() });
        let rtx = sdp::has_format(offer, "video", "rtx").then(|| RTCRtpRtxParameters { ssrc: rand::random() });
        let coding = RTCRtpCodingParameters { ssrc: Some(video_ssrc), rtx, fec, ..RTCRtpCodingParameters::default() };
        add_track(&connection, &outbound, RtpCodecKind::Video, settings::h264(), coding).await?;
    }
    let again = sound_again.map(|rtx| SoundAgain { of: audio_ssrc, rtx });
    let answer = answer(&connection, again).await?;
    let sent = sdp::sent(&answer);
    if !sent.audio && !sent.video {
        return Err(Error::NoCommonCodec);
    }
    outbound.on_negotiated(sdp::red(&answer));
    peer.begin();
    let knows_dred = sdp::knows_dred(offer);
    Ok((Publisher { runtime, connection, outbound, peer, sound_again: again, knows_dred }, answer))
}

/// Adds a track to the place that the offer has for it, if the offer has the codec.
async fn add_track(
    connection: &Connection,
    outbound: &Outbound,
    kind: RtpCodecKind,
    codec: RTCRtpCodec,
    rtp_coding_parameters: RTCRtpCodingParameters,
) -> Result<(), Error> {
    // One stream name for both tracks: the receiver keeps them in step.
    let (stream, name) = ("stream".to_owned(), kind.to_string());
    let coding = RTCRtpEncodingParameters { rtp_coding_parameters, codec, ..RTCRtpEncodingParameters::default() };
    let track = MediaStreamTrack::new(stream, name.clone(), name, kind, vec![coding]);
    let track: Arc<dyn TrackLocal> = Arc::new(TrackLocalStaticRTP::new(track));
    match connection.order("adding a track", connection.peer().add_track(Arc::clone(&track))).await {
        Ok(_) => outbound.on_local_track(track),
        // Left out: the other tracks may do.
        Err(Error::Stack { source: webrtc::error::Error::ErrRTPTransceiverCodecUnsupported, .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Answers, sending on our tracks and receiving on none.
async fn answer(connection: &Connection, again: Option<SoundAgain>) -> Result<String, Error> {
    for transceiver in connection.peer().get_transceivers().await {
        let sends = connection.order("reading a track", transceiver.sender()).await?.is_some();
        let direction = if sends { RTCRtpTransceiverDirection::Sendonly } else { RTCRtpTransceiverDirection::Inactive };
        connection.order("directing a track", transceiver.set_direction(direction)).await?;
    }
    let answer = connection.answer().await?;
    Ok(match again {
        Some(again) => again.write(&answer),
        None => answer,
    })
}

impl Publisher {
    /// Adds a candidate of the subscriber.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), Error> {
        self.connection.add_candidate(&candidate).await
    }

    /// Answers an offer that restarts ICE.
    pub async fn restart(&self, offer: &str) -> Result<String, Error> {
        self.connection.refresh_servers().await?;
        self.peer.restarts();
        self.connection.last_resort().restart();
        self.connection.set_offer(&sdp::without_lone_repairs(offer)).await?;
        let answer = answer(&self.connection, self.sound_again).await?;
        self.peer.begin();
        Ok(answer)
    }

    /// Ends the connection and frees its sockets.
    pub async fn close(&self) {
        self.peer.close().await;
    }

    /// The connection's events; `None` from the second call on.
    pub fn take_events(&mut self) -> Option<mpsc::Receiver<Event>> {
        self.peer.take_events()
    }

    /// Queues one frame of video (an access unit in Annex B). Never blocks; without room or connection the frame is
    /// dropped and counted, and a keyframe is asked for.
    pub fn send_video(&self, annex_b: &[u8], captured: Instant, keyframe: bool) {
        self.outbound.send_video(annex_b, captured, keyframe, self.runtime.now());
    }

    /// Queues one Opus packet of 20 ms. Never blocks; without connection it is dropped and counted.
    pub fn send_audio(&self, opus: &[u8], captured: Instant) {
        self.outbound.send_audio(opus, captured);
    }

    /// Whether the subscriber understands deep redundancy in Opus packets.
    pub fn knows_dred(&self) -> bool {
        self.knows_dred
    }

    /// How long a frame queued now waits until it may leave.
    pub fn queued(&self) -> Duration {
        self.outbound.queued()
    }

    /// Bounds what the connection may send, in bits per second.
    pub fn set_max(&self, max_bps: u32) {
        self.outbound.set_max(max_bps);
    }

    /// What the connection may send now, and what it has sent.
    pub fn given(&self) -> Given {
        self.outbound.given()
    }

    /// The counters so far.
    pub fn stats(&self) -> SendStats {
        self.outbound.stats()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}
