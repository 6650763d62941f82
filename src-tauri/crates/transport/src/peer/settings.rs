//! How a connection is configured: codecs, ICE timing, interceptors.

use std::sync::Arc;
use std::time::Duration;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{CongestionControlBuilder, Registry, Slot, TwccReceiverBuilder, TwccSenderBuilder};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind};
use rtc::sdp::extmap::TRANSPORT_CC_URI;
use webrtc::error::Error;
use webrtc::peer_connection::{SettingEngine, SettingEngineBuilder, SrtpProtectionProfile};

use super::inbound::Inbound;
use super::interceptor::Interceptor;
use super::media::Media;
use super::outbound::{Estimator, Outbound};
use super::repairs::WithRepairs;
use crate::IcePolicy;

/// RTP clock rates (RFC 6184 §8.1 and RFC 7587 §4.1).
pub(crate) const VIDEO_CLOCK: u32 = 90_000;
pub(crate) const AUDIO_CLOCK: u32 = 48_000;

/// Sound of RFC 2198.
pub(crate) const MIME_TYPE_RED: &str = "audio/red";
/// Sound that is sent again (RFC 4588). Browsers do not speak it, so this is agreed on between us alone.
const MIME_TYPE_AUDIO_RTX: &str = "audio/rtx";
/// A parameter of Opus that tells whoever reads deep redundancy: no standard names one yet, and its format is a draft's, whose number libopus
/// has (`DRED_EXPERIMENTAL_VERSION`). Browsers pass over it (RFC 7587 §6.1), so that it is agreed on between us alone.
pub(crate) const DRED: &str = "x-dred=12";
/// The payload types proposed for Opus and H.264.
const OPUS: u8 = 111;
const H264: u8 = 102;

/// A check each 20 ms; on loopback the first one usually succeeds.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// As many checks as the longest useful connect deadline needs (4 s): signalling may hold the other end back.
const CHECKS: u16 = 200;
/// Consent: lost after 1 s, given up after 10 s more, asked each 300 ms. An address change shows within a second.
const DISCONNECTED: Duration = Duration::from_secs(1);
const FAILED: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_millis(300);
/// How long a relay waits for a direct path to be found: there is no way back from a pair that was nominated. A check takes a round trip,
/// and people behind a firewall wait for this before they see each other.
const RELAY_WAIT: Duration = Duration::from_millis(500);
/// A repaired packet may come a round trip and a queue after its neighbours: 2 s at 2.5 Mb/s are 520 packets.
const REPLAY_WINDOW: usize = 2048;
/// The profile every WebRTC endpoint has (RFC 8827 §6.5). For an endpoint that knows no retransmissions (browsers, as far as sound goes), what
/// is sent again keeps its number and gets another transport-wide one, so it is encrypted twice with one nonce: in counter mode the same
/// bytes come out, where GCM would give away its authentication key (RFC 7714 §8.4, NIST SP 800-38D appendix A).
const SRTP: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
/// How often the subscriber tells what arrived. A bottleneck's queue grows for this long unnoticed.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);

/// The profile every WebRTC endpoint must have: constrained baseline 3.1 (RFC 7742 §6.2).
pub(crate) fn h264() -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: VIDEO_CLOCK,
        channels: 0,
        sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".to_owned(),
        rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli"), feedback("ccm", "fir"), feedback("transport-cc", "")],
    }
}

/// Opus as RFC 7587 §7 writes it; `stereo` says that stereo is welcome, mono needs no sign.
pub(crate) fn opus() -> RTCRtpCodec {
    let feedback = |typ: &str| RTCPFeedback { typ: typ.into(), parameter: String::new() };
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: AUDIO_CLOCK,
        channels: 2,
        sdp_fmtp_line: format!("minptime=10;stereo=1;useinbandfec=1;{DRED}"),
        rtcp_feedback: vec![feedback("nack"), feedback("transport-cc")],
    }
}

