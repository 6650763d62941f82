//! HMAC-SHA256 (RFC 2104).

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::Malformed;

pub const LENGTH: usize = 32;

pub type Signature = [u8; LENGTH];

/// The code over the parts, one after the other.
pub fn sign(key: &[u8], parts: &[&[u8]]) -> Signature {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// In a time that does not depend on where the two differ.
pub fn same(one: &Signature, other: &Signature) -> bool {
    one.ct_eq(other).into()
}

pub fn signature(bytes: &[u8]) -> Result<Signature, Malformed> {
    bytes.try_into().map_err(|_| Malformed::Signature)
}
