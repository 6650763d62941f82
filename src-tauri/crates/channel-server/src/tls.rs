//! TLS for listeners: PEM files, read again when they change. Connections that exist keep what they began with; new ones get the newest
//! certificate that could be used.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject},
        },
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

/// How often the files are looked at. They are small, and a changed content, unlike a changed time, is never missed.
const LOOK: Duration = Duration::from_secs(1);

/// Why a certificate cannot be used. Always the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no PEM file of certificates: {source}", path.display())]
    Certificate { path: PathBuf, source: pem::Error },
    #[error("{} holds no certificate (a section that begins with -----BEGIN CERTIFICATE-----)", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key that can be read: {source} (it must be PEM and not encrypted)", path.display())]
    Key { path: PathBuf, source: pem::Error },
    #[error("{} and {} cannot be used together: {source}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

/// What a service shows in TLS handshakes: a certificate chain, the leaf first, and its key, from two PEM files (which may be one).
#[derive(Clone, Debug)]
pub struct Identity {
    files: Arc<Files>,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The key in use now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Identity {
    /// Reads both files. TLS 1.2 and 1.3 are spoken, and HTTP/1.1 inside.
    pub fn load(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, IdentityError> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let provider = Arc::new(ring::default_provider());
        let shown = Arc::new(Shown(RwLock::new(files.read()?.certified(&files, &provider)?)));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.expect("ring has the suites of TLS 1.2 and 1.3").with_no_client_auth().with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { files: Arc::new(files), shown, config: Arc::new(config) })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }

    /// Looks after the files for ever: shows what they hold once it changes, keeps what it has while they cannot be used, and says why.
    pub(crate) async fn watch(self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.files.read().map(|found| found.mark()).ok();
        loop {
            looks.tick().await;
            let files = self.files.clone();
            let found = tokio::task::spawn_blocking(move || files.read())
                .await
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            let mark = found.as_ref().map(Found::mark).ok();
            if mark == seen {
                continue;
            }
            seen = mark;
            self.show(found);
        }
    }

    fn show(&self, found: Result<Found, IdentityError>) {
        let provider = self.config.crypto_provider();
        match found.and_then(|found| found.certified(&self.files, provider)) {
            Ok(key) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                tracing::info!(file = %self.files.certificate.display(), "the TLS certificate changed");
            }
            Err(error) => tracing::error!(%error, "the TLS certificate changed but cannot be used; the former one stays"),
        }
    }
}

/// What the files hold.
struct Found {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(&self) -> Result<Found, IdentityError> {
        let read = |path: &Path| fs::read(path).map_err(|source| IdentityError::Read { path: path.to_owned(), source });
        Ok(Found { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }
}

impl Found {
    /// Tells contents apart without keeping the key.
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key).hash(&mut hasher);
        hasher.finish()
    }

    fn certified(&self, files: &Files, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, IdentityError> {
        let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|source| IdentityError::Certificate { path: files.certificate.clone(), source })?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate { path: files.certificate.clone() });
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| IdentityError::Key { path: files.key.clone(), source })?;
        let certified = CertifiedKey::from_der(chain, key, provider);
        certified.map(Arc::new).map_err(|source| IdentityError::Unusable {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        })
    }
}
