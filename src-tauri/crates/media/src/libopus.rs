//! A thin safe wrapper of libopus: the one place that speaks `opusic_sys`, and all of Opus's unsafe code.
//!
//! Invariants, on which every call below relies: each pointer points to a live object that this module made, from creation to drop;
//! the library has no global state that changes and keeps no pointer into its arguments after a call; it writes to a buffer no more
//! than the length that goes along.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

use opusic_sys as sys;

/// Samples of each channel a second, of all sound here.
const RATE: i32 = 48_000;

/// What the library says of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Error(c_int);

impl Error {
    pub(crate) fn text(self) -> &'static str {
        // SAFETY: the library answers any code with a text of its own that ends with a zero and lives for ever.
        unsafe { CStr::from_ptr(sys::opus_strerror(self.0)) }.to_str().unwrap_or("unknown error")
    }
}

/// A count, or what went wrong.
fn counted(code: c_int) -> Result<usize, Error> {
    usize::try_from(code).map_err(|_| Error(code))
}

fn made<T>(object: *mut T, code: c_int) -> Result<NonNull<T>, Error> {
    NonNull::new(object).ok_or(Error(if code == sys::OPUS_OK { sys::OPUS_ALLOC_FAIL } else { code }))
}

/// The library's lengths are `int`.
fn length(bytes: usize) -> c_int {
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}

/// What an encoder is asked to be good at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Application {
    Voice,
    Audio,
}

/// What is set on an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// In bits a second.
    Bitrate(i32),
    /// At what the sound was sampled, in hertz: pitches that it cannot have are not kept.
    SampledAt(i32),
    /// Whether a packet repeats the one before it, coarsely.
    InbandFec(bool),
    /// Expected, in percent.
    Loss(i32),
    /// How far back a packet describes the sound before it (DRED), in pieces of 10 ms.
    Dred(i32),
}

/// An encoder of sound at 48 kHz.
pub(crate) struct Encoder {
    raw: NonNull<sys::OpusEncoder>,
    channels: usize,
}

// SAFETY: the object has no thread affinity, and `&mut self` on every call keeps two threads apart.
unsafe impl Send for Encoder {}

impl Encoder {
    /// For one or two channels.
    pub(crate) fn new(channels: usize, application: Application) -> Result<Self, Error> {
        let application = match application {
            Application::Voice => sys::OPUS_APPLICATION_VOIP,
            Application::Audio => sys::OPUS_APPLICATION_AUDIO,
        };
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` is a valid place for what the library writes; it refuses other arguments itself.
        let raw = unsafe { sys::opus_encoder_create(RATE, length(channels), application, &mut code) };
        Ok(Self { raw: made(raw, code)?, channels })
    }

    pub(crate) fn set(&mut self, setting: Setting) -> Result<(), Error> {
        let (request, value) = match setting {
            Setting::Bitrate(bps) => (sys::OPUS_SET_BITRATE_REQUEST, bps),
            Setting::SampledAt(..=16_000) => (sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, sys::OPUS_BANDWIDTH_WIDEBAND),
            Setting::SampledAt(..=32_000) => (sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, sys::OPUS_BANDWIDTH_SUPERWIDEBAND),
            Setting::SampledAt(_) => (sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, sys::OPUS_BANDWIDTH_FULLBAND),
            Setting::InbandFec(on) => (sys::OPUS_SET_INBAND_FEC_REQUEST, c_int::from(on)),
            Setting::Loss(percent) => (sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent),
            Setting::Dred(pieces) => (sys::OPUS_SET_DRED_DURATION_REQUEST, pieces),
        };
        // SAFETY: each of these requests takes one integer.
        counted(unsafe { sys::opus_encoder_ctl(self.raw.as_ptr(), request, value) }).map(drop)
    }

    /// Encodes interleaved samples that last 2.5 to 120 ms to a packet of at most `most` bytes.
    pub(crate) fn encode(&mut self, samples: &[f32], most: usize) -> Result<Vec<u8>, Error> {
        let mut packet = vec![0; most];
        let frames = length(samples.len() / self.channels);
        // SAFETY: the library reads `frames` samples of each channel and writes at most as many bytes as `packet` has.
        let size =
            unsafe { sys::opus_encode_float(self.raw.as_ptr(), samples.as_ptr(), frames, packet.as_mut_ptr(), length(packet.len())) };
        packet.truncate(counted(size)?);
        Ok(packet)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by the library and not used any more.
        unsafe { sys::opus_encoder_destroy(self.raw.as_ptr()) }
    }
}

/// A decoder of sound at 48 kHz, interleaved.
pub(crate) struct Decoder {
    raw: NonNull<sys::OpusDecoder>,
    channels: usize,
}

// SAFETY: as with the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    /// With one or two channels of output.
    pub(crate) fn new(channels: usize) -> Result<Self, Error> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` is a valid place for what the library writes; it refuses other arguments itself.
        let raw = unsafe { sys::opus_decoder_create(RATE, length(channels), &mut code) };
        Ok(Self { raw: made(raw, code)?, channels })
    }