/// Opus that carries earlier Opus along (RFC 2198 §5). The library agrees to it whatever the other end carries in it; [`crate::sdp::red`]
/// tells what that is.
fn red() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_RED.to_owned(),
        clock_rate: AUDIO_CLOCK,
        channels: 2,
        sdp_fmtp_line: format!("{OPUS}/{OPUS}"),
        rtcp_feedback: Vec::new(),
    }
}

/// A codec's packets sent again (RFC 4588 §8.6); `payload_type` is the one that [`media_engine`] proposes for it.
fn rtx(mime_type: &str, of: &RTCRtpCodec, payload_type: u8) -> RTCRtpCodec {
    let (clock_rate, channels) = (of.clock_rate, of.channels);
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: format!("apt={payload_type}"),
        rtcp_feedback: vec![],
    }
}

/// Parity packets for pictures (RFC 8627 §5). Browsers speak an earlier draft by another name, so this is agreed on between us alone.
fn flexfec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "video/flexfec".to_owned(),
        clock_rate: VIDEO_CLOCK,
        channels: 0,
        // In microseconds: parity comes with the frame or one of the next two.
        sdp_fmtp_line: "repair-window=200000".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// The codecs and header extensions this end speaks. Payload types are proposals; the negotiated ones count.
pub(crate) fn media_engine() -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: h264(), payload_type: H264 }, RtpCodecKind::Video)?;
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: opus(), payload_type: OPUS }, RtpCodecKind::Audio)?;
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: red(), payload_type: 63 }, RtpCodecKind::Audio)?;
    let (pictures, sound) = (rtx(MIME_TYPE_RTX, &h264(), H264), rtx(MIME_TYPE_AUDIO_RTX, &opus(), OPUS));
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: pictures, payload_type: 103 }, RtpCodecKind::Video)?;
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: sound, payload_type: 104 }, RtpCodecKind::Audio)?;
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: flexfec(), payload_type: 118 }, RtpCodecKind::Video)?;
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri: TRANSPORT_CC_URI.to_owned() }, kind, None)?;
    }
    Ok(engine)
}

/// ICE, DTLS and SRTP as this project wants them.
pub(crate) fn setting_engine(policy: IcePolicy) -> SettingEngine {
    let at_once = Some(Duration::ZERO);
    let relay_wait = match policy {
        IcePolicy::All => Some(RELAY_WAIT),
        IcePolicy::Relay => at_once,
    };
    SettingEngineBuilder::new()
        .with_host_acceptance_min_wait(at_once)
        .with_srflx_acceptance_min_wait(at_once)
        .with_prflx_acceptance_min_wait(at_once)
        .with_relay_acceptance_min_wait(relay_wait)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(DISCONNECTED), Some(FAILED), Some(KEEPALIVE))
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(true)
        // A restart is asked for when the path is dead; new sockets find the interfaces that exist now.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_srtp_protection_profiles(vec![SRTP])
        .with_srtp_replay_protection_window(REPLAY_WINDOW)
        .with_srtcp_replay_protection_window(REPLAY_WINDOW)
        .build()
}

/// The subscriber's chain. Ours stands last: it takes the packets off, after the feedback has seen them.
pub(crate) fn subscriber_chain(inbound: &Arc<Inbound>) -> Registry {
    Registry::new()
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().with_interval(FEEDBACK_INTERVAL).build())
        .with(Slot::JitterBuffer, Interceptor::new(Arc::clone(inbound) as Arc<dyn Media>))
}

/// The publisher's chain. Ours stands in the pacer's place: what it releases, repairs included, is numbered and
/// recorded on its way out.
pub(crate) fn publisher_chain(outbound: &Arc<Outbound>) -> Registry {
    let control = CongestionControlBuilder::new(Estimator::new(Arc::clone(outbound))).build();
    Registry::new()
        .with(Slot::CongestionControl, WithRepairs::new(control, outbound).heard())
        .with(Slot::TwccSender, WithRepairs::new(TwccSenderBuilder::new().build(), outbound))
        .with(Slot::Pacer, Interceptor::new(Arc::clone(outbound) as Arc<dyn Media>))
}
