//! App ID and certificate.

use std::fmt;

use crate::BuildError;

/// Whether a text has the shape of an App ID or a certificate.
pub(crate) fn is_hex32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What signs a project's tokens: valid by construction, case kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    app_id: String,
    certificate: String,
}

impl Credentials {
    /// Both are 32 hexadecimal characters.
    pub fn new(app_id: &str, certificate: &str) -> Result<Self, BuildError> {
        match (is_hex32(app_id), is_hex32(certificate)) {
            (false, _) => Err(BuildError::AppId),
            (true, false) => Err(BuildError::Certificate),
            (true, true) => Ok(Self { app_id: app_id.to_owned(), certificate: certificate.to_owned() }),
        }
    }

    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The certificate itself. Whoever has it makes tokens for everyone: it belongs in no log.
    pub fn reveal_certificate(&self) -> &str {
        &self.certificate
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        self.certificate.as_bytes()
    }
}

impl fmt::Debug for Credentials {
    /// Leaves the certificate out, so that no log can carry it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.app_id)
    }
}
