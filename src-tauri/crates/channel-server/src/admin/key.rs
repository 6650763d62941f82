//! The admin key.

use std::fmt;

use subtle::ConstantTimeEq;

/// A key that is too short, or has characters that do not fit into a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an admin key has at least {LEAST} characters, all of them printable ASCII without spaces; `openssl rand -hex 32` makes one")]
pub struct WeakKey;

const LEAST: usize = 16;

/// What opens the admin side.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey(String);

impl AdminKey {
    pub fn new(key: &str) -> Result<Self, WeakKey> {
        let good = key.len() >= LEAST && key.bytes().all(|b| b.is_ascii_graphic());
        if good { Ok(Self(key.to_owned())) } else { Err(WeakKey) }
    }

    /// Takes as long wherever the two differ; only that their lengths do is told sooner.
    pub(super) fn is(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_is_itself_and_hides() {
        let key = AdminKey::new("0123456789abcdef").unwrap();
        assert!(key.is("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(!key.is(other), "{other}");
        }
        for bad in ["", "short", "sixteen or more with spaces", "éééééééééééééééé"] {
            assert_eq!(AdminKey::new(bad), Err(WeakKey));
        }
        assert!(!format!("{key:?}").contains("0123"));
    }
}
