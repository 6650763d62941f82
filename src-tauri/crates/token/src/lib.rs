//! Agora's access tokens, versions 006 and 007: built, parsed and verified, without a clock or randomness of its own.
//!
//! 1. Every parser is total, and bounded by [`MOST_TEXT`] and [`MOST_INFLATED`]: any text is a token or a [`Refusal`], in constant space.
//! 2. Nothing a token says is believed before its signature holds; signatures are compared in constant time.
//! 3. App ID and certificate are used as the ASCII text that they are, never decoded.
//!
//! ```text
//! issue · verify     a token for a call, and the check of one: what a service needs
//! v006 · v007        the two formats, field by field
//! services           what a 007 token may speak of
//! credentials        App ID and certificate
//! bytes · envelope · mac   packing, base64 and zlib, HMAC
//! ```

mod bytes;
mod credentials;
mod envelope;
mod error;
mod issue;
mod mac;
mod services;
pub mod v006;
pub mod v007;
mod verify;

pub use credentials::Credentials;
pub use envelope::{MOST_INFLATED, MOST_TEXT};
pub use error::{BuildError, Malformed, Refusal};
pub use issue::{Order, Role, issue};
pub use services::{Body, Service};
pub use verify::{Access, Claim, Privilege, read, verify};

/// A map from privilege to expiry, as both formats carry it: absolute Unix seconds in 006, seconds after the issue in 007; 0 is no limit of its own.
pub type Privileges = std::collections::BTreeMap<u16, u32>;

/// The format of a token, which its first three characters name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V006,
    V007,
}

impl Version {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V006 => "006",
            Self::V007 => "007",
        }
    }

    /// The version of a token, and what follows it.
    pub fn split(token: &str) -> Result<(Self, &str), Malformed> {
        let known = [Self::V006, Self::V007].into_iter().find_map(|version| Some((version, token.strip_prefix(version.as_str())?)));
        known.ok_or(Malformed::Version)
    }
}

/// The longest validity that Agora gives a token or a privilege, in seconds; more counts as this.
pub const LONGEST: u64 = 24 * 3600;

#[cfg(test)]
mod vectors;
