//! A thin safe wrapper of OpenH264's encoder (C++ object behind a table of functions): all of encode's unsafe code.
//!
//! Invariants, on which every call below relies: `encoder` points to a live object from creation to drop; the object is initialised
//! before [`Raw::new`] returns; the library is single-threaded with these settings and keeps no pointer into its arguments after a
//! call, and it overwrites its output buffer only in the next call.

use std::ffi::{c_int, c_void};
use std::ptr;

use openh264_sys2::{
    API, CAMERA_VIDEO_REAL_TIME, CONSTANT_ID, DEBLOCKING_IDC_0, ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE,
    ENCODER_OPTION_RC_MODE, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, ENCODER_OPTION_TRACE_LEVEL, ISVCEncoder, ISVCEncoderVtbl, LOW_COMPLEXITY,
    PRO_BASELINE, RC_BITRATE_MODE, RC_MODES, RC_OFF_MODE, SBitrateInfo, SEncParamExt, SFrameBSInfo, SM_SINGLE_SLICE, SPATIAL_LAYER_ALL,
    SSourcePicture, WELS_LOG_QUIET, videoFormatI420, videoFrameTypeIDR, videoFrameTypeSkip,
};

use super::h264::{Config, Error};
use crate::{frame::VideoFrame, library::library};

/// An initialised encoder.
pub(super) struct Raw {
    encoder: *mut ISVCEncoder,
}

// SAFETY: the object has no thread affinity, and `&mut self` on every call that changes it keeps two threads apart.
unsafe impl Send for Raw {}

