//! A thin safe wrapper of OpenH264's decoder (C++ object behind a table of functions): all of decode's unsafe code.
//!
//! Invariants, on which every call below relies: `decoder` points to a live object from creation to drop; the object is initialised
//! before [`Raw::new`] returns; it runs on the caller's thread, keeps no pointer into its arguments, and the planes that it hands out
//! stay as they are until the next call.

use std::ffi::{c_int, c_void};
use std::ptr;

use openh264_sys2::{
    API, DECODER_OPTION, DECODER_OPTION_ERROR_CON_IDC, DECODER_OPTION_TRACE_LEVEL, ERROR_CON_DISABLE, ISVCDecoder, ISVCDecoderVtbl,
    SBufferInfo, SDecodingParam, VIDEO_BITSTREAM_AVC, WELS_LOG_QUIET,
};

use super::Error;
use crate::library::library;

/// An initialised decoder.
pub(super) struct Raw {
    decoder: *mut ISVCDecoder,
}

// SAFETY: the object has no thread affinity, and `&mut self` on every call that changes it keeps two threads apart.
unsafe impl Send for Raw {}

/// A decoded picture, still in the decoder's memory.
pub(super) struct Picture<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Y, U, V; each reaches to the end of its last row.
    pub(super) planes: [&'a [u8]; 3],
    /// Bytes a row of Y, of U and V.
    pub(super) strides: [usize; 2],
}

impl Raw {
    pub(super) fn new() -> Result<Self, Error> {
        let mut decoder = ptr::null_mut();
        // SAFETY: the argument is a valid place for the pointer that the library writes.
        let created = unsafe { library().WelsCreateDecoder(&mut decoder) };
        if created != 0 || decoder.is_null() {
            return Err(Error::Setup("H.264"));
        }
        // From here on, dropping `raw` destroys the object.
        let mut raw = Self { decoder };
        raw.set(DECODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET)?;
        let mut parameters = SDecodingParam { eEcActiveIdc: ERROR_CON_DISABLE, ..SDecodingParam::default() };
        parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
        let initialize = raw.table().Initialize.expect("OpenH264 fills its table");
        // SAFETY: the object is live, and `parameters` is a complete structure that the library copies.
        if unsafe { initialize(raw.decoder, &parameters) } != 0 {
            return Err(Error::Setup("H.264"));
        }
        raw.set(DECODER_OPTION_ERROR_CON_IDC, ERROR_CON_DISABLE)?;
        Ok(raw)
    }

    /// Decodes one access unit and shows its picture, if it makes one.
    pub(super) fn decode(&mut self, data: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        let length = c_int::try_from(data.len()).map_err(|_| Error::Picture { state: 0 })?;
        let mut planes = [ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo::default();
        let decode = self.table().DecodeFrameNoDelay.expect("OpenH264 fills its table");
        // SAFETY: the object is live and initialised; it reads `length` bytes and writes three pointers and `info`.
        let state = unsafe { decode(self.decoder, data.as_ptr(), length, planes.as_mut_ptr(), &mut info) };
        if state != 0 {
            return Err(Error::Picture { state });
        }
        if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
            return Ok(None);
        }
        // SAFETY: the union has one member.
        let buffer = unsafe { info.UsrData.sSystemBuffer };
        let number = |value: c_int| usize::try_from(value).unwrap_or(0);
        let (width, height, strides) = (number(buffer.iWidth), number(buffer.iHeight), buffer.iStride.map(number));
        if width == 0 || height == 0 || strides[0] < width || strides[1] < width.div_ceil(2) {
            return Ok(None);
        }
        let luma = strides[0] * (height - 1) + width;
        let chroma = strides[1] * (height.div_ceil(2) - 1) + width.div_ceil(2);
        // SAFETY: status 1 says that the planes hold a picture of this size with these strides. It stays until the next call, which
        // the borrow of `self` rules out.
        let planes = unsafe {
            [
                std::slice::from_raw_parts(planes[0], luma),
                std::slice::from_raw_parts(planes[1], chroma),
                std::slice::from_raw_parts(planes[2], chroma),
            ]
        };
        Ok(Some(Picture { width: width as u32, height: height as u32, planes, strides }))
    }

    fn set(&mut self, option: DECODER_OPTION, mut value: c_int) -> Result<(), Error> {
        let set_option = self.table().SetOption.expect("OpenH264 fills its table");
        // SAFETY: the object is live, and both options that are set take an int, which the library copies.
        let code = unsafe { set_option(self.decoder, option, ptr::from_mut(&mut value).cast::<c_void>()) };
        if code == 0 { Ok(()) } else { Err(Error::Setup("H.264")) }
    }

    fn table(&self) -> &ISVCDecoderVtbl {
        // SAFETY: a live object begins with the pointer to its table, which lives as long as the program.
        unsafe { &**self.decoder }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let uninitialize = self.table().Uninitialize.expect("OpenH264 fills its table");
        // SAFETY: the object is live until the second call, and nothing uses it afterwards. The first is harmless before initialisation.
        unsafe {
            uninitialize(self.decoder);
            library().WelsDestroyDecoder(self.decoder);
        }
    }
}