    /// Decodes `packet`, or what it repeats of the one before (`fec`, to as much as `out` holds); conceals that much without a packet.
    /// Answers how many samples of each channel that gave.
    pub(crate) fn decode(&mut self, packet: Option<&[u8]>, out: &mut [f32], fec: bool) -> Result<usize, Error> {
        let (data, size) = packet.map_or((ptr::null(), 0), |packet| (packet.as_ptr(), length(packet.len())));
        let frames = length(out.len() / self.channels);
        // SAFETY: the library reads at most `size` bytes and writes at most `frames` samples of each channel.
        counted(unsafe { sys::opus_decode_float(self.raw.as_ptr(), data, size, out.as_mut_ptr(), frames, c_int::from(fec)) })
    }

    /// Fills `out` (whole pieces of 2.5 ms) with the sound that begins `ahead` samples before the packet that `dred` was read from.
    pub(crate) fn restore(&mut self, dred: &Dred, ahead: usize, out: &mut [f32]) -> Result<usize, Error> {
        let frames = length(out.len() / self.channels);
        // SAFETY: `dred` holds a live object; the library writes at most `frames` samples of each channel.
        counted(unsafe {
            sys::opus_decoder_dred_decode_float(self.raw.as_ptr(), dred.read.as_ptr(), length(ahead), out.as_mut_ptr(), frames)
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by the library and not used any more.
        unsafe { sys::opus_decoder_destroy(self.raw.as_ptr()) }
    }
}

/// Whether a packet repeats the one before it.
pub(crate) fn repeats(packet: &[u8]) -> bool {
    // SAFETY: the library reads at most as many bytes as go along.
    !packet.is_empty() && unsafe { sys::opus_packet_has_lbrr(packet.as_ptr(), length(packet.len())) } == 1
}

/// What a packet describes of the sound before it (deep redundancy, draft-ietf-mlcodec-opus-dred).
pub(crate) struct Dred {
    decoder: NonNull<sys::OpusDREDDecoder>,
    read: NonNull<sys::OpusDRED>,
}

// SAFETY: as with the encoder.
unsafe impl Send for Dred {}

impl Dred {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` is a valid place for what the library writes.
        let decoder = made(unsafe { sys::opus_dred_decoder_create(&mut code) }, code)?;
        // SAFETY: likewise.
        match made(unsafe { sys::opus_dred_alloc(&mut code) }, code) {
            Ok(read) => Ok(Self { decoder, read }),
            Err(error) => {
                // SAFETY: made right above and not used any more.
                unsafe { sys::opus_dred_decoder_destroy(decoder.as_ptr()) }
                Err(error)
            }
        }
    }

    /// Reads what `packet` describes of the second before it: from the end to the beginning of that, in samples before the packet; `0..0`
    /// is nothing. All of it, since the library counts a little short of what it is asked for.
    pub(crate) fn read(&mut self, packet: &[u8]) -> Result<std::ops::Range<usize>, Error> {
        let mut end = 0;
        // SAFETY: the library reads at most as many bytes as go along; `end` is a valid place for what it writes.
        let begin = counted(unsafe {
            sys::opus_dred_parse(self.decoder.as_ptr(), self.read.as_ptr(), packet.as_ptr(), length(packet.len()), RATE, RATE, &mut end, 0)
        })?;
        Ok(counted(end)?..begin)
    }
}

impl Drop for Dred {
    fn drop(&mut self) {
        // SAFETY: both made by the library and not used any more.
        unsafe {
            sys::opus_dred_free(self.read.as_ptr());
            sys::opus_dred_decoder_destroy(self.decoder.as_ptr());
        }
    }
}