impl Raw {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let mut encoder = ptr::null_mut();
        // SAFETY: the argument is a valid place for the pointer that the library writes.
        check("create", unsafe { library().WelsCreateSVCEncoder(&mut encoder) })?;
        // From here on, dropping `raw` destroys the object.
        let mut raw = Self { encoder };
        let mut quiet = WELS_LOG_QUIET;
        raw.set("trace level", ENCODER_OPTION_TRACE_LEVEL, &mut quiet)?;
        let parameters = raw.parameters(config)?;
        let initialize = raw.table().InitializeExt.expect("OpenH264 fills its table");
        // SAFETY: the object is live, and `parameters` is a complete structure that the library copies.
        check("initialize", unsafe { initialize(raw.encoder, &parameters) })?;
        Ok(raw)
    }

    /// Adopts another size, rate or bitrate. A new size makes the library start over with a keyframe.
    pub(super) fn reconfigure(&mut self, config: &Config) -> Result<(), Error> {
        let mut parameters = self.parameters(config)?;
        self.set("reconfigure", ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, &mut parameters)
    }

    pub(super) fn set_bitrate(&mut self, bps: u32) -> Result<(), Error> {
        let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_ALL, iBitrate: c_int_of(bps) };
        self.set("set the bitrate", ENCODER_OPTION_BITRATE, &mut info)
    }

    pub(super) fn set_fps(&mut self, fps: u32) -> Result<(), Error> {
        let mut rate = fps as f32;
        self.set("set the frame rate", ENCODER_OPTION_FRAME_RATE, &mut rate)
    }

    /// Encodes a picture as a keyframe at this quantiser, which the library's rate control neither chooses nor counts. It may be
    /// called again for the same picture; of such keyframes the last is the one that later pictures refer to.
    ///
    /// The rate control must have seen a keyframe of this size before (any call of [`encode`](Self::encode) begins with one), or it is
    /// not set up for the pictures that follow.
    pub(super) fn encode_keyframe(&mut self, frame: &VideoFrame, config: &Config, qp: u8, at_ms: i64) -> Result<Vec<u8>, Error> {
        let mut parameters = self.parameters(config)?;
        parameters.sSpatialLayers[0].iDLayerQp = qp.into();
        self.set("choose a quantiser", ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, &mut parameters)?;
        self.set_rate_control(RC_OFF_MODE)?;
        let force = self.table().ForceIntraFrame.expect("OpenH264 fills its table");
        // SAFETY: the object is live and initialised.
        check("force a keyframe", unsafe { force(self.encoder, true) })?;
        let encoded = self.encode(frame, at_ms);
        self.set_rate_control(RC_BITRATE_MODE)?;
        match encoded? {
            Some((data, true)) => Ok(data),
            Some(_) | None => Err(Error::Library { what: "make a keyframe", code: 0 }),
        }
    }

    fn set_rate_control(&mut self, mut mode: RC_MODES) -> Result<(), Error> {
        self.set("set the rate control", ENCODER_OPTION_RC_MODE, &mut mode)
    }

    /// The access unit, Annex B, and whether it is a keyframe; `None` if the rate control skips this picture.
    pub(super) fn encode(&mut self, frame: &VideoFrame, at_ms: i64) -> Result<Option<(Vec<u8>, bool)>, Error> {
        let half = frame.width().div_ceil(2);
        let picture = SSourcePicture {
            iColorFormat: videoFormatI420,
            iStride: [c_int_of(frame.width()), c_int_of(half), c_int_of(half), 0],
            pData: [frame.y().as_ptr().cast_mut(), frame.u().as_ptr().cast_mut(), frame.v().as_ptr().cast_mut(), ptr::null_mut()],
            iPicWidth: c_int_of(frame.width()),
            iPicHeight: c_int_of(frame.height()),
            uiTimeStamp: at_ms,
            bPsnrY: false,
            bPsnrU: false,
            bPsnrV: false,
        };
        let mut output = SFrameBSInfo::default();
        let encode = self.table().EncodeFrame.expect("OpenH264 fills its table");
        // SAFETY: the object is live and initialised; the planes have the sizes given and are only read; `output` is written.
        check("encode", unsafe { encode(self.encoder, &picture, &mut output) })?;
        if output.eFrameType == videoFrameTypeSkip {
            return Ok(None);
        }
        let data = copy(&output);
        Ok((!data.is_empty()).then_some((data, output.eFrameType == videoFrameTypeIDR)))
    }

    fn parameters(&self, config: &Config) -> Result<SEncParamExt, Error> {
        let mut parameters = SEncParamExt::default();
        let defaults = self.table().GetDefaultParams.expect("OpenH264 fills its table");
        // SAFETY: the object is live and `parameters` a valid place to write.
        check("give its defaults", unsafe { defaults(self.encoder, &mut parameters) })?;
        let (width, height, bitrate) = (c_int_of(config.width), c_int_of(config.height), c_int_of(config.bitrate_bps));
        parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
        parameters.iPicWidth = width;
        parameters.iPicHeight = height;
        parameters.iTargetBitrate = bitrate;
        parameters.fMaxFrameRate = config.fps as f32;
        // Without skipping, this mode holds the bitrate as well through coarser pictures (within 1 %, down to a size's floor).
        parameters.iRCMode = RC_BITRATE_MODE;
        parameters.bEnableFrameSkip = false;
        // It leaves parts of a slowly moving picture as they were: up to 0.7 dB worse at the same bitrate.
        parameters.bEnableBackgroundDetection = false;
        parameters.iComplexityMode = LOW_COMPLEXITY;
        parameters.iMultipleThreadIdc = 1;
        // Keyframes only on request: a period, or one for each scene change, would burst onto the network unasked.
        parameters.uiIntraPeriod = 0;
        parameters.bEnableSceneChangeDetect = false;
        parameters.eSpsPpsIdStrategy = CONSTANT_ID;
        parameters.iLoopFilterDisableIdc = DEBLOCKING_IDC_0;
        let layer = &mut parameters.sSpatialLayers[0];
        layer.uiProfileIdc = PRO_BASELINE;
        layer.iVideoWidth = width;
        layer.iVideoHeight = height;
        layer.fFrameRate = config.fps as f32;
        layer.iSpatialBitrate = bitrate;
        layer.sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
        layer.sSliceArgument.uiSliceNum = 1;
        Ok(parameters)
    }

    fn set<T>(&mut self, what: &'static str, option: ENCODER_OPTION, value: &mut T) -> Result<(), Error> {
        let set_option = self.table().SetOption.expect("OpenH264 fills its table");
        // SAFETY: the object is live, each caller passes the type that its option stands for, and the library copies the value.
        check(what, unsafe { set_option(self.encoder, option, ptr::from_mut(value).cast::<c_void>()) })
    }

    fn table(&self) -> &ISVCEncoderVtbl {
        // SAFETY: a live object begins with the pointer to its table, which lives as long as the program.
        unsafe { &**self.encoder }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let uninitialize = self.table().Uninitialize.expect("OpenH264 fills its table");
        // SAFETY: the object is live until the second call, and nothing uses it afterwards. The first is harmless before initialisation.
        unsafe {
            uninitialize(self.encoder);
            library().WelsDestroySVCEncoder(self.encoder);
        }
    }
}

/// All units of the access unit, one after the other.
fn copy(output: &SFrameBSInfo) -> Vec<u8> {
    let layers = &output.sLayerInfo[..usize::try_from(output.iLayerNum).unwrap_or(0)];
    let mut data = Vec::with_capacity(usize::try_from(output.iFrameSizeInBytes).unwrap_or(0));
    for layer in layers {
        let count = usize::try_from(layer.iNalCount).unwrap_or(0);
        if count == 0 || layer.pBsBuf.is_null() {
            continue;
        }
        // SAFETY: the library has just written `count` lengths, and that many bytes in all behind `pBsBuf`; nothing called it since.
        data.extend_from_slice(unsafe {
            let lengths = std::slice::from_raw_parts(layer.pNalLengthInByte, count);
            let bytes = lengths.iter().map(|&length| usize::try_from(length).unwrap_or(0)).sum();
            std::slice::from_raw_parts(layer.pBsBuf, bytes)
        });
    }
    data
}

fn check(what: &'static str, code: c_int) -> Result<(), Error> {
    if code == 0 { Ok(()) } else { Err(Error::Library { what, code }) }
}

fn c_int_of(value: u32) -> c_int {
    c_int::try_from(value).unwrap_or(c_int::MAX)
}
